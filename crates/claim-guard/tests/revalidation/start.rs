//! Before a start: whose statement the realm is asked about, and what follows from its answers.

use claim_guard::access::AccessPolicy;
use claim_guard::revalidation::{NotAboutToStart, StartQuestion};
use serde_json::{Value, json};
use test_realm::{CLIENT, with};

use crate::fixture::{
    SESSION, against, aged, answers, issuer, parse_sessions, policy, policy_with_session, policy_without_payment,
    question_of, renewed_for, session, statement, subject,
};
use crate::support::time;

fn asked(policy: &AccessPolicy, statement: &Value, seconds: i64) -> Result<StartQuestion, NotAboutToStart> {
    policy.question_of_start(aged(statement), time(seconds))
}

#[track_caller]
fn check(statement: &Value, seconds: i64, expected: Option<NotAboutToStart>) {
    assert_eq!(asked(&policy_with_session(), statement, seconds).err(), expected, "{seconds}");
}

#[test]
fn realm_is_asked_about_the_caller_of_a_first_statement_of_now() {
    let question = asked(&policy_with_session(), &statement(), 1).unwrap();
    let inquiry = question.inquiry();
    assert_eq!((inquiry.issuer(), inquiry.realm(), inquiry.subject()), (&issuer(), "workflows", &subject()));
    assert_eq!((inquiry.client().as_str(), inquiry.session().map(|id| id.as_str())), (CLIENT, Some(SESSION)));
    let ignored = asked(&policy(), &statement(), 1).unwrap();
    assert_eq!((ignored.inquiry().requires_session(), ignored.inquiry().session()), (false, None));
}

#[test]
fn statement_that_nobody_waits_for_a_start_of_any_more_asks_nothing() {
    for seconds in [-30, -1, 0, 1, 29, 30] {
        check(&statement(), seconds, None);
    }
    for seconds in [-1_000_000, -31, 31, 299, 300, 1_000_000] {
        check(&statement(), seconds, Some(NotAboutToStart::NotOfNow { issued_at: time(0), now: time(seconds) }));
    }
}

#[test]
fn statement_that_was_renewed_or_delegated_asks_nothing() {
    check(
        &with(renewed_for("Approve", 1), "/tctx/epoch", json!(1)),
        1,
        Some(NotAboutToStart::NotTheFirst { epoch: 1 }),
    );
    check(&with(statement(), "/tctx/epoch", json!(7)), 1, Some(NotAboutToStart::NotTheFirst { epoch: 7 }));
}

#[test]
fn statement_of_a_workflow_that_is_not_declared_asks_nothing() {
    let presented = aged(&statement()).binding().workflow.clone();
    let unasked = asked(&policy_without_payment(), &statement(), 1).err();
    assert_eq!(unasked, Some(NotAboutToStart::NoWorkflow { presented }));
}

#[test]
fn what_stands_against_a_start_is_what_would_stand_against_a_renewal() {
    for policy in [policy(), policy_with_session()] {
        let (start, renewal) = (asked(&policy, &statement(), 1).unwrap(), question_of(&policy, &statement()));
        let whole = answers(start.inquiry());
        assert_eq!(against(start.standing(&whole)), []);
        let over = parse_sessions(&json!([session("another")]), start.inquiry()).unwrap();
        for sessions in [None, Some(over)] {
            let answers = claim_guard::revalidation::RealmAnswers { sessions, ..whole.clone() };
            assert_eq!(against(start.standing(&answers)), against(renewal.standing(&answers)));
            assert_eq!(start.standing(&answers).is_ok(), !start.inquiry().requires_session());
        }
    }
}

#[track_caller]
fn check_message(cause: &NotAboutToStart, code: &str, message: &str) {
    assert_eq!((cause.code(), cause.to_string().as_str()), (code, message));
}

#[test]
fn each_cause_has_a_code_and_both_sides_of_the_comparison() {
    let presented = aged(&statement()).binding().workflow.clone();
    let undeclared = NotAboutToStart::NoWorkflow { presented };
    check_message(&undeclared, "no_workflow", "workflow `payment` is not declared");
    let renewed = NotAboutToStart::NotTheFirst { epoch: 3 };
    check_message(&renewed, "not_the_first_statement", "expected an execution's first statement, its epoch is `3`");
    let old = NotAboutToStart::NotOfNow { issued_at: time(0), now: time(31) };
    let message = format!("expected a statement of the last `30` s, made at `{}`, it is `{}`", time(0), time(31));
    check_message(&old, "not_about_to_start", &message);
}
