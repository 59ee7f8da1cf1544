//! Revalidation as a process of Lambda: the built program against a runtime interface that serves it events.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "../../payment-tasks/tests/processes/runtime_api.rs"]
mod runtime_api;

use std::process::Command;

use claim_guard::access::AccessPolicy;
use runtime_api::{Answer, Invoked, invoke};
use serde_json::{Map, Value, json};
use test_realm::{TestKey, key_set};

const REVALIDATION: &str = env!("CARGO_BIN_EXE_revalidation");

/// What each audit line decided, and every reason for it. There are no other lines, and nothing that was to be kept is in
/// them.
#[track_caller]
fn decisions(invoked: &Invoked) -> Vec<Value> {
    assert_eq!(invoked.out, "");
    let decision = |(number, line): (usize, &String)| {
        assert!(!line.contains("hush"), "{line}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no audit line: {line}"));
        assert_eq!(line["audit"], json!("claim-guard/1"));
        assert!(line["invocation"]["id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        assert!(line["configuration"].as_str().unwrap().starts_with("sha256:"), "{line}");
        // The lines of one process are numbered from its start.
        assert_eq!(line["written"]["line"], json!(number), "{line}");
        assert!(line["written"]["at_ms"].as_i64().unwrap() / 1000 >= line["at"].as_i64().unwrap(), "{line}");
        let codes = line["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].clone());
        json!([line["decision"], codes.collect::<Vec<_>>()])
    };
    invoked.log.iter().enumerate().map(decision).collect()
}

fn machine(workflow: &str) -> String {
    format!("arn:aws:states:eu-central-1:111122223333:stateMachine:payments-{workflow}")
}

/// A whole environment, whose realm is on port 9 of this machine, where nobody listens.
fn environment() -> Vec<(&'static str, String)> {
    let key = TestKey::kms();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml")).unwrap();
    let workflows = policy.workflows().map(|workflow| workflow.name().as_str());
    let machines: Map<String, Value> = workflows.map(|name| (name.to_owned(), json!(machine(name)))).collect();
    vec![
        ("REALM_ISSUER", "https://127.0.0.1:9/realms/workflows".to_owned()),
        ("REALM_AUDIENCE", "workflow-api".to_owned()),
        ("REALM_CLIENTS", "payment-app".to_owned()),
        ("REVALIDATION_CLIENT", "workflow-revalidation".to_owned()),
        ("CLIENT_KEY_ID", "of-the-client".to_owned()),
        ("CLIENT_SIGNING_KEY", "arn:aws:kms:eu-central-1:111122223333:key/44444444-5555-6666".to_owned()),
        ("TRUST_DOMAIN", "payments.111122223333.eu-central-1".to_owned()),
        ("TRANSACTION_KEYS", key_set([&key])),
        ("TRANSACTION_KEY_ID", key.kid().to_owned()),
        ("TRANSACTION_SIGNING_KEY", "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333".to_owned()),
        ("WORKFLOW_STATE_MACHINES", Value::Object(machines).to_string()),
    ]
}

fn event(token: &str) -> Vec<u8> {
    json!({
        "transactionToken": token,
        "context": {
            "execution": "arn:aws:states:eu-central-1:111122223333:execution:payments-payment:run-1",
            "stateMachine": machine("payment"),
            "state": "Revalidate ApprovePayment",
        },
        "renew": { "state": "ApprovePayment", "cause": "expired" },
    })
    .to_string()
    .into_bytes()
}

fn refused(name: &str) -> Answer {
    let message = format!("{}: see the audit line in the log of revalidation", name.to_lowercase());
    Answer::Error(json!({ "errorType": format!("ClaimGuard.{name}"), "errorMessage": message }))
}

#[test]
fn the_state_machine_sees_error_names_and_the_log_one_audit_line_for_each_event() {
    let events = [event("hushhush.hushhush.hushhush"), b"{\"transactionToken\":hush".to_vec(), b"[\"hush\"]".to_vec()];
    let invoked = invoke(REVALIDATION, &environment(), &events);
    assert_eq!(invoked.answers, [refused("Rejected"), refused("Misconfigured"), refused("Misconfigured")]);
    assert_eq!(
        decisions(&invoked),
        [
            json!(["reject", ["malformed_json"]]),
            json!(["misconfigured", ["malformed_event"]]),
            json!(["misconfigured", ["malformed_event"]]),
        ]
    );
}

#[test]
fn a_broken_environment_does_not_end_the_process_and_is_told_whole() {
    let broken: Vec<_> = environment().into_iter().filter(|(name, _)| !name.starts_with("REALM_")).collect();
    let invoked = invoke(REVALIDATION, &broken, &[event("hush"), event("hush")]);
    assert_eq!(invoked.answers, [refused("Misconfigured"), refused("Misconfigured")]);
    let told = json!(["misconfigured", ["malformed_environment", "malformed_environment", "malformed_environment"]]);
    assert_eq!(decisions(&invoked), [told.clone(), told]);
}

#[test]
fn an_issuer_that_is_no_realm_of_keycloak_is_told_as_a_broken_environment() {
    let elsewhere = environment().into_iter().map(|(name, value)| match name {
        "REALM_ISSUER" => (name, "https://127.0.0.1:9/tenants/workflows".to_owned()),
        _ => (name, value),
    });
    let invoked = invoke(REVALIDATION, &elsewhere.collect::<Vec<_>>(), &[event("hush")]);
    assert_eq!(invoked.answers, [refused("Misconfigured")]);
    assert_eq!(decisions(&invoked), [json!(["misconfigured", ["malformed_environment"]])]);
}

#[test]
fn a_panic_prints_where_it_happened_and_not_what_it_says() {
    // The runtime panics without the variables that Lambda sets.
    let output = Command::new(REVALIDATION).env_clear().output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("panicked at ") && err.lines().count() == 1 && !err.contains("AWS_LAMBDA"), "{err}");
    assert_eq!(output.status.code(), Some(101));
}
