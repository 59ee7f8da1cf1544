//! The pieces that weave writes, in the language of the state that they stand in.

use std::time::Duration;

use crate::weave::json::{Json, Object, object};
use crate::weave::machine::Language;
use crate::weave::names::{
    DENIED, EXPIRED, End, ITEM, LAMBDA_ERRORS, MARK, NAME_IS_TAKEN, REFUSAL_BESIDE_INPUT, REFUSED_AT, bind,
    refusal_variable,
};

pub(super) const INPUT: &str = "{% $states.input %}";
/// An error has no cause where whoever ends a Task gives none.
const CAUSE: &str = "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}";
const STATE: &str = "{% $states.context.State.Name %}";

/// Where the deployment puts the revalidation function's ARN.
const REVALIDATION: &str = "${RevalidationFunctionArn}";

/// What is the same in all woven states of a machine.
#[derive(Debug)]
pub(super) struct Shapes {
    /// The machine's language; its states may have another.
    pub(super) language: Language,
    /// The ARN of a call of a function, in the machine's partition.
    pub(super) invoke: String,
    /// Whether the author says what comes after a denial.
    pub(super) has_denied_path: bool,
}

/// `{% $name %}`
pub(super) fn variable(name: &str) -> String {
    format!("{{% ${name} %}}")
}

/// A comment that says that the state is weave's, and what it is for.
fn comment(what: &str) -> Json {
    format!("{MARK}{what}").into()
}

/// Where a function is called from: Step Functions' own word, not an input's.
fn context(language: Language) -> Object {
    match language {
        Language::Jsonata => object([
            ("execution", "{% $states.context.Execution.Id %}".into()),
            ("stateMachine", "{% $states.context.StateMachine.Id %}".into()),
            ("state", STATE.into()),
            ("redriveCount", count("Execution.RedriveCount")),
            ("retryCount", count("State.RetryCount")),
        ]),
        Language::JsonPath => object([
            ("execution.$", "$$.Execution.Id".into()),
            ("stateMachine.$", "$$.StateMachine.Id".into()),
            ("state.$", "$$.State.Name".into()),
            ("redriveCount.$", "$$.*.RedriveCount".into()),
            ("retryCount.$", "$$.*.RetryCount".into()),
        ]),
    }
}

// A path of JSONPath that leads to nothing ends the execution, and nothing catches that. A wildcard makes it one that may: a
// list of what is there, which is the counter or nothing. Only the context object's own members are looked at, so nothing of
// an input is among them.

/// A counter of the context object, which an interpreter may leave out as long as nothing was counted.
fn count(path: &str) -> Json {
    let path = format!("$states.context.{path}");
    format!("{{% $type({path}) = 'number' ? {path} : 0 %}}").into()
}

/// A member that holds what the context object of a Map says of its item.
pub(super) fn of_item(language: Language, member: &str, what: &str) -> (String, Json) {
    match language {
        Language::Jsonata => (member.to_owned(), format!("{{% $states.context.Map.Item.{what} %}}").into()),
        Language::JsonPath => (format!("{member}.$"), format!("$$.Map.Item.{what}").into()),
    }
}

/// A member that holds a variable.
pub(super) fn held(language: Language, member: &str, name: &str) -> (String, Json) {
    match language {
        Language::Jsonata => (member.to_owned(), variable(name).into()),
        Language::JsonPath => (format!("{member}.$"), format!("${name}").into()),
    }
}

/// What the revalidation function is handed: the token in that variable, the context, and the question.
pub(super) fn question(language: Language, token: &str, member: &str, value: Json) -> Object {
    let (name, token) = held(language, "transactionToken", token);
    object([(name.as_str(), token), ("context", context(language).into()), (member, value)])
}

/// What a guard is handed: the token in that variable, the context, which piece of the execution's work the state does, and the
/// author's input.
pub(super) fn payload(language: Language, token: &str, work: Option<&str>, member: &str, value: Json) -> Object {
    let (name, token) = held(language, "transactionToken", token);
    let (path, work) = work.map_or_else(|| ("work".to_owned(), "".into()), |variable| held(language, "work", variable));
    let context = context(language).into();
    object([(name.as_str(), token), ("context", context), (path.as_str(), work), (member, value)])
}

/// How the expression begins of what is within a piece of work: the one that a variable holds, or the whole of the execution's.
pub(super) fn within(work: Option<&str>) -> String {
    work.map(|variable| format!("${variable} & ")).unwrap_or_default()
}

/// Which of a Map's items a scope is for.
pub(super) fn item_of(within: &str) -> String {
    format!("{within}'/' & $string($states.input.{ITEM})")
}

/// The first round of a state.
pub(super) fn first_round_of(within: &str) -> String {
    format!("{{% {within}'~1' %}}")
}

/// The round of a state after the one that a variable counts.
pub(super) fn next_round_of(within: &str, round: &str) -> String {
    format!("{{% {within}'~' & $string(${round} + 1) %}}")
}

/// What assigns the token of the revalidation function's answer.
pub(super) fn renewed(token: &str) -> Object {
    object([(token, "{% $states.result.Payload.transactionToken %}".into())])
}

/// What assigns all of its answer: the token and the name of a child execution.
pub(super) fn bound(both: &str) -> Object {
    object([(both, "{% $states.result.Payload %}".into())])
}

/// The author's value under a member of the same meaning: `x`, or `x.$` for a path of JSONPath. Where there is neither, what
/// is called gets an empty object.
pub(super) fn author_s(object: &Object, member: &str, name: &str, language: Language) -> (String, Json) {
    let path = format!("{member}.$");
    match (object.get(member), object.get(&path), language) {
        (Some(value), _, _) => (name.to_owned(), value.clone()),
        (None, Some(value), Language::JsonPath) => (format!("{name}.$"), value.clone()),
        (None, _, _) => (name.to_owned(), Object::default().into()),
    }
}

/// The input with the refusal in it; an input that is no object has no members, so the refusal stands alone.
fn beside_input(refusal: &str) -> String {
    format!("{{% $merge([$type($states.input) = 'object' ? $states.input : {{}}, {{'refusal': {refusal}}}]) %}}")
}

/// Waits for what heals by itself.
fn retry(errors: Vec<Json>, seconds: u32, attempts: u32, longest: u32) -> Json {
    let rule = object([
        ("ErrorEquals", errors.into()),
        ("IntervalSeconds", seconds.into()),
        ("BackoffRate", 2.into()),
        ("MaxAttempts", attempts.into()),
        ("MaxDelaySeconds", longest.into()),
        ("JitterStrategy", "FULL".into()),
    ]);
    rule.into()
}

pub(super) fn retry_of_guard() -> Json {
    retry(vec![End::Undecided.error().into()], 2, 4, 20)
}

pub(super) fn retry_of_lambda() -> Json {
    retry(LAMBDA_ERRORS.map(Json::from).into(), 1, 3, 10)
}

/// A refusal stays one: in front of a Retry that names no error.
pub(super) fn no_retry_of_refusals() -> Json {
    let refusals = [EXPIRED, End::Denied.error(), End::Rejected.error(), End::Misconfigured.error()];
    object([("ErrorEquals", refusals.map(Json::from).to_vec().into()), ("MaxAttempts", 0.into())]).into()
}

/// Goes on with a woven state that is handed what the refused one was.
pub(super) fn catch_again(language: Language, error: &str, next: &str) -> Json {
    let input = match language {
        Language::Jsonata => ("Output", INPUT.into()),
        Language::JsonPath => ("ResultPath", Json::Null),
    };
    object([("ErrorEquals", vec![error.into()].into()), input, ("Next", next.into())]).into()
}

/// Asks for another name and token: an execution of this name is there already.
pub(super) fn catch_taken_name(language: Language, state: &str) -> Json {
    catch_again(language, NAME_IS_TAKEN, &bind(state))
}

/// Whatever else ends a question to the realm leaves it open: no rule around may take that in as something else. `end` is the
/// rule for what is undecided.
pub(super) fn catch_all_else(end: Json) -> Json {
    let mut end = end;
    if let Some(rule) = end.as_object_mut() {
        rule.set("ErrorEquals", vec!["States.ALL".into()]);
    }
    end
}

/// Leaves every error of a guard's name to the state that tells whose word it is.
pub(super) fn catch_refusals(language: Language, variable: &str, next: &str) -> Json {
    let refusals = [EXPIRED].into_iter().chain(End::ALL.map(End::error));
    let refusals: Vec<Json> = refusals.map(Json::from).collect();
    let (input, assigned) = match language {
        Language::Jsonata => (("Output", INPUT.into()), (variable.to_owned(), "{% $states.errorOutput %}")),
        Language::JsonPath => (("ResultPath", Json::Null), (format!("{variable}.$"), "$")),
    };
    let assigned = object([(assigned.0.as_str(), assigned.1.into())]);
    let rule = [("ErrorEquals", refusals.into()), ("Assign", assigned.into()), input, ("Next", next.into())];
    object(rule).into()
}

/// Where each refusal of a state leads that waits for a callback.
#[derive(Debug)]
pub(super) struct Refusals<'a> {
    /// The state.
    pub(super) of: &'a str,
    /// The variable with the token that its guard was handed; none if it has no guard.
    pub(super) guarded_by: Option<&'a str>,
    /// The variable with the error.
    pub(super) refusal: &'a str,
    /// The states that ask again, each with the error that it answers.
    pub(super) asked_again: Vec<(&'static str, String)>,
    /// The branch whose ends the others lead to; none for the machine's.
    pub(super) scope: Option<&'a str>,
}

impl Shapes {
    /// A state that tells the guard's word from that of whoever answers a callback, who may name any error.
    ///
    /// The guard says of which token it speaks, and nobody whom the function has handed the callback to knows that.
    pub(super) fn tell_whose(&self, refusals: &Refusals<'_>) -> Object {
        let Refusals { of, guarded_by, refusal, asked_again, scope } = refusals;
        let mut choices: Vec<Json> = Vec::new();
        if let Some(token) = guarded_by {
            let cause = format!("${refusal}.Cause");
            let guard_s = format!("$exists({cause}) and $contains({cause}, $hash(${token}, 'SHA-256'))");
            let says = |error: &str| format!("{{% {guard_s} and ${refusal}.Error = '{error}' %}}");
            for (error, next) in asked_again {
                choices.push(object([("Condition", says(error).into()), ("Next", next.as_str().into())]).into());
            }
            let others = End::ALL.into_iter().filter(|end| asked_again.iter().all(|(error, _)| *error != end.error()));
            choices.extend(others.map(|end| self.choose_end(of, &says(end.error()), end, &cause, *scope)));
        }
        let foreign = format!("'not the guard, but the answer to a callback says `' & ${refusal}.Error & '`'");
        choices.push(self.choose_end(of, "{% true %}", End::Denied, &foreign, *scope));
        let what = format!("whoever answers the callback of {of} may name any error; the guard names the token too.");
        let mut state = self.woven("Choice", &what);
        state.set("Choices", choices);
        state
    }

    /// A choice that goes to where a refusal ends, with the cause that this expression says.
    fn choose_end(&self, of: &str, condition: &str, end: End, cause: &str, scope: Option<&str>) -> Json {
        let mut choice = object([("Condition", condition.into())]);
        let is_author_s = end == End::Denied && scope.is_none() && self.has_denied_path;
        let told = format!("{{% {cause} %}}");
        match self.language {
            Language::Jsonata => {
                let mut output = object([("state", of.into()), ("cause", told.into())]);
                if is_author_s {
                    output.set("input", INPUT);
                }
                choice.set("Output", output);
            }
            Language::JsonPath if is_author_s => {
                let refusal = format!("{{'Error': '{}', 'Cause': {cause}}}", end.error());
                choice.set("Output", beside_input(&refusal));
            }
            Language::JsonPath => {
                if scope.is_none() {
                    choice.set("Assign", object([(REFUSED_AT, of.into())]));
                }
                choice.set("Output", object([("Error", end.error().into()), ("Cause", told.into())]));
            }
        }
        choice.set("Next", end.state(scope));
        choice.into()
    }

    /// Woven states are in JSONata, which a machine of JSONPath has to be told.
    fn woven(&self, kind: &str, what: &str) -> Object {
        let mut state = object([("Type", kind.into())]);
        if self.language == Language::JsonPath {
            state.set("QueryLanguage", "JSONata");
        }
        state.set("Comment", comment(what));
        state
    }

    /// A state that assigns what the states behind it hand over, and calls nobody.
    pub(super) fn assign(&self, what: &str, assigned: Object, output: &str, next: &str) -> Object {
        let mut state = self.woven("Pass", what);
        state.set("Assign", assigned);
        state.set("Output", output);
        state.set("Next", next);
        state
    }

    /// A state that goes on with `old` if what the token says is that old, else with `young`. It decides on nothing but when
    /// to ask: how old a statement may be is for the guards to say, by their own clock.
    pub(super) fn look(&self, what: &str, since: &str, age: Duration, old: &str, young: &str) -> Object {
        let mut state = self.woven("Choice", what);
        let condition = format!("{{% $millis() - ${since} >= {} %}}", age.as_millis());
        let choice = object([("Condition", condition.into()), ("Next", old.into())]);
        state.set("Choices", vec![Json::from(choice)]);
        state.set("Default", young);
        state
    }

    /// A state that asks the revalidation function and assigns what it answers. What it hands on is `output`.
    pub(super) fn ask(
        &self,
        what: &str,
        question: Object,
        assigned: Object,
        output: &str,
        catch: Vec<Json>,
        next: &str,
    ) -> Object {
        let mut state = self.woven("Task", what);
        state.set("Resource", self.invoke.as_str());
        state.set("Arguments", object([("FunctionName", REVALIDATION.into()), ("Payload", question.into())]));
        state.set("TimeoutSeconds", 30);
        state.set("Assign", assigned);
        state.set("Output", output);
        self.end_of_task(state, catch, next)
    }

    /// A state that evaluates the input of a child execution, in the language of the state that starts it. What is decided on and
    /// what is started are this one value.
    pub(super) fn evaluate(
        &self,
        what: &str,
        language: Language,
        (member, input): (&str, Json),
        assigned: &str,
        next: &str,
    ) -> Object {
        let mut state = object([("Type", "Pass".into())]);
        if language != self.language {
            state.set("QueryLanguage", "JSONata");
        }
        state.set("Comment", comment(what));
        match language {
            Language::Jsonata => {
                state.set("Assign", object([(assigned, input)]));
                state.set("Output", INPUT);
            }
            Language::JsonPath => {
                state.set("Parameters", object([(member, input)]));
                state.set("Assign", object([(format!("{assigned}.$").as_str(), "$.input".into())]));
                state.set("ResultPath", Json::Null);
            }
        }
        state.set("Next", next);
        state
    }

    fn end_of_task(&self, mut state: Object, catch: Vec<Json>, next: &str) -> Object {
        state.set("Retry", vec![retry_of_guard(), retry_of_lambda()]);
        if !catch.is_empty() {
            state.set("Catch", catch);
        }
        state.set("Next", next);
        state
    }

    /// Goes to where a refusal ends. `scope` is the branch whose own end it is; none for the machine's.
    pub(super) fn catch_end(&self, language: Language, end: End, scope: Option<&str>) -> Json {
        let mut rule = object([("ErrorEquals", vec![end.error().into()].into())]);
        let is_author_s = end == End::Denied && scope.is_none() && self.has_denied_path;
        match (self.language, language) {
            (Language::Jsonata, _) => {
                let mut told = object([("state", STATE.into()), ("cause", CAUSE.into())]);
                if is_author_s {
                    told.set("input", INPUT);
                }
                rule.set("Output", told);
            }
            // No path of JSONPath leads into an input that is no object: that would end the execution, and nothing catches it.
            (Language::JsonPath, Language::JsonPath) if is_author_s => {
                let variable = refusal_variable(0);
                rule.set("Assign", object([(format!("{variable}.$").as_str(), "$".into())]));
                rule.set("ResultPath", Json::Null);
                rule.set("Next", REFUSAL_BESIDE_INPUT);
                return rule.into();
            }
            (Language::JsonPath, Language::Jsonata) if is_author_s => {
                rule.set("Output", beside_input("$states.errorOutput"));
            }
            // Without an Output the next state is handed `Error` and `Cause`.
            (Language::JsonPath, Language::JsonPath) if scope.is_none() => {
                rule.set("Assign", object([(format!("{REFUSED_AT}.$").as_str(), "$$.State.Name".into())]));
            }
            (Language::JsonPath, Language::Jsonata) if scope.is_none() => {
                rule.set("Assign", object([(REFUSED_AT, STATE.into())]));
            }
            (Language::JsonPath, _) => {}
        }
        rule.set("Next", end.state(scope));
        rule.into()
    }

    /// Puts a refusal into the input for the author's denied path.
    pub(super) fn refusal_beside_input(&self) -> Object {
        let mut state = self.woven("Pass", "the refusal goes into the input, whatever that is.");
        state.set("Output", beside_input(&format!("${}", refusal_variable(0))));
        state.set("Next", DENIED);
        state
    }

    /// Where a refusal ends. Inside of a branch the cause is handed on as it came; the machine's own end makes it readable.
    pub(super) fn end(&self, end: End, scope: Option<&str>) -> Object {
        let what = match end {
            _ if scope.is_some() => "hands the refusal on to what is around.",
            End::Denied => "we know who asked, and they may not. The reasons are in the audit line.",
            End::Rejected => {
                "the statement proves nothing here. Nobody can cause this by asking for too much: it is an alarm."
            }
            End::Misconfigured => {
                "no requirement is declared for the step, or a configuration is broken. It fails closed."
            }
            End::Undecided => "nobody could tell, and the retries are used up.",
        };
        let (cause, at) = match self.language {
            Language::Jsonata => ("$states.input.cause", "$states.input.state".to_owned()),
            Language::JsonPath => {
                ("($exists($states.input.Cause) ? $states.input.Cause : '')", format!("${REFUSED_AT}"))
            }
        };
        // Of whatever a cause may be, the message of a function's error or all of it; reading it must not fail.
        let message =
            format!("$substringBefore($substringAfter($substringAfter({cause}, '\"errorMessage\"'), '\"'), '\"')");
        let mut state = self.woven("Fail", what);
        state.set("Error", end.error());
        state.set(
            "Cause",
            scope.map_or_else(|| format!("{{% {at} & ': ' & {message} %}}"), |_| format!("{{% {cause} %}}")),
        );
        state
    }
}
