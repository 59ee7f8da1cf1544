//! The state machine: the rules that hold for each state by itself. Where the identity goes is in [`token`](super::token), what
//! follows a guard's refusal in [`refusals`](super::refusals).

use super::document::{Document, Finding};
use super::states::{State, is_guarded, states};
use super::{refusals, token};

pub fn findings(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    if document.value["QueryLanguage"] != "JSONata" {
        found.push(document.finding("QueryLanguage", "not JSONata, so there are no variables to hold the identity"));
    }
    for state in states(&document.value) {
        found.extend(token::findings(document, &state));
        found.extend(refusals::findings(document, &state));
        found.extend(no_paths(document, &state));
        found.extend(tolerated(document, &state));
        found.extend(execution_names(document, &state));
        found.extend(callbacks(document, &state));
        found.extend(roles(document, &state));
    }
    found
}

/// JSONPath's members move results over inputs, the identity among them.
fn no_paths(document: &Document, state: &State<'_>) -> Vec<Finding> {
    ["InputPath", "OutputPath", "ResultPath", "ResultSelector", "Parameters", "ItemsPath", "QueryLanguage"]
        .into_iter()
        .filter(|member| !state.state[*member].is_null() && state.state[*member] != "JSONata")
        .map(|member| {
            document.finding(format!("{}.{member}", state.path), "JSONPath, which can overwrite the identity")
        })
        .collect()
}

/// A Map that tolerates failed items goes on after a refusal.
fn tolerated(document: &Document, state: &State<'_>) -> Vec<Finding> {
    ["ToleratedFailureCount", "ToleratedFailurePercentage"]
        .into_iter()
        .filter(|member| !state.state[*member].is_null() && state.state[*member] != 0)
        .map(|member| document.finding(format!("{}.{member}", state.path), "the Map goes on after a refused item"))
        .collect()
}

/// A name that a caller can choose is a name that a caller can guess, or take from somebody else.
fn execution_names(document: &Document, state: &State<'_>) -> Option<Finding> {
    let resource = state.state["Resource"].as_str()?;
    let name = state.state["Arguments"]["Name"].as_str()?;
    let is_signed = name == token::bound_name(state.depth);
    let chosen = resource.contains(":startExecution") && !name.contains("$uuid()") && !is_signed;
    let message = || format!("the execution's name is `{name}`, and not random");
    chosen.then(|| document.finding(format!("{}.Arguments.Name", state.path), message()))
}

/// What a callback brings was said by whoever held the task token, so a guard decides next.
fn callbacks(document: &Document, state: &State<'_>) -> Option<Finding> {
    if !state.state["Resource"].as_str()?.ends_with(".waitForTaskToken") {
        return None;
    }
    let next = state.state["Next"].as_str().unwrap_or("the end");
    let guarded = is_guarded(&state.siblings[next]);
    let message = || format!("after a callback comes `{next}`, which asks no guard");
    (!guarded).then(|| document.finding(format!("{}.Next", state.path), message()))
}

/// The role that a task wears is written here, not chosen by an input or a claim.
fn roles(document: &Document, state: &State<'_>) -> Option<Finding> {
    let places = [("Credentials", "RoleArn"), ("Credentials", "RoleArn.$"), ("Arguments", "RoleArn")];
    places.into_iter().find_map(|(member, name)| {
        let role = state.state[member][name].as_str()?;
        let message = || format!("the role is chosen while running: `{role}`");
        let path = || format!("{}.{member}.{name}", state.path);
        (role.contains("{%") || role.starts_with("$.")).then(|| document.finding(path(), message()))
    })
}
