//! The authorizer as a process of Lambda: the built program against a runtime interface that serves it events.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "../../payment-tasks/tests/processes/runtime_api.rs"]
mod runtime_api;

use std::process::Command;

use runtime_api::{Answer, Invoked, invoke};
use serde_json::{Value, json};

const AUTHORIZER: &str = env!("CARGO_BIN_EXE_authorizer");
const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/GET/workflows/a/executions/b";

fn event(header: &str) -> Vec<u8> {
    json!({ "type": "TOKEN", "authorizationToken": header, "methodArn": ARN }).to_string().into_bytes()
}

fn error(name: &str, message: &str) -> Answer {
    Answer::Error(json!({ "errorType": name, "errorMessage": message }))
}

/// What each audit line decided, and why. The other lines are notices about the realm's keys; nothing of what was presented is
/// in any.
#[track_caller]
fn decisions(invoked: &Invoked, presented: &[&str]) -> Vec<Value> {
    assert_eq!(invoked.out, "");
    let decision = |(number, line): (usize, &String)| {
        assert!(!presented.iter().any(|text| line.contains(text)), "{line}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no audit line: {line}"));
        assert_eq!(line["audit"], json!("claim-guard/1"));
        assert!(line["invocation"]["id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        assert!(line["configuration"].as_str().unwrap().starts_with("sha256:"), "{line}");
        // The lines of one process are numbered from its start.
        assert_eq!(line["written"]["line"], json!(number), "{line}");
        assert!(line["written"]["at_ms"].as_i64().unwrap() / 1000 >= line["at"].as_i64().unwrap(), "{line}");
        json!([line["decision"], line["reasons"][0]["code"]])
    };
    // Notices about the realm's keys come when they come.
    let is_decision = |line: &&String| !line.contains("\"notice\":\"realm-keys/1\"");
    invoked.log.iter().filter(is_decision).enumerate().map(decision).collect()
}

#[test]
fn api_gateway_sees_unauthorized_and_the_log_one_audit_line_for_each_event() {
    // Port 9 of this machine, where nobody listens.
    let environment = [
        ("REALM_ISSUER", "https://127.0.0.1:9/realms/workflows"),
        ("REALM_AUDIENCE", "workflow-api"),
        ("REALM_CLIENTS", "payment-app"),
    ];
    // {"alg":"ES256","kid":"k"} and {}: well-formed, and of a key that would have to be fetched.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.c2lnbmF0dXJl";
    let events = [
        event("Bearer hushhush.hushhush.hushhush"),
        b"{\"type\":\"TOKEN\",\"authorizationToken\":hush".to_vec(),
        b"[]".to_vec(),
        event(&format!("Bearer {token}")),
    ];
    let invoked = invoke(AUTHORIZER, &environment.map(|(name, value)| (name, value.to_owned())), &events);
    let unauthorized = || error("ClaimGuard.Rejected", "Unauthorized");
    let undecided = error("ClaimGuard.Undecided", "undecided: see the audit line");
    assert_eq!(invoked.answers, [unauthorized(), unauthorized(), unauthorized(), undecided]);
    assert_eq!(
        decisions(&invoked, &["hush", token]),
        [
            json!(["reject", "malformed_json"]),
            json!(["reject", "malformed_event"]),
            json!(["reject", "malformed_event"]),
            json!(["undecided", "keys_unreachable"]),
        ]
    );
}

#[test]
fn a_broken_environment_does_not_end_the_process() {
    let environment = [("REALM_ISSUER", "http://keycloak.example.com/realms/workflows".to_owned())];
    let invoked = invoke(AUTHORIZER, &environment, &[event("Bearer hush"), event("Bearer hush")]);
    let misconfigured = || error("ClaimGuard.Misconfigured", "misconfigured: see the audit line");
    assert_eq!(invoked.answers, [misconfigured(), misconfigured()]);
    let told = json!(["misconfigured", "malformed_environment"]);
    assert_eq!(decisions(&invoked, &["hush"]), [told.clone(), told]);
}

#[test]
fn a_panic_prints_where_it_happened_and_not_what_it_says() {
    // The runtime panics without the variables that Lambda sets.
    let output = Command::new(AUTHORIZER).env_clear().output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("panicked at ") && err.lines().count() == 1 && !err.contains("AWS_LAMBDA"), "{err}");
    assert_eq!(output.status.code(), Some(101));
}
