//! What a woven state passes as payload, or `executions` before a start → what is asked for.

use claim_guard::Excerpt;
use claim_guard::identifier::{ExecutionArn, StateMachineArn, StateName};
use claim_guard::json::{Document, MemberError, Members, Part};
use claim_guard::revalidation::Cause;
use claim_guard::transaction::{TransactionRejection, TransactionToken};
use claim_guard_lambda::event::{EventError, StateContext, presented_token};
use serde_json::{Map, Value};

const EVENT_MEMBERS: [&str; 5] = ["transactionToken", "context", RENEW, ADOPT, DELEGATE];
const START_MEMBERS: [&str; 2] = ["transactionToken", START];
const RENEW: &str = "renew";
const ADOPT: &str = "adopt";
const DELEGATE: &str = "delegate";
const START: &str = "start";

/// Why an event is neither a woven state's nor of a start. Positions and names only: what it holds never enters a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// A fault of the part that every function reads which a woven state calls, or in the same form.
    #[error("{0}")]
    Shared(EventError),
    /// Nothing is asked for.
    #[error("event lacks `{RENEW}`, `{ADOPT}`, `{DELEGATE}` or `{START}`")]
    NothingAsked,
    /// More than one thing is asked for.
    #[error("event: expected one of `{RENEW}`, `{ADOPT}` and `{DELEGATE}`")]
    SeveralAsked,
    /// A cause that no woven state has.
    #[error("event `cause`: expected `expired` or `denied`, presented `{presented}`")]
    UnknownCause {
        /// What was presented.
        presented: Excerpt,
    },
}

impl EventFault {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shared(error) => error.code(),
            Self::NothingAsked => "nothing_asked",
            Self::SeveralAsked => "several_asked",
            Self::UnknownCause { .. } => "unknown_cause",
        }
    }
}

impl From<MemberError> for EventFault {
    fn from(error: MemberError) -> Self {
        Self::Shared(error.into())
    }
}

impl From<EventError> for EventFault {
    fn from(error: EventError) -> Self {
        Self::Shared(error)
    }
}

/// What the new statement is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Purpose {
    /// The same run, which goes on with that state.
    Renew { state: StateName, cause: Cause },
    /// A child run of a distributed Map, which has only its parent's.
    Adopt,
    /// The run that a state is about to start on that input.
    Delegate { state: StateName, input: Map<String, Value> },
}

impl Purpose {
    /// The state that needs it, where there is one.
    pub(crate) fn state(&self) -> Option<&StateName> {
        match self {
            Self::Renew { state, .. } | Self::Delegate { state, .. } => Some(state),
            Self::Adopt => None,
        }
    }

    /// What an audit line calls it.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Renew { cause, .. } => cause.as_str(),
            Self::Adopt => "child",
            Self::Delegate { .. } => "nested",
        }
    }
}

/// A call. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct Event {
    /// The token, or why there is none: that a token proves nothing is a decision, not a fault of the event.
    pub(crate) token: Result<TransactionToken, TransactionRejection>,
    pub(crate) call: Call,
}

/// Who calls, and what for.
#[derive(Debug)]
pub(crate) enum Call {
    /// A woven state, for a new statement.
    Woven { context: StateContext, ask: Purpose },
    /// `executions`: whether the realm stands behind the caller for whom that execution is about to start.
    Start { execution: ExecutionArn },
}

impl Call {
    /// The execution that runs, or is about to start.
    pub(crate) fn execution(&self) -> &ExecutionArn {
        match self {
            Self::Woven { context, .. } => &context.execution,
            Self::Start { execution } => execution,
        }
    }

    /// What runs it.
    pub(crate) fn state_machine(&self) -> StateMachineArn {
        match self {
            Self::Woven { context, .. } => context.state_machine.clone(),
            Self::Start { execution } => execution.state_machine(),
        }
    }

    /// The state that needs a new statement, where there is one.
    pub(crate) fn state(&self) -> Option<&StateName> {
        match self {
            Self::Woven { ask, .. } => ask.state(),
            Self::Start { .. } => None,
        }
    }

    /// What an audit line calls it.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Woven { ask, .. } => ask.cause(),
            Self::Start { .. } => START,
        }
    }

    /// How often the execution was redriven. One that is about to start was not.
    pub(crate) fn redrive_count(&self) -> u32 {
        match self {
            Self::Woven { context, .. } => context.redrive_count,
            Self::Start { .. } => 0,
        }
    }

    /// How often the calling state was retried.
    pub(crate) fn retry_count(&self) -> u32 {
        match self {
            Self::Woven { context, .. } => context.retry_count,
            Self::Start { .. } => 0,
        }
    }
}

impl Event {
    /// Reads an event, whatever bytes it is made of.
    ///
    /// # Errors
    /// The first [`EventFault`] that is met.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EventFault> {
        let event = Document::object(bytes.to_vec()).map_err(EventError::MalformedJson)?;
        let event = Members::new(Part::Event, event.members());
        let call = if event.has(START) { start(&event)? } else { woven(&event)? };
        Ok(Self { token: presented_token(&event), call })
    }
}

fn start(event: &Members<'_>) -> Result<Call, EventFault> {
    event.only(&START_MEMBERS)?;
    let start = Members::new(Part::Event, event.object(START)?);
    start.only(&["execution"])?;
    Ok(Call::Start { execution: start.identifier("execution", ExecutionArn::parse)? })
}

fn woven(event: &Members<'_>) -> Result<Call, EventFault> {
    event.only(&EVENT_MEMBERS)?;
    Ok(Call::Woven { context: StateContext::read(event)?, ask: ask(event)? })
}

fn ask(event: &Members<'_>) -> Result<Purpose, EventFault> {
    let asked: Vec<&str> = [RENEW, ADOPT, DELEGATE].into_iter().filter(|name| event.has(name)).collect();
    let of = |name, known: &[&str]| {
        let asked = Members::new(Part::Event, event.object(name)?);
        asked.only(known).map(|()| asked)
    };
    match asked.as_slice() {
        [RENEW] => {
            let renew = of(RENEW, &["state", "cause"])?;
            let state = renew.identifier("state", StateName::parse)?;
            Ok(Purpose::Renew { state, cause: cause(&renew)? })
        }
        [ADOPT] => {
            of(ADOPT, &[])?;
            Ok(Purpose::Adopt)
        }
        [DELEGATE] => {
            let delegate = of(DELEGATE, &["state", "input"])?;
            let state = delegate.identifier("state", StateName::parse)?;
            Ok(Purpose::Delegate { state, input: delegate.object("input")?.to_map() })
        }
        [] => Err(EventFault::NothingAsked),
        _ => Err(EventFault::SeveralAsked),
    }
}

fn cause(renew: &Members<'_>) -> Result<Cause, EventFault> {
    let text = renew.text("cause")?;
    Cause::parse(text).ok_or_else(|| EventFault::UnknownCause { presented: Excerpt::of(text) })
}
