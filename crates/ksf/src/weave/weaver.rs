//! Writes the woven machine.

use std::collections::BTreeMap;

use crate::weave::json::{Json, Object, object};
use crate::weave::machine::{
    Call, Language, Scope, errors, has_wildcard, inner_machines, inner_machines_mut, is_answered_from_outside,
    is_distributed, redirect,
};
use crate::weave::names::{
    EXPIRED, End, ITEM, LAMBDA_ERRORS, REFUSAL_BESIDE_INPUT, bind, bound_variable, input_of, input_variable,
    look_before, reconsider, refusal_of, refusal_variable, revalidate, round_of, since_variable, token_variable,
    work_variable,
};
use crate::weave::nested_result;
use crate::weave::plan::{FanOut, Guarded, Plan};
use crate::weave::rounds;
use crate::weave::shapes::{
    INPUT, Refusals, Shapes, author_s, bound, catch_again, catch_all_else, catch_refusals, catch_taken_name, held,
    no_retry_of_refusals, of_item, payload, question, renewed, retry_of_guard, retry_of_lambda, variable,
};
use crate::weave::source_map::{SourceMap, Written};

/// Behind which members Retry and Catch stand.
const LAST: [&str; 2] = ["Next", "End"];

/// Weaves one machine.
pub(super) struct Weaver<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shapes: Shapes,
    pub(super) map: SourceMap,
    /// States on a loop that a Catch of theirs leads back to.
    pub(super) caught: Vec<String>,
}

/// Since when is known what a token says that is assigned now: revalidation has just asked.
pub(super) const NOW: &str = "{% $millis() %}";

/// A state that renews the token.
#[derive(Clone, Copy)]
struct Renewal<'a> {
    /// The author's state that it leads to.
    of: &'a str,
    /// The guarded state that it asks for.
    state: &'a str,
    woven: &'a str,
    what: &'a str,
    cause: &'a str,
    because: &'static str,
}

/// The states of a scope as they are written, and the ends that their rules lead to.
pub(super) struct Page {
    states: Object,
    ends: Vec<End>,
    /// Whether the token's age is looked at in it, or further inside.
    fans_out: bool,
    /// Whether a rule leads to where a refusal is put into the input.
    has_refusal_beside_input: bool,
    /// Its states that lie on a loop of the author's.
    pub(super) looped: BTreeMap<String, usize>,
}

impl Page {
    /// The end is written once, behind the author's states.
    fn leads_to(&mut self, ends: &[End]) {
        self.ends.extend(ends);
    }

    /// Notes beside the token that a state assigns since when is known what it says.
    pub(super) fn note_since(&self, state: &mut Object, scope: &Scope, since: &str) {
        if let Some(assigned) = state.get_mut("Assign").and_then(Json::as_object_mut).filter(|_| self.fans_out) {
            assigned.set(&since_variable(scope.depth), since);
        }
    }
}

impl Weaver<'_> {
    /// Weaves the states of a scope, which need the token. `around` is the variable that holds the piece of work around it.
    pub(super) fn machine(&mut self, machine: &mut Object, scope: &Scope, around: Option<&str>) {
        let looped = rounds::of(machine, self.plan);
        self.caught.extend(rounds::caught(machine, &looped));
        let mut page = Page {
            states: Object::default(),
            ends: Vec::new(),
            fans_out: self.plan.fans_out(machine),
            has_refusal_beside_input: false,
            looped,
        };
        let start = self.plan.entry(machine.text("StartAt").unwrap_or_default());
        let opening = self.opening(&mut page, &start, scope, around);
        machine.set("StartAt", opening);
        let states = machine.get_mut("States").and_then(Json::as_object_mut).map(std::mem::take).unwrap_or_default();
        for (name, state) in states.iter() {
            let Some(mut state) = state.as_object().cloned() else { continue };
            let before = state.clone();
            redirect(&mut state, &|target| self.plan.entry(target));
            let is_led_elsewhere = state != before;
            let counts = self.round(&page, name, &mut state, scope);
            if let Some(rule) = self.plan.guarded.get(name) {
                self.guarded(&mut page, name, state, *rule, scope);
            } else if self.plan.nested.contains(name) {
                self.nested(&mut page, name, state, scope);
            } else if self.plan.is_looked_at_inside(name, &state) {
                self.container(&mut page, name, state, scope);
            } else {
                self.author_s(&mut page, name, state, is_led_elsewhere, scope);
            }
            if let Some(counts) = counts {
                let because = "counts the rounds of a loop";
                self.write(&mut page, &round_of(name), counts, Some(name), scope, because);
            }
        }
        let ends = std::mem::take(&mut page.ends);
        for end in End::ALL.into_iter().filter(|end| ends.contains(end)) {
            let is_author_s = end == End::Denied && scope.depth == 0 && self.shapes.has_denied_path;
            if !is_author_s {
                let label = scope.label.as_deref();
                self.write(
                    &mut page,
                    &end.state(label),
                    self.shapes.end(end, label),
                    scope.part_of.as_deref(),
                    scope,
                    "a refusal ends here",
                );
            }
        }
        if page.has_refusal_beside_input {
            let state = self.shapes.refusal_beside_input();
            let because = "puts a refusal into the input of the denied path";
            self.write(&mut page, REFUSAL_BESIDE_INPUT, state, None, scope, because);
        }
        machine.set("States", page.states);
    }

    /// Puts a state on the page, and says where it comes from.
    pub(super) fn write(
        &mut self,
        page: &mut Page,
        name: &str,
        state: Object,
        from: Option<&str>,
        scope: &Scope,
        because: &'static str,
    ) {
        self.map.add(Written {
            state: name.to_owned(),
            from: from.map(str::to_owned),
            scope: scope.pointer.clone(),
            because,
        });
        page.states.set(name, state);
    }

    fn author_s(&mut self, page: &mut Page, name: &str, mut state: Object, is_led_elsewhere: bool, scope: &Scope) {
        let waits = state.text("Type") == Some("Task") && is_answered_from_outside(&state);
        let because = match (waits, is_led_elsewhere) {
            (true, _) => "as the author wrote it, but that no answer from outside passes for a guard's",
            (false, true) => "as the author wrote it, but for where it goes on",
            (false, false) => "as the author wrote it",
        };
        if waits {
            self.catch_of_waiting(name, &mut state, scope);
        }
        self.write(page, name, state, Some(name), scope, because);
        if waits {
            self.tell_whose(page, name, None, scope);
        }
    }

    /// A Task that asks a guard, with the states that renew its token.
    fn guarded(&mut self, page: &mut Page, name: &str, mut state: Object, rule: Guarded, scope: &Scope) {
        let language = self.shapes.language.of_state(&state);
        let token = token_variable(scope.depth);
        if let Some(arguments) = state.get_mut(language.arguments()).and_then(Json::as_object_mut) {
            let (member, value) = author_s(arguments, "Payload", "input", language);
            let work = self.work(page, name, scope);
            let woven = payload(language, &token, work.as_deref(), &member, value);
            arguments.rename("Payload.$", "Payload", Json::Null);
            arguments.set("Payload", woven);
        }
        self.retry(&mut state, true);
        let waits = Call::of(state.text("Resource").unwrap_or_default()) == Call::FunctionWithCallback;
        if waits {
            self.catch_of_waiting(name, &mut state, scope);
        } else {
            self.catch_of_guarded(page, name, &mut state, rule, scope);
        }
        self.write(page, name, state, Some(name), scope, "guarded: `access.toml` names it");
        if waits {
            self.tell_whose(page, name, Some(rule), scope);
        }

        let what = if rule.is_asked_first {
            format!("{name} acts on nothing but what Keycloak says now; asks it before every attempt.")
        } else {
            format!("what is known of the identity is too old for {name}; asks Keycloak what holds now.")
        };
        self.renewal(page, name, &revalidate(name), &what, "expired", scope);
        if rule.is_reconsidered {
            let what = format!("{name} was denied on what was known; asks Keycloak once whether that still holds.");
            self.renewal(page, name, &reconsider(name), &what, "denied", scope);
        }
    }

    fn renewal(&mut self, page: &mut Page, name: &str, woven: &str, what: &str, cause: &str, scope: &Scope) {
        let because =
            if cause == "denied" { "asks once more after a denial" } else { "renews a token that is too old" };
        self.renewal_for(page, &Renewal { of: name, state: name, woven, what, cause, because }, scope);
    }

    fn renewal_for(&mut self, page: &mut Page, renewal: &Renewal<'_>, scope: &Scope) {
        let Renewal { of, state, woven, what, cause, because } = *renewal;
        let token = token_variable(scope.depth);
        let asked = object([("state", state.into()), ("cause", cause.into())]);
        let asked = question(Language::Jsonata, &token, "renew", asked.into());
        let catch = self.catch_of_woven(page, scope);
        let mut asks = self.shapes.ask(what, asked, renewed(&token), INPUT, catch, of);
        page.note_since(&mut asks, scope, NOW);
        self.write(page, woven, asks, Some(of), scope, because);
    }

    /// What stands before a Map or Parallel, so that its branches do not each have the same old token renewed.
    fn fan_out(&mut self, page: &mut Page, name: &str, fan_out: &FanOut, scope: &Scope) {
        let FanOut { state, renewed_from } = fan_out;
        let (look, woven) = (look_before(name), revalidate(name));
        let what = format!("what {name} begins with has to last for all of it; {state} decides on what is too old.");
        let looks = self.shapes.look(&what, &since_variable(scope.depth), *renewed_from, &woven, name);
        self.write(page, &look, looks, Some(name), scope, "looks whether the branches would each renew the same token");
        let what = format!("asks Keycloak once what holds now, where each branch of {name} would soon ask.");
        let because = "renews the token once for all branches";
        let renewal = Renewal { of: name, state, woven: &woven, what: &what, cause: "expired", because };
        self.renewal_for(page, &renewal, scope);
    }

    /// The refusals of the revalidation function. Inside of a branch nothing else may come out of it either: a rule of what is
    /// around would take it for an error like others, and the guard's no would be passed over.
    fn catch_of_woven(&self, page: &mut Page, scope: &Scope) -> Vec<Json> {
        let ends: &[End] = if scope.depth > 0 { &End::ALL } else { &[End::Denied, End::Rejected, End::Misconfigured] };
        page.leads_to(ends);
        let to = |end: End| self.shapes.catch_end(Language::Jsonata, end, scope.label.as_deref());
        let rules = ends.iter().copied().map(to);
        rules.chain((scope.depth > 0).then(|| catch_all_else(to(End::Undecided)))).collect()
    }

    fn retry(&self, state: &mut Object, is_task: bool) {
        let author_s = state.list("Retry").to_vec();
        let mut rules = Vec::new();
        if is_task {
            rules.push(retry_of_guard());
            let is_named = state.objects("Retry").flat_map(errors).any(|error| LAMBDA_ERRORS.contains(&error));
            if !is_named {
                rules.push(retry_of_lambda());
            }
        }
        if has_wildcard(state, "Retry") {
            rules.push(no_retry_of_refusals());
        }
        rules.extend(author_s);
        if !rules.is_empty() {
            state.set_before(&["Catch", "Next", "End"], "Retry", rules);
        }
    }

    fn catch_of_guarded(&self, page: &mut Page, name: &str, state: &mut Object, rule: Guarded, scope: &Scope) {
        let language = self.shapes.language.of_state(state);
        let mut rules = vec![catch_again(language, EXPIRED, &revalidate(name))];
        if rule.is_reconsidered {
            rules.push(catch_again(language, End::Denied.error(), &reconsider(name)));
        }
        let ends = self.ends_of(state, scope);
        let ends: Vec<End> =
            ends.iter().copied().filter(|end| !(rule.is_reconsidered && *end == End::Denied)).collect();
        self.catch(page, state, rules, &ends, scope);
    }

    /// Whoever answers the callback may name a guard's error, with any cause: no rule can tell that from the guard's word.
    fn catch_of_waiting(&self, name: &str, state: &mut Object, scope: &Scope) {
        let language = self.shapes.language.of_state(state);
        let mut rules = vec![catch_refusals(language, &refusal_variable(scope.depth), &refusal_of(name))];
        rules.extend(state.list("Catch").to_vec());
        state.set_before(&LAST, "Catch", rules);
    }

    /// The state that a callback's refusals lead to; without a rule no guard is behind it, and none of them is a guard's.
    fn tell_whose(&mut self, page: &mut Page, name: &str, rule: Option<Guarded>, scope: &Scope) {
        let mut asked_again = Vec::new();
        if let Some(rule) = rule {
            asked_again.push((EXPIRED, revalidate(name)));
            asked_again.extend(rule.is_reconsidered.then(|| (End::Denied.error(), reconsider(name))));
        }
        page.leads_to(if rule.is_some() { &End::ALL } else { &[End::Denied] });
        let token = token_variable(scope.depth);
        let state = self.shapes.tell_whose(&Refusals {
            of: name,
            guarded_by: rule.map(|_| token.as_str()),
            refusal: &refusal_variable(scope.depth),
            asked_again,
            scope: scope.label.as_deref(),
        });
        self.write(page, &refusal_of(name), state, Some(name), scope, "tells the guard's word from a callback's");
    }

    /// The refusals that a state has to catch itself: in the machine all that do not heal, inside of a branch none, but if the
    /// author catches everything there, all in front of that.
    fn ends_of(&self, state: &Object, scope: &Scope) -> &'static [End] {
        match (scope.depth, has_wildcard(state, "Catch")) {
            (_, true) => &End::ALL,
            (0, false) => &[End::Denied, End::Rejected, End::Misconfigured],
            (_, false) => &[],
        }
    }

    /// Puts rules and then ends in front of the author's Catch.
    fn catch(&self, page: &mut Page, state: &mut Object, mut rules: Vec<Json>, ends: &[End], scope: &Scope) {
        let language = self.shapes.language.of_state(state);
        page.leads_to(ends);
        page.has_refusal_beside_input |= language == Language::JsonPath
            && scope.depth == 0
            && self.shapes.has_denied_path
            && ends.contains(&End::Denied);
        rules.extend(ends.iter().map(|end| self.shapes.catch_end(language, *end, scope.label.as_deref())));
        rules.extend(state.list("Catch").to_vec());
        if !rules.is_empty() {
            state.set_before(&LAST, "Catch", rules);
        }
    }

    /// A Task that starts an execution, behind a state that evaluates its input and one that asks for the child's token.
    fn nested(&mut self, page: &mut Page, name: &str, mut state: Object, scope: &Scope) {
        let language = self.shapes.language.of_state(&state);
        let (both, evaluated) = (bound_variable(scope.depth), input_variable(scope.depth));
        let mut author_s_input = ("input".to_owned(), Json::from(Object::default()));
        if let Some(arguments) = state.get_mut(language.arguments()).and_then(Json::as_object_mut) {
            author_s_input = author_s(arguments, "Input", "input", language);
            let (token, value) = held(language, "transactionToken", &format!("{both}.transactionToken"));
            let (input, evaluated) = held(language, "input", &evaluated);
            arguments.rename("Input.$", "Input", Json::Null);
            arguments.set("Input", object([(token.as_str(), value), (input.as_str(), evaluated)]));
            let (member, child_s) = held(language, "Name", &format!("{both}.name"));
            arguments.set(&member, child_s);
        }
        nested_result::leave_input_out(&mut state, language);
        let mut rules = vec![catch_taken_name(language, name)];
        rules.extend(state.list("Catch").to_vec());
        state.set_before(&LAST, "Catch", rules);

        let (member, input) = author_s_input;
        let what = format!("what {name} starts an execution with; it is evaluated once, decided on and started.");
        let mut evaluates = self.shapes.evaluate(&what, language, (&member, input), &evaluated, &bind(name));
        // The paths of the child's input begin where those of the state do.
        if let Some(path) = state.get("InputPath").cloned() {
            evaluates.set_before(&["Parameters"], "InputPath", path);
        }
        self.write(
            page,
            &input_of(name),
            evaluates,
            Some(name),
            scope,
            "evaluates what the child execution is started with",
        );

        let what = format!("{name} starts an execution, which gets a token that is bound to it.");
        let delegate = object([("state", name.into()), ("input", variable(&evaluated).into())]);
        let asked = question(Language::Jsonata, &token_variable(scope.depth), "delegate", delegate.into());
        let catch = self.catch_of_woven(page, scope);
        let asks = self.shapes.ask(&what, asked, bound(&both), INPUT, catch, name);
        self.write(page, &bind(name), asks, Some(name), scope, "asks for a token of the child execution");
        self.write(page, name, state, Some(name), scope, "starts an execution with a token of its own");
    }

    /// A Map or Parallel with guarded states inside.
    fn container(&mut self, page: &mut Page, name: &str, mut state: Object, scope: &Scope) {
        if let Some(fan_out) = self.plan.fan_outs.get(name) {
            self.fan_out(page, name, fan_out, scope);
        }
        let because;
        if is_distributed(&state) {
            because = "hands the token to its items' executions";
            let token = token_variable(scope.depth);
            self.select(&mut state, |language| held(language, "transactionToken", &token));
        } else {
            because = "holds guarded states, and catches what they refuse";
            self.retry(&mut state, false);
            let ends = self.ends_of(&state, scope);
            self.catch(page, &mut state, Vec::new(), ends, scope);
            if state.text("Type") == Some("Map") {
                self.select(&mut state, |language| of_item(language, ITEM, "Index"));
            }
        }
        // The map lists what is around before what is inside.
        self.write(page, name, Object::default(), Some(name), scope, because);
        let around = self.work(page, name, scope);
        let inside: Vec<(Scope, bool)> = inner_machines(name, &state, scope)
            .into_iter()
            .map(|(mut inner, machine)| {
                inner.work = match (inner.is_item, inner.is_child_run) {
                    (true, _) => Some(work_variable(inner.depth, None)),
                    // An execution of its own needs nothing more to be told from others.
                    (false, true) => None,
                    (false, false) => around.clone(),
                };
                let is_needed = if inner.is_child_run {
                    self.plan.is_needed_in(machine)
                } else {
                    self.plan.is_looked_at_in(machine)
                };
                (inner, is_needed)
            })
            .collect();
        for (machine, (inner, is_needed)) in inner_machines_mut(&mut state).into_iter().zip(inside) {
            if is_needed {
                self.machine(machine, &inner, around.as_deref());
            } else {
                self.map.add_all_of(machine, &inner);
            }
        }
        page.states.set(name, state);
    }
}
