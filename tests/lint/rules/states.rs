//! The states of a machine, wherever they stand in it.

use serde_json::Value;

use super::document::{items, members};

/// How the states of a branch are begun.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// The state receives the execution's input.
    Machine,
    /// It is the first of an inline Map's items or of a Parallel's branch, which see the outer variables.
    Branch,
    /// It is the first of a distributed Map's items, which are executions of their own.
    ChildRun,
}

/// A state and where it stands.
pub struct State<'a> {
    pub path: String,
    pub name: &'a str,
    pub state: &'a Value,
    pub opens: Option<Opens>,
    /// How many Maps and Parallels are around.
    pub depth: usize,
    pub siblings: &'a Value,
}

/// All states, those inside of Map and Parallel too.
pub fn states(machine: &Value) -> Vec<State<'_>> {
    let mut all = Vec::new();
    collect("States", machine, Opens::Machine, 0, &mut all);
    all
}

fn collect<'a>(path: &str, machine: &'a Value, opens: Opens, depth: usize, all: &mut Vec<State<'a>>) {
    for (name, state) in members(&machine["States"]) {
        let path = format!("{path}.{name}");
        let opens = (machine["StartAt"] == name).then_some(opens);
        all.push(State { path: path.clone(), name, state, opens, depth, siblings: &machine["States"] });
        for inner in [&state["ItemProcessor"], &state["Iterator"]].into_iter().chain(items(&state["Branches"])) {
            let is_child_run = inner["ProcessorConfig"]["Mode"] == "DISTRIBUTED";
            let opens = if is_child_run { Opens::ChildRun } else { Opens::Branch };
            collect(&path, inner, opens, depth + 1, all);
        }
    }
}

/// A Task that calls a function.
pub fn is_guarded(state: &Value) -> bool {
    let resource = state["Resource"].as_str().unwrap_or_default();
    state["Type"] == "Task" && (resource.contains(":lambda:") || resource.starts_with("${"))
}

/// A Task that calls the revalidation function, which guards itself.
pub fn is_revalidation(state: &Value) -> bool {
    is_guarded(state) && state["Arguments"]["FunctionName"] == "${RevalidationFunctionArn}"
}
