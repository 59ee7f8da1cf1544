//! A realm or a key that takes its time: a statement is handed out only if it is still of use, and is asked for no more
//! often than anything that cannot be told.

use std::time::Duration;

use serde_json::json;

use super::world::World;
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const BIT: Duration = Duration::from_millis(1);

fn event(state: &str, cause: &str) -> Value {
    renew(&Start::usual().token(), state, cause)
}

/// A realm and a key that are so slow.
fn slow(realm: Duration, key: Duration) -> World {
    let mut world = World::new();
    world.slow = [realm, key];
    world
}

/// The next statement for a state is in time: no older than the question, and of use for the rest of its time.
#[track_caller]
fn check_in_time(world: &World, state: &str) {
    let served = serve(world, &event(state, "expired"), LATER);
    let token = served.answer.unwrap();
    assert_eq!(said(token["transactionToken"].as_str().unwrap())["iat"], json!(LATER));
}

/// It is not, and costs so many signatures.
#[track_caller]
fn check_too_slow(world: &World, state: &str, (took, limit): (u32, u32), signatures: u32) {
    let message = format!("asking the realm and signing took `{took}` ms, expected at most `{limit}`");
    let audit = line("undecided", point(state, "expired"), json!([reason("too_slow", &message)]));
    assert_eq!(serve(world, &event(state, "expired"), LATER), undecided(audit));
    assert_eq!(world.calls(), (1, signatures));
}

#[test]
fn a_statement_for_one_attempt_is_handed_out_within_half_of_the_time_that_it_is_taken_in() {
    for (realm, key) in [(SECOND * 3, SECOND * 2), (SECOND * 5, Duration::ZERO), (Duration::ZERO, SECOND * 5)] {
        check_in_time(&slow(realm, key), "ExecutePayment");
    }
    check_too_slow(&slow(SECOND * 3, SECOND * 2 + BIT), "ExecutePayment", (5001, 5000), 1);
    check_too_slow(&slow(Duration::ZERO, SECOND * 8), "ExecutePayment", (8000, 5000), 1);
    // KMS is not even asked for what comes too late.
    check_too_slow(&slow(SECOND * 5 + BIT, Duration::ZERO), "ExecutePayment", (5001, 5000), 0);
}

#[test]
fn a_statement_for_a_state_that_takes_old_ones_may_take_its_time() {
    check_in_time(&slow(SECOND * 3, SECOND * 5), "ApprovePayment");
    check_too_slow(&slow(SECOND * 100, SECOND * 51), "ApprovePayment", (151_000, 150_000), 1);
}

#[test]
fn a_no_is_told_however_long_it_took() {
    let mut world = slow(SECOND * 9, Duration::ZERO);
    world.user = None;
    let message = format!("user `{SUBJECT}` is deleted");
    let audit = line("deny", point("ExecutePayment", "expired"), json!([reason("user_deleted", &message)]));
    assert_eq!(serve(&world, &event("ExecutePayment", "expired"), LATER), denied(audit));
}

/// The rounds that a state is given are counted in the statement that it has. What was never handed out is no round.
#[test]
fn a_slow_realm_costs_no_round_and_never_a_denial() {
    let token = Start::usual().token();
    for _ in 0..200 {
        let world = slow(SECOND * 6, Duration::ZERO);
        let served = serve(&world, &renew(&token, "ExecutePayment", "expired"), LATER);
        assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Undecided");
    }
    let served = serve(&World::new(), &renew(&token, "ExecutePayment", "expired"), LATER);
    let renewed = said(served.answer.unwrap()["transactionToken"].as_str().unwrap())["tctx"]["renewed"].clone();
    assert_eq!(renewed, json!({ "state": "ExecutePayment", "rounds": 1 }));
}
