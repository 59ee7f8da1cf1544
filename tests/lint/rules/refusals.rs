//! What follows a guard's refusal: its own end, and nothing else; after one that may be out of date, the realm is asked once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Document, Finding, items, members};
use super::states::{State, is_guarded, is_revalidation};
use super::token::names_the_token;

const DENIED: &str = "ClaimGuard.Denied";
const EXPIRED: &str = "ClaimGuard.IdentityExpired";
const UNDECIDED: &str = "ClaimGuard.Undecided";

/// Refusals that the same attempt meets again.
const LASTING: [&str; 4] = [EXPIRED, DENIED, "ClaimGuard.Rejected", "ClaimGuard.Misconfigured"];

/// Names that stand for all errors, a guard's too.
const WILDCARDS: [&str; 2] = ["States.ALL", "States.TaskFailed"];

pub fn findings(document: &Document, state: &State<'_>) -> Vec<Finding> {
    [retried(document, state), caught(document, state), renewal(document, state)].concat()
}

fn rules<'a>(state: &'a Value, list: &str) -> Vec<&'a Value> {
    items(&state[list])
}

fn errors(rule: &Value) -> Vec<&str> {
    items(&rule["ErrorEquals"]).into_iter().filter_map(Value::as_str).collect()
}

/// The errors that rules in front of this one have taken.
fn taken<'a>(rules: &[&'a Value], number: usize) -> BTreeSet<&'a str> {
    rules.iter().take(number).flat_map(|rule| errors(rule)).collect()
}

/// A refusal is not asked for again: it lasts.
fn retried(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let rules = rules(state.state, "Retry");
    for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule["MaxAttempts"] != 0) {
        let taken = taken(&rules, number);
        let is_left = |error: &str| !WILDCARDS.contains(&error) || LASTING.iter().any(|one| !taken.contains(one));
        let asks = |error: &&str| LASTING.contains(error) || WILDCARDS.contains(error);
        for error in errors(rule).into_iter().filter(asks).filter(|error| is_left(error)) {
            let path = format!("{}.Retry.{number}", state.path);
            found.push(document.finding(path, format!("`{error}` asks again after a refusal")));
        }
    }
    found
}

/// After a refusal comes its end, or the state that asks the realm about it.
fn caught(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let rules = rules(state.state, "Catch");
    for (number, rule) in rules.iter().enumerate() {
        let next = rule["Next"].as_str().unwrap_or_default();
        let path = format!("{}.Catch.{number}", state.path);
        let taken = taken(&rules, number);
        for error in errors(rule) {
            let goes_on = match error {
                _ if is_end(state.siblings, next) || tells_whose(state, next) => false,
                EXPIRED => !renews(state, next, "expired"),
                DENIED => !renews(state, next, "denied"),
                "ClaimGuard.Rejected" | "ClaimGuard.Misconfigured" => true,
                _ if WILDCARDS.contains(&error) => !all_are_taken(state.state, &taken),
                _ => false,
            };
            if goes_on {
                found.push(document.finding(&path, format!("`{error}` takes a refusal in and goes on with `{next}`")));
            }
        }
    }
    found
}

/// Whether nothing of a guard is left to a rule for all errors. A Map or Parallel sees no identity that is too old.
fn all_are_taken(state: &Value, taken: &BTreeSet<&str>) -> bool {
    let lasting = LASTING.iter().filter(|error| **error != EXPIRED || is_guarded(state));
    lasting.chain([&UNDECIDED]).all(|error| taken.contains(error))
}

/// A state in which a run fails, or the denied path, which leads to no guarded state.
fn is_end(siblings: &Value, next: &str) -> bool {
    siblings[next]["Type"] == "Fail" || (next == "IdentityDenied" && !leads_to_a_guard(siblings, next))
}

fn leads_to_a_guard(siblings: &Value, start: &str) -> bool {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![start]);
    while let Some(name) = ahead.pop() {
        let state = &siblings[name];
        if state.to_string().contains(":lambda:") {
            return true;
        }
        if seen.insert(name) {
            let rules = ["Choices", "Catch"].into_iter().flat_map(|list| items(&state[list]));
            let nexts = [&state["Next"], &state["Default"]].into_iter().chain(rules.map(|rule| &rule["Next"]));
            ahead.extend(nexts.filter_map(Value::as_str));
        }
    }
    false
}

/// Whether `next` asks the realm about this very state, which is a guarded one, and comes back to it.
fn renews(state: &State<'_>, next: &str, cause: &str) -> bool {
    let there = &state.siblings[next];
    let question = &there["Arguments"]["Payload"]["renew"];
    is_guarded(state.state)
        && !is_revalidation(state.state)
        && is_revalidation(there)
        && question["state"] == state.name
        && question["cause"] == cause
        && there["Next"] == state.name
}

/// Whether `next` tells a guard's refusal of this state from one that whoever answers its callback has named: the guard's leads to
/// an end or to the realm, and every other one is denied.
fn tells_whose(state: &State<'_>, next: &str) -> bool {
    let there = &state.siblings[next];
    let choices = items(&there["Choices"]);
    let Some((last, guard_s)) = choices.split_last() else { return false };
    let leads_well = |choice: &&Value| {
        let condition = choice["Condition"].as_str().unwrap_or_default();
        let next = choice["Next"].as_str().unwrap_or_default();
        let renews = |error: &str, cause: &str| condition.contains(error) && renews(state, next, cause);
        names_the_token(condition, state.depth)
            && (is_end(state.siblings, next) || renews(EXPIRED, "expired") || renews(DENIED, "denied"))
    };
    let last_next = last["Next"].as_str().unwrap_or_default();
    there["Type"] == "Choice"
        && last["Condition"] == "{% true %}"
        && last_next.starts_with("IdentityDenied")
        && is_end(state.siblings, last_next)
        && guard_s.iter().all(leads_well)
}

/// A state that renews a token renews it for the state that comes next or one of its branches, and its own refusals have an end. Inside of a branch
/// that end is around it.
fn renewal(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if !is_revalidation(state.state) {
        return found;
    }
    for (_, question) in
        members(&state.state["Arguments"]["Payload"]).filter(|(name, _)| ["renew", "delegate"].contains(name))
    {
        let next = &state.state["Next"];
        let is_inside = question["state"]
            .as_str()
            .is_some_and(|asked| holds(&state.siblings[next.as_str().unwrap_or_default()], asked));
        if question["state"] != *next && !is_inside {
            let path = format!("{}.Next", state.path);
            let (asked, next) = (question["state"].to_string(), state.state["Next"].to_string());
            found.push(document.finding(path, format!("asks for {asked} and goes on with {next}").replace('"', "`")));
        }
    }
    let caught: BTreeSet<&str> = rules(state.state, "Catch").into_iter().flat_map(errors).collect();
    for error in LASTING.iter().filter(|error| **error != EXPIRED && state.depth == 0 && !caught.contains(*error)) {
        found.push(document.finding(format!("{}.Catch", state.path), format!("`{error}` has no end of its own")));
    }
    found
}

/// Whether a state of that name stands inside of this one, at any depth.
fn holds(around: &Value, name: &str) -> bool {
    let branches = items(&around["Branches"]).into_iter().chain([&around["ItemProcessor"]]);
    let mut states = branches.flat_map(|machine| members(&machine["States"]));
    states.any(|(inside, state)| inside == name || holds(state, name))
}
