//! Machines run as AWS runs them: what is not there is a failure by AWS's name, and each rule takes in what it may.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use serde_json::{Value, json};
use state_machine_interpreter::{Call, Engine, Execution, ExecutionFailure, Habits, RetryCount, Stop, World, execute};

/// Answers each call with what it was handed, or fails by the error that is the state's name.
struct Echo;

impl World for Echo {
    fn call(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure> {
        match call.place.state.strip_prefix("Fail ") {
            Some(error) => Err(ExecutionFailure::without_cause(error)),
            None => Ok(call.arguments.clone()),
        }
    }
}

fn run_on(engine: &Engine, machine: &Value, input: Value) -> Result<Value, Stop> {
    let execution = Execution { id: "arn:execution:m:run".to_owned(), machine: "arn:stateMachine:m".to_owned(), input };
    execute(machine, execution, &mut Echo, engine)
}

/// A machine of these states begins with `A` and ends like that.
#[track_caller]
fn check(language: &str, states: Value, input: Value, end: Result<Value, &str>) {
    let machine = json!({ "QueryLanguage": language, "StartAt": "A", "States": states });
    let ended = run_on(&Engine::as_documented(50), &machine, input).map_err(|stop| match stop {
        Stop::Failed(failure) => failure.error,
        Stop::Refused { state, reason } => format!("refused: {state}: {reason}"),
        Stop::OutOfSteps => "out of steps".to_owned(),
    });
    assert_eq!(ended, end.map_err(str::to_owned));
}

/// One state of JSONPath.
#[track_caller]
fn check_path(mut state: Value, input: Value, end: Result<Value, &str>) {
    state["End"] = json!(true);
    check("JSONPath", json!({ "A": state }), input, end);
}

/// One Pass of JSONata with that Output.
#[track_caller]
fn check_output(output: &str, input: Value, end: Result<Value, &str>) {
    let output = format!("{{% {output} %}}");
    check("JSONata", json!({ "A": { "Type": "Pass", "Output": output, "End": true } }), input, end);
}

#[test]
fn json_path_moves_data_as_aws_does() {
    let task = json!({
        "Type": "Task", "Resource": "r", "InputPath": "$.in", "Parameters": { "x.$": "$.x", "s.$": "$$.State.Name" },
        "ResultSelector": { "y.$": "$.x" }, "ResultPath": "$.out.result", "OutputPath": "$.out",
    });
    check_path(task, json!({ "in": { "x": 1 } }), Ok(json!({ "result": { "y": 1 } })));
    check_path(json!({ "Type": "Pass", "Result": 7, "ResultPath": "$.a" }), json!({}), Ok(json!({ "a": 7 })));
    check_path(json!({ "Type": "Pass", "Result": 7, "ResultPath": null }), json!({ "b": 1 }), Ok(json!({ "b": 1 })));
    check_path(
        json!({ "Type": "Pass", "Result": 7, "ResultPath": "$.a" }),
        json!(1),
        Err("States.ResultPathMatchFailure"),
    );
    let format = "States.Format('{}-{}', States.ArrayGetItem(States.StringSplit($.t, ','), 1), $.n)";
    check_path(
        json!({ "Type": "Pass", "Parameters": { "x.$": format } }),
        json!({ "t": "a,b", "n": 2 }),
        Ok(json!({ "x": "b-2" })),
    );
    let merge = "States.JsonMerge($$.Execution.Input, $.more, false)";
    check_path(
        json!({ "Type": "Pass", "Parameters": { "x.$": merge } }),
        json!({ "more": { "b": 2 } }),
        Ok(json!({ "x": { "more": { "b": 2 }, "b": 2 } })),
    );
    check_path(
        json!({ "Type": "Pass", "Parameters": { "x.$": "States.StringToJson($.t)" } }),
        json!({ "t": "{" }),
        Err("States.IntrinsicFailure"),
    );
}

#[test]
fn what_is_not_there_ends_the_execution_and_nothing_catches_it() {
    check_path(json!({ "Type": "Pass", "InputPath": "$.none" }), json!({}), Err("States.Runtime"));
    let caught = json!({
        "A": { "Type": "Task", "Resource": "r", "Parameters": { "x.$": "$.none" }, "Next": "B",
               "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "B" }, { "ErrorEquals": ["States.Runtime"], "Next": "B" }] },
        "B": { "Type": "Succeed" },
    });
    check("JSONPath", caught, json!({}), Err("States.Runtime"));
    check_path(json!({ "Type": "Pass", "Parameters": { "x.$": "$unassigned" } }), json!({}), Err("States.Runtime"));
    check_path(json!({ "Type": "Pass", "Parameters": { "x.$": "$$.Task.Token" } }), json!({}), Err("States.Runtime"));
}

#[test]
fn expression_without_a_value_can_be_caught() {
    check_output("$states.input.none", json!({}), Err("States.QueryEvaluationError"));
    check_output("$unassigned", json!({}), Err("States.QueryEvaluationError"));
    check_output("$states.input.a + 1", json!({ "a": "x" }), Err("States.QueryEvaluationError"));
    let caught = json!({
        "A": { "Type": "Task", "Resource": "r", "Arguments": "{% $states.input.none %}", "Next": "B",
               "Catch": [{ "ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "B" }] },
        "B": { "Type": "Succeed" },
    });
    check("JSONata", caught, json!({}), Ok(json!("States.QueryEvaluationError")));
}

#[test]
fn functions_that_step_functions_adds_are_there() {
    let input = json!({ "list": [1, 2, 3], "text": "{\"a\":1}" });
    check_output("$partition($states.input.list, 2)", input.clone(), Ok(json!([[1, 2], [3]])));
    check_output("$range(1, 5, 2)", input.clone(), Ok(json!([1, 3, 5])));
    check_output("$parse($states.input.text).a", input.clone(), Ok(json!(1)));
    check_output("$type($states.context.State.RetryCount)", input.clone(), Ok(json!("number")));
    check_output("$hash('', 'SHA-1')", input.clone(), Ok(json!("da39a3ee5e6b4b0d3255bfef95601890afd80709")));
    check_output("$map($states.input.list, function($x) { $x * 2 })", input.clone(), Ok(json!([2, 4, 6])));
    check_output(
        "$sift($states.input, function($v, $k) { $k != 'list' })",
        input.clone(),
        Ok(json!({ "text": "{\"a\":1}" })),
    );
    check_output("$merge([$states.input, { 'b': 1 }]).b", input, Ok(json!(1)));
}

#[test]
fn state_of_one_language_has_no_member_of_the_other() {
    check_path(json!({ "Type": "Pass", "Output": 1 }), json!({}), Err("refused: A: `Output` is of the other language"));
    let state = json!({ "A": { "Type": "Pass", "ResultPath": null, "End": true } });
    check("JSONata", state, json!({}), Err("refused: A: `ResultPath` is of the other language"));
}

#[test]
fn choice_without_a_rule_that_holds_fails() {
    let choice = |default: Value| {
        let mut choice =
            json!({ "Type": "Choice", "Choices": [{ "Variable": "$.n", "NumericEquals": 1, "Next": "B" }] });
        if default.is_string() {
            choice["Default"] = default;
        }
        json!({ "A": choice, "B": { "Type": "Pass", "Result": "B", "End": true }, "C": { "Type": "Pass", "Result": "C", "End": true } })
    };
    check("JSONPath", choice(json!("C")), json!({ "n": 1 }), Ok(json!("B")));
    check("JSONPath", choice(json!("C")), json!({ "n": 2 }), Ok(json!("C")));
    check("JSONPath", choice(json!(null)), json!({ "n": 2 }), Err("States.NoChoiceMatched"));
    check("JSONPath", choice(json!("C")), json!({}), Err("States.Runtime"));
}

#[test]
fn more_than_256_kib_ends_the_execution_and_its_own_name_alone_catches_it() {
    let large = json!({ "x": "x".repeat(262_144) });
    check_path(json!({ "Type": "Pass" }), large.clone(), Err("States.DataLimitExceeded"));
    let rule = |name: &str| {
        json!({
            "A": { "Type": "Task", "Resource": "r", "Parameters": { "x.$": "$.x" }, "Next": "B", "ResultPath": null,
                   "Catch": [{ "ErrorEquals": [name], "Next": "B" }] },
            "B": { "Type": "Pass", "Result": 1, "End": true },
        })
    };
    check("JSONPath", rule("States.ALL"), large.clone(), Err("States.DataLimitExceeded"));
    check("JSONPath", rule("States.DataLimitExceeded"), large, Ok(json!(1)));
}

#[test]
fn branch_sees_outer_variables_and_assigns_none_of_their_names() {
    let states = |name: &str| {
        let branch = json!({ "StartAt": "C", "States": { "C": {
            "Type": "Pass", "Assign": { name: 2 }, "Output": "{% $outer %}", "End": true } } });
        json!({
            "A": { "Type": "Pass", "Assign": { "outer": 1 }, "Next": "B" },
            "B": { "Type": "Parallel", "Branches": [branch.clone(), branch], "End": true },
        })
    };
    check("JSONata", states("own"), json!({}), Ok(json!([1, 1])));
    check("JSONata", states("outer"), json!({}), Err("refused: C: `outer` is an outer variable"));
}

#[test]
fn items_run_inline_or_in_executions_of_their_own() {
    let map = |mode: &str, of_item: &str| {
        json!({
            "Type": "Map", "ItemsPath": "$.list", "ItemSelector": { "v.$": "$$.Map.Item.Value", "o.$": "$.o" },
            "ItemProcessor": { "ProcessorConfig": { "Mode": mode }, "StartAt": "I", "States": {
                "I": { "Type": "Pass", "Parameters": { "x.$": of_item }, "End": true } } },
        })
    };
    let input = json!({ "list": [1, 2], "o": 3 });
    check_path(map("INLINE", "$.v"), input.clone(), Ok(json!([{ "x": 1 }, { "x": 2 }])));
    check_path(map("INLINE", "$$.Map.Item.Index"), input.clone(), Ok(json!([{ "x": 0 }, { "x": 1 }])));
    check_path(map("DISTRIBUTED", "$$.Execution.Input.o"), input.clone(), Ok(json!([{ "x": 3 }, { "x": 3 }])));
    check_path(
        map("DISTRIBUTED", "$$.StateMachine.Id"),
        input.clone(),
        Ok(json!([{ "x": "arn:stateMachine:m/A" }, { "x": "arn:stateMachine:m/A" }])),
    );
    check_path(map("DISTRIBUTED", "$$.Map.Item.Index"), input, Err("States.ExceedToleratedFailureThreshold"));
    check_path(map("INLINE", "$.v"), json!({ "list": 1, "o": 3 }), Err("States.Runtime"));
    let refused = Err("refused: A: `QueryLanguage` inside of an `ItemProcessor`");
    let mut with_language = map("INLINE", "$.v");
    with_language["ItemProcessor"]["QueryLanguage"] = json!("JSONPath");
    check_path(with_language, json!({ "list": [], "o": 1 }), refused);
}

#[test]
fn rules_are_asked_in_their_order_and_count_their_own_attempts() {
    let fails = |name: &str, error: &str| {
        json!({
            "A": { "Type": "Pass", "Next": name },
            name: { "Type": "Task", "Resource": "r", "Next": "B", "ResultPath": "$.done",
                    "Retry": [{ "ErrorEquals": ["Own"], "MaxAttempts": 2 }],
                    "Catch": [{ "ErrorEquals": [error], "ResultPath": "$.error", "Next": "B" }] },
            "B": { "Type": "Succeed" },
        })
    };
    check("JSONPath", fails("Fail Own", "States.TaskFailed"), json!({}), Ok(json!({ "error": { "Error": "Own" } })));
    check("JSONPath", fails("Fail States.Timeout", "States.TaskFailed"), json!({}), Err("States.Timeout"));
    check("JSONPath", fails("Fail Own", "Other"), json!({}), Err("Own"));
}

#[test]
fn endless_execution_is_told_from_others() {
    check("JSONata", json!({ "A": { "Type": "Pass", "Next": "A" } }), json!({}), Err("out of steps"));
}

#[test]
fn counts_may_be_left_out_of_the_context_object() {
    let habits =
        Habits { redrive_count: None, retry_count: RetryCount::OnceRetried, is_branch_failed_a_wildcard: true };
    let state =
        |path: &str| json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "InputPath": path, "End": true } } });
    for path in ["$$.Execution.RedriveCount", "$$.State.RetryCount"] {
        assert_eq!(run_on(&Engine::as_documented(5), &state(path), json!({})), Ok(json!(0)));
        let failure = ExecutionFailure::new("States.Runtime", &format!("state `A`: nothing is at `{path}`"));
        assert_eq!(run_on(&Engine::new(5, habits), &state(path), json!({})), Err(Stop::Failed(failure)));
    }
}
