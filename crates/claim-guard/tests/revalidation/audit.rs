//! A revalidation makes one line of JSON, like every decision.

use claim_guard::audit::{AuditContext, AuditOutcome, AuditPoint, AuditRecord};
use claim_guard::identifier::Digest;
use claim_guard::revalidation::{Cause, Withdrawal};
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, with, without};

use crate::fixture::{POLICY, aged, answered, evaluation, policy, question, renewed_for, statement};
use crate::support::time;
use crate::support::transaction::{EXECUTION, state};

fn context() -> AuditContext {
    let point = AuditPoint::Revalidation {
        workflow: "payment".to_owned(),
        execution: EXECUTION.to_owned(),
        state: "Approve".to_owned(),
        cause: "denied",
        redrive: 1,
        attempt: 2,
    };
    AuditContext { point, policy: Some(Digest::of(POLICY.as_bytes())), now: Some(time(20)) }
}

/// The line of the usual statement's revalidation.
fn line(decision: &str, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1", "at": NOW + 20, "decision": decision,
        "point": {
            "kind": "revalidation", "workflow": "payment", "execution": EXECUTION, "state": "Approve",
            "cause": "denied", "redrive": 1, "attempt": 2,
        },
        "issuer": ISSUER, "subject": SUBJECT, "client": CLIENT, "token": { "jti": "onrtro:1", "sid": "session", "txn": "txn-1" },
        "reasons": reasons, "policy": Digest::of(POLICY.as_bytes()).as_str(), "identity_age": 20,
    })
}

#[track_caller]
fn check(record: &AuditRecord, outcome: AuditOutcome, expected: &Value) {
    assert_eq!(record.outcome(), outcome);
    assert_eq!(&serde_json::from_str::<Value>(&record.to_line()).unwrap(), expected);
}

#[test]
fn renewal_lists_what_has_changed_and_how_old_the_old_statement_was() {
    let old = aged(&statement());
    let claims = with(evaluation(20), "/compliance/kyc", json!(false));
    let claims = with(claims, "/resource_access/workflow-api/roles", json!(["payment:start"]));
    let renewed = answered(&policy(), question(), &claims, 20).unwrap();
    let expected = line(
        "allow",
        json!([
            { "code": "role_gained", "message": "role `workflow-api:payment:start` is granted now" },
            { "code": "role_lost", "message": "role `workflow-api:payment:approve` is granted no more" },
            { "code": "claim_changed", "message": "claim `compliance.kyc` has changed" },
        ]),
    );
    let record = AuditRecord::renewed(context(), old.identity(), &renewed);
    check(&record, AuditOutcome::Allow, &with(expected, "/epoch", json!(1)));
}

#[test]
fn renewal_that_changes_nothing_has_no_reason() {
    let without_session = without(statement(), "/rctx/sid");
    let complete =
        with(without_session, "/tctx/roles", json!(["workflow-api:payment:approve", "workflow-api:payment:start"]));
    let claims = json!({ "compliance": { "kyc": true }, "project_id": "apollo" });
    let complete = with(with(complete, "/tctx/claims", claims), "/tctx/epoch", json!(8));
    let question = crate::fixture::question_of(&policy(), &complete);
    let renewed = answered(&policy(), question, &evaluation(20), 20).unwrap();
    let record = AuditRecord::renewed(context(), aged(&complete).identity(), &renewed);
    let expected = without(with(line("allow", json!([])), "/epoch", json!(9)), "/token/sid");
    check(&record, AuditOutcome::Allow, &expected);
}

#[test]
fn refusal_lists_everything_that_stands_against_the_statement() {
    let old = with(renewed_for("Approve", 10), "/tctx/started", json!(NOW - 3600));
    let asked = policy().question_of_state(aged(&old), &state("Approve"), Cause::Denied, 0, time(20));
    let withdrawals = asked.unwrap_err();
    let (started, now) = (time(-3600), time(20));
    let too_long = format!("started at `{started}`, expected at most `3600` seconds before `{now}`");
    let denied_again =
        format!("state `Approve` has denied the statement that was made for it at `{}`, now is `{now}`", time(0));
    let too_often = "state `Approve` was given `10` statements in quick succession and took none";
    let reasons = json!([
        { "code": "run_too_long", "message": too_long },
        { "code": "denied_again", "message": denied_again },
        { "code": "asked_too_often", "message": too_often },
    ]);
    let record = AuditRecord::withdrawn(context(), aged(&old).identity(), &withdrawals);
    check(&record, AuditOutcome::Deny, &line("deny", reasons));
    assert!(matches!(withdrawals.all(), [Withdrawal::RunTooLong { .. }, _, _]));
}
