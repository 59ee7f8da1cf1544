//! Plays everybody who is called, at random but always the same for the same seed, and looks for tokens where none may be.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use state_machine_interpreter::{Call, Execution, ExecutionFailure, Expected, Place, World};

use crate::failures::{of_lambda, refusal};

/// How every token begins; nothing else does.
pub const TOKEN: &str = "TRANSACTION-TOKEN-";

/// What happened in a state of the author's: where, what is told of it, and the value.
pub type Event = (String, &'static str, Value);

/// How often guards say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guards {
    /// The machine is the author's: there are none.
    None,
    /// Identities grow old, and are renewed.
    Renewed,
    /// Some are denied.
    Denied,
}

/// The world of one run.
pub struct Explorer<'a> {
    seed: u64,
    guards: Guards,
    /// The states that the author's machine has, with the errors that their rules name.
    author_s: &'a BTreeMap<String, Vec<String>>,
    visits: BTreeMap<(String, String, &'static str), u64>,
    inputs: BTreeMap<(String, String), Value>,
    tokens: u64,
    pub events: Vec<Event>,
    pub visited: BTreeSet<String>,
    /// Where a token was seen that may not be there.
    pub leaks: BTreeSet<String>,
    /// What weave wrote and has no value.
    pub faults: BTreeSet<String>,
}

/// Whether a token is in a value.
fn holds_token(value: &Value) -> bool {
    value.to_string().contains(TOKEN)
}

fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    if let Some(token) = value.pointer_mut(pointer) {
        *token = Value::Null;
    }
    value
}

fn is_woven(place: &Place<'_>) -> bool {
    place.definition["Comment"].as_str().is_some_and(|comment| comment.starts_with("Woven: "))
}

impl<'a> Explorer<'a> {
    pub fn new(seed: u64, guards: Guards, author_s: &'a BTreeMap<String, Vec<String>>) -> Self {
        Self {
            seed,
            guards,
            author_s,
            visits: BTreeMap::new(),
            inputs: BTreeMap::new(),
            tokens: 0,
            events: Vec::new(),
            visited: BTreeSet::new(),
            leaks: BTreeSet::new(),
            faults: BTreeSet::new(),
        }
    }

    /// A number for the next visit of that kind, the same in every run of this seed.
    fn draw(&mut self, place: &Place<'_>, kind: &'static str) -> u64 {
        let visit = self.visits.entry((place.execution.id.clone(), place.state.to_owned(), kind)).or_default();
        *visit += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, &place.execution.id, place.state, kind, *visit).hash(&mut hasher);
        // A choice that is made again and again is made in turn, so that loops end.
        if *visit > 4 { *visit } else { hasher.finish() >> 8 }
    }

    fn is_author_s(&self, place: &Place<'_>) -> bool {
        self.author_s.contains_key(place.state) && !is_woven(place)
    }

    fn look(&mut self, place: &Place<'_>, what: &str, value: &Value) {
        if self.guards != Guards::None && holds_token(value) {
            self.leaks.insert(format!("{what} of state `{}`", place.state));
        }
    }

    fn tell(&mut self, place: &Place<'_>, what: &'static str, value: Value) {
        self.visited.insert(place.state.to_owned());
        self.events.push((place.state.to_owned(), what, value));
    }

    /// What weave's own question is answered with.
    fn revalidation(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        if self.guards == Guards::Denied && self.draw(&call.place, "revalidation").is_multiple_of(3) {
            return Err(of_lambda("ClaimGuard.Denied"));
        }
        self.tokens += 1;
        let token = format!("{TOKEN}{}", self.tokens);
        let renewed = json!({ "transactionToken": token, "name": format!("nested-{}", self.tokens) });
        Ok(json!({ "StatusCode": 200, "Payload": renewed }))
    }

    /// What the guard of a call says, if it says no.
    fn no(&mut self, place: &Place<'_>) -> Option<&'static str> {
        let drawn = self.draw(place, "guard") % 6;
        match (self.guards, drawn) {
            (Guards::Renewed | Guards::Denied, 0) => Some("ClaimGuard.IdentityExpired"),
            (Guards::Denied, 1) => Some("ClaimGuard.Denied"),
            (Guards::Denied, 2) => Some("ClaimGuard.Rejected"),
            (Guards::None | Guards::Renewed | Guards::Denied, _) => None,
        }
    }

    /// What comes of a call: something made up, or an error that the state's own rules name.
    fn outcome(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let place = call.place;
        let drawn = self.draw(&place, "call");
        let mut errors: Vec<&str> = self.author_s.get(place.state).into_iter().flatten().map(String::as_str).collect();
        errors.push("Work.Failed");
        let is_nested = call.resource.contains(":states:startExecution.sync");
        let described = |more: Value| {
            let mut execution = json!({
                "ExecutionArn": "arn:nested", "Name": "nested", "StartDate": "2026-01-01T00:00:00Z",
                "StopDate": "2026-01-01T00:00:00Z", "StateMachineArn": "arn:machine",
            });
            // Of a woven start, weave leaves the input out again: what remains has to be the author's.
            if call.arguments["Name"].is_string() {
                execution["Input"] = call.arguments["Input"].clone();
                execution["InputDetails"] = json!({ "Included": true });
            }
            if let (Some(members), Value::Object(more)) = (execution.as_object_mut(), more) {
                members.extend(more);
            }
            execution
        };
        if drawn.is_multiple_of(7) {
            let error = usize::try_from(drawn / 7).ok().and_then(|number| errors.get(number % errors.len())).copied();
            let error = error.unwrap_or("Work.Failed");
            return Err(if is_nested {
                // Step Functions tells of the failed execution as DescribeExecution does, its input too.
                let cause = described(json!({ "Status": "FAILED", "Error": error, "Cause": "made up" }));
                ExecutionFailure::new("States.TaskFailed", &cause.to_string())
            } else {
                of_lambda(error)
            });
        }
        Ok(if call.resource.contains(":lambda:invoke") && !call.resource.ends_with(".waitForTaskToken") {
            json!({ "ExecutedVersion": "$LATEST", "StatusCode": 200, "Payload": { "made": "up" } })
        } else if is_nested {
            described(json!({ "Status": "SUCCEEDED", "Output": { "made": "up" } }))
        } else {
            json!({ "made": "up" })
        })
    }
}

impl World for Explorer<'_> {
    fn call(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let (place, arguments) = (call.place, call.arguments);
        if is_woven(&place) {
            self.look(&place, "the question", &without(arguments, "/Payload/transactionToken"));
            return self.revalidation(call);
        }
        let is_guarded = arguments["Payload"].get("transactionToken").is_some() && self.guards != Guards::None;
        let is_bound = arguments["Input"].get("transactionToken").is_some()
            && place.definition.to_string().contains("transactionToken");
        let (told, what, value) = if is_guarded {
            let handed = arguments["Payload"].get("input").cloned().unwrap_or_default();
            (without(arguments, "/Payload/transactionToken"), "payload", handed)
        } else if call.resource.contains(":lambda:invoke") {
            (arguments.clone(), "payload", arguments.get("Payload").cloned().unwrap_or_else(|| json!({})))
        } else if is_bound && self.guards != Guards::None {
            let handed = arguments["Input"].get("input").cloned().unwrap_or_default();
            (without(arguments, "/Input/transactionToken"), "input of the execution", handed)
        } else if call.resource.contains(":states:startExecution") {
            let input = arguments.get("Input").cloned().unwrap_or_else(|| json!({}));
            (arguments.clone(), "input of the execution", input)
        } else {
            (arguments.clone(), "arguments", arguments.clone())
        };
        self.look(&place, "the arguments", &told);
        if is_guarded && let Some(no) = self.no(&place) {
            return Err(refusal(call, no));
        }
        let key = (place.execution.id.clone(), place.state.to_owned());
        let input = self.inputs.get(&key).cloned().unwrap_or_default();
        self.tell(&place, "input", input);
        self.tell(&place, what, value);
        self.outcome(call)
    }

    fn items(&mut self, place: &Place<'_>, reader: &Value) -> Result<Vec<Value>, ExecutionFailure> {
        self.look(place, "the reader", reader);
        Ok(vec![json!({ "made": "up 1" }), json!({ "made": "up 2" })])
    }

    fn made_up(&mut self, place: &Place<'_>, expression: &str, expected: Expected) -> Option<Value> {
        let weave_s: &[&str] = if is_woven(place) {
            &["transactionToken", "context", "$$.", "errorOutput", "result"]
        } else {
            &["transactionToken"]
        };
        if weave_s.iter().any(|word| expression.contains(word)) {
            self.faults.insert(format!("state `{}`: weave's `{expression}` has no value", place.state));
            return None;
        }
        Some(match expected {
            Expected::Anything | Expected::Text => json!("made up"),
            Expected::List => json!(["made up 1", "made up 2"]),
            Expected::Number => json!(1),
            Expected::Condition => json!(true),
        })
    }

    /// The author's Choices are explored; what weave chooses is by its rules.
    fn choose(&mut self, place: &Place<'_>, ways: usize) -> Option<usize> {
        if is_woven(place) {
            return None;
        }
        let drawn = self.draw(place, "choice");
        Some(usize::try_from(drawn).unwrap_or_default() % ways.max(1))
    }

    fn entered(&mut self, place: &Place<'_>, input: &Value) {
        let is_first = place.state == "ReceiveIdentity" || place.state.starts_with("Adopt identity ");
        if !(is_woven(place) && is_first) {
            self.look(place, "the input", input);
        }
        self.inputs.insert((place.execution.id.clone(), place.state.to_owned()), input.clone());
        // A Task is told of when its guard has said yes.
        if self.is_author_s(place) && place.definition["Type"] != "Task" {
            self.tell(place, "input", input.clone());
        }
    }

    fn came_to(&mut self, place: &Place<'_>, result: &Value) {
        // Step Functions answers a start with the input that it was given, and no machine can change that. What the author gets
        // of it is the output.
        let is_start =
            place.definition["Resource"].as_str().is_some_and(|called| called.contains(":startExecution.sync"));
        if !is_woven(place) && !is_start {
            self.look(place, "the result", result);
        }
    }

    fn left(&mut self, place: &Place<'_>, output: &Value) {
        self.look(place, "the output", output);
    }

    fn assigned(&mut self, place: &Place<'_>, variable: &str, value: &Value) {
        if !variable.starts_with("transactionToken") {
            self.look(place, &format!("the variable `{variable}`"), value);
        }
    }

    fn ended(&mut self, _: &Execution, end: &Result<Value, ExecutionFailure>) {
        let told = match end {
            Ok(output) => output.clone(),
            // The same answer is the cause where the started execution fails. It ends this one: nothing can take it in.
            Err(failure) if failure.error == "States.TaskFailed" => return,
            Err(failure) => json!([failure.error, failure.cause]),
        };
        if self.guards != Guards::None && holds_token(&told) {
            self.leaks.insert("the end of an execution".to_owned());
        }
    }
}
