//! The seams to the outside. Tests stand behind them with keys, executions and a clock of their own.

use std::future::Future;
use std::sync::Arc;

use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{ExecutionArn, KeyId, StateMachineReference};
use claim_guard::unix_time::ClockError;
use claim_guard::{RealmKeySet, TransactionToken, UnixTime};
use minting::{NamingKeySource, NoRandom, ServiceError, Signer, StartAnswer};

use crate::admission::Admission;
use crate::limits::TableName;
use crate::tally::{Claim, Counter, Places, StartingParty};

/// The realm's keys.
pub trait KeySource: Sync {
    /// A set that may be trusted now and was, if need be, fetched for the key of that name.
    fn key_set(&self, key_id: &KeyId) -> impl Future<Output = Result<Arc<RealmKeySet>, Reason>> + Send;
}

/// The realm, by way of `revalidation`: this function faces the internet, and cannot sign itself in there.
pub trait Callers: Sync {
    /// Whether the realm stands behind the caller for whom that execution is about to start, whose first transaction token that is.
    fn ask_before_start(
        &self,
        execution: &ExecutionArn,
        first: &TransactionToken,
    ) -> impl Future<Output = Result<StartAnswer, ServiceError>> + Send;
}

/// What came of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The execution runs.
    Now,
    /// An execution of that name is there already.
    NameTaken,
    /// Step Functions does not take that input.
    InputRefused,
}

/// What came of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The execution is stopped.
    Now,
    /// It had ended before.
    AlreadyEnded,
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It runs.
    Running,
    /// It ended as intended.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It took longer than the state machine allows.
    TimedOut,
    /// It was stopped.
    Aborted,
    /// It will run again.
    PendingRedrive,
}

impl Status {
    /// Step Functions' own name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
            Self::PendingRedrive => "PENDING_REDRIVE",
        }
    }

    /// Whether there is anything left to stop.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Self::Running | Self::PendingRedrive => false,
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Aborted => true,
        }
    }
}

/// An execution as Step Functions describes it. Its input holds the transaction token, so it does not print.
#[derive(Clone)]
pub struct Execution {
    /// Where it stands.
    pub status: Status,
    /// When it was started (RFC 3339).
    pub started_at: String,
    /// When it ended (RFC 3339).
    pub stopped_at: Option<String>,
    /// The JSON that it was started with.
    pub input: Option<String>,
    /// The JSON that it succeeded with.
    pub output: Option<String>,
    /// The name of the error that it ended with.
    pub error: Option<String>,
}

/// The engine.
pub trait Machine: Sync {
    /// Starts the admitted execution with an input that holds the transaction token.
    fn start(
        &self,
        state_machine: &StateMachineReference,
        admission: &Admission,
        input: &str,
    ) -> impl Future<Output = Result<Started, ServiceError>> + Send;

    /// The execution; none if there is no such one.
    fn describe(
        &self,
        execution: &ExecutionArn,
    ) -> impl Future<Output = Result<Option<Execution>, ServiceError>> + Send;

    /// Stops an execution on behalf of the grant's subject.
    fn stop(
        &self,
        grant: &Grant,
        execution: &ExecutionArn,
    ) -> impl Future<Output = Result<Stopped, ServiceError>> + Send;
}

/// Whether something was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was.
    Within,
    /// It was not: it would be more than there may be.
    Beyond {
        /// How much was counted before.
        counted: u64,
    },
}

/// What came of a claim to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceTaken {
    /// The execution has its place, from now on or since before.
    Yes,
    /// Every place that there may be is another's: those.
    Full(Places),
}

/// Where starts are counted. Each question is one conditional write: whoever else asks at the same time comes before or after it.
pub trait StartTable: Sync {
    /// Counts so many more, if there are then no more than the most that there may be. A counter begins at nothing.
    fn count(
        &self,
        table: &TableName,
        counter: &Counter,
        more: u16,
        most: u16,
    ) -> impl Future<Output = Result<Counted, ServiceError>> + Send;

    /// Takes the place, if it is the party's already or if the party has fewer than it may have.
    fn take_place(
        &self,
        table: &TableName,
        claim: &Claim,
    ) -> impl Future<Output = Result<PlaceTaken, ServiceError>> + Send;

    /// Gives places back, if none of them was asked for again since it was taken. If one was, nothing changes.
    fn give_places_back(
        &self,
        table: &TableName,
        party: &StartingParty,
        places: &Places,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Time and chance.
pub trait Randomness: Sync {
    /// The clock.
    ///
    /// # Errors
    /// [`ClockError`] if it stands outside of all reason.
    fn now(&self) -> Result<UnixTime, ClockError>;

    /// 128 bits that nobody can guess.
    ///
    /// # Errors
    /// [`NoRandom`] if there are none.
    fn random(&self) -> Result<[u8; 16], NoRandom>;
}

/// Everything outside.
pub trait Services: KeySource + Signer + NamingKeySource + Callers + StartTable + Machine + Randomness {}

impl<T: KeySource + Signer + NamingKeySource + Callers + StartTable + Machine + Randomness> Services for T {}
