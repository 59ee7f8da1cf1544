//! A state that takes no statement, whatever the realm says, is stopped: the realm is asked a bounded number of times.

use claim_guard::revalidation::{Cause, Withdrawal};
use serde_json::{Value, json};
use test_realm::with;

use crate::fixture::{POLICY, aged, answered, evaluation, parsed, policy, renewed_for, stated, statement};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::state;

/// Every state that the policy names, how close together its statements are in quick succession, and how many are the most.
///
/// Half as long as a statement holds there, so 150 of 300 seconds and 15 of 31 (in whole seconds), but no less than the 10 seconds of a
/// hand-over; twice a hand-over where each statement is taken but once.
const STATES: [(&str, i64, u32); 5] =
    [("Approve", 150, 10), ("Old", 150, 10), ("Young", 15, 10), ("Short", 10, 10), ("Execute", 20, 100)];

/// What the next statement for a state says of its renewal; or what stands against it.
fn next(old: &Value, name: &str, redrive_count: u32, seconds: i64) -> Result<Value, Vec<Withdrawal>> {
    let policy = policy();
    let question = policy
        .question_of_state(aged(old), &state(name), Cause::Expired, redrive_count, time(seconds))
        .map(alive)
        .map_err(|withdrawals| withdrawals.all().to_vec())?;
    Ok(stated(&answered(&policy, question, &evaluation(seconds), seconds).unwrap()))
}

/// The next statement for a state is its so manieth in quick succession; or there is none, after so many.
#[track_caller]
fn check(old: &Value, name: &str, seconds: i64, expected: Result<u32, u32>) {
    let presented = next(old, name, 0, seconds).map(|statement| statement["tctx"]["renewed"].clone());
    let expected = expected.map(|rounds| json!({ "state": name, "rounds": rounds }));
    let expected = expected.map_err(|rounds| vec![Withdrawal::AskedTooOften { state: state(name), rounds }]);
    assert_eq!(presented, expected, "{old} {name} {seconds}");
}

#[test]
fn first_statement_for_a_state_is_its_first_round() {
    for (name, quick, _) in STATES {
        for seconds in [-5, 0, quick - 1, quick, 3599] {
            check(&statement(), name, seconds, Ok(1));
        }
    }
}

#[test]
fn rounds_of_one_state_in_quick_succession_are_counted_up_to_the_most() {
    for (name, quick, most) in STATES {
        for (seconds, rounds) in [(-5, 1), (0, 1), (1, 2), (quick - 1, most - 2), (quick - 1, most - 1)] {
            check(&renewed_for(name, rounds), name, seconds, Ok(rounds + 1));
        }
        for (seconds, rounds) in [(-5, most), (0, most), (quick - 1, most), (0, most + 1), (quick - 1, u32::MAX)] {
            check(&renewed_for(name, rounds), name, seconds, Err(rounds));
        }
    }
}

#[test]
fn rounds_begin_anew_once_a_statement_may_have_grown_old() {
    for (name, quick, most) in STATES {
        for rounds in [1, most - 1, most, u32::MAX] {
            check(&renewed_for(name, rounds), name, quick, Ok(1));
            check(&renewed_for(name, rounds), name, quick + 1, Ok(1));
        }
    }
}

#[test]
fn rounds_begin_anew_with_another_state() {
    for rounds in [1, 10, 100] {
        check(&renewed_for("Execute", rounds), "Approve", 0, Ok(1));
        check(&renewed_for("Approve", rounds), "Execute", 0, Ok(1));
    }
}

#[test]
fn rounds_begin_anew_with_a_redrive() {
    let old = with(renewed_for("Approve", 10), "/tctx/redrive", json!(2));
    for redrive_count in [0, 1, 3] {
        assert_eq!(next(&old, "Approve", redrive_count, 0).unwrap()["tctx"]["renewed"]["rounds"], json!(1));
    }
    let expected = Withdrawal::AskedTooOften { state: state("Approve"), rounds: 10 };
    assert_eq!(next(&old, "Approve", 2, 0).map(|_| ()), Err(vec![expected]));
}

#[test]
fn succession_is_as_quick_as_the_workflow_s_lifetime_says() {
    let short = parsed(&POLICY.replacen("max_duration", "transaction_token_lifetime = \"40s\"\nmax_duration", 1));
    for (name, quick) in [("Approve", 20), ("Old", 20), ("Young", 15), ("Short", 10), ("Execute", 20)] {
        for (seconds, rounds) in [(quick - 1, 4), (quick, 1)] {
            let asked =
                short.question_of_state(aged(&renewed_for(name, 3)), &state(name), Cause::Expired, 0, time(seconds));
            let renewed = answered(&short, asked.map(alive).unwrap(), &evaluation(seconds), seconds).unwrap();
            assert_eq!(stated(&renewed)["tctx"]["renewed"]["rounds"], json!(rounds), "{name} {seconds}");
        }
    }
}

#[test]
fn state_that_takes_no_statement_is_stopped() {
    for (name, _, most) in STATES {
        let mut presented = statement();
        let mut rounds = 0;
        let stopped = loop {
            match next(&presented, name, 0, i64::from(rounds)) {
                Ok(statement) => presented = statement,
                Err(withdrawals) => break withdrawals,
            }
            rounds += 1;
            assert_eq!(presented["tctx"]["epoch"], json!(rounds));
        };
        assert_eq!((rounds, stopped), (most, vec![Withdrawal::AskedTooOften { state: state(name), rounds: most }]));
    }
}
