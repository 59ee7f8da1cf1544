//! What no woven machine may do, whoever wrote it: succeed although a guard's last word on some state was no, go round for
//! ever, or give two pieces of work one key or one piece two. Machines that weave refuses do neither.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod author;
#[path = "../support/choices.rs"]
mod choices;
#[path = "../support/failures.rs"]
mod failures;
mod pieces;
mod realm;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use proptest::prelude::*;
use realm::{Answer, NOS, Realm};
use serde_json::{Map, Value, json};
use state_machine_interpreter::{Engine, Execution, Habits, RetryCount, Stop, execute};

/// Enough for every run that ends: loops of the authors are bounded, and scripts are short.
const STEPS: u64 = 3_000;
const RUN: &str = "run";

/// Each way in which engines may differ.
const HABITS: [Habits; 2] = [
    Habits { redrive_count: Some(0), retry_count: RetryCount::Always, is_branch_failed_a_wildcard: true },
    Habits { redrive_count: None, retry_count: RetryCount::OnceRetried, is_branch_failed_a_wildcard: false },
];

fn woven(machine: &Value, policy: &AccessPolicy, workflow: &str) -> Option<Value> {
    let workflow = policy.workflow(&WorkflowName::parse(workflow).unwrap()).unwrap();
    let woven = ksf::weave::weave(&machine.to_string(), workflow).ok()?;
    Some(serde_json::from_str(&woven.machine).unwrap())
}

/// What goes wrong in a run: what happened, and the outcome that may not be.
fn fault(machine: &Value, realm: &mut Realm<'_>, habits: Habits) -> Option<String> {
    let items = json!([{ "items": [1], "go": true }, { "items": [1, 2], "go": false }]);
    let input = json!({ "transactionToken": "token-0", "input": { "items": items, "go": true } });
    let execution = Execution { id: RUN.to_owned(), machine: "machine".to_owned(), input };
    let end = execute(machine, execution, realm, &Engine::new(STEPS, habits));
    let end = realm.fault.take().map_or(end, Err);
    let shared = realm.pieces.fault.take();
    let wrong = match end {
        _ if shared.is_some() => shared.unwrap_or_default(),
        Ok(_) if realm.nos.is_empty() => return None,
        Ok(_) => format!("it succeeded although {:?}", realm.nos),
        Err(Stop::Failed(_)) => return None,
        Err(Stop::OutOfSteps) => "it goes round for ever".to_owned(),
        Err(Stop::Refused { state, reason }) => format!("it is no machine that AWS takes: {state}: {reason}"),
    };
    let log: Vec<&str> = realm.log.iter().take(60).map(String::as_str).collect();
    Some(format!("{wrong}\n{}\n{machine:#}", log.join("\n")))
}

/// The states of a machine that call something, at any depth.
fn callers(machine: &Value, all: &mut Vec<String>) {
    for (name, state) in machine["States"].as_object().unwrap() {
        if state["Type"] == "Task" {
            all.push(name.clone());
        }
        let branches = state["Branches"].as_array().into_iter().flatten();
        for inner in branches.chain([&state["ItemProcessor"]].into_iter().filter(|inner| inner.is_object())) {
            callers(inner, all);
        }
    }
}

/// The first fault of the woven machine: with each of its callers told the same no for ever behind this script, and without.
fn first_fault(machine: &Value, rules: &Map<String, Value>, child: &Value, script: &[u8]) -> Option<String> {
    let mut tails = vec![None];
    let mut all = vec!["C1".to_owned(), "C2".to_owned()];
    callers(machine, &mut all);
    tails.extend(all.iter().flat_map(|state| NOS.map(|no| Some((state.clone(), Answer::No(no))))));
    for (habits, script) in HABITS.into_iter().zip([script, &[]]) {
        for tail in &tails {
            let mut realm = Realm::new(script, rules, child, RUN);
            realm.tail = tail.clone();
            if let Some(fault) = fault(machine, &mut realm, habits) {
                return Some(format!("{tail:?}: {fault}"));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_refused_execution_succeeds_and_none_goes_round_for_ever(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        script in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let Some((plain, rules, policy)) = author::author(&bytes) else { return Ok(()) };
        let child = woven(&author::child(), &policy, "child").unwrap();
        let Some(woven) = woven(&plain, &policy, "w") else { return Ok(()) };
        prop_assert_eq!(first_fault(&woven, &rules, &child, &script), None);
    }
}

/// A machine of these states is refused, or keeps what the property says.
#[track_caller]
fn check(states: Value, guarded: &[&str]) {
    let rules: Map<String, Value> =
        guarded.iter().map(|name| ((*name).to_owned(), json!({ "any_verified_caller": true }))).collect();
    let policy = author::policy(&rules, &[]);
    let child = woven(&author::child(), &policy, "child").unwrap();
    let machine = json!({ "QueryLanguage": "JSONata", "StartAt": "A", "States": states });
    if let Some(woven) = woven(&machine, &policy, "w") {
        assert_eq!(first_fault(&woven, &rules, &child, &[]), None);
    }
}

fn guarded(next: Value) -> Value {
    let mut state = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Output": "{% $states.input %}",
        "Arguments": { "FunctionName": "${F}", "Payload": "{% $states.input %}" },
    });
    state.as_object_mut().unwrap().extend(next.as_object().unwrap().clone());
    state
}

fn distributed(states: Value) -> Value {
    let config = json!({ "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" });
    let processor = json!({ "ProcessorConfig": config, "StartAt": "G", "States": states });
    json!({ "Type": "Map", "Items": "{% $states.input.items %}", "ItemProcessor": processor, "End": true })
}

#[test]
fn refusal_in_a_child_run_is_not_taken_in_by_what_is_around_its_map() {
    let map = distributed(json!({ "G": guarded(json!({ "End": true })) }));
    let inner = json!({ "StartAt": "M", "States": { "M": map } });
    for error in ["States.ExceedToleratedFailureThreshold", "States.TaskFailed", "States.ALL", "States.BranchFailed"] {
        let rule = json!([{ "ErrorEquals": [error], "Next": "Z" }]);
        let parallel = json!({ "Type": "Parallel", "Branches": [inner], "Catch": rule, "Next": "Z" });
        check(json!({ "A": parallel, "Z": { "Type": "Succeed" } }), &["G"]);
        let each = json!({ "Type": "Map", "Items": "{% [$states.input] %}", "ItemProcessor": inner, "Catch": rule, "Next": "Z" });
        check(json!({ "A": each, "Z": { "Type": "Succeed" } }), &["G"]);
    }
}

#[test]
fn denied_path_of_the_author_s_ends_in_failure_and_reaches_no_guard() {
    let onward = [
        json!({ "Type": "Succeed" }),
        json!({ "Type": "Pass", "End": true }),
        json!({ "Type": "Pass", "Next": "A" }),
        json!({ "Type": "Pass", "Next": "B" }),
        json!({ "Type": "Choice", "Choices": [{ "Condition": true, "Next": "B" }], "Default": "Z" }),
        json!({ "Type": "Fail", "Error": "Own" }),
    ];
    for denied in onward {
        let states = json!({
            "A": guarded(json!({ "Next": "B" })), "B": guarded(json!({ "Next": "Z" })), "Z": { "Type": "Succeed" },
            "IdentityDenied": denied,
        });
        check(states, &["A", "B"]);
    }
}

/// A loop around a Map of a loop around a Map, with guards at every depth.
fn loops_and_maps(is_json_path: bool) -> Value {
    let state = |mut state: Value, more: Value| {
        state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if is_json_path {
            state["ResultPath"] = json!(null);
        } else {
            state["Output"] = json!("{% $states.input %}");
        }
        state
    };
    let guarded = |more: Value| {
        let (member, handed) = if is_json_path {
            ("Parameters", json!({ "FunctionName": "${F}", "Payload.$": "$" }))
        } else {
            ("Arguments", json!({ "FunctionName": "${F}", "Payload": "{% $states.input %}" }))
        };
        state(json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", member: handed }), more)
    };
    let map = |processor: Value, more: Value| {
        let (member, items) =
            if is_json_path { ("ItemsPath", "$.items") } else { ("Items", "{% $states.input.items %}") };
        let map = json!({ "Type": "Map", member: items, "ItemProcessor": processor });
        let retry = json!({ "Retry": [{ "ErrorEquals": ["Work.Failed"], "MaxAttempts": 5 }] });
        state(state(map, retry), more)
    };
    let again = |next: &str, otherwise: &str| {
        let rule = if is_json_path {
            json!({ "Variable": "$.go", "BooleanEquals": true, "Next": next })
        } else {
            json!({ "Condition": "{% $states.input.go %}", "Next": next })
        };
        json!({ "Type": "Choice", "Choices": [rule], "Default": otherwise })
    };
    let innermost = json!({ "StartAt": "H", "States": { "H": guarded(json!({ "End": true })) } });
    let inner = json!({ "StartAt": "G", "States": {
        "G": guarded(json!({ "Next": "N" })),
        "N": map(innermost, json!({ "Next": "C" })),
        "C": again("G", "E"),
        "E": { "Type": "Pass", "End": true },
    } });
    let language = if is_json_path { "JSONPath" } else { "JSONata" };
    json!({ "QueryLanguage": language, "StartAt": "A", "States": {
        "A": guarded(json!({ "Next": "M" })),
        "M": map(inner, json!({ "Next": "L" })),
        "L": again("A", "Z"),
        "Z": { "Type": "Succeed" },
    } })
}

/// What goes wrong in a run of loops and Maps in which the first calls and choices come to this, and how many pieces of work it does.
fn pieces_of(is_json_path: bool, script: &[u8]) -> (Option<String>, usize) {
    let rules: Map<String, Value> =
        ["A", "G", "H"].map(|name| (name.to_owned(), json!({ "any_verified_caller": true }))).into_iter().collect();
    let policy = author::policy(&rules, &[]);
    let child = woven(&author::child(), &policy, "child").unwrap();
    let woven = woven(&loops_and_maps(is_json_path), &policy, "w").unwrap();
    let mut realm = Realm::new(script, &rules, &child, RUN);
    let fault = fault(&woven, &mut realm, HABITS[0]);
    (fault, realm.pieces.count())
}

#[test]
fn each_item_and_each_round_is_a_piece_of_work_and_a_retry_or_renewal_is_none() {
    const WELL: u8 = 0;
    const EXPIRED: u8 = 131;
    const FAILED: u8 = 208;
    const UNDECIDED: u8 = 129;
    assert_eq!(Answer::of(EXPIRED), Answer::No("ClaimGuard.IdentityExpired"));
    assert_eq!(Answer::of(FAILED), Answer::Work("Work.Failed"));
    assert_eq!(Answer::of(UNDECIDED), Answer::No("ClaimGuard.Undecided"));
    for is_json_path in [false, true] {
        // One round of everything: A, then G for two items, then H for one and for two in them.
        assert_eq!(pieces_of(is_json_path, &[]), (None, 6));
        for again in [EXPIRED, UNDECIDED, FAILED] {
            // The revalidation that follows has its own byte.
            let script: &[u8] = if again == EXPIRED { &[WELL, again, WELL] } else { &[WELL, again] };
            assert_eq!(pieces_of(is_json_path, script), (None, 6), "{again}");
            assert_eq!(pieces_of(is_json_path, &[script, &[WELL], script].concat()).0, None, "{again}");
        }
        // Three rounds of A and M, and of G and N of the first item three in the first one.
        assert_eq!(pieces_of(is_json_path, &[WELL; 60]), (None, 3 + 8 + 11));
    }
}
