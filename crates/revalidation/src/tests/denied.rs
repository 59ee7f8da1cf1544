//! Everything that stands against a new statement.

use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with, without};

use super::world::World;
use super::*;

const MONTH: i64 = 30 * 24 * 3600;

/// The realm as it is after that change, asked about the sample run.
#[track_caller]
fn check(change: impl FnOnce(&mut World), reasons: Value) {
    let mut world = World::new();
    change(&mut world);
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    let audit = line("deny", point("ApprovePayment", "expired"), reasons);
    assert_eq!(serve(&world, &event, LATER), denied(audit));
    assert_eq!(world.calls(), (1, 0), "nothing is signed");
}

fn user(world: &mut World, member: &str, value: Value) {
    world.user = world.user.take().map(|user| with(user, member, value));
}

#[test]
fn a_user_who_is_deleted_is_denied() {
    check(
        |world| world.user = None,
        json!([reason("user_deleted", "user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001` is deleted")]),
    );
}

#[test]
fn a_user_who_is_disabled_is_denied() {
    check(
        |world| user(world, "/enabled", json!(false)),
        json!([reason("user_disabled", "user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001` is disabled")]),
    );
}

#[test]
fn a_user_whose_tokens_of_that_time_are_withdrawn_is_denied() {
    let message = format!("the user's tokens from before `{}` are withdrawn, this one is of `{NOW}`", NOW + 1);
    check(|world| user(world, "/notBefore", json!(NOW + 1)), json!([reason("user_not_before", &message)]));
}

#[test]
fn a_client_that_is_deleted_or_disabled_is_denied() {
    check(|world| world.clients = json!([]), json!([reason("client_deleted", "client `payment-app` is deleted")]));
    check(
        |world| world.clients = with(world.clients.take(), "/0/enabled", json!(false)),
        json!([reason("client_disabled", "client `payment-app` is disabled")]),
    );
}

#[test]
fn a_client_or_a_realm_whose_tokens_of_that_time_are_withdrawn_is_denied() {
    let message =
        |whose| format!("the {whose}'s tokens from before `{}` are withdrawn, this one is of `{NOW}`", NOW + 1);
    check(
        |world| world.clients = with(world.clients.take(), "/0/notBefore", json!(NOW + 1)),
        json!([reason("client_not_before", &message("client"))]),
    );
    check(
        |world| world.realm = with(world.realm.take(), "/tokens-not-before", json!(NOW + 1)),
        json!([reason("realm_not_before", &message("realm"))]),
    );
}

#[test]
fn a_token_of_the_very_second_survives_as_it_does_in_keycloak() {
    let mut world = World::new();
    user(&mut world, "/notBefore", json!(NOW));
    world.clients = with(world.clients, "/0/notBefore", json!(NOW));
    world.realm = with(world.realm, "/tokens-not-before", json!(NOW));
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    assert_eq!(said(serve(&world, &event, LATER).token())["tctx"]["epoch"], 1);
}

#[test]
fn all_reasons_are_told_at_once() {
    let message = |whose| format!("the {whose}'s tokens from before `{LATER}` are withdrawn, this one is of `{NOW}`");
    check(
        |world| {
            world.realm = with(world.realm.take(), "/tokens-not-before", json!(LATER));
            world.clients = with(world.clients.take(), "/0/enabled", json!(false));
            user(world, "/enabled", json!(false));
            user(world, "/notBefore", json!(LATER));
        },
        json!([
            reason("realm_not_before", &message("realm")),
            reason("client_disabled", "client `payment-app` is disabled"),
            reason("user_disabled", "user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001` is disabled"),
            reason("user_not_before", &message("user")),
        ]),
    );
}

#[test]
fn a_subject_whose_token_would_not_be_for_us_any_more_is_denied() {
    let message = "an access token of now would be for `account`, not for us";
    check(
        |world| world.evaluation = with(world.evaluation.take(), "/aud", json!("account")),
        json!([reason("audience_withdrawn", message)]),
    );
}

/// A workflow that asks for the session is asked about a run of it.
#[track_caller]
fn check_session(start: &Start, sessions: Value, reasons: Value, token: Value) {
    let mut world = World::new();
    world.sessions = sessions;
    let event = event(&start.token(), "supervised", "renew", json!({ "state": "Work", "cause": "expired" }));
    let point = with(
        with(point("Work", "expired"), "/workflow", json!("supervised")),
        "/execution",
        json!(execution("supervised", "run-1")),
    );
    assert_eq!(serve(&world, &event, LATER), denied(with(line("deny", point, reasons), "/token", token)));
}

#[test]
fn a_run_that_needs_its_starters_session_ends_with_it() {
    let other = json!([{ "id": "another-session", "userId": SUBJECT, "start": 0, "clients": {} }]);
    let message = "session `kZ0VtqGmXJt0tBoQb1x2y3z4` is over";
    let token = json!({ "jti": JTI, "sid": SID, "txn": TRANSACTION });
    for sessions in [json!([]), other] {
        check_session(&Start::of("supervised"), sessions, json!([reason("session_ended", message)]), token.clone());
    }
}

#[test]
fn a_service_account_cannot_have_the_session_that_a_workflow_requires() {
    let start = Start { access_token: without(access_token_payload(NOW), "/sid"), ..Start::of("supervised") };
    let message = "a session is required, the access token was issued without one";
    let token = json!({ "jti": JTI, "txn": TRANSACTION });
    check_session(&start, json!([]), json!([reason("session_absent", message)]), token);
}

/// What the policy itself says no to: the realm is not asked.
#[track_caller]
fn check_unasked(token: &str, state: &str, cause: &str, now: i64, expected: Served) {
    let world = World::new();
    assert_eq!(serve(&world, &renew(token, state, cause), now), expected);
    assert_eq!(world.calls(), (0, 0));
}

/// The audit line of another time, about a statement of that age.
fn line_at(now: i64, age: i64, point: Value, reasons: Value) -> Value {
    with(with(line("deny", point, reasons), "/at", json!(now)), "/identity_age", json!(age))
}

#[test]
fn a_run_that_has_taken_its_time_is_over() {
    let message = |now| format!("started at `{NOW}`, expected at most `{MONTH}` seconds before `{now}`");
    for now in [NOW + MONTH, NOW + 2 * MONTH] {
        let reasons = json!([reason("run_too_long", &message(now))]);
        let audit = line_at(now, now - NOW, point("ApprovePayment", "expired"), reasons);
        check_unasked(&Start::usual().token(), "ApprovePayment", "expired", now, denied(audit));
    }
}

#[test]
fn a_state_that_denies_again_what_was_made_for_it_is_not_asked_about_a_second_time() {
    let first = serve(&World::new(), &renew(&Start::usual().token(), "ApprovePayment", "denied"), LATER);
    let message = format!(
        "state `ApprovePayment` has denied the statement that was made for it at `{LATER}`, now is `{}`",
        LATER + 1
    );
    let reasons = json!([reason("denied_again", &message)]);
    let audit = line_at(LATER + 1, 1, point("ApprovePayment", "denied"), reasons);
    check_unasked(first.token(), "ApprovePayment", "denied", LATER + 1, denied(audit));
}

#[test]
fn a_denial_that_the_policy_calls_final_is_not_asked_about() {
    let reasons = json!([reason("not_reconsidered", "a denial of state `ExecutePayment` is final")]);
    let audit = line("deny", point("ExecutePayment", "denied"), reasons);
    check_unasked(&Start::usual().token(), "ExecutePayment", "denied", LATER, denied(audit));
}

#[test]
fn a_state_that_takes_no_statement_is_stopped_in_the_end() {
    let world = World::new();
    let mut token = Start::usual().token();
    for second in 0..10 {
        let served = serve(&world, &renew(&token, "ApprovePayment", "expired"), LATER + second);
        served.token().clone_into(&mut token);
    }
    let message = "state `ApprovePayment` was given `10` statements in quick succession and took none";
    let now = LATER + 10;
    let audit = line_at(now, 1, point("ApprovePayment", "expired"), json!([reason("asked_too_often", message)]));
    assert_eq!(serve(&world, &renew(&token, "ApprovePayment", "expired"), now), denied(audit));
    assert_eq!(world.calls(), (10, 10));
}

#[test]
fn a_state_that_the_policy_does_not_name_gets_no_statement() {
    let reasons = json!([reason("no_state", "the policy asks nothing of state `SettlePayment`")]);
    let audit = line("deny", point("SettlePayment", "expired"), reasons);
    check_unasked(&Start::usual().token(), "SettlePayment", "expired", LATER, denied(audit));
}
