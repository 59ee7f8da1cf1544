//! How an execution ends that does not succeed.

use serde_json::{Map, Value, json};

/// Ends an execution whatever its rules say
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>).
pub(crate) const RUNTIME: &str = "States.Runtime";
/// Is caught by its own name only.
pub(crate) const DATA_LIMIT: &str = "States.DataLimitExceeded";
pub(crate) const QUERY: &str = "States.QueryEvaluationError";

/// An error's name and its cause. A callback's `SendTaskFailure` may leave either out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionFailure {
    /// What rules match.
    pub error: String,
    /// For people, or JSON text of whoever was called.
    pub cause: Option<String>,
}

impl ExecutionFailure {
    /// A failure with a cause.
    pub fn new(error: &str, cause: &str) -> Self {
        Self { error: error.to_owned(), cause: Some(cause.to_owned()) }
    }

    /// A failure that nobody says the cause of.
    pub fn without_cause(error: &str) -> Self {
        Self { error: error.to_owned(), cause: None }
    }

    /// What a Catch hands on.
    pub(crate) fn output(&self) -> Value {
        let cause = self.cause.iter().map(|cause| ("Cause".to_owned(), json!(cause)));
        let members: Map<String, Value> =
            std::iter::once(("Error".to_owned(), json!(self.error))).chain(cause).collect();
        Value::Object(members)
    }
}

/// Why an execution goes on no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It failed, as it may on AWS.
    Failed(ExecutionFailure),
    /// The machine is none that AWS would take, or asks for what this interpreter does not know.
    Refused {
        /// Where.
        state: String,
        /// Why.
        reason: String,
    },
    /// The steps are used up: it may go round for ever.
    OutOfSteps,
}

impl From<ExecutionFailure> for Stop {
    fn from(failure: ExecutionFailure) -> Self {
        Self::Failed(failure)
    }
}

/// `States.Runtime`, with a cause.
pub(crate) fn runtime(cause: String) -> Stop {
    ExecutionFailure { error: RUNTIME.to_owned(), cause: Some(cause) }.into()
}

/// `States.QueryEvaluationError`, with a cause.
pub(crate) fn query(cause: String) -> Stop {
    ExecutionFailure { error: QUERY.to_owned(), cause: Some(cause) }.into()
}

/// `States.IntrinsicFailure`, with a cause.
pub(crate) fn intrinsic_failure(cause: String) -> Stop {
    ExecutionFailure { error: "States.IntrinsicFailure".to_owned(), cause: Some(cause) }.into()
}

/// What AWS would not take, or this interpreter does not know.
pub(crate) fn refused(state: &str, reason: impl Into<String>) -> Stop {
    Stop::Refused { state: state.to_owned(), reason: reason.into() }
}
