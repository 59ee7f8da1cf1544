//! Step Functions for real.

use std::time::Duration;

use aws_sdk_sfn::config::retry::RetryConfig;
use aws_sdk_sfn::config::timeout::TimeoutConfig;
use aws_sdk_sfn::error::ProvideErrorMetadata as _;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::describe_map_run::DescribeMapRunOutput;
use aws_sdk_sfn::primitives::DateTime;
use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use claim_guard::audit::Reason;
use claim_guard::identifier::{ExecutionArn, IdentifierError, MapRunArn, StateMachineReference};
use claim_guard::revalidation::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen, MapRunStatus};
use claim_guard::{Excerpt, UnixTime};
use minting::ServiceError;
use tokio::time::timeout;

use crate::engine::Engine;

/// The most time for one answer, its retry included. A child asks for three of them, then the realm and KMS are asked, and
/// the function's own timeout is 20 seconds.
const OPERATION: Duration = Duration::from_millis(2500);
const ATTEMPT: Duration = Duration::from_millis(1500);
const ATTEMPTS: u32 = 2;
/// The most time for a whole history, which has at most 25,000 events.
const HISTORY: Duration = Duration::from_secs(3);
const PAGE: i32 = 1000;

/// The client, made once.
#[derive(Debug)]
pub struct StepFunctions(aws_sdk_sfn::Client);

impl StepFunctions {
    /// A client for the region, the endpoint and the role of `config`. Nothing is asked yet.
    pub fn new(config: impl Into<aws_sdk_sfn::config::Builder>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = config.into().timeout_config(timeouts).retry_config(retries).build();
        Self(aws_sdk_sfn::Client::from_conf(config))
    }

    /// The newest events come first, so the first stop that is met is the last one.
    async fn last_stop(&self, execution: &ExecutionArn) -> Result<Option<UnixTime>, ServiceError> {
        let mut next = None;
        loop {
            let request = self.0.get_execution_history().execution_arn(execution.as_str()).reverse_order(true);
            let request = request.max_results(PAGE).include_execution_data(false).set_next_token(next);
            let page = request.send().await.map_err(|error| ServiceError::of("GetExecutionHistory", &error))?;
            if let Some(stop) = page.events.iter().find(|event| is_stop(event)) {
                return time("GetExecutionHistory", stop.timestamp).map(Some);
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
    }
}

impl Engine for StepFunctions {
    async fn execution(&self, execution: &ExecutionArn) -> Result<Option<ExecutionSeen>, ServiceError> {
        match self.0.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) => described(answer).map(Some),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(None),
            Err(error) => Err(ServiceError::of("DescribeExecution", &error)),
        }
    }

    async fn map_run(&self, map_run: &MapRunArn) -> Result<Option<MapRunSeen>, ServiceError> {
        match self.0.describe_map_run().map_run_arn(map_run.as_str()).send().await {
            Ok(answer) => map_run_described(&answer).map(Some),
            Err(error) if error.code() == Some("ResourceNotFound") => Ok(None),
            Err(error) => Err(ServiceError::of("DescribeMapRun", &error)),
        }
    }

    async fn stopped_at(&self, execution: &ExecutionArn) -> Result<Option<UnixTime>, ServiceError> {
        let too_long = "`GetExecutionHistory` took too long for the whole history";
        let read = timeout(HISTORY, self.last_stop(execution)).await;
        read.unwrap_or_else(|_| Err(ServiceError::Undecided(Reason::new("service_unreachable", &too_long))))
    }
}

fn is_stop(event: &HistoryEvent) -> bool {
    event.r#type == HistoryEventType::ExecutionAborted
}

fn described(answer: DescribeExecutionOutput) -> Result<ExecutionSeen, ServiceError> {
    const OPERATION: &str = "DescribeExecution";
    let malformed = |error: IdentifierError| malformed(OPERATION, &error);
    let status = ExecutionStatus::parse(answer.status.as_str());
    let redrive_count = u32::try_from(answer.redrive_count.unwrap_or(0));
    Ok(ExecutionSeen {
        execution: ExecutionArn::parse(&answer.execution_arn).map_err(malformed)?,
        state_machine: StateMachineReference::parse(&answer.state_machine_arn).map_err(malformed)?.machine().clone(),
        status: status.ok_or_else(|| unknown_status(OPERATION, answer.status.as_str()))?,
        redrive_count: redrive_count.map_err(|_| unreadable(OPERATION, "a redrive count below 0"))?,
        started_at: time(OPERATION, answer.start_date)?,
        input: answer.input.map(InputSeen),
        map_run: answer.map_run_arn.as_deref().map(MapRunArn::parse).transpose().map_err(malformed)?,
    })
}

fn map_run_described(answer: &DescribeMapRunOutput) -> Result<MapRunSeen, ServiceError> {
    const OPERATION: &str = "DescribeMapRun";
    let status = MapRunStatus::parse(answer.status.as_str());
    Ok(MapRunSeen {
        parent: ExecutionArn::parse(&answer.execution_arn).map_err(|error| malformed(OPERATION, &error))?,
        status: status.ok_or_else(|| unknown_status(OPERATION, answer.status.as_str()))?,
    })
}

fn time(operation: &str, time: DateTime) -> Result<UnixTime, ServiceError> {
    UnixTime::from_seconds(time.secs()).ok_or_else(|| unreadable(operation, "a time outside of all reason"))
}

fn malformed(operation: &str, error: &IdentifierError) -> ServiceError {
    ServiceError::Undecided(Reason::new("malformed_answer", &format_args!("`{operation}`: {error}")))
}

fn unreadable(operation: &str, what: &str) -> ServiceError {
    ServiceError::Undecided(Reason::new("malformed_answer", &format_args!("`{operation}` answered {what}")))
}

fn unknown_status(operation: &str, presented: &str) -> ServiceError {
    let message = format!("`{operation}` answered the status `{}`", Excerpt::of(presented));
    ServiceError::Misconfigured(Reason::new("unknown_status", &message))
}

#[cfg(test)]
mod tests;
