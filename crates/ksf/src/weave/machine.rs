//! What a state machine is made of, as far as weaving has to know.

use crate::weave::json::{Json, Object};

/// How a state's expressions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    /// The language of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "JSONPath" => Some(Self::JsonPath),
            "JSONata" => Some(Self::Jsonata),
            _ => None,
        }
    }

    /// The language of a machine: JSONPath where nothing is said.
    pub(super) fn of_machine(machine: &Object) -> Self {
        machine.text("QueryLanguage").and_then(Self::named).unwrap_or(Self::JsonPath)
    }

    /// The language of a state in a machine of this language.
    pub(super) fn of_state(self, state: &Object) -> Self {
        state.text("QueryLanguage").and_then(Self::named).unwrap_or(self)
    }

    /// The member that holds what a Task hands over.
    pub(super) fn arguments(self) -> &'static str {
        match self {
            Self::JsonPath => "Parameters",
            Self::Jsonata => "Arguments",
        }
    }

    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::JsonPath => Self::Jsonata,
            Self::Jsonata => Self::JsonPath,
        }
    }
}

/// Where states stand: the machine itself, an item of a Map, a branch of a Parallel.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// How many Maps and Parallels are around.
    pub(super) depth: usize,
    /// The Map or Parallel that it is a part of.
    pub(super) part_of: Option<String>,
    /// How names of woven states call it; none for the machine itself.
    pub(super) label: Option<String>,
    /// Where its states stand, as a JSON pointer (RFC 6901).
    pub(super) pointer: String,
    /// Whether its states run in an execution of their own.
    pub(super) is_child_run: bool,
}

impl Scope {
    /// The machine itself.
    pub(super) fn outermost() -> Self {
        Self { depth: 0, part_of: None, label: None, pointer: "/States".to_owned(), is_child_run: false }
    }

    fn inside(&self, state: &str, member: &str, label: String, is_child_run: bool) -> Self {
        let segment = state.replace('~', "~0").replace('/', "~1");
        let pointer = format!("{}/{segment}/{member}/States", self.pointer);
        Self { depth: self.depth + 1, part_of: Some(state.to_owned()), label: Some(label), pointer, is_child_run }
    }
}

/// The member of a Map that holds its machine.
fn processor(state: &Object) -> Option<&'static str> {
    ["ItemProcessor", "Iterator"].into_iter().find(|member| state.object(member).is_some())
}

/// Whether the state is a Map whose items run in executions of their own.
pub(super) fn is_distributed(state: &Object) -> bool {
    let machine = processor(state).and_then(|member| state.object(member));
    let config = machine.and_then(|machine| machine.object("ProcessorConfig"));
    config.and_then(|config| config.text("Mode")) == Some("DISTRIBUTED")
}

/// The machines inside of a state, each with its scope.
pub(super) fn inner_machines<'a>(name: &str, state: &'a Object, around: &Scope) -> Vec<(Scope, &'a Object)> {
    let items = processor(state).and_then(|member| {
        let scope = around.inside(name, member, name.to_owned(), is_distributed(state));
        Some((scope, state.object(member)?))
    });
    let branches = state.list("Branches").iter().enumerate().filter_map(|(number, branch)| {
        let label = format!("{name} {}", number + 1);
        Some((around.inside(name, &format!("Branches/{number}"), label, false), branch.as_object()?))
    });
    // A state is one or the other.
    if items.is_some() { items.into_iter().collect() } else { branches.collect() }
}

/// The same machines, in the same order, to be changed.
pub(super) fn inner_machines_mut(state: &mut Object) -> Vec<&mut Object> {
    let Some(member) = processor(state) else {
        let branches = state.get_mut("Branches").and_then(Json::as_list_mut);
        return branches.into_iter().flatten().filter_map(Json::as_object_mut).collect();
    };
    state.get_mut(member).and_then(Json::as_object_mut).into_iter().collect()
}

/// The states of a machine.
pub(super) fn states(machine: &Object) -> impl Iterator<Item = (&str, &Object)> {
    let states = machine.object("States");
    states.into_iter().flat_map(Object::iter).filter_map(|(name, state)| Some((name, state.as_object()?)))
}

/// Where a state may go: each member that names a state beside it.
pub(super) fn transitions(state: &Object) -> Vec<&str> {
    let own = ["Next", "Default"].into_iter().filter_map(|member| state.text(member));
    let rules = ["Choices", "Catch"].into_iter().flat_map(|list| state.objects(list));
    own.chain(rules.filter_map(|rule| rule.text("Next"))).collect()
}

/// Lets every transition of a state go where `target` says.
pub(super) fn redirect(state: &mut Object, target: &dyn Fn(&str) -> String) {
    for member in ["Next", "Default"] {
        redirect_member(state, member, target);
    }
    for list in ["Choices", "Catch"] {
        let rules = state.get_mut(list).and_then(Json::as_list_mut);
        for rule in rules.into_iter().flatten().filter_map(Json::as_object_mut) {
            redirect_member(rule, "Next", target);
        }
    }
}

/// Lets the member that names a state name the one that `target` says.
pub(super) fn redirect_member(object: &mut Object, member: &str, target: &dyn Fn(&str) -> String) {
    if let Some(Json::Text(next)) = object.get_mut(member) {
        *next = target(next);
    }
}

/// The errors that a rule of Retry or Catch names.
pub(super) fn errors(rule: &Object) -> impl Iterator<Item = &str> {
    rule.list("ErrorEquals").iter().filter_map(Json::as_text)
}

/// Whether a rule takes in errors that it does not name: a guard's error among them.
pub(super) fn is_wildcard(rule: &Object) -> bool {
    errors(rule).any(|error| ["States.ALL", "States.TaskFailed", "States.BranchFailed"].contains(&error))
}

/// Whether one of the rules of that list is a wildcard.
pub(super) fn has_wildcard(state: &Object, list: &str) -> bool {
    state.objects(list).any(is_wildcard)
}

/// What a Task calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call<'a> {
    /// A function, and waits for its answer.
    Function,
    /// A function, and waits for whoever it hands the task token to.
    FunctionWithCallback,
    /// A function in a way that leaves no room for an identity.
    Unguardable,
    /// An execution, and waits for its end.
    NestedRun,
    /// Another service, or an execution in another way.
    Other(&'a str),
}

impl<'a> Call<'a> {
    /// What a Task with that Resource calls.
    pub(super) fn of(resource: &'a str) -> Self {
        let service = resource.split_once(":states:::").map_or("", |(_, service)| service);
        match service {
            "lambda:invoke" => Self::Function,
            "lambda:invoke.waitForTaskToken" => Self::FunctionWithCallback,
            "states:startExecution.sync:2" => Self::NestedRun,
            _ if service.starts_with("aws-sdk:lambda:invoke") || service.starts_with("lambda:") => Self::Unguardable,
            // `${Placeholder}` may become anything; what is known to be no function is an activity.
            _ if service.is_empty() && !resource.contains(":activity:") => Self::Unguardable,
            _ => Self::Other(resource),
        }
    }
}
