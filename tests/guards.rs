//! The steps' guards: what a transaction token is worth outside the execution that it was made for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use serde_json::{Value, json};
use support::{Turn, and, payload, payment, policy_digest, turn, unique, with_payload};
use test_realm::TestKey;

/// An execution that is over, and the transaction token that it was started with.
struct Captured {
    execution: String,
    token: String,
}

#[track_caller]
fn captured(lab: &mut Turn) -> Captured {
    let execution = lab.started(&lab.token("alice").unwrap()).arn;
    assert_eq!(lab.ended(&execution), "SUCCEEDED");
    lab.audit(8);
    Captured { token: transaction_token(lab, &execution), execution }
}

fn transaction_token(lab: &Turn, execution: &str) -> String {
    let input: Value = serde_json::from_str(lab.execution(execution).unwrap()["input"].as_str().unwrap()).unwrap();
    input["transactionToken"].as_str().unwrap().to_owned()
}

/// What the state machine would pass to ScreenPayment, in this execution, with this token.
fn event(execution: &str, token: Value) -> Value {
    let machine: Vec<&str> = execution.rsplitn(2, ':').collect();
    json!({
        "transactionToken": token,
        "context": {
            "execution": execution,
            "stateMachine": machine[1].replace(":execution:", ":stateMachine:"),
            "state": "ScreenPayment", "redriveCount": 0, "retryCount": 0,
        },
        "work": "/0",
        "input": {"project_id": "apollo", "amount": 1200, "currency": "EUR", "party": "payer-1"},
    })
}

/// Calls ScreenPayment past the state machine: it refuses, says nothing about why, and its line names the cause.
#[track_caller]
fn expect_refusal(lab: &mut Turn, event: &Value, decision: &str, code: &str) -> Value {
    let invocation = lab.invoke("ScreenPayment", event).unwrap();
    let (error, message) = match decision {
        "reject" => ("ClaimGuard.Rejected", "rejected: see the audit line in the guard's log"),
        _ => ("ClaimGuard.Misconfigured", "misconfigured: see the audit line in the guard's log"),
    };
    let told = invocation.payload["errorMessage"].as_str().unwrap().split("; the token presented is ").next().unwrap();
    assert_eq!(json!([invocation.failed, invocation.payload["errorType"], told]), json!([true, error, message]));
    let line = lab.expect_audit(&[&format!("ScreenPayment {decision} {code}")]).remove(0);
    assert_eq!(line["policy"], policy_digest());
    assert_eq!(line["subject"], Value::Null, "{line}");
    line
}

#[test]
fn in_its_own_execution_a_token_is_good() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let invocation = lab.invoke("ScreenPayment", &event(&execution, json!(token))).unwrap();
    assert_eq!((invocation.failed, &invocation.payload["party"]), (false, &json!("payer-1")), "{invocation:?}");
    lab.expect_audit(&["ScreenPayment allow"]);
}

#[test]
fn a_token_is_worthless_in_another_execution() {
    let mut lab = turn();
    let (first, second) = (captured(&mut lab), captured(&mut lab));
    let line = expect_refusal(&mut lab, &event(&second.execution, json!(first.token)), "reject", "other_execution");
    let message = line["reasons"][0]["message"].as_str().unwrap();
    assert!(message.contains(&first.execution) && message.contains(&second.execution), "{message}");
    assert_eq!(line["point"]["execution"], second.execution);
}

#[test]
fn a_token_is_worthless_in_another_state_machine() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let elsewhere = execution.replace("workflows-payment", "refunds");
    expect_refusal(&mut lab, &event(&elsewhere, json!(token)), "reject", "other_state_machine");
    // The execution is named rightly, the state machine is not.
    let mut mixed = event(&execution, json!(token));
    mixed["context"]["stateMachine"] = event(&elsewhere, json!(token))["context"]["stateMachine"].clone();
    expect_refusal(&mut lab, &mixed, "reject", "other_state_machine");
}

#[test]
fn a_token_that_was_altered_proves_nothing() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let claims = payload(&token);
    for (name, value) in [("sub", json!("somebody else")), ("exp", json!(claims["exp"].as_i64().unwrap() + 3600))] {
        let altered = with_payload(&token, &and(&claims, name, value));
        expect_refusal(&mut lab, &event(&execution, json!(altered)), "reject", "bad_signature");
    }
    let cut = token.rsplit_once('.').unwrap().0.to_owned() + ".";
    expect_refusal(&mut lab, &event(&execution, json!(cut)), "reject", "bad_signature");
}

#[test]
fn a_token_of_the_forgers_own_key_proves_nothing() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let header = support::header(&token);
    let forger = TestKey::generate("ES256", header["kid"].as_str().unwrap());
    let forged = forger.token_of(&header.to_string(), &payload(&token).to_string());
    expect_refusal(&mut lab, &event(&execution, json!(forged)), "reject", "bad_signature");
    let unknown = and(&header, "kid", json!("not-a-key-of-the-stack")).to_string();
    let forged = forger.token_of(&unknown, &payload(&token).to_string());
    expect_refusal(&mut lab, &event(&execution, json!(forged)), "reject", "unknown_key");
}

#[test]
fn without_a_token_nothing_is_proven() {
    let mut lab = turn();
    let Captured { execution, .. } = captured(&mut lab);
    for token in [Value::Null, json!(1), json!({"txn": "x"})] {
        expect_refusal(&mut lab, &event(&execution, token), "reject", "absent");
    }
    let mut without = event(&execution, Value::Null);
    without.as_object_mut().unwrap().remove("transactionToken");
    expect_refusal(&mut lab, &without, "reject", "absent");
}

#[test]
fn an_access_token_is_no_transaction_token() {
    let mut lab = turn();
    let Captured { execution, .. } = captured(&mut lab);
    let token = lab.token("alice").unwrap();
    lab.note_token(&token).unwrap();
    expect_refusal(&mut lab, &event(&execution, json!(token)), "reject", "wrong_token_type");
}

#[test]
fn the_function_of_one_state_does_not_work_for_another() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let mut other = event(&execution, json!(token));
    for state in ["ApprovePayment", "Nowhere"] {
        other["context"]["state"] = json!(state);
        expect_refusal(&mut lab, &other, "misconfigured", "other_state");
    }
}

#[test]
fn an_event_of_another_shape_is_misconfigured() {
    let mut lab = turn();
    let Captured { execution, token } = captured(&mut lab);
    let whole = event(&execution, json!(token));
    expect_refusal(&mut lab, &json!({}), "misconfigured", "missing_event_member");
    expect_refusal(&mut lab, &and(&whole, "grant", json!(true)), "misconfigured", "unknown_event_member");
}

/// Starts an execution past the API, as somebody may who has `states:StartExecution`.
fn started_past_the_api(lab: &Turn, input: &Value) -> String {
    let request = json!({"stateMachineArn": lab.machine(), "name": unique(), "input": input.to_string()});
    let answer = lab.aws().json("states", "AWSStepFunctions.StartExecution", &request).unwrap();
    answer["executionArn"].as_str().unwrap().to_owned()
}

#[test]
fn an_execution_that_was_started_past_the_api_acts_for_nobody() {
    let mut lab = turn();
    let Captured { token, .. } = captured(&mut lab);
    let key = TestKey::generate("ES256", "forger");
    let forged = key.token_of(&support::header(&token).to_string(), &payload(&token).to_string());
    for (presented, code) in [
        (json!(token), "other_execution"),
        (json!(forged), "bad_signature"),
        (json!("garbage"), "wrong_part_count"),
        (Value::Null, "absent"),
    ] {
        let one = and(&payment(), "parties", json!(["payer-1"]));
        let execution = started_past_the_api(&lab, &json!({"transactionToken": presented, "input": one}));
        assert_eq!(lab.ended(&execution), "FAILED ClaimGuard.Rejected");
        let line = lab.expect_audit(&[&format!("ScreenPayment reject {code}")]).remove(0);
        assert_eq!(line["point"]["execution"], execution);
    }
}

#[test]
fn an_input_cannot_smuggle_an_identity_in() {
    let mut lab = turn();
    let stolen = captured(&mut lab);
    let carol = lab.token("carol").unwrap();
    // A token of another execution does not even get in, wherever it stands.
    let mut body = payment();
    for (name, value) in [
        ("transactionToken", json!(stolen.token)),
        ("$transactionToken", json!(stolen.token)),
        ("input", json!({"transactionToken": stolen.token})),
    ] {
        body = and(&body, name, value);
    }
    let answer = lab.start(&lab.token("carol").unwrap(), &[], &body.to_string());
    assert_eq!(answer.status, 400, "{answer:?}");
    lab.expect_audit(&["door allow", "start reject transaction_token_in_body"]);
    // Were the stolen context or the flags heard, carol's payment would be alice's and succeed.
    let mut body = payment();
    for (name, value) in [
        ("transactionToken", json!("garbage")),
        ("Execution", json!({"Id": stolen.execution})),
        ("context", json!({"execution": stolen.execution, "state": "ScreenPayment"})),
        ("compliance", json!({"kyc": true})),
    ] {
        body = and(&body, name, value);
    }
    let answer = lab.start(&carol, &[], &body.to_string());
    assert_eq!(answer.status, 202, "{answer:?}");
    let execution = lab.execution_of(&answer).arn;
    assert_eq!(lab.ended(&execution), "FAILED ClaimGuard.Denied");
    let lines = lab.expect_audit(&[
        "door allow",
        "Before start allow",
        "start allow",
        "ScreenPayment allow",
        "ScreenPayment allow",
        "ApprovePayment deny claim_unmet",
        "Reconsider ApprovePayment allow",
        "ApprovePayment deny claim_unmet",
        "Reconsider ApprovePayment deny denied_again",
    ]);
    for line in lines {
        assert_eq!(line["subject"], payload(&carol)["sub"], "{line}");
    }
    assert_ne!(transaction_token(&lab, &execution), stolen.token);
}
