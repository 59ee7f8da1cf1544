//! The event of a guarded state: what the state machine passes as payload.

use std::fmt;

use claim_guard::Excerpt;
use claim_guard::identifier::{ExecutionArn, IdentifierError, StateMachineArn, StateName};
use claim_guard::json::{self, JsonError};
use claim_guard::transaction::{TransactionRejection, TransactionToken};
use serde_json::{Map, Value};

const EVENT_MEMBERS: [&str; 3] = ["transactionToken", "context", "input"];
const CONTEXT_MEMBERS: [&str; 5] = ["execution", "stateMachine", "state", "redriveCount", "retryCount"];

/// Why an event is not one of a guarded state. Positions and names only: what it holds never enters a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventError {
    /// Not one JSON object with unique members.
    MalformedJson(JsonError),
    /// A member that no guarded state sends.
    UnknownMember {
        /// Its name.
        presented: Excerpt,
    },
    /// A required member is absent.
    Missing {
        /// Its name.
        name: &'static str,
    },
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
            Self::WrongType { name, expected } => write!(f, "event `{name}`: expected {expected}"),
            Self::MalformedIdentifier { name, error } => write!(f, "event `{name}`: {error}"),
        }
    }
}

impl std::error::Error for EventError {}

/// A state's call, read strictly. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct Event {
    /// The token, or why there is none: that a token proves nothing is a decision, not a fault of the event.
    pub(crate) token: Result<TransactionToken, TransactionRejection>,
    pub(crate) execution: ExecutionArn,
    pub(crate) state_machine: StateMachineArn,
    pub(crate) state: StateName,
    pub(crate) redrive_count: u32,
    pub(crate) retry_count: u32,
    pub(crate) input: Value,
}

impl Event {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EventError> {
        let mut event = json::object(bytes).map_err(EventError::MalformedJson)?;
        known_members(&event, &EVENT_MEMBERS)?;
        let context = match event.remove("context") {
            Some(Value::Object(context)) => context,
            Some(_) => return Err(EventError::WrongType { name: "context", expected: "an object" }),
            None => return Err(EventError::Missing { name: "context" }),
        };
        known_members(&context, &CONTEXT_MEMBERS)?;
        Ok(Self {
            token: token(event.get("transactionToken")),
            execution: identifier(&context, "execution", ExecutionArn::parse)?,
            state_machine: identifier(&context, "stateMachine", StateMachineArn::parse)?,
            state: identifier(&context, "state", StateName::parse)?,
            redrive_count: count(&context, "redriveCount")?,
            retry_count: count(&context, "retryCount")?,
            input: event.remove("input").ok_or(EventError::Missing { name: "input" })?,
        })
    }
}

fn token(presented: Option<&Value>) -> Result<TransactionToken, TransactionRejection> {
    let text = presented.and_then(Value::as_str).ok_or(TransactionRejection::Absent)?;
    TransactionToken::parse(text)
}

fn identifier<T>(
    context: &Map<String, Value>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
) -> Result<T, EventError> {
    let value = context.get(name).ok_or(EventError::Missing { name })?;
    let text = value.as_str().ok_or(EventError::WrongType { name, expected: "text" })?;
    parse(text).map_err(|error| EventError::MalformedIdentifier { name, error })
}

/// A count that the engine leaves out, or sets to null, is 0: not every engine knows redrives.
fn count(context: &Map<String, Value>, name: &'static str) -> Result<u32, EventError> {
    match context.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => {
            let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
            count.ok_or(EventError::WrongType { name, expected: "a count" })
        }
    }
}

fn known_members(presented: &Map<String, Value>, known: &[&str]) -> Result<(), EventError> {
    match presented.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(EventError::UnknownMember { presented: Excerpt::of(name) }),
        None => Ok(()),
    }
}
