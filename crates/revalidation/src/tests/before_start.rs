//! Before an execution starts: whether the realm stands behind its caller.

use claim_guard::audit::Reason;
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::{with, without};

use super::keys::foreign_key;
use super::world::{Part, World};
use super::*;

/// The second after the first statement was made.
const AT_ONCE: i64 = NOW + 1;

/// The event of `executions` before `run-1` starts.
fn start(token: &str, workflow: &str) -> Value {
    json!({ "transactionToken": token, "start": { "execution": execution(workflow, "run-1") } })
}

fn about_to_start() -> Value {
    start(&Start::of("supervised").token(), "supervised")
}

fn at_once(line: Value) -> Value {
    with(line, "/at", json!(AT_ONCE))
}

fn line_at_once(decision: &str, reasons: Value) -> Value {
    let point = with(point("", "start"), "/workflow", json!("supervised"));
    let point = with(point, "/execution", json!(execution("supervised", "run-1")));
    with(at_once(line(decision, point, reasons)), "/identity_age", json!(1))
}

/// What is answered to a start, and the one line about it; Step Functions is not asked, and nothing is signed.
#[track_caller]
fn check(change: impl FnOnce(&mut World), answer: Value, decision: &str, reasons: Value) {
    let mut world = World::new();
    // The execution is not there yet, so whoever asks about it breaks down.
    world.panics = Some(Part::Engine);
    change(&mut world);
    let expected = Served { answer: Ok(answer), audit: vec![line_at_once(decision, reasons)] };
    assert_eq!(serve(&world, &about_to_start(), AT_ONCE), expected);
    assert_eq!((world.calls(), world.evaluations()), ((1, 0), 0));
}

#[track_caller]
fn check_denied(change: impl FnOnce(&mut World), reasons: Value) {
    check(change, json!({ "start": "denied", "reasons": reasons }), "deny", reasons);
}

#[test]
fn caller_whom_the_realm_stands_behind_may_start_and_nothing_is_signed() {
    check(|_| {}, json!({ "start": "alive" }), "allow", json!([]));
}

#[test]
fn whatever_would_end_a_run_at_its_next_question_keeps_it_from_starting() {
    let ended = reason("session_ended", &format!("session `{SID}` is over"));
    check_denied(|world| world.sessions = json!([]), json!([ended]));
    let left = reason(
        "client_session_ended",
        &format!("session `{SID}` is without client `{CLIENT}`, which the access token was issued to"),
    );
    check_denied(|world| world.sessions = with(world.sessions.clone(), "/0/clients", json!({})), json!([left]));
    let deleted = reason("user_deleted", &format!("user `{SUBJECT}` is deleted"));
    check_denied(|world| world.user = None, json!([deleted]));
    let disabled = reason("user_disabled", &format!("user `{SUBJECT}` is disabled"));
    let no_user = |world: &mut World| world.user = world.user.take().map(|user| with(user, "/enabled", json!(false)));
    check_denied(no_user, json!([disabled]));
    let both = |world: &mut World| (world.clients, world.sessions) = (json!([]), json!([]));
    let no_client = reason("client_deleted", &format!("client `{CLIENT}` is deleted"));
    check_denied(both, json!([no_client, ended]));
}

#[test]
fn roles_of_now_are_not_asked_for_since_the_access_token_has_just_told_them() {
    let nobody = |world: &mut World| world.evaluation = json!({});
    check(nobody, json!({ "start": "alive" }), "allow", json!([]));
}

#[test]
fn session_is_not_asked_for_where_the_policy_ignores_it() {
    let mut world = World::new();
    world.sessions = json!("nothing that could be read");
    let event = start(&Start::usual().token(), "payment");
    assert_eq!(serve(&world, &event, AT_ONCE).answer, Ok(json!({ "start": "alive" })));
}

#[test]
fn realm_that_cannot_tell_is_undecided() {
    let busy = || ServiceError::Undecided(Reason::new("service_unavailable", &"busy"));
    let mut world = World::new();
    world.outage = Some(busy());
    let audit = line_at_once("undecided", json!([reason("service_unavailable", "busy")]));
    assert_eq!(serve(&world, &about_to_start(), AT_ONCE), undecided(audit));
    let mut world = World::new();
    world.locked_out = true;
    world.user = world.user.map(|user| with(user, "/enabled", json!(false)));
    assert_eq!(serve(&world, &about_to_start(), AT_ONCE).answer.unwrap_err().0, "ClaimGuard.Undecided");
}

/// Whoever only may invoke the function hears nothing of anybody's session.
#[track_caller]
fn check_rejected(event: &Value, now: i64, code: &str, message: &str) {
    let world = World::new();
    let served = serve(&world, event, now);
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Rejected");
    assert_eq!(served.audit[0]["decision"], "reject");
    assert_eq!(served.audit[0]["reasons"], json!([reason(code, message)]));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn statement_of_another_time_learns_nothing_of_the_session() {
    for now in [NOW + 31, NOW - 31] {
        let message =
            format!("expected a statement of the last `30` s, made at `{}`, it is `{}`", time(NOW), time(now));
        check_rejected(&about_to_start(), now, "not_about_to_start", &message);
    }
    let world = World::new();
    let renewed = serve(&world, &renew(&Start::usual().token(), "ApprovePayment", "expired"), AT_ONCE);
    let message = "expected an execution's first statement, its epoch is `1`";
    check_rejected(&start(renewed.token(), "payment"), AT_ONCE, "not_the_first_statement", message);
}

#[test]
fn statement_of_another_execution_workflow_or_stack_learns_nothing_of_the_session() {
    let rejected = |event: &Value| {
        let world = World::new();
        let served = serve(&world, event, AT_ONCE);
        assert_eq!(world.calls(), (0, 0));
        (served.answer.unwrap_err().0, served.audit[0]["reasons"][0]["code"].as_str().unwrap().to_owned())
    };
    let expected = |code: &str| ("ClaimGuard.Rejected".to_owned(), code.to_owned());
    let another = with(about_to_start(), "/start/execution", json!(execution("supervised", "run-2")));
    assert_eq!(rejected(&another), expected("other_execution"));
    let forged = start(&Start::usual().token_by(foreign_key()), "payment");
    assert_eq!(rejected(&forged), expected("unknown_key"));
    let elsewhere = Start { trust_domain: "prod.111122223333.eu-central-1", ..Start::usual() };
    assert_eq!(rejected(&start(&elsewhere.token(), "payment")), expected("other_trust_domain"));
    assert_eq!(rejected(&without(about_to_start(), "/transactionToken")), expected("absent"));
}

#[test]
fn state_machine_that_runs_no_workflow_of_the_policy_is_misconfigured() {
    let event = with(about_to_start(), "/start/execution", json!(execution("refund", "run-1")));
    assert_eq!(serve(&World::new(), &event, AT_ONCE).answer.unwrap_err().0, "ClaimGuard.Misconfigured");
}

#[test]
fn answer_without_a_written_line_is_none() {
    for change in [|_: &mut World| {}, |world: &mut World| world.sessions = json!([])] {
        let mut world = World::new();
        change(&mut world);
        let event = about_to_start().to_string();
        let full = |_: AuditRecord| Err(std::io::ErrorKind::StorageFull.into());
        let answer = block_on(ready(&world).serve(event.as_bytes(), Ok(time(AT_ONCE)), full));
        assert_eq!(answer.map(|_| ()), Err(crate::RevalidationError::Undecided));
    }
}
