use serde_json::Value;

/// More than any audit line of a bounded input needs.
const MAX_AUDIT_BYTES: usize = 32 * 1024;

/// More than any one cause has to say.
const MAX_MESSAGE_BYTES: usize = 2048;

/// A message is one short line without control characters.
#[track_caller]
pub(crate) fn is_message(text: &str) {
    assert!(!text.is_empty() && text.len() <= MAX_MESSAGE_BYTES, "{} bytes: {text}", text.len());
    assert!(text.chars().all(|c| !c.is_control() && c != '\u{2028}' && c != '\u{2029}'), "{text:?}");
}

/// An audit line is one bounded line of JSON, says what was decided, holds no token, and tells of no caught panic.
#[track_caller]
pub(crate) fn is_audit(line: &str, token: &str) -> Value {
    assert!(!line.contains(['\n', '\r', '\u{2028}', '\u{2029}']), "{line:?}");
    assert!(line.len() <= MAX_AUDIT_BYTES, "{} bytes", line.len());
    assert!(!leaks(line, token), "{line}");
    let json: Value = serde_json::from_str(line).expect("an audit line is JSON");
    assert_eq!(json.get("audit"), Some(&Value::from("claim-guard/1")), "{line}");
    let decisions = ["allow", "deny", "reject", "identity_expired", "undecided", "misconfigured"];
    let decision = json.get("decision").and_then(Value::as_str).unwrap_or_default();
    assert!(decisions.contains(&decision), "{line}");
    let reasons = json.get("reasons").and_then(Value::as_array).map_or(0, Vec::len);
    // What has changed is told with a statement that is renewed.
    let renewed = json.pointer("/point/kind").is_some_and(|kind| kind == "revalidation") && decision == "allow";
    assert!(renewed || (reasons == 0) == (decision == "allow"), "{line}");
    assert!(!line.contains("\"code\":\"panicked\""), "{line}");
    json
}

/// Whether a text holds the token or its signature. What is shorter than an excerpt may be quoted, so it does not count.
pub(crate) fn leaks(text: &str, token: &str) -> bool {
    const LONGEST_EXCERPT: usize = 96;
    const ES256_SIGNATURE: usize = 86;
    let signature = token.rsplit('.').next().unwrap_or_default();
    (token.len() > LONGEST_EXCERPT && text.contains(token))
        || (signature.len() == ES256_SIGNATURE && text.contains(signature))
}
