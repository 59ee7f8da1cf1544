//! What a state of a woven state machine passes as payload, read strictly.
//!
//! A guarded state passes a transaction token, Step Functions' context object, which piece of work it does, and its input. Other
//! functions that a state machine calls about an identity take the first two in the same form; they read them with what is public here.

use std::fmt;

use claim_guard::Excerpt;
use claim_guard::identifier::{ExecutionArn, IdentifierError, StateMachineArn, StateMachineReference, StateName};
use claim_guard::json::{self, JsonError};
use claim_guard::transaction::{TransactionRejection, TransactionToken, WorkPath};
use serde_json::{Map, Value};

const EVENT_MEMBERS: [&str; 4] = ["transactionToken", "context", WORK, "input"];
const WORK: &str = "work";
const CONTEXT_MEMBERS: [&str; 5] = ["execution", "stateMachine", "state", "redriveCount", "retryCount"];

/// Why an event is not one of a woven state. Positions and names only: what it holds never enters a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventError {
    /// Not one JSON object with unique members.
    MalformedJson(JsonError),
    /// A member that no woven state sends.
    UnknownMember {
        /// Its name.
        presented: Excerpt,
    },
    /// A required member is absent.
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// The state does not say which piece of work it does: its machine was woven before `ksf weave` wrote that.
    NoWork,
    /// A member has another JSON type.
    WrongType {
        /// Its name.
        name: &'static str,
        /// The expected type.
        expected: &'static str,
    },
    /// A member's text is not an identifier.
    MalformedIdentifier {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
}

impl EventError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed_event",
            Self::UnknownMember { .. } => "unknown_event_member",
            Self::Missing { .. } => "missing_event_member",
            Self::NoWork => "no_work",
            Self::WrongType { .. } => "event_member_of_wrong_type",
            Self::MalformedIdentifier { .. } => "malformed_identifier",
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedJson(error) => write!(f, "event: {error}"),
            Self::UnknownMember { presented } => write!(f, "event: unknown member `{presented}`"),
            Self::Missing { name } => write!(f, "event lacks `{name}`"),
            Self::NoWork => {
                write!(f, "event lacks `{WORK}`: an older `ksf weave` wrote the state machine, weave it anew")
            }
            Self::WrongType { name, expected } => write!(f, "event `{name}`: expected {expected}"),
            Self::MalformedIdentifier { name, error } => write!(f, "event `{name}`: {error}"),
        }
    }
}

impl std::error::Error for EventError {}

/// Step Functions' context object, as a woven state passes it on. Nothing in it is proven: it is what a transaction token
/// is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateContext {
    /// `$states.context.Execution.Id`
    pub execution: ExecutionArn,
    /// `$states.context.StateMachine.Id`, without the version or alias that the execution was started of.
    pub state_machine: StateMachineArn,
    /// `$states.context.State.Name`
    pub state: StateName,
    /// `$states.context.Execution.RedriveCount`; 0 where the engine knows none.
    pub redrive_count: u32,
    /// `$states.context.State.RetryCount`; 0 where the engine knows none.
    pub retry_count: u32,
}

impl StateContext {
    /// Takes the member `context` out of an event.
    ///
    /// # Errors
    /// The first [`EventError`] that is met.
    pub fn take(event: &mut Map<String, Value>) -> Result<Self, EventError> {
        let context = take_object(event, "context")?;
        known_members(&context, &CONTEXT_MEMBERS)?;
        Ok(Self {
            execution: identifier(&context, "execution", ExecutionArn::parse)?,
            state_machine: identifier(&context, "stateMachine", StateMachineReference::parse)?.machine().clone(),
            state: identifier(&context, "state", StateName::parse)?,
            redrive_count: count(&context, "redriveCount")?,
            retry_count: count(&context, "retryCount")?,
        })
    }
}

/// A guarded state's call. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct Event {
    /// The token, or why there is none: that a token proves nothing is a decision, not a fault of the event.
    pub(crate) token: Result<TransactionToken, TransactionRejection>,
    pub(crate) context: StateContext,
    pub(crate) work: WorkPath,
    pub(crate) input: Value,
}

impl Event {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EventError> {
        let mut event = json::object(bytes).map_err(EventError::MalformedJson)?;
        known_members(&event, &EVENT_MEMBERS)?;
        Ok(Self {
            context: StateContext::take(&mut event)?,
            token: presented_token(&event),
            work: work(&event)?,
            input: event.remove("input").ok_or(EventError::Missing { name: "input" })?,
        })
    }
}

fn work(event: &Map<String, Value>) -> Result<WorkPath, EventError> {
    if event.contains_key(WORK) { identifier(event, WORK, WorkPath::parse) } else { Err(EventError::NoWork) }
}

/// The transaction token that an event presents.
///
/// # Errors
/// [`TransactionRejection`], which is a decision and no fault of the event: there is none, or it is no such token.
pub fn presented_token(event: &Map<String, Value>) -> Result<TransactionToken, TransactionRejection> {
    let presented = event.get("transactionToken");
    let text = presented.and_then(Value::as_str).ok_or(TransactionRejection::Absent)?;
    TransactionToken::parse(text)
}

/// Takes a member out that has to be an object.
///
/// # Errors
/// [`EventError`] if it is absent or something else.
pub fn take_object(event: &mut Map<String, Value>, name: &'static str) -> Result<Map<String, Value>, EventError> {
    match event.remove(name) {
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(EventError::WrongType { name, expected: "an object" }),
        None => Err(EventError::Missing { name }),
    }
}

/// Reads a member that has to be text and an identifier.
///
/// # Errors
/// [`EventError`] if it is absent or something else.
pub fn identifier<T>(
    members: &Map<String, Value>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
) -> Result<T, EventError> {
    let value = members.get(name).ok_or(EventError::Missing { name })?;
    let text = value.as_str().ok_or(EventError::WrongType { name, expected: "text" })?;
    parse(text).map_err(|error| EventError::MalformedIdentifier { name, error })
}

/// Refuses every member that is not among the known ones.
///
/// # Errors
/// [`EventError::UnknownMember`] names the first.
pub fn known_members(presented: &Map<String, Value>, known: &[&str]) -> Result<(), EventError> {
    match presented.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(EventError::UnknownMember { presented: Excerpt::of(name) }),
        None => Ok(()),
    }
}

/// A count that the engine leaves out, or sets to null, is 0: not every engine knows redrives.
///
/// A state in JSONPath passes the list of what its path has found, because a path that finds nothing ends the execution.
fn count(context: &Map<String, Value>, name: &'static str) -> Result<u32, EventError> {
    let counted = |value: &Value| {
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        count.ok_or(EventError::WrongType { name, expected: "a count" })
    };
    match context.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Array(found)) => match found.as_slice() {
            [] | [Value::Null] => Ok(0),
            [one] => counted(one),
            [_, _, ..] => Err(EventError::WrongType { name, expected: "a count" }),
        },
        Some(value) => counted(value),
    }
}
