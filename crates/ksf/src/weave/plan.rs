//! What `access.toml` asks of the states of a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use claim_guard::access::{MaxIdentityAge, Workflow};

use crate::weave::json::Object;
use crate::weave::machine::{Scope, inner_machines, is_answered_from_outside, is_distributed, states};
use crate::weave::names::{input_of, look_before, revalidate};

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

/// A Map or Parallel whose branches would each have the same old token renewed.
#[derive(Debug, Clone)]
pub(super) struct FanOut {
    /// The state inside that is the first to find it too old.
    pub(super) state: String,
    /// From what age on it is renewed once, before: the rest of what that state takes is for the branches, which all begin at once.
    pub(super) renewed_from: Duration,
}

/// A workflow's states, by name.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) workflow: String,
    pub(super) guarded: BTreeMap<String, Guarded>,
    pub(super) nested: BTreeSet<String>,
    pub(super) fan_outs: BTreeMap<String, FanOut>,
}

impl Plan {
    /// What is asked of that machine, which weave has not written in yet.
    pub(super) fn of(workflow: &Workflow, machine: &Object) -> Self {
        let guarded = workflow.states().map(|(name, guarded)| {
            let freshness = guarded.freshness();
            let rule = Guarded {
                is_asked_first: freshness.max_identity_age() == MaxIdentityAge::EveryAttempt,
                is_reconsidered: freshness.revalidate_on_denied(),
                oldest: match freshness.max_identity_age() {
                    MaxIdentityAge::AtMost(age) => age.min(workflow.transaction_token_lifetime()),
                    MaxIdentityAge::EveryAttempt | MaxIdentityAge::TokenLifetime => {
                        workflow.transaction_token_lifetime()
                    }
                },
            };
            (name.to_string(), rule)
        });
        let nested = workflow.nested_starts().map(|(name, _)| name.to_string());
        let mut plan = Self {
            workflow: workflow.name().to_string(),
            guarded: guarded.collect(),
            nested: nested.collect(),
            fan_outs: BTreeMap::new(),
        };
        plan.fan_outs = plan.fan_outs_of(machine);
        plan
    }

    fn fan_outs_of(&self, machine: &Object) -> BTreeMap<String, FanOut> {
        let mut found = BTreeMap::new();
        for (name, state) in states(machine) {
            found.extend(self.fan_out(name, state).map(|fan_out| (name.to_owned(), fan_out)));
            for (_, inside) in inner_machines(name, state, &Scope::outermost()) {
                found.extend(self.fan_outs_of(inside));
            }
        }
        found
    }

    /// A state that is asked for anew in every attempt shares its answer with nobody, so it counts for nothing.
    fn fan_out(&self, name: &str, state: &Object) -> Option<FanOut> {
        let mut sharing = Vec::new();
        self.sharing(name, state, &mut sharing);
        let is_map = state.text("Type") == Some("Map");
        let (state, rule) = sharing.iter().min_by_key(|(_, rule)| rule.oldest)?;
        let fan_out = FanOut {
            state: (*state).to_owned(),
            renewed_from: rule.oldest.saturating_sub(left_to_branches(rule.oldest)),
        };
        (is_map || sharing.len() > 1).then_some(fan_out)
    }

    /// The guarded states inside, of the same execution, that take a statement which others have taken.
    fn sharing<'a>(&self, name: &'a str, state: &'a Object, found: &mut Vec<(&'a str, Guarded)>) {
        if is_distributed(state) {
            return;
        }
        for (_, machine) in inner_machines(name, state, &Scope::outermost()) {
            for (name, state) in states(machine) {
                found.extend(self.guarded.get(name).filter(|rule| !rule.is_asked_first).map(|rule| (name, *rule)));
                self.sharing(name, state, found);
            }
        }
    }

    /// Whether a state of this machine, or one further inside of the same execution, is such a Map or Parallel, so that the age of
    /// the machine's token has to be known: a branch is handed it from what is around.
    pub(super) fn fans_out(&self, machine: &Object) -> bool {
        states(machine).any(|(name, state)| self.fan_outs.contains_key(name) || self.fans_out_inside(name, state))
    }

    fn fans_out_inside(&self, name: &str, state: &Object) -> bool {
        let inside = inner_machines(name, state, &Scope::outermost());
        !is_distributed(state) && inside.iter().any(|(_, machine)| self.fans_out(machine))
    }

    /// Where a transition to that state leads in the woven machine.
    pub(super) fn entry(&self, state: &str) -> String {
        if self.guarded.get(state).is_some_and(|rule| rule.is_asked_first) {
            revalidate(state)
        } else if self.nested.contains(state) {
            input_of(state)
        } else if self.fan_outs.contains_key(state) {
            look_before(state)
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

/// A sixth of what a state takes, and not less than a cold start and a transition may.
fn left_to_branches(oldest: Duration) -> Duration {
    (oldest / 6).max(Duration::from_secs(5))
}
