//! The author's own denied path: what comes after a denial, before the execution fails.

use std::collections::{BTreeMap, BTreeSet};

use crate::weave::json::{Json, Object};
use crate::weave::machine::{states, transitions};
use crate::weave::names::DENIED;
use crate::weave::plan::Plan;
use crate::weave::refusal::Cause;

/// Everything by which a denied execution would act on the denied identity, succeed, or go round for ever.
///
/// The path begins in the machine itself; one that begins inside of a Map or Parallel is refused elsewhere.
pub(super) fn causes(machine: &Object, plan: &Plan) -> Vec<Cause> {
    let all: BTreeMap<&str, &Object> = states(machine).collect();
    if !all.contains_key(DENIED) {
        return Vec::new();
    }
    let mut causes = Vec::new();
    for name in reached(&all, DENIED) {
        let Some(state) = all.get(name) else { continue };
        let name = name.to_owned();
        if plan.is_needed_at(&name, state) {
            causes.push(Cause::DeniedPathActs { state: name });
        } else if may_succeed(state) {
            causes.push(Cause::DeniedPathSucceeds { state: name });
        } else if !reached(&all, &name).into_iter().any(|next| all.get(next).is_some_and(|next| is_fail(next))) {
            causes.push(Cause::DeniedPathStays { state: name });
        }
    }
    causes
}

/// A state and all to which its transitions may lead, in the order in which they are met.
fn reached<'a>(all: &BTreeMap<&'a str, &'a Object>, start: &str) -> Vec<&'a str> {
    let (mut met, mut order) = (BTreeSet::new(), Vec::new());
    let mut ahead: Vec<&str> = all.get_key_value(start).map(|(name, _)| *name).into_iter().collect();
    while let Some(name) = ahead.pop() {
        if let Some((name, state)) = all.get_key_value(name).filter(|(name, _)| met.insert(**name)) {
            order.push(*name);
            ahead.extend(transitions(state).into_iter().rev());
        }
    }
    order
}

fn may_succeed(state: &Object) -> bool {
    let ends = state.get("End").is_some_and(|end| *end != Json::Bool(false));
    ends || state.text("Type") == Some("Succeed")
}

fn is_fail(state: &Object) -> bool {
    state.text("Type") == Some("Fail")
}
