use claim_guard::identifier::Digest;
use serde_json::{Value, json};
use test_realm::{TestKey, key_set, with, without};

use crate::stack::{ACCESS_TOML, Stack};
use crate::support::{Served, approval_event, audit_of_nobody, guard_in, now, point, serve, token};

/// Serves a good event under a broken configuration, and looks at every reason.
async fn check(environment: &[(&str, String)], state: &str, access_toml: &str, expected: Value) {
    let stack = Stack::new();
    let event = approval_event(&token(&stack)).to_string();
    let presented = serve(&guard_in(environment, state, access_toml), event.as_bytes(), now()).await;
    let message = "misconfigured: see the audit line in the guard's log";
    assert_eq!(presented, Served::refused("ClaimGuard.Misconfigured", message, expected));
}

fn audit(reasons: Value) -> Value {
    audit_of_nobody("misconfigured", point("run-1"), json!({}), reasons)
}

#[tokio::test]
async fn j29_an_empty_environment_names_every_fault_at_once_and_answers() {
    let reasons = json!([
        { "code": "absent_configuration", "message": "`TRUST_DOMAIN` is absent" },
        { "code": "absent_configuration", "message": "`TRANSACTION_KEYS` is absent" },
        { "code": "absent_configuration", "message": "`WORKFLOW` is absent" }
    ]);
    let expected = with(audit(reasons), "/point/workflow", json!(""));
    check(&[], "ApprovePayment", ACCESS_TOML, expected.clone()).await;
    let empty = ["TRUST_DOMAIN", "TRANSACTION_KEYS", "WORKFLOW"].map(|name| (name, String::new()));
    check(&empty, "ApprovePayment", ACCESS_TOML, expected).await;
}

#[tokio::test]
async fn malformed_values_are_named_each() {
    let environment = [
        ("TRUST_DOMAIN", "two words".to_owned()),
        ("TRANSACTION_KEYS", "{".to_owned()),
        ("WORKFLOW", "pay*".to_owned()),
    ];
    let reasons = json!([
        {
            "code": "malformed_identifier",
            "message": "`TRUST_DOMAIN`: trust domain holds the forbidden character ` `"
        },
        { "code": "malformed_keys", "message": "`TRANSACTION_KEYS`: key set: expected a JSON object with an array `keys`" },
        { "code": "malformed_identifier", "message": "`WORKFLOW`: workflow holds the forbidden character `*`" },
        { "code": "malformed_identifier", "message": "`state`: state is empty" }
    ]);
    let expected = with(with(audit(reasons), "/point/workflow", json!("")), "/point/state", json!(""));
    check(&environment, "", ACCESS_TOML, expected).await;
}

#[tokio::test]
async fn a_key_of_another_kind_is_a_fault_of_the_stack() {
    let mut environment = Stack::new().environment();
    environment[1].1 = key_set([&TestKey::generate("ES384", "other")]);
    let reasons = json!([{ "code": "malformed_keys", "message": "`TRANSACTION_KEYS`: key set: no usable key" }]);
    check(&environment, "ApprovePayment", ACCESS_TOML, audit(reasons)).await;
}

#[tokio::test]
async fn a_broken_policy_names_file_line_and_key_in_one_line() {
    let access_toml =
        "[[routes]]\nmethods = 1\n[workflows.payment]\nsession = \"ignored\"\nmax_duration = \"365d\"\nlifetime = 1\n";
    let stack = Stack::new();
    let faults = claim_guard::access::AccessPolicy::parse("access.toml", access_toml).unwrap_err();
    assert!(faults.faults().len() > 1, "{faults}");
    let message = faults.to_string().replace('\n', "; ");
    let expected = without(audit(json!([{ "code": "malformed_policy", "message": message }])), "/policy");
    check(&stack.environment(), "ApprovePayment", access_toml, expected).await;
}

#[tokio::test]
async fn a_state_without_a_requirement_is_misconfigured() {
    let message = "`access.toml` declares no requirement for state `RefundPayment` of workflow `payment`";
    let expected = audit(json!([{ "code": "no_requirement", "message": message }]));
    let expected = with(expected, "/point/state", json!("RefundPayment"));
    check(&Stack::new().environment(), "RefundPayment", ACCESS_TOML, expected).await;
    let mut environment = Stack::new().environment();
    environment[2].1 = "refund".to_owned();
    let message = "`access.toml` declares no requirement for state `ApprovePayment` of workflow `refund`";
    let expected = audit(json!([{ "code": "no_requirement", "message": message }]));
    check(&environment, "ApprovePayment", ACCESS_TOML, with(expected, "/point/workflow", json!("refund"))).await;
}

#[test]
fn a_guard_that_can_decide_has_no_faults() {
    let guard = guard_in(&Stack::new().environment(), "ApprovePayment", ACCESS_TOML);
    assert_eq!(guard.faults(), &[]);
    let policy = Digest::of(ACCESS_TOML.as_bytes()).to_string();
    let line = guard.decide(b"", now()).audit.to_line();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["policy"], json!(policy));
}
