//! Why a transaction token does not let a state act.

use std::fmt;
use std::time::Duration;

use crate::claims::ActorError;
use crate::excerpt::Excerpt;
use crate::identifier::{ExecutionArn, StateMachineArn, StateName, TrustDomain, WorkflowName};
use crate::json::MemberError;
use crate::jws::JwsError;
use crate::unix_time::UnixTime;

/// The token proves nothing here. The causes in the order they are looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionRejection {
    /// There is no token: nothing, or no text.
    #[error("no transaction token was presented")]
    Absent,
    /// Not a signed transaction token: format, header, key or signature.
    #[error("{0}")]
    Jws(JwsError),
    /// A member that no minted token has.
    #[error("unknown member `{presented}`")]
    UnknownMember {
        /// Its name.
        presented: Excerpt,
    },
    /// Another stack's token.
    #[error("trust domain: expected `{expected}`, presented `{presented}`")]
    OtherTrustDomain {
        /// Ours.
        expected: TrustDomain,
        /// The token's `aud`.
        presented: Excerpt,
    },
    /// A token for another workflow of this stack.
    #[error("workflow: expected `{expected}`, presented `{presented}`")]
    OtherWorkflow {
        /// The workflow that the guard is configured for.
        expected: WorkflowName,
        /// The token's `scope`.
        presented: WorkflowName,
    },
    /// A token for another state machine.
    #[error("state machine: expected `{expected}`, presented `{presented}`")]
    OtherStateMachine {
        /// The one that runs.
        expected: StateMachineArn,
        /// The token's.
        presented: StateMachineArn,
    },
    /// A token for another execution of the same machine.
    #[error("execution: expected `{expected}`, presented `{presented}`")]
    OtherExecution {
        /// The one that runs.
        expected: ExecutionArn,
        /// The token's.
        presented: ExecutionArn,
    },
    /// The context object contradicts itself: its execution is not one of its state machine.
    #[error("execution: expected one of `{expected}`, presented `{presented}`")]
    ForeignExecution {
        /// The state machine of the context object.
        expected: StateMachineArn,
        /// The execution of the context object.
        presented: ExecutionArn,
    },
    /// The token ends before it begins.
    #[error("lifetime: expected at least `1` second, presented `{presented}`")]
    WrongLifetime {
        /// `exp` − `iat`.
        presented: i64,
    },
    /// A role that no minted token has.
    #[error("malformed role `{presented}`")]
    MalformedRole {
        /// What was presented.
        presented: Excerpt,
    },
    /// An actor that no minted token has.
    #[error("malformed actor: {error}")]
    MalformedActor {
        /// What is wrong with it.
        error: ActorError,
    },
}

impl From<MemberError> for TransactionRejection {
    fn from(error: MemberError) -> Self {
        Self::Jws(error.into())
    }
}

impl From<JwsError> for TransactionRejection {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl TransactionRejection {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Jws(error) => error.code(),
            Self::UnknownMember { .. } => "unknown_member",
            Self::OtherTrustDomain { .. } => "other_trust_domain",
            Self::OtherWorkflow { .. } => "other_workflow",
            Self::OtherStateMachine { .. } => "other_state_machine",
            Self::OtherExecution { .. } => "other_execution",
            Self::ForeignExecution { .. } => "foreign_execution",
            Self::WrongLifetime { .. } => "wrong_lifetime",
            Self::MalformedRole { .. } => "malformed_role",
            Self::MalformedActor { .. } => "malformed_actor",
        }
    }
}

/// Why a statement does not hold at this state: it proves nothing, or its time is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionFailure {
    /// It proves nothing here.
    Rejected(TransactionRejection),
    /// It was issued in the future, beyond the leeway: the clocks disagree, so only a new statement can be relied on.
    IssuedInFuture {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// It was true, and is too old now. The signal to ask Keycloak again.
    Expired {
        /// The token's `exp`.
        expired_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// The execution was redriven after the statement was made.
    Redriven {
        /// The redrive count of the statement.
        stated: u32,
        /// The redrive count of the execution.
        presented: u32,
    },
    /// The state asks for a statement of its own for every attempt, and this one was made for something else.
    NotForThisAttempt {
        /// The state.
        expected: StateName,
        /// The state that the statement was made for; none if it was made at the start.
        stated: Option<StateName>,
        /// How often the state was retried since: a statement is for the first attempt.
        retry_count: u32,
    },
    /// It holds, and is older than the state allows.
    TooOld {
        /// Since when the realm has said so.
        said_at: UnixTime,
        /// The oldest that the state allows.
        limit: Duration,
        /// The clock.
        now: UnixTime,
    },
}

impl TransactionFailure {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::IssuedInFuture { .. } => "issued_in_future",
            Self::Expired { .. } => "expired",
            Self::Redriven { .. } => "redriven",
            Self::NotForThisAttempt { .. } => "not_for_this_attempt",
            Self::TooOld { .. } => "too_old",
        }
    }
}

impl fmt::Display for TransactionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::IssuedInFuture { issued_at, now } => write!(f, "issued at `{issued_at}`, now is `{now}`"),
            Self::Expired { expired_at, now } => write!(f, "expired at `{expired_at}`, now is `{now}`"),
            Self::Redriven { stated, presented } => {
                write!(f, "redrive count: stated for `{stated}`, presented `{presented}`")
            }
            Self::NotForThisAttempt { expected, stated, retry_count } => {
                let stated = stated.as_ref().map_or("the start", StateName::as_str);
                write!(
                    f,
                    "stated for `{stated}`, expected for the first attempt of `{expected}`, after `{retry_count}` retries"
                )
            }
            Self::TooOld { said_at, limit, now } => {
                write!(f, "said at `{said_at}`, expected at most `{}` seconds before `{now}`", limit.as_secs())
            }
        }
    }
}

impl std::error::Error for TransactionFailure {}

impl From<TransactionRejection> for TransactionFailure {
    fn from(rejection: TransactionRejection) -> Self {
        Self::Rejected(rejection)
    }
}
