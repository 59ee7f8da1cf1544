use std::time::Duration;

use claim_guard::decision::Unmet;
use claim_guard::revalidation::{Cause, Question, Withdrawal, Withdrawals};
use serde_json::{Map, json};
use test_realm::{CLIENT, NOW, with, without};

use crate::fixture::{
    POLICY, against, aged, aged_at, answered, evaluation, issuer, parsed, policy, policy_with_session,
    policy_without_payment, question, question_of, renewed_for, stated, statement, subject,
};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{execution, state, workflow};

const CHILD: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment/Screening:child-1";
const SETTLEMENT: &str = "arn:aws:states:eu-west-1:000000000000:execution:settlement:two";

/// The question of a state, so many seconds after the statement was made.
fn asked(statement: &serde_json::Value, name: &str, cause: Cause, seconds: i64) -> Result<Question, Withdrawals> {
    policy().question_of_state(aged(statement), &state(name), cause, 0, time(seconds)).map(alive)
}

fn child(statement: &serde_json::Value, seconds: i64) -> Result<Question, Withdrawals> {
    policy().question_of_child(aged(statement), &execution(CHILD), 0, time(seconds)).map(alive)
}

fn nested(policy: &str, name: &str, seconds: i64) -> Result<Question, Withdrawals> {
    let execution = execution(SETTLEMENT);
    parsed(policy)
        .question_of_nested_start(aged(&statement()), &state(name), &execution, Map::new(), 0, time(seconds))
        .map(alive)
}

#[track_caller]
fn check(presented: Result<Question, Withdrawals>, expected: &[Withdrawal]) {
    assert_eq!(against(presented), expected);
}

fn too_long(seconds: i64) -> Withdrawal {
    Withdrawal::RunTooLong { started_at: time(0), limit: Duration::from_secs(3600), now: time(seconds) }
}

fn no_state(name: &str) -> Withdrawal {
    Withdrawal::NoState { presented: state(name) }
}

fn denied_again(name: &str, seconds: i64) -> Withdrawal {
    Withdrawal::DeniedAgain { state: state(name), issued_at: time(0), now: time(seconds) }
}

#[test]
fn question_says_whom_to_ask_about() {
    let question = question();
    assert_eq!(
        (question.inquiry().issuer(), question.inquiry().realm(), question.inquiry().subject()),
        (&issuer(), "workflows", &subject())
    );
    assert_eq!((question.inquiry().client().as_str(), question.scope(), question.epoch()), (CLIENT, "", 0));
    assert_eq!(question.inquiry().identity().token_id().as_str(), "onrtro:1");
    let later = with(with(statement(), "/rctx/scope", json!("openid profile")), "/tctx/epoch", json!(6));
    let question = question_of(&policy(), &later);
    assert_eq!((question.scope(), question.epoch()), ("openid profile", 6));
}

#[test]
fn realm_is_the_last_part_of_its_issuer_decoded() {
    for (issuer, realm) in [
        ("https://sso.example.com/auth/realms/my-realm", "my-realm"),
        ("https://sso.example/a", "a"),
        ("https://sso.example/realms/My%20Realm", "My Realm"),
    ] {
        let question = question_of(&policy(), &with(statement(), "/rctx/iss", json!(issuer)));
        assert_eq!((question.inquiry().issuer().as_str(), question.inquiry().realm()), (issuer, realm));
    }
}

#[test]
fn session_is_asked_for_only_where_the_policy_requires_one() {
    let ignored = question();
    assert_eq!((ignored.inquiry().requires_session(), ignored.inquiry().session()), (false, None));
    let required = question_of(&policy_with_session(), &statement());
    assert_eq!(
        (required.inquiry().requires_session(), required.inquiry().session().map(|id| id.as_str())),
        (true, Some("session"))
    );
    let absent = question_of(&policy_with_session(), &without(statement(), "/rctx/sid"));
    assert_eq!((absent.inquiry().requires_session(), absent.inquiry().session()), (true, None));
}

#[test]
fn run_is_asked_about_until_its_longest_duration() {
    for seconds in [0, 300, 3599] {
        check(asked(&statement(), "Approve", Cause::Expired, seconds), &[]);
        check(child(&statement(), seconds), &[]);
        check(nested(POLICY, "Settle", seconds), &[]);
    }
    for seconds in [3600, 3601, 86_400] {
        for cause in [Cause::Expired, Cause::Denied] {
            check(asked(&statement(), "Approve", cause, seconds), &[too_long(seconds)]);
        }
        check(child(&statement(), seconds), &[too_long(seconds)]);
        check(nested(POLICY, "Settle", seconds), &[too_long(seconds)]);
    }
    let longest = parsed(&POLICY.replace("max_duration = \"1h\"", "max_duration = \"365d\""));
    let (last, limit) = (365 * 86_400 - 1, Duration::from_secs(365 * 86_400));
    let asked =
        |seconds| longest.question_of_state(aged(&statement()), &state("Approve"), Cause::Expired, 0, time(seconds));
    check(asked(last).map(alive), &[]);
    let now = time(last + 1);
    check(asked(last + 1).map(alive), &[Withdrawal::RunTooLong { started_at: time(0), limit, now }]);
}

#[test]
fn run_is_as_old_as_its_first_statement_and_not_as_its_last() {
    let last = with(statement(), "/tctx/started", json!(NOW - 3580));
    check(asked(&last, "Approve", Cause::Expired, 19), &[]);
    let (started_at, now) = (time(-3580), time(20));
    let expected = Withdrawal::RunTooLong { started_at, limit: Duration::from_secs(3600), now };
    check(asked(&last, "Approve", Cause::Expired, 20), &[expected]);
}

#[test]
fn state_that_the_policy_does_not_name_gets_no_statement() {
    for name in ["approve", "Settle", "Revalidate Approve"] {
        for cause in [Cause::Expired, Cause::Denied] {
            check(asked(&statement(), name, cause, 0), &[no_state(name)]);
            check(asked(&statement(), name, cause, 3600), &[no_state(name)]);
        }
    }
    let name = state("Approve");
    let asked = policy_without_payment().question_of_state(aged(&statement()), &name, Cause::Expired, 0, time(0));
    check(asked.map(alive), &[no_state("Approve")]);
}

#[test]
fn denial_that_the_policy_calls_final_is_not_asked_about() {
    let expected = [Withdrawal::NotReconsidered { state: state("Sign") }];
    check(asked(&statement(), "Sign", Cause::Denied, 0), &expected);
    check(asked(&renewed_for("Sign", 1), "Sign", Cause::Denied, 0), &expected);
    check(asked(&renewed_for("Sign", 1), "Sign", Cause::Denied, 3599), &expected);
    check(asked(&statement(), "Sign", Cause::Expired, 0), &[]);
}

#[test]
fn state_that_denies_what_was_made_for_it_just_now_is_not_asked_about_again() {
    let renewed = renewed_for("Approve", 1);
    for seconds in [-5, 0, 1, 29] {
        check(asked(&renewed, "Approve", Cause::Denied, seconds), &[denied_again("Approve", seconds)]);
    }
    for seconds in [30, 31, 300] {
        check(asked(&renewed, "Approve", Cause::Denied, seconds), &[]);
    }
}

#[test]
fn denial_of_anything_else_is_asked_about() {
    check(asked(&statement(), "Approve", Cause::Denied, 0), &[]);
    check(asked(&renewed_for("Execute", 1), "Approve", Cause::Denied, 0), &[]);
    check(asked(&renewed_for("Approve", 1), "Execute", Cause::Denied, 0), &[]);
    check(asked(&renewed_for("Approve", 1), "Approve", Cause::Expired, 0), &[]);
}

#[test]
fn everything_that_the_policy_has_against_a_statement_is_listed_in_order() {
    let renewed = with(renewed_for("Approve", 10), "/tctx/started", json!(NOW - 3600));
    let (started_at, limit, now) = (time(-3600), Duration::from_secs(3600), time(0));
    let too_long = || Withdrawal::RunTooLong { started_at, limit, now };
    let too_often = |name| Withdrawal::AskedTooOften { state: state(name), rounds: 10 };
    let presented = asked(&renewed, "Approve", Cause::Denied, 0);
    check(presented, &[too_long(), denied_again("Approve", 0), too_often("Approve")]);
    let signed = with(renewed, "/tctx/renewed/state", json!("Sign"));
    let final_denial = Withdrawal::NotReconsidered { state: state("Sign") };
    check(asked(&signed, "Sign", Cause::Denied, 0), &[too_long(), final_denial, too_often("Sign")]);
}

#[test]
fn child_of_a_run_that_the_policy_does_not_know_gets_no_statement() {
    let asked = policy_without_payment().question_of_child(aged(&statement()), &execution(CHILD), 0, time(0));
    check(asked.map(alive), &[Withdrawal::StartUnmet(Unmet::NoWorkflow { presented: workflow("payment") })]);
}

#[test]
fn only_a_state_that_starts_an_execution_gets_a_statement_for_one() {
    for name in ["Approve", "settle", "Sign"] {
        check(nested(POLICY, name, 0), &[no_state(name)]);
    }
    check(nested(&POLICY.replace("workflows.payment", "workflows.refund"), "Settle", 0), &[no_state("Settle")]);
}

#[test]
fn nested_start_requires_a_session_if_either_workflow_does() {
    let ignored = "session = \"ignored\"";
    for (outer, inner, expected) in [
        ("ignored", "ignored", false),
        ("required", "ignored", true),
        ("ignored", "required", true),
        ("required", "required", true),
    ] {
        let text = POLICY.replacen(ignored, "session = \"OUTER\"", 1).replacen(ignored, "session = \"INNER\"", 1);
        let text = text.replace("OUTER", outer).replace("INNER", inner);
        assert_eq!(nested(&text, "Settle", 0).unwrap().inquiry().requires_session(), expected, "{outer} {inner}");
    }
}

#[test]
fn statement_of_a_child_is_asked_about_like_any_other() {
    let machine = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment/Screening";
    let stated_for = with(with(statement(), "/tctx/execution", json!(CHILD)), "/tctx/state_machine", json!(machine));
    let old = aged_at(&stated_for, CHILD);
    let question = policy().question_of_state(old, &state("Approve"), Cause::Expired, 0, time(20)).map(alive).unwrap();
    let renewed = answered(&policy(), question, &evaluation(20), 20).unwrap();
    assert_eq!(stated(&renewed)["tctx"]["execution"], json!(CHILD));
}

#[test]
fn causes_are_told_apart_by_their_exact_names() {
    for (text, expected) in [
        ("expired", Some(Cause::Expired)),
        ("denied", Some(Cause::Denied)),
        ("Expired", None),
        ("denied ", None),
        ("", None),
    ] {
        assert_eq!(Cause::parse(text), expected, "{text}");
    }
    assert_eq!([Cause::Expired.as_str(), Cause::Denied.as_str()], ["expired", "denied"]);
}
