//! A workflow: who may start it, look at it, stop it, and what its states ask.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::access::freshness::{Freshness, RenewalRule, SessionRule};
use crate::access::idempotency::IdempotencyRule;
use crate::access::requirement::Requirement;
use crate::claims::{ClaimPath, Role};
use crate::identifier::{StateName, WorkflowName};
use crate::unix_time::UnixTime;

/// A workflow of the policy. It has a start rule; what it asks of its states is nothing where they only start executions or
/// call services.
#[derive(Debug, PartialEq, Eq)]
pub struct Workflow {
    pub(super) name: WorkflowName,
    pub(super) transaction_token_lifetime: Duration,
    pub(super) max_duration: Duration,
    pub(super) session: SessionRule,
    pub(super) renewal: RenewalRule,
    pub(super) idempotency: IdempotencyRule,
    pub(super) start: Requirement,
    pub(super) describe: Vec<Role>,
    pub(super) stop: Vec<Role>,
    pub(super) states: BTreeMap<StateName, GuardedState>,
    pub(super) nested: BTreeMap<StateName, WorkflowName>,
}

/// A state that the policy names: what it asks of an identity, and how fresh that has to be.
#[derive(Debug, PartialEq, Eq)]
pub struct GuardedState {
    pub(super) requirement: Requirement,
    pub(super) freshness: Freshness,
}

impl GuardedState {
    /// What it asks.
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }

    /// How fresh an identity has to be.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

impl Workflow {
    /// The name that the policy gives it.
    pub fn name(&self) -> &WorkflowName {
        &self.name
    }

    /// How long a transaction token of this workflow holds: 30 seconds to 1 hour, 5 minutes if the policy says nothing.
    pub fn transaction_token_lifetime(&self) -> Duration {
        self.transaction_token_lifetime
    }

    /// How long a run may take, from its start: 30 seconds to 365 days, which is as long as Step Functions lets one last.
    pub fn max_duration(&self) -> Duration {
        self.max_duration
    }

    /// How long a token that is minted now holds: its usual lifetime, but not beyond the longest run. Zero for a run that
    /// has taken its time.
    pub fn lifetime_at(&self, started_at: UnixTime, now: UnixTime) -> Duration {
        let left = started_at.plus(self.max_duration).seconds_since(now);
        self.transaction_token_lifetime.min(Duration::from_secs(u64::try_from(left).unwrap_or_default()))
    }

    /// Whether a run goes on after its starter has logged out.
    pub fn session(&self) -> SessionRule {
        self.session
    }

    /// Whether a renewal may give a run more than it had.
    pub fn renewal(&self) -> RenewalRule {
        self.renewal
    }

    /// Whether a start has to bring an idempotency key.
    pub fn idempotency(&self) -> IdempotencyRule {
        self.idempotency
    }

    /// What a start asks.
    pub fn start(&self) -> &Requirement {
        &self.start
    }

    /// The roles of which one is needed to describe an execution that the caller did not start; may be empty.
    pub fn describe(&self) -> &[Role] {
        &self.describe
    }

    /// The roles of which one is needed to stop an execution that the caller did not start; may be empty.
    pub fn stop(&self) -> &[Role] {
        &self.stop
    }

    /// A guarded state; none for a state that the policy does not name, which is denied.
    pub fn guarded(&self, name: &StateName) -> Option<&GuardedState> {
        self.states.get(name)
    }

    /// The guarded states, sorted by name.
    pub fn states(&self) -> impl Iterator<Item = (&StateName, &GuardedState)> {
        self.states.iter()
    }

    /// The workflow whose execution that state starts; none for a state that starts no execution.
    pub fn nested(&self, state: &StateName) -> Option<&WorkflowName> {
        self.nested.get(state)
    }

    /// The states that start executions, with the workflow of each, sorted by name.
    pub fn nested_starts(&self) -> impl Iterator<Item = (&StateName, &WorkflowName)> {
        self.nested.iter()
    }

    /// Every role that the start or a state names: those that a transaction token may carry.
    ///
    /// `describe` and `stop` are decided on an access token, so their roles are not among them.
    pub fn named_roles(&self) -> BTreeSet<&Role> {
        self.requirements().flat_map(Requirement::named_roles).collect()
    }

    /// The path of every claim that the start or a state names: those that a transaction token may carry.
    pub fn named_claims(&self) -> BTreeSet<&ClaimPath> {
        self.requirements().flat_map(Requirement::named_claims).collect()
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        std::iter::once(&self.start).chain(self.states.values().map(|state| &state.requirement))
    }
}
