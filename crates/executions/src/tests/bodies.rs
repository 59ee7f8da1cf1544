//! Whatever body is accepted, its execution can be described, stopped and asked for again, and a guard can read it.

use claim_guard::UnixTime;
use claim_guard_lambda::Guard;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::{NOW, with};

use super::robustness::json_value;
use super::world::{World, environment, lab, lab_in};
use super::*;
use crate::body::MAX_BODY_DEPTH;
use crate::services::Status;

/// Lists in lists, that many, in an object.
fn nested(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}

fn too_deep() -> Value {
    problem(400, "Bad Request", "send one JSON object of at most 64 levels")
}

#[test]
fn a_body_that_is_nested_too_deep_is_refused_with_its_reason() {
    let list = |levels: usize| "[".repeat(levels);
    for body in [nested(MAX_BODY_DEPTH + 1), nested(127), nested(128), nested(100_000), list(MAX_BODY_DEPTH + 1)] {
        let lab = lab();
        let answer = ask(&lab, &start_with(&body));
        assert_eq!(heard(&answer), too_deep());
        let reasons = json!([{ "code": "body_too_deep", "message": too_deep()["body"]["detail"] }]);
        assert_eq!(logged(&answer), line("reject", start_point(None), &payload(), reasons));
        assert_eq!(lab.outside.calls(), [""; 0]);
    }
    // Brackets in a text are none, whatever stands before its end.
    let text = json!({ "a": format!("\"\\{}", "[{".repeat(100)) }).to_string();
    for body in [nested(MAX_BODY_DEPTH), text] {
        assert_eq!(heard(&ask(&lab(), &start_with(&body)))["statusCode"], 202);
    }
}

#[test]
fn a_body_that_holds_a_transaction_token_is_refused() {
    let donor = lab();
    ask(&donor, &start_event());
    let input: Value = serde_json::from_str(&donor.outside.input(&execution_arn(&given("01")))).unwrap();
    let token = &input["transactionToken"];
    let within = json!({ "a": json!({ "b": token }).to_string() });
    for body in [json!({ "a": token }), json!({ "a": [{ "b": token }] }), json!({ token.as_str().unwrap(): 1 }), within]
    {
        let lab = lab();
        let answer = ask(&lab, &start_with(&body.to_string()));
        assert_eq!(heard(&answer), problem(400, "Bad Request", "send a body without a transaction token"));
        assert_eq!(logged(&answer)["reasons"][0]["code"], "transaction_token_in_body");
        assert_eq!(lab.outside.calls(), [""; 0]);
    }
}

#[test]
fn an_input_that_step_functions_refuses_is_the_callers_to_mend() {
    let lab = lab_in(|world| world.refuses_input = true);
    let answer = ask(&lab, &start_event());
    let detail = "send a body that Step Functions takes as input";
    assert_eq!(heard(&answer), problem(400, "Bad Request", detail));
    let reasons = json!([{ "code": "input_refused", "message": detail }]);
    assert_eq!(logged(&answer), line("allow", start_point(Some(&given("01"))), &payload(), reasons));
}

#[test]
fn who_started_an_execution_is_found_out_whatever_else_its_input_holds() {
    let lab = lab();
    ask(&lab, &start_event());
    let arn = execution_arn(&given("01"));
    let input: Value = serde_json::from_str(&lab.outside.input(&arn)).unwrap();
    let token = &input["transactionToken"];
    for other in ["[".repeat(100_000) + &"]".repeat(100_000), r#"{"a":1,"a":2}"#.to_owned(), "1e999".to_owned()] {
        lab.outside.plant(&arn, Some(&format!("{{\"input\":{other},\"transactionToken\":{token}}}")));
        assert_eq!(heard(&ask(&lab, &about("describe", &payload(), &given("01"))))["statusCode"], 200);
        assert_eq!(heard(&ask(&lab, &about("stop", &payload(), &given("01"))))["statusCode"], 204);
    }
    // Of two tokens none is the first.
    lab.outside.plant(&arn, Some(&format!("{{\"transactionToken\":{token},\"transactionToken\":{token}}}")));
    let answer = ask(&lab, &about("describe", &payload(), &given("01")));
    assert_eq!(logged(&answer)["reasons"][0]["code"], "execution_with_malformed_input");
}

#[test]
fn an_output_is_shown_however_deep_it_is() {
    let lab = lab();
    ask(&lab, &start_event());
    let output = format!("{{\"a\":{}1.50e400{}}}", "[".repeat(10_000), "]".repeat(10_000));
    lab.outside.change(&execution_arn(&given("01")), |execution| {
        execution.status = Status::Succeeded;
        execution.output = Some(output.clone());
    });
    let answer = ask(&lab, &about("describe", &payload(), &given("01")));
    let response = serde_json::to_value(&answer.response).unwrap();
    assert_eq!(response["statusCode"], 200);
    assert!(response["body"].as_str().unwrap().ends_with(&format!(",\"output\":{output}}}")));
}

/// What came of a start with that body, and of whatever can be done with what it has started.
fn checked(body: &str) -> Result<(), TestCaseError> {
    let lab = lab();
    let start = keyed(&payload(), "order-1", body);
    let first = ask(&lab, &start);
    let status = heard(&first)["statusCode"].as_u64();
    if status != Some(202) {
        prop_assert_eq!((status, &logged(&first)["decision"]), (Some(400), &json!("reject")));
        return Ok(());
    }
    let name = heard(&first)["body"]["execution"].as_str().unwrap().to_owned();
    let of = |kind: &str| {
        let answer = ask(&lab, &about(kind, &payload(), &name));
        serde_json::to_value(&answer.response).unwrap()["statusCode"].clone()
    };
    prop_assert_eq!(heard(&ask(&lab, &start)), with(heard(&first), "/headers/idempotency-replayed", json!("true")));
    prop_assert_eq!(of("describe"), json!(200));
    prop_assert_eq!(guarded(&lab, &name), json!("allow"));
    // A workflow that answers with what it was started with.
    lab.outside.change(&execution_arn(&name), |execution| {
        let input: Value = serde_json::from_str(execution.input.as_deref().unwrap()).unwrap();
        execution.output = Some(format!("{}{}{}", "[".repeat(100), input["input"], "]".repeat(100)));
        execution.status = Status::Succeeded;
    });
    prop_assert_eq!(of("describe"), json!(200));
    lab.outside.change(&execution_arn(&name), |execution| execution.status = Status::Running);
    prop_assert_eq!(of("stop"), json!(204));
    Ok(())
}

/// What the guard of the first state says to the execution's input.
fn guarded(lab: &Executions<World>, name: &str) -> Value {
    let policy = "[workflows.payment]\nsession = \"ignored\"\nmax_duration = \"1d\"\n\
                  [workflows.payment.start]\nany_verified_caller = true\n\
                  [workflows.payment.states.Screen]\nany_verified_caller = true\n";
    let guard = Guard::new("Screen", policy, |variable| match variable {
        "WORKFLOW" => Some("payment".to_owned()),
        _ => environment(variable),
    });
    let input: Value = serde_json::from_str(&lab.outside.input(&execution_arn(name))).unwrap();
    let context = json!({
        "execution": execution_arn(name), "stateMachine": MACHINE, "state": "Screen", "redriveCount": 0, "retryCount": 0,
    });
    let (token, input) = (&input["transactionToken"], &input["input"]);
    let event = json!({ "transactionToken": token, "context": context, "work": "", "input": input });
    let ruling = guard.decide(event.to_string().as_bytes(), Ok(UnixTime::from_seconds(NOW).unwrap()));
    serde_json::from_str::<Value>(&ruling.audit.to_line()).unwrap()["decision"].clone()
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_described_stopped_repeated_and_guarded(
        value in json_value(),
        levels in prop::collection::vec(any::<bool>(), 0..90),
    ) {
        let value = levels.iter().fold(value, |value, object| {
            if *object { json!({ "a": value }) } else { json!([value]) }
        });
        checked(&json!({ "a": value }).to_string())?;
    }

    #[test]
    fn what_is_no_json_of_a_caller_misconfigures_nothing(body in "[\\[\\]{}\":,a0-9eE.\\\\ +-]{0,40}") {
        checked(&body)?;
        checked(&format!("{{\"a\":{body}}}"))?;
        checked(&format!("{{\"a\":\"{body}\"}}"))?;
    }
}
