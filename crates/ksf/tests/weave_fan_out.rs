//! Which Maps and Parallels begin with one renewed token, from what age on, and for which of their states.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use serde_json::{Value, json};

/// For each Map or Parallel: from which age on, in milliseconds, which state asks.
type Looks = BTreeMap<String, (String, String)>;

fn task() -> Value {
    json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": { "FunctionName": "act" }, "End": true })
}

fn machine(names: &[&str]) -> Value {
    let states = names.iter().map(|name| ((*name).to_owned(), task())).collect::<serde_json::Map<_, _>>();
    // The states after the first are reached by its Catch.
    let mut machine = json!({ "StartAt": names[0], "States": states });
    let rules = names[1..].iter().map(|name| json!({ "ErrorEquals": [format!("Act.{name}")], "Next": name }));
    let rules: Vec<Value> = rules.collect();
    if !rules.is_empty() {
        machine["States"][names[0]]["Catch"] = json!(rules);
    }
    machine
}

fn map(mode: &str, inside: Value) -> Value {
    let mut processor = inside;
    processor["ProcessorConfig"] = match mode {
        "DISTRIBUTED" => json!({ "Mode": mode, "ExecutionType": "STANDARD" }),
        _ => json!({ "Mode": mode }),
    };
    json!({ "Type": "Map", "ItemProcessor": processor, "End": true })
}

fn parallel(branches: &[Value]) -> Value {
    json!({ "Type": "Parallel", "Branches": branches, "End": true })
}

fn looks(machine: &Value, found: &mut Looks) {
    for (name, state) in machine["States"].as_object().unwrap() {
        if let Some(fan_out) = name.strip_prefix("Look before ") {
            let condition = state["Choices"][0]["Condition"].as_str().unwrap();
            let age = condition.split_once(">= ").unwrap().1.trim_end_matches(" %}").to_owned();
            let renewal = &machine["States"][state["Choices"][0]["Next"].as_str().unwrap()];
            assert_eq!((&state["Default"], &renewal["Next"]), (&json!(fan_out), &json!(fan_out)));
            let renew = &renewal["Arguments"]["Payload"]["renew"];
            assert_eq!(renew["cause"], "expired");
            found.insert(fan_out.to_owned(), (age, renew["state"].as_str().unwrap().to_owned()));
        }
        let inner = state["Branches"].as_array().into_iter().flatten().chain(state.get("ItemProcessor"));
        inner.into_iter().for_each(|machine| looks(machine, found));
    }
}

/// A machine that begins with that state, and guards these with these greatest ages, looks before these.
#[track_caller]
fn check(first: Value, guarded: &[(&str, Option<&str>)], expected: &[(&str, &str, &str)]) {
    let rules = guarded.iter().map(|(name, age)| {
        let age = age.map(|age| format!(", max_identity_age = \"{age}\"")).unwrap_or_default();
        format!("states.{name} = {{ any_verified_caller = true{age} }}\n")
    });
    let policy = format!(
        "[workflows.w]\nmax_duration = \"365d\"\nsession = \"ignored\"\nstart.any_verified_caller = true\n{}",
        rules.collect::<String>()
    );
    let policy = AccessPolicy::parse("access.toml", &policy).unwrap();
    let machine = json!({ "StartAt": "Fan", "States": { "Fan": first } }).to_string();
    let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
    let woven = ksf::weave::weave(&machine, workflow).unwrap().machine;
    for depth in ["", "1", "2"] {
        let since = format!("transactionTokenSince{depth}");
        let is_read = [" >=", " %}"].iter().any(|behind| woven.contains(&format!("${since}{behind}")));
        assert_eq!(woven.contains(&format!("\"{since}\":")), is_read, "{since} is noted where it is read");
    }
    let mut found = Looks::new();
    looks(&serde_json::from_str(&woven).unwrap(), &mut found);
    let expected =
        expected.iter().map(|(fan_out, age, state)| ((*fan_out).to_owned(), ((*age).to_owned(), (*state).to_owned())));
    assert_eq!(found, expected.collect());
    assert_eq!(ksf::weave::weave(&woven, workflow).unwrap().machine, woven, "woven again");
}

#[test]
fn branches_with_different_rules_begin_as_young_as_the_strictest_asks() {
    let ages = [("A", Some("1h")), ("B", Some("30s")), ("C", None)];
    check(parallel(&["A", "B", "C"].map(|name| machine(&[name]))), &ages, &[("Fan", "25000", "B")]);
    check(map("INLINE", machine(&["A", "C", "B"])), &ages, &[("Fan", "25000", "B")]);
    // No statement outlives its token, whatever a state takes: five minutes, where the policy says nothing.
    check(map("INLINE", machine(&["A"])), &ages[..1], &[("Fan", "250000", "A")]);
}

#[test]
fn state_that_is_asked_for_every_attempt_shares_nothing() {
    check(map("INLINE", machine(&["A"])), &[("A", Some("0s"))], &[]);
    check(parallel(&[machine(&["A"]), machine(&["B"])]), &[("A", Some("0s")), ("B", Some("30s"))], &[]);
    let ages = [("A", Some("0s")), ("B", Some("10s"))];
    check(map("INLINE", machine(&["A", "B"])), &ages, &[("Fan", "5000", "B")]);
}

#[test]
fn one_guarded_state_that_is_entered_once_shares_with_nobody() {
    let unguarded = json!({ "StartAt": "Rest", "States": { "Rest": { "Type": "Pass", "End": true } } });
    check(parallel(&[machine(&["A"]), unguarded]), &[("A", Some("30s"))], &[]);
}

#[test]
fn executions_of_their_own_share_nothing_with_what_is_around_them() {
    check(map("DISTRIBUTED", machine(&["A"])), &[("A", Some("30s"))], &[]);
    let inside = json!({ "StartAt": "Inner", "States": { "Inner": map("INLINE", machine(&["A"])) } });
    // An item's own execution shares among its own branches.
    check(map("DISTRIBUTED", inside.clone()), &[("A", Some("30s"))], &[("Inner", "25000", "A")]);
    check(map("INLINE", inside), &[("A", Some("30s"))], &[("Fan", "25000", "A"), ("Inner", "25000", "A")]);
}

#[test]
fn branch_that_shares_with_no_other_hands_a_map_inside_the_age_of_its_token() {
    let inside = json!({ "StartAt": "Inner", "States": { "Inner": map("INLINE", machine(&["A"])) } });
    check(parallel(&[inside]), &[("A", Some("30s"))], &[("Inner", "25000", "A")]);
}
