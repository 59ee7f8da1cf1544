//! How fresh a statement has to be at a state: what `access.toml` says, held by whoever verifies.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::StateName;
use claim_guard::transaction::{Attempt, HAND_OVER, PresentedAt, TransactionFailure, TransactionRejection, WorkPath};
use serde_json::{Value, json};
use test_realm::with;

use support::time;
use support::transaction::{EXECUTION, at, execution, forged, forging_key, payload, state, verifier, workflow};

mod support;

const POLICY: &str = r#"
[workflows.payment]
session = "ignored"
max_duration = "365d"
start.any_verified_caller = true
[workflows.payment.states]
Usual = { any_verified_caller = true }
Young = { any_verified_caller = true, max_identity_age = "30s" }
Old = { any_verified_caller = true, max_identity_age = "1h" }
Each = { any_verified_caller = true, max_identity_age = "0s" }
"#;

/// A statement of the start, made from an access token of ten seconds before.
fn of_the_start() -> Value {
    payload()
}

/// A statement that was renewed for a state.
fn renewed_for(state: &str) -> Value {
    with(with(payload(), "/tctx/epoch", json!(1)), "/tctx/renewed", json!({ "state": state, "rounds": 1 }))
}

/// What comes of a statement at an attempt of a state, so many seconds after it was made.
fn verified_at(
    statement: &Value,
    name: &str,
    retry_count: u32,
    at: &PresentedAt,
    age: i64,
) -> Result<(), TransactionFailure> {
    let policy = AccessPolicy::parse("access.toml", POLICY).unwrap();
    let (key, state) = (forging_key(), state(name));
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count, work: &WorkPath::OUTERMOST, freshness };
    verifier(&[&key]).verify(&forged(&key, statement), at, &attempt, time(age)).map(|_| ())
}

#[track_caller]
fn check(statement: &Value, state: &str, retry_count: u32, age: i64, expected: Result<(), TransactionFailure>) {
    assert_eq!(verified_at(statement, state, retry_count, &at(EXECUTION), age), expected, "{state} at {age}");
}

fn expired(age: i64) -> TransactionFailure {
    TransactionFailure::Expired { expired_at: time(300), now: time(age) }
}

fn too_old(limit: u64, age: i64) -> TransactionFailure {
    TransactionFailure::TooOld { said_at: time(0), limit: Duration::from_secs(limit), now: time(age) }
}

fn not_for(name: &str, stated: Option<StateName>, retry_count: u32) -> TransactionFailure {
    TransactionFailure::NotForThisAttempt { expected: state(name), stated, retry_count }
}

#[test]
fn state_that_asks_nothing_takes_a_statement_until_it_expires() {
    for statement in [of_the_start(), renewed_for("Usual"), renewed_for("Young")] {
        for age in [-5, 0, 11, 31, 299] {
            check(&statement, "Usual", 7, age, Ok(()));
        }
        check(&statement, "Usual", 0, 300, Err(expired(300)));
    }
}

#[test]
fn first_statement_is_as_old_as_the_access_token_that_it_was_made_from() {
    let too_old = |age| {
        let (said_at, limit) = (time(-10), Duration::from_secs(30));
        TransactionFailure::TooOld { said_at, limit, now: time(age) }
    };
    for (age, expected) in [(0, Ok(())), (20, Ok(())), (21, Err(too_old(21))), (31, Err(too_old(31)))] {
        check(&of_the_start(), "Young", 0, age, expected);
    }
    let of_an_hour_ago = with(of_the_start(), "/rctx/iat", json!(test_realm::NOW - 3600));
    check(&of_an_hour_ago, "Usual", 0, 0, Ok(()));
    check(&of_an_hour_ago, "Old", 0, 0, Ok(()));
    let (said_at, limit) = (time(-3600), Duration::from_secs(3600));
    check(&of_an_hour_ago, "Old", 0, 1, Err(TransactionFailure::TooOld { said_at, limit, now: time(1) }));
}

#[test]
fn state_that_names_an_age_takes_no_older_statement_whoever_it_was_made_for() {
    for statement in [renewed_for("Young"), renewed_for("Usual")] {
        for age in [-5, 0, 29, 30] {
            check(&statement, "Young", 0, age, Ok(()));
            check(&statement, "Young", 3, age, Ok(()));
        }
        check(&statement, "Young", 0, 31, Err(too_old(30, 31)));
        check(&statement, "Young", 3, 299, Err(too_old(30, 299)));
    }
}

#[test]
fn no_age_outlives_the_statement_itself() {
    check(&of_the_start(), "Old", 0, 299, Ok(()));
    check(&of_the_start(), "Old", 0, 300, Err(expired(300)));
    check(&of_the_start(), "Young", 0, 300, Err(expired(300)));
}

#[test]
fn state_that_asks_for_each_attempt_takes_only_a_statement_that_was_made_for_it() {
    for age in [0, 10, 299] {
        check(&of_the_start(), "Each", 0, age, Err(not_for("Each", None, 0)));
        check(&renewed_for("Usual"), "Each", 0, age, Err(not_for("Each", Some(state("Usual")), 0)));
    }
    for other in ["each", "Each ", "Eac", "Each2"] {
        check(&renewed_for(other), "Each", 0, 0, Err(not_for("Each", Some(state(other)), 0)));
    }
    for age in [-5, 0, 9, 10] {
        check(&renewed_for("Each"), "Each", 0, age, Ok(()));
    }
}

#[test]
fn statement_for_an_attempt_is_handed_over_within_ten_seconds() {
    assert_eq!(HAND_OVER, Duration::from_secs(10));
    check(&renewed_for("Each"), "Each", 0, 11, Err(too_old(10, 11)));
    check(&renewed_for("Each"), "Each", 0, 299, Err(too_old(10, 299)));
    check(&renewed_for("Each"), "Each", 0, 300, Err(expired(300)));
}

#[test]
fn retried_attempt_needs_a_statement_of_its_own() {
    for (retry_count, age) in [(1, 0), (1, 10), (2, 11), (u32::MAX, 0)] {
        let expected = not_for("Each", Some(state("Each")), retry_count);
        check(&renewed_for("Each"), "Each", retry_count, age, Err(expected));
    }
    check(&of_the_start(), "Each", 1, 0, Err(not_for("Each", None, 1)));
}

#[test]
fn causes_are_looked_at_in_their_order() {
    let redriven = PresentedAt { redrive_count: 2, ..at(EXECUTION) };
    let stated = TransactionFailure::Redriven { stated: 0, presented: 2 };
    let elsewhere = PresentedAt { execution: execution(&EXECUTION.replace(":one", ":two")), ..redriven.clone() };
    let (expected, presented) = (elsewhere.execution.clone(), execution(EXECUTION));
    let other = TransactionFailure::Rejected(TransactionRejection::OtherExecution { expected, presented });
    for statement in [of_the_start(), renewed_for("Each")] {
        for (name, retry_count) in [("Young", 0), ("Each", 1)] {
            let verified = |at: &PresentedAt, age| verified_at(&statement, name, retry_count, at, age);
            assert_eq!(verified(&redriven, 299), Err(stated.clone()));
            assert_eq!(verified(&redriven, 300), Err(expired(300)));
            let future = TransactionFailure::IssuedInFuture { issued_at: time(0), now: time(-6) };
            assert_eq!(verified(&redriven, -6), Err(future));
            assert_eq!(verified(&elsewhere, 299), Err(other.clone()));
        }
    }
}

#[test]
fn statement_of_before_a_redrive_is_refused_by_every_state() {
    let stated = with(renewed_for("Each"), "/tctx/redrive", json!(2));
    for name in ["Usual", "Young", "Old", "Each"] {
        let verified =
            |redrive_count| verified_at(&stated, name, 0, &PresentedAt { redrive_count, ..at(EXECUTION) }, 0);
        assert_eq!(verified(2), Ok(()));
        for presented in [0, 1, 3] {
            assert_eq!(verified(presented), Err(TransactionFailure::Redriven { stated: 2, presented }));
        }
    }
}

#[test]
fn failures_of_freshness_have_a_code_and_name_both_sides() {
    let check = |failure: &TransactionFailure, code: &str, message: String| {
        assert_eq!((failure.code(), failure.to_string()), (code, message));
    };
    let now = time(31);
    let message = format!("said at `{}`, expected at most `30` seconds before `{now}`", time(0));
    check(&too_old(30, 31), "too_old", message);
    let code = "not_for_this_attempt";
    let of_start = "stated for `the start`, expected for the first attempt of `Each`, after `0` retries";
    check(&not_for("Each", None, 0), code, of_start.to_owned());
    let of_other = "stated for `Usual`, expected for the first attempt of `Each`, after `2` retries";
    check(&not_for("Each", Some(state("Usual")), 2), code, of_other.to_owned());
    check(
        &TransactionFailure::Redriven { stated: 0, presented: 2 },
        "redriven",
        "redrive count: stated for `0`, presented `2`".to_owned(),
    );
    check(&expired(300), "expired", format!("expired at `{}`, now is `{}`", time(300), time(300)));
    let future = TransactionFailure::IssuedInFuture { issued_at: time(6), now: time(0) };
    check(&future, "issued_in_future", format!("issued at `{}`, now is `{}`", time(6), time(0)));
}
