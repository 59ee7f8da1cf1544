//! What is counted of starts, and for whom: counters of one minute, and the places of running executions.

use std::collections::BTreeMap;
use std::fmt;

use claim_guard::identifier::WorkflowName;
use claim_guard::{Identity, UnixTime};
use minting::NamingKey;

use crate::execution_name::ExecutionName;

/// What the MAC is for.
const PARTY: &str = "start limits";
const PARTY_DIGITS: usize = 32;

const MINUTE: i64 = 60;
/// For how long a counter is kept after its minute. Nothing reads it then.
const COUNTER_KEPT: i64 = 60 * 60;
/// For how long places are kept after the last one was taken: longer than an execution can run, which is a year.
const PLACES_KEPT: i64 = 400 * 24 * 60 * 60;
/// How long after its place was taken, in seconds, an execution that Step Functions does not have is not there because it was never started. Before that its start may be under way, for as long as the function runs at most, or not be shown yet.
pub const START_SHOWS_WITHIN: i64 = 60;

/// Whoever starts executions: the one who acts, where somebody acts in the subject's place, else the subject, through whichever
/// client. It is a MAC, so whoever reads the table learns nobody's id, and cannot tell whether somebody whom he knows is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StartingParty(String);

impl StartingParty {
    pub(crate) fn of(caller: &Identity, key: &NamingKey) -> Self {
        let acting = caller.actor().map(|actor| actor.current());
        let subject = acting.map_or(caller.subject(), |party| party.subject());
        let issuer = acting.and_then(|party| party.issuer()).unwrap_or(caller.issuer());
        Self(key.digits(PARTY, &[issuer.as_str(), subject.as_str()], PARTY_DIGITS))
    }

    /// Where the party's places are kept.
    pub fn places_key(&self) -> String {
        format!("{self}/running")
    }
}

impl fmt::Display for StartingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a party does in one minute of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    key: String,
    expires: i64,
}

impl Counter {
    /// What it starts.
    pub(crate) fn of_starts(party: &StartingParty, now: UnixTime) -> Self {
        Self::of(party, "starts", now)
    }

    /// How often Step Functions is asked about its executions, to make room for one more.
    pub(crate) fn of_looks(party: &StartingParty, now: UnixTime) -> Self {
        Self::of(party, "looks", now)
    }

    /// Where it is kept.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// From when on nobody needs it any more (Unix time).
    pub fn expires(&self) -> i64 {
        self.expires
    }

    fn of(party: &StartingParty, what: &str, now: UnixTime) -> Self {
        let minute = now.seconds().div_euclid(MINUTE);
        Self { key: format!("{party}/{what}/{minute}"), expires: now.seconds() + MINUTE + COUNTER_KEPT }
    }
}

/// How many seconds it takes until the next minute has begun, at least one.
pub(crate) fn to_next_minute(now: UnixTime) -> i64 {
    MINUTE - now.seconds().rem_euclid(MINUTE)
}

/// The place of one execution among those that its party may have running: `WORKFLOW/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    pub(crate) fn of(workflow: &WorkflowName, name: &ExecutionName) -> Self {
        Self(format!("{workflow}/{name}"))
    }

    /// A place as it stands in the table, whatever that is.
    pub fn presented(text: String) -> Self {
        Self(text)
    }

    /// The place as it stands in the table.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The workflow and the execution's name, if it is written as places are.
    pub(crate) fn parts(&self) -> Option<(WorkflowName, &str)> {
        let (workflow, name) = self.0.split_once('/')?;
        Some((WorkflowName::parse(workflow).ok()?, name))
    }
}

/// A request for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub party: StartingParty,
    /// Which.
    pub place: Place,
    /// How many the party may have.
    pub most: u16,
    /// When it is made.
    pub now: UnixTime,
}

impl Claim {
    /// From when on nobody needs the party's places any more (Unix time).
    pub fn expires(&self) -> i64 {
        self.now.seconds() + PLACES_KEPT
    }
}

/// Places, and when each was taken: by the last request that asked for it (Unix time).
pub type Places = BTreeMap<Place, i64>;

/// Whether an execution whose place was taken at that time, and which is not there, will not begin any more.
pub(crate) fn has_settled(taken: i64, now: UnixTime) -> bool {
    now.seconds().saturating_sub(taken) > START_SHOWS_WITHIN
}
