//! What `access.toml` asks of the states of a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use claim_guard::access::{MaxIdentityAge, Workflow};

use crate::weave::json::Object;
use crate::weave::machine::{Scope, inner_machines, is_answered_from_outside, is_distributed, states};
use crate::weave::names::{input_of, revalidate};

/// What a guarded state asks beside its requirement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guarded {
    /// `max_identity_age = "0s"`: it is never entered without asking first.
    pub(super) is_asked_first: bool,
    /// Whether a denial is asked about once more.
    pub(super) is_reconsidered: bool,
    /// How old a statement may be that it acts on.
    pub(super) oldest: Duration,
}

/// A workflow's states, by name.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) workflow: String,
    pub(super) guarded: BTreeMap<String, Guarded>,
    pub(super) nested: BTreeSet<String>,
}

impl Plan {
    pub(super) fn of(workflow: &Workflow) -> Self {
        let guarded = workflow.states().map(|(name, _)| {
            let freshness = workflow.freshness(name);
            let rule = Guarded {
                is_asked_first: freshness.and_then(|freshness| freshness.max_identity_age())
                    == Some(MaxIdentityAge::EveryAttempt),
                is_reconsidered: freshness.is_none_or(|freshness| freshness.revalidate_on_denied()),
                oldest: match freshness.and_then(|freshness| freshness.max_identity_age()) {
                    Some(MaxIdentityAge::AtMost(age)) => age.min(workflow.transaction_token_lifetime()),
                    Some(MaxIdentityAge::EveryAttempt) | None => workflow.transaction_token_lifetime(),
                },
            };
            (name.to_string(), rule)
        });
        let nested = workflow.nested_starts().map(|(name, _)| name.to_string());
        Self { workflow: workflow.name().to_string(), guarded: guarded.collect(), nested: nested.collect() }
    }

    /// Where a transition to that state leads in the woven machine.
    pub(super) fn entry(&self, state: &str) -> String {
        if self.guarded.get(state).is_some_and(|rule| rule.is_asked_first) {
            revalidate(state)
        } else if self.nested.contains(state) {
            input_of(state)
        } else {
            state.to_owned()
        }
    }

    /// Whether a state of this machine, or one further inside, needs the token.
    pub(super) fn is_needed_in(&self, machine: &Object) -> bool {
        states(machine).any(|(name, state)| self.is_needed_at(name, state))
    }

    /// Whether this state, or one inside of it, needs the token.
    pub(super) fn is_needed_at(&self, name: &str, state: &Object) -> bool {
        self.guarded.contains_key(name) || self.nested.contains(name) || self.is_needed_inside(name, state)
    }

    /// Whether a state of this machine, or one further inside of the same execution, needs the token or is answered from outside,
    /// so that its answer could pass for a guard's.
    pub(super) fn is_looked_at_in(&self, machine: &Object) -> bool {
        states(machine).any(|(name, state)| {
            let waits = state.text("Type") == Some("Task") && is_answered_from_outside(state);
            waits || self.is_needed_at(name, state) || self.is_looked_at_inside(name, state)
        })
    }

    /// Whether a state inside of this one is to be looked at. An execution of its own has its own errors.
    pub(super) fn is_looked_at_inside(&self, name: &str, state: &Object) -> bool {
        if is_distributed(state) {
            return self.is_needed_inside(name, state);
        }
        inner_machines(name, state, &Scope::outermost()).iter().any(|(_, machine)| self.is_looked_at_in(machine))
    }

    /// Whether a state inside of this one needs the token.
    pub(super) fn is_needed_inside(&self, name: &str, state: &Object) -> bool {
        inner_machines(name, state, &Scope::outermost()).iter().any(|(_, machine)| self.is_needed_in(machine))
    }
}
