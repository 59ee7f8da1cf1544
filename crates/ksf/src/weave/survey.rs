//! Looks at every state of an author's machine before anything is written, and finds all that keeps it from being woven.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::weave::callee::{self, Callee};
use crate::weave::denied_path;
use crate::weave::json::{Json, Object};
use crate::weave::machine::{
    Call, Language, Scope, errors, inner_machines, is_distributed, partition, states, takes_in_children, transitions,
};
use crate::weave::names::{DENIED, GUARD_ERRORS, LAMBDA_ERRORS, MARK, NAME_IS_TAKEN, RESERVED, VARIABLES};
use crate::weave::nested_result;
use crate::weave::numeral::is_zero;
use crate::weave::plan::Plan;
use crate::weave::refusal::{Cause, Refusal};
use crate::weave::retry;
use crate::weave::{json_path, jsonata};

/// The most bytes that a state may hand over (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
pub(super) const MAX_PAYLOAD: usize = 256 * 1024;

/// What weave adds to a payload at most: a transaction token of 2 KiB, two ARNs, a state's name, and what holds them.
pub(super) const ROOM: usize = 4 * 1024;

const TYPES: [&str; 8] = ["Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) refusals: Vec<Refusal>,
    /// States that call something which asks no guard, and what they call.
    pub(super) unguarded: Vec<(String, String)>,
    /// States whose payload, as far as it is written out, leaves too little room, and how many bytes that is.
    pub(super) too_large: Vec<(String, usize)>,
    /// The partition of the author's first call: `aws`, another one, or a placeholder.
    pub(super) partition: Option<String>,
    /// The author's denied path stands in the machine.
    pub(super) has_denied_path: bool,
    names: BTreeSet<String>,
}

/// A Retry or Catch, around a state or its own, that takes in what a child execution was refused for.
#[derive(Debug, Clone)]
struct TakesIn {
    list: &'static str,
    state: String,
}

/// A state with what is around it.
struct Place<'a> {
    name: &'a str,
    state: &'a Object,
    language: Language,
    scope: &'a Scope,
    /// The nearest one, from the state itself outwards: what is around a child execution gets its error, at any depth.
    takes_in: Option<TakesIn>,
}

impl Survey {
    /// Surveys the whole machine.
    pub(super) fn of(machine: &Object, plan: &Plan) -> Self {
        let mut survey = Self::default();
        survey.language(None, machine);
        if !survey.refusals.is_empty() {
            return survey;
        }
        survey.machine(None, machine, plan, Language::of_machine(machine), &Scope::outermost(), None);
        survey.denied_path(machine, plan);
        for state in plan.guarded.keys().filter(|state| !survey.names.contains(*state)) {
            survey.refusals.push(Refusal::of(state, Cause::GuardedMissing { workflow: plan.workflow.clone() }));
        }
        for state in plan.nested.iter().filter(|state| !survey.names.contains(*state)) {
            survey.refusals.push(Refusal::of(state, Cause::NestedMissing { workflow: plan.workflow.clone() }));
        }
        survey
    }

    fn refuse(&mut self, state: &str, cause: Cause) {
        self.refusals.push(Refusal::of(state, cause));
    }

    /// The machine, or one inside of the state `around`.
    fn machine(
        &mut self,
        around: Option<&str>,
        machine: &Object,
        plan: &Plan,
        language: Language,
        scope: &Scope,
        takes_in: Option<&TakesIn>,
    ) {
        let start = machine.text("StartAt").unwrap_or_default();
        if states(machine).all(|(name, _)| name != start) {
            let cause = Cause::NoStart { start: start.to_owned() };
            self.refusals.push(Refusal { state: around.map(str::to_owned), cause });
        }
        let all = machine.object("States").into_iter().flat_map(Object::iter);
        let not_states: Vec<&str> =
            all.filter(|(_, state)| state.as_object().is_none()).map(|(name, _)| name).collect();
        for name in not_states {
            self.refuse(name, Cause::NotAnObject);
        }
        for (name, state) in states(machine) {
            let takes_in_any = |list: &&str| {
                let rules = state.objects(list).filter(|rule| *list == "Catch" || retry::attempts(rule) > 0);
                rules.into_iter().any(takes_in_children)
            };
            let own = ["Catch", "Retry"].into_iter().find(takes_in_any);
            let own = own.map(|list| TakesIn { list, state: name.to_owned() });
            let takes_in = own.or_else(|| takes_in.cloned());
            let place = Place { name, state, language: language.of_state(state), scope, takes_in };
            self.structure(&place, machine);
            self.language(Some((name, language)), state);
            self.names_of(&place);
            match state.text("Type") {
                Some("Task") => self.task(&place, plan),
                Some(other) => self.no_task(&place, other, plan),
                None => {}
            }
            for (inner, inside) in inner_machines(name, state, scope) {
                self.machine(Some(name), inside, plan, language, &inner, place.takes_in.as_ref());
            }
        }
    }

    fn structure(&mut self, place: &Place<'_>, machine: &Object) {
        match place.state.text("Type") {
            None => self.refuse(place.name, Cause::NotAnObject),
            Some(kind) if !TYPES.contains(&kind) => {
                self.refuse(place.name, Cause::UnknownType { presented: kind.to_owned() });
            }
            Some(_) => {}
        }
        for list in ["Retry", "Catch"] {
            if place.state.get(list).is_some_and(|rules| !is_list_of_rules(rules)) {
                self.refuse(place.name, Cause::NoRules { list });
            }
        }
        if !self.names.insert(place.name.to_owned()) {
            self.refuse(place.name, Cause::NameTwice);
        }
        for target in transitions(place.state) {
            if states(machine).all(|(name, _)| name != target) {
                self.refuse(place.name, Cause::NoSuchTarget { target: target.to_owned() });
            }
        }
    }

    fn language(&mut self, state: Option<(&str, Language)>, object: &Object) {
        let Some(written) = object.get("QueryLanguage") else { return };
        let presented = written.as_text().unwrap_or("no text");
        let cause = match (Language::named(presented), state) {
            (None, _) => Cause::UnknownLanguage { presented: presented.to_owned() },
            (Some(Language::JsonPath), Some((_, Language::Jsonata))) => Cause::PathInJsonata,
            (Some(Language::JsonPath | Language::Jsonata), _) => return,
        };
        self.refusals.push(match state {
            Some((name, _)) => Refusal::of(name, cause),
            None => Refusal::of_machine(cause),
        });
    }

    /// Names that are weave's: of states, variables and errors.
    fn names_of(&mut self, place: &Place<'_>) {
        if RESERVED.contains(&place.name) {
            self.refuse(place.name, Cause::ReservedName);
        }
        if place.state.text("Comment").is_some_and(|comment| comment.starts_with(MARK)) {
            self.refuse(place.name, Cause::Marked);
        }
        if place.name == DENIED {
            if place.scope.depth > 0 {
                self.refuse(place.name, Cause::DeniedPathInside);
            }
            self.has_denied_path = true;
        }
        if place.state.text("Error").is_some_and(|error| error.starts_with(GUARD_ERRORS)) {
            self.refuse(place.name, Cause::SpeaksForGuard);
        }
        if place.name.contains("{%") {
            self.refuse(place.name, Cause::NameIsExpression);
        }
        for list in ["Retry", "Catch"] {
            let named = place.state.objects(list).flat_map(errors).find(|error| error.starts_with(GUARD_ERRORS));
            if let Some(error) = named {
                self.refuse(place.name, Cause::GuardErrorNamed { list, error: error.to_owned() });
            }
        }
        if let Some(name) = token_variable_in(place.state) {
            self.refuse(place.name, Cause::TokenVariable { name });
        }
    }

    fn task(&mut self, place: &Place<'_>, plan: &Plan) {
        let resource = place.state.text("Resource").unwrap_or_default();
        let call = Call::of(resource);
        if self.partition.is_none() {
            self.partition = partition(resource).map(str::to_owned);
        }
        if let Some(rule) = plan.guarded.get(place.name) {
            match call {
                Call::Function | Call::FunctionWithCallback => {
                    self.invocation(place);
                    if rule.is_asked_first {
                        self.retries(place);
                    } else {
                        self.waits(place, rule.oldest);
                    }
                }
                Call::Unguardable => self.unguardable(place, resource),
                Call::NestedRun | Call::Other => {
                    self.refuse(place.name, Cause::GuardedIsNoCall { found: format!("a Task of `{resource}`") });
                }
            }
            return;
        }
        if plan.nested.contains(place.name) {
            if call == Call::NestedRun {
                self.nested(place);
            } else {
                self.refuse(place.name, Cause::NestedIsNoRun { found: format!("a Task of `{resource}`") });
            }
            return;
        }
        match call {
            Call::Function | Call::FunctionWithCallback => {
                self.refuse(place.name, Cause::NotNamed { workflow: plan.workflow.clone() });
            }
            Call::Unguardable => self.unguardable(place, resource),
            Call::NestedRun | Call::Other => self.unguarded.push((place.name.to_owned(), resource.to_owned())),
        }
    }

    fn unguardable(&mut self, place: &Place<'_>, resource: &str) {
        self.refuse(place.name, Cause::Unguardable { resource: resource.to_owned() });
    }

    /// Arguments that are written in the other language are told as that.
    fn no_arguments(&mut self, place: &Place<'_>) {
        if !place.state.contains(place.language.other().arguments()) {
            self.refuse(place.name, Cause::NoArguments { member: place.language.arguments() });
        }
    }

    fn invocation(&mut self, place: &Place<'_>) {
        let Some(arguments) = self.arguments(place, Callee::FUNCTION) else { return };
        let invocation = ["InvocationType", "InvocationType.$"].into_iter().find_map(|name| arguments.get(name));
        // A placeholder is told as what it is.
        let is_told = |invocation: &&Json| {
            invocation.as_text() != Some("RequestResponse") && !matches!(invocation, Json::Placeholder(_))
        };
        if let Some(invocation) = invocation.filter(is_told) {
            let invocation = invocation.as_text().unwrap_or("no text").to_owned();
            self.refuse(place.name, Cause::NobodyWaits { invocation });
        }
    }

    /// What a call hands over, where that is an object which says by itself who is called.
    fn arguments<'a>(&mut self, place: &Place<'a>, callee: Callee) -> Option<&'a Object> {
        let Some(arguments) = place.state.object(place.language.arguments()) else {
            self.no_arguments(place);
            return None;
        };
        let bytes = Json::Object(arguments.clone()).bytes();
        if bytes > MAX_PAYLOAD - ROOM {
            self.too_large.push((place.name.to_owned(), bytes));
        }
        for cause in callee::causes(place.state, arguments, callee, place.language) {
            self.refuse(place.name, cause);
        }
        Some(arguments)
    }

    /// A state that asks for every attempt leaves itself to do so, and Step Functions counts retries from its entry. What
    /// Lambda itself answers passes; what the task answers may not, and then the count never ends.
    fn retries(&mut self, place: &Place<'_>) {
        // The four errors of Lambda's own come before the function runs; `Lambda.Unknown` may come after.
        let retried = place.state.objects("Retry").filter(|rule| retry::attempts(rule) > 0);
        let named = retried.flat_map(errors).find(|error| !LAMBDA_ERRORS.contains(error));
        if let Some(error) = named {
            self.refuse(place.name, Cause::RetriedAnew { error: error.to_owned() });
        }
    }

    /// A wait between two attempts in which the identity grows old has it renewed, and Step Functions counts from the beginning.
    fn waits(&mut self, place: &Place<'_>, oldest: Duration) {
        for rule in place.state.objects("Retry") {
            let wait = retry::longest_wait(rule);
            let is_guard_s = errors(rule).any(|error| error.starts_with(GUARD_ERRORS));
            if wait >= oldest && !is_guard_s {
                let error = errors(rule).next().unwrap_or_default().to_owned();
                self.refuse(place.name, Cause::WaitsTooLong { error, wait, oldest });
            }
        }
    }

    fn nested(&mut self, place: &Place<'_>) {
        let Some(arguments) = self.arguments(place, Callee::MACHINE) else { return };
        if arguments.contains("Name") || arguments.contains("Name.$") {
            self.refuse(place.name, Cause::NestedHasName);
        }
        let is_expression = |text: &str| place.language == Language::Jsonata && text.starts_with("{%");
        let is_no_object = |input: &Json| match input {
            Json::Text(text) => !is_expression(text),
            Json::Object(_) | Json::Placeholder(_) => false,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) => true,
        };
        if arguments.get("Input").is_some_and(is_no_object) {
            self.refuse(place.name, Cause::NestedInputNoObject);
        }
        let reads_state = match place.language {
            Language::JsonPath => json_path::reads_state,
            Language::Jsonata => jsonata::reads_state,
        };
        let evaluated = ["Input", "Input.$"].into_iter().filter_map(|name| arguments.get(name));
        for value in evaluated.chain(place.state.get("InputPath")) {
            nested_result::each_text(value, &mut |text| {
                if reads_state(text) {
                    self.refuse(place.name, Cause::NestedInputOfState { text: text.to_owned() });
                }
            });
        }
        // Of its errors, only those of the start itself leave the name free. What takes a refusal in is refused for that.
        let uses_name = |error: &&str| !error.starts_with("StepFunctions.") || *error == NAME_IS_TAKEN;
        let retried = place.state.objects("Retry").filter(|rule| retry::attempts(rule) > 0);
        let others = retried.filter(|rule| !takes_in_children(rule));
        if let Some(error) = others.flat_map(errors).find(uses_name) {
            self.refuse(place.name, Cause::NestedRetried { error: error.to_owned() });
        }
        if place.state.objects("Catch").flat_map(errors).any(|error| error == NAME_IS_TAKEN) {
            self.refuse(place.name, Cause::NameCaught);
        }
        for cause in nested_result::causes(place.state, place.language) {
            self.refuse(place.name, cause);
        }
        self.takes_in_child(place, "its execution", "States.TaskFailed");
    }

    /// What a child run was refused for cannot be told from its other errors.
    fn takes_in_child(&mut self, place: &Place<'_>, child: &'static str, error: &'static str) {
        if let Some(TakesIn { list, state }) = place.takes_in.clone() {
            self.refuse(place.name, Cause::TakesInChild { child, error, list, state });
        }
    }

    /// The author's denied path is the last thing that happens in a denied execution.
    fn denied_path(&mut self, machine: &Object, plan: &Plan) {
        for cause in denied_path::causes(machine, plan) {
            self.refuse(DENIED, cause);
        }
    }

    fn no_task(&mut self, place: &Place<'_>, kind: &str, plan: &Plan) {
        let found = format!("a {kind}");
        if plan.guarded.contains_key(place.name) {
            self.refuse(place.name, Cause::GuardedIsNoCall { found });
        } else if plan.nested.contains(place.name) {
            self.refuse(place.name, Cause::NestedIsNoRun { found });
        } else if plan.is_needed_inside(place.name, place.state) {
            self.container(place);
        }
    }

    fn container(&mut self, place: &Place<'_>) {
        let tolerates = [
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
        ];
        for member in tolerates {
            if place.state.get(member).is_some_and(|tolerated| !is_zero(tolerated, place.language)) {
                self.refuse(place.name, Cause::Tolerates { member });
            }
        }
        if place.state.contains("ItemSelector") && place.state.contains("Parameters") {
            self.refuse(place.name, Cause::SelectsTwice);
        }
        if !is_distributed(place.state) {
            return;
        }
        if place.scope.is_child_run {
            self.refuse(place.name, Cause::ChildrenOfChildren);
        }
        let config = inner_machines(place.name, place.state, place.scope)
            .first()
            .and_then(|(_, machine)| machine.object("ProcessorConfig"));
        if config.and_then(|config| config.text("ExecutionType")).is_some_and(|kind| kind != "STANDARD") {
            self.refuse(place.name, Cause::ExpressChildren);
        }
        if place.state.contains("ItemBatcher") {
            self.refuse(place.name, Cause::Batches);
        }
        if place.state.contains("ResultWriter") {
            self.refuse(place.name, Cause::WritesItems);
        }
        self.takes_in_child(place, "a child run", "States.ExceedToleratedFailureThreshold");
    }
}

fn is_list_of_rules(rules: &Json) -> bool {
    let is_rule = |rule: &Json| rule.as_object().is_some_and(|rule| errors(rule).next().is_some());
    !rules.items().is_empty() && rules.items().iter().all(is_rule)
}

/// The variable of weave's that a state assigns or reads.
fn token_variable_in(state: &Object) -> Option<String> {
    let rules = ["Catch", "Choices"].into_iter().flat_map(|list| state.objects(list));
    let assigned = std::iter::once(state).chain(rules).filter_map(|one| one.object("Assign")).flat_map(Object::iter);
    let mut assigned = assigned.map(|(name, _)| name.strip_suffix(".$").unwrap_or(name));
    if let Some(name) = assigned.find(|name| name.starts_with(VARIABLES)) {
        return Some(name.to_owned());
    }
    let read = format!("${VARIABLES}");
    // The states inside have their own turn.
    let own = state.iter().filter(|(member, _)| !["ItemProcessor", "Iterator", "Branches", "Comment"].contains(member));
    own.into_iter().find_map(|(_, value)| value.any_text(&|text| text.contains(&read)).then(|| VARIABLES.to_owned()))
}
