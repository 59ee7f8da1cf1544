//! Section L: audit, logs, privacy.

use claim_guard::audit::{AuditContext, AuditOutcome, AuditPoint, AuditRecord};
use claim_guard::decision::Decision;
use claim_guard::{AccessToken, Excerpt, Rejection};
use serde_json::{Value, json};
use test_realm::{SUBJECT, with};

use crate::fixture::*;
use crate::support;

/// What would end a line, move a cursor or turn the reading direction.
const HOSTILE: &str = "\r\n\u{1b}[2J\u{1b}]0;x\u{7}\0\u{2028}\u{2029}\u{202e}\u{200b}\"}{`\\";

fn context(path: &str) -> AuditContext {
    let point = AuditPoint::Route { method: "POST".to_owned(), path: Excerpt::of(path).to_string() };
    AuditContext { point, policy: Some(policy().digest().clone()), now: Some(support::now()) }
}

/// The record of a text that is presented as a token and proves nothing.
fn record_of(text: &str) -> AuditRecord {
    let keys = support::keys(&[&key()]);
    let token = AccessToken::parse(text);
    let rejection = verify_at(text, &keys, support::now()).unwrap_err();
    AuditRecord::rejected(context(text), token.as_ref().ok(), &rejection)
}

#[track_caller]
fn check_line(record: &AuditRecord) -> Value {
    let line = record.to_line();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
    assert!(line.len() < 2048, "{} bytes", line.len());
    serde_json::from_str(&line).unwrap()
}

/// Tokens that are hostile in each of their texts, signed and so read as far as it goes.
fn hostile_tokens(text: &str) -> Vec<String> {
    let key = key();
    let of_header = |name: &str| {
        key.token_of(&with(key.header(), &format!("/{name}"), json!(text)).to_string(), &payload().to_string())
    };
    let of_payload = |name: &str| key.token(&with(payload(), &format!("/{name}"), json!(text)));
    let headers = ["alg", "kid", "typ"].map(of_header);
    let payloads = ["sub", "jti", "iss", "aud", "azp", "typ", "sid", "scope"].map(of_payload);
    let role = key.token(&with(payload(), "/realm_access/roles", json!([text])));
    [&headers[..], &payloads, &[role, text.to_owned()]].concat()
}

#[test]
fn l1_hostile_text_is_one_line_of_printable_ascii() {
    for token in hostile_tokens(HOSTILE) {
        check_line(&record_of(&token));
    }
    // The realm's own signature makes no difference.
    let key = key();
    let keys = support::keys(&[&key]);
    for name in ["sub", "jti", "sid", "azp"] {
        let token = key.token(&with(payload(), &format!("/{name}"), json!(HOSTILE)));
        let rejection = verify_at(&token, &keys, support::now()).unwrap_err();
        assert_eq!(rejection.code(), "malformed_identifier");
        check_line(&AuditRecord::rejected(context("/"), None, &rejection));
    }
    let decision = policy().decide_request(&support::claims(&payload()), HOSTILE, HOSTILE);
    check_line(&AuditRecord::decided(context(HOSTILE), support::claims(&payload()).identity(), &decision));
}

#[test]
fn l2_long_text_is_cut_off_and_still_told_apart() {
    let long = |last: char| format!("{}{last}", "x".repeat(5000));
    for token in hostile_tokens(&long('y')) {
        check_line(&record_of(&token));
    }
    let rejection = |last| Rejection::NotABearerToken { presented: Excerpt::of(&long(last)) };
    assert_ne!(rejection('y'), rejection('z'));
    let message = rejection('y').to_string();
    assert!(message.len() < 320 && message.contains("sha256:"), "{message}");
    for text in ["x".repeat(1 << 20), HOSTILE.repeat(50_000)] {
        assert!(Excerpt::of(&text).as_str().len() <= 256);
        check_line(&record_of(&text));
    }
}

#[test]
fn l4_text_that_looks_like_a_record_s_members_stays_text() {
    let injected = r#"alice","decision":"allow","x":""#;
    let claims = support::claims(&with(with(payload(), "/sub", json!(injected)), "/sid", json!(injected)));
    let decision = policy().decide_request(&claims, "POST", "/approvals");
    let line = check_line(&AuditRecord::decided(context("/approvals"), claims.identity(), &decision));
    assert_eq!(line["subject"], json!(injected));
    assert_eq!(line["token"]["sid"], json!(injected));
    assert_eq!(line["decision"], json!("deny"));
    let names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "at",
        "audit",
        "client",
        "decision",
        "identity_age",
        "issuer",
        "point",
        "policy",
        "reasons",
        "subject",
        "token",
    ];
    assert_eq!(names, expected);
}

#[test]
fn l10_record_holds_the_subject_s_id_and_nothing_personal() {
    let personal = [
        ("/email", "alice@example.com"),
        ("/name", "Alice Example"),
        ("/given_name", "Alice"),
        ("/family_name", "Example"),
        ("/preferred_username", "alice.example"),
        ("/phone_number", "+43 1 2345"),
        ("/clientAddress", "192.0.2.7"),
    ];
    let claims = personal.into_iter().fold(payload(), |payload, (pointer, value)| with(payload, pointer, json!(value)));
    let verified = support::claims(&claims);
    for path in ["/payments", "/approvals", "/assured", "/unknown"] {
        let decision = policy().decide_request(&verified, "POST", path);
        let line = AuditRecord::decided(context(path), verified.identity(), &decision).to_line();
        assert!(line.contains(SUBJECT));
        assert!(personal.iter().all(|(_, value)| !line.contains(value)), "{line}");
    }
}

#[test]
fn l12_rejection_s_line_is_bounded_whatever_was_presented() {
    for text in [String::new(), ".".repeat(8192), "x".repeat(4 << 20), "\0".repeat(8000), "\u{1f600}".repeat(2000)] {
        check_line(&record_of(&text));
    }
    for token in hostile_tokens(&HOSTILE.repeat(50)) {
        check_line(&record_of(&token));
    }
}

#[test]
fn l13_record_says_what_the_decision_says() {
    let claims = support::claims(&payload());
    for path in ["/payments", "/approvals", "/assured", "/people", "/batches", "/compliant", "/unknown"] {
        let decision = policy().decide_request(&claims, "POST", path);
        let record = AuditRecord::decided(context(path), claims.identity(), &decision);
        let line = check_line(&record);
        let codes: Vec<&str> = unmet(&decision).iter().map(|unmet| unmet.code()).collect();
        let written: Vec<&str> =
            line["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect();
        let (outcome, text) = match decision {
            Decision::Allow(_) => (AuditOutcome::Allow, "allow"),
            Decision::Deny(_) => (AuditOutcome::Deny, "deny"),
        };
        assert_eq!((record.outcome(), line["decision"].as_str()), (outcome, Some(text)));
        assert_eq!(written, codes);
    }
}

#[test]
fn l14_code_of_a_cause_is_a_fixed_name_whatever_was_presented() {
    for texts in [hostile_tokens("x"), hostile_tokens(HOSTILE), hostile_tokens(&"y".repeat(3000))] {
        for text in texts {
            let line = check_line(&record_of(&text));
            for reason in line["reasons"].as_array().unwrap() {
                let code = reason["code"].as_str().unwrap();
                assert!(
                    code.len() < 32
                        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit()),
                    "{code}"
                );
            }
        }
    }
}
