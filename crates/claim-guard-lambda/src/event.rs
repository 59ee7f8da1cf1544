//! What a state of a woven state machine passes as payload, read strictly.
//!
//! A guarded state passes a transaction token, Step Functions' context object, which piece of work it does, and its input. Other
//! functions that a state machine calls about an identity take the first two in the same form; they read them with what is public here.

use claim_guard::identifier::{ExecutionArn, StateMachineArn, StateMachineReference, StateName};
use claim_guard::json::{Document, Json, JsonError, MemberError, Members, Part};
use claim_guard::transaction::{TransactionRejection, TransactionToken, WorkPath};
use serde_json::Value;

const EVENT_MEMBERS: [&str; 4] = ["transactionToken", "context", WORK, "input"];
const WORK: &str = "work";
const CONTEXT_MEMBERS: [&str; 5] = ["execution", "stateMachine", "state", "redriveCount", "retryCount"];

/// Why an event is not one of a woven state. Positions and names only: what it holds never enters a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not one JSON object with unique members.
    #[error("event: {0}")]
    MalformedJson(JsonError),
    /// A member is not what a woven state sends.
    #[error("{0}")]
    Member(MemberError),
    /// The state does not say which piece of work it does: its machine was woven before `ksf weave` wrote that.
    #[error("event lacks `{WORK}`: an older `ksf weave` wrote the state machine, weave it anew")]
    NoWork,
}

impl EventError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed_event",
            Self::Member(MemberError::Unknown { .. }) => "unknown_event_member",
            Self::Member(MemberError::Missing { .. }) => "missing_event_member",
            Self::Member(MemberError::WrongType { .. }) => "event_member_of_wrong_type",
            Self::Member(MemberError::MalformedIdentifier { .. }) => "malformed_identifier",
            Self::NoWork => "no_work",
        }
    }
}

impl From<MemberError> for EventError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

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
    /// Reads the member `context` of an event.
    ///
    /// # Errors
    /// The first [`MemberError`] that is met.
    pub fn read(event: &Members<'_>) -> Result<Self, MemberError> {
        let context = Members::new(Part::Event, event.object("context")?);
        context.only(&CONTEXT_MEMBERS)?;
        Ok(Self {
            execution: context.identifier("execution", ExecutionArn::parse)?,
            state_machine: context.identifier("stateMachine", StateMachineReference::parse)?.machine().clone(),
            state: context.identifier("state", StateName::parse)?,
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
        let event = Document::object(bytes.to_vec()).map_err(EventError::MalformedJson)?;
        let event = Members::new(Part::Event, event.members());
        event.only(&EVENT_MEMBERS)?;
        Ok(Self {
            context: StateContext::read(&event)?,
            token: presented_token(&event),
            work: event.optional_identifier(WORK, WorkPath::parse)?.ok_or(EventError::NoWork)?,
            input: event.value("input")?.to_value(),
        })
    }
}

/// The transaction token that an event presents.
///
/// # Errors
/// [`TransactionRejection`], which is a decision and no fault of the event: there is none, or it is no such token.
pub fn presented_token(event: &Members<'_>) -> Result<TransactionToken, TransactionRejection> {
    let text = event.get("transactionToken").and_then(Json::text).ok_or(TransactionRejection::Absent)?;
    TransactionToken::parse(text)
}

/// A count that the engine leaves out, or sets to null, is 0: not every engine knows redrives.
///
/// A state in JSONPath passes the list of what its path has found, because a path that finds nothing ends the execution.
fn count(context: &Members<'_>, name: &'static str) -> Result<u32, MemberError> {
    let Some(value) = context.get(name) else { return Ok(0) };
    let found = match value.array() {
        Some(items) => {
            let mut items = items.iter();
            match (items.next(), items.next()) {
                (found, None) => found,
                (_, Some(_)) => return Err(context.wrong_type(name, "a count", value)),
            }
        }
        None => Some(value),
    };
    let found = found.filter(|found| !found.is_null());
    let counted = |count: Json<'_>| count.integer().and_then(|count| u32::try_from(count).ok());
    found.map_or(Ok(0), |found| counted(found).ok_or_else(|| context.wrong_type(name, "a count", value)))
}
