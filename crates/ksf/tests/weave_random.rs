//! What holds of every woven machine, over random small ones: any graph of Task, Choice, Pass, Wait, Map and Parallel.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "support/choices.rs"]
mod choices;

use std::collections::{BTreeMap, BTreeSet};

use choices::Choices;
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const EXPIRED: &str = "ClaimGuard.IdentityExpired";
const DENIED: &str = "ClaimGuard.Denied";
const LASTING: [&str; 3] = [DENIED, "ClaimGuard.Rejected", "ClaimGuard.Misconfigured"];
const UNDECIDED: &str = "ClaimGuard.Undecided";
const WILDCARDS: [&str; 2] = ["States.ALL", "States.TaskFailed"];

/// A machine of an author, and what the policy says of its guarded states.
struct Author<'a> {
    choices: Choices<'a>,
    is_json_path: bool,
    names: usize,
    rules: Map<String, Value>,
}

impl Author<'_> {
    fn machine(&mut self, depth: usize) -> Value {
        let count = 1 + self.choices.below(4);
        let names: Vec<String> = (0..count)
            .map(|_| {
                self.names += 1;
                format!("S{}", self.names)
            })
            .collect();
        let mut states = Map::new();
        for (number, name) in names.iter().enumerate() {
            states.insert(name.clone(), self.state(name, names.get(number + 1), &names, depth));
        }
        json!({ "StartAt": names[0], "States": states })
    }

    /// A state that goes on with the one behind it, so that each can be reached, and may go elsewhere too.
    fn state(&mut self, name: &str, next: Option<&String>, all: &[String], depth: usize) -> Value {
        let kinds = if depth < 2 { 7 } else { 5 };
        let mut state = match self.choices.below(kinds) {
            0 | 1 => self.guarded(name),
            2 => json!({ "Type": "Pass" }),
            3 => json!({ "Type": "Wait", "Seconds": 1 }),
            4 if next.is_some() => return self.choice(next.unwrap(), all),
            4 => json!({ "Type": "Pass" }),
            5 => json!({ "Type": "Map", "ItemProcessor": self.machine(depth + 1) }),
            _ => {
                let branches: Vec<Value> = (0..=self.choices.below(2)).map(|_| self.machine(depth + 1)).collect();
                json!({ "Type": "Parallel", "Branches": branches })
            }
        };
        if ["Task", "Map", "Parallel"].contains(&state["Type"].as_str().unwrap()) {
            self.rules_of(&mut state, all);
            if self.rules.get(name).is_some_and(|rule| rule["max_identity_age"] == "0s") {
                // Another Retry is refused there.
                state["Retry"] = json!([{ "ErrorEquals": ["Lambda.ServiceException"] }]);
            }
        }
        match next {
            Some(next) => state["Next"] = json!(next),
            None => state["End"] = json!(true),
        }
        state
    }

    fn guarded(&mut self, name: &str) -> Value {
        let mut rule = json!({ "any_verified_caller": true, "revalidate_on_denied": !self.choices.sometimes() });
        if self.choices.sometimes() {
            rule["max_identity_age"] = json!("0s");
        }
        self.rules.insert(name.to_owned(), rule);
        let (arguments, payload) =
            if self.is_json_path { ("Parameters", "Payload.$") } else { ("Arguments", "Payload") };
        let mut handed = json!({ "FunctionName": "${Function}" });
        let [order, whole] = if self.is_json_path {
            ["$.order", "$$.Execution.Input.order"]
        } else {
            ["{% $states.input.order %}", "{% $states.context.Execution.Input.order %}"]
        };
        match self.choices.below(4) {
            3 => handed[payload] = json!(order),
            2 => handed[payload] = json!(whole),
            _ => {}
        }
        json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", arguments: handed })
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
            for error in ["Work.Failed", "Lambda.ServiceException", "States.TaskFailed", "States.ALL"] {
                if self.choices.sometimes() {
                    let mut rule = json!({ "ErrorEquals": [error] });
                    if list == "Catch" {
                        rule["Next"] = json!(all[self.choices.below(all.len())]);
                    }
                    rules.push(rule);
                }
            }
            if !rules.is_empty() || self.choices.sometimes() {
                state[list] = json!(rules);
            }
        }
    }
}

/// The author's machine of these choices, and the policy for it; none if nothing in it is guarded.
fn author(bytes: &[u8]) -> Option<(Value, AccessPolicy)> {
    let mut choices = Choices(bytes.iter());
    let is_json_path = choices.sometimes();
    let mut author = Author { choices, is_json_path, names: 0, rules: Map::new() };
    let mut machine = author.machine(0);
    if !is_json_path {
        machine["QueryLanguage"] = json!("JSONata");
    }
    if author.rules.is_empty() {
        return None;
    }
    let rules = author.rules.iter().map(|(name, rule)| {
        let members: Vec<String> =
            rule.as_object().unwrap().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        format!("{name} = {{ {} }}\n", members.join(", "))
    });
    let policy = format!(
        "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n[workflows.w.states]\n{}",
        rules.collect::<String>()
    );
    Some((machine, AccessPolicy::parse("access.toml", &policy).unwrap()))
}

fn weave(machine: &str, policy: &AccessPolicy) -> String {
    let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
    ksf::weave::weave(machine, workflow).unwrap().machine
}

fn list<'a>(value: &'a Value, member: &str) -> Vec<&'a Value> {
    value[member].as_array().into_iter().flatten().collect()
}

fn errors(rule: &Value) -> Vec<&str> {
    list(rule, "ErrorEquals").into_iter().filter_map(Value::as_str).collect()
}

fn inner(state: &Value) -> Vec<&Value> {
    let items = Some(&state["ItemProcessor"]).filter(|machine| machine.is_object());
    items.into_iter().chain(list(state, "Branches")).collect()
}

fn states(machine: &Value) -> BTreeMap<&str, &Value> {
    machine["States"].as_object().unwrap().iter().map(|(name, state)| (name.as_str(), state)).collect()
}

/// Where a state goes, by each of its transitions in their order, but for what answers a guard.
fn transitions(state: &Value) -> Vec<&str> {
    let rules = list(state, "Choices").into_iter().chain(list(state, "Catch"));
    let rules = rules.filter(|rule| !errors(rule).iter().any(|error| error.starts_with("ClaimGuard.")));
    let all = [&state["Next"], &state["Default"]].into_iter().chain(rules.map(|rule| &rule["Next"]));
    all.filter_map(Value::as_str).collect()
}

/// The author's state that is reached by way of woven ones.
fn author_s<'a>(woven: &BTreeMap<&str, &'a Value>, plain: &BTreeMap<&str, &Value>, mut name: &'a str) -> &'a str {
    while !plain.contains_key(name) {
        // What looks at the token's age goes on as the author wrote it by default.
        name = woven[name]["Next"].as_str().or(woven[name]["Default"].as_str()).unwrap();
    }
    name
}

/// Each of the author's states is there and goes where it went, with nothing but woven states between.
fn same_paths(plain: &Value, woven: &Value) -> Result<(), TestCaseError> {
    let (before, after) = (states(plain), states(woven));
    prop_assert_eq!(author_s(&after, &before, woven["StartAt"].as_str().unwrap()), plain["StartAt"].as_str().unwrap());
    for (name, state) in &before {
        let there: Vec<&str> =
            transitions(after[name]).into_iter().map(|target| author_s(&after, &before, target)).collect();
        prop_assert_eq!(there, transitions(state), "{}", name);
        prop_assert_eq!(after[name]["End"].clone(), state["End"].clone());
        for (one, other) in inner(state).into_iter().zip(inner(after[name])) {
            same_paths(one, other)?;
        }
    }
    Ok(())
}

/// Whether a machine calls a function somewhere.
fn is_guarded(machine: &Value) -> bool {
    machine.to_string().contains(":lambda:invoke")
}

/// Where nothing is caught, or the rules of this list say it: the guard's errors come before any that stands for all.
fn no_wildcard_first(state: &Value) -> Result<(), TestCaseError> {
    for (member, all) in
        [("Catch", [&LASTING[..], &[UNDECIDED]].concat()), ("Retry", [&LASTING[..], &[EXPIRED]].concat())]
    {
        let mut taken = BTreeSet::new();
        for rule in list(state, member) {
            if errors(rule).iter().any(|error| WILDCARDS.contains(error)) {
                prop_assert!(all.iter().all(|error| taken.contains(error)), "{} of {}", member, state);
            }
            taken.extend(errors(rule));
        }
    }
    Ok(())
}

/// Each guarded state's refusals are caught by itself or around it, and each identity that is too old by itself.
fn all_is_caught(woven: &Value, around: &BTreeSet<&str>, reserved: &BTreeSet<&str>) -> Result<(), TestCaseError> {
    let mut assigned: BTreeSet<&str> = BTreeSet::new();
    for state in states(woven).values() {
        assigned.extend(state["Assign"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
    }
    prop_assert!(assigned.is_disjoint(reserved), "a branch assigns {:?} of {:?}", assigned, reserved);
    let reserved: BTreeSet<&str> = assigned.union(reserved).copied().collect();
    for (name, state) in states(woven) {
        if !is_guarded(state) {
            continue;
        }
        no_wildcard_first(state)?;
        let own = list(state, "Catch").into_iter().flat_map(errors);
        let caught: BTreeSet<&str> = own.chain(around.iter().copied()).collect();
        prop_assert!(LASTING.iter().all(|error| caught.contains(error)), "{}: {:?}", name, caught);
        if name.starts_with('S') && state["Type"] == "Task" {
            let mut expired = list(state, "Catch").into_iter().filter(|rule| errors(rule) == [EXPIRED]);
            prop_assert_eq!(expired.next().unwrap()["Next"].clone(), format!("Revalidate {name}"));
        }
        for machine in inner(state) {
            all_is_caught(machine, &caught, &reserved)?;
        }
    }
    Ok(())
}

/// Step Functions takes no state that cannot be reached, no long name, and no name twice.
fn all_is_reached(woven: &Value, names: &mut BTreeSet<String>) -> Result<(), TestCaseError> {
    let all = states(woven);
    let (mut reached, mut ahead) = (BTreeSet::new(), vec![woven["StartAt"].as_str().unwrap()]);
    while let Some(name) = ahead.pop() {
        if reached.insert(name) {
            let state = all[name];
            let rules = list(state, "Choices").into_iter().chain(list(state, "Catch"));
            let nexts = [&state["Next"], &state["Default"]].into_iter().chain(rules.map(|rule| &rule["Next"]));
            ahead.extend(nexts.filter_map(Value::as_str));
        }
    }
    prop_assert_eq!(&reached, &all.keys().copied().collect::<BTreeSet<_>>());
    for (name, state) in all {
        prop_assert!(name.chars().count() <= 80 && names.insert(name.to_owned()), "{}", name);
        for machine in inner(state) {
            all_is_reached(machine, names)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn weaving_keeps_the_author_s_paths_and_leaves_no_refusal_open(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        let Some((plain, policy)) = author(&bytes) else { return Ok(()) };
        let text = weave(&plain.to_string(), &policy);
        prop_assert_eq!(&weave(&text, &policy), &text, "woven again");
        // No state reads more of the execution's input than the author's part.
        let of_author = text.matches("Execution.Input.input.order").count();
        prop_assert_eq!(text.matches("Execution.Input").count(), of_author);
        prop_assert_eq!(plain.to_string().matches("Execution.Input").count(), of_author);
        let woven: Value = serde_json::from_str(&text).unwrap();
        same_paths(&plain, &woven)?;
        all_is_caught(&woven, &BTreeSet::new(), &BTreeSet::new())?;
        all_is_reached(&woven, &mut BTreeSet::new())?;
    }

    /// Numbers and placeholders come back as their author has spelled them, and what is woven is woven to itself.
    #[test]
    fn spelling_of_the_author_is_kept(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        spelled in prop::sample::select(vec![
            "12345678901234567890123", "1e2", "-0", "0.1234567890123456789", "1.0", "${N}", "-${N}", "${f(\"}\", {a = 1})}",
        ]),
    ) {
        let Some((plain, policy)) = author(&bytes) else { return Ok(()) };
        let spelled_in = |text: &str| text.matches(spelled).count();
        // Each Wait has one, and the machine another.
        let plain = plain.to_string().replacen('{', "{\"TimeoutSeconds\":9,", 1).replace("\"Seconds\":1", "\"Seconds\":9");
        let plain = plain.replace("Seconds\":9", &format!("Seconds\":{spelled}"));
        let text = weave(&plain, &policy);
        prop_assert_eq!(spelled_in(&text), spelled_in(&plain));
        prop_assert_eq!(weave(&text, &policy), text);
    }

    #[test]
    fn any_text_is_woven_or_refused(text in any::<String>()) {
        let (_, policy) = author(&[0, 0, 0, 0]).unwrap();
        let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
        prop_assert!(ksf::weave::weave(&text, workflow).is_err());
    }

    /// A woven machine with anything taken out or put in somewhere gets an answer, not a panic.
    #[test]
    fn damaged_machine_is_woven_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        place in any::<prop::sample::Index>(),
        junk in prop::sample::select(vec!["null", "[]", "{}", "\"Next\"", "7", "\"ClaimGuard.Denied\"", "\"Woven: \"", "\"$$.Execution.Input\"", "\"{% $states.context %}\""]),
    ) {
        let Some((plain, policy)) = author(&bytes) else { return Ok(()) };
        let text = weave(&plain.to_string(), &policy);
        let mut damaged: Value = serde_json::from_str(&text).unwrap();
        let mut pointers = Vec::new();
        collect(&damaged, String::new(), &mut pointers);
        *damaged.pointer_mut(&pointers[place.index(pointers.len())]).unwrap() = serde_json::from_str(junk).unwrap();
        let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
        if let Ok(woven) = ksf::weave::weave(&damaged.to_string(), workflow) {
            prop_assert_eq!(weave(&woven.machine, &policy), woven.machine);
        }
    }
}

/// Every place of a value.
fn collect(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{number}"), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all.push(at);
}
