//! What `ksf weave` refuses: each bad machine of `tests/weave/refused` with all that is said of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use ksf::weave::weave;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weave/refused")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the bad machines.
fn file_names() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| file.strip_suffix(".asl.json").map(str::to_owned)).collect()
}

/// The refusals of a bad machine are these, and no other.
#[track_caller]
fn check(name: &str, workflow: &str, told: &[&str]) {
    let policy = AccessPolicy::parse("access.toml", &read(&folder().join("access.toml"))).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse(workflow).unwrap()).unwrap();
    let refused = weave(&read(&folder().join(format!("{name}.asl.json"))), workflow).unwrap_err();
    assert_eq!(refused.reasons(), told, "{name}");
}

#[test]
fn machine_that_is_no_state_machine_is_refused() {
    check("not_json", "plain", &["the machine is no JSON: EOF while parsing an object at line 2 column 0"]);
    check("not_an_object", "plain", &["the machine is no JSON object"]);
    check("member_twice", "plain", &["the machine is no JSON: the member `Next` stands twice at line 1 column 84"]);
    check("state_without_type", "plain", &["state `Odd`: not an object with a `Type`; write one"]);
    check(
        "state_of_an_unknown_type",
        "plain",
        &["state `Odd`: `Type` is `Goto`; expected Task, Pass, Choice, Wait, Succeed, Fail, Parallel or Map"],
    );
    check(
        "start_at_no_state",
        "plain",
        &["the machine: `StartAt` is `Begin`, which is no state there; name the first state"],
    );
    check(
        "branch_starts_at_no_state",
        "plain",
        &["state `Done`: `StartAt` is `Begin`, which is no state there; name the first state"],
    );
    check(
        "goes_on_with_no_state",
        "plain",
        &["state `Act`: it goes on with `Repair`, which is no state beside it; name one"],
    );
    check(
        "two_states_of_one_name",
        "plain",
        &[
            "state `Done`: two states have this name, and the history and `access.toml` could not tell them apart; rename one",
        ],
    );
    check(
        "rules_that_are_none",
        "plain",
        &[
            "state `Act`: its Retry is no list of rules with `ErrorEquals`; write one, or remove it",
            "state `Act`: its Catch is no list of rules with `ErrorEquals`; write one, or remove it",
        ],
    );
    check(
        "all_at_once",
        "plain",
        &[
            "the machine: `StartAt` is `Begin`, which is no state there; name the first state",
            "state `Act`: its Retry names `ClaimGuard.Denied`, and what a guard says is for weave to answer; remove it",
            "state `Act`: `${Act}` may call a function and leaves no room for an identity; write `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then",
        ],
    );
}

#[test]
fn text_that_is_no_json_is_refused_with_what_to_do() {
    let told = |words: &str| format!("the machine is no JSON: {words}");
    let yaml = "it looks like YAML, and weave reads JSON; convert it, as `yq -o=json machine.yaml` does";
    let comment = "a comment at line 2 column 3, which JSON has no sign for; remove it, or write it as a `Comment`";
    let placeholder = "`${ActState}` at line 4 column 5 stands for more than a value, so nobody knows what is there; fill it in, or write it as text";
    check("yaml", "plain", &[&told(yaml)]);
    check("comment_in_json", "plain", &[&told(comment)]);
    check("single_quotes", "plain", &[&told("a single quote at line 1 column 2; write double quotes")]);
    check(
        "comma_with_nothing_behind",
        "plain",
        &[&told("a comma with nothing behind it at line 4 column 41; remove it")],
    );
    check("placeholder_for_states", "plain", &[&told(placeholder)]);
}

#[test]
fn placeholder_where_weave_has_to_know_the_value_is_refused() {
    check(
        "placeholder_that_has_to_be_known",
        "plain",
        &[
            "state `Act`: `InvocationType` is `${Invocation}`, which may become anything, and weave has to know what is there; write it out",
            "state `Act`: `ResultSelector` is `${Selected}`, which may become anything, and weave has to know what is there; write it out",
            "state `Act`: `ErrorEquals` is `${Errors}`, which may become anything, and weave has to know what is there; write it out",
            "state `Large`: `Choices` is `${Rule}`, which may become anything, and weave has to know what is there; write it out",
            "state `Large`: `Next` is `${Next}`, which may become anything, and weave has to know what is there; write it out",
            "state `Both`: `Branches` is `${Branch}`, which may become anything, and weave has to know what is there; write it out",
            "state `Each`: `Mode` is `${Mode}`, which may become anything, and weave has to know what is there; write it out",
            "state `One`: `Parameters` is `${One}`, which may become anything, and weave has to know what is there; write it out",
            "state `Large`: what the placeholder in `${Path}` stands for may reach the execution's whole input, which holds the transaction token; write it out, or put it between quotes of a string",
            "state `Each`: what the placeholder in `${Items}` stands for may reach the execution's whole input, which holds the transaction token; write it out, or put it between quotes of a string",
        ],
    );
}

#[test]
fn language_that_nobody_reads_is_refused() {
    check(
        "unknown_query_language",
        "plain",
        &["the machine: `QueryLanguage` is `XPath`; expected `JSONata` or `JSONPath`"],
    );
    check(
        "unknown_query_language_of_a_state",
        "plain",
        &["state `Act`: `QueryLanguage` is `jsonata`; expected `JSONata` or `JSONPath`"],
    );
    check(
        "json_path_in_jsonata",
        "plain",
        &["state `Done`: JSONPath in a machine of JSONata, which Step Functions does not take; write it in JSONata"],
    );
}

#[test]
fn member_of_the_other_language_is_named_with_what_to_write() {
    check(
        "jsonata_in_a_json_path_state",
        "plain",
        &[
            "state `Act`: `Arguments` is a member of JSONata, and the state is in JSONPath; write `Parameters`, or give it the `QueryLanguage` `JSONata`",
            "state `Act`: `Output` is a member of JSONata, and the state is in JSONPath; write `ResultSelector`, `ResultPath` and `OutputPath`, or give it the `QueryLanguage` `JSONata`",
            "state `Large`: `Condition` is a member of JSONata, and the state is in JSONPath; write `Variable` and a comparison, or give it the `QueryLanguage` `JSONata`",
            "state `Done`: `Items` is a member of JSONata, and the state is in JSONPath; write `ItemsPath`, or give it the `QueryLanguage` `JSONata`",
        ],
    );
    check(
        "json_path_in_a_jsonata_state",
        "plain",
        &[
            "state `Act`: `Parameters` is a member of JSONPath, and the state is in JSONata; write `Arguments`, in a Map `ItemSelector`, in a Pass `Output`",
            "state `Act`: `ResultPath` is a member of JSONPath, and the state is in JSONata; write `Output`",
            "state `Rest`: `SecondsPath` is a member of JSONPath, and the state is in JSONata; write `Seconds`",
            "state `Large`: `Variable` is a member of JSONPath, and the state is in JSONata; write `Condition`",
        ],
    );
}

#[test]
fn value_beside_a_path_of_the_same_member_is_refused() {
    check(
        "path_beside_a_value",
        "plain",
        &[
            "state `Act`: `Payload` and `Payload.$` in one object say two values of one member; remove either",
            "state `Act`: `x` and `x.$` in one object say two values of one member; remove either",
            "state `Set`: `b` and `b.$` in one object say two values of one member; remove either",
            "state `Set`: `c` and `c.$` in one object say two values of one member; remove either",
            "state `Each`: `e` and `e.$` in one object say two values of one member; remove either",
        ],
    );
}

#[test]
fn language_of_a_machine_inside_is_refused() {
    check(
        "language_inside",
        "plain",
        &[
            "state `Each`: `QueryLanguage` inside of it, where Step Functions takes none; write it at the machine, or at each state",
            "state `Both`: `QueryLanguage` inside of it, where Step Functions takes none; write it at the machine, or at each state",
            "state `Old`: `QueryLanguage` inside of it, where Step Functions takes none; write it at the machine, or at each state",
        ],
    );
}

#[test]
fn map_with_two_processors_is_refused() {
    check(
        "two_processors",
        "plain",
        &["state `Each`: `Iterator` beside `ItemProcessor`, of which Step Functions runs one; keep `ItemProcessor`"],
    );
}

#[test]
fn context_object_is_handed_on_by_nobody() {
    check(
        "context_object_in_json_path",
        "plain",
        &[
            "state `Act`: `$$` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Act`: `$$.Execution` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Name`: `States.JsonMerge($.a, States.StringToJson(States.JsonToString($$.Execution)), false)` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Name`: `$$['Execution']` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Is`: `$$..Input` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Is`: `$$.Execution.*` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Each`: what the placeholder in `$$.${Where}` stands for may reach the execution's whole input, which holds the transaction token; write it out, or put it between quotes of a string",
            "state `One`: `$.list[?(@.a == $$.Execution.Input.a)]` cannot be read, and may reach the execution's whole input, which holds the transaction token; write plain paths, as `$$.Execution.Input.x`",
            "state `Bad`: `$$` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
            "state `Bad`: `States.Format('{}', $$.Execution)` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$$.Execution.Input.x` or `$$.Execution.Id`",
        ],
    );
    check(
        "context_object_in_jsonata",
        "plain",
        &[
            "state `Act`: `{% $states %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Act`: `{% $merge([$states.context, {'a': 1}]) %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Act`: `{% $lookup($states.context.Execution, 'Input') %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Is`: `{% $exists($states.context.*.Input) %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Is`: `{% ($states := {}; $states.context.Execution.Input) %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Each`: what the placeholder in `{% ${Items} %}` stands for may reach the execution's whole input, which holds the transaction token; write it out, or put it between quotes of a string",
            "state `Each`: `{% $states.context.Execution[0].Input %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `One`: `{% $states.context.**.seconds %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Bad`: `{% $states.context.(Execution.Input) %}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `$states.context.Execution.Input.x` or `$states.context.Execution.Id`",
            "state `Bad`: `{% 'open & $states.input %}` cannot be read, and may reach the execution's whole input, which holds the transaction token; write plain paths, as `$states.context.Execution.Input.x`",
        ],
    );
}

#[test]
fn names_that_are_weave_s_are_refused() {
    check(
        "state_named_like_weave_s_ReceiveIdentity",
        "plain",
        &["state `ReceiveIdentity`: weave writes a state of this name; rename it"],
    );
    check(
        "state_named_like_weave_s_IdentityRejected",
        "plain",
        &["state `IdentityRejected`: weave writes a state of this name; rename it"],
    );
    check(
        "state_named_like_weave_s_GuardMisconfigured",
        "plain",
        &["state `GuardMisconfigured`: weave writes a state of this name; rename it"],
    );
    check(
        "state_named_like_weave_s_IdentityUndecided",
        "plain",
        &["state `IdentityUndecided`: weave writes a state of this name; rename it"],
    );
    check(
        "state_named_like_a_woven_one",
        "plain",
        &["state `Act`: weave writes a state `Revalidate Act` for it, and there is one; rename either"],
    );
    check(
        "comment_like_a_woven_one",
        "plain",
        &["state `Done`: its Comment begins with `Woven: `, and what does is taken for weave's; change it"],
    );
    check(
        "scopes_whose_woven_names_meet",
        "two",
        &[
            "state `Both`: weave writes a state `ReceiveIdentity Both 1` for it, and there is one; rename either",
            "state `Both 1`: weave writes a state `ReceiveIdentity Both 1` for it, and there is one; rename either",
        ],
    );
    check(
        "name_too_long",
        "long",
        &[
            "state `ActOnBehalfOfSomebodyWhoseNameIsSoLongThatNothingCanBeWrittenBeforeItAtAll`: weave writes a state `Revalidate ActOnBehalfOfSomebodyWhoseNameIsSoLongThatNothingCanBeWrittenBeforeItAtAll` for it, which has 85 characters of 80; shorten its name",
            "state `ActOnBehalfOfSomebodyWhoseNameIsSoLongThatNothingCanBeWrittenBeforeItAtAll`: weave writes a state `Reconsider ActOnBehalfOfSomebodyWhoseNameIsSoLongThatNothingCanBeWrittenBeforeItAtAll` for it, which has 85 characters of 80; shorten its name",
        ],
    );
    check(
        "denied_path_inside_of_a_branch",
        "plain",
        &[
            "state `IdentityDenied`: a denied path is the whole run's, and cannot begin inside of a Map or Parallel; move or rename it",
        ],
    );
}

#[test]
fn author_neither_answers_guards_nor_reads_tokens() {
    check(
        "guard_error_in_catch",
        "plain",
        &[
            "state `Act`: its Catch names `ClaimGuard.Denied`, and where refusals lead is weave's; remove it, and name a state `IdentityDenied` for what comes after a denial",
        ],
    );
    check(
        "guard_error_in_retry",
        "plain",
        &[
            "state `Act`: its Retry names `ClaimGuard.Undecided`, and what a guard says is for weave to answer; remove it",
        ],
    );
    check(
        "token_variable_assigned",
        "plain",
        &["state `Act`: it uses `$transactionToken`, and variables of such names are weave's; rename it"],
    );
    check(
        "token_variable_assigned_by_a_catch",
        "plain",
        &["state `Act`: it uses `$transactionToken1`, and variables of such names are weave's; rename it"],
    );
    check(
        "token_variable_read",
        "plain",
        &["state `Done`: it uses `$transactionToken`, and variables of such names are weave's; rename it"],
    );
}

#[test]
fn guarded_state_that_asks_no_guard_is_refused() {
    check(
        "guarded_state_missing",
        "plain",
        &[
            "state `Act`: `access.toml` guards it, and the machine has no such state; add it, or remove `[workflows.plain.states.Act]`",
        ],
    );
    check(
        "guarded_state_is_a_pass",
        "plain",
        &[
            "state `Act`: `access.toml` guards it, and it is a Pass; only a Task of `lambda:invoke` or `lambda:invoke.waitForTaskToken` can ask a guard",
        ],
    );
    check(
        "guarded_state_calls_another_service",
        "plain",
        &[
            "state `Act`: `access.toml` guards it, and it is a Task of `arn:aws:states:::sns:publish`; only a Task of `lambda:invoke` or `lambda:invoke.waitForTaskToken` can ask a guard",
        ],
    );
    check(
        "arguments_by_one_expression",
        "plain",
        &["state `Act`: `Arguments` is no object, so nothing can be put into it; write an object"],
    );
    check(
        "work_that_nobody_waits_for",
        "plain",
        &["state `Act`: `InvocationType` is `Event`, so nobody would hear the guard's refusal; remove it"],
    );
    check(
        "retry_that_each_statement_begins_anew",
        "asked",
        &[
            "state `Act`: its Retry names `Bank.Busy`, and each attempt has a statement of its own, with which the count begins anew; catch the error instead, or give the state a `max_identity_age` above `0s`",
        ],
    );
}

#[test]
fn call_of_a_function_without_identity_is_refused() {
    check(
        "function_without_a_rule",
        "plain",
        &[
            "state `Done`: it calls a function, and `access.toml` does not name it, so it would act without identity; add `[workflows.plain.states.Done]`",
        ],
    );
    check(
        "function_by_its_arn",
        "plain",
        &[
            "state `Act`: `arn:aws:lambda:eu-west-1:000000000000:function:act` may call a function and leaves no room for an identity; write `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then",
        ],
    );
    check(
        "resource_by_placeholder",
        "plain",
        &[
            "state `Done`: `${DoneFunctionArn}` may call a function and leaves no room for an identity; write `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then",
        ],
    );
    check(
        "function_by_the_sdk",
        "plain",
        &[
            "state `Done`: `arn:aws:states:::aws-sdk:lambda:invoke` may call a function and leaves no room for an identity; write `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then",
        ],
    );
}

#[test]
fn nested_start_that_cannot_be_bound_is_refused() {
    check(
        "nested_start_missing",
        "nested",
        &[
            "state `Start`: `access.toml` has it start an execution, and the machine has no such state; add it, or remove `[workflows.nested.nested.Start]`",
        ],
    );
    check(
        "nested_start_is_a_pass",
        "nested",
        &[
            "state `Start`: `access.toml` has it start an execution, and it is a Pass; write a Task of `states:startExecution.sync:2`",
        ],
    );
    check(
        "nested_start_that_nobody_waits_for",
        "nested",
        &[
            "state `Start`: `access.toml` has it start an execution, and it is a Task of `arn:aws:states:::states:startExecution`; write a Task of `states:startExecution.sync:2`",
        ],
    );
    check(
        "nested_start_with_a_name",
        "nested",
        &["state `Start`: its execution's name is part of what is signed, so weave writes it; remove `Name`"],
    );
    check(
        "nested_start_by_one_expression",
        "nested",
        &["state `Start`: `Arguments` is no object, so nothing can be put into it; write an object"],
    );
}

#[test]
fn refusal_of_a_child_is_taken_in_by_nothing() {
    check(
        "nested_refusal_taken_in_by_catch",
        "nested",
        &[
            "state `Start`: what is refused in its execution arrives as `States.TaskFailed`, which the Catch of `Start` takes in with everything else; name errors there, or catch them in the child",
        ],
    );
    check(
        "nested_refusal_taken_in_by_retry",
        "nested",
        &[
            "state `Start`: what is refused in its execution arrives as `States.TaskFailed`, which the Retry of `Start` takes in with everything else; name errors there, or catch them in the child",
        ],
    );
    check(
        "nested_refusal_taken_in_around",
        "nested",
        &[
            "state `Start`: what is refused in its execution arrives as `States.TaskFailed`, which the Catch of `Each` takes in with everything else; name errors there, or catch them in the child",
        ],
    );
    check(
        "distributed_refusal_taken_in_by_catch",
        "plain",
        &[
            "state `Each`: what is refused in a child run arrives as `States.ExceedToleratedFailureThreshold`, which the Catch of `Each` takes in with everything else; name errors there, or catch them in the child",
        ],
    );
    check(
        "distributed_refusal_taken_in_by_retry",
        "plain",
        &[
            "state `Each`: what is refused in a child run arrives as `States.ExceedToleratedFailureThreshold`, which the Retry of `Each` takes in with everything else; name errors there, or catch them in the child",
        ],
    );
    check(
        "map_that_tolerates",
        "plain",
        &[
            "state `Each`: `ToleratedFailurePercentage` would go on after a refused item; remove it, and catch inside of the item what may fail",
        ],
    );
    check(
        "map_that_tolerates_by_placeholder",
        "plain",
        &[
            "state `Each`: `ToleratedFailurePercentage` would go on after a refused item; remove it, and catch inside of the item what may fail",
        ],
    );
    check(
        "map_that_tolerates_by_path",
        "plain",
        &[
            "state `Each`: `ToleratedFailureCountPath` would go on after a refused item; remove it, and catch inside of the item what may fail",
        ],
    );
}

#[test]
fn distributed_map_whose_items_have_no_identity_is_refused() {
    check(
        "distributed_map_of_express_children",
        "plain",
        &["state `Each`: its children are EXPRESS, and a token is bound to a standard execution; write `STANDARD`"],
    );
    check(
        "distributed_map_of_batches",
        "plain",
        &["state `Each`: with `ItemBatcher` no item has an identity of its own; remove it"],
    );
    check(
        "distributed_map_in_a_distributed_map",
        "plain",
        &[
            "state `Each`: a distributed Map inside of a distributed Map, whose children cannot be told from others; make one of them inline, or move the guarded states out",
        ],
    );
}

#[test]
fn every_bad_machine_is_looked_at() {
    let tests = include_str!("weave_refused.rs");
    let unused = file_names();
    let unused: Vec<&String> = unused.iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert_eq!(unused, Vec::<&String>::new());
}
