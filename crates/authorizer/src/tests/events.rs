//! The sample events of `events/authorizer`, each with what comes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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
