//! Placeholders outside of strings where weave has to know what stands there: how a machine goes on, what is inside of it, what a
//! rule takes in, and which values a state is handed. As one value among others a placeholder is nobody's business but the author's.

use crate::weave::json::{Json, Object};
use crate::weave::machine::{Scope, inner_machines, states};
use crate::weave::refusal::{Cause, Refusal};

/// Members of a state, and of its rules, that are looked at. Their own members are, too, if they are among these.
const LOOKED_AT: [&str; 20] = [
    "Arguments",
    "Assign",
    "BatchInput",
    "Branches",
    "Catch",
    "Choices",
    "Default",
    "ErrorEquals",
    "ExecutionType",
    "ItemBatcher",
    "ItemProcessor",
    "ItemReader",
    "ItemSelector",
    "Iterator",
    "Mode",
    "Next",
    "Parameters",
    "ProcessorConfig",
    "Resource",
    "ResultSelector",
];

/// Members that hold values of the author's own, whose names mean nothing here but for how a function is called.
const VALUES: [&str; 6] = ["Arguments", "Assign", "BatchInput", "ItemSelector", "Parameters", "ResultSelector"];

/// How a function is called: whether anybody waits for its answer.
const INVOCATION: [&str; 1] = ["InvocationType"];

/// Each such placeholder of a machine and of those inside.
pub(super) fn placeholders(machine: &Object) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    of_machine(machine, &mut refusals);
    refusals
}

fn of_machine(machine: &Object, refusals: &mut Vec<Refusal>) {
    for (name, state) in states(machine) {
        of_members(name, state, &LOOKED_AT, refusals);
        for (_, inner) in inner_machines(name, state, &Scope::outermost()) {
            of_machine(inner, refusals);
        }
    }
}

fn of_members(state: &str, object: &Object, looked_at: &[&str], refusals: &mut Vec<Refusal>) {
    for (member, value) in object.iter().filter(|(member, _)| looked_at.contains(member)) {
        of_value(state, member, value, refusals);
    }
}

fn of_value(state: &str, member: &str, value: &Json, refusals: &mut Vec<Refusal>) {
    match value {
        Json::Placeholder(text) => {
            let cause = Cause::Unknown { member: member.to_owned(), text: text.clone() };
            refusals.push(Refusal::of(state, cause));
        }
        // Whether an item has an execution of its own decides on how it gets its identity.
        Json::Text(text) if member == "Mode" && text.contains("${") => {
            let cause = Cause::Unknown { member: member.to_owned(), text: text.clone() };
            refusals.push(Refusal::of(state, cause));
        }
        Json::List(items) => items.iter().for_each(|item| of_value(state, member, item, refusals)),
        Json::Object(object) if VALUES.contains(&member) => of_members(state, object, &INVOCATION, refusals),
        Json::Object(object) => of_members(state, object, &LOOKED_AT, refusals),
        Json::Text(_) | Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
