//! Woven machines at work: what is asked of whom with which token, and how a run ends, for each kind of machine.
//!
//! The guards and the revalidation function are played here; they have tests of their own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod stage;

use std::collections::BTreeMap;
use std::path::Path;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use serde_json::{Value, json};
use stage::Stage;
use state_machine_interpreter::{Engine, Execution, ExecutionFailure, Stop, execute};

/// More than any run here takes.
const STEPS: u64 = 200;

/// A run of a woven machine: its states with the tokens that they handed over and the errors that they got, and its end.
struct Run {
    log: Vec<String>,
    inputs: BTreeMap<String, Vec<Value>>,
    end: Result<Value, ExecutionFailure>,
}

fn run(file: &str, input: Value, script: &[(&'static str, &[&'static str])]) -> Run {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    run_text(&std::fs::read_to_string(path).unwrap(), input, script)
}

fn run_text(machine: &str, input: Value, script: &[(&'static str, &[&'static str])]) -> Run {
    run_from(machine, json!({ "transactionToken": "t0", "input": input }), script)
}

/// A run that begins with what `executions`, or another execution, hands over.
fn run_from(machine: &str, input: Value, script: &[(&'static str, &[&'static str])]) -> Run {
    let machine: Value = serde_json::from_str(machine).unwrap();
    let script = script.iter().map(|(state, answers)| (*state, answers.to_vec())).collect();
    let mut stage = Stage { script, ..Stage::default() };
    let execution = Execution { id: "run".to_owned(), machine: "machine".to_owned(), input };
    let end = execute(&machine, execution, &mut stage, &Engine::as_documented(STEPS)).map_err(|stop| match stop {
        Stop::Failed(failure) => failure,
        Stop::Refused { state, reason } => panic!("{state}: {reason}"),
        Stop::OutOfSteps => panic!("{:?} and so on", stage.log),
    });
    Run { log: stage.log, inputs: stage.inputs, end }
}

/// A run of that fixture goes like this and ends like that: with nothing, or with an error and its cause.
#[track_caller]
fn check(
    name: &str,
    input: Value,
    script: &[(&'static str, &[&'static str])],
    log: &[&str],
    end: Option<(&str, &str)>,
) -> Run {
    let run = run(&format!("tests/weave/{name}.asl.json"), input, script);
    assert_eq!(run.log, log);
    assert_eq!(run.end.as_ref().err().cloned(), end.map(|(error, cause)| ExecutionFailure::new(error, cause)));
    run
}

#[test]
fn identity_that_is_too_old_is_renewed_and_the_state_gets_the_same_input() {
    let log = ["ReceiveIdentity", "Act t0 !IdentityExpired", "Revalidate Act t0", "Act t1", "Quiet t1", "Done"];
    let run = check("denied-path", json!({ "order": 7 }), &[("Act", &["IdentityExpired"])], &log, None);
    assert_eq!(run.inputs["Act"], [json!({ "order": 7 }), json!({ "order": 7 })]);
}

#[test]
fn grant_that_came_while_the_run_waited_is_seen_after_a_denial() {
    let log = ["ReceiveIdentity", "Act t0 !Denied", "Reconsider Act t0", "Act t1", "Quiet t1", "Done"];
    check("denied-path", json!({}), &[("Act", &["Denied"])], &log, None);
}

#[test]
fn denial_that_the_realm_confirms_ends_in_the_denied_path_with_the_input() {
    let log = ["ReceiveIdentity", "Act t0 !Denied", "Reconsider Act t0 !Denied", "IdentityDenied", "Refused"];
    let end = Some(("Order.Refused", "whoever ordered may not"));
    check("denied-path", json!({ "order": 7 }), &[("Act", &["Denied"]), ("Reconsider Act", &["Denied"])], &log, end);
    // A state that asks nobody after a denial goes there at once.
    let log = ["ReceiveIdentity", "Act t0", "Quiet t0 !Denied", "IdentityDenied", "Refused"];
    check("denied-path", json!({}), &[("Quiet", &["Denied"])], &log, end);
}

#[test]
fn denied_path_of_a_json_path_machine_gets_the_refusal_beside_the_input() {
    let log =
        ["ReceiveIdentity", "Look t0", "Pay t0 !Denied", "Reconsider Pay t0 !Denied", "IdentityDenied", "Refused"];
    let script: [(_, &[_]); 2] = [("Pay", &["Denied"]), ("Reconsider Pay", &["Denied"])];
    let cause = json!({ "errorType": "ClaimGuard.Denied", "errorMessage": "told so" }).to_string();
    check("json-path-denied-path", json!({ "order": 7 }), &script, &log, Some(("ClaimGuard.Denied", &cause)));
}

#[test]
fn denied_path_of_a_json_path_machine_is_reached_whatever_the_input_is() {
    let text = "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n\
                states.Act = { any_verified_caller = true, revalidate_on_denied = false }\n";
    let policy = AccessPolicy::parse("access.toml", text).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
    let act = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": { "FunctionName": "act", "Payload.$": "$" }, "End": true,
    });
    let denied = json!({ "Type": "Fail", "ErrorPath": "$.refusal.Error", "Cause": "the author's" });
    let machine = json!({ "StartAt": "Act", "States": { "Act": act, "IdentityDenied": denied } }).to_string();
    let woven = ksf::weave::weave(&machine, workflow).unwrap().machine;
    for input in [json!({ "order": 7 }), json!([1, 2]), json!("text"), json!(null)] {
        let run = run_text(&woven, input.clone(), &[("Act", &["Denied"])]);
        assert_eq!(run.end, Err(ExecutionFailure::new("ClaimGuard.Denied", "the author's")), "{input}");
    }
}

#[test]
fn refusals_in_branches_of_a_json_path_machine_pass_its_rules_for_all_errors() {
    let name = "json-path-denied-path";
    let input = || json!({ "lines": [{ "id": 1 }] });
    let begin =
        ["ReceiveIdentity", "Look t0", "Pay t0", "Look before EachLine", "EachLine", "ReceiveIdentity EachLine"];
    let with = |more: &[&'static str]| [&begin[..], more].concat();
    let log = with(&[
        "CheckLine t0",
        "WeighLine t0 !Denied",
        "IdentityDenied EachLine",
        "RefusalBesideInput",
        "IdentityDenied",
        "Refused",
    ]);
    let cause = json!({ "errorType": "ClaimGuard.Denied", "errorMessage": "told so" }).to_string();
    check(name, input(), &[("WeighLine", &["Denied"])], &log, Some(("ClaimGuard.Denied", &cause)));
    let log = with(&["CheckLine t0 !Rejected", "IdentityRejected EachLine", "IdentityRejected"]);
    let end = Some(("ClaimGuard.Rejected", "EachLine: told so"));
    check(name, input(), &[("CheckLine", &["Rejected"])], &log, end);
    let log = with(&["CheckLine t0 !Line.Odd", "LineFailed"]);
    check(name, input(), &[("CheckLine", &["Line.Odd"])], &log, None);
}

#[test]
fn refusals_in_branches_end_the_run_by_their_names() {
    let script: [(_, &[_]); 2] = [("ScreenPayee", &["Denied"]), ("Reconsider ScreenPayee", &["Denied"])];
    let log = [
        "ReceiveIdentity",
        "Look before Both",
        "Both",
        "ReceiveIdentity Both 1",
        "ScreenPayer t0",
        "Price",
        "PriceKnown",
        "ReceiveIdentity Both 3",
        "WaitForPayee",
        "ScreenPayee t0 !Denied",
        "Reconsider ScreenPayee t0 !Denied",
        "IdentityDenied Both 3",
        "IdentityDenied",
    ];
    check("parallel", json!({}), &script, &log, Some(("ClaimGuard.Denied", "Both: told so")));
    let log = [
        "ReceiveIdentity",
        "Look before Both",
        "Both",
        "ReceiveIdentity Both 1",
        "ScreenPayer t0 !Rejected",
        "IdentityRejected",
    ];
    check(
        "parallel",
        json!({}),
        &[("ScreenPayer", &["Rejected"])],
        &log,
        Some(("ClaimGuard.Rejected", "Both: told so")),
    );
    let log = [
        "ReceiveIdentity",
        "Look before Both",
        "Both",
        "ReceiveIdentity Both 1",
        "ScreenPayer t0 !Misconfigured",
        "GuardMisconfigured",
    ];
    let end = Some(("ClaimGuard.Misconfigured", "Both: told so"));
    check("parallel", json!({}), &[("ScreenPayer", &["Misconfigured"])], &log, end);
}

#[test]
fn branches_renew_their_own_tokens_and_leave_the_others_alone() {
    let log = [
        "ReceiveIdentity",
        "Look before Both",
        "Both",
        "ReceiveIdentity Both 1",
        "ScreenPayer t0 !IdentityExpired",
        "Revalidate ScreenPayer t0",
        "ScreenPayer t1",
        "Price",
        "PriceKnown",
        "ReceiveIdentity Both 3",
        "WaitForPayee",
        "ScreenPayee t0 !IdentityExpired",
        "Revalidate ScreenPayee t0",
        "ScreenPayee t2",
        "Done",
    ];
    let script: [(_, &[_]); 2] = [("ScreenPayer", &["IdentityExpired"]), ("ScreenPayee", &["IdentityExpired"])];
    check("parallel", json!({}), &script, &log, None);
}

#[test]
fn maps_in_maps_renew_at_their_depth() {
    let log = [
        "ReceiveIdentity",
        "Look before EachOrder",
        "EachOrder",
        "ReceiveIdentity EachOrder",
        "Open",
        "Look before EachLine",
        "EachLine",
        "ReceiveIdentity EachLine",
        "CheckLine t0",
        "ReceiveIdentity EachLine",
        "CheckLine t0 !IdentityExpired",
        "Revalidate CheckLine t0",
        "CheckLine t1",
        "CloseOrder t0 !IdentityExpired",
        "Revalidate CloseOrder t0",
        "CloseOrder t2",
        "EachNote",
    ];
    let script: [(_, &[_]); 2] = [("CheckLine", &["", "IdentityExpired"]), ("CloseOrder", &["IdentityExpired"])];
    let input = json!({ "orders": [{ "lines": [1, 2] }], "notes": [] });
    let run = check("map-in-map", input, &script, &log, None);
    assert_eq!(run.inputs["CheckLine"], [json!(1), json!(2), json!(2)]);
    assert_eq!(run.inputs["CloseOrder"][0], run.inputs["CloseOrder"][1]);
}

#[test]
fn items_of_a_distributed_map_adopt_the_identity_for_their_own_execution() {
    let log = [
        "ReceiveIdentity",
        "EachFile",
        "Adopt identity EachFile t0 in EachFile:0",
        "ImportFile t1 in EachFile:0",
        "Adopt identity EachFile t0 in EachFile:1",
        "ImportFile t2 in EachFile:1 !IdentityExpired",
        "Revalidate ImportFile t2 in EachFile:1",
        "ImportFile t3 in EachFile:1",
        "EachOther",
        "Adopt identity EachOther t0 in EachOther:0",
        "ImportOther t4 in EachOther:0 !Denied",
        "Reconsider ImportOther t4 in EachOther:0 !Denied",
        "IdentityDenied EachOther",
    ];
    let script: [(_, &[_]); 3] = [
        ("ImportFile", &["", "IdentityExpired"]),
        ("ImportOther", &["Denied"]),
        ("Reconsider ImportOther", &["Denied"]),
    ];
    let input = json!({ "files": ["a", "b"], "others": ["c"] });
    let end =
        Some(("States.ExceedToleratedFailureThreshold", "the specified tolerated failure threshold was exceeded"));
    let input = input.as_object().unwrap().clone();
    let run = check("distributed-json-path", Value::Object(input), &script, &log, end);
    assert_eq!(run.inputs["ImportFile"], [json!("a"), json!("b"), json!("b")]);
    assert_eq!(run.inputs["ImportOther"], [json!("c")]);
}

#[test]
fn nested_execution_is_started_with_a_token_and_a_name_of_its_own() {
    let log = [
        "ReceiveIdentity",
        "Order t0 !IdentityExpired",
        "Revalidate Order t0",
        "Order t1",
        "IsPaid",
        "Input of Settle",
        "Bind Settle t1",
        "Settle t2 as run-t2",
        "EachParcel",
        "ReceiveIdentity EachParcel",
        "Input of Ship",
        "Bind Ship t1",
        "Ship t3 as run-t3",
    ];
    let input = json!({ "amount": 7, "paid": false, "parcels": ["one"] });
    let run = check("nested", input, &[("Order", &["IdentityExpired"])], &log, None);
    assert_eq!((&run.inputs["Settle"][0], &run.inputs["Ship"][0]), (&json!({ "amount": 7 }), &json!("one")));
    let log = [
        "ReceiveIdentity",
        "Input of Settle",
        "Bind Settle t0",
        "Settle t1 as run-t1",
        "Input of Ship",
        "Bind Ship t0",
        "Ship t2 as run-t2",
        "Pay t0",
    ];
    let input = json!({ "order": { "amount": 7 }, "parcel": "one" });
    let run = check("nested-json-path", input, &[], &log, None);
    assert_eq!(run.inputs["Ship"], [json!("one")]);
    assert_eq!(run.inputs["Settle"][0]["amount"], 7);
    let log = ["ReceiveIdentity", "Input of Settle", "Bind Settle t0 !Denied", "IdentityDenied"];
    let end = Some(("ClaimGuard.Denied", "Bind Settle: told so"));
    check("nested-json-path", json!({ "order": { "amount": 7 } }), &[("Bind Settle", &["Denied"])], &log, end);
}

/// A machine whose nested start has an input that is another one each time it is evaluated.
fn by_chance(language: &str, arguments: Value) -> String {
    let member = if language == "JSONPath" { "Parameters" } else { "Arguments" };
    let mut start = json!({ "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": true });
    start[member] = arguments;
    json!({ "QueryLanguage": language, "StartAt": "Start", "States": { "Start": start } }).to_string()
}

#[test]
fn what_a_nested_execution_is_started_with_is_what_was_decided_on_whatever_else_it_might_be() {
    let text = "[workflows.child]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n\
                [workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\nnested.Start.workflow = \"child\"\n";
    let policy = AccessPolicy::parse("access.toml", text).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
    let jsonata = json!({ "StateMachineArn": "child", "Input": { "id": "{% $uuid() %}", "by": ["{% $random() %}"] } });
    let whole = json!({ "StateMachineArn": "child", "Input": "{% {'id': $uuid()} %}" });
    let paths = json!({ "StateMachineArn": "child", "Input": { "id.$": "States.UUID()" } });
    for (language, arguments) in [("JSONata", jsonata), ("JSONata", whole), ("JSONPath", paths)] {
        let woven = ksf::weave::weave(&by_chance(language, arguments), workflow).unwrap().machine;
        // The name is taken once, as after a redrive: another token, and the same input.
        let script: [(_, &[_]); 1] = [("Start", &["StepFunctions.ExecutionAlreadyExistsException"])];
        let run = run_text(&woven, json!({}), &script);
        let decided = &run.inputs["Bind Start"][0];
        assert!(decided["id"].is_string(), "{decided}");
        assert_eq!(run.inputs["Bind Start"], [decided.clone(), decided.clone()], "{language}");
        assert_eq!(run.inputs["Start"], [decided.clone(), decided.clone()], "{language}");
        // Weaving it again finds the author's expression.
        assert_eq!(ksf::weave::weave(&woven, workflow).unwrap().machine, woven);
    }
    for (language, input, presented) in [
        ("JSONata", json!({ "from": "{% $states.context.State.Name %}" }), "{% $states.context.State.Name %}"),
        (
            "JSONata",
            json!("{% {'at': $states.context.`State`.EnteredTime} %}"),
            "{% {'at': $states.context.`State`.EnteredTime} %}",
        ),
        ("JSONPath", json!({ "from.$": "$$.State.Name" }), "$$.State.Name"),
        (
            "JSONPath",
            json!({ "from.$": "States.Format('{}', $$['State'].Name)" }),
            "States.Format('{}', $$['State'].Name)",
        ),
    ] {
        let refused =
            ksf::weave::weave(&by_chance(language, json!({ "StateMachineArn": "child", "Input": input })), workflow);
        let told = format!(
            "state `Start`: `{presented}` in its `Input` reads what the context object says of the state, and weave has the input evaluated in \
             a state before; write it out, or assign it to a variable in a state of your own"
        );
        assert_eq!(refused.map(|woven| woven.machine).map_err(|refused| refused.reasons().to_vec()), Err(vec![told]));
    }
    // The state machine is the same, whichever state asks.
    for (language, input) in [
        ("JSONata", json!({ "machine": "{% $states.context.StateMachine.Id & 'State' %}" })),
        ("JSONPath", json!({ "machine.$": "$$.StateMachine.Id" })),
    ] {
        let arguments = json!({ "StateMachineArn": "child", "Input": input });
        let woven = ksf::weave::weave(&by_chance(language, arguments), workflow).unwrap().machine;
        assert_eq!(run_text(&woven, json!({}), &[]).end.map(|_| ()), Ok(()));
    }
}

#[test]
fn after_a_callback_the_next_guard_decides() {
    let log = [
        "ReceiveIdentity",
        "AskHuman t0 !IdentityExpired",
        "Refusal of AskHuman",
        "Revalidate AskHuman t0",
        "AskHuman t1",
        "Act t1 !IdentityExpired",
        "Revalidate Act t1",
        "Act t2",
    ];
    let script: [(_, &[_]); 2] = [("AskHuman", &["IdentityExpired"]), ("Act", &["IdentityExpired"])];
    let human = check("callback", json!({ "question": "well?" }), &script, &log, None);
    assert_eq!(human.inputs["AskHuman"][1], json!({ "taskToken": "task-token", "question": "well?" }));
    let log = ["ReceiveIdentity", "AskHuman t0 !Rejected", "Refusal of AskHuman", "IdentityRejected"];
    let rejected = run("tests/weave/callback.asl.json", json!({ "question": "well?" }), &[("AskHuman", &["Rejected"])]);
    assert_eq!(
        (rejected.log, rejected.end.unwrap_err().error),
        (log.map(str::to_owned).to_vec(), "ClaimGuard.Rejected".to_owned())
    );
    let log = ["ReceiveIdentity", "AskHuman t0 !States.Timeout", "NobodyAnswered"];
    let end = Some(("Human.Silent", "nobody answered within a week"));
    check("callback", json!({ "question": "well?" }), &[("AskHuman", &["States.Timeout"])], &log, end);
}

#[test]
fn answer_to_a_callback_passes_for_no_guard_s_word() {
    for named in ["Denied", "IdentityExpired", "Rejected", "Misconfigured", "Undecided"] {
        for cause in [
            "",
            " {\"errorType\":\"ClaimGuard.Denied\",\"errorMessage\":\"denied: see the audit line\"}",
            " errorMessage",
        ] {
            let answer: &'static str = format!("callback: ClaimGuard.{named}{cause}").leak();
            let answers: &'static [&'static str] = vec![answer; 6].leak();
            let run = run("tests/weave/callback.asl.json", json!({ "question": "well?" }), &[("AskHuman", answers)]);
            assert_eq!(run.log[run.log.len() - 2..], ["Refusal of AskHuman", "IdentityDenied"], "{answer}");
            let told = format!("AskHuman: not the guard, but the answer to a callback says `ClaimGuard.{named}`");
            assert_eq!(run.end, Err(ExecutionFailure::new("ClaimGuard.Denied", &told)), "{answer}");
        }
    }
}

#[test]
fn author_s_rules_for_all_errors_take_no_refusal_in() {
    // What fails for other reasons goes the author's way, in each scope.
    let log = [
        "ReceiveIdentity",
        "Act t0 !Act.Failed",
        "Act t0 again !Act.Failed",
        "Act t0 again !Act.Failed",
        "Repair",
        "Done",
    ];
    check("wildcards", json!([1]), &[("Act", &["Act.Failed", "Act.Failed", "Act.Failed"])], &log, None);
    let begin = [
        "ReceiveIdentity",
        "Act t0",
        "Look before Each",
        "Each",
        "ReceiveIdentity Each",
        "Both",
        "ReceiveIdentity Both 1",
    ];
    let with = |more: &[&'static str]| [&begin[..], more].concat();
    let log = with(&["Left t0 !Left.Failed", "LeftFailed", "Last t0", "Done"]);
    check("wildcards", json!([1]), &[("Left", &["Left.Failed"])], &log, None);
    // A refusal ends the run by its name, through every rule for all errors that is around.
    for (refusal, end) in
        [("Denied", "IdentityDenied"), ("Rejected", "IdentityRejected"), ("Misconfigured", "GuardMisconfigured")]
    {
        let left = format!("Left t0 !{refusal}");
        let [branch, each] = [" Both 1", " Each"].map(|scope| format!("{end}{scope}"));
        let log: Vec<&str> = begin.into_iter().chain([left.as_str(), &branch, &each, end]).collect();
        let error = format!("ClaimGuard.{refusal}");
        check("wildcards", json!([1]), &[("Left", &[refusal])], &log, Some((&error, "Each: told so")));
    }
    let log =
        with(&["Left t0", "Last t0 !Denied", "Reconsider Last t0 !Denied", "IdentityDenied Each", "IdentityDenied"]);
    let script: [(_, &[_]); 2] = [("Last", &["Denied"]), ("Reconsider Last", &["Denied"])];
    check("wildcards", json!([1]), &script, &log, Some(("ClaimGuard.Denied", "Each: told so")));
}

#[test]
fn undecided_is_asked_again_and_then_ends_the_run_by_its_name() {
    const FIVE: &[&str] = &["Undecided"; 5];
    let again = "Quiet t0 again !Undecided";
    let log = ["ReceiveIdentity", "Act t0", "Quiet t0 !Undecided", again, again, again, again];
    let cause = json!({ "errorType": "ClaimGuard.Undecided", "errorMessage": "told so" }).to_string();
    check("denied-path", json!({}), &[("Quiet", FIVE)], &log, Some(("ClaimGuard.Undecided", &cause)));
    let again = "Act t0 again !Undecided";
    let log = ["ReceiveIdentity", "Act t0 !Undecided", again, again, again, again, "IdentityUndecided"];
    check("wildcards", json!([1]), &[("Act", FIVE)], &log, Some(("ClaimGuard.Undecided", "Act: told so")));
}

#[test]
fn state_that_asks_first_is_entered_by_no_other_way() {
    let log = [
        "ReceiveIdentity",
        "Revalidate Pay t0",
        "Pay t1 !Undecided",
        "Pay t1 again !IdentityExpired",
        "Revalidate Pay t1",
        "Pay t2",
        "Round of Pay",
        "More",
        "Both",
        "ReceiveIdentity Both 1",
        "Revalidate PayLeft t2",
        "PayLeft t3 !Pay.Again",
        "Revalidate PayLeft t3",
        "PayLeft t4",
    ];
    let script: [(_, &[_]); 2] = [("Pay", &["Undecided", "IdentityExpired"]), ("PayLeft", &["Pay.Again"])];
    check("asked-first", json!({ "again": false, "both": true }), &script, &log, None);
}

#[test]
fn json_path_machine_keeps_its_paths() {
    let log = [
        "ReceiveIdentity",
        "Normalize",
        "IsBig",
        "Approve t0 !IdentityExpired",
        "Revalidate Approve t0",
        "Approve t1",
        "Look before CheckLines",
        "CheckLines",
        "ReceiveIdentity CheckLines",
        "CheckLine t1 !Denied",
        "Reconsider CheckLine t1",
        "CheckLine t2",
        "Revalidate Pay t1",
        "Pay t3",
        "Tell",
    ];
    let script: [(_, &[_]); 2] = [("Approve", &["IdentityExpired"]), ("CheckLine", &["Denied"])];
    let run = check("json-path", json!({ "order": { "amount": 2000 }, "lines": ["a"] }), &script, &log, None);
    assert_eq!(run.inputs["Approve"], [json!({ "amount": 2000 }), json!({ "amount": 2000 })]);
    let line = json!({ "line": "a", "strict": true });
    assert_eq!(run.inputs["CheckLine"], [line.clone(), line]);
    let paid = &run.inputs["Pay"][0];
    assert_eq!((&paid["approval"], &paid["checks"][0]["line"]), (&json!({ "by": "Approve" }), &json!("a")));
    let log = ["ReceiveIdentity", "Normalize", "IsBig", "Approve t0 !Rejected", "IdentityRejected"];
    let end = Some(("ClaimGuard.Rejected", "Approve: told so"));
    check("json-path", json!({ "order": { "amount": 2000 }, "lines": [] }), &[("Approve", &["Rejected"])], &log, end);
}

#[test]
fn sample_pays_on_what_the_realm_says_last() {
    let file = "../../statemachines/payment.asl.json";
    let input =
        json!({ "project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": ["a", "b"], "hold_seconds": 35 });
    let script: [(_, &[_]); 2] =
        [("ScreenPayment", &["IdentityExpired", "", "IdentityExpired"]), ("ApprovePayment", &["Denied"])];
    let log = [
        "ReceiveIdentity",
        "ReadParties",
        "HoldPayment",
        "Look before ScreenParties",
        "ScreenParties",
        "ReceiveIdentity ScreenParties",
        "ScreenPayment t0 !IdentityExpired",
        "Revalidate ScreenPayment t0",
        "ScreenPayment t1",
        "ReceiveIdentity ScreenParties",
        "ScreenPayment t0 !IdentityExpired",
        "Revalidate ScreenPayment t0",
        "ScreenPayment t2",
        "ApprovePayment t0 !Denied",
        "Reconsider ApprovePayment t0",
        "ApprovePayment t3",
        "Revalidate ExecutePayment t3",
        "ExecutePayment t4",
        "PaymentExecuted",
    ];
    let paid = run(file, input.clone(), &script);
    assert_eq!((paid.log, paid.end), (log.map(str::to_owned).to_vec(), Ok(json!({ "by": "ExecutePayment" }))));
    let withdrawn = run(file, input, &[("Revalidate ExecutePayment", &["Denied"])]);
    assert_eq!(withdrawn.log.last().map(String::as_str), Some("IdentityDenied"));
    assert_eq!(withdrawn.end, Err(ExecutionFailure::new("ClaimGuard.Denied", "Revalidate ExecutePayment: told so")));
}

/// The author's machine, woven with these guarded states and run.
fn run_woven(plain: &Value, guarded: &[&str], input: Value) -> Run {
    let rules: String = guarded.iter().map(|state| format!("states.{state}.any_verified_caller = true\n")).collect();
    let policy = format!(
        "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n{rules}"
    );
    let policy = AccessPolicy::parse("access.toml", &policy).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap();
    run_text(&ksf::weave::weave(&plain.to_string(), workflow).unwrap().machine, input, &[])
}

/// A machine of that language that reads the execution's input at its outset, in an item, in an execution of an item's own with an
/// identity and in one without. `path` is how a member is written there, and `arguments` where a Task has them.
fn reader(language: &str, path: &dyn Fn(&str, &str) -> (String, String), arguments: &str) -> Value {
    let is_json_path = language == "JSONPath";
    let task = |name: &str, from: &str| {
        let (member, value) = path("Payload", from);
        let (resource, handed) = ("arn:aws:states:::lambda:invoke", json!({ "FunctionName": name, member: value }));
        let kept = if is_json_path { ("ResultPath", Value::Null) } else { ("Output", json!("{% $states.input %}")) };
        json!({ "Type": "Task", "Resource": resource, arguments: handed, kept.0: kept.1 })
    };
    let machine = |name: &str, state: Value, mode: &str| {
        let mut state = state;
        state["End"] = json!(true);
        json!({ "ProcessorConfig": { "Mode": mode }, "StartAt": name, "States": { name: state } })
    };
    let map = |processor: Value, next: &str| {
        let (items, lines) = path(if is_json_path { "ItemsPath" } else { "Items" }, ".lines");
        let items = items.trim_end_matches(".$").to_owned();
        json!({ "Type": "Map", items: lines, "ItemProcessor": processor, "Next": next })
    };
    let (member, value) = path(if is_json_path { "kind" } else { "Output" }, ".line");
    let note = if is_json_path {
        json!({ "Type": "Pass", "Parameters": { member: value } })
    } else {
        json!({ "Type": "Pass", member: value })
    };
    let mut last = task("Last", "");
    last["End"] = json!(true);
    let mut first = task("First", ".kind");
    first["Next"] = json!("EachLine");
    json!({ "QueryLanguage": language, "StartAt": "First", "States": {
        "First": first,
        "EachLine": map(machine("Ship", task("Ship", ".kind"), "INLINE"), "EachFile"),
        "EachFile": map(machine("Import", task("Import", ".line"), "DISTRIBUTED"), "EachNote"),
        "EachNote": map(machine("Note", note, "DISTRIBUTED"), "Last"),
        "Last": last,
    } })
}

#[test]
fn author_s_part_of_the_execution_s_input_arrives_without_a_token() {
    let json_path = |member: &str, from: &str| (format!("{member}.$"), format!("$$.Execution.Input{from}"));
    let jsonata =
        |member: &str, from: &str| (member.to_owned(), format!("{{% $states.context.Execution.Input{from} %}}"));
    let input = json!({ "kind": "gift", "lines": [{ "line": 1 }] });
    for machine in [reader("JSONPath", &json_path, "Parameters"), reader("JSONata", &jsonata, "Arguments")] {
        let run = run_woven(&machine, &["First", "Ship", "Import", "Last"], input.clone());
        let handed = |state: &str| run.inputs[state].clone();
        assert_eq!((handed("First"), handed("Ship")), (vec![json!("gift")], vec![json!("gift")]));
        assert_eq!((handed("Import"), handed("Last")), (vec![json!(1)], vec![input.clone()]));
        let seen = json!([run.inputs.values().collect::<Vec<_>>(), run.end.unwrap()]).to_string();
        assert!(!seen.contains("transactionToken") && !seen.contains("t0"), "{seen}");
    }
}

/// The sample's machine, for which a token is old at once or stays young, and a payment with so many parties.
fn payment(is_old: bool, parties: u32) -> (String, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachines/payment.asl.json");
    let machine = std::fs::read_to_string(path).unwrap();
    let (young, old) = ("$transactionTokenSince >= 25000", "$transactionTokenSince >= 0");
    assert!(machine.contains(young), "five seconds less than the 30 that ScreenPayment takes");
    let parties: Vec<u32> = (0..parties).collect();
    let input = json!({ "project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": parties });
    (if is_old { machine.replace(young, old) } else { machine }, input)
}

/// A payment with twenty parties enters these of the states that call somebody.
#[track_caller]
fn check_payment(is_old: bool, begin: &[&str], screened: &str, rest: &[&str]) {
    let (machine, input) = payment(is_old, 20);
    let run = run_text(&machine, input, &[]);
    let calls: Vec<&str> = run.log.iter().map(String::as_str).filter(|line| line.contains(" t")).collect();
    assert_eq!(calls, [begin, &[screened; 20], rest].concat());
    run.end.unwrap();
}

#[test]
fn twenty_branches_that_would_each_renew_an_old_token_begin_with_one_new_one() {
    let rest = ["ApprovePayment t1", "Revalidate ExecutePayment t1", "ExecutePayment t2"];
    check_payment(true, &["Revalidate ScreenParties t0"], "ScreenPayment t1", &rest);
}

#[test]
fn nobody_is_asked_before_branches_that_begin_with_a_young_token() {
    let rest = ["ApprovePayment t0", "Revalidate ExecutePayment t0", "ExecutePayment t1"];
    check_payment(false, &[], "ScreenPayment t0", &rest);
}

#[test]
fn first_token_is_as_old_as_the_access_token_that_it_was_made_from() {
    let (machine, input) = payment(false, 2);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (age, renewed) in [(0, 0), (300, 1)] {
        let entered = json!({ "transactionToken": "t0", "saidAt": now - age, "input": input });
        let run = run_from(&machine, entered, &[]);
        run.end.unwrap();
        let asked = run.log.iter().filter(|line| *line == "Revalidate ScreenParties t0").count();
        assert_eq!(asked, renewed, "{age} s old");
    }
}

#[test]
fn refusal_of_the_one_new_token_ends_the_run_before_any_branch() {
    let (machine, input) = payment(true, 20);
    for (refusal, end) in [("Denied", "IdentityDenied"), ("Rejected", "IdentityRejected")] {
        let run = run_text(&machine, input.clone(), &[("Revalidate ScreenParties", &[refusal])]);
        let error = format!("ClaimGuard.{refusal}");
        let cause = "Revalidate ScreenParties: told so";
        assert_eq!(run.end, Err(ExecutionFailure::new(&error, cause)));
        assert_eq!(run.log.last().map(String::as_str), Some(end));
        assert!(!run.log.iter().any(|line| line.starts_with("ScreenP")), "{:?}", run.log);
    }
}

#[test]
fn guard_has_the_last_word_on_a_token_that_was_renewed_for_all() {
    let (machine, input) = payment(true, 2);
    let run = run_text(&machine, input, &[("ScreenPayment", &["IdentityExpired"])]);
    let asked: Vec<&str> = run.log.iter().map(String::as_str).filter(|line| line.contains("Screen")).collect();
    assert_eq!(
        asked,
        [
            "Look before ScreenParties",
            "Revalidate ScreenParties t0",
            "ScreenParties",
            "ReceiveIdentity ScreenParties",
            "ScreenPayment t1 !IdentityExpired",
            "Revalidate ScreenPayment t1",
            "ScreenPayment t2",
            "ReceiveIdentity ScreenParties",
            "ScreenPayment t1",
        ]
    );
}

#[test]
fn maps_in_maps_and_maps_of_json_path_machines_share_a_renewal_too() {
    let shared = |name: &str, input: Value| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/weave/{name}.asl.json"));
        let machine = std::fs::read_to_string(path).unwrap();
        let looks = machine.matches("$millis() - $transactionTokenSince").count();
        let old = machine.replace(">= 250000 %}", ">= 0 %}");
        let run = run_text(&old, input, &[]);
        run.end.unwrap();
        let renewed = run
            .log
            .into_iter()
            .filter(|line| line.starts_with("Revalidate Each") || line.starts_with("Revalidate CheckLines"));
        (looks, renewed.collect::<Vec<_>>())
    };
    let orders = json!({ "orders": [{ "lines": [1, 2] }, { "lines": [3] }], "notes": [] });
    let told = ["Revalidate EachOrder t0", "Revalidate EachLine t1", "Revalidate EachLine t1"].map(str::to_owned);
    assert_eq!(shared("map-in-map", orders), (2, told.to_vec()));
    let order = json!({ "order": { "amount": 2000 }, "lines": ["a", "b"] });
    assert_eq!(shared("json-path", order), (1, vec!["Revalidate CheckLines t0".to_owned()]));
}
