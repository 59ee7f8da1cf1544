//! What is presented is presumed, until Step Functions has said that it lives and is what the statement was made for.

use std::sync::Arc;

use claim_guard::JsonError;
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, MapRunArn, StateMachineArn, StateName, TransactionId};
use claim_guard::jws::JwsError;
use claim_guard::revalidation::{
    Cause, ExecutionSeen, ExecutionStatus, InputSeen, Lapse, Look, MapRunSeen, MapRunStatus, NotAlive, NotShownYet,
    PresumedQuestion, StartedBy, Withdrawal,
};
use claim_guard::transaction::{StaleTransaction, TransactionRejection};
use serde_json::{Map, Value, json};
use test_realm::{TestKey, with};

use crate::fixture::{aged, aged_at, policy, statement};
use crate::support::alive::{MAP_RUN, first, running, signed, statements};
use crate::support::time;
use crate::support::transaction::{EXECUTION, MACHINE, execution, forged, forging_key, state};

const CHILD: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment/Screening:child-1";
const CHILD_MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment/Screening";
const OTHER: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:two";

/// When most of it is presented: long after the first statement has expired.
const LATER: i64 = 1000;

fn own() -> ExecutionArn {
    execution(EXECUTION)
}

fn approve() -> StateName {
    state("Approve")
}

/// What is presented for the state `Approve` in the statement's own execution, redriven so often.
fn presumed(statement: &Value, redrive_count: u32) -> PresumedQuestion {
    policy().question_of_state(aged(statement), &approve(), Cause::Expired, redrive_count, time(LATER)).unwrap()
}

fn adoption(statement: &Value, redrive_count: u32) -> PresumedQuestion {
    policy().question_of_child(aged(statement), &execution(CHILD), redrive_count, time(LATER)).unwrap()
}

/// A child's own statement, as it is presented in that child.
fn child_s() -> Arc<StaleTransaction> {
    let own = with(with(statement(), "/tctx/execution", json!(CHILD)), "/tctx/state_machine", json!(CHILD_MACHINE));
    aged_at(&own, CHILD)
}

/// What comes of a look, by what has to be asked next.
fn next(look: Result<Look, NotAlive>) -> Result<&'static str, NotAlive> {
    look.map(|look| match look {
        Look::Execution(_) => "execution",
        Look::MapRun(_) => "map run",
        Look::Parent(_) => "parent",
        Look::Stops(_) => "stops",
        Look::Alive(_) => "alive",
    })
}

/// What follows from what Step Functions says of the execution that `presumed` is presented in.
fn seen(presumed: PresumedQuestion, change: impl FnOnce(&mut ExecutionSeen)) -> Result<Look, NotAlive> {
    let mut seen = running(presumed.execution(), presumed.redrive_count(), presumed.statement());
    change(&mut seen);
    presumed.seen(Some(&seen), &statements(), time(LATER))
}

#[track_caller]
fn check(change: impl FnOnce(&mut ExecutionSeen), expected: Result<&'static str, NotAlive>) {
    assert_eq!(next(seen(presumed(&statement(), 0), change)), expected);
}

fn lapsed(presented: Result<Look, NotAlive>) -> Vec<Withdrawal> {
    match presented.unwrap_err() {
        NotAlive::Lapsed(withdrawals) => withdrawals.all().to_vec(),
        NotAlive::NotShownYet(cause) => panic!("{cause}"),
    }
}

#[track_caller]
fn check_lapse(presented: Result<Look, NotAlive>, lapse: Lapse, code: &str) {
    assert_eq!(lapse.code(), code);
    assert_eq!(lapsed(presented), [Withdrawal::Lapsed(lapse)]);
}

#[track_caller]
fn check_lapsed(change: impl FnOnce(&mut ExecutionSeen), lapse: Lapse, code: &str) {
    check_lapse(seen(presumed(&statement(), 0), change), lapse, code);
}

#[track_caller]
fn check_not_shown(presented: Result<Look, NotAlive>, cause: NotShownYet, code: &str) {
    assert_eq!(cause.code(), code);
    assert_eq!(next(presented), Err(NotAlive::NotShownYet(cause)));
}

fn input(change: impl FnOnce(Value) -> Value) -> impl FnOnce(&mut ExecutionSeen) {
    let first = signed(&change(first(&own(), &aged(&statement()))));
    input_of(json!({ "transactionToken": first.as_str(), "input": {} }).to_string())
}

fn input_of(text: String) -> impl FnOnce(&mut ExecutionSeen) {
    move |seen| seen.input = Some(InputSeen(text))
}

#[test]
fn an_execution_that_runs_as_stated_lives() {
    check(|_| {}, Ok("alive"));
}

#[test]
fn an_execution_that_has_ended_lives_no_more_however_it_ended() {
    for (status, code) in [
        (ExecutionStatus::Succeeded, "execution_over"),
        (ExecutionStatus::Failed, "execution_over"),
        (ExecutionStatus::TimedOut, "execution_over"),
        (ExecutionStatus::Aborted, "execution_stopped"),
    ] {
        check_lapsed(|seen| seen.status = status, Lapse::ExecutionOver { execution: own(), status }, code);
    }
}

#[test]
fn a_start_of_another_workflow_needs_a_parent_that_lives() {
    let nested = execution("arn:aws:states:eu-west-1:000000000000:execution:settlement:two");
    let presumed = |redrive_count| {
        let old = aged(&statement());
        let asked =
            policy().question_of_nested_start(old, &state("Settle"), &nested, Map::new(), redrive_count, time(LATER));
        asked.unwrap()
    };
    assert_eq!(presumed(0).execution(), &own());
    assert_eq!(next(seen(presumed(0), |_| {})), Ok("alive"));
    let status = ExecutionStatus::Succeeded;
    let over = Lapse::ExecutionOver { execution: own(), status };
    check_lapse(seen(presumed(0), |seen| seen.status = status), over, "execution_over");
    let other = Lapse::OtherRedrive { execution: own(), presented: 1, seen: 0 };
    check_lapse(seen(presumed(1), |seen| seen.redrive_count = 0), other, "other_redrive");
}

#[test]
fn an_execution_that_is_not_there_lives_no_more_but_a_new_one_may_not_be_shown_yet() {
    let absent = |presumed: PresumedQuestion, seconds| presumed.seen(None, &statements(), time(seconds));
    let lapse = Lapse::ExecutionAbsent { execution: own() };
    check_lapse(absent(presumed(&statement(), 0), 60), lapse, "execution_absent");
    let cause = NotShownYet::Execution { execution: own() };
    check_not_shown(absent(presumed(&statement(), 0), 59), cause, "execution_not_shown_yet");
    // Nothing tells how old a child is.
    let cause = NotShownYet::Execution { execution: execution(CHILD) };
    check_not_shown(absent(adoption(&statement(), 0), LATER), cause, "execution_not_shown_yet");
}

#[test]
fn the_redrive_count_is_the_execution_s() {
    for (stated, presented, is) in [(0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 7, 2)] {
        let old = with(statement(), "/tctx/redrive", json!(stated));
        let presented_at = seen(presumed(&old, presented), |seen| seen.redrive_count = is);
        check_lapse(presented_at, Lapse::OtherRedrive { execution: own(), presented, seen: is }, "other_redrive");
    }
}

#[test]
fn a_redrive_that_is_not_shown_yet_is_no_denial() {
    let of = |presented, status, is| {
        let cause = NotShownYet::Redrive { execution: own(), presented, status, seen: is };
        let presented = seen(presumed(&statement(), presented), |seen| {
            seen.status = status;
            seen.redrive_count = is;
        });
        check_not_shown(presented, cause, "redrive_not_shown_yet");
    };
    of(1, ExecutionStatus::TimedOut, 0);
    of(3, ExecutionStatus::Failed, 2);
    of(0, ExecutionStatus::PendingRedrive, 0);
    // But one that is two redrives away is none, and what has succeeded or was stopped has none.
    let status_of = |presumed: PresumedQuestion, status| {
        seen(presumed, |seen| {
            seen.status = status;
            seen.redrive_count = 0;
        })
    };
    for (presented, status, code) in [
        (2, ExecutionStatus::Failed, "execution_over"),
        (1, ExecutionStatus::Succeeded, "execution_over"),
        (1, ExecutionStatus::Aborted, "execution_stopped"),
    ] {
        let lapse = Lapse::ExecutionOver { execution: own(), status };
        check_lapse(status_of(presumed(&statement(), presented), status), lapse, code);
    }
    let status = ExecutionStatus::Aborted;
    let cause = NotShownYet::Redrive { execution: execution(CHILD), presented: 1, status, seen: 0 };
    check_not_shown(status_of(child_asks(1), status), cause, "redrive_not_shown_yet");
}

#[test]
fn what_was_stopped_stays_stopped_when_it_is_redriven() {
    let redriven = || {
        let Look::Stops(redriven) = seen(presumed(&statement(), 1), |_| {}).unwrap() else { panic!("it was redriven") };
        redriven
    };
    assert_eq!(redriven().execution(), &own());
    assert_eq!(next(redriven().seen(None)), Ok("alive"));
    let lapse = Lapse::Stopped { execution: own(), stopped_at: time(90) };
    check_lapse(redriven().seen(Some(time(90))), lapse, "stopped_before_redrive");
}

#[test]
fn a_statement_of_the_same_redrive_was_made_after_that_look() {
    let old = with(statement(), "/tctx/redrive", json!(2));
    assert_eq!(next(seen(presumed(&old, 2), |_| {})), Ok("alive"));
    assert_eq!(next(seen(presumed(&old, 3), |_| {})), Ok("stops"));
}

#[test]
fn the_machine_is_the_stated_one() {
    let machine = StateMachineArn::parse(&format!("{MACHINE}-2")).unwrap();
    let lapse = Lapse::OtherMachine { expected: own().state_machine(), seen: machine.clone() };
    check_lapsed(|seen| seen.state_machine = machine, lapse, "machine_of_another_execution");
}

#[test]
fn the_start_is_the_stated_one_within_what_a_start_may_take() {
    for seconds in [-60, -1, 0, 20, 900] {
        check(|seen| seen.started_at = time(seconds), Ok("alive"));
    }
    for seconds in [-61, 901, 90 * 24 * 3600] {
        let lapse = Lapse::OtherStart { stated: time(0), seen: time(seconds) };
        check_lapsed(|seen| seen.started_at = time(seconds), lapse, "other_start");
    }
}

#[test]
fn the_input_holds_a_token_of_this_transaction_for_this_execution() {
    check_lapsed(|seen| seen.input = None, Lapse::NoInput, "execution_without_input");
    let malformed = Lapse::MalformedInput(JsonError::NotAnObject);
    check_lapsed(input_of("[]".to_owned()), malformed, "execution_with_malformed_input");
    for text in [json!({}), json!({ "transactionToken": 1 }), json!({ "transactionToken": null })] {
        check_lapsed(input_of(text.to_string()), Lapse::InputWithoutToken, "execution_without_transaction_token");
    }
    let rejected = |rejection| (Lapse::InputRejected(rejection), "execution_with_rejected_transaction_token");
    let (lapse, code) = rejected(TransactionRejection::OtherExecution { expected: own(), presented: execution(OTHER) });
    check_lapsed(input(|first| with(first, "/tctx/execution", json!(OTHER))), lapse, code);
    let transaction = |text| TransactionId::parse(text).unwrap();
    let lapse = Lapse::OtherTransaction { expected: transaction("txn-1"), seen: Some(transaction("txn-2")) };
    check_lapsed(input(|first| with(first, "/txn", json!("txn-2"))), lapse, "other_transaction");
}

#[test]
fn the_input_s_token_is_of_the_same_starter() {
    let other = |pointer: &'static str, value: Value| {
        let old = aged(&with(statement(), pointer, value.clone()));
        let expected = Box::new(StartedBy::of(aged(&statement()).identity()));
        let lapse = Lapse::OtherStarter { expected, seen: Box::new(StartedBy::of(old.identity())) };
        check_lapsed(input(|first| with(first, pointer, value.clone())), lapse, "other_starter");
    };
    other("/sub", json!("somebody-else"));
    other("/req_wl", json!("other-app"));
    other("/rctx/iss", json!("https://id.example/realms/other"));
    other("/rctx/act", json!({ "sub": "admin" }));
}

#[test]
fn the_first_statement_s_age_and_a_renewed_presented_one_do_not_matter() {
    check(input(|first| with(with(first, "/iat", json!(1)), "/exp", json!(2))), Ok("alive"));
    let renewed = with(with(statement(), "/tctx/epoch", json!(41)), "/tctx/roles", json!([]));
    assert_eq!(next(seen(presumed(&renewed, 0), |_| {})), Ok("alive"));
}

#[test]
fn a_first_statement_of_a_forgotten_key_is_compared_by_what_it_claims() {
    let forgotten = TestKey::generate("ES256", "forgotten");
    let by = |first: &Value| {
        let token = forged(&forgotten, first);
        input_of(json!({ "transactionToken": token.as_str(), "input": {} }).to_string())
    };
    let first = first(&own(), &aged(&statement()));
    check(by(&first), Ok("alive"));
    let transaction = |text| TransactionId::parse(text).unwrap();
    let lapse = Lapse::OtherTransaction { expected: transaction("txn-1"), seen: Some(transaction("txn-2")) };
    check_lapsed(by(&with(first, "/txn", json!("txn-2"))), lapse, "other_transaction");
    // A key that is known refutes.
    let token = forged(&forging_key(), &statement());
    let altered = json!({ "transactionToken": token.as_str(), "input": {} }).to_string();
    let jws = JwsError::BadSignature { key_id: KeyId::parse("kms").unwrap() };
    let lapse = Lapse::InputRejected(TransactionRejection::Jws(jws));
    check_lapsed(input_of(altered), lapse, "execution_with_rejected_transaction_token");
}

#[test]
fn the_input_is_the_one_that_was_decided_on() {
    let token = signed(&first(&own(), &aged(&statement())));
    let of = |input: Value| input_of(json!({ "transactionToken": token.as_str(), "input": input }).to_string());
    check(of(json!({})), Ok("alive"));
    for other in [json!({ "amount": 1 }), json!([]), json!(null)] {
        let seen = Digest::of(other.to_string().as_bytes());
        let lapse = Lapse::OtherInput { expected: Digest::of(b"{}"), seen };
        check_lapsed(of(other), lapse, "other_input");
    }
    let without_input = json!({ "transactionToken": token.as_str() }).to_string();
    let lapse = Lapse::OtherInput { expected: Digest::of(b"{}"), seen: Digest::of(b"null") };
    check_lapsed(input_of(without_input), lapse, "other_input");
    // However it is spelled.
    let spelled = with(statement(), "/tctx/input", json!(Digest::of(br#"{"a":1,"b":[2.5]}"#).as_str()));
    let text = format!(r#"{{ "input" : {{ "b": [ 2.50 ], "a" :1 }}, "transactionToken": "{}" }}"#, token.as_str());
    assert_eq!(next(seen(presumed(&spelled, 0), input_of(text))), Ok("alive"));
}

#[test]
fn an_answer_about_another_execution_says_nothing() {
    let cause = NotShownYet::AnotherExecution { expected: own(), presented: execution(OTHER) };
    let presented = seen(presumed(&statement(), 0), |seen| seen.execution = execution(OTHER));
    check_not_shown(presented, cause, "answer_about_another_execution");
}

#[test]
fn an_input_does_not_print() {
    let seen = running(&own(), 0, &aged(&statement()));
    assert!(seen.input.is_some());
    assert!(!format!("{seen:?}").contains("eyJ"), "{seen:?}");
}

/// What follows from what Step Functions says of the Map run of a child.
fn of_map_run(presumed: PresumedQuestion, seen_map_run: Option<MapRunSeen>) -> Result<Look, NotAlive> {
    let Look::MapRun(child) = seen(presumed, |_| {}).unwrap() else { panic!("a child has a Map run") };
    assert_eq!(child.map_run().as_str(), MAP_RUN);
    child.seen(seen_map_run.as_ref())
}

fn map_run(parent: &str, status: MapRunStatus) -> Option<MapRunSeen> {
    Some(MapRunSeen { parent: execution(parent), status })
}

/// What follows from what Step Functions says of the parent of a child.
fn of_parent(presumed: PresumedQuestion, change: impl FnOnce(&mut ExecutionSeen)) -> Result<Look, NotAlive> {
    let mut parent = running(&own(), 0, presumed.statement());
    change(&mut parent);
    let Look::Parent(run) = of_map_run(presumed, map_run(EXECUTION, MapRunStatus::Running)).unwrap() else {
        panic!("a Map run has a parent")
    };
    assert_eq!(run.execution(), &own());
    run.seen(Some(&parent), &statements(), time(LATER))
}

fn child_asks(redrive_count: u32) -> PresumedQuestion {
    policy().question_of_state(child_s(), &approve(), Cause::Expired, redrive_count, time(LATER)).unwrap()
}

#[test]
fn a_child_lives_while_its_map_run_and_its_parent_do() {
    for presumed in [|| adoption(&statement(), 0), || child_asks(0)] {
        assert_eq!(presumed().execution(), &execution(CHILD));
        assert_eq!(next(of_parent(presumed(), |_| {})), Ok("alive"));
        let (status, execution_status) = (MapRunStatus::Aborted, ExecutionStatus::Aborted);
        let over = Lapse::MapRunOver { map_run: MapRunArn::parse(MAP_RUN).unwrap(), status };
        check_lapse(of_map_run(presumed(), map_run(EXECUTION, status)), over, "map_run_over");
        let over = Lapse::ExecutionOver { execution: own(), status: execution_status };
        check_lapse(of_parent(presumed(), |seen| seen.status = execution_status), over, "execution_stopped");
        let over = Lapse::ExecutionOver { execution: execution(CHILD), status: execution_status };
        check_lapse(seen(presumed(), |seen| seen.status = execution_status), over, "execution_stopped");
        let cause = NotShownYet::MapRun { map_run: MapRunArn::parse(MAP_RUN).unwrap() };
        check_not_shown(of_map_run(presumed(), None), cause, "map_run_not_shown_yet");
        let none = Lapse::NoMapRun { execution: execution(CHILD) };
        check_lapse(seen(presumed(), |seen| seen.map_run = None), none, "no_map_run");
    }
}

#[test]
fn a_child_of_another_execution_of_the_same_machine_is_not_adopted() {
    let presented = of_map_run(adoption(&statement(), 0), map_run(OTHER, MapRunStatus::Running));
    let lapse = Lapse::ForeignMapRun { expected: own(), seen: execution(OTHER) };
    check_lapse(presented, lapse, "foreign_map_run");
}

#[test]
fn the_parent_of_a_child_began_as_the_child_s_statement_says() {
    for presumed in [|| adoption(&statement(), 0), || child_asks(0)] {
        let lapse = Lapse::OtherStart { stated: time(0), seen: time(901) };
        check_lapse(of_parent(presumed(), |seen| seen.started_at = time(901)), lapse, "other_start");
        let transaction = |text| TransactionId::parse(text).unwrap();
        let lapse = Lapse::OtherTransaction { expected: transaction("txn-1"), seen: Some(transaction("txn-2")) };
        let other = input(|first| with(first, "/txn", json!("txn-2")));
        check_lapse(of_parent(presumed(), other), lapse, "other_transaction");
    }
}

#[test]
fn a_parent_that_was_redriven_since_is_looked_at_for_stops() {
    // The parent's statement tells how often it had been redriven, and a child's its own.
    let redriven = |seen: &mut ExecutionSeen| seen.redrive_count = 1;
    assert_eq!(next(of_parent(adoption(&statement(), 0), redriven)), Ok("stops"));
    let after = with(statement(), "/tctx/redrive", json!(1));
    assert_eq!(next(of_parent(adoption(&after, 0), redriven)), Ok("alive"));
    assert_eq!(next(of_parent(child_asks(0), redriven)), Ok("alive"));
    assert_eq!(next(of_parent(child_asks(1), redriven)), Ok("stops"));
    let Look::Stops(stops) = of_parent(child_asks(1), redriven).unwrap() else { panic!("it was redriven") };
    let lapse = Lapse::Stopped { execution: own(), stopped_at: time(9) };
    check_lapse(stops.seen(Some(time(9))), lapse, "stopped_before_redrive");
}

#[test]
fn statuses_are_step_functions_own() {
    for name in ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"] {
        assert_eq!(ExecutionStatus::parse(name).map(ExecutionStatus::as_str), Some(name));
    }
    for name in ["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"] {
        assert_eq!(MapRunStatus::parse(name).map(MapRunStatus::as_str), Some(name));
    }
    assert_eq!((ExecutionStatus::parse("running"), MapRunStatus::parse("TIMED_OUT")), (None, None));
}

#[test]
fn a_lapse_names_both_sides_in_one_line() {
    let (execution, map_run) = (own(), MapRunArn::parse(MAP_RUN).unwrap());
    let transaction = |text| TransactionId::parse(text).unwrap();
    let by = |value: &Value| Box::new(StartedBy::of(aged(value).identity()));
    let somebody = with(statement(), "/sub", json!("somebody"));
    let digest = |text: &str| Digest::of(text.as_bytes());
    let one = digest("1");
    let messages = [
        (Lapse::ExecutionAbsent { execution: own() }, format!("Step Functions has no execution `{execution}`")),
        (
            Lapse::ExecutionOver { execution: own(), status: ExecutionStatus::TimedOut },
            format!("execution `{execution}`: expected `RUNNING`, is `TIMED_OUT`"),
        ),
        (
            Lapse::OtherRedrive { execution: own(), presented: 2, seen: 1 },
            format!("execution `{execution}`: redrive count: presented `2`, is `1`"),
        ),
        (
            Lapse::MapRunOver { map_run: map_run.clone(), status: MapRunStatus::Failed },
            format!("Map run `{map_run}`: expected `RUNNING`, is `FAILED`"),
        ),
        (
            Lapse::OtherTransaction { expected: transaction("a"), seen: None },
            "the execution's transaction: expected `a`, is ``".to_owned(),
        ),
        (
            Lapse::OtherStarter { expected: by(&statement()), seen: by(&somebody) },
            format!(
                "the execution's starter: expected `{}` of `{issuer}` by client `payment-app`, was `somebody` of `{issuer}` by \
                 client `payment-app`",
                test_realm::SUBJECT,
                issuer = test_realm::ISSUER
            ),
        ),
        (
            Lapse::OtherInput { expected: one.clone(), seen: digest("2") },
            format!("the execution's input: expected `{one}`, is `{}`", digest("2")),
        ),
        (
            Lapse::Stopped { execution: own(), stopped_at: time(9) },
            format!("execution `{execution}` was stopped at `1767225609`, and redriven afterwards"),
        ),
    ];
    for (lapse, message) in messages {
        let withdrawal = Withdrawal::Lapsed(lapse.clone());
        assert_eq!((withdrawal.code(), withdrawal.to_string()), (lapse.code(), message));
    }
}
