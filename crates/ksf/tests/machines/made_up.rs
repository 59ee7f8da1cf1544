//! What is made up for a machine that nobody has data for: a policy that guards every call of a function, and an input that has
//! a value wherever the machine looks.

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use serde_json::{Map, Value, json};

/// The name of the workflow that a machine is taken for.
pub const WORKFLOW: &str = "machine";

/// The machines inside of a state.
pub fn inner(state: &Value) -> impl Iterator<Item = &Value> {
    let items = ["ItemProcessor", "Iterator"].into_iter().filter_map(|member| state.get(member));
    items.chain(state["Branches"].as_array().into_iter().flatten())
}

/// Every state of a machine, at any depth.
pub fn states<'a>(machine: &'a Value, all: &mut Vec<(&'a str, &'a Value)>) {
    for (name, state) in machine["States"].as_object().into_iter().flatten() {
        all.push((name, state));
        for machine in inner(state) {
            states(machine, all);
        }
    }
}

/// The errors that a state's rules name. Which rules weave adds for Lambda's own errors is weave's business.
pub fn errors(state: &Value) -> Vec<String> {
    let rules = ["Retry", "Catch"].into_iter().flat_map(|list| state[list].as_array().into_iter().flatten());
    let named = rules.flat_map(|rule| rule["ErrorEquals"].as_array().into_iter().flatten()).filter_map(Value::as_str);
    let is_one = |name: &&str| {
        !["ClaimGuard.", "Lambda."].iter().any(|start| name.starts_with(start))
            && !["States.ALL", "States.TaskFailed"].contains(name)
    };
    named.filter(is_one).map(str::to_owned).collect()
}

/// A policy that guards every call of a function.
///
/// # Errors
/// It is no policy: a state's name is none that `access.toml` takes, or there is no state to guard.
pub fn policy(machine: &Value) -> Result<AccessPolicy, String> {
    let mut all = Vec::new();
    states(machine, &mut all);
    let guarded = all.into_iter().filter(|(_, state)| {
        let call =
            state["Resource"].as_str().and_then(|resource| resource.split_once(":states:")).map(|(_, call)| call);
        call.is_some_and(|call| call.ends_with(":lambda:invoke") || call.ends_with(":lambda:invoke.waitForTaskToken"))
    });
    let rules: String =
        guarded.map(|(name, _)| format!("states.{}.any_verified_caller = true\n", json!(name))).collect();
    let text = format!(
        "[workflows.{WORKFLOW}]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n{rules}"
    );
    let policy = AccessPolicy::parse("access.toml", &text).map_err(|faults| faults.to_string().replace('\n', "; "))?;
    let name = WorkflowName::parse(WORKFLOW).map_err(|error| error.to_string())?;
    policy.workflow(&name).map(|_| ()).ok_or("there is no workflow")?;
    Ok(policy)
}

/// Where paths into an execution's input begin, or may.
const ROOTS: [&str; 5] =
    ["$$.Execution.Input.", "$states.context.Execution.Input.", "$states.input.", "$.", "$$.Map.Item.Value."];

/// An input that has a value at every path that a machine's texts begin with.
pub fn input(machine: &Value) -> Value {
    let mut input = json!({ "made": "up" });
    texts(machine, &mut |text| {
        for root in ROOTS {
            for (at, _) in text.match_indices(root) {
                // `$$.` is another root than `$.`.
                if text.get(..at).is_some_and(|before| before.ends_with('$')) {
                    continue;
                }
                let path = text.get(at + root.len()..).unwrap_or_default();
                let end = path.find(|letter: char| !letter.is_alphanumeric() && !['_', '-', '.'].contains(&letter));
                let path = path.get(..end.unwrap_or(path.len())).unwrap_or_default().trim_matches('.');
                put(&mut input, path, path);
            }
        }
    });
    input
}

fn put(at: &mut Value, path: &str, whole: &str) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if name.is_empty() {
        return;
    }
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    let Some(members) = at.as_object_mut() else { return };
    let member = members.entry(name).or_insert_with(|| json!(format!("made up: {whole}")));
    if let Some(rest) = rest {
        put(member, rest, whole);
    }
}

fn texts(value: &Value, tell: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => tell(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, tell)),
        Value::Object(members) => members.values().for_each(|member| texts(member, tell)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
