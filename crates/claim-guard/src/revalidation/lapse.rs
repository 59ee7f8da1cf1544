//! Why the execution that a statement is presented in is not alive, or not the one that the statement is of.

use std::fmt;

use crate::claims::{Identity, Party};
use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, Digest, ExecutionArn, Issuer, MapRunArn, StateMachineArn, Subject, TransactionId};
use crate::json::JsonError;
use crate::revalidation::sighting::{ExecutionStatus, MapRunStatus};
use crate::transaction::TransactionRejection;
use crate::unix_time::UnixTime;

/// Who started an execution, with which client, and in whose place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedBy {
    issuer: Issuer,
    subject: Subject,
    client: ClientId,
    /// Whoever acts in the subject's place is another starter.
    actor: Option<Party>,
}

impl StartedBy {
    /// The subject of a statement.
    pub fn of(identity: &Identity) -> Self {
        let (issuer, subject, client) = (identity.issuer(), identity.subject(), identity.client());
        let actor = identity.actor().map(|actor| actor.current().clone());
        Self { issuer: issuer.clone(), subject: subject.clone(), client: client.clone(), actor }
    }
}

impl fmt::Display for StartedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, client) = (Excerpt::of(self.subject.as_str()), Excerpt::of(self.client.as_str()));
        write!(f, "`{subject}` of `{}` by client `{client}`", self.issuer)?;
        let actor = self.actor.as_ref().map(|actor| Excerpt::of(&actor.to_string()));
        actor.map_or(Ok(()), |actor| write!(f, " through `{actor}`"))
    }
}

/// One thing that Step Functions says against the context that a statement is presented in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lapse {
    /// There is no such execution.
    ExecutionAbsent {
        /// The execution.
        execution: ExecutionArn,
    },
    /// The execution has ended, or somebody has stopped it.
    ExecutionOver {
        /// The execution.
        execution: ExecutionArn,
        /// Where it stands.
        status: ExecutionStatus,
    },
    /// The execution was redriven more often than is said, or less.
    OtherRedrive {
        /// The execution.
        execution: ExecutionArn,
        /// What is presented.
        presented: u32,
        /// What Step Functions says.
        seen: u32,
    },
    /// A child execution that no Map run has started.
    NoMapRun {
        /// The execution.
        execution: ExecutionArn,
    },
    /// The Map run that has started the execution is over.
    MapRunOver {
        /// The Map run.
        map_run: MapRunArn,
        /// Where it stands.
        status: MapRunStatus,
    },
    /// The Map run is of another execution than the statement.
    ForeignMapRun {
        /// The execution that the statement is of.
        expected: ExecutionArn,
        /// The execution whose Map run it is.
        seen: ExecutionArn,
    },
    /// The execution runs another state machine.
    OtherMachine {
        /// The state machine of the statement.
        expected: StateMachineArn,
        /// What Step Functions says.
        seen: StateMachineArn,
    },
    /// The execution was started at another time than the statement says: its name was used before.
    OtherStart {
        /// When the statement says that the run began.
        stated: UnixTime,
        /// When the execution was started.
        seen: UnixTime,
    },
    /// Step Functions keeps the execution's input to itself.
    NoInput,
    /// The execution's input is no strict JSON object.
    MalformedInput(JsonError),
    /// The execution was started without a transaction token: past the API.
    InputWithoutToken,
    /// The token that the execution was started with proves nothing there.
    InputRejected(TransactionRejection),
    /// The execution was started in another transaction.
    OtherTransaction {
        /// The statement's.
        expected: TransactionId,
        /// The execution's; none where its token names none.
        seen: Option<TransactionId>,
    },
    /// Somebody else started the execution.
    OtherStarter {
        /// Whom the statement speaks of.
        expected: Box<StartedBy>,
        /// Who started the execution.
        seen: Box<StartedBy>,
    },
    /// The execution was started with another input than the one that was decided on.
    OtherInput {
        /// The statement's.
        expected: Digest,
        /// The execution's.
        seen: Digest,
    },
    /// The execution was stopped, and redriven afterwards: what its starter gave it ended with the stop.
    Stopped {
        /// The execution.
        execution: ExecutionArn,
        /// When it was stopped last.
        stopped_at: UnixTime,
    },
}

impl Lapse {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExecutionAbsent { .. } => "execution_absent",
            Self::ExecutionOver { status: ExecutionStatus::Aborted, .. } => "execution_stopped",
            Self::ExecutionOver { .. } => "execution_over",
            Self::OtherRedrive { .. } => "other_redrive",
            Self::NoMapRun { .. } => "no_map_run",
            Self::MapRunOver { .. } => "map_run_over",
            Self::ForeignMapRun { .. } => "foreign_map_run",
            Self::OtherMachine { .. } => "machine_of_another_execution",
            Self::OtherStart { .. } => "other_start",
            Self::NoInput => "execution_without_input",
            Self::MalformedInput(_) => "execution_with_malformed_input",
            Self::InputWithoutToken => "execution_without_transaction_token",
            Self::InputRejected(_) => "execution_with_rejected_transaction_token",
            Self::OtherTransaction { .. } => "other_transaction",
            Self::OtherStarter { .. } => "other_starter",
            Self::OtherInput { .. } => "other_input",
            Self::Stopped { .. } => "stopped_before_redrive",
        }
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExecutionAbsent { execution } => write!(f, "Step Functions has no execution `{execution}`"),
            Self::ExecutionOver { execution, status } => {
                write!(f, "execution `{execution}`: expected `RUNNING`, is `{status}`")
            }
            Self::OtherRedrive { execution, presented, seen } => {
                write!(f, "execution `{execution}`: redrive count: presented `{presented}`, is `{seen}`")
            }
            Self::NoMapRun { execution } => write!(f, "no Map run has started execution `{execution}`"),
            Self::MapRunOver { map_run, status } => write!(f, "Map run `{map_run}`: expected `RUNNING`, is `{status}`"),
            Self::ForeignMapRun { expected, seen } => {
                write!(f, "the Map run's parent: expected execution `{expected}`, is `{seen}`")
            }
            Self::OtherMachine { expected, seen } => {
                write!(f, "the execution's state machine: expected `{expected}`, is `{seen}`")
            }
            Self::OtherStart { stated, seen } => {
                write!(f, "the execution's start: stated for `{stated}`, was at `{seen}`")
            }
            Self::NoInput => f.write_str("the execution's input cannot be read"),
            Self::MalformedInput(error) => write!(f, "the execution's input: {error}"),
            Self::InputWithoutToken => f.write_str("the execution's input holds no transaction token"),
            Self::InputRejected(rejection) => write!(f, "the execution's own transaction token: {rejection}"),
            Self::OtherTransaction { expected, seen } => {
                let (expected, seen) = (Excerpt::of(expected.as_str()), seen.as_ref().map_or("", |seen| seen.as_str()));
                write!(f, "the execution's transaction: expected `{expected}`, is `{}`", Excerpt::of(seen))
            }
            Self::OtherStarter { expected, seen } => {
                write!(f, "the execution's starter: expected {expected}, was {seen}")
            }
            Self::OtherInput { expected, seen } => {
                write!(f, "the execution's input: expected `{expected}`, is `{seen}`")
            }
            Self::Stopped { execution, stopped_at } => {
                write!(f, "execution `{execution}` was stopped at `{stopped_at}`, and redriven afterwards")
            }
        }
    }
}

/// What Step Functions does not show yet: its descriptions follow what happens by a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotShownYet {
    /// An execution that has only just begun.
    Execution {
        /// The execution.
        execution: ExecutionArn,
    },
    /// The redrive that the context speaks of.
    Redrive {
        /// The execution.
        execution: ExecutionArn,
        /// The redrive count that is presented.
        presented: u32,
        /// Where the execution stands.
        status: ExecutionStatus,
        /// How often it was redriven.
        seen: u32,
    },
    /// The Map run that has started an execution.
    MapRun {
        /// The Map run.
        map_run: MapRunArn,
    },
    /// The answer is about another execution than was asked for.
    AnotherExecution {
        /// The execution.
        expected: ExecutionArn,
        /// What the answer is about.
        presented: ExecutionArn,
    },
}

impl NotShownYet {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Execution { .. } => "execution_not_shown_yet",
            Self::Redrive { .. } => "redrive_not_shown_yet",
            Self::MapRun { .. } => "map_run_not_shown_yet",
            Self::AnotherExecution { .. } => "answer_about_another_execution",
        }
    }
}

impl fmt::Display for NotShownYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execution { execution } => write!(f, "Step Functions does not show execution `{execution}` yet"),
            Self::Redrive { execution, presented, status, seen } => {
                write!(
                    f,
                    "execution `{execution}`: redrive `{presented}` is not shown yet, `{status}` after `{seen}` is"
                )
            }
            Self::MapRun { map_run } => write!(f, "Step Functions does not show Map run `{map_run}` yet"),
            Self::AnotherExecution { expected, presented } => {
                write!(f, "`DescribeExecution`: expected execution `{expected}`, presented `{presented}`")
            }
        }
    }
}
