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
    /// Whether it is an item of a Map in the same execution.
    pub(super) is_item: bool,
    /// The variable that holds which piece of work all of it is a part of; none for the whole of the execution's.
    pub(super) work: Option<String>,
}

impl Scope {
    /// The machine itself.
    pub(super) fn outermost() -> Self {
        Self {
            depth: 0,
            part_of: None,
            label: None,
            pointer: "/States".to_owned(),
            is_child_run: false,
            is_item: false,
            work: None,
        }
    }

    fn inside(&self, state: &str, member: &str, label: String) -> Self {
        let segment = state.replace('~', "~0").replace('/', "~1");
        let pointer = format!("{}/{segment}/{member}/States", self.pointer);
        Self {
            depth: self.depth + 1,
            part_of: Some(state.to_owned()),
            label: Some(label),
            pointer,
            is_child_run: false,
            is_item: false,
            work: None,
        }
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
        let scope = around.inside(name, member, name.to_owned());
        let is_child_run = is_distributed(state);
        Some((Scope { is_child_run, is_item: !is_child_run, ..scope }, state.object(member)?))
    });
    let branches = state.list("Branches").iter().enumerate().filter_map(|(number, branch)| {
        let label = format!("{name} {}", number + 1);
        Some((around.inside(name, &format!("Branches/{number}"), label), branch.as_object()?))
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

/// The errors of Step Functions' own that are about one thing: no refusal is among them, in whatever execution it was made.
/// Each other name of this kind stands for errors that others have, or may come to do so.
const PARTICULAR: [&str; 12] = [
    "States.DataLimitExceeded",
    "States.HeartbeatTimeout",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.Timeout",
];

/// How the refusal of a child execution arrives at whatever is around it. Inside of the same execution no error bears it.
const OF_CHILDREN: &str = "States.ExceedToleratedFailureThreshold";

/// Whether a name stands for errors that it does not name: one of Step Functions' own, or what a deployment fills in.
fn is_for_others(error: &str) -> bool {
    (error.starts_with("States.") && !PARTICULAR.contains(&error)) || error.contains("${")
}

/// Whether a rule takes in a refusal of a child execution, which arrives under a name that other errors have as well.
pub(super) fn takes_in_children(rule: &Object) -> bool {
    errors(rule).any(is_for_others)
}

/// Whether a rule takes in errors that it does not name: a guard's error among them.
pub(super) fn is_wildcard(rule: &Object) -> bool {
    errors(rule).any(|error| is_for_others(error) && error != OF_CHILDREN)
}

/// Whether one of the rules of that list is a wildcard.
pub(super) fn has_wildcard(state: &Object, list: &str) -> bool {
    state.objects(list).any(is_wildcard)
}

/// What a Task calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A function, and waits for its answer.
    Function,
    /// A function, and waits for whoever it hands the task token to.
    FunctionWithCallback,
    /// A function in a way that leaves no room for an identity, or nobody can say what.
    Unguardable,
    /// An execution, and waits for its end.
    NestedRun,
    /// Another service, an activity, or an execution in another way.
    Other,
}

impl Call {
    /// What a Task with that Resource calls. A placeholder may become anything, so it may stand only where it cannot change
    /// what is called.
    pub(super) fn of(resource: &str) -> Self {
        match fields(resource).as_slice() {
            ["arn", _, "states", region, account, "activity", _] if !region.is_empty() && !account.is_empty() => {
                Self::Other
            }
            // Integrations have neither region nor account; Step Functions takes them with both as well.
            ["arn", _, "states", region, account, service @ ..]
                if region.is_empty() == account.is_empty() && service.iter().all(|field| is_written_out(field)) =>
            {
                Self::of_service(service)
            }
            _ => Self::Unguardable,
        }
    }

    fn of_service(service: &[&str]) -> Self {
        match service {
            ["lambda", "invoke"] => Self::Function,
            ["lambda", "invoke.waitForTaskToken"] => Self::FunctionWithCallback,
            ["states", "startExecution.sync", "2"] => Self::NestedRun,
            ["aws-sdk", service, action, ..]
                if service.eq_ignore_ascii_case("lambda") && action.to_ascii_lowercase().starts_with("invoke") =>
            {
                Self::Unguardable
            }
            [service, ..] if service.eq_ignore_ascii_case("lambda") => Self::Unguardable,
            [_] | [] => Self::Unguardable,
            [_, _, ..] => Self::Other,
        }
    }
}

/// Whether somebody else than what is called answers a Task, and so names its error: whoever has the task token.
pub(super) fn is_answered_from_outside(task: &Object) -> bool {
    let resource = task.text("Resource").unwrap_or_default();
    resource.ends_with(".waitForTaskToken") || matches!(fields(resource).as_slice(), ["arn", .., "activity", _])
}

/// The part of an ARN that names where it is, if this is one of Step Functions' integrations.
pub(super) fn partition(resource: &str) -> Option<&str> {
    match fields(resource).as_slice() {
        ["arn", partition, "states", ..] => Some(partition),
        _ => None,
    }
}

/// The fields of an ARN; the colons of a placeholder such as `${AWS::Partition}` part nothing.
fn fields(resource: &str) -> Vec<&str> {
    let mut placeholders = 0_usize;
    let mut before = ' ';
    resource
        .split(|letter: char| {
            match letter {
                '{' if before == '$' => placeholders += 1,
                '}' => placeholders = placeholders.saturating_sub(1),
                _ => {}
            }
            before = letter;
            letter == ':' && placeholders == 0
        })
        .collect()
}

/// Whether a text says what it means, without a placeholder that says it at deployment.
fn is_written_out(text: &str) -> bool {
    !text.is_empty() && !text.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weave::json::object;

    #[track_caller]
    fn check(resource: &str, expected: Call) {
        assert_eq!(Call::of(resource), expected, "{resource}");
    }

    #[test]
    fn what_is_called_is_read_off_the_whole_resource() {
        for partition in ["aws", "aws-cn", "${AWS::Partition}", "${Partition}"] {
            let service = |service: &str| format!("arn:{partition}:states:::{service}");
            check(&service("lambda:invoke"), Call::Function);
            check(&service("lambda:invoke.waitForTaskToken"), Call::FunctionWithCallback);
            check(&service("states:startExecution.sync:2"), Call::NestedRun);
            check(&service("states:startExecution"), Call::Other);
            check(&service("sqs:sendMessage.waitForTaskToken"), Call::Other);
            check(&service("aws-sdk:dynamodb:scan"), Call::Other);
            check(&service("aws-sdk:lambda:getFunction"), Call::Other);
        }
        check("arn:aws:states:eu-west-1:000000000000:activity:live", Call::Other);
        check("arn:aws:states:eu-west-1:000000000000:aws-sdk:s3:getObject", Call::Other);
        check("arn:aws:states:eu-west-1:000000000000:lambda:invoke", Call::Function);
        check("arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:activity:${Name}", Call::Other);
    }

    #[test]
    fn what_may_be_a_function_is_unguardable() {
        for resource in [
            "",
            "${Function}",
            "${X}:activity:y",
            "${Service}:::lambda:invoke",
            "arn:aws:lambda:eu-west-1:000000000000:function:act",
            "arn:aws:lambda:eu-west-1:000000000000:function:activity:live",
            "arn:aws:states:::${Service}",
            "arn:aws:states:::${Service}:invoke",
            "arn:aws:states:::aws-sdk:${Service}:invoke",
            "arn:aws:states:::aws-sdk:lambda:invoke",
            "arn:aws:states:::aws-sdk:lambda:invokeAsync",
            "arn:aws:states:::aws-sdk:lambda:${Action}",
            "arn:aws:states:::lambda:${Action}",
            "arn:aws:states:::lambda:invoke.sync",
            "arn:aws:states:::lambda",
            "arn:aws:states:::",
            "arn:aws:states:${X}:activity:y",
            "arn:aws:states:::activity:${X}",
            "arn:aws:${Service}:eu-west-1:000000000000:activity:y",
            "arn:aws:lambda:::lambda:invoke",
            "arn:aws:states:::lambda:invoke ",
            "arn:aws:states:::Lambda:invoke",
            "arn:aws:states:::aws-sdk:Lambda:Invoke",
            "arn:aws:states:${X}:lambda:invoke",
            "arn:aws:states:eu-west-1:000000000000:aws-sdk:lambda:invoke",
        ] {
            check(resource, Call::Unguardable);
        }
    }

    #[test]
    fn names_that_stand_for_other_errors_too_take_a_child_s_refusal_in() {
        let rule = |error: &str| object([("ErrorEquals", vec![Json::from(error)].into())]);
        let both = |error: &str| (is_wildcard(&rule(error)), takes_in_children(&rule(error)));
        for error in ["States.ALL", "States.TaskFailed", "States.BranchFailed", "States.Unheard", "${Error}"] {
            assert_eq!(both(error), (true, true), "{error}");
        }
        assert_eq!(both(OF_CHILDREN), (false, true));
        for error in PARTICULAR.into_iter().chain(["Work.Failed", "Lambda.ServiceException"]) {
            assert_eq!(both(error), (false, false), "{error}");
        }
    }
}
