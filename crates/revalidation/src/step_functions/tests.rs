use aws_sdk_sfn::types::{ExecutionStatus as Status, MapRunStatus as RunStatus};

use super::*;

const EXECUTION: &str = "arn:aws:states:eu-central-1:111122223333:execution:payments-payment/Parties:0f1e";
const MACHINE: &str = "arn:aws:states:eu-central-1:111122223333:stateMachine:payments-payment/Parties";
const MAP_RUN: &str = "arn:aws:states:eu-central-1:111122223333:mapRun:payments-payment/Parties:77";

fn answer() -> DescribeExecutionOutput {
    let answer = DescribeExecutionOutput::builder().execution_arn(EXECUTION).state_machine_arn(MACHINE);
    let answer = answer.status(Status::Running).start_date(DateTime::from_secs_and_nanos(1_767_225_600, 999_000_000));
    answer.input("{}").map_run_arn(MAP_RUN).redrive_count(2).build().unwrap()
}

fn seen() -> ExecutionSeen {
    ExecutionSeen {
        execution: ExecutionArn::parse(EXECUTION).unwrap(),
        state_machine: StateMachineReference::parse(MACHINE).unwrap().machine().clone(),
        status: ExecutionStatus::Running,
        redrive_count: 2,
        started_at: UnixTime::from_seconds(1_767_225_600).unwrap(),
        input: Some(InputSeen("{}".to_owned())),
        map_run: Some(MapRunArn::parse(MAP_RUN).unwrap()),
    }
}

#[track_caller]
fn check(change: impl FnOnce(&mut DescribeExecutionOutput), expected: Result<ExecutionSeen, ServiceError>) {
    let mut answer = answer();
    change(&mut answer);
    assert_eq!(described(answer), expected);
}

fn undecided(message: &str) -> ServiceError {
    ServiceError::Undecided(Reason::new("malformed_answer", &message))
}

#[test]
fn a_description_is_read_in_whole_seconds() {
    check(|_| {}, Ok(seen()));
    let bare = ExecutionSeen { redrive_count: 0, input: None, map_run: None, ..seen() };
    check(|answer| (answer.redrive_count, answer.input, answer.map_run_arn) = (None, None, None), Ok(bare));
}

#[test]
fn every_status_of_step_functions_is_known() {
    for status in Status::values() {
        let known = ExecutionStatus::parse(status).unwrap();
        check(|answer| answer.status = Status::from(*status), Ok(ExecutionSeen { status: known, ..seen() }));
    }
    for status in RunStatus::values() {
        assert_eq!(MapRunStatus::parse(status).map(MapRunStatus::as_str), Some(*status));
    }
    let message = "`DescribeExecution` answered the status `RESTING`";
    let unknown = ServiceError::Misconfigured(Reason::new("unknown_status", &message));
    check(|answer| answer.status = Status::from("RESTING"), Err(unknown));
}

#[test]
fn a_description_that_makes_no_sense_decides_nothing() {
    let expected = undecided("`DescribeExecution` answered a redrive count below 0");
    check(|answer| answer.redrive_count = Some(-1), Err(expected));
    let expected = undecided("`DescribeExecution` answered a time outside of all reason");
    check(|answer| answer.start_date = DateTime::from_secs(i64::MAX), Err(expected));
    let expected = undecided("`DescribeExecution`: execution ARN is empty");
    check(|answer| answer.execution_arn.clear(), Err(expected));
    let expected = undecided("`DescribeExecution`: Map run ARN is empty");
    check(|answer| answer.map_run_arn = Some(String::new()), Err(expected));
}

#[test]
fn a_map_run_is_read_by_its_parent_and_its_status() {
    let parent = EXECUTION.replace("/Parties", "");
    let answer = DescribeMapRunOutput::builder().map_run_arn(MAP_RUN).execution_arn(&parent).status(RunStatus::Aborted);
    let answer = answer.start_date(DateTime::from_secs(0)).max_concurrency(0).tolerated_failure_percentage(0.0);
    let answer = answer.tolerated_failure_count(0).build().unwrap();
    let seen = MapRunSeen { parent: ExecutionArn::parse(&parent).unwrap(), status: MapRunStatus::Aborted };
    assert_eq!(map_run_described(&answer), Ok(seen));
}

#[test]
fn only_the_end_of_a_whole_execution_is_a_stop() {
    let event = |kind| HistoryEvent::builder().timestamp(DateTime::from_secs(0)).r#type(kind).id(1).build().unwrap();
    let others = [
        HistoryEventType::ExecutionFailed,
        HistoryEventType::ExecutionTimedOut,
        HistoryEventType::ExecutionRedriven,
        HistoryEventType::TaskStateAborted,
        HistoryEventType::MapRunAborted,
    ];
    assert!(is_stop(&event(HistoryEventType::ExecutionAborted)));
    assert_eq!(others.map(|kind| is_stop(&event(kind))), [false; 5]);
}
