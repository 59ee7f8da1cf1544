//! Random machines of authors, with anything that may surround a guarded state, and what the policy says of them.

use claim_guard::access::AccessPolicy;
use serde_json::{Map, Value, json};

use crate::choices::Choices;

/// The child that nested starts begin: a workflow of the same policy.
pub fn child() -> Value {
    let call = |next: Value| {
        let mut state = json!({
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": { "FunctionName": "${Child}" },
            "Output": "{% $states.input %}",
        });
        state.as_object_mut().unwrap().extend(next.as_object().unwrap().clone());
        state
    };
    let states = json!({ "C1": call(json!({ "Next": "C2" })), "C2": call(json!({ "End": true })) });
    json!({ "QueryLanguage": "JSONata", "StartAt": "C1", "States": states })
}

/// A machine of an author, and what the policy says of its states.
struct Author<'a> {
    choices: Choices<'a>,
    is_json_path: bool,
    names: usize,
    rules: Map<String, Value>,
    nested: Vec<String>,
}

/// The error names that authors' rules have; the last one takes in all, and has to be alone and last.
const ERRORS: [&str; 9] = [
    "Work.Failed",
    "Lambda.ServiceException",
    "States.Timeout",
    "States.ExceedToleratedFailureThreshold",
    "States.BranchFailed",
    "States.QueryEvaluationError",
    "StepFunctions.ExecutionAlreadyExistsException",
    "States.TaskFailed",
    "States.ALL",
];

impl Author<'_> {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("S{}", self.names)
    }

    fn machine(&mut self, depth: usize) -> Value {
        let count = 1 + self.choices.below(3);
        let mut names: Vec<String> = (0..count).map(|_| self.name()).collect();
        let has_denied_path = depth == 0 && self.choices.sometimes();
        let mut states = Map::new();
        for number in 0..names.len() {
            let state = self.state(&names[number].clone(), names.get(number + 1).cloned().as_ref(), &names, depth);
            states.insert(names[number].clone(), state);
        }
        if has_denied_path {
            let state = self.denied_path(&names);
            states.insert("IdentityDenied".to_owned(), state);
            names.push("IdentityDenied".to_owned());
        }
        json!({ "StartAt": names[0], "States": states })
    }

    /// What the author says comes after a denial: anything.
    fn denied_path(&mut self, all: &[String]) -> Value {
        let elsewhere = all[self.choices.below(all.len())].clone();
        match self.choices.below(5) {
            0 => json!({ "Type": "Fail", "Error": "Own.Denied", "Cause": "the author's" }),
            1 => json!({ "Type": "Succeed" }),
            2 => json!({ "Type": "Pass", "End": true }),
            3 => json!({ "Type": "Pass", "Next": elsewhere }),
            _ => self.choice(&elsewhere, all),
        }
    }

    /// A state that goes on with the one behind it, so that each can be reached, and may go elsewhere too.
    fn state(&mut self, name: &str, next: Option<&String>, all: &[String], depth: usize) -> Value {
        let kinds = if depth < 3 { 10 } else { 6 };
        let mut state = match self.choices.below(kinds) {
            0 | 1 => self.guarded(name),
            2 => json!({ "Type": "Pass" }),
            3 => self.nested(name),
            4 if next.is_some() => return self.choice(next.unwrap(), all),
            4 => json!({ "Type": "Pass" }),
            5 => self.other_call(),
            6 => self.map(depth, false),
            7 => self.map(depth, true),
            _ => {
                let branches: Vec<Value> = (0..=self.choices.below(2)).map(|_| self.machine(depth + 1)).collect();
                json!({ "Type": "Parallel", "Branches": branches })
            }
        };
        if state["Type"] != "Pass" {
            self.keeps_input(&mut state);
            self.rules_of(&mut state, all);
        }
        if self.rules.get(name).is_some_and(|rule| rule["max_identity_age"] == "0s") {
            // Another Retry is refused there.
            state["Retry"] = json!([{ "ErrorEquals": ["Lambda.ServiceException"] }]);
        }
        match next {
            Some(next) => state["Next"] = json!(next),
            None => state["End"] = json!(true),
        }
        state
    }

    fn keeps_input(&mut self, state: &mut Value) {
        if self.is_json_path {
            state["ResultPath"] = json!(null);
        } else {
            state["Output"] = json!("{% $states.input %}");
        }
    }

    fn guarded(&mut self, name: &str) -> Value {
        let mut rule = json!({ "any_verified_caller": true, "revalidate_on_denied": !self.choices.sometimes() });
        if self.choices.sometimes() {
            rule["max_identity_age"] = json!("0s");
        }
        self.rules.insert(name.to_owned(), rule);
        let is_callback = self.choices.sometimes();
        let resource = if is_callback { "lambda:invoke.waitForTaskToken" } else { "lambda:invoke" };
        let mut handed = json!({ "FunctionName": "${Function}" });
        let member = match (self.is_json_path, is_callback) {
            (true, true) => {
                handed["Payload"] = json!({ "taskToken.$": "$$.Task.Token" });
                "Parameters"
            }
            (false, true) => {
                handed["Payload"] = json!({ "taskToken": "{% $states.context.Task.Token %}" });
                "Arguments"
            }
            (true, false) => {
                handed["Payload.$"] = json!("$");
                "Parameters"
            }
            (false, false) => {
                handed["Payload"] = json!("{% $states.input %}");
                "Arguments"
            }
        };
        json!({ "Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), member: handed })
    }

    fn nested(&mut self, name: &str) -> Value {
        self.nested.push(name.to_owned());
        let resource = "arn:aws:states:::states:startExecution.sync:2";
        if self.is_json_path {
            let handed = json!({ "StateMachineArn": "${Child}", "Input": { "given.$": "$", "id.$": "States.UUID()" } });
            json!({ "Type": "Task", "Resource": resource, "Parameters": handed })
        } else {
            let handed =
                json!({ "StateMachineArn": "${Child}", "Input": "{% {'given': $states.input, 'id': $uuid()} %}" });
            json!({ "Type": "Task", "Resource": resource, "Arguments": handed })
        }
    }

    fn other_call(&mut self) -> Value {
        let member = if self.is_json_path { "Parameters" } else { "Arguments" };
        json!({ "Type": "Task", "Resource": "arn:aws:states:::sns:publish", member: { "Message": "told" } })
    }

    fn map(&mut self, depth: usize, is_distributed: bool) -> Value {
        let mut machine = self.machine(depth + 1);
        if is_distributed {
            machine["ProcessorConfig"] = json!({ "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" });
        }
        let (member, items) =
            if self.is_json_path { ("ItemsPath", "$.items") } else { ("Items", "{% $states.input.items %}") };
        json!({ "Type": "Map", member: items, "ItemProcessor": machine })
    }

    fn choice(&mut self, next: &str, all: &[String]) -> Value {
        let elsewhere = &all[self.choices.below(all.len())];
        let mut rule = if self.is_json_path {
            json!({ "Variable": "$.go", "BooleanEquals": true })
        } else {
            json!({ "Condition": "{% $states.input.go %}" })
        };
        rule["Next"] = json!(elsewhere);
        json!({ "Type": "Choice", "Choices": [rule], "Default": next })
    }

    fn rules_of(&mut self, state: &mut Value, all: &[String]) {
        for list in ["Retry", "Catch"] {
            let mut rules = Vec::new();
            for error in ERRORS {
                if self.choices.below(12) == 11 {
                    let mut rule = json!({ "ErrorEquals": [error] });
                    if list == "Catch" {
                        rule["Next"] = json!(all[self.choices.below(all.len())]);
                        if self.is_json_path {
                            rule["ResultPath"] = json!("$.error");
                        } else {
                            rule["Output"] = json!("{% $states.input %}");
                        }
                    } else {
                        rule["MaxAttempts"] = json!(1);
                    }
                    rules.push(rule);
                }
            }
            if !rules.is_empty() {
                state[list] = json!(rules);
            }
        }
    }
}

/// A policy that says this of the machine's states.
pub fn policy(rules: &Map<String, Value>, nested: &[String]) -> AccessPolicy {
    let rules = rules.iter().map(|(name, rule)| {
        let members: Vec<String> =
            rule.as_object().unwrap().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        format!("states.\"{name}\" = {{ {} }}\n", members.join(", "))
    });
    let nested = nested.iter().map(|name| format!("nested.\"{name}\".workflow = \"child\"\n"));
    let start = "start.any_verified_caller = true\n";
    let text = format!(
        "[workflows.child]\nsession = \"ignored\"\nmax_duration = \"365d\"\n{start}states.C1.any_verified_caller = true\nstates.C2.any_verified_caller = true\n\
         [workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\n{start}{}{}",
        rules.collect::<String>(),
        nested.collect::<String>()
    );
    AccessPolicy::parse("access.toml", &text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

/// The author's machine of these choices, and the rules for it; none if nothing in it is guarded.
pub fn author(bytes: &[u8]) -> Option<(Value, Map<String, Value>, AccessPolicy)> {
    let mut choices = Choices(bytes.iter());
    let is_json_path = choices.sometimes();
    let mut author = Author { choices, is_json_path, names: 0, rules: Map::new(), nested: Vec::new() };
    let mut machine = author.machine(0);
    if !is_json_path {
        machine["QueryLanguage"] = json!("JSONata");
    }
    if author.rules.is_empty() {
        return None;
    }
    let policy = policy(&author.rules, &author.nested);
    Some((machine, author.rules, policy))
}
