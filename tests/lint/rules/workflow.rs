//! The state machine: identity is one variable, assigned once from what `executions` wrote, and nothing but a guard reads it.

use serde_json::Value;

use super::{Document, Finding, items, members};

/// The variable that holds the transaction token.
const TOKEN: &str = "transactionToken";

/// What a guarded task is handed, and the only expression that may stand there.
const HANDED: [(&str, &str); 4] = [
    ("/transactionToken", "{% $transactionToken %}"),
    ("/context/execution", "{% $states.context.Execution.Id %}"),
    ("/context/stateMachine", "{% $states.context.StateMachine.Id %}"),
    ("/context/state", "{% $states.context.State.Name %}"),
];

/// A state, where it stands, and whether it is the one that receives the execution's input.
struct State<'a> {
    path: String,
    state: &'a Value,
    first: bool,
    siblings: &'a Value,
}

pub fn findings(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    if document.value["QueryLanguage"] != "JSONata" {
        found.push(document.finding("QueryLanguage", "not JSONata, so there are no variables to hold the identity"));
    }
    for state in states(&document.value) {
        found.extend(handed(document, &state));
        found.extend(assigned_once(document, &state));
        found.extend(no_paths(document, &state));
        found.extend(refusals(document, &state));
        found.extend(tolerated(document, &state));
        found.extend(execution_names(document, &state));
        found.extend(callbacks(document, &state));
        found.extend(roles(document, &state));
        found.extend(expressions(document, &state));
    }
    found
}

/// All states, those inside of Map and Parallel too.
fn states(machine: &Value) -> Vec<State<'_>> {
    let mut all = Vec::new();
    collect("States", machine, true, &mut all);
    all
}

fn collect<'a>(path: &str, machine: &'a Value, outermost: bool, all: &mut Vec<State<'a>>) {
    for (name, state) in members(&machine["States"]) {
        let path = format!("{path}.{name}");
        let first = outermost && machine["StartAt"] == name;
        all.push(State { path: path.clone(), state, first, siblings: &machine["States"] });
        for inner in [&state["ItemProcessor"], &state["Iterator"]].into_iter().chain(items(&state["Branches"])) {
            collect(&path, inner, false, all);
        }
    }
}

fn is_guarded(state: &Value) -> bool {
    let resource = state["Resource"].as_str().unwrap_or_default();
    state["Type"] == "Task" && (resource.contains(":lambda:") || resource.starts_with("${"))
}

/// Each task that calls a function hands it the token and where it is called from, neither taken from an input.
fn handed(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_guarded(state.state) {
        for (pointer, told) in HANDED {
            let path = format!("{}.Arguments.Payload{}", state.path, pointer.replace('/', "."));
            match state.state["Arguments"]["Payload"].pointer(pointer).and_then(Value::as_str) {
                Some(there) if there == told => {}
                Some(there) => found.push(document.finding(path, format!("`{there}` instead of `{told}`"))),
                None => found.push(document.finding(path, format!("missing; `{told}` has to stand here"))),
            }
        }
    }
    found
}

/// Every place where a state assigns variables: its own and those of its rules.
fn assignments<'a>(state: &'a State<'a>) -> impl Iterator<Item = (String, &'a Value)> {
    let own = [(format!("{}.Assign", state.path), &state.state["Assign"])];
    let lists = ["Catch", "Choices"].into_iter().flat_map(move |list| {
        let rules = items(&state.state[list]).into_iter().enumerate();
        rules.map(move |(number, rule)| (format!("{}.{list}.{number}.Assign", state.path), &rule["Assign"]))
    });
    own.into_iter().chain(lists)
}

/// The first state takes the token out of the input into the variable, and no state afterwards touches it.
fn assigned_once(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if state.first {
        if state.state["Assign"][TOKEN] != "{% $states.input.transactionToken %}" {
            let path = format!("{}.Assign.{TOKEN}", state.path);
            found.push(document.finding(path, "the first state does not take the token from the execution's input"));
        }
        if state.state["Output"] != "{% $states.input.input %}" {
            let path = format!("{}.Output", state.path);
            found.push(document.finding(path, "the token stays in the states' input beside the caller's"));
        }
        return found;
    }
    for (path, variables) in assignments(state) {
        if !variables[TOKEN].is_null() {
            found.push(document.finding(path, format!("`${TOKEN}` is assigned again")));
        }
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

/// A guard's refusal: by its name, or as one of the names that stand for all errors.
fn takes_in_a_refusal(error: &str) -> bool {
    matches!(error, "States.ALL" | "States.TaskFailed")
        || matches!(error, "ClaimGuard.Denied" | "ClaimGuard.Rejected" | "ClaimGuard.Misconfigured")
}

/// A refusal is not asked for again, and nothing is done after it.
fn refusals(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (list, is_catch) in [("Retry", false), ("Catch", true)] {
        for (number, rule) in items(&state.state[list]).into_iter().enumerate() {
            let next = rule["Next"].as_str().unwrap_or_default();
            let ends = is_catch && state.siblings[next]["Type"] == "Fail";
            let errors = items(&rule["ErrorEquals"]).into_iter().filter_map(Value::as_str);
            for error in errors.filter(|error| !ends && refused(error, is_catch)) {
                let path = format!("{}.{list}.{number}", state.path);
                let message = if is_catch {
                    format!("`{error}` takes a refusal in and goes on with `{next}`")
                } else {
                    format!("`{error}` asks again after a refusal")
                };
                found.push(document.finding(path, message));
            }
        }
    }
    found
}

fn refused(error: &str, is_catch: bool) -> bool {
    // An expired identity may be renewed, which is another state's work; the same one stays expired.
    takes_in_a_refusal(error) || (!is_catch && error == "ClaimGuard.IdentityExpired")
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
    let chosen = resource.contains(":startExecution") && !name.contains("$uuid()");
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

/// No expression but a guard's payload reads the token, none decides on what a token or an input says about the caller,
/// and nothing carries one of the realm's tokens.
fn expressions(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, member) in members(state.state) {
        // The states inside have their own turn.
        if !["Comment", "ItemProcessor", "Iterator", "Branches", "Resource", "Next"].contains(&name) {
            let path = format!("{}.{name}", state.path);
            walk(document, state, &path, name, member, &mut found);
        }
    }
    found
}

fn walk(document: &Document, state: &State<'_>, path: &str, name: &str, value: &Value, found: &mut Vec<Finding>) {
    if carries_a_realm_token(path, name, value.as_str().unwrap_or_default()) {
        found.push(document.finding(path, "one of the realm's tokens in an input, where the history shows it"));
    }
    match value {
        Value::String(text) if text.starts_with("{%") => {
            let payload = is_guarded(state.state) && path.ends_with(".Arguments.Payload.transactionToken");
            let assigned = path.ends_with(".Assign.transactionToken");
            if text.contains(TOKEN) && !payload && !assigned {
                found.push(document.finding(path, format!("`{text}` reads the transaction token, unverified")));
            } else if text.contains("Execution.Input") {
                found.push(document.finding(path, format!("`{text}` reads the execution's input, the token in it")));
            } else if (path.ends_with(".Condition") || path.contains(".Assign.")) && reads_claims(text) {
                found.push(document.finding(path, format!("`{text}` decides on claims that nobody verified")));
            }
        }
        Value::Object(_) => {
            for (name, inner) in members(value).filter(|(name, _)| *name != "Comment") {
                walk(document, state, &format!("{path}.{name}"), name, inner, found);
            }
        }
        Value::Array(all) => {
            for (number, inner) in all.iter().enumerate() {
                walk(document, state, &format!("{path}.{number}"), "", inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn carries_a_realm_token(path: &str, name: &str, text: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let (name, text) = (plain(name), plain(text));
    // Outside of headers, an authorization may be a payment's.
    let header = (name == "authorization" && path.contains(".Headers.")) || text.contains("headers.authorization");
    let names = ["accesstoken", "refreshtoken", "idtoken"];
    let named = names.iter().any(|word| name == *word || text.contains(&format!(".{word}")));
    named || header || text.contains("bearer ") || text.starts_with("eyj")
}

/// Whether a path ends in, or goes through, what tokens and identities say.
fn reads_claims(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '.');
    let mut steps = words.flat_map(|path| path.split('.').skip(1));
    steps.any(|step| ["identity", "claims", "realm_access", "resource_access", "roles", "tctx"].contains(&step))
}
