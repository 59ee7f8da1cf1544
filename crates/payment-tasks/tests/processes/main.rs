//! The sample's functions as processes, each on Lambda's runtime API, with its real environment, clock and log.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a wrong call is a wrong test")]

mod runtime_api;
#[path = "../../../claim-guard-lambda/tests/guard/stack.rs"]
mod stack;

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use runtime_api::{Answer, Invoked, invoke};
use serde_json::{Value, json};
use stack::{Mint, Stack, TRUST_DOMAIN, event, execution};
use test_realm::{SUBJECT, access_token_payload, with};

const SCREEN: &str = env!("CARGO_BIN_EXE_screen-payment");
const APPROVE: &str = env!("CARGO_BIN_EXE_approve-payment");
const EXECUTE: &str = env!("CARGO_BIN_EXE_execute-payment");

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// The token of an execution whose starter holds everything, renewed for a state if one is named.
fn token(stack: &Stack, run: &str, access_token: &Value, renewed_for: Option<&str>) -> String {
    let (execution, transaction) = (execution(run), format!("txn-{run}"));
    let mint = Mint {
        trust_domain: TRUST_DOMAIN,
        execution: &execution,
        redrive_count: 0,
        transaction: &transaction,
        now: now(),
    };
    let token = stack.token(access_token, &mint);
    renewed_for.map_or_else(|| token.clone(), |state| stack.renewed(&token, &mint, state, now()))
}

/// Calls one state's function once, as the state machine does that has just asked for this state.
fn call(stack: &Stack, binary: &str, state: &str, input: &Value) -> Invoked {
    let token = token(stack, "run", &access_token_payload(now()), Some(state));
    let event = event(&token, &execution("run"), state, input).to_string().into_bytes();
    let invoked = invoke(binary, &stack.environment(), &[event]);
    holds_no_token(&invoked, &token);
    invoked
}

#[track_caller]
fn holds_no_token(invoked: &Invoked, token: &str) {
    let printed = format!("{invoked:?}");
    for part in token.split('.') {
        assert!(!printed.contains(part), "{printed}");
    }
}

/// The decision, state and subject of each audit line; any other line is none.
#[track_caller]
fn decisions(invoked: &Invoked) -> Vec<(String, String, String)> {
    assert_eq!(invoked.out, "");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = invoked.log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (text(&line["decision"]), text(&line["point"]["state"]), text(&line["subject"]))).collect()
}

fn decision(decision: &str, state: &str, subject: &str) -> (String, String, String) {
    (decision.to_owned(), state.to_owned(), subject.to_owned())
}

#[track_caller]
fn check(invoked: &Invoked, state: &str, expected: Answer) {
    assert_eq!(invoked.answers, [expected]);
    assert_eq!(decisions(invoked), [decision("allow", state, SUBJECT)]);
}

fn error(name: &str, message: &str) -> Answer {
    Answer::Error(json!({ "errorType": name, "errorMessage": message }))
}

/// A refusal without the digest of the token that it is about.
fn without_token(answer: Answer) -> Answer {
    let Answer::Error(refusal) = &answer else { return answer };
    let message = refusal["errorMessage"].as_str().unwrap();
    let message = message.split("; the token presented is `sha256:").next().unwrap();
    Answer::Error(with(refusal.clone(), "/errorMessage", json!(message)))
}

/// The events that a contributor invokes the functions with; their token proves nothing.
fn sample(function: &str) -> Value {
    let path = format!("{}/../../events/{function}/state.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn input(function: &str) -> Value {
    sample(function)["input"].clone()
}

#[test]
fn a_party_is_screened_on_behalf_of_the_subject() {
    let stack = Stack::new();
    for (party, result) in [("payer-1", "clear"), ("listed-payee", "hit")] {
        let input = with(input("screen-payment"), "/party", json!(party));
        let expected = json!({ "party": party, "result": result, "screened_for": SUBJECT });
        check(&call(&stack, SCREEN, "ScreenPayment", &input), "ScreenPayment", Answer::Output(expected));
    }
}

#[test]
fn a_payment_is_approved_if_every_party_is_clear_and_the_amount_below_the_limit() {
    let stack = Stack::new();
    let approval = json!({ "amount": 1200, "currency": "EUR", "approved_for": SUBJECT });
    let not_clear = || error("Payment.PartyNotClear", "not every party was screened and is clear");
    let screened = input("approve-payment");
    let cases = [
        (screened.clone(), Answer::Output(approval)),
        (with(screened.clone(), "/screenings/1/result", json!("hit")), not_clear()),
        (with(screened.clone(), "/screenings/1/party", json!("payer-1")), not_clear()),
        (with(screened.clone(), "/screenings", json!([])), not_clear()),
        (with(screened, "/amount", json!(10_000_001)), error("Payment.LimitExceeded", "the limit is `10000000`")),
        (json!({ "project_id": "apollo" }), error("Task.InvalidInput", "the input is not what the task reads")),
    ];
    for (input, expected) in cases {
        check(&call(&stack, APPROVE, "ApprovePayment", &input), "ApprovePayment", expected);
    }
}

#[test]
fn a_payment_is_executed_as_approved() {
    let stack = Stack::new();
    let approved = input("execute-payment");
    let invoked = call(&stack, EXECUTE, "ExecutePayment", &approved);
    let [Answer::Output(receipt)] = invoked.answers.as_slice() else { panic!("{invoked:?}") };
    let payment = receipt["payment"].as_str().unwrap();
    assert_eq!(payment.strip_prefix("payment-").map(str::len), Some(64), "{payment}");
    let receipt = json!({
        "payment": payment,
        "project_id": "apollo",
        "amount": 1200,
        "currency": "EUR",
        "executed_for": SUBJECT
    });
    check(&invoked, "ExecutePayment", Answer::Output(receipt));
    let other = error("Payment.NotAsApproved", "the approval is for another amount or currency");
    for (place, value) in [("/approval/amount", json!(1199)), ("/approval/currency", json!("USD"))] {
        let input = with(approved.clone(), place, value);
        check(&call(&stack, EXECUTE, "ExecutePayment", &input), "ExecutePayment", other.clone());
    }
}

/// The payment of a call with a statement of its own, for that piece of the work of that execution.
fn payment(stack: &Stack, run: &str, work: &str) -> String {
    let token = token(stack, run, &access_token_payload(now()), Some("ExecutePayment"));
    let event = event(&token, &execution(run), "ExecutePayment", &input("execute-payment"));
    let event = with(event, "/work", json!(work)).to_string().into_bytes();
    let invoked = invoke(EXECUTE, &stack.environment(), &[event]);
    let [Answer::Output(receipt)] = invoked.answers.as_slice() else { panic!("{invoked:?}") };
    receipt["payment"].as_str().unwrap().to_owned()
}

#[test]
fn a_retry_makes_no_second_payment_and_two_items_of_a_map_make_two() {
    let stack = Stack::new();
    let pieces = [("run", ""), ("run", "/0"), ("run", "/1"), ("run", "/0/1"), ("run", "~2"), ("other-run", "/0")];
    let payments: BTreeSet<String> = pieces.iter().map(|(run, work)| payment(&stack, run, work)).collect();
    assert_eq!(payments.len(), pieces.len());
    // Each call has a statement of its own, as after a renewal.
    assert!(pieces.iter().all(|(run, work)| payments.contains(&payment(&stack, run, work))));
}

#[test]
fn the_sample_events_are_of_a_state_s_shape_and_prove_nothing() {
    let stack = Stack::new();
    let functions = [("screen-payment", SCREEN), ("approve-payment", APPROVE), ("execute-payment", EXECUTE)];
    for (function, binary) in functions {
        let event = sample(function).to_string().into_bytes();
        let invoked = invoke(binary, &stack.environment(), &[event]);
        let message = "rejected: see the audit line in the guard's log";
        let answers: Vec<Answer> = invoked.answers.into_iter().map(without_token).collect();
        assert_eq!(answers, [error("ClaimGuard.Rejected", message)]);
    }
}

#[test]
fn a_payment_of_another_project_is_denied() {
    let stack = Stack::new();
    let input = with(input("execute-payment"), "/project_id", json!("gemini"));
    let invoked = call(&stack, EXECUTE, "ExecutePayment", &input);
    let message = "denied: see the audit line of transaction `txn-run`";
    assert_eq!(decisions(&invoked), [decision("deny", "ExecutePayment", SUBJECT)]);
    let answers: Vec<Answer> = invoked.answers.into_iter().map(without_token).collect();
    assert_eq!(answers, [error("ClaimGuard.Denied", message)]);
}

#[test]
fn a_function_without_an_environment_starts_and_answers_misconfigured() {
    let message = "misconfigured: see the audit line in the guard's log";
    for (binary, state) in [(SCREEN, "ScreenPayment"), (APPROVE, "ApprovePayment"), (EXECUTE, "ExecutePayment")] {
        let invoked = invoke(binary, &[], &[b"{}".to_vec(), b"{}".to_vec()]);
        let expected = || error("ClaimGuard.Misconfigured", message);
        assert_eq!(invoked.answers, [expected(), expected()]);
        assert_eq!(decisions(&invoked), [decision("misconfigured", state, ""), decision("misconfigured", state, "")]);
    }
}

#[test]
fn bytes_that_are_no_json_have_the_guard_s_error_name_too() {
    let stack = Stack::new();
    let events = [b"not json".to_vec(), b"\xff\xfe".to_vec(), b"\"text\"".to_vec(), b"{\"a\":".to_vec(), Vec::new()];
    let invoked = invoke(APPROVE, &stack.environment(), &events);
    for answer in &invoked.answers {
        let message = "misconfigured: see the audit line in the guard's log";
        assert_eq!(*answer, error("ClaimGuard.Misconfigured", message));
    }
    assert_eq!(decisions(&invoked), vec![decision("misconfigured", "ApprovePayment", ""); events.len()]);
}

#[test]
fn concurrent_invocations_of_one_process_do_not_mix() {
    let stack = Stack::new();
    let mut environment = stack.environment().to_vec();
    environment.push(("AWS_LAMBDA_MAX_CONCURRENCY", "8".to_owned()));
    let subjects: Vec<String> = (0..64).map(|index| format!("subject-{index}")).collect();
    let events = subjects.iter().map(|subject| {
        let token = token(&stack, subject, &with(access_token_payload(now()), "/sub", json!(subject)), None);
        let input = json!({ "party": subject });
        event(&token, &execution(subject), "ScreenPayment", &input).to_string().into_bytes()
    });
    let invoked = invoke(SCREEN, &environment, &events.collect::<Vec<_>>());
    for (answer, subject) in invoked.answers.iter().zip(&subjects) {
        let expected = json!({ "party": subject, "result": "clear", "screened_for": subject });
        assert_eq!(*answer, Answer::Output(expected));
    }
    let mut logged = decisions(&invoked);
    let mut expected: Vec<_> = subjects.iter().map(|subject| decision("allow", "ScreenPayment", subject)).collect();
    logged.sort();
    expected.sort();
    assert_eq!(logged, expected);
}

#[test]
fn each_task_is_a_file_of_fewer_than_60_lines() {
    let sources = [
        include_str!("../../src/bin/screen-payment.rs"),
        include_str!("../../src/bin/approve-payment.rs"),
        include_str!("../../src/bin/execute-payment.rs"),
    ];
    for source in sources {
        assert!(source.lines().count() < 60, "{source}");
    }
}
