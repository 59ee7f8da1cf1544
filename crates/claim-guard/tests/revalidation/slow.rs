//! How long asking and signing may take: as long as the statement is of use on arrival.

use std::time::Duration;

use claim_guard::revalidation::{Cause, Question, TooSlow};
use serde_json::{Map, json};

use crate::fixture::{POLICY, aged, parsed, policy, statement};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{execution, state};

const BIT: Duration = Duration::from_millis(1);

#[track_caller]
fn check(question: &Question, milliseconds: u64) {
    let limit = Duration::from_millis(milliseconds);
    for took in [Duration::ZERO, limit] {
        assert_eq!(question.in_time(took), Ok(()));
    }
    for took in [limit + BIT, Duration::MAX] {
        assert_eq!(question.in_time(took), Err(TooSlow { took, limit }));
    }
}

/// Half of the time that a statement is good for there: a lifetime of 300 seconds, the state's limit, a hand-over.
#[test]
fn half_of_a_statement_s_time_at_a_state_is_for_the_way_there() {
    let policy = policy();
    let states = [("Approve", 150_000), ("Old", 150_000), ("Young", 15_500), ("Short", 5000), ("Execute", 5000)];
    for (name, milliseconds) in states {
        for cause in [Cause::Expired, Cause::Denied] {
            let question = policy.question_of_state(aged(&statement()), &state(name), cause, 0, time(20)).unwrap();
            check(&alive(question), milliseconds);
        }
    }
    let short = parsed(&POLICY.replacen("max_duration", "transaction_token_lifetime = \"40s\"\nmax_duration", 1));
    let question = short.question_of_state(aged(&statement()), &state("Old"), Cause::Expired, 0, time(20)).unwrap();
    check(&alive(question), 20_000);
}

#[test]
fn half_of_the_lifetime_is_for_the_way_to_a_child_or_a_nested_execution() {
    let child = "arn:aws:states:eu-west-1:000000000000:execution:payment/Screening:child-1";
    let question = policy().question_of_child(aged(&statement()), &execution(child), 0, time(20)).unwrap();
    check(&alive(question), 150_000);
    let nested = execution("arn:aws:states:eu-west-1:000000000000:execution:settlement:two");
    let input: Map<_, _> = json!({}).as_object().unwrap().clone();
    let question = policy().question_of_nested_start(aged(&statement()), &state("Settle"), &nested, input, 0, time(20));
    check(&alive(question.unwrap()), 30_000);
}

#[test]
fn slowness_is_told_with_both_sides() {
    let slow = TooSlow { took: Duration::from_micros(5_001_900), limit: Duration::from_secs(5) };
    assert_eq!(
        (slow.code(), slow.to_string().as_str()),
        ("too_slow", "asking the realm and signing took `5001` ms, expected at most `5000`",)
    );
}
