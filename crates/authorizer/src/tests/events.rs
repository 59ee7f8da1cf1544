//! The sample events of `events/authorizer`, each with what comes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aws_lambda_events::apigw::{ApiGatewayCustomAuthorizerRequest, ApiGatewayCustomAuthorizerResponse};
use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload};

use super::*;

/// What stands in the events where a token has to stand.
const PLACEHOLDER: &str = "header.payload.signature";

fn events() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/authorizer");
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let event = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a text");
        (entry.file_name().into_string().expect("a name"), text)
    };
    entries.map(event).collect()
}

/// For each event: its name, the decision, the route, the first reason's code.
fn outcomes(token: &str) -> Value {
    let outcome = |(name, event): (String, String)| {
        let line =
            outcome_of_bytes(setup(policy(SHIPPED), realm_keys()), event.replace(PLACEHOLDER, token).as_bytes()).line();
        let route =
            format!("{} {}", line["point"]["method"].as_str().unwrap(), line["point"]["path"].as_str().unwrap());
        json!([name, line["decision"], route, line["reasons"][0]["code"]])
    };
    events().into_iter().map(outcome).collect()
}

#[test]
fn each_sample_event_is_decided_as_its_name_says() {
    let execution = "/workflows/{workflow}/executions/{execution}";
    let token = KEY.token(&access_token_payload(NOW));
    let expected = json!([
        ["console-test-of-a-method.json", "allow", "POST /workflows/{workflow}/executions", null],
        ["console-test-without-a-stage.json", "allow", "POST /workflows/{workflow}/executions", null],
        ["console-test.json", "deny", "GET /", "no_route"],
        ["describe.json", "allow", format!("GET {execution}"), null],
        ["empty-token.json", "reject", "POST /workflows/{workflow}/executions", "no_bearer_token"],
        ["malformed-method-arn.json", "reject", " ", "malformed_method_arn"],
        ["no-scheme.json", "reject", "POST /workflows/{workflow}/executions", "no_bearer_token"],
        ["other-scheme.json", "reject", "POST /workflows/{workflow}/executions", "no_bearer_token"],
        ["start.json", "allow", "POST /workflows/{workflow}/executions", null],
        ["stop.json", "allow", format!("DELETE {execution}"), null],
        ["undeclared-route.json", "deny", "PUT /administration/users", "no_route"],
    ]);
    assert_eq!(outcomes(&token), expected);
}

#[test]
fn each_sample_event_is_rejected_as_it_stands() {
    for event in outcomes(PLACEHOLDER).as_array().expect("events") {
        assert_eq!(event[1], json!("reject"), "{event}");
    }
}

#[test]
fn events_and_answers_say_the_same_in_the_library_s_types() {
    let token = KEY.token(&access_token_payload(NOW));
    let mut policies = 0;
    for (name, text) in events() {
        let sent: Value = serde_json::from_str(&text.replace(PLACEHOLDER, &token)).unwrap();
        let read: ApiGatewayCustomAuthorizerRequest = serde_json::from_value(sent.clone()).unwrap();
        let written = serde_json::to_value(read).unwrap();
        let [sent, written] = [sent, written].map(|event| outcome(setup(policy(SHIPPED), realm_keys()), &event));
        assert_eq!((&written.answer, &written.lines), (&sent.answer, &sent.lines), "{name}");

        let mut answer = sent.answer;
        if answer.get("policyDocument").is_none() {
            continue;
        }
        policies += 1;
        let read: ApiGatewayCustomAuthorizerResponse = serde_json::from_value(answer.clone()).unwrap();
        // Where one action stands for a list of one, and no key of a usage plan is named, the library says so at length.
        for statement in answer["policyDocument"]["Statement"].as_array_mut().unwrap() {
            statement["Action"] = json!([statement["Action"]]);
        }
        answer["usageIdentifierKey"] = Value::Null;
        assert_eq!(serde_json::to_value(read).unwrap(), answer, "{name}");
    }
    assert!(policies >= 4, "{policies}");
}
