//! A policy's decisions: on routes, starts, executions and states.

use serde_json::{Value, json};

use super::messages;
use crate::access::{AccessPolicy, Workflow};
use crate::claims::Identity;
use crate::decision::policy::{
    on_execution, on_execution_of_another, on_execution_of_own_name, on_request, on_start, on_state,
};
use crate::decision::test_identity::{identity, object};
use crate::decision::{Decision, Grant, Starter};
use crate::identifier::{Issuer, StateName, Subject, TransactionId, WorkflowName};

const POLICY: &str = r#"
[[routes]]
method = "POST"
path = "/workflows/{workflow}/executions"
roles = ["realm:employee"]
any_role = ["api:start", "api:operate"]
claims = ["compliance.kyc = true"]

[[routes]]
method = "GET"
path = "/health"
any_verified_caller = true

[workflows.payment]
session = "ignored"
max_duration = "365d"
describe = ["api:audit", "api:operate"]

[workflows.payment.start]
roles = ["api:start", "realm:employee"]
any_role = ["realm:eu", "realm:us"]
claims = ["compliance.kyc = true", "project_id = input.project_id"]

[workflows.payment.states.Approve]
roles = ["api:approve"]
claims = ["compliance.level >= 2"]

[workflows.payment.states.Wait]
any_verified_caller = true

[workflows.refund]
session = "ignored"
max_duration = "365d"
start = { any_verified_caller = true }
states.Refund.claims = ["project_id = input.project_id"]
"#;

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).expect("a policy")
}

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).expect("a workflow")
}

fn state(name: &str) -> StateName {
    StateName::parse(name).expect("a state")
}

fn everything() -> Identity {
    identity(
        &["realm:employee", "realm:eu", "api:start", "api:approve", "api:audit", "api:operate", "api:other"],
        json!({ "compliance": { "kyc": true, "level": 2, "other": 1 }, "project_id": "apollo", "email": "x" }),
    )
}

#[track_caller]
fn granted(decision: Decision) -> Grant {
    assert_eq!(messages(&decision), Vec::<String>::new());
    match decision {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

#[track_caller]
fn check(decision: &Decision, expected: &[&str]) {
    assert_eq!(messages(decision), expected);
}

#[track_caller]
fn check_grant(grant: &Grant, roles: &[&str], claims: Value) {
    let held: Vec<String> = grant.roles().iter().map(ToString::to_string).collect();
    assert_eq!((held, grant.claims().to_map()), (roles.iter().map(ToString::to_string).collect(), object(claims)));
}

#[test]
fn a_grant_names_the_identity_and_what_was_asked_of_it() {
    let mut alice = everything();
    alice.transaction = Some(TransactionId::parse("txn-1").expect("a transaction"));
    let grant = granted(on_request(&policy(), &alice, "POST", "/workflows/payment/executions"));
    check_grant(&grant, &["realm:employee", "api:operate", "api:start"], json!({ "compliance": { "kyc": true } }));
    assert_eq!(
        [grant.issuer().as_str(), grant.subject().as_str(), grant.client().as_str(), grant.token_id().as_str()],
        ["https://id.example/realms/workflows", "alice", "payment-app", "onrtac:1"]
    );
    assert_eq!(grant.session_id().map(ToString::to_string).as_deref(), Some("session-1"));
    assert_eq!(grant.transaction().map(ToString::to_string).as_deref(), Some("txn-1"));
    assert_eq!((grant.issued_at().seconds(), grant.expires_at().seconds()), (1_000, 1_300));
}

#[test]
fn a_route_lists_everything_that_is_unmet_in_its_order() {
    check(
        &on_request(&policy(), &identity(&["api:audit"], json!({})), "POST", "/workflows/payment/executions"),
        &[
            "role `realm:employee` is missing",
            "none of the roles `api:start api:operate` is there",
            "claim `compliance.kyc` is absent, expected `compliance.kyc = true`",
        ],
    );
    let one_of_two = identity(&["realm:employee", "api:operate"], json!({ "compliance": { "kyc": true } }));
    check(&on_request(&policy(), &one_of_two, "POST", "/workflows/payment/executions"), &[]);
}

#[test]
fn a_request_without_a_route_is_denied() {
    for (method, path) in
        [("GET", "/workflows/payment/executions"), ("POST", "/health"), ("GET", "/health/"), ("GET", "/")]
    {
        let expected = format!("the policy has no route for `{method} {path}`");
        check(&on_request(&policy(), &everything(), method, path), &[&expected]);
    }
    let nobody = AccessPolicy::parse("access.toml", "").expect("an empty policy");
    check(&on_request(&nobody, &everything(), "GET", "/health"), &["the policy has no route for `GET /health`"]);
}

#[test]
fn any_verified_caller_may_call_a_route_that_asks_for_nothing_else() {
    let grant = granted(on_request(&policy(), &identity(&[], json!({})), "GET", "/health"));
    check_grant(&grant, &[], json!({}));
    check_grant(&granted(on_request(&policy(), &everything(), "GET", "/health")), &[], json!({}));
}

#[test]
fn the_grant_of_a_start_carries_what_the_workflow_names() {
    let input = object(json!({ "project_id": "apollo" }));
    let grant = granted(on_start(&policy(), &everything(), &workflow("payment"), &input));
    check_grant(
        &grant,
        &["realm:employee", "realm:eu", "api:approve", "api:start"],
        json!({ "compliance": { "kyc": true, "level": 2 }, "project_id": "apollo" }),
    );
    let grant = granted(on_start(&policy(), &everything(), &workflow("refund"), &input));
    check_grant(&grant, &[], json!({ "project_id": "apollo" }));
}

#[test]
fn a_start_lists_everything_that_is_unmet_in_its_order() {
    check(
        &on_start(
            &policy(),
            &identity(&[], json!({ "compliance": { "kyc": "true" }, "project_id": "gemini" })),
            &workflow("payment"),
            &object(json!({ "project_id": "apollo" })),
        ),
        &[
            "role `api:start` is missing",
            "role `realm:employee` is missing",
            "none of the roles `realm:eu realm:us` is there",
            "claim `compliance.kyc` is of type `text`, expected `boolean`",
            "claim `project_id` is `\"gemini\"`, expected `= \"apollo\"`",
        ],
    );
    check(
        &on_start(&policy(), &everything(), &workflow("payment"), &object(json!({}))),
        &["the input has nothing to compare with, expected `project_id = input.project_id`"],
    );
}

#[test]
fn an_unknown_workflow_is_denied_everything() {
    let unknown = workflow("payments");
    let expected = &["the policy has no workflow `payments`"];
    let starter = Starter::of(&everything());
    check(&on_start(&policy(), &everything(), &unknown, &object(json!({}))), expected);
    check(&on_execution(&policy(), &everything(), &unknown, &starter, Workflow::describe), expected);
    check(&on_state(&policy(), &everything(), &unknown, &unknown, &state("Wait"), &object(json!({}))), expected);
}

#[test]
fn the_starter_may_describe_and_stop_without_any_role() {
    let alice = identity(&[], json!({ "project_id": "apollo" }));
    for roles in [Workflow::describe, Workflow::stop] {
        let grant = granted(on_execution(&policy(), &alice, &workflow("payment"), &Starter::of(&alice), roles));
        check_grant(&grant, &[], json!({}));
    }
}

#[test]
fn whoever_did_not_start_an_execution_needs_a_role() {
    let alice = identity(&[], json!({}));
    let mut bob = identity(&["api:start"], json!({}));
    bob.subject = Subject::parse("bob").expect("a subject");
    // The same subject of another realm is somebody else.
    let mut stranger = identity(&[], json!({}));
    stranger.issuer = Issuer::parse("https://id.example/realms/other").expect("an issuer");
    let started = Starter::of(&alice);
    let not = |who: &str| {
        format!("the execution was started by `alice of https://id.example/realms/workflows`, not by `{who}`")
    };
    let (not_bob, not_stranger) =
        (not("bob of https://id.example/realms/workflows"), not("alice of https://id.example/realms/other"));
    let none = "none of the roles `api:audit api:operate` is there";
    let decide = |who: &Identity, roles| on_execution(&policy(), who, &workflow("payment"), &started, roles);
    check(&decide(&bob, Workflow::describe), &[&not_bob, none]);
    check(&decide(&bob, Workflow::stop), &[&not_bob]);
    check(&decide(&stranger, Workflow::describe), &[&not_stranger, none]);
    check(&decide(&stranger, Workflow::stop), &[&not_stranger]);

    let mut auditor = identity(&["api:audit", "api:start"], json!({}));
    auditor.subject = Subject::parse("erin").expect("a subject");
    check_grant(&granted(decide(&auditor, Workflow::describe)), &["api:audit"], json!({}));
    check(&decide(&auditor, Workflow::stop), &[&not("erin of https://id.example/realms/workflows")]);
}

#[test]
fn an_execution_of_another_is_decided_on_by_the_workflow_s_roles_alone() {
    let alice = "the execution was started by another than `alice of https://id.example/realms/workflows`";
    let none = "none of the roles `api:audit api:operate` is there";
    let decide = |who: &Identity, roles| on_execution_of_another(&policy(), who, &workflow("payment"), roles);
    check(&decide(&identity(&["api:start"], json!({})), Workflow::describe), &[alice, none]);
    let auditor = identity(&["api:audit", "api:start"], json!({}));
    check_grant(&granted(decide(&auditor, Workflow::describe)), &["api:audit"], json!({}));
    check(&decide(&auditor, Workflow::stop), &[alice]);
    let unknown = on_execution_of_another(&policy(), &auditor, &workflow("payments"), Workflow::describe);
    check(&unknown, &["the policy has no workflow `payments`"]);
    let own = on_execution_of_own_name(&policy(), &auditor, &workflow("payments"), Workflow::stop);
    check(&own, &["the policy has no workflow `payments`"]);
    let own = on_execution_of_own_name(&policy(), &auditor, &workflow("payment"), Workflow::stop);
    check_grant(&granted(own), &[], json!({}));
}

#[test]
fn a_state_asks_what_the_policy_says_of_it() {
    let payment = workflow("payment");
    let decide =
        |who: &Identity, name: &str| on_state(&policy(), who, &payment, &payment, &state(name), &object(json!({})));
    check_grant(&granted(decide(&everything(), "Approve")), &["api:approve"], json!({ "compliance": { "level": 2 } }));
    check_grant(&granted(decide(&everything(), "Wait")), &[], json!({}));
    check(
        &decide(&identity(&["api:start"], json!({ "compliance": { "level": 1 } })), "Approve"),
        &["role `api:approve` is missing", "claim `compliance.level` is `1`, expected `>= 2`"],
    );
    for name in ["Execute", "approve", "Approve "] {
        let expected = format!("the policy asks nothing of state `{name}` of workflow `payment`");
        check(&decide(&everything(), name), &[&expected]);
    }
}

#[test]
fn a_transaction_of_another_workflow_is_denied() {
    let (payment, refund) = (workflow("payment"), workflow("refund"));
    check(
        &on_state(&policy(), &everything(), &refund, &payment, &state("Wait"), &object(json!({}))),
        &["the transaction is one of workflow `refund`, expected `payment`"],
    );
}
