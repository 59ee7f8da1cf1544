//! Takes out of a woven machine what weave has put in, so that weaving it again gives the same text.

use std::collections::BTreeMap;

use crate::weave::json::{Json, Object};
use crate::weave::machine::{Call, Language, errors, inner_machines_mut, redirect, redirect_member};
use crate::weave::names::{GUARD_ERRORS, INPUTS, ITEM, MARK, NAME_IS_TAKEN, RECEIVE, VARIABLES};
use crate::weave::nested_result;
use crate::weave::shapes::retry_of_lambda;

/// The author's machine. One that was never woven is left as it is, but for empty lists of rules.
pub(super) fn strip(machine: &mut Object) {
    let first = machine.object("States").and_then(|states| states.object(RECEIVE));
    let is_woven = first.is_some_and(is_woven_state);
    let language = Language::of_machine(machine);
    strip_scope(machine, language, is_woven);
}

/// Whether weave has written the state.
pub(super) fn is_woven_state(state: &Object) -> bool {
    state.text("Comment").is_some_and(|comment| comment.starts_with(MARK))
}

/// The author's input of a child execution, as the woven state holds it that evaluates it; none of any other state.
fn evaluated(state: &Object) -> Option<(&'static str, &Json)> {
    let assigned = state.object("Assign").filter(|_| is_woven_state(state) && state.text("Type") == Some("Pass"))?;
    let (name, value) = assigned.iter().find(|(name, _)| name.starts_with(INPUTS))?;
    if !name.ends_with(".$") {
        return Some(("input", value));
    }
    let parameters = state.object("Parameters")?;
    ["input", "input.$"].into_iter().find_map(|name| Some((name, parameters.get(name)?)))
}

/// Whether a woven state holds what its author wrote.
pub(super) fn holds_author_s(state: &Object) -> bool {
    evaluated(state).is_some()
}

/// What is known of the woven states of a scope when they are gone.
#[derive(Default)]
struct Gone {
    /// Where each one went on.
    followers: BTreeMap<String, String>,
    /// The author's input of a child execution, by the state that starts it.
    inputs: BTreeMap<String, (&'static str, Json)>,
}

fn strip_scope(machine: &mut Object, language: Language, is_woven: bool) {
    let mut gone = Gone::default();
    if let Some(states) = machine.get_mut("States").and_then(Json::as_object_mut) {
        if is_woven {
            let woven = states.iter().filter_map(|(name, state)| Some((name, state.as_object()?)));
            let woven: Vec<(&str, &Object)> = woven.filter(|(_, state)| is_woven_state(state)).collect();
            let next = |state: &Object| state.text("Next").or_else(|| state.text("Default")).map(str::to_owned);
            let follower = |(name, state): &(&str, &Object)| {
                ((*name).to_owned(), next(state).unwrap_or_else(|| (*name).to_owned()))
            };
            gone.followers = woven.iter().map(follower).collect();
            let inputs = woven.iter().filter_map(|(name, state)| {
                let (member, input) = evaluated(state)?;
                Some((follow(&gone.followers, name), (member, input.clone())))
            });
            gone.inputs = inputs.collect();
            states.retain(|_, state| !state.as_object().is_some_and(is_woven_state));
        }
        for (name, state) in states.iter_mut().filter_map(|(name, state)| Some((name, state.as_object_mut()?))) {
            strip_state(name, state, language, is_woven, &gone);
        }
    }
    redirect_member(machine, "StartAt", &|target| follow(&gone.followers, target));
}

/// The first state behind the woven ones.
fn follow(followers: &BTreeMap<String, String>, target: &str) -> String {
    let mut target = target;
    // Each step leaves a woven state behind; a file that somebody has tied into a ring ends with its last one.
    for _ in followers {
        target = followers.get(target).map_or(target, String::as_str);
    }
    target.to_owned()
}

fn strip_state(name: &str, state: &mut Object, language: Language, is_woven: bool, gone: &Gone) {
    let calls_function =
        [Call::Function, Call::FunctionWithCallback].contains(&Call::of(state.text("Resource").unwrap_or_default()));
    for list in ["Retry", "Catch"] {
        if let Some(rules) = state.get_mut(list).and_then(Json::as_list_mut) {
            // An author who retries Lambda's errors as weave does has it taken out as well, and put in again at weave's place.
            let of_lambda = retry_of_lambda();
            let is_woven_rule = |rule: &Object| is_rule_of_refusals(rule) || leads_to_binding(rule, &gone.followers);
            rules.retain(|rule| {
                let is_weave_s = is_woven && rule.as_object().is_some_and(is_woven_rule);
                !(is_weave_s || (calls_function && *rule == of_lambda))
            });
            if rules.is_empty() {
                state.remove(list);
            }
        }
    }
    redirect(state, &|target| follow(&gone.followers, target));
    if is_woven {
        if state.text("Type") == Some("Task") {
            strip_arguments(state, language.of_state(state), gone.inputs.get(name));
            nested_result::strip(state, language.of_state(state));
        }
        for member in ["ItemSelector", "Parameters"] {
            let is_map = state.text("Type") == Some("Map");
            if let Some(selected) = state.object(member).filter(|_| is_map).and_then(wrapped) {
                match selected {
                    ("input", value) => state.set(member, value),
                    _ => drop(state.remove(member)),
                }
            }
        }
    }
    for machine in inner_machines_mut(state) {
        strip_scope(machine, language, is_woven);
    }
}

/// What answers the loss of a name: no rule of an author's names that error.
fn leads_to_binding(rule: &Object, woven: &BTreeMap<String, String>) -> bool {
    errors(rule).eq([NAME_IS_TAKEN]) && rule.text("Next").is_some_and(|next| woven.contains_key(next))
}

fn is_rule_of_refusals(rule: &Object) -> bool {
    let mut named = errors(rule).peekable();
    named.peek().is_some() && named.all(|error| error.starts_with(GUARD_ERRORS))
}

/// Whether a value reads one of weave's variables, as no author's may.
fn reads_token(value: &Json) -> bool {
    let path = value.as_text().map(|text| text.strip_prefix("{% ").unwrap_or(text));
    path.and_then(|path| path.strip_prefix('$')).is_some_and(|name| name.starts_with(VARIABLES))
}

/// What weave has wrapped: the member's name, which says whether it is a path, and its value.
fn wrapped(object: &Object) -> Option<(&'static str, Json)> {
    let inside = ["input", "input.$"].into_iter().find_map(|name| Some((name, object.get(name)?.clone())));
    let is_weave_s = |name: &str, value: &Json| name.strip_suffix(".$").unwrap_or(name) == ITEM || reads_token(value);
    inside.filter(|_| object.iter().any(|(name, value)| is_weave_s(name, value)))
}

fn strip_arguments(state: &mut Object, language: Language, input: Option<&(&'static str, Json)>) {
    let Some(arguments) = state.get_mut(language.arguments()).and_then(Json::as_object_mut) else { return };
    for member in ["Payload", "Input"] {
        let Some(inside) = arguments.object(member).and_then(wrapped) else { continue };
        // What it starts an execution with is written where it is evaluated; older machines have it here.
        let (name, value) = input.filter(|_| member == "Input" && reads_token(&inside.1)).cloned().unwrap_or(inside);
        let author_s = if name == "input" { member.to_owned() } else { format!("{member}.$") };
        arguments.rename(member, &author_s, value);
    }
    // What is left of weave's is a child execution's name.
    arguments.retain(|_, value| !reads_token(value));
}
