//! Guards that answer as a script says, and a revalidation function that is faithful to the real one: whose token it is, what
//! it was renewed for, and how often that may be asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use state_machine_interpreter::{Call, Execution, ExecutionFailure, Expected, Place, Stop, World, execute};

use crate::failures::{of_lambda, refusal};
use crate::pieces::Pieces;

/// How often in a row a state may be given a statement that is not taken; of one that asks for every attempt.
const MOST_ROUNDS: u32 = 4;
const MOST_ROUNDS_OF_EVERY_ATTEMPT: u32 = 8;

/// What a guarded call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Well,
    /// The guard says no, by this error.
    No(&'static str),
    /// The guard said yes, and the work or its surroundings fail.
    Work(&'static str),
}

pub const NOS: [&str; 5] = [
    "ClaimGuard.Denied",
    "ClaimGuard.IdentityExpired",
    "ClaimGuard.Rejected",
    "ClaimGuard.Misconfigured",
    "ClaimGuard.Undecided",
];
const WORK: [&str; 4] = ["Work.Failed", "Lambda.ServiceException", "States.Timeout", "States.HeartbeatTimeout"];

impl Answer {
    /// The answer that a byte of the script means; half of them are well.
    pub fn of(byte: u8) -> Self {
        let number = usize::from(byte);
        match number {
            0..128 => Self::Well,
            128..208 => Self::No(NOS[number % NOS.len()]),
            _ => Self::Work(WORK[number % WORK.len()]),
        }
    }
}

/// What a transaction token says.
#[derive(Debug)]
struct Statement {
    execution: String,
    renewed: Option<(String, u32)>,
}

/// Everybody who is called.
pub struct Realm<'a> {
    /// What guarded calls come to, one after the other.
    pub script: std::slice::Iter<'a, u8>,
    /// What they come to for ever, by state, once the script is used up; revalidation's word on that state, too, if it is a no.
    pub tail: Option<(String, Answer)>,
    pub rules: &'a Map<String, Value>,
    /// The woven machine that nested starts begin.
    pub child: &'a Value,
    statements: Vec<Statement>,
    inputs: BTreeMap<(String, String), Value>,
    choices: BTreeMap<(String, String), u32>,
    /// What each nested execution was decided on to be started with.
    decided: BTreeMap<String, Value>,
    /// The nos that are not followed by a yes on the same state and input.
    pub nos: BTreeMap<(String, String, String), String>,
    pub log: Vec<String>,
    pub pieces: Pieces,
    /// Whether a callback was answered by a guard's error; once is enough.
    is_told: bool,
    /// A nested execution went round for ever, or was none that AWS takes.
    pub fault: Option<Stop>,
}

impl<'a> Realm<'a> {
    pub fn new(script: &'a [u8], rules: &'a Map<String, Value>, child: &'a Value, execution: &str) -> Self {
        Self {
            script: script.iter(),
            tail: None,
            rules,
            child,
            statements: vec![Statement { execution: execution.to_owned(), renewed: None }],
            inputs: BTreeMap::new(),
            choices: BTreeMap::new(),
            decided: BTreeMap::new(),
            nos: BTreeMap::new(),
            log: Vec::new(),
            pieces: Pieces::default(),
            is_told: false,
            fault: None,
        }
    }

    fn statement(&self, token: &Value) -> Option<&Statement> {
        let number = token.as_str()?.strip_prefix("token-")?;
        self.statements.get(number.parse::<usize>().ok()?)
    }

    fn token(&mut self, execution: String, renewed: Option<(String, u32)>) -> Value {
        self.statements.push(Statement { execution, renewed });
        json!(format!("token-{}", self.statements.len() - 1))
    }

    /// A word on a state, and on the input that it has now.
    fn word(&mut self, place: &Place<'_>, about: &str, failure: Option<&str>) {
        let id = place.execution.id.clone();
        let input = self.inputs.get(&(id.clone(), place.state.to_owned())).map(Value::to_string).unwrap_or_default();
        let key = (id, about.to_owned(), input);
        match failure {
            Some(error) => self.nos.insert(key, error.to_owned()),
            None => self.nos.remove(&key),
        };
    }

    fn next(&mut self, state: &str) -> Answer {
        match self.script.next() {
            Some(byte) => Answer::of(*byte),
            None => self.tail.as_ref().filter(|(name, _)| name == state).map_or(Answer::Well, |(_, answer)| *answer),
        }
    }

    fn guard(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let (place, payload) = (call.place, &call.arguments["Payload"]);
        self.pieces.called(&place, &payload["work"]);
        let is_bound = self.statement(&payload["transactionToken"]).is_some_and(|statement| {
            statement.execution == place.execution.id && payload["context"]["execution"] == json!(place.execution.id)
        });
        // A state in JSONPath may pass the list of what is there.
        let count = &payload["context"]["retryCount"];
        let retries = count.as_array().map_or(Some(count), |found| found.first()).and_then(Value::as_u64);
        let is_for_this = self.statement(&payload["transactionToken"]).is_some_and(|statement| {
            statement.renewed.as_ref().is_some_and(|(state, _)| state == place.state)
                && retries.unwrap_or_default() == 0
        });
        let is_asked_first = self.rules.get(place.state).is_some_and(|rule| rule["max_identity_age"] == "0s");
        let answer = if !is_bound {
            Answer::No("ClaimGuard.Rejected")
        } else if is_asked_first && !is_for_this {
            Answer::No("ClaimGuard.IdentityExpired")
        } else {
            self.next(place.state)
        };
        match answer {
            Answer::Well => {
                self.word(&place, place.state, None);
                Ok(json!({ "StatusCode": 200, "Payload": { "by": place.state } }))
            }
            Answer::No(error) => {
                self.word(&place, place.state, Some(error));
                Err(refusal(call, error))
            }
            // Whoever holds a task token names what they like, a guard's errors too. That is no yes.
            Answer::Work(error @ "Work.Failed") if call.resource.ends_with(".waitForTaskToken") && !self.is_told => {
                self.is_told = true;
                self.word(&place, place.state, Some(error));
                Err(ExecutionFailure::without_cause(NOS[self.log.len() % NOS.len()]))
            }
            Answer::Work(error) => {
                self.word(&place, place.state, None);
                // Who times out has no cause; who holds a task token may leave it out.
                Err(if error.starts_with("States.") {
                    ExecutionFailure::without_cause(error)
                } else {
                    of_lambda(error)
                })
            }
        }
    }

    fn revalidation(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let (place, payload) = (call.place, &call.arguments["Payload"]);
        let about = payload["renew"]["state"].as_str().unwrap_or(place.state).to_owned();
        let told = self.tail.as_ref().map(|(_, answer)| *answer);
        let answer = match self.script.next() {
            Some(byte) => Answer::of(byte.saturating_sub(40)),
            None if self.tail.as_ref().is_some_and(|(name, _)| *name == place.state) => told.unwrap_or(Answer::Well),
            None => Answer::Well,
        };
        let error = match answer {
            Answer::Well => None,
            // It is no guard: nothing is too old for it.
            Answer::No("ClaimGuard.IdentityExpired") => Some("ClaimGuard.Denied"),
            Answer::No(error) => Some(error),
            Answer::Work(_) => Some("Lambda.ServiceException"),
        };
        let renewed = match error {
            Some(error) => Err(error),
            None => self.renewed(call, &about),
        };
        match renewed {
            Ok(answer) => {
                self.word(&place, &about, None);
                Ok(json!({ "StatusCode": 200, "Payload": answer }))
            }
            Err(error) => {
                if error.starts_with("ClaimGuard.") {
                    self.word(&place, &about, Some(error));
                }
                Err(of_lambda(error))
            }
        }
    }

    fn renewed(&mut self, call: &Call<'_>, about: &str) -> Result<Value, &'static str> {
        let (place, payload) = (call.place, &call.arguments["Payload"]);
        let here = place.execution.id.clone();
        let Some(statement) = self.statement(&payload["transactionToken"]) else { return Err("ClaimGuard.Rejected") };
        let rounds = statement.renewed.as_ref().filter(|(state, _)| state == about).map_or(0, |(_, rounds)| *rounds);
        let is_here = statement.execution == here;
        let is_parent_s = here.starts_with(&format!("{}/", statement.execution));
        if payload.get("adopt").is_some() && is_parent_s {
            return Ok(json!({ "transactionToken": self.token(here, None) }));
        }
        if !is_here {
            return Err("ClaimGuard.Rejected");
        }
        if payload.get("delegate").is_some() {
            let name = format!("nested-{}", self.statements.len());
            self.decided.insert(name.clone(), payload["delegate"]["input"].clone());
            let token = self.token(name.clone(), None);
            return Ok(json!({ "transactionToken": token, "name": name }));
        }
        let is_asked_first = self.rules.get(about).is_some_and(|rule| rule["max_identity_age"] == "0s");
        let most = if is_asked_first { MOST_ROUNDS_OF_EVERY_ATTEMPT } else { MOST_ROUNDS };
        let is_denied_again = payload["renew"]["cause"] == "denied" && rounds > 0;
        if is_denied_again || rounds >= most {
            return Err("ClaimGuard.Denied");
        }
        Ok(json!({ "transactionToken": self.token(here, Some((about.to_owned(), rounds + 1))) }))
    }

    fn nested(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let (name, input) = (&call.arguments["Name"], &call.arguments["Input"]);
        let id = name.as_str().unwrap_or_default().to_owned();
        if self.decided.get(&id) != Some(&input["input"]) {
            self.pieces.fault =
                Some(format!("`{id}` is started with {input}, and was decided on with {:?}", self.decided.get(&id)));
        }
        if !call.engine.takes_id(&id) {
            return Err(ExecutionFailure::new("StepFunctions.ExecutionAlreadyExistsException", "the name is taken"));
        }
        let execution = Execution { id: id.clone(), machine: "child".to_owned(), input: input.clone() };
        match execute(self.child, execution, self, call.engine) {
            Ok(output) => Ok(json!({ "Name": id, "Input": input, "Output": output, "Status": "SUCCEEDED" })),
            Err(Stop::Failed(failure)) => {
                let cause = json!({ "Name": id, "Error": failure.error, "Status": "FAILED" });
                Err(ExecutionFailure::new("States.TaskFailed", &cause.to_string()))
            }
            Err(stop @ (Stop::Refused { .. } | Stop::OutOfSteps)) => {
                self.fault = Some(stop);
                Err(ExecutionFailure::without_cause("States.TaskFailed"))
            }
        }
    }
}

fn is_woven(place: &Place<'_>) -> bool {
    place.definition["Comment"].as_str().is_some_and(|comment| comment.starts_with("Woven: "))
}

impl World for Realm<'_> {
    fn entered(&mut self, place: &Place<'_>, input: &Value) {
        self.log.push(format!("{}: {}", place.execution.id, place.state));
        self.inputs.insert((place.execution.id.clone(), place.state.to_owned()), input.clone());
    }

    fn began(&mut self, place: &Place<'_>, number: usize, stretch: u64) {
        self.pieces.began(place, number, stretch);
    }

    fn came_to(&mut self, place: &Place<'_>, _: &Value) {
        self.pieces.succeeded(place);
    }

    fn call(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let answer = if call.arguments["FunctionName"] == "${RevalidationFunctionArn}" {
            self.revalidation(call)
        } else if call.resource.contains(":lambda:invoke") {
            self.guard(call)
        } else if call.resource.contains(":states:startExecution") {
            self.nested(call)
        } else {
            match self.script.next().map(|byte| Answer::of(*byte)) {
                Some(Answer::Work(error)) => Err(ExecutionFailure::without_cause(error)),
                Some(Answer::Well | Answer::No(_)) | None => Ok(json!({})),
            }
        };
        if let Err(failure) = &answer {
            self.log.push(format!("{}: {} !{}", call.place.execution.id, call.place.state, failure.error));
        }
        answer
    }

    /// A loop of the author's own ends; what weave chooses is by its rules.
    fn choose(&mut self, place: &Place<'_>, ways: usize) -> Option<usize> {
        if is_woven(place) {
            return None;
        }
        let count = self.choices.entry((place.execution.id.clone(), place.state.to_owned())).or_default();
        *count += 1;
        let byte = if *count <= 2 { self.script.next() } else { None };
        Some(byte.map_or(ways - 1, |byte| usize::from(*byte) % ways))
    }

    /// The author's own data are there; what weave reads is never made up.
    fn made_up(&mut self, place: &Place<'_>, expression: &str, expected: Expected) -> Option<Value> {
        let is_weave_s = ["transactionToken", "context", "$$"].iter().any(|word| expression.contains(word));
        if is_woven(place) || is_weave_s {
            return None;
        }
        match expected {
            Expected::List => Some(json!([{ "items": [1] }])),
            Expected::Anything => Some(json!("made up")),
            Expected::Number | Expected::Text | Expected::Condition => None,
        }
    }
}
