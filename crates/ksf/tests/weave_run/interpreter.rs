//! A strict interpreter of state machines, without waiting: what AWS refuses is a panic here. Functions and other executions
//! are the world's.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::expression::evaluate;

/// An error's name and cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub error: String,
    pub cause: String,
}

impl Failure {
    pub fn new(error: &str, cause: &str) -> Self {
        Self { error: error.to_owned(), cause: cause.to_owned() }
    }
}

/// What is outside of the machine.
pub trait World {
    /// A state begins; a Task begins with each attempt.
    fn enter(&mut self, state: &str);
    /// A Task hands this to what it calls.
    fn call(&mut self, state: &str, resource: &str, arguments: &Value) -> Result<Value, Failure>;
}

/// An execution: of a machine, or of an item of a distributed Map.
#[derive(Clone)]
pub struct Execution {
    pub id: String,
    pub machine: String,
    /// What it was started with.
    pub input: Value,
}

pub struct Interpreter<'a> {
    pub world: &'a mut dyn World,
    pub execution: Execution,
    /// The machine's language.
    pub is_json_path: bool,
    /// Variables, of the outermost scope first.
    pub scopes: Vec<BTreeMap<String, Value>>,
}

/// What a state's expressions can see.
struct Sight<'a> {
    state: &'a str,
    input: &'a Value,
    result: Option<&'a Value>,
    error: Option<&'a Value>,
    item: Option<&'a Value>,
    retries: u64,
}

impl Interpreter<'_> {
    pub fn run(&mut self, machine: &Value, input: Value) -> Result<Value, Failure> {
        let mut name = machine["StartAt"].as_str().unwrap();
        let mut input = input;
        loop {
            let state = &machine["States"][name];
            let next;
            (input, next) = self.state(name, state, input)?;
            match next {
                Some(next) => name = next,
                None => return Ok(input),
            }
        }
    }

    fn state<'s>(&mut self, name: &str, state: &'s Value, input: Value) -> Result<(Value, Option<&'s str>), Failure> {
        let next = state["Next"].as_str();
        let sight = Sight { state: name, input: &input, result: None, error: None, item: None, retries: 0 };
        match state["Type"].as_str().unwrap() {
            "Task" | "Map" | "Parallel" => return self.attempts(name, state, &input),
            "Fail" => {
                self.world.enter(name);
                let cause = self.value(state, &state["Cause"], &sight);
                return Err(Failure::new(state["Error"].as_str().unwrap(), cause.as_str().unwrap()));
            }
            "Choice" => {
                self.world.enter(name);
                let rules = state["Choices"].as_array().unwrap().iter();
                let mut chosen = rules.filter(|rule| self.holds(state, rule, &sight));
                return Ok((input.clone(), chosen.next().map_or(&state["Default"], |rule| &rule["Next"]).as_str()));
            }
            "Pass" | "Wait" | "Succeed" => {}
            other => panic!("`{other}`"),
        }
        self.world.enter(name);
        let output = if self.is_json_path_at(state) {
            let selected = self.select(state, &input, &sight);
            let result =
                if state["Parameters"].is_null() { selected } else { self.value(state, &state["Parameters"], &sight) };
            place(&input, result, state)
        } else {
            self.output(state, &sight, input.clone())
        };
        self.assign(state, state, &sight);
        Ok((output, next))
    }

    /// Retry and Catch, around a Task, Map or Parallel.
    fn attempts<'s>(
        &mut self,
        name: &str,
        state: &'s Value,
        input: &Value,
    ) -> Result<(Value, Option<&'s str>), Failure> {
        let mut counts = BTreeMap::new();
        loop {
            self.world.enter(name);
            let retries = counts.values().sum();
            let sight = Sight { state: name, input, result: None, error: None, item: None, retries };
            let failure = match self.attempt(name, state, &sight) {
                Ok(result) => {
                    let sight = Sight { result: Some(&result), ..sight };
                    let output = if self.is_json_path_at(state) {
                        let selector = &state["ResultSelector"];
                        let of_result = Sight { input: &result, ..sight };
                        let selected =
                            if selector.is_null() { result.clone() } else { self.value(state, selector, &of_result) };
                        self.assign(state, state, &of_result);
                        place(input, selected, state)
                    } else {
                        let output = self.output(state, &sight, result.clone());
                        self.assign(state, state, &sight);
                        output
                    };
                    return Ok((output, state["Next"].as_str()));
                }
                Err(failure) => failure,
            };
            let matches = |rule: &Value| {
                let errors = rule["ErrorEquals"].as_array().unwrap();
                let told =
                    |error: &Value| *error == failure.error || error == "States.ALL" || error == "States.TaskFailed";
                errors.iter().any(told)
            };
            let rules =
                |list: &str| state[list].as_array().into_iter().flatten().enumerate().find(|(_, rule)| matches(rule));
            if let Some((number, rule)) = rules("Retry") {
                let count = counts.entry(number).or_insert(0);
                if *count < rule["MaxAttempts"].as_u64().unwrap_or(3) {
                    *count += 1;
                    continue;
                }
            }
            let Some((_, rule)) = rules("Catch") else { return Err(failure) };
            let error = json!({ "Error": failure.error, "Cause": failure.cause });
            let sight = Sight { error: Some(&error), ..sight };
            let output = if self.is_json_path_at(state) {
                place(input, error.clone(), rule)
            } else {
                assert_eq!(rule["ResultPath"], Value::Null, "{name}: JSONata has no paths");
                if rule["Output"].is_null() { error.clone() } else { self.value(state, &rule["Output"], &sight) }
            };
            self.assign(state, rule, &sight);
            return Ok((output, rule["Next"].as_str()));
        }
    }

    fn attempt(&mut self, name: &str, state: &Value, sight: &Sight<'_>) -> Result<Value, Failure> {
        let selected = self.select(state, sight.input, sight);
        let sight = &Sight { input: &selected, result: None, error: None, ..*sight };
        match state["Type"].as_str().unwrap() {
            "Task" => {
                let member = if self.is_json_path_at(state) { "Parameters" } else { "Arguments" };
                let arguments = self.value(state, &state[member], sight);
                self.world.call(name, state["Resource"].as_str().unwrap(), &arguments)
            }
            "Parallel" => {
                let branches = state["Branches"].as_array().unwrap().iter();
                branches
                    .map(|branch| self.inside(branch, selected.clone()))
                    .collect::<Result<Vec<_>, _>>()
                    .map(Value::Array)
            }
            _ => self.items(state, sight),
        }
    }

    fn items(&mut self, state: &Value, sight: &Sight<'_>) -> Result<Value, Failure> {
        let items = if self.is_json_path_at(state) {
            self.value(state, &json!({ "items.$": state["ItemsPath"] }), sight)["items"].clone()
        } else {
            self.value(state, &state["Items"], sight)
        };
        let machine = ["ItemProcessor", "Iterator"].into_iter().find(|member| state[*member].is_object()).unwrap();
        let machine = &state[machine];
        let selector = ["ItemSelector", "Parameters"].into_iter().find(|member| !state[*member].is_null());
        let is_distributed = machine["ProcessorConfig"]["Mode"] == "DISTRIBUTED";
        let mut results = Vec::new();
        for (number, item) in items.as_array().unwrap().iter().enumerate() {
            let sight = Sight { item: Some(item), result: None, error: None, ..*sight };
            let input = selector.map_or(item.clone(), |member| self.value(state, &state[member], &sight));
            results.push(if is_distributed {
                // No variable reaches into an execution of its own, and its error does not come out by its name.
                let execution = Execution {
                    id: format!("{}/{}:{number}", self.execution.id, sight.state),
                    machine: format!("{}/{}", self.execution.machine, sight.state),
                    input: input.clone(),
                };
                let scopes = vec![BTreeMap::new()];
                let mut child = Interpreter { world: self.world, execution, is_json_path: self.is_json_path, scopes };
                child
                    .run(machine, input)
                    .map_err(|failure| Failure::new("States.ExceedToleratedFailureThreshold", &failure.error))?
            } else {
                self.inside(machine, input)?
            });
        }
        Ok(Value::Array(results))
    }

    /// A branch has variables of its own and sees those around it.
    fn inside(&mut self, machine: &Value, input: Value) -> Result<Value, Failure> {
        self.scopes.push(BTreeMap::new());
        let result = self.run(machine, input);
        self.scopes.pop();
        result
    }

    fn is_json_path_at(&self, state: &Value) -> bool {
        state["QueryLanguage"].as_str().map_or(self.is_json_path, |language| language == "JSONPath")
    }

    fn assign(&mut self, state: &Value, rule: &Value, sight: &Sight<'_>) {
        if rule["Assign"].is_null() {
            return;
        }
        for (name, value) in self.value(state, &rule["Assign"], sight).as_object().unwrap() {
            let (own, outer) = self.scopes.split_last_mut().unwrap();
            assert!(
                outer.iter().all(|scope| !scope.contains_key(name)),
                "{}: `{name}` is an outer variable",
                sight.state
            );
            own.insert(name.clone(), value.clone());
        }
    }

    fn output(&self, state: &Value, sight: &Sight<'_>, default: Value) -> Value {
        if state["Output"].is_null() { default } else { self.value(state, &state["Output"], sight) }
    }

    fn context(&self, sight: &Sight<'_>) -> Value {
        let item = sight.item.map_or(Value::Null, |item| json!({ "Item": { "Value": item } }));
        json!({
            "Execution": { "Id": self.execution.id, "Input": self.execution.input, "RedriveCount": 0 },
            "StateMachine": { "Id": self.execution.machine },
            "State": { "Name": sight.state, "RetryCount": sight.retries },
            "Task": { "Token": "task-token" },
            "Map": item,
        })
    }

    fn variable(&self, name: &str, sight: &Sight<'_>) -> Option<Value> {
        if name == "states" {
            let mut states = json!({ "input": sight.input, "context": self.context(sight) });
            for (member, value) in [("result", sight.result), ("errorOutput", sight.error)] {
                if let Some(value) = value {
                    states[member] = value.clone();
                }
            }
            return Some(states);
        }
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned();
        assert!(found.is_some(), "{}: `${name}` is not assigned", sight.state);
        found
    }

    fn holds(&self, state: &Value, rule: &Value, sight: &Sight<'_>) -> bool {
        if !self.is_json_path_at(state) {
            return self.value(state, &rule["Condition"], sight) == json!(true);
        }
        let value = self.path(rule["Variable"].as_str().unwrap(), sight);
        value.as_f64() > rule["NumericGreaterThan"].as_f64() && !value.is_null()
    }

    fn select(&self, state: &Value, input: &Value, sight: &Sight<'_>) -> Value {
        state["InputPath"].as_str().map_or_else(|| input.clone(), |path| self.path(path, sight))
    }

    /// A value with its expressions, or its members `x.$`.
    fn value(&self, state: &Value, template: &Value, sight: &Sight<'_>) -> Value {
        match template {
            Value::String(text) if !self.is_json_path_at(state) && text.starts_with("{%") => {
                let expression = text.trim_start_matches("{%").trim_end_matches("%}");
                let value = evaluate(expression, &|name| self.variable(name, sight));
                value.unwrap_or_else(|| panic!("{}: `{text}` is undefined", sight.state))
            }
            Value::Object(members) => {
                let mut all = Map::new();
                for (name, member) in members {
                    match name.strip_suffix(".$").filter(|_| self.is_json_path_at(state)) {
                        Some(name) => all.insert(name.to_owned(), self.path(member.as_str().unwrap(), sight)),
                        None => all.insert(name.clone(), self.value(state, member, sight)),
                    };
                }
                Value::Object(all)
            }
            Value::Array(items) => items.iter().map(|item| self.value(state, item, sight)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => template.clone(),
        }
    }

    /// `$.input`, `$$.context` or `$variable`, each with a path.
    fn path(&self, path: &str, sight: &Sight<'_>) -> Value {
        let (root, path) = match path.strip_prefix("$$") {
            Some(path) => (self.context(sight), path),
            None => {
                let path = path.strip_prefix('$').unwrap();
                let (name, path) = path.split_at(path.find('.').unwrap_or(path.len()));
                (if name.is_empty() { sight.input.clone() } else { self.variable(name, sight).unwrap() }, path)
            }
        };
        let found = root.pointer(&path.replace('.', "/"));
        found.unwrap_or_else(|| panic!("{}: nothing at `{path}` of {root}", sight.state)).clone()
    }
}

/// JSONPath's ResultPath: where a result goes in the input.
fn place(input: &Value, result: Value, rule: &Value) -> Value {
    match rule.get("ResultPath").map(|path| path.as_str()) {
        None | Some(Some("$")) => result,
        Some(None) => input.clone(),
        Some(Some(path)) => {
            let mut output = input.clone();
            output[path.strip_prefix("$.").unwrap()] = result;
            output
        }
    }
}
