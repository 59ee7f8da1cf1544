//! Looking at an execution, and stopping it: for whoever started it, or for a role.

use std::sync::atomic::Ordering;

use claim_guard::Excerpt;
use claim_guard::audit::Reason;
use claim_guard::identifier::ExecutionArn;
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::{ISSUER, NOW, access_token_payload, with};

use super::world::{STARTED_AT, World, lab};
use super::*;
use crate::services::{Execution, Status};

/// A function with one running execution of the sample caller, and that execution's name.
fn started() -> (Executions<World>, String) {
    let lab = lab();
    assert_eq!(heard(&ask(&lab, &start_event()))["statusCode"], 202);
    lab.outside.calls.lock().unwrap().clear();
    (lab, given("01"))
}

fn point(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "workflow": "payment", "execution": execution_arn(name) })
}

fn described(name: &str, status: &str, more: Value) -> Value {
    let mut body = json!({
        "workflow": "payment",
        "execution": name,
        "transaction": drawn("02"),
        "status": status,
        "startedAt": STARTED_AT,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    response(200, json!({ "Content-Type": "application/json" }), body)
}

#[test]
fn the_starter_and_a_describe_role_may_look() {
    for caller in [payload(), other(&["payment:audit"])] {
        let (lab, name) = started();
        let answer = ask(&lab, &about("describe", &caller, &name));
        assert_eq!(heard(&answer), described(&name, "RUNNING", json!({})));
        assert_eq!(logged(&answer), line("allow", point("describe", &name), &caller, json!([])));
        assert_eq!(lab.outside.calls(), ["describe"]);
    }
}

#[test]
fn i15_a_header_that_asks_for_another_method_is_not_heard() {
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
        let (lab, name) = started();
        let event = with(about("describe", &payload(), &name), &format!("/headers/{header}"), json!("DELETE"));
        let event = with(event, &format!("/multiValueHeaders/{header}"), json!(["DELETE"]));
        let event = with(event, "/queryStringParameters", json!({ "_method": "DELETE" }));
        let answer = ask(&lab, &event);
        assert_eq!(heard(&answer), described(&name, "RUNNING", json!({})));
        assert_eq!(logged(&answer), line("allow", point("describe", &name), &payload(), json!([])));
        assert_eq!(lab.outside.calls(), ["describe"]);
    }
}

#[test]
fn the_starter_may_look_long_after_the_transaction_token_has_expired() {
    let (mut lab, name) = started();
    let tomorrow = NOW + 86_400;
    lab.outside.now = Ok(tomorrow);
    let answer = ask(&lab, &about("describe", &access_token_payload(tomorrow), &name));
    assert_eq!(heard(&answer), described(&name, "RUNNING", json!({})));
}

#[test]
fn the_starter_and_a_stop_role_may_stop() {
    for caller in [payload(), other(&["payment:operate"])] {
        let (lab, name) = started();
        let answer = ask(&lab, &about("stop", &caller, &name));
        assert_eq!(heard(&answer), response(204, json!({}), json!("")));
        assert_eq!(logged(&answer), line("allow", point("stop", &name), &caller, json!([])));
        assert_eq!(lab.outside.calls(), ["describe", &format!("stop for {}", caller["sub"].as_str().unwrap())]);
    }
}

/// What the line about a stranger says: nobody was asked who did start the execution.
fn strange(caller: &Value, role: &str) -> Value {
    let who = caller["sub"].as_str().unwrap();
    json!([
        {
            "code": "started_by_another",
            "message": format!("the execution was started by another than `{who} of {ISSUER}`"),
        },
        { "code": "none_of_roles", "message": format!("none of the roles `workflow-api:{role}` is there") },
    ])
}

#[test]
fn a_stranger_may_neither_and_nobody_is_asked_whether_it_is_there() {
    // The role that lets him start his own, and the one for the other of the two.
    for (kind, role, wanted) in
        [("describe", "payment:operate", "payment:audit"), ("stop", "payment:audit", "payment:operate")]
    {
        let (lab, name) = started();
        let stranger = other(&["payment:start", role]);
        // Somebody else's that is there, and one that is not.
        for name in [name, given("ff")] {
            let answer = ask(&lab, &about(kind, &stranger, &name));
            assert_eq!(heard(&answer), not_there());
            assert_eq!(logged(&answer), line("deny", point(kind, &name), &stranger, strange(&stranger, wanted)));
            assert_eq!(lab.outside.calls(), [""; 0]);
        }
    }
}

/// What the line says that the caller does not hear.
fn absent(code: &str, message: &str) -> Value {
    json!([{ "code": code, "message": message }])
}

#[test]
fn a_name_that_was_given_for_nothing_that_is_there_is_not_found() {
    let gone = absent("execution_absent", "Step Functions has no execution of that name");
    for kind in ["describe", "stop"] {
        for caller in [payload(), other(&["payment:audit", "payment:operate"])] {
            let (lab, _) = started();
            let name = given("ff");
            let answer = ask(&lab, &about(kind, &caller, &name));
            assert_eq!(heard(&answer), not_there());
            assert_eq!(logged(&answer), line("reject", point(kind, &name), &caller, gone.clone()));
            assert_eq!(lab.outside.calls(), ["describe"]);
        }
    }
}

/// A name of the shape that names have, or nearly, and not one of ours.
#[track_caller]
fn check_made_up(name: &str) {
    let not_given = absent("unknown_execution", "the name was not given here");
    for kind in ["describe", "stop"] {
        for caller in [payload(), other(&["payment:audit", "payment:operate"])] {
            let (lab, _) = started();
            let answer = ask(&lab, &about(kind, &caller, name));
            assert_eq!(heard(&answer), not_there(), "{name}");
            let asked = json!({ "kind": kind, "workflow": "payment", "execution": Excerpt::of(name).as_str() });
            assert_eq!(logged(&answer), line("reject", asked, &caller, not_given.clone()), "{name}");
            assert_eq!(lab.outside.calls(), [""; 0], "{name}");
        }
    }
}

#[test]
fn a_name_that_was_not_given_here_is_not_found_and_not_asked_about() {
    let name = given("01");
    for other in [
        "ff".repeat(32),
        // What names looked like that carried no MAC.
        "ff".repeat(16),
        name.to_uppercase(),
        "order-1".to_owned(),
        format!("{name}:x"),
        format!("{name} "),
        format!("{name}0123456789abcde"),
        format!("{name}0123456789abcdef0"),
        format!("{name}0123456789abcdeg"),
        String::new(),
        "x".repeat(1 << 16),
        // One digit of what was drawn, and of the MAC over it.
        format!("f{}", &name[1..]),
        format!("{}{}{}", &name[..32], if &name[32..33] == "0" { "1" } else { "0" }, &name[33..]),
    ] {
        check_made_up(&other);
    }
}

#[test]
fn whose_it_is_cannot_be_altered_in_a_name() {
    let (lab, name) = started();
    let stranger = other(&["payment:start"]);
    let stolen = format!("{}{}", &name[..48], &name_for(&stranger, &drawn("01"))[48..]);
    // It would be good for a look-up of something that is not there: only who has the naming key can make it.
    let answer = ask(&lab, &about("describe", &stranger, &stolen));
    assert_eq!((heard(&answer), lab.outside.calls().len()), (not_there(), 1));
    let guessed = format!("{}{}", &name[..48], "0".repeat(16));
    let answer = ask(&lab, &about("describe", &stranger, &guessed));
    assert_eq!((heard(&answer), lab.outside.calls().len()), (not_there(), 1));
}

#[test]
fn an_execution_that_a_state_has_started_is_recognised_by_its_parents_name() {
    let (lab, name) = started();
    let parent = ExecutionArn::parse(&execution_arn(&name)).unwrap();
    let nested = minting::nested_name(&parent, [0xab; 16]);
    let (answer, stranger) = (ask(&lab, &about("describe", &payload(), &nested)), other(&["payment:start"]));
    assert_eq!((heard(&answer), lab.outside.calls()), (not_there(), vec!["describe".to_owned()]));
    assert_eq!(heard(&ask(&lab, &about("describe", &stranger, &nested))), not_there());
    assert_eq!(lab.outside.calls().len(), 1);
}

#[test]
fn the_naming_key_is_asked_for_once() {
    let mut lab = lab();
    let failure = ServiceError::Undecided(Reason::new("service_unavailable", &"busy"));
    lab.outside.naming_failure = Some(failure);
    for event in [start_event(), about("describe", &payload(), &given("01")), about("stop", &payload(), &given("01"))] {
        let answer = ask(&lab, &event);
        assert_eq!(heard(&answer), unavailable());
        assert_eq!(logged(&answer)["reasons"], json!([{ "code": "service_unavailable", "message": "busy" }]));
    }
    assert_eq!((lab.outside.calls(), lab.outside.namings.load(Ordering::Relaxed)), (vec![], 3));
    lab.outside.naming_failure = None;
    assert_eq!(heard(&ask(&lab, &start_event()))["statusCode"], 202);
    for kind in ["describe", "stop"] {
        ask(&lab, &about(kind, &payload(), &given("01")));
    }
    assert_eq!(lab.outside.namings.load(Ordering::Relaxed), 4);
}

#[test]
fn starter_and_role_stop_an_execution_while_step_functions_cannot_tell_who_started_it() {
    let reasons = json!([{ "code": "service_unavailable", "message": "busy" }]);
    let busy = |lab: &mut Executions<World>| {
        lab.outside.describe_failure = Some(ServiceError::Undecided(Reason::new("service_unavailable", &"busy")));
    };
    for caller in [payload(), other(&["payment:operate"])] {
        let (mut lab, name) = started();
        busy(&mut lab);
        let answer = ask(&lab, &about("stop", &caller, &name));
        assert_eq!(heard(&answer), response(204, json!({}), json!("")));
        assert_eq!(logged(&answer), line("allow", point("stop", &name), &caller, reasons.clone()));
        assert_eq!(lab.outside.calls()[1], format!("stop for {}", caller["sub"].as_str().unwrap()));
    }
    // Which of those who act in the starter's place has started it, its name does not say.
    let acting = with(payload(), "/act", json!({ "sub": "c2f5a9d0-admin" }));
    let (mut lab, name) = started();
    busy(&mut lab);
    assert_eq!(heard(&ask(&lab, &about("stop", &acting, &name))), unavailable());
    assert_eq!(lab.outside.calls(), ["describe"]);
}

#[test]
fn an_unknown_workflow_is_not_found() {
    for kind in ["describe", "stop"] {
        let (lab, name) = started();
        let event = with(about(kind, &payload(), &name), "/pathParameters/workflow", json!("refund"));
        let answer = ask(&lab, &event);
        assert_eq!(heard(&answer), problem(404, "Not Found", "there is no such workflow: correct its name"));
        let asked = json!({ "kind": kind, "workflow": "refund", "execution": name });
        let reasons = json!([{ "code": "unknown_workflow", "message": "there is no such workflow: correct its name" }]);
        assert_eq!(logged(&answer), line("reject", asked, &payload(), reasons));
        assert_eq!(lab.outside.calls().len(), 0);
    }
}

#[test]
fn an_execution_that_succeeded_shows_its_output() {
    let (lab, name) = started();
    lab.outside.change(&execution_arn(&name), |execution| {
        execution.status = Status::Succeeded;
        execution.stopped_at = Some("2026-01-01T00:00:09Z".to_owned());
        execution.output = Some(r#"{"paid":true}"#.to_owned());
    });
    let more = json!({ "stoppedAt": "2026-01-01T00:00:09Z", "output": { "paid": true } });
    assert_eq!(heard(&ask(&lab, &about("describe", &payload(), &name))), described(&name, "SUCCEEDED", more));
}

#[test]
fn an_execution_that_failed_shows_the_name_of_its_error() {
    let (lab, name) = started();
    lab.outside.change(&execution_arn(&name), |execution| {
        execution.status = Status::Failed;
        execution.stopped_at = Some("2026-01-01T00:00:09Z".to_owned());
        execution.error = Some("ClaimGuard.Denied".to_owned());
    });
    let more = json!({ "stoppedAt": "2026-01-01T00:00:09Z", "error": "ClaimGuard.Denied" });
    assert_eq!(heard(&ask(&lab, &about("describe", &payload(), &name))), described(&name, "FAILED", more));
}

#[test]
fn an_execution_that_has_ended_cannot_be_stopped() {
    for status in [Status::Succeeded, Status::Failed, Status::TimedOut, Status::Aborted] {
        let (lab, name) = started();
        lab.outside.change(&execution_arn(&name), |execution| execution.status = status);
        let answer = ask(&lab, &about("stop", &payload(), &name));
        let detail = "the execution has ended: there is nothing to stop";
        assert_eq!(heard(&answer), problem(409, "Conflict", detail));
        assert_eq!(logged(&answer), line("allow", point("stop", &name), &payload(), json!([])));
        assert_eq!(lab.outside.calls(), ["describe"]);
    }
    let (lab, name) = started();
    lab.outside.change(&execution_arn(&name), |execution| execution.status = Status::PendingRedrive);
    assert_eq!(heard(&ask(&lab, &about("stop", &payload(), &name)))["statusCode"], 204);
}

#[test]
fn an_execution_that_was_not_started_here_is_shown_to_nobody() {
    let auditor = other(&["payment:audit", "payment:operate"]);
    for kind in ["describe", "stop"] {
        let (lab, name) = started();
        lab.outside.plant(&execution_arn(&name), Some(r#"{"project_id":"apollo"}"#));
        let answer = ask(&lab, &about(kind, &auditor, &name));
        assert_eq!(heard(&answer), internal());
        let reasons = json!([{
            "code": "execution_without_transaction_token",
            "message": "the execution's input holds no transaction token",
        }]);
        assert_eq!(logged(&answer), line("misconfigured", point(kind, &name), &auditor, reasons));
    }
}

#[test]
fn what_aws_does_not_answer_is_undecided_or_misconfigured() {
    let failures = [
        (ServiceError::Undecided(Reason::new("service_unavailable", &"busy")), "undecided", unavailable()),
        (ServiceError::Misconfigured(Reason::new("service_refused", &"busy")), "misconfigured", internal()),
    ];
    for (failure, decision, expected) in failures {
        let mut places = vec![("describe", false), ("stop", true)];
        // Whoever stops an execution of his own need not wait for a look at it, but a fault that somebody has to mend is told.
        places.extend((decision == "misconfigured").then_some(("stop", false)));
        for (kind, at_stop) in places {
            let (mut lab, name) = started();
            let place = if at_stop { &mut lab.outside.stop_failure } else { &mut lab.outside.describe_failure };
            *place = Some(failure.clone());
            let answer = ask(&lab, &about(kind, &payload(), &name));
            assert_eq!(heard(&answer), expected);
            let code = logged(&answer)["reasons"][0]["code"].clone();
            let reasons = json!([{ "code": code, "message": "busy" }]);
            assert_eq!(logged(&answer), line(decision, point(kind, &name), &payload(), reasons));
        }
    }
}

/// What ends with a text that a token stands in.
#[track_caller]
fn check_leak(change: impl Fn(&mut Execution, String), text: &str, code: &str, message: &str) {
    let (lab, name) = started();
    lab.outside.change(&execution_arn(&name), |execution| change(execution, text.to_owned()));
    let answer = ask(&lab, &about("describe", &payload(), &name));
    assert_eq!(heard(&answer), internal(), "{text}");
    let reasons = json!([{ "code": code, "message": message }]);
    assert_eq!(logged(&answer), line("misconfigured", point("describe", &name), &payload(), reasons), "{text}");
}

#[test]
fn an_output_or_error_that_holds_a_transaction_token_is_shown_to_nobody() {
    let token_of = |lab: &Executions<World>, name: &str| {
        let input: Value = serde_json::from_str(&lab.outside.input(&execution_arn(name))).unwrap();
        input["transactionToken"].as_str().unwrap().to_owned()
    };
    let (own, of) = started();
    let other = lab();
    ask(&other, &keyed(&payload(), "other", "{}"));
    let others = other.outside.executions.lock().unwrap().keys().next().unwrap().rsplit(':').next().unwrap().to_owned();
    // Its first one, and one of another execution, which a renewed one or a child's looks like.
    for token in [token_of(&own, &of), token_of(&other, &others)] {
        let within = json!({ "body": json!({ "token": token }).to_string() }).to_string();
        for output in [
            json!(token).to_string(),
            json!({ "a": [{ "b": token }] }).to_string(),
            within.clone(),
            json!(within).to_string(),
        ] {
            check_leak(
                |execution, text| {
                    execution.status = Status::Succeeded;
                    execution.output = Some(text);
                },
                &output,
                "transaction_token_in_output",
                "the workflow's output holds a transaction token",
            );
        }
        check_leak(
            |execution, text| {
                execution.status = Status::Failed;
                execution.error = Some(text);
            },
            &format!("Denied: {token}"),
            "transaction_token_in_error",
            "the workflow's error holds a transaction token",
        );
    }
}
