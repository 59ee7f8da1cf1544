//! What cannot be told, and what somebody has to mend: never a token, never a denial.

use claim_guard::audit::Reason;
use claim_guard::unix_time::ClockError;
use minting::{NoRandom, ServiceError};
use serde_json::{Value, json};
use test_realm::{with, without};

use super::keys::foreign_key;
use super::world::World;
use super::*;

fn event() -> Value {
    renew(&Start::usual().token(), "ApprovePayment", "expired")
}

#[track_caller]
fn check(change: impl FnOnce(&mut World), code: &str, message: &str) {
    let mut world = World::new();
    change(&mut world);
    let audit = line("undecided", point("ApprovePayment", "expired"), json!([reason(code, message)]));
    assert_eq!(serve(&world, &event(), LATER), undecided(audit));
}

#[track_caller]
fn check_misconfigured(change: impl FnOnce(&mut World), code: &str, message: &str) {
    let mut world = World::new();
    change(&mut world);
    let audit = line("misconfigured", point("ApprovePayment", "expired"), json!([reason(code, message)]));
    assert_eq!(serve(&world, &event(), LATER), misconfigured(audit));
}

#[test]
fn a_realm_that_is_out_of_reach_decides_nothing() {
    let failure = || ServiceError::Undecided(Reason::new("keycloak_timeout", &"too slow"));
    check(|world| world.outage = Some(failure()), "keycloak_timeout", "too slow");
}

#[test]
fn a_realm_that_does_not_let_us_ask_has_to_be_mended() {
    let failure = || ServiceError::Misconfigured(Reason::new("keycloak_refused", &"answered `403`"));
    check_misconfigured(|world| world.outage = Some(failure()), "keycloak_refused", "answered `403`");
}

#[test]
fn an_answer_about_somebody_else_decides_nothing() {
    check(
        |world| world.realm = with(world.realm.take(), "/realm", json!("master")),
        "answer_of_another_realm",
        "realm: expected `workflows`, presented `master`",
    );
    check(
        |world| world.clients = with(world.clients.take(), "/0/clientId", json!("other-app")),
        "answer_about_another_client",
        "client: expected client `payment-app`, presented `other-app`",
    );
    check(
        |world| world.user = world.user.take().map(|user| with(user, "/id", json!("someone"))),
        "answer_about_another_user",
        "user: expected user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001`, presented `someone`",
    );
    check(
        |world| world.evaluation = with(world.evaluation.take(), "/sub", json!("someone")),
        "answer_about_another_user",
        "evaluation: expected user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001`, presented `someone`",
    );
    check(
        |world| world.evaluation = with(world.evaluation.take(), "/azp", json!("other-app")),
        "answer_about_another_client",
        "evaluation: expected client `payment-app`, presented `other-app`",
    );
}

#[test]
fn an_answer_of_another_shape_decides_nothing() {
    let mut world = World::new();
    world.user = world.user.take().map(|user| with(user, "/enabled", json!("true")));
    assert_eq!(serve(&world, &event(), LATER).answer.unwrap_err().0, "ClaimGuard.Undecided");
    world = World::new();
    world.realm = without(world.realm, "/tokens-not-before");
    assert_eq!(serve(&world, &event(), LATER).answer.unwrap_err().0, "ClaimGuard.Undecided");
    world = World::new();
    world.clients = json!({ "error": "unknown_error" });
    assert_eq!(serve(&world, &event(), LATER).answer.unwrap_err().0, "ClaimGuard.Undecided");
    world = World::new();
    world.evaluation = with(world.evaluation, "/resource_access", json!([]));
    assert_eq!(serve(&world, &event(), LATER).answer.unwrap_err().0, "ClaimGuard.Undecided");
}

#[test]
fn a_key_that_does_not_sign_now_decides_nothing() {
    let failure = || ServiceError::Undecided(Reason::new("service_unavailable", &"`Sign` answered `500` with `Other`"));
    let message = "`Sign` answered `500` with `Other`";
    check(|world| world.signature = Err(failure()), "service_unavailable", message);
}

#[test]
fn a_key_that_may_not_sign_has_to_be_mended() {
    let message = "`Sign` answered `400` with `AccessDeniedException`";
    let failure = || ServiceError::Misconfigured(Reason::new("service_refused", &message));
    check_misconfigured(|world| world.signature = Err(failure()), "service_refused", message);
}

#[test]
fn a_key_that_guards_do_not_know_has_to_be_mended() {
    let message = format!("signature is not by key `{}`", kms_key().kid());
    check_misconfigured(|world| world.signature = Ok(foreign_key()), "minted_token_rejected", &message);
}

#[test]
fn without_a_clock_nothing_is_decided() {
    let world = World::new();
    let served = serve_bytes(&world, event().to_string().as_bytes(), Err(ClockError));
    let message = "the clock stands outside the years 1970 to 9999";
    let reasons = json!([reason("clock_out_of_range", message)]);
    let audit = without(nameless_line("undecided", point("ApprovePayment", "expired"), json!({}), reasons), "/at");
    assert_eq!(served, undecided(audit));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn without_chance_no_execution_is_named() {
    let mut world = World::new();
    world.bits = Err(NoRandom);
    let ask = json!({ "state": "SettlePayment", "input": { "project_id": "apollo" } });
    let event = super::event(&Start::usual().token(), "payment", "delegate", ask);
    let reasons = json!([reason("no_random", "the system gives no random bytes")]);
    assert_eq!(serve(&world, &event, LATER), undecided(line("undecided", point("SettlePayment", "nested"), reasons)));
    assert_eq!(world.calls(), (0, 0));
}
