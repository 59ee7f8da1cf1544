//! No token in an answer or a log line, and no access token in an execution.

use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with};

use super::world::lab;
use super::*;

#[test]
fn tokens_are_in_no_answer_line_or_input() {
    let lab = lab();
    let expired = access_token_payload(NOW - 400);
    let stranger = other(&["payment:start"]);
    let body = r#"{"project_id":"apollo"}"#;
    let tokens = [payload(), expired.clone(), stranger.clone()].map(|payload| token_of(&payload));
    let requests = [
        event("start", &tokens[0]),
        event("start", &tokens[1]),
        event("start", &tokens[2]),
        event("start-unknown-workflow", &tokens[0]),
        event("start-malformed-body", &tokens[0]),
        with(event("start-idempotent", &tokens[0]), "/body", json!(body)),
        with(event("start-idempotent", &tokens[0]), "/body", json!(body)),
        with(event("start-idempotent", &tokens[0]), "/body", json!("{}")),
        with(event("describe", &tokens[0]), "/pathParameters/execution", json!(given("01"))),
        with(event("describe", &tokens[2]), "/pathParameters/execution", json!(given("01"))),
        with(event("stop", &tokens[0]), "/pathParameters/execution", json!(given("01"))),
        event("undeclared-route", &tokens[0]),
        // A token where none belongs.
        with(event("describe", &tokens[0]), "/pathParameters/execution", json!(tokens[0])),
        with(event("start", &tokens[0]), "/pathParameters/workflow", json!(tokens[0])),
    ];
    let mut seen = String::new();
    for request in &requests {
        let answer = ask(&lab, request);
        seen.push_str(&format!("{:?}\n{:?}\n{}\n", answer.response, answer.record, logged(&answer)));
    }
    let inputs: Vec<String> =
        lab.outside.executions.lock().unwrap().values().filter_map(|execution| execution.input.clone()).collect();
    assert_eq!(inputs.len(), 3);
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    for token in &tokens {
        let signature = signature(token);
        assert!(!seen.contains(&signature), "an answer or a line holds an access token's signature");
        assert!(inputs.iter().all(|input| !input.contains(&signature)), "an input holds an access token");
    }
    for input in &inputs {
        let input: Value = serde_json::from_str(input).unwrap();
        let signature = signature(input["transactionToken"].as_str().unwrap());
        assert!(!seen.contains(&signature), "an answer or a line holds a transaction token");
    }
}
