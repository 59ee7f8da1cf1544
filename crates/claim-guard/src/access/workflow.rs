//! A workflow: who may start it, look at it, stop it, and what its states ask.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::access::requirement::Requirement;
use crate::claims::{ClaimPath, Role};
use crate::identifier::{StateName, WorkflowName};

/// A workflow of the policy. It has a start rule and at least one guarded state.
#[derive(Debug, PartialEq, Eq)]
pub struct Workflow {
    pub(super) name: WorkflowName,
    pub(super) transaction_token_lifetime: Duration,
    pub(super) start: Requirement,
    pub(super) describe: Vec<Role>,
    pub(super) stop: Vec<Role>,
    pub(super) states: BTreeMap<StateName, Requirement>,
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

    /// What a state asks; none for a state that the policy does not name, which is denied.
    pub fn state(&self, name: &StateName) -> Option<&Requirement> {
        self.states.get(name)
    }

    /// The guarded states with what they ask, sorted by name.
    pub fn states(&self) -> impl Iterator<Item = (&StateName, &Requirement)> {
        self.states.iter()
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
        std::iter::once(&self.start).chain(self.states.values())
    }
}
