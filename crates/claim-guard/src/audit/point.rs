//! Where a decision was made.

use serde::Serialize;

use crate::identifier::{ExecutionArn, StateName, WorkflowName};
use crate::transaction::WorkPath;

/// The point of the flow that a decision stands at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditPoint {
    /// The door: a request for a route.
    Route {
        /// The HTTP method.
        method: String,
        /// The route's template where one matches, else an excerpt of the path.
        path: String,
    },
    /// The start of an execution.
    Start {
        /// The workflow, or an excerpt of what was asked for.
        workflow: String,
        /// The execution's ARN, once it is chosen.
        execution: Option<String>,
    },
    /// A look at an execution.
    Describe {
        /// The workflow, or an excerpt of what was asked for.
        workflow: String,
        /// The execution's ARN, or an excerpt of what was asked for.
        execution: String,
    },
    /// The stop of an execution.
    Stop {
        /// The workflow, or an excerpt of what was asked for.
        workflow: String,
        /// The execution's ARN, or an excerpt of what was asked for.
        execution: String,
    },
    /// A guarded state of an execution.
    State {
        /// The workflow that the guard is configured for.
        workflow: String,
        /// The execution's ARN; empty where none could be read.
        execution: String,
        /// The state's name.
        state: String,
        /// Which item of which Map and which round of which loop, as the grant names it; empty outside of both.
        work: String,
        /// How often the execution was redriven.
        redrive: u32,
        /// How often the state was retried: 0 at first.
        attempt: u32,
    },
    /// A revalidation: the realm is asked about an execution's subject.
    Revalidation {
        /// The workflow; empty where none could be read.
        workflow: String,
        /// The execution that the new statement is for, or that is about to start; empty where none could be read.
        execution: String,
        /// The state that needs it; empty where an execution starts: a distributed Map's child, or one that a caller asks for.
        state: String,
        /// `expired`, `denied`, `child`, `nested` or `start`.
        cause: &'static str,
        /// How often the execution was redriven.
        redrive: u32,
        /// How often the revalidation was retried: 0 at first.
        attempt: u32,
    },
}

impl AuditPoint {
    /// A guarded state.
    pub fn state(
        workflow: &WorkflowName,
        execution: &ExecutionArn,
        state: &StateName,
        work: &WorkPath,
        redrive: u32,
        attempt: u32,
    ) -> Self {
        Self::State {
            workflow: workflow.to_string(),
            execution: execution.to_string(),
            state: state.to_string(),
            work: work.to_string(),
            redrive,
            attempt,
        }
    }
}
