//! Execution → who started it. Only its transaction token says so; Step Functions itself knows one role for all callers.

use std::fmt;

use claim_guard::identifier::{ExecutionArn, WorkflowName};
use claim_guard::transaction::{AgedTransaction, PresentedAt, TransactionRejection};
use claim_guard::{JsonError, TransactionToken, TransactionVerifier, UnixTime, strict_json_object};
use serde_json::Value;

use crate::outside::Execution;

/// Why an execution is nobody's: it was not started here, or with a key that the stack no longer knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unattributable {
    /// Step Functions keeps the input to itself.
    NoInput,
    /// The input is not one JSON object.
    MalformedInput(JsonError),
    /// The input holds no transaction token.
    NoToken,
    /// The input's transaction token proves nothing about this execution.
    Rejected(TransactionRejection),
}

impl Unattributable {
    /// A fixed name of the cause.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoInput => "execution_without_input",
            Self::MalformedInput(_) => "execution_with_malformed_input",
            Self::NoToken => "execution_without_transaction_token",
            Self::Rejected(_) => "execution_with_rejected_transaction_token",
        }
    }
}

impl fmt::Display for Unattributable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInput => f.write_str("the execution's input cannot be read"),
            Self::MalformedInput(error) => write!(f, "the execution's input: {error}"),
            Self::NoToken => f.write_str("the execution's input holds no transaction token"),
            Self::Rejected(rejection) => write!(f, "the execution's transaction token: {rejection}"),
        }
    }
}

/// An execution with the statement of who started it.
pub(crate) struct Attributed {
    pub(crate) execution: Execution,
    pub(crate) token: TransactionToken,
    pub(crate) statement: AgedTransaction,
}

/// Verifies the transaction token in an execution's input, of whatever age, against that execution.
pub(crate) fn attribute(
    execution: Execution,
    workflow: &WorkflowName,
    arn: &ExecutionArn,
    verifier: &TransactionVerifier,
    now: UnixTime,
) -> Result<Attributed, Unattributable> {
    let input = execution.input.as_deref().ok_or(Unattributable::NoInput)?;
    let input = strict_json_object(input.as_bytes()).map_err(Unattributable::MalformedInput)?;
    let text = input.get("transactionToken").and_then(Value::as_str).ok_or(Unattributable::NoToken)?;
    let token = TransactionToken::parse(text).map_err(Unattributable::Rejected)?;
    let statement =
        verifier.verify_whatever_age(&token, &presented(workflow, arn), now).map_err(Unattributable::Rejected)?;
    Ok(Attributed { execution, token, statement })
}

/// Where a statement is looked at: an execution of the workflow's own state machine.
pub(crate) fn presented(workflow: &WorkflowName, arn: &ExecutionArn) -> PresentedAt {
    PresentedAt {
        workflow: workflow.clone(),
        execution: arn.clone(),
        state_machine: arn.state_machine(),
        redrive_count: 0,
    }
}
