//! What is no event of a woven state.

use serde_json::{Value, json};
use test_realm::{with, without};

use super::world::World;
use super::*;

fn nowhere() -> Value {
    json!({
        "kind": "revalidation", "workflow": "", "execution": "", "state": "", "cause": "", "redrive": 0, "attempt": 0,
    })
}

#[track_caller]
fn check_bytes(event: &[u8], code: &str, message: &str) {
    let world = World::new();
    let audit = nameless_line("misconfigured", nowhere(), json!({}), json!([reason(code, message)]));
    assert_eq!(serve_bytes(&world, event, Ok(time(LATER))), misconfigured(audit));
    assert_eq!(world.calls(), (0, 0));
}

#[track_caller]
fn check(event: &Value, code: &str, message: &str) {
    check_bytes(event.to_string().as_bytes(), code, message);
}

fn usual() -> Value {
    renew("a.b.c", "ApprovePayment", "expired")
}

#[test]
fn what_is_no_json_object_asks_for_nothing() {
    check_bytes(b"", "malformed_event", "event: malformed JSON at line `1` column `0`");
    check_bytes(b"[]", "malformed_event", "event: JSON, but not an object");
    check_bytes(b"\xff", "malformed_event", "event: malformed JSON at line `1` column `1`");
    let twice = br#"{"renew":{},"renew":{}}"#;
    check_bytes(twice, "malformed_event", "event: duplicate member at line `1` column `23`");
}

#[test]
fn a_member_that_no_woven_state_sends_is_refused_wherever_it_stands() {
    let unknown = |name: &str| format!("event: unknown member `{name}`");
    check(&with(usual(), "/input", json!({})), "unknown_event_member", &unknown("input"));
    check(&with(usual(), "/context/extra", json!(1)), "unknown_event_member", &unknown("extra"));
    check(&with(usual(), "/renew/extra", json!(1)), "unknown_event_member", &unknown("extra"));
    let adopt = event("a.b.c", "payment", "adopt", json!({ "state": "X" }));
    check(&adopt, "unknown_event_member", &unknown("state"));
    let delegate = json!({ "state": "X", "input": {}, "workflow": "settlement" });
    check(&event("a.b.c", "payment", "delegate", delegate), "unknown_event_member", &unknown("workflow"));
    let start = json!({ "transactionToken": "a.b.c", "start": { "execution": execution("payment", "run-1") } });
    check(&with(start.clone(), "/start/state", json!("X")), "unknown_event_member", &unknown("state"));
    check(&with(start.clone(), "/context", json!({})), "unknown_event_member", &unknown("context"));
    check(&with(start, "/renew", json!({})), "unknown_event_member", &unknown("renew"));
}

#[test]
fn exactly_one_thing_is_asked_for() {
    let nothing = "event lacks `renew`, `adopt`, `delegate` or `start`";
    check(&without(usual(), "/renew"), "nothing_asked", nothing);
    let several = "event: expected one of `renew`, `adopt` and `delegate`";
    check(&with(usual(), "/adopt", json!({})), "several_asked", several);
    check(&with(usual(), "/delegate", Value::Null), "several_asked", several);
}

#[test]
fn every_member_has_its_type_and_its_shape() {
    check(&without(usual(), "/context"), "missing_event_member", "event lacks `context`");
    check(
        &with(usual(), "/context", json!([])),
        "event_member_of_wrong_type",
        "event `context`: expected an object, presented an array",
    );
    check(
        &with(usual(), "/renew", json!(1)),
        "event_member_of_wrong_type",
        "event `renew`: expected an object, presented an integer",
    );
    check(&without(usual(), "/renew/state"), "missing_event_member", "event lacks `state`");
    check(&without(usual(), "/renew/cause"), "missing_event_member", "event lacks `cause`");
    check(
        &with(usual(), "/renew/cause", json!(1)),
        "event_member_of_wrong_type",
        "event `cause`: expected text, presented an integer",
    );
    let cause = "event `cause`: expected `expired` or `denied`, presented `bored`";
    check(&with(usual(), "/renew/cause", json!("bored")), "unknown_cause", cause);
    let execution = "`execution`: execution ARN is not of the shape \
                     `arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:NAME`";
    check(&with(usual(), "/context/execution", json!("run-1")), "malformed_identifier", execution);
    let start = |start: Value| json!({ "transactionToken": "a.b.c", "start": start });
    check(&start(json!("run-1")), "event_member_of_wrong_type", "event `start`: expected an object, presented text");
    check(&start(json!({})), "missing_event_member", "event lacks `execution`");
    check(&start(json!({ "execution": "run-1" })), "malformed_identifier", execution);
    let counts = "event `redriveCount`: expected a count, presented an integer";
    check(&with(usual(), "/context/redriveCount", json!(-1)), "event_member_of_wrong_type", counts);
}

#[test]
fn counts_that_an_engine_does_not_know_are_none() {
    let mut event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    for count in ["/context/redriveCount", "/context/retryCount"] {
        event = with(event, count, Value::Null);
    }
    assert_eq!(said(serve(&World::new(), &event, LATER).token())["tctx"]["redrive"], 0);
}

#[test]
fn every_event_file_has_its_answer() {
    let directory = format!("{}/../../events/revalidation", env!("CARGO_MANIFEST_DIR"));
    let run = execution("payment", "7d0a3f9e5b1c4d2e8f60a1b2c3d4e5f6");
    let token = Start { execution: run, ..Start::usual() }.token();
    let mut answers = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let event = std::fs::read_to_string(path).unwrap().replace("header.payload.signature", &token);
        let mut world = World::new();
        let parsed: Value = serde_json::from_str(&event).unwrap();
        if let Some(execution) = parsed["context"]["execution"].as_str() {
            let redrives = parsed["context"]["redriveCount"].as_u64().unwrap_or(0).try_into().unwrap();
            world.executions.redrives.insert(execution.to_owned(), redrives);
        }
        world.executions.parent = said(&token)["tctx"]["execution"].as_str().unwrap().to_owned();
        // A start is asked about at once.
        let now = if parsed["start"].is_object() { NOW } else { LATER };
        let served = serve_bytes(&world, event.as_bytes(), Ok(time(now)));
        let answer = match served.answer {
            Ok(answer) if answer.get("start").is_some() => answer["start"].as_str().unwrap().to_owned(),
            Ok(_) => format!("epoch {}", said(served.token())["tctx"]["epoch"]),
            Err((name, _)) => name,
        };
        answers.insert(name, answer);
    }
    let expected = json!({
        "adopt": "epoch 1",
        "delegate": "epoch 1",
        "renew-before-every-attempt": "epoch 1",
        "renew-denied": "epoch 1",
        "renew-expired": "epoch 1",
        "renew-redriven": "epoch 1",
        "renew-retried": "epoch 1",
        "start": "alive",
        "two-purposes": "ClaimGuard.Misconfigured",
        "unknown-cause": "ClaimGuard.Misconfigured",
        "without-token": "ClaimGuard.Rejected",
    });
    assert_eq!(json!(answers), expected);
}
