//! Looking at an execution, and stopping it: for whoever started it, or for a role.

use claim_guard::audit::Reason;
use minting::Failure;
use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with};

use super::world::{STARTED_AT, World, lab};
use super::*;
use crate::outside::Status;

/// A function with one running execution of the sample caller, and that execution's name.
fn started() -> (Executions<World>, String) {
    let lab = lab();
    assert_eq!(heard(&ask(&lab, &start_event()))["statusCode"], 202);
    lab.outside.calls.lock().unwrap().clear();
    (lab, drawn("01"))
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

#[test]
fn a_stranger_may_neither() {
    // The role that lets him start his own, and the one for the other of the two.
    for (kind, role) in [("describe", "payment:operate"), ("stop", "payment:audit")] {
        let (lab, name) = started();
        let stranger = other(&["payment:start", role]);
        let answer = ask(&lab, &about(kind, &stranger, &name));
        assert_eq!(heard(&answer), forbidden());
        let line_heard = logged(&answer);
        let reason = |n: usize, code| json!({ "code": code, "message": line_heard["reasons"][n]["message"] });
        let reasons = json!([reason(0, "not_the_starter"), reason(1, "none_of_roles")]);
        assert_eq!(line_heard, line("deny", point(kind, &name), &stranger, reasons));
        assert_eq!(lab.outside.calls(), ["describe"]);
    }
}

#[test]
fn an_execution_that_is_not_there_is_not_found() {
    let not_found = problem(404, "Not Found", "there is no such execution: correct its name");
    for kind in ["describe", "stop"] {
        for (name, calls) in [
            (drawn("ff"), 1),
            (drawn("FF"), 0),
            ("order-1".to_owned(), 0),
            (format!("{}:x", drawn("01")), 0),
            (String::new(), 0),
            ("x".repeat(1 << 16), 0),
        ] {
            let (lab, _) = started();
            let answer = ask(&lab, &about(kind, &payload(), &name));
            assert_eq!(heard(&answer), not_found);
            assert_eq!(logged(&answer), Value::Null);
            assert_eq!(lab.outside.calls().len(), calls, "{name}");
        }
    }
}

#[test]
fn an_unknown_workflow_is_not_found() {
    for kind in ["describe", "stop"] {
        let (lab, name) = started();
        let event = with(about(kind, &payload(), &name), "/pathParameters/workflow", json!("refund"));
        let answer = ask(&lab, &event);
        assert_eq!(heard(&answer), problem(404, "Not Found", "there is no such workflow: correct its name"));
        assert_eq!((logged(&answer), lab.outside.calls().len()), (Value::Null, 0));
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
        (Failure::Undecided(Reason::new("service_unavailable", &"busy")), "undecided", unavailable()),
        (Failure::Misconfigured(Reason::new("service_refused", &"busy")), "misconfigured", internal()),
    ];
    for (failure, decision, expected) in failures {
        for (kind, at_stop) in [("describe", false), ("stop", false), ("stop", true)] {
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

#[test]
fn an_output_that_holds_the_transaction_token_is_shown_to_nobody() {
    let (lab, name) = started();
    let arn = execution_arn(&name);
    let input = lab.outside.input(&arn);
    lab.outside.change(&arn, |execution| {
        execution.status = Status::Succeeded;
        execution.output = Some(input);
    });
    let answer = ask(&lab, &about("describe", &payload(), &name));
    assert_eq!(heard(&answer), internal());
    let reasons = json!([{
        "code": "transaction_token_in_output",
        "message": "the workflow's output holds its transaction token",
    }]);
    assert_eq!(logged(&answer), line("misconfigured", point("describe", &name), &payload(), reasons));
}
