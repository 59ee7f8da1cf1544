//! What a transaction token is bound to, and what a guard compares that with.

use crate::identifier::{ExecutionArn, StateMachineArn, WorkflowName};

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
