//! The rounds of an author's loops: which states do more than one piece of work.

use std::collections::{BTreeMap, BTreeSet};

use crate::weave::json::Object;
use crate::weave::machine::{is_distributed, states, transitions};
use crate::weave::plan::Plan;

/// The states of a scope that do work and may be come to again after they have succeeded, each with its number among them.
///
/// A way back through a Catch is a retry that the author has written himself: what has failed is the same piece of work then. A child of a distributed Map and a nested execution are new
/// executions in each round anyway.
pub(super) fn of(machine: &Object, plan: &Plan) -> BTreeMap<String, usize> {
    let ways: BTreeMap<&str, Vec<&str>> = states(machine).map(|(name, state)| (name, transitions(state))).collect();
    let works = |name: &str, state: &Object| {
        plan.guarded.contains_key(name) || (!is_distributed(state) && plan.is_needed_inside(name, state))
    };
    let comes_again = |name: &str, state: &Object| state.text("Next").is_some_and(|next| leads_to(next, name, &ways));
    let looped = states(machine).filter(|(name, state)| works(name, state) && comes_again(name, state));
    looped.enumerate().map(|(number, (name, _))| (name.to_owned(), number)).collect()
}

/// The states among those that a Catch of theirs leads back to, too: nobody can tell whether they do the same work again then.
pub(super) fn caught(machine: &Object, looped: &BTreeMap<String, usize>) -> Vec<String> {
    let ways: BTreeMap<&str, Vec<&str>> = states(machine).map(|(name, state)| (name, transitions(state))).collect();
    let is_caught = |name: &str, state: &Object| {
        let mut rules = state.objects("Catch").filter_map(|rule| rule.text("Next"));
        rules.any(|next| leads_to(next, name, &ways))
    };
    let among = states(machine).filter(|(name, state)| looped.contains_key(*name) && is_caught(name, state));
    among.map(|(name, _)| name.to_owned()).collect()
}

fn leads_to(from: &str, to: &str, ways: &BTreeMap<&str, Vec<&str>>) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(state) = open.pop() {
        if state == to {
            return true;
        }
        let onward = ways.get(state).into_iter().flatten().copied();
        open.extend(onward.filter(|next| seen.insert(next)));
    }
    false
}
