//! A token out of a history is worth nothing once its execution lives no more: nothing is asked of the realm, nothing signed.

use claim_guard::audit::Reason;
use claim_guard::revalidation::{ExecutionStatus, MapRunStatus};
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::{access_token_payload, with};

use super::world::World;
use super::*;

fn run() -> String {
    execution("payment", "run-1")
}

/// Every way to ask on the statement of `run-1`, with where that stands in the audit line.
fn asks() -> [(Value, Value); 3] {
    let token = Start::usual().token();
    let delegate = json!({ "state": "SettlePayment", "input": { "project_id": "apollo" } });
    [
        (renew(&token, "ApprovePayment", "expired"), point("ApprovePayment", "expired")),
        (renew(&token, "ApprovePayment", "denied"), point("ApprovePayment", "denied")),
        (event(&token, "payment", "delegate", delegate), point("SettlePayment", "nested")),
    ]
}

#[track_caller]
fn check(change: impl Fn(&mut World), code: &str, message: &str) {
    for (event, point) in asks() {
        let mut world = World::new();
        change(&mut world);
        let audit = line("deny", point, json!([reason(code, message)]));
        assert_eq!(serve(&world, &event, LATER), denied(audit));
        assert_eq!(world.calls(), (0, 0), "nothing is asked of the realm, nothing signed");
    }
}

/// Until it heals there is no statement, and no denial either.
#[track_caller]
fn check_undecided(change: impl Fn(&mut World), code: &str, message: &str) {
    for (event, point) in asks() {
        let mut world = World::new();
        change(&mut world);
        let audit = line("undecided", point, json!([reason(code, message)]));
        assert_eq!(serve(&world, &event, LATER), undecided(audit));
        assert_eq!(world.calls(), (0, 0));
    }
}

fn is(status: ExecutionStatus) -> impl Fn(&mut World) {
    move |world| _ = world.executions.statuses.insert(run(), status)
}

#[test]
fn a_token_of_an_execution_that_has_ended_is_denied() {
    for status in [ExecutionStatus::Succeeded, ExecutionStatus::Failed, ExecutionStatus::TimedOut] {
        let message = format!("execution `{}`: expected `RUNNING`, is `{status}`", run());
        check(is(status), "execution_over", &message);
    }
}

#[test]
fn a_token_of_an_execution_that_was_stopped_is_denied() {
    let message = format!("execution `{}`: expected `RUNNING`, is `ABORTED`", run());
    check(is(ExecutionStatus::Aborted), "execution_stopped", &message);
}

#[test]
fn a_token_that_still_holds_is_denied_too_once_its_execution_is_over() {
    let mut world = World::new();
    is(ExecutionStatus::Aborted)(&mut world);
    let served = serve(&world, &renew(&Start::usual().token(), "ExecutePayment", "expired"), NOW + 1);
    assert_eq!(served.audit[0]["reasons"][0]["code"], "execution_stopped");
    assert_eq!((served.answer.unwrap_err().0.as_str(), world.calls()), ("ClaimGuard.Denied", (0, 0)));
}

#[test]
fn a_token_of_an_execution_that_is_forgotten_is_denied() {
    let message = format!("Step Functions has no execution `{}`", run());
    check(|world| world.executions.absent = true, "execution_absent", &message);
}

#[test]
fn a_redrive_that_was_not_is_denied() {
    let message = format!("execution `{}`: redrive count: presented `0`, is `1`", run());
    check(|world| _ = world.executions.redrives.insert(run(), 1), "other_redrive", &message);
}

#[test]
fn a_name_that_was_used_again_is_denied() {
    let again = NOW + 91 * 24 * 3600;
    let message = format!("the execution's start: stated for `{NOW}`, was at `{again}`");
    check(|world| world.executions.started_at = again, "other_start", &message);
}

#[test]
fn an_execution_of_somebody_else_is_denied() {
    let other = || {
        let access_token = with(access_token_payload(NOW), "/sub", json!("somebody-else"));
        Start { access_token, ..Start::usual() }
    };
    let by = |subject: &str| format!("`{subject}` of `{ISSUER}` by client `{CLIENT}`");
    let message = format!("the execution's starter: expected {}, was {}", by(SUBJECT), by("somebody-else"));
    check(|world| world.executions.start = Some(other()), "other_starter", &message);
}

#[test]
fn an_execution_that_was_started_on_another_input_is_denied() {
    let digest = |input: &Value| Digest::of(input.to_string().as_bytes());
    let other = json!({ "amount": 1_000_000 });
    let message = format!("the execution's input: expected `{}`, is `{}`", digest(&json!({})), digest(&other));
    check(|world| world.executions.input = other.clone(), "other_input", &message);
}

fn redriven(stopped_at: Option<i64>) -> (World, Value) {
    let mut world = World::new();
    world.executions.redrives.insert(run(), 1);
    world.executions.stopped_at = stopped_at;
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    (world, with(event, "/context/redriveCount", json!(1)))
}

#[test]
fn what_was_stopped_stays_stopped_when_it_is_redriven() {
    let (world, event) = redriven(Some(NOW + 90));
    let message = format!("execution `{}` was stopped at `{}`, and redriven afterwards", run(), NOW + 90);
    let point = with(point("ApprovePayment", "expired"), "/redrive", json!(1));
    let audit = line("deny", point, json!([reason("stopped_before_redrive", &message)]));
    assert_eq!(serve(&world, &event, LATER), denied(audit));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn what_has_failed_goes_on_when_it_is_redriven_and_its_past_is_looked_at_once() {
    let (world, event) = redriven(None);
    let token = serve(&world, &event, LATER).token().to_owned();
    let next = with(event, "/transactionToken", json!(token));
    assert_eq!(said(serve(&world, &next, LATER + 400).token())["tctx"]["redrive"], 1);
    assert_eq!(world.executions.calls(), [2, 0, 1]);
}

const CHILD: &str = "arn:aws:states:eu-central-1:111122223333:execution:payments-payment/Parties:0f1e2d3c";

fn adopt() -> Value {
    let event = event(&Start::usual().token(), "payment", "adopt", json!({}));
    let event = with(event, "/context/stateMachine", json!(machine("payment/Parties")));
    with(event, "/context/execution", json!(CHILD))
}

#[track_caller]
fn check_not_adopted(change: impl Fn(&mut World), code: &str, message: &str) {
    let mut world = World::new();
    change(&mut world);
    let point = with(point("", "child"), "/execution", json!(CHILD));
    assert_eq!(serve(&world, &adopt(), LATER), denied(line("deny", point, json!([reason(code, message)]))));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn a_child_of_another_execution_of_the_same_machine_adopts_nothing() {
    let other = execution("payment", "run-2");
    let message = format!("the Map run's parent: expected execution `{}`, is `{other}`", run());
    check_not_adopted(|world| world.executions.parent = other.clone(), "foreign_map_run", &message);
}

#[test]
fn a_child_adopts_nothing_once_it_or_its_map_run_or_its_parent_is_over() {
    let over = |arn: &str| format!("execution `{arn}`: expected `RUNNING`, is `ABORTED`");
    for arn in [CHILD.to_owned(), run()] {
        let stop = |world: &mut World| _ = world.executions.statuses.insert(arn.clone(), ExecutionStatus::Aborted);
        check_not_adopted(stop, "execution_stopped", &over(&arn));
    }
    let map_run = "arn:aws:states:eu-central-1:111122223333:mapRun:payments-payment/Parties:1";
    let message = format!("Map run `{map_run}`: expected `RUNNING`, is `FAILED`");
    check_not_adopted(|world| world.executions.map_run = MapRunStatus::Failed, "map_run_over", &message);
}

#[test]
fn an_engine_that_is_out_of_reach_or_throttles_decides_nothing() {
    let message = "`DescribeExecution` answered `400` with `ThrottlingException`";
    let outage = || Some(ServiceError::Undecided(Reason::new("service_unavailable", &message)));
    check_undecided(|world| world.executions.outage = outage(), "service_unavailable", message);
}

#[test]
fn an_engine_that_does_not_let_us_look_has_to_be_mended() {
    let message = "`DescribeExecution` answered `400` with `AccessDeniedException`";
    let mut world = World::new();
    world.executions.outage = Some(ServiceError::Misconfigured(Reason::new("service_refused", &message)));
    let (event, point) = asks().into_iter().next().unwrap();
    let audit = line("misconfigured", point, json!([reason("service_refused", message)]));
    assert_eq!(serve(&world, &event, LATER), misconfigured(audit));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn what_is_not_shown_yet_is_retried() {
    let message = format!("execution `{}`: redrive `0` is not shown yet, `PENDING_REDRIVE` after `0` is", run());
    check_undecided(is(ExecutionStatus::PendingRedrive), "redrive_not_shown_yet", &message);
}

#[test]
fn what_the_policy_forbids_costs_no_look() {
    let world = World::new();
    let event = renew(&Start::usual().token(), "NoSuchState", "expired");
    assert_eq!(serve(&world, &event, LATER).answer.unwrap_err().0, "ClaimGuard.Denied");
    assert_eq!(world.executions.calls(), [0, 0, 0]);
}

#[test]
fn a_map_run_and_its_parent_are_asked_about_once_for_children_that_ask_together() {
    let world = World::new();
    let service = ready(&world);
    let ask = |event: &Value, now| {
        let served = serve_by(&service, event.to_string().as_bytes(), Ok(time(now)));
        assert!(served.answer.is_ok(), "{served:?}");
        world.executions.calls()
    };
    assert_eq!(ask(&adopt(), LATER), [2, 1, 0]);
    let other = with(adopt(), "/context/execution", json!(CHILD.replace("0f1e", "1f1e")));
    assert_eq!(ask(&other, LATER + 3), [3, 1, 0]);
    assert_eq!(ask(&other, LATER + 4), [5, 2, 0]);
}

#[test]
fn of_the_presented_execution_nothing_is_remembered() {
    let mut world = World::new();
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let ask = |world: &World| {
        let service = ready(world);
        let asked = [(); 2].map(|()| serve_by(&service, event.as_bytes(), Ok(time(LATER))).answer.is_ok());
        (asked, world.executions.calls())
    };
    assert_eq!(ask(&world), ([true; 2], [2, 0, 0]));
    is(ExecutionStatus::Failed)(&mut world);
    assert_eq!(ask(&world), ([false; 2], [4, 0, 0]));
}
