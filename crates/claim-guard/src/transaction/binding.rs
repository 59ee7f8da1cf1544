//! What a transaction token is bound to, and what a guard compares that with.

use crate::access::Freshness;
use crate::identifier::{ExecutionArn, StateMachineArn, StateName, WorkflowName};
use crate::transaction::work_path::WorkPath;
use crate::unix_time::UnixTime;

/// The execution that a statement is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The workflow of `access.toml`; the token's `scope`.
    pub workflow: WorkflowName,
    /// The execution; its ARN names its state machine too.
    pub execution: ExecutionArn,
    /// How often the execution had been redriven when the statement was made.
    pub redrive_count: u32,
}

/// Where a token is presented: the workflow that the guard is configured for, and Step Functions' context object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedAt {
    /// The workflow that the guard is configured for.
    pub workflow: WorkflowName,
    /// `$states.context.Execution.Id`
    pub execution: ExecutionArn,
    /// `$states.context.StateMachine.Id`
    pub state_machine: StateMachineArn,
    /// `$states.context.Execution.RedriveCount`
    pub redrive_count: u32,
}

/// The attempt of a state that a token is presented for, and how fresh that state wants it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The state.
    pub state: &'a StateName,
    /// `$states.context.State.RetryCount`
    pub retry_count: u32,
    /// Which piece of the execution's work the state does, by the context object alone.
    pub work: &'a WorkPath,
    /// What the policy says of the state.
    pub freshness: &'a Freshness,
}

/// What stays the same through every renewal of an execution's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When the first statement was made.
    pub started_at: UnixTime,
    /// The `iat` of the access token that it was made from.
    pub access_token_issued_at: UnixTime,
}

/// For which state a statement was renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The state that asked for it.
    pub state: StateName,
    /// How many statements it was given in quick succession, this one included.
    pub rounds: u32,
}
