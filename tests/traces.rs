//! What the whole suite left behind: no access, ID or refresh token is in a log, in an execution or in an answer, and no
//! transaction token is outside the executions. Cargo runs this program after all others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use support::{Turn, repository, turn};
use xtask::calls::Answer;

/// A part of a token that is shorter is not the token: `a.b.c` was presented too.
const TELLING: usize = 20;

/// One thing that was written somewhere.
struct Trace {
    place: String,
    text: String,
}

/// A token whole, and its payload and signature alone. The header is the same in every token of a key.
fn needles(token: &str) -> Vec<&str> {
    let parts = token.split('.').skip(1);
    std::iter::once(token).chain(parts).filter(|part| part.len() >= TELLING).collect()
}

/// Where a token or a part of one is found.
fn found<'a>(tokens: &[String], traces: &'a [Trace]) -> BTreeSet<&'a str> {
    let needles: Vec<&str> = tokens.iter().flat_map(|token| needles(token)).collect();
    let holds = |trace: &&Trace| needles.iter().any(|needle| trace.text.contains(needle));
    traces.iter().filter(holds).map(|trace| trace.place.as_str()).collect()
}

fn files(directory: &Path) -> Vec<Trace> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| Trace {
        text: String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
        place: path.display().to_string(),
    };
    paths.filter(|path| path.is_file()).map(read).collect()
}

/// Everything outside the executions: logs, the machine's own logs, answers, the functions' configuration.
fn outside(lab: &Turn) -> Vec<Trace> {
    let mut traces = files(&lab.directory().join("logs"));
    // What the tests themselves printed, where `cargo xtask test` runs them.
    traces.extend(files(&repository().join("target/xtask-test")));
    for line in lab.log_lines().unwrap() {
        traces.push(Trace { place: line.group, text: line.text });
    }
    for (number, answer) in lab.answers_given().unwrap().into_iter().enumerate() {
        traces.push(Trace { place: format!("answer {number}"), text: answer });
    }
    for function in lab.physical_ids("AWS::Lambda::Function") {
        let path = format!("/2015-03-31/functions/{function}");
        let configuration = lab.aws().rest("lambda", http::Method::GET, &path, None).unwrap();
        traces.push(Trace { place: path, text: configuration.to_string() });
    }
    traces
}

/// Every execution with its history.
fn inside(lab: &Turn) -> Vec<Trace> {
    let mut traces = Vec::new();
    for execution in lab.executions().unwrap() {
        let text =
            lab.execution(&execution).unwrap().to_string() + &json!(lab.history(&execution).unwrap()).to_string();
        traces.push(Trace { place: execution, text });
    }
    traces
}

/// The transaction token that each execution was started with.
fn transaction_tokens(lab: &Turn) -> BTreeMap<String, String> {
    let input = |execution: String| -> Option<(String, String)> {
        let description = lab.execution(&execution).unwrap();
        let input: Value = serde_json::from_str(description["input"].as_str()?).ok()?;
        let token = input["transactionToken"].as_str().filter(|token| token.len() >= TELLING)?.to_owned();
        Some((execution, token))
    };
    lab.executions().unwrap().into_iter().filter_map(input).collect()
}

/// One payment more, so that there is something to look for even when this program runs alone.
fn after_a_payment() -> (Turn, Answer) {
    let lab = turn();
    let answer = lab.start(&lab.token("alice").unwrap(), &[], &support::payment().to_string());
    let execution = lab.execution_of(&answer);
    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    assert_eq!(lab.call(&lab.token("alice").unwrap(), "GET", &execution.path).status, 200);
    (lab, answer)
}

#[test]
fn no_token_of_the_realm_is_written_anywhere() {
    let (lab, _) = after_a_payment();
    let tokens = lab.tokens_used().unwrap();
    let mut traces = outside(&lab);
    traces.extend(inside(&lab));
    assert_eq!(found(&tokens, &traces), BTreeSet::new());
}

#[test]
fn no_transaction_token_leaves_its_execution() {
    let (lab, _) = after_a_payment();
    let executions = transaction_tokens(&lab);
    let tokens: Vec<String> = executions.values().cloned().collect();
    assert_eq!(found(&tokens, &outside(&lab)), BTreeSet::new());
    // The search finds what is there: every execution holds its own.
    let holders: BTreeSet<&str> = executions.keys().map(String::as_str).collect();
    assert!(!holders.is_empty());
    assert_eq!(found(&tokens, &inside(&lab)), holders);
}

#[test]
fn a_token_that_was_written_somewhere_would_be_found() {
    let (lab, answer) = after_a_payment();
    let token = lab.token("alice").unwrap();
    lab.call(&token, "GET", "/workflows/payment/executions/none");
    assert!(lab.tokens_used().unwrap().contains(&token), "tokens are not recorded");
    let parts: Vec<&str> = token.split('.').collect();
    let places = outside(&lab);
    assert!(places.iter().any(|trace| trace.place.ends_with("emulator.log") && !trace.text.is_empty()));
    let transaction = answer.json()["transaction"].as_str().unwrap().to_owned();
    let answered = places.iter().filter(|trace| trace.place.starts_with("answer") && trace.text.contains(&transaction));
    assert!(answered.count() >= 2, "answers are not recorded");
    let logged = places.iter().filter(|trace| trace.place.starts_with("/aws/") && trace.text.contains(&transaction));
    assert_eq!(logged.count(), 5, "audit lines are not read");
    for planted in [token.clone(), parts[1].to_owned(), parts[2].to_owned(), format!("{{\"token\":\"{token}\"}}")] {
        let mut traces = outside(&lab);
        traces.push(Trace { place: "planted".to_owned(), text: format!("before {planted} after") });
        assert_eq!(found(std::slice::from_ref(&token), &traces), BTreeSet::from(["planted"]));
    }
}
