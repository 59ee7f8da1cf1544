//! An execution that a distributed Map has started gets a statement of its own, from its parent's.

use claim_guard::identifier::Digest;
use claim_guard::revalidation::{Question, RenewedStatement};
use claim_guard::transaction::{Attempt, PresentedAt, WorkPath};
use serde_json::{Value, json};
use test_realm::{ISSUER, NOW, SUBJECT, TestKey, with};

use crate::fixture::{
    aged, answered, evaluation, policy, policy_with_session, renewed_for, stated, statement, unsigned,
};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{DOMAIN, at, execution, sealed, state, verifier, workflow};

const CHILD: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment/Screening:child-1";
const CHILD_MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment/Screening";

fn question(parent: &Value, seconds: i64) -> Question {
    policy().question_of_child(aged(parent), &execution(CHILD), 2, time(seconds)).map(alive).unwrap()
}

fn adopted(parent: &Value, seconds: i64) -> RenewedStatement {
    answered(&policy(), question(parent, seconds), &evaluation(seconds), seconds).unwrap()
}

#[test]
fn statement_of_a_child_is_its_parent_s_in_another_execution() {
    let parent = with(with(renewed_for("Approve", 7), "/tctx/epoch", json!(4)), "/tctx/started", json!(NOW - 100));
    let child = adopted(&parent, 400);
    let expected = json!({
        "iat": NOW + 400, "exp": NOW + 700, "aud": DOMAIN, "txn": "txn-1", "sub": SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": ISSUER, "jti": "onrtro:1", "iat": NOW - 10, "sid": "session" },
        "tctx": {
            "execution": CHILD, "state_machine": CHILD_MACHINE, "started": NOW - 100, "epoch": 5, "redrive": 2,
            "input": Digest::of(b"{}").as_str(),
            "roles": ["workflow-api:payment:approve", "workflow-api:payment:start"],
            "claims": { "compliance": { "kyc": true }, "project_id": "apollo" },
        },
    });
    assert_eq!(stated(&child), expected);
    assert_eq!((child.epoch(), child.binding().execution.as_str()), (5, CHILD));
}

#[test]
fn statement_of_a_child_differs_from_no_old_one() {
    assert_eq!(adopted(&with(statement(), "/tctx/roles", json!([])), 20).changes(), []);
}

#[test]
fn child_of_a_run_ends_with_the_run() {
    for (seconds, expires) in [(3300, 3600), (3301, 3600), (3599, 3600)] {
        assert_eq!(stated(&adopted(&statement(), seconds))["exp"], json!(NOW + expires));
    }
}

#[test]
fn child_needs_the_session_that_its_parent_needs() {
    assert!(!question(&statement(), 20).inquiry().requires_session());
    let required = policy_with_session().question_of_child(aged(&statement()), &execution(CHILD), 0, time(20));
    assert!(required.map(alive).unwrap().inquiry().requires_session());
}

#[test]
fn statement_of_a_child_verifies_in_that_execution_only() {
    let (key, policy, approve) = (TestKey::kms(), policy(), state("Approve"));
    let token = sealed(&key, unsigned(&key, &adopted(&statement(), 20)));
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(&approve).unwrap().freshness();
    let attempt = Attempt { state: &approve, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    let verified = |arn: &str| {
        let at = PresentedAt { redrive_count: 2, ..at(arn) };
        verifier(&[&key]).verify(&token, &at, &attempt, time(20)).map(|verified| verified.workflow().to_string())
    };
    assert_eq!(verified(CHILD), Ok("payment".to_owned()));
    for elsewhere in
        [CHILD.replace("child-1", "child-2"), CHILD.replace("/Screening", ""), CHILD.replace("Screening", "S")]
    {
        let code = verified(&elsewhere).map_err(|failure| failure.code());
        let same_machine = elsewhere.contains("/Screening:");
        assert_eq!(code, Err(if same_machine { "other_execution" } else { "other_state_machine" }), "{elsewhere}");
    }
}
