//! Decisions on verified tokens, as a Lambda asks for them. What each requirement means is tested beside the code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use claim_guard::access::{AccessPolicy, RoutePatterns};
use claim_guard::decision::{Decision, Grant, Starter};
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, StateName, TransactionId, TrustDomain, WorkflowName};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::{Attempt, Binding, PresentedAt, TransactionKeySet, WorkPath};
use claim_guard::{Leeway, TransactionToken, TransactionVerifier};
use serde_json::{Map, Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set, with};

mod support;

const POLICY: &str = r#"
[[routes]]
method = "POST"
path = "/workflows/{workflow}/executions"
any_role = ["workflow-api:payment:start"]

[workflows.payment]
session = "ignored"
max_duration = "365d"
describe = ["workflow-api:payment:audit"]
stop = ["workflow-api:payment:operate"]
[workflows.payment.start]
roles = ["workflow-api:payment:start"]
[workflows.payment.states.Execute]
claims = ["project_id = input.project_id"]
"#;
const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:one";
const DOMAIN: &str = "payments.000000000000.eu-west-1";

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).unwrap()
}

fn payment() -> WorkflowName {
    WorkflowName::parse("payment").unwrap()
}

/// The payload of another subject with these roles of the sample's client.
fn other(roles: Value) -> Value {
    let payload = with(access_token_payload(NOW), "/sub", json!("another"));
    with(payload, "/resource_access/workflow-api/roles", roles)
}

fn input(project: &str) -> Map<String, Value> {
    Map::from_iter([("project_id".to_owned(), json!(project))])
}

fn start() -> Grant {
    match policy().decide_start(&support::claims(&access_token_payload(NOW)), &payment(), &Map::new()) {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

/// A token for the execution that the sample's subject started, with its verifier.
fn transaction() -> (TransactionToken, TransactionVerifier, PresentedAt) {
    let key = TestKey::kms();
    let execution = ExecutionArn::parse(EXECUTION).unwrap();
    let binding = Binding { workflow: payment(), execution: execution.clone(), redrive_count: 0 };
    let minting = Minting {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        key_id: KeyId::parse(key.kid()).unwrap(),
        transaction: TransactionId::parse("txn-1").unwrap(),
        lifetime: Duration::from_secs(300),
        now: support::now(),
    };
    let unsigned = UnsignedTransactionToken::at_start(&start(), &binding, &Digest::of(b"{}"), &minting);
    let der = key.sign(unsigned.signing_input());
    let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let verifier = TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX);
    let state_machine = execution.state_machine();
    let at = PresentedAt { workflow: payment(), execution, state_machine, redrive_count: 0 };
    (unsigned.seal(&der).unwrap(), verifier, at)
}

fn starter() -> Starter {
    let (token, verifier, at) = transaction();
    verifier.verify_whatever_age(&token, &at, support::now()).unwrap().starter()
}

#[track_caller]
fn check(decision: &Decision, codes: &[&str]) {
    let presented: Vec<&str> = match decision {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => denial.unmet().iter().map(|unmet| unmet.code()).collect(),
    };
    assert_eq!(presented, codes);
}

#[test]
fn a_request_and_its_route_are_decided_alike() {
    let policy = policy();
    let [route] = policy.routes() else { panic!("one route") };
    let path = "/workflows/payment/executions";
    for (payload, codes) in [(access_token_payload(NOW), &[][..]), (other(json!([])), &["none_of_roles"][..])] {
        check(&policy.decide_route(&support::claims(&payload), route), codes);
        check(&policy.decide_request(&support::claims(&payload), "POST", path), codes);
    }
    check(&policy.decide_request(&support::claims(&access_token_payload(NOW)), "GET", path), &["no_route"]);
}

#[test]
fn the_patterns_for_a_caller_are_of_the_routes_that_he_may_call() {
    let policy = policy();
    let allowed = |patterns: &RoutePatterns<'_>| patterns.allow.iter().map(ToString::to_string).collect::<Vec<_>>();
    let route = ["POST/workflows/*/executions"];
    let of = |payload: &Value| allowed(policy.decide_routes(&support::claims(payload), "GET", "/").patterns());
    assert_eq!(of(&access_token_payload(NOW)), route);
    assert_eq!(of(&other(json!([]))), <[&str; 0]>::default());
    assert_eq!(allowed(&policy.patterns_of_all()), route);
}

#[test]
fn a_start_is_decided_on_the_access_token() {
    check(&policy().decide_start(&support::claims(&other(json!([]))), &payment(), &Map::new()), &["missing_role"]);
    assert_eq!(start().subject().as_str(), test_realm::SUBJECT);
}

#[test]
fn the_starter_is_the_subject_of_the_access_token_and_its_realm() {
    let starter = starter();
    assert_eq!((starter.issuer().as_str(), starter.subject().as_str()), (test_realm::ISSUER, test_realm::SUBJECT));
}

#[test]
fn describing_and_stopping_each_have_roles_of_their_own() {
    let policy = policy();
    for (role, describe, stop) in [
        ("payment:audit", &[][..], &["not_the_starter", "none_of_roles"][..]),
        ("payment:operate", &["not_the_starter", "none_of_roles"][..], &[][..]),
    ] {
        let claims = support::claims(&other(json!([role])));
        check(&policy.decide_describe(&claims, &payment(), &starter()), describe);
        check(&policy.decide_stop(&claims, &payment(), &starter()), stop);
    }
    let claims = support::claims(&with(access_token_payload(NOW), "/resource_access", json!({})));
    check(&policy.decide_describe(&claims, &payment(), &starter()), &[]);
    check(&policy.decide_stop(&claims, &payment(), &starter()), &[]);
}

#[test]
fn a_state_s_grant_names_the_attempt_by_its_token_and_the_work_by_its_path() {
    let policy = policy();
    let granted = |path: &str, (token, verifier, at): &(TransactionToken, TransactionVerifier, PresentedAt)| {
        let (state, work) = (StateName::parse("Execute").unwrap(), WorkPath::parse(path).unwrap());
        let freshness = policy.workflow(&payment()).unwrap().guarded(&state).unwrap().freshness();
        let attempt = Attempt { state: &state, retry_count: 0, work: &work, freshness };
        let transaction = verifier.verify(token, at, &attempt, support::now()).unwrap();
        match policy.decide_state(&transaction, &payment(), &state, &input("apollo")) {
            Decision::Allow(grant) => grant,
            Decision::Deny(denial) => panic!("{denial:?}"),
        }
    };
    let (one, other) = (transaction(), transaction());
    let grant = granted("/3", &one);
    assert_eq!((grant.redrive(), grant.work_path().map(WorkPath::as_str)), (Some(0), Some("/3")));
    assert_eq!((grant.execution(), grant.state().map(StateName::as_str)), (Some(&one.2.execution), Some("Execute")));
    assert!(grant.attempt().is_some() && grant.idempotency_key().is_some());
    let again = granted("/3", &one);
    assert_eq!((again.attempt(), again.idempotency_key()), (grant.attempt(), grant.idempotency_key()));
    // The other token says the same, of the same execution, and is another statement about the same work.
    let renewed = granted("/3", &other);
    assert_ne!(renewed.attempt(), grant.attempt());
    assert_eq!(renewed.idempotency_key(), grant.idempotency_key());
    assert_ne!(granted("/4", &one).idempotency_key(), grant.idempotency_key());
    let claims = support::claims(&access_token_payload(NOW));
    let Decision::Allow(start) = policy.decide_start(&claims, &payment(), &input("apollo")) else { panic!("denied") };
    assert_eq!((start.execution(), start.state(), start.attempt()), (None, None, None));
    assert_eq!((start.redrive(), start.work_path(), start.idempotency_key()), (None, None, None));
}

#[test]
fn a_state_is_decided_on_the_transaction_token() {
    let (token, verifier, at) = transaction();
    let (policy, execute) = (policy(), StateName::parse("Execute").unwrap());
    let freshness = policy.workflow(&payment()).unwrap().guarded(&execute).unwrap().freshness();
    let attempt = Attempt { state: &execute, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    let transaction = verifier.verify(&token, &at, &attempt, support::now()).unwrap();
    let decide = |workflow: &str, input: &Map<String, Value>| {
        policy.decide_state(&transaction, &WorkflowName::parse(workflow).unwrap(), &execute, input)
    };
    check(&decide("payment", &input("apollo")), &[]);
    check(&decide("payment", &input("gemini")), &["claim_unmet"]);
    check(&decide("payment", &Map::new()), &["input_absent"]);
    check(&decide("refund", &input("apollo")), &["wrong_workflow"]);
}
