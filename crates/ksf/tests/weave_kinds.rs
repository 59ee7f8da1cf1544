//! Kinds of machines that weave has to tell apart, each in a few members: who is called, what is around a child execution,
//! what comes after a denial.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use ksf::weave::{Refused, Woven};
use serde_json::{Value, json};

const POLICY: &str = "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\nstates.Act.any_verified_caller = true\n\
                      nested.Start.workflow = \"w\"\n";

fn weave(policy: &str, machine: &str) -> Result<Woven, Refused> {
    let policy = AccessPolicy::parse("access.toml", policy).unwrap();
    ksf::weave::weave(machine, policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap())
}

fn woven(machine: &Value) -> Value {
    let policy = guarding(machine);
    let Woven { machine: text, .. } = weave(&policy, &machine.to_string()).unwrap();
    assert_eq!(weave(&policy, &text).unwrap().machine, text, "woven again");
    serde_json::from_str(&text).unwrap()
}

/// Everything that a machine is refused for.
#[track_caller]
fn check(machine: &Value, told: &[&str]) {
    let reasons = weave(&guarding(machine), &machine.to_string()).err().map(|refused| refused.reasons().to_vec());
    assert_eq!(reasons.unwrap_or_default(), told, "{machine}");
}

/// The policy of those of `Act` and `Start` that the machine has.
fn guarding(machine: &Value) -> String {
    let text = machine.to_string();
    let lines = POLICY.lines().filter(|line| {
        let is_of = |state: &str| !line.contains(&format!(".{state}.")) || text.contains(&format!("\"{state}\":"));
        is_of("Act") && is_of("Start")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn machine(start: &str, states: Value) -> Value {
    json!({ "QueryLanguage": "JSONata", "StartAt": start, "States": states })
}

fn json_path(start: &str, states: Value) -> Value {
    json!({ "StartAt": start, "States": states })
}

/// A guarded call, with these members.
fn act(more: Value) -> Value {
    merged(
        json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": { "FunctionName": "act" }, "End": true }),
        more,
    )
}

/// A nested start, with these members.
fn start(more: Value) -> Value {
    let resource = "arn:aws:states:::states:startExecution.sync:2";
    merged(
        json!({ "Type": "Task", "Resource": resource, "Arguments": { "StateMachineArn": "${Machine}" }, "End": true }),
        more,
    )
}

/// An object with members of another, where null takes one out.
fn merged(mut object: Value, more: Value) -> Value {
    for (name, member) in more.as_object().unwrap() {
        match member {
            Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                object[name] = member.clone();
            }
        }
    }
    object
}

/// A distributed Map of a guarded call.
fn distributed(state: &str, work: Value) -> Value {
    let config = json!({ "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" });
    let processor = json!({ "ProcessorConfig": config, "StartAt": state, "States": { state: work } });
    json!({ "Type": "Map", "Items": "{% $states.input %}", "ItemProcessor": processor, "End": true })
}

fn parallel(name: &str, state: Value, more: Value) -> Value {
    let branch = json!({ "StartAt": name, "States": { name: state } });
    merged(json!({ "Type": "Parallel", "Branches": [branch], "End": true }), more)
}

fn inline(name: &str, state: Value, more: Value) -> Value {
    let processor = json!({ "StartAt": name, "States": { name: state } });
    merged(json!({ "Type": "Map", "Items": "{% $states.input %}", "ItemProcessor": processor, "End": true }), more)
}

fn rule(list: &str, error: &str) -> Value {
    match list {
        "Catch" => json!({ "Catch": [{ "ErrorEquals": [error], "Next": "Done" }] }),
        _ => json!({ "Retry": [{ "ErrorEquals": [error] }] }),
    }
}

#[test]
fn what_is_around_a_child_execution_takes_its_refusal_in_at_any_depth() {
    let told = |state: &str, child: &str, error: &str, list: &str| {
        format!(
            "state `{state}`: what is refused in {child} arrives as `{error}`, which the {list} of `Outer` takes in with \
             everything else; name errors there, or catch them in the child"
        )
    };
    for list in ["Catch", "Retry"] {
        for error in ["States.ExceedToleratedFailureThreshold", "States.TaskFailed", "States.ALL", "States.Unheard"] {
            let done = json!({ "Type": "Succeed" });
            let rules = rule(list, error);
            let done = |outer: Value| machine("Outer", json!({ "Outer": merged(outer, rules.clone()), "Done": done }));
            let none = || json!({});
            let children = || distributed("Act", act(none()));
            let own = told("Each", "a child run", "States.ExceedToleratedFailureThreshold", list);
            check(&done(parallel("Each", children(), none())), &[&own]);
            check(&done(inline("Each", children(), none())), &[&own]);
            check(&done(parallel("Middle", inline("Each", children(), none()), none())), &[&own]);
            check(&done(inline("Middle", parallel("Each", children(), none()), none())), &[&own]);
            let nested = told("Start", "its execution", "States.TaskFailed", list);
            check(&done(parallel("Start", start(none()), none())), &[&nested]);
            check(&done(inline("Middle", parallel("Start", start(none()), none()), none())), &[&nested]);
            // Across the border of the child execution, too.
            let outer = told("Each", "a child run", "States.ExceedToleratedFailureThreshold", list);
            check(&done(parallel("Each", distributed("Start", start(none())), none())), &[&outer, &nested]);
        }
        for error in ["States.Timeout", "States.DataLimitExceeded", "States.ItemReaderFailed", "Work.Failed"] {
            let outer = merged(parallel("Each", distributed("Act", act(json!({}))), json!({})), rule(list, error));
            check(&machine("Outer", json!({ "Outer": outer, "Done": { "Type": "Succeed" } })), &[]);
        }
    }
}

#[test]
fn denied_path_acts_on_nothing_and_ends_in_failure() {
    let after = |denied: Value, others: Value| {
        let states = json!({ "Act": act(json!({ "End": null, "Next": "Done" })), "Done": { "Type": "Succeed" }, "IdentityDenied": denied });
        machine("Act", merged(states, others))
    };
    let acts = |state: &str| {
        format!(
            "state `IdentityDenied`: after a denial it leads to `{state}`, which acts on the identity that was denied; let it end in a Fail before"
        )
    };
    let succeeds = |state: &str| {
        format!(
            "state `IdentityDenied`: after a denial it leads to `{state}`, where the execution would end in success; let it end in a Fail"
        )
    };
    let stays = |state: &str| {
        format!(
            "state `IdentityDenied`: after a denial it leads to `{state}`, from where no Fail can be reached; let it end in one"
        )
    };
    let none = || json!({});
    let pass = |next: &str| json!({ "Type": "Pass", "Next": next });
    let fail = json!({ "Type": "Fail", "Error": "No", "Cause": "no" });
    check(&after(json!({ "Type": "Succeed" }), none()), &[&succeeds("IdentityDenied")]);
    check(&after(json!({ "Type": "Pass", "End": true }), none()), &[&succeeds("IdentityDenied")]);
    check(&after(pass("Done"), none()), &[&stays("IdentityDenied"), &succeeds("Done")]);
    check(&after(pass("Act"), none()), &[&stays("IdentityDenied"), &acts("Act"), &succeeds("Done")]);
    check(&after(pass("IdentityDenied"), none()), &[&stays("IdentityDenied")]);
    let tell = json!({ "Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "Out",
        "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Done" }] });
    check(&after(tell.clone(), json!({ "Out": fail })), &[&succeeds("Done")]);
    let choice =
        json!({ "Type": "Choice", "Choices": [{ "Condition": "{% true %}", "Next": "Act" }], "Default": "Out" });
    check(&after(choice, json!({ "Out": fail })), &[&acts("Act"), &succeeds("Done")]);
    let work = parallel("Start", start(none()), json!({ "End": null, "Next": "Out" }));
    check(&after(pass("Both"), json!({ "Both": work, "Out": fail })), &[&acts("Both")]);
    // What tells somebody and fails, whatever becomes of the telling, is a denied path.
    let tell = merged(tell, json!({ "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Out" }] }));
    check(&after(tell, json!({ "Out": fail })), &[]);
    let notes = inline("Note", json!({ "Type": "Pass", "End": true }), json!({ "End": null, "Next": "Out" }));
    check(&after(notes, json!({ "Out": fail })), &[]);
    check(&after(fail.clone(), none()), &[]);
}

#[test]
fn who_is_called_is_not_the_input_s_to_say() {
    let told = |state: &str, member: &str, presented: &str| {
        format!(
            "state `{state}`: `{member}` is `{presented}`, so the input or a variable says who is called and gets the token; \
             write one function or state machine, and a state for each other one"
        )
    };
    let called = |arguments: Value| machine("Act", json!({ "Act": act(json!({ "Arguments": arguments })) }));
    for by in ["{% $states.input.fn %}", "{% $fn %}", "{% 'act' %}"] {
        check(&called(json!({ "FunctionName": by })), &[&told("Act", "FunctionName", by)]);
        check(&called(json!({ "FunctionName": "act", "Qualifier": by })), &[&told("Act", "Qualifier", by)]);
        let started = start(json!({ "Arguments": { "StateMachineArn": by } }));
        check(&machine("Start", json!({ "Start": started })), &[&told("Start", "StateMachineArn", by)]);
        let role = act(json!({ "Credentials": { "RoleArn": by } }));
        check(&machine("Act", json!({ "Act": role })), &[&told("Act", "RoleArn", by)]);
        let role = act(json!({ "Credentials": by }));
        check(&machine("Act", json!({ "Act": role })), &[&told("Act", "Credentials", by)]);
    }
    let no_text = "state `Act`: `FunctionName` is no text; write one, with a placeholder such as `${Name}` for what the deployment fills in";
    check(&called(json!({ "FunctionName": 7 })), &[no_text]);
    check(&called(json!({ "FunctionName": { "Fn::GetAtt": ["Act", "Arn"] } })), &[no_text]);
    check(&called(json!({})), &["state `Act`: nothing says what it calls; write `FunctionName`"]);
    let called = |parameters: Value| {
        json_path("Act", json!({ "Act": act(json!({ "Arguments": null, "Parameters": parameters })) }))
    };
    for by in ["$.fn", "$$.Execution.Input.fn", "$fn", "States.Format('{}', $.fn)"] {
        check(&called(json!({ "FunctionName.$": by })), &[&told("Act", "FunctionName.$", by)]);
    }
    for by in ["act", "act:live", "${Act}", "arn:aws:lambda:eu-west-1:000000000000:function:act:1"] {
        check(&called(json!({ "FunctionName": by, "Qualifier": "live" })), &[]);
    }
}

#[test]
fn function_without_a_rule_passes_as_no_other_service() {
    let told = |resource: &str| {
        format!(
            "state `Other`: `{resource}` may call a function and leaves no room for an identity; write \
             `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then"
        )
    };
    for resource in [
        "arn:aws:lambda:eu-west-1:000000000000:function:activity:live",
        "${X}:activity:y",
        "arn:aws:states:::${Service}",
        "arn:aws:states:::${Service}:invoke",
        "arn:aws:states:::aws-sdk:${Service}:invoke",
    ] {
        let other = json!({ "Type": "Task", "Resource": resource, "End": true });
        let states = json!({ "Act": act(json!({ "End": null, "Next": "Other" })), "Other": other });
        check(&machine("Act", states), &[&told(resource)]);
    }
}

#[test]
fn call_without_a_payload_hands_an_empty_object_over() {
    let of =
        |woven: &Value, state: &str, member: &str, value: &str| woven["States"][state][member][value]["input"].clone();
    let jsonata = woven(&machine("Act", json!({ "Act": act(json!({})) })));
    assert_eq!(of(&jsonata, "Act", "Arguments", "Payload"), json!({}));
    let call = act(json!({ "Arguments": null, "Parameters": { "FunctionName": "act" } }));
    let paths = woven(&json_path("Act", json!({ "Act": call })));
    assert_eq!(of(&paths, "Act", "Parameters", "Payload"), json!({}));
    let nested = woven(&machine("Start", json!({ "Start": start(json!({})) })));
    assert_eq!(of(&nested, "Start", "Arguments", "Input"), json!("{% $transactionTokenInput %}"));
    assert_eq!(nested["States"]["Input of Start"]["Assign"]["transactionTokenInput"], json!({}));
}

#[test]
fn nested_start_whose_name_is_taken_gets_another_and_is_not_retried_under_its_own() {
    let states = woven(&machine("Start", json!({ "Start": start(json!({})) })))["States"].clone();
    let taken = &states["Start"]["Catch"][0];
    assert_eq!(
        (&taken["ErrorEquals"], &taken["Next"]),
        (&json!(["StepFunctions.ExecutionAlreadyExistsException"]), &json!("Bind Start"))
    );
    let with = |list: &str, error: &str| {
        machine("Start", json!({ "Start": start(rule(list, error)), "Done": { "Type": "Succeed" } }))
    };
    for error in ["States.Timeout", "Work.Failed", "StepFunctions.ExecutionAlreadyExistsException"] {
        let told = format!(
            "state `Start`: its Retry names `{error}`, and an execution's name is used once, so another attempt would meet \
             the first one's; catch the error instead, and lead to the state again"
        );
        check(&with("Retry", error), &[&told]);
    }
    check(&with("Retry", "StepFunctions.ExecutionLimitExceeded"), &[]);
    let told = "state `Start`: its Catch names `StepFunctions.ExecutionAlreadyExistsException`, and the execution's name is \
                weave's; remove it";
    check(&with("Catch", "StepFunctions.ExecutionAlreadyExistsException"), &[told]);
}

#[test]
fn counters_that_an_engine_leaves_out_end_no_execution() {
    let call = act(json!({ "Arguments": null, "Parameters": { "FunctionName": "act" } }));
    let paths = woven(&json_path("Act", json!({ "Act": call })));
    let context = &paths["States"]["Act"]["Parameters"]["Payload"]["context"];
    // A path with a wildcard finds a list of what is there: the context object's own members, and nothing of an input.
    assert_eq!(
        (&context["redriveCount.$"], &context["retryCount.$"]),
        (&json!("$$.*.RedriveCount"), &json!("$$.*.RetryCount"))
    );
    assert!(!paths.to_string().contains("$$.Execution.RedriveCount"));
}

#[test]
fn callback_of_another_service_passes_for_no_guard_either() {
    for resource in
        ["arn:aws:states:::sqs:sendMessage.waitForTaskToken", "arn:aws:states:eu-west-1:000000000000:activity:look"]
    {
        let wait = json!({ "Type": "Task", "Resource": resource, "Next": "Act" });
        let states = woven(&machine("Wait", json!({ "Wait": wait, "Act": act(json!({})) })))["States"].clone();
        assert_eq!(states["Wait"]["Catch"][0]["Next"], "Refusal of Wait");
        let choices = states["Refusal of Wait"]["Choices"].as_array().unwrap();
        assert_eq!((choices.len(), &choices[0]["Next"]), (1, &json!("IdentityDenied")));
    }
}

#[test]
fn workflow_without_a_guarded_state_is_woven() {
    let tell = json!({ "Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": true });
    let woven = woven(&machine("Tell", json!({ "Tell": tell })));
    assert_eq!(
        (&woven["StartAt"], &woven["States"]["ReceiveIdentity"]["Next"]),
        (&json!("ReceiveIdentity"), &json!("Tell"))
    );
}

#[test]
fn payload_that_leaves_no_room_for_an_identity_is_noted() {
    let notes = |bytes: usize| {
        let arguments = json!({ "FunctionName": "act", "Payload": "x".repeat(bytes) });
        let machine = machine("Act", json!({ "Act": act(json!({ "Arguments": arguments })) }));
        weave(&guarding(&machine), &machine.to_string()).unwrap().notes
    };
    let around = json!({ "FunctionName": "act", "Payload": "" }).to_string().len();
    let most = 252 * 1024;
    assert_eq!(notes(most - around), [""; 0]);
    let told = format!(
        "state `Act`: what it hands over has {} bytes of at most {most} beside the identity; it may end in \
         `States.DataLimitExceeded`, which nothing catches",
        most + 1
    );
    assert_eq!(notes(most - around + 1), [told]);
}

/// What weave adds is less than the room that it keeps, whatever the names.
#[test]
fn identity_fits_into_the_room_that_is_kept_for_it() {
    let call = |woven: &Value| woven["States"]["Act"]["Arguments"]["Payload"].clone();
    let mut payload = call(&woven(&machine("Act", json!({ "Act": act(json!({})) }))));
    payload["transactionToken"] = json!("x".repeat(claim_guard::mint::MAX_MINTED_BYTES));
    let arn = json!("x".repeat(claim_guard::identifier::MAX_IDENTIFIER_BYTES));
    for (name, value) in [
        ("execution", arn.clone()),
        ("stateMachine", arn),
        ("state", json!("\u{1f600}".repeat(80))),
        ("redriveCount", json!(u32::MAX)),
        ("retryCount", json!(u32::MAX)),
    ] {
        payload["context"][name] = value;
    }
    assert!(payload.to_string().len() <= 4 * 1024, "{}", payload.to_string().len());
}

#[test]
fn result_of_a_nested_start_is_taken_without_its_input() {
    let jsonata = |more: Value| machine("Start", json!({ "Start": start(more) }));
    let paths = |more: Value| {
        let parameters = json!({ "StateMachineArn": "${Machine}" });
        json_path(
            "Start",
            json!({ "Start": start(merged(json!({ "Arguments": null, "Parameters": parameters }), more)) }),
        )
    };
    let told = |text: &str, example: &str| {
        format!(
            "state `Start`: `{text}` may take the input of the execution that it has started, which holds a transaction token; \
             name each other member that it needs, as `{example}`"
        )
    };
    for taken in [
        "{% $states.result %}",
        "{% $merge([$states.input, $states.result]) %}",
        "{% $states.result.Input %}",
        "{% $states.result.`Input` %}",
        "{% $states.result.\"InputDetails\" %}",
        "{% $states.result.* %}",
        "{% $string($states.result) %}",
        "{% $states.result[0].Output %}",
    ] {
        for member in ["Output", "Assign"] {
            let value = if member == "Output" { json!(taken) } else { json!({ "x": taken }) };
            check(&jsonata(json!({ member: value })), &[&told(taken, "$states.result.Output")]);
        }
    }
    for taken in ["{% $states.result.Output %}", "{% $states.result.`Status` & $states.input.x %}", "{% 'plain' %}"] {
        check(&jsonata(json!({ "Output": taken })), &[]);
    }
    for taken in ["$", "$.Input", "$.Input.x", "$['Input']", "$..Input", "$.*", "States.JsonToString($)"] {
        for member in ["ResultSelector", "Assign"] {
            check(&paths(json!({ member: { "x.$": taken } })), &[&told(taken, "$.Output")]);
        }
    }
    for taken in ["$.Output", "$['Output'].x", "$x", "$$.Execution.Id", "States.Format('$ {}', $.Output.Input)"] {
        check(&paths(json!({ "ResultSelector": { "x.$": taken } })), &[]);
    }
    for (result, taken) in
        [(json!("$"), "$.Input"), (json!("$.run"), "$.run.Input.x"), (json!("$.run"), "$.run['InputDetails']")]
    {
        let more = json!({ "ResultPath": result, "OutputPath": taken });
        check(&paths(more), &[&told(taken, "$.Output")]);
    }
    check(&paths(json!({ "OutputPath": "$.Input" })), &[&told("$.Input", "$.Output")]);
    for more in [
        json!({ "OutputPath": "$.Output" }),
        json!({ "ResultPath": "$.run", "OutputPath": "$.run.Output.Input" }),
        json!({ "ResultPath": "$.run", "OutputPath": "$.runs.Input" }),
        json!({ "ResultPath": "$.run", "OutputPath": "$.Input" }),
        json!({ "ResultSelector": { "Input.$": "$.Output" }, "OutputPath": "$.Input" }),
    ] {
        check(&paths(more), &[]);
    }
    let mut own_input = paths(json!({ "OutputPath": "$.Input" }));
    own_input["States"]["Start"]["ResultPath"] = json!(null);
    check(&own_input, &[]);
    // Where the author takes all of it, weave leaves the input out.
    let of = |woven: Value, member: &str| woven["States"]["Start"][member].to_string();
    assert!(of(woven(&jsonata(json!({}))), "Output").contains("$sift($states.result"));
    let selector = of(woven(&paths(json!({}))), "ResultSelector");
    assert!(selector.contains("$.Output") && !selector.contains("Input"), "{selector}");
}

#[test]
fn loop_that_goes_on_after_an_error_is_noted() {
    let told = "state `Act`: after an error its Catch leads back to it, and what it does then has the idempotency key of what has failed; \
                if it is something else, let the task add what tells them apart";
    let notes = |act_next: &str, caught_next: &str| {
        let call = act(json!({
            "Catch": [{ "ErrorEquals": ["Work.Failed"], "Output": "{% $states.input %}", "Next": caught_next }],
            "End": null, "Next": act_next,
        }));
        let again = json!({ "Type": "Choice", "Choices": [{ "Condition": "{% $states.input.more %}", "Next": "Act" }], "Default": "Done" });
        let states = json!({ "Act": call, "Again": again, "Done": { "Type": "Succeed" } });
        let machine = machine("Act", states);
        weave(&guarding(&machine), &machine.to_string()).unwrap().notes
    };
    assert_eq!(notes("Again", "Again"), [told]);
    assert_eq!(notes("Again", "Act"), [told]);
    // A way back through the Catch alone is a retry, and a loop without one has rounds.
    assert_eq!(notes("Done", "Again"), [""; 0]);
    assert_eq!(notes("Again", "Done"), [""; 0]);
}

#[test]
fn items_of_a_distributed_map_are_not_written_beside_their_results() {
    let writer = json!({ "Resource": "arn:aws:states:::s3:putObject", "Arguments": { "Bucket": "b" } });
    let each = merged(distributed("Act", act(json!({}))), json!({ "ResultWriter": writer }));
    let told = "state `Each`: `ResultWriter` writes each item's input beside its result, and the token with it; remove it, and \
                write the results in a state behind";
    check(&machine("Each", json!({ "Each": each })), &[told]);
}

#[test]
fn retry_that_each_renewal_would_begin_anew_is_refused() {
    let with = |rule: Value| machine("Act", json!({ "Act": act(json!({ "Retry": [rule] })) }));
    let told = |wait: u64| {
        format!(
            "state `Act`: its Retry of `Work.Failed` waits up to {wait} s, in which an identity of at most 300 s grows old, and \
             each renewal begins the count anew; wait less (`MaxDelaySeconds`), or catch the error instead"
        )
    };
    let rule = |more: Value| merged(json!({ "ErrorEquals": ["Work.Failed"] }), more);
    check(&with(rule(json!({ "IntervalSeconds": 300, "MaxAttempts": 1 }))), &[&told(300)]);
    check(&with(rule(json!({ "IntervalSeconds": 60, "MaxAttempts": 6 }))), &[&told(1920)]);
    check(&with(rule(json!({ "IntervalSeconds": 60, "MaxAttempts": 6, "MaxDelaySeconds": 120 }))), &[]);
    check(&with(rule(json!({ "IntervalSeconds": 400, "MaxAttempts": 0 }))), &[]);
    check(&with(rule(json!({}))), &[]);
}

#[test]
fn attempts_of_a_state_that_asks_first_are_repeated_only_where_nothing_has_run() {
    let policy = "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\n\
                  states.Act = { any_verified_caller = true, max_identity_age = \"0s\" }\n";
    let reasons = |error: &str, attempts: u32| {
        let rule = json!({ "ErrorEquals": [error], "MaxAttempts": attempts });
        let machine = machine("Act", json!({ "Act": act(json!({ "Retry": [rule] })) }));
        weave(policy, &machine.to_string()).err().map_or(0, |refused| refused.reasons().len())
    };
    for error in ["Lambda.Unknown", "Lambda.MyOwn", "Work.Failed", "States.ALL"] {
        assert_eq!((reasons(error, 1), reasons(error, 0)), (1, 0), "{error}");
    }
    assert_eq!(reasons("Lambda.ServiceException", 3), 0);
}

#[test]
fn question_to_the_realm_that_fails_inside_of_a_branch_is_no_error_like_others() {
    let outer = parallel("Act", act(json!({})), rule("Catch", "States.ALL"));
    let woven = woven(&machine("Outer", json!({ "Outer": outer, "Done": { "Type": "Succeed" } })));
    let branch = &woven["States"]["Outer"]["Branches"][0]["States"];
    for state in ["Revalidate Act", "Reconsider Act"] {
        let rules = branch[state]["Catch"].as_array().unwrap();
        let last = rules.last().unwrap();
        assert_eq!(
            (&last["ErrorEquals"], &last["Next"]),
            (&json!(["States.ALL"]), &json!("IdentityUndecided Outer 1"))
        );
    }
    assert_eq!(branch["IdentityUndecided Outer 1"]["Error"], "ClaimGuard.Undecided");
    let caught = woven["States"]["Outer"]["Catch"].to_string();
    assert!(caught.find("ClaimGuard.Undecided").unwrap() < caught.find("States.ALL").unwrap(), "{caught}");
}

#[test]
fn callback_beside_a_guarded_state_passes_for_no_guard_at_any_depth() {
    let wait = json!({ "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true });
    let branch = |name: &str, state: Value| json!({ "StartAt": name, "States": { name: state } });
    let inner = inline("Wait", wait, json!({}));
    let both =
        json!({ "Type": "Parallel", "Branches": [branch("Act", act(json!({}))), branch("Each", inner)], "End": true });
    let woven = woven(&machine("Both", json!({ "Both": both })));
    let each = &woven["States"]["Both"]["Branches"][1]["States"]["Each"];
    assert_eq!(each["ItemProcessor"]["States"]["Wait"]["Catch"][0]["Next"], "Refusal of Wait");
    // What the author fails with is no guard's word either.
    let fail = json!({ "Type": "Fail", "Error": "ClaimGuard.Denied" });
    let told = "state `No`: it fails with an error of the guard's, `ClaimGuard.…`; give the error another name";
    check(&machine("Act", json!({ "Act": act(json!({ "End": null, "Next": "No" })), "No": fail })), &[told]);
}

#[test]
fn members_of_json_path_in_a_jsonata_state_are_told_and_lose_nothing() {
    let told = |member: &str, name: &str| {
        format!(
            "state `Act`: `{member}` is a path of JSONPath, and the state is in JSONata; write `{name}` with an expression, as \
             `{{% $states.input.x %}}`"
        )
    };
    let call = |arguments: Value| machine("Act", json!({ "Act": act(json!({ "Arguments": arguments })) }));
    check(&call(json!({ "FunctionName": "act", "Payload.$": "$.x" })), &[&told("Payload.$", "Payload")]);
    check(&call(json!({ "FunctionName": "act", "Payload": { "x.$": "$.x" } })), &[&told("x.$", "x")]);
}

#[test]
fn selection_of_items_is_woven_to_itself_by_either_name() {
    for member in ["ItemSelector", "Parameters"] {
        let call = act(json!({ "Arguments": null, "Parameters": { "FunctionName": "act", "Payload.$": "$" } }));
        let each = merged(distributed("Act", call), json!({ "Items": null, member: { "x.$": "$$.Map.Item.Value" } }));
        let woven = woven(&json_path("Each", json!({ "Each": each })));
        assert_eq!(woven["States"]["Each"][member]["input"], json!({ "x.$": "$$.Map.Item.Value" }));
    }
}

#[test]
fn author_s_retry_stays_where_weave_writes_none() {
    let lambda = json!([{
        "ErrorEquals": ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"],
        "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 3, "MaxDelaySeconds": 10, "JitterStrategy": "FULL",
    }]);
    let tell = json!({ "Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Retry": lambda, "Next": "Act" });
    let text = serde_json::to_string(&machine("Tell", json!({ "Tell": tell, "Act": act(json!({})) }))).unwrap();
    let Woven { machine: woven, .. } = weave(&guarding(&serde_json::from_str(&text).unwrap()), &text).unwrap();
    let woven: Value = serde_json::from_str(&woven).unwrap();
    assert_eq!(woven["States"]["Tell"]["Retry"], lambda);
}
