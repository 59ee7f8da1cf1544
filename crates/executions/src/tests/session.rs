//! Where the workflow requires the caller's session: the realm is asked before anything starts.

use claim_guard::TransactionToken;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::ExecutionArn;
use minting::{ServiceError, StartAnswer, start_question};
use serde_json::{Value, json};
use test_realm::with;

use super::world::{World, lab, lab_in, lab_of};
use super::*;
use crate::services::Status;

const BODY: &str = r#"{"project_id":"apollo"}"#;

fn over() -> StartAnswer {
    StartAnswer::Denied { reasons: vec![Reason::new("session_ended", &"session `s` is over")] }
}

fn told() -> Value {
    json!([{ "code": "session_ended", "message": "session `s` is over" }])
}

#[test]
fn question_is_the_first_statement_of_the_execution_that_starts() {
    let lab = lab();
    ask(&lab, &start_event());
    let arn = execution_arn(&given("01"));
    let entered: Value = serde_json::from_str(&lab.outside.input(&arn)).unwrap();
    let token = TransactionToken::parse(entered["transactionToken"].as_str().unwrap()).unwrap();
    assert_eq!(lab.outside.asked(), [start_question(&ExecutionArn::parse(&arn).unwrap(), &token)]);
}

#[test]
fn caller_whom_the_realm_does_not_stand_behind_starts_nothing_and_the_line_says_why() {
    let reasons = vec![
        Reason::new("user_disabled", &"user `u` is disabled"),
        Reason::new("session_ended", &"session `s` is over"),
    ];
    let told = json!([
        { "code": "user_disabled", "message": "user `u` is disabled" },
        { "code": "session_ended", "message": "session `s` is over" },
    ]);
    let lab = lab_in(|world| world.standing = Ok(StartAnswer::Denied { reasons }));
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), forbidden());
    let deny = line("deny", start_point(Some(&given("01"))), &payload(), told);
    assert_eq!(logged(&answer), with(deny, "/token/txn", json!(drawn("02"))));
    assert_eq!(lab.outside.calls(), ["sign", "ask"]);
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 0);
}

#[test]
fn caller_of_a_workflow_that_ignores_the_session_starts_without_a_question() {
    let text = include_str!("../../../../access.toml").replace("session = \"required\"", "session = \"ignored\"");
    let ignoring = AccessPolicy::parse("access.toml", &text).unwrap();
    let lab = lab_of(ignoring, |world| world.standing = Ok(over()));
    assert_eq!(heard(&ask(&lab, &start_event())), accepted(&given("01"), &drawn("02")));
    assert_eq!(lab.outside.calls(), ["sign", "start"]);
}

#[test]
fn caller_who_may_not_start_is_asked_nobody_about() {
    let lab = lab_in(|world| world.standing = Ok(over()));
    ask(&lab, &event("start", &token_of(&other(&["payment:approve"]))));
    assert_eq!(lab.outside.asked().len(), 0);
}

#[track_caller]
fn check_open(failure: ServiceError, expected: Value, decision: &str, reasons: Value) {
    for event in [start_event(), keyed(&payload(), "order-1", BODY)] {
        let lab = lab_in(|world| world.standing = Err(failure.clone()));
        let answer = ask(&lab, &event);
        assert_eq!(heard(&answer), expected);
        assert_eq!((&logged(&answer)["decision"], &logged(&answer)["reasons"]), (&json!(decision), &reasons));
        // A realm that is down must not use up what everybody's stops need.
        assert_eq!(lab.outside.calls(), ["sign", "ask"]);
    }
}

#[test]
fn realm_that_cannot_be_asked_leaves_it_open_and_nothing_starts() {
    let slow = Reason::new("service_unreachable", &"`Invoke` has no answer: it took too long");
    let reasons = json!([{ "code": "service_unreachable", "message": "`Invoke` has no answer: it took too long" }]);
    check_open(ServiceError::Undecided(slow), unavailable(), "undecided", reasons);
    let refused = Reason::new("service_refused", &"`Invoke` answered `403` with `AccessDeniedException`");
    let message = "`Invoke` answered `403` with `AccessDeniedException`";
    let reasons = json!([{ "code": "service_refused", "message": message }]);
    check_open(ServiceError::Misconfigured(refused), internal(), "misconfigured", reasons);
}

/// An execution that the caller's key has begun, and the world in which it runs.
fn begun(change: impl FnOnce(&mut World)) -> (crate::Executions<World>, String) {
    let mut lab = lab();
    let first = ask(&lab, &keyed(&payload(), "order-1", BODY));
    let name = heard(&first)["body"]["execution"].as_str().unwrap().to_owned();
    change(&mut lab.outside);
    (lab, name)
}

#[test]
fn repeat_leads_to_what_was_begun_while_the_session_was_alive_and_begins_nothing() {
    let (lab, name) = begun(|world| world.standing = Ok(over()));
    lab.outside.change(&execution_arn(&name), |execution| execution.status = Status::Succeeded);
    let again = ask(&lab, &keyed(&payload(), "order-1", BODY));
    assert_eq!(heard(&again), with(replayed(&name, &drawn("01")), "/body/status", json!("SUCCEEDED")));
    let other_body = ask(&lab, &keyed(&payload(), "order-1", r#"{"project_id":"gemini"}"#));
    assert_eq!(heard(&other_body)["statusCode"], 409);
    assert_eq!(lab.outside.calls().iter().filter(|call| *call == "start").count(), 1);

    let fresh = ask(&lab, &keyed(&payload(), "order-2", BODY));
    assert_eq!((heard(&fresh), &logged(&fresh)["reasons"]), (forbidden(), &told()));
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 1);
}

#[test]
fn repeat_whose_execution_cannot_be_looked_for_is_undecided() {
    let busy = || ServiceError::Undecided(Reason::new("service_unavailable", &"busy"));
    let (lab, _) = begun(|world| {
        world.standing = Ok(over());
        world.describe_failure = Some(busy());
    });
    assert_eq!(heard(&ask(&lab, &keyed(&payload(), "order-1", BODY))), unavailable());
}
