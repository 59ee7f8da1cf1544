//! The execution's own input, as states read it through the context object.
//!
//! Starting wraps the author's input beside the transaction token, so what the author wrote as `$$.Execution.Input` would hold
//! both. Weave leads each such path to the author's part, and refuses what may reach the whole by any other way: from there the
//! token would go to wherever the state hands it.

use crate::weave::evaluated::each_text;
use crate::weave::json::{Json, Object};
use crate::weave::machine::{Language, inner_machines_mut, is_distributed, states};
use crate::weave::names::RECEIVE;
use crate::weave::plan::Plan;
use crate::weave::reads::{Reads, moved_in, moved_out};
use crate::weave::refusal::{Cause, Refusal};
use crate::weave::strip::{holds_author_s, is_woven_state};
use crate::weave::{json_path, jsonata};

/// Leads the paths of an author's machine to the author's part of the input. What cannot be led there is refused.
pub(super) fn move_in(machine: &mut Object, plan: &Plan) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let language = Language::of_machine(machine);
    let is_bound = |child: &Object| plan.is_needed_in(child);
    each_wrapped_text(machine, language, true, &is_bound, &mut |state, language, text| match reads(language, text) {
        Ok(places) => *text = moved_in(text, &places),
        Err(doubt) => {
            let cause = Cause::MayReachToken { doubt, language, text: text.clone() };
            let refusal = Refusal::of(state, cause);
            if !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
        }
    });
    refusals
}

/// Leads the paths of a woven machine back to where its author had them.
pub(super) fn move_out(machine: &mut Object) {
    let first = machine.object("States").and_then(|states| states.object(RECEIVE));
    let is_woven = first.is_some_and(is_woven_state);
    let language = Language::of_machine(machine);
    let is_bound = |child: &Object| is_woven && states(child).any(|(_, state)| is_woven_state(state));
    each_wrapped_text(machine, language, is_woven, &is_bound, &mut |_, language, text| {
        // What somebody has put in by hand is looked at when it is woven.
        if let Ok(places) = reads(language, text) {
            *text = moved_out(text, &places);
        }
    });
}

fn reads(language: Language, text: &str) -> Reads {
    match language {
        Language::JsonPath => json_path::reads(text),
        Language::Jsonata => jsonata::reads(text),
    }
}

/// Calls `visit` with each text of the author's states that run in an execution whose input is wrapped. An item of a distributed
/// Map has an execution of its own, and an input beside a token only if `is_bound` says that it gets one.
fn each_wrapped_text(
    machine: &mut Object,
    language: Language,
    is_wrapped: bool,
    is_bound: &dyn Fn(&Object) -> bool,
    visit: &mut dyn FnMut(&str, Language, &mut String),
) {
    let Some(states) = machine.get_mut("States").and_then(Json::as_object_mut) else { return };
    for (name, state) in states.iter_mut() {
        let Some(state) = state.as_object_mut() else { continue };
        if is_wrapped && (!is_woven_state(state) || holds_author_s(state)) {
            let language = language.of_state(state);
            each_text(state, language, &mut |text| visit(name, language, text));
        }
        let is_distributed = is_distributed(state);
        for inner in inner_machines_mut(state) {
            let is_wrapped = if is_distributed { is_bound(inner) } else { is_wrapped };
            each_wrapped_text(inner, language, is_wrapped, is_bound, visit);
        }
    }
}
