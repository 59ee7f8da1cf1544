//! What the realm has to be asked before there is a new statement.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::access::{SessionRule, Workflow};
use crate::identifier::{ExecutionArn, WorkflowName};
use crate::revalidation::inquiry::Inquiry;
use crate::revalidation::withdrawal::Withdrawal;
use crate::transaction::{Renewed, StaleTransaction};
use crate::unix_time::UnixTime;

/// Asking and signing took longer than they may, so nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSlow {
    /// How long they took.
    pub took: Duration,
    /// How long they may take.
    pub limit: Duration,
}

impl TooSlow {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        "too_slow"
    }
}

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (took, limit) = (self.took.as_millis(), self.limit.as_millis());
        write!(f, "asking the realm and signing took `{took}` ms, expected at most `{limit}`")
    }
}

impl std::error::Error for TooSlow {}

/// What a new statement is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The same execution goes on, at this state.
    Renew(Renewed),
    /// An execution that a distributed Map has started.
    Child(ExecutionArn),
    /// An execution of another workflow that is about to start.
    Nested { workflow: WorkflowName, execution: ExecutionArn, input: Map<String, Value> },
}

/// Whom the realm has to be asked about, and what for.
#[derive(Debug)]
pub struct Question {
    pub(super) inquiry: Inquiry,
    pub(super) purpose: Purpose,
    pub(super) redrive_count: u32,
    answer_within: Duration,
}

pub(super) fn no_workflow(name: &WorkflowName) -> crate::decision::Unmet {
    crate::decision::Unmet::NoWorkflow { presented: name.clone() }
}

pub(super) fn too_long(workflow: &Workflow, aged: &StaleTransaction, now: UnixTime) -> Option<Withdrawal> {
    let started_at = aged.run().started_at;
    let limit = workflow.max_duration();
    (now >= started_at.plus(limit)).then_some(Withdrawal::RunTooLong { started_at, limit, now })
}

impl Question {
    pub(super) fn new(
        aged: Arc<StaleTransaction>,
        purpose: Purpose,
        redrive_count: u32,
        session: SessionRule,
        answer_within: Duration,
    ) -> Self {
        Self { inquiry: Inquiry::new(aged, session), purpose, redrive_count, answer_within }
    }

    /// Whether a statement would still be of use after so long a time of asking and signing. Its age counts from before
    /// the realm was asked, so the time for that is taken from the state's. Half of it is for the way to the state, which
    /// is a transition of the state machine and at worst a cold start.
    ///
    /// # Errors
    /// [`TooSlow`] if it would not: handed out all the same it would be too old on arrival, and be asked for again at once.
    pub fn in_time(&self, took: Duration) -> Result<(), TooSlow> {
        let limit = self.answer_within;
        if took <= limit { Ok(()) } else { Err(TooSlow { took, limit }) }
    }

    /// Whom the realm has to be asked about.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// What the access token was asked for with, less what the realm has taken back since; empty where it did not say.
    pub fn scope(&self) -> &str {
        self.inquiry.identity().scope().map_or("", |scope| scope.as_str())
    }

    /// How often the statement was renewed: the epoch of the new one is the next.
    pub fn epoch(&self) -> u32 {
        self.aged().epoch()
    }

    /// The old statement.
    pub(super) fn aged(&self) -> &StaleTransaction {
        &self.inquiry.aged
    }
}
