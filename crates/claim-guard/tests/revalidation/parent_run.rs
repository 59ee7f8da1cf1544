//! A child of a distributed Map presents its parent's statement once, to get one of its own.

use claim_guard::Excerpt;
use claim_guard::identifier::{KeyId, StateMachineArn};
use claim_guard::jws::JwsError;
use claim_guard::transaction::{PresentedAt, TransactionRejection};
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, with};

use crate::fixture::statement;
use crate::support::time;
use crate::support::transaction::{DOMAIN, EXECUTION, MACHINE, at, execution, forged, forging_key, verifier, workflow};

const ACCOUNT: &str = "arn:aws:states:eu-west-1:000000000000";

/// A child of the machine of that name.
fn child(machine: &str) -> PresentedAt {
    at(&format!("{ACCOUNT}:execution:{machine}:child-1"))
}

fn presented(statement: &Value, child: &PresentedAt) -> Result<(), TransactionRejection> {
    let key = forging_key();
    let aged = verifier(&[&key]).verify_of_parent_run(&forged(&key, statement), child, time(86_400))?;
    assert_eq!((aged.binding().execution.as_str(), aged.identity().issued_at()), (EXECUTION, time(0)));
    Ok(())
}

fn machine(text: &str) -> StateMachineArn {
    StateMachineArn::parse(text).unwrap()
}

#[test]
fn statement_of_any_age_holds_for_a_child_of_its_run() {
    for label in ["Screening", "1", "a-b_c", "x"] {
        assert_eq!(presented(&statement(), &child(&format!("payment/{label}"))), Ok(()), "{label}");
    }
    let redriven = PresentedAt { redrive_count: 4, ..child("payment/Screening") };
    assert_eq!(presented(&statement(), &redriven), Ok(()));
}

#[test]
fn machine_that_is_no_label_of_the_parent_s_is_another() {
    for name in [
        "payment",
        "payment/",
        "payment/a/b",
        "payment//b",
        "payment/a/",
        "payments/Screening",
        "paymentScreening",
        "refund/Screening",
        "refund/payment/Screening",
    ] {
        let child = child(name);
        let expected = machine(&format!("{ACCOUNT}:stateMachine:{name}"));
        let other = TransactionRejection::OtherStateMachine { expected, presented: machine(MACHINE) };
        assert_eq!(presented(&statement(), &child), Err(other), "{name}");
    }
}

#[test]
fn parent_s_own_execution_is_no_child() {
    let other = TransactionRejection::OtherStateMachine { expected: machine(MACHINE), presented: machine(MACHINE) };
    assert_eq!(presented(&statement(), &at(EXECUTION)), Err(other));
}

#[test]
fn context_of_a_child_that_contradicts_itself_is_rejected() {
    for name in ["payment", "payment/Other", "refund/Screening"] {
        let state_machine = machine(&format!("{ACCOUNT}:stateMachine:{name}"));
        let child = PresentedAt { state_machine: state_machine.clone(), ..child("payment/Screening") };
        let (expected, of) = (state_machine, child.execution.clone());
        let foreign = TransactionRejection::ForeignExecution { expected, presented: of };
        assert_eq!(presented(&statement(), &child), Err(foreign), "{name}");
    }
}

#[test]
fn statement_of_another_workflow_is_not_the_parent_s() {
    let child = PresentedAt { workflow: workflow("refund"), ..child("payment/Screening") };
    let (expected, of) = (workflow("refund"), workflow("payment"));
    let other = TransactionRejection::OtherWorkflow { expected, presented: of };
    assert_eq!(presented(&statement(), &child), Err(other));
}

#[test]
fn statement_that_contradicts_itself_is_not_the_parent_s() {
    let foreign = EXECUTION.replace("execution:payment", "execution:refund");
    let stated = with(statement(), "/tctx/execution", json!(foreign));
    let (expected, of) = (machine(MACHINE), execution(&foreign));
    let foreign = TransactionRejection::ForeignExecution { expected, presented: of };
    assert_eq!(presented(&stated, &child("payment/Screening")), Err(foreign));
    let stated = with(statement(), "/exp", json!(NOW));
    let short = TransactionRejection::WrongLifetime { presented: 0 };
    assert_eq!(presented(&stated, &child("payment/Screening")), Err(short));
}

#[test]
fn statement_of_another_stack_is_not_the_parent_s() {
    let stated = with(statement(), "/aud", json!("other.stack"));
    let expected = claim_guard::identifier::TrustDomain::parse(DOMAIN).unwrap();
    let other = TransactionRejection::OtherTrustDomain { expected, presented: Excerpt::of("other.stack") };
    assert_eq!(presented(&stated, &child("payment/Screening")), Err(other));
    let (key, other) = (forging_key(), TestKey::generate("ES256", "kms"));
    let verifier = verifier(&[&key]);
    let verified = verifier.verify_of_parent_run(&forged(&other, &statement()), &child("payment/Screening"), time(0));
    let bad = JwsError::BadSignature { key_id: KeyId::parse("kms").unwrap() };
    assert_eq!(verified.map(|_| ()), Err(TransactionRejection::Jws(bad)));
}
