//! What the whole suite left behind: no access, ID or refresh token and no secret is in a log, in an execution, in an answer
//! or in a function's environment, and no transaction token is outside the executions. Cargo runs this program after all
//! others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{Turn, repository, turn};
use xtask::calls::Answer;
use xtask::users::people;

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
        for name in [lab.running(&function).unwrap(), function] {
            let path = format!("/2015-03-31/functions/{name}");
            let configuration = lab.aws().rest("lambda", http::Method::GET, &path, None).unwrap();
            traces.push(Trace { place: path, text: configuration.to_string() });
        }
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

/// The headers of all signed tokens that a text holds, whoever made them.
fn headers_of_tokens(text: &str) -> Vec<Value> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split(|c| !plain(c)).filter(|word| word.matches('.').count() >= 2 && word.len() >= TELLING);
    let header = |word: &str| -> Option<Value> {
        let (header, _) = word.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        header.get("alg").is_some().then_some(header)
    };
    words.filter_map(header).collect()
}

/// Every secret that somebody of the lab could sign in with, beside the tokens: passwords, and what clients could have.
fn secrets(lab: &Turn) -> Vec<String> {
    let clients = lab.administer("GET", "clients", None);
    let clients = clients.as_array().unwrap();
    let mut secrets: Vec<String> =
        clients.iter().filter_map(|client| client["secret"].as_str()).map(str::to_owned).collect();
    // Keycloak makes one for revalidation's client, too, which the client's authenticator does not take.
    assert!(!secrets.is_empty(), "no client has a secret: nothing would be looked for");
    secrets.push(lab.administrator_password());
    secrets.extend(people().iter().map(|person| lab.password(person.name).unwrap()));
    secrets
}

/// The environment that every function runs in, by the function's name.
fn environments(lab: &Turn) -> BTreeMap<String, BTreeMap<String, String>> {
    let environment = |function: String| {
        let configuration = lab.configuration(&function).unwrap();
        let variables = configuration["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
        let text = |value: Value| value.as_str().unwrap().to_owned();
        (function, variables.into_iter().map(|(name, value)| (name, text(value))).collect())
    };
    lab.physical_ids("AWS::Lambda::Function").into_iter().map(environment).collect()
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
fn nothing_that_looks_like_a_token_is_outside_the_executions() {
    let (lab, _) = after_a_payment();
    for trace in outside(&lab) {
        assert_eq!(headers_of_tokens(&trace.text), Vec::<Value>::new(), "{}", trace.place);
    }
}

#[test]
fn every_token_inside_an_execution_is_a_transaction_token() {
    let (lab, answer) = after_a_payment();
    let paid = lab.execution_of(&answer).arn;
    for trace in inside(&lab) {
        let headers = headers_of_tokens(&trace.text);
        let others: Vec<&Value> = headers.iter().filter(|header| header["typ"] != "txntoken+jwt").collect();
        assert_eq!(others, Vec::<&Value>::new(), "{}", trace.place);
        // The one of the start, and the one that revalidation made.
        assert!(trace.place != paid || headers.len() >= 2, "{headers:?}");
    }
}

#[test]
fn no_secret_is_written_anywhere() {
    let (lab, _) = after_a_payment();
    let secrets = secrets(&lab);
    let mut traces = outside(&lab);
    traces.extend(inside(&lab));
    let holds = |trace: &&Trace| secrets.iter().any(|secret| trace.text.contains(secret.as_str()));
    let found: BTreeSet<&str> = traces.iter().filter(holds).map(|trace| trace.place.as_str()).collect();
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn no_function_is_given_a_credential() {
    let lab = turn();
    let secrets = secrets(&lab);
    let environments = environments(&lab);
    assert_eq!(environments.len(), 7, "{:?}", environments.keys());
    let mut names = BTreeSet::new();
    for (function, variables) in environments {
        for (name, value) in variables {
            assert_eq!(headers_of_tokens(&value), Vec::<Value>::new(), "{function} {name}");
            assert!(!secrets.iter().any(|secret| value.contains(secret.as_str())), "{function} {name}");
            // A private key of JWK form has a member `d`, and a symmetric one `k`.
            let keys: Value = serde_json::from_str(&value).unwrap_or_default();
            for key in keys["keys"].as_array().into_iter().flatten() {
                assert_eq!(json!([key["d"], key["k"]]), json!([null, null]), "{function} {name}");
            }
            names.insert(name);
        }
    }
    let told = [
        "CLIENT_KEY_ID",
        "CLIENT_SIGNING_KEY",
        "CORS_ORIGIN",
        "EXECUTION_NAMING_KEY",
        "REALM_ADMIN_URL",
        "REALM_AUDIENCE",
        "REALM_CA",
        "REALM_CLIENTS",
        "REALM_ISSUER",
        "REALM_JWKS_URI",
        "REVALIDATION_CLIENT",
        "REVALIDATION_FUNCTION",
        "RUNNING_EXECUTIONS",
        "STARTS_PER_MINUTE",
        "START_LIMITS_TABLE",
        "TRANSACTION_KEYS",
        "TRANSACTION_KEY_ID",
        "TRANSACTION_SIGNING_KEY",
        "TRUST_DOMAIN",
        "WORKFLOW",
        "WORKFLOW_STATE_MACHINES",
    ];
    assert_eq!(names, told.map(str::to_owned).into());
}

#[test]
fn a_token_in_any_surroundings_is_recognized() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"x"}"#);
    let token = format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode("{}"), "c2lnbmF0dXJl");
    for text in [token.clone(), format!("Bearer {token}"), json!({"a": json!({"b": token}).to_string()}).to_string()] {
        assert_eq!(headers_of_tokens(&text), [json!({"alg": "ES256", "typ": "x"})], "{text}");
    }
    for text in ["header.payload.signature", "127.0.0.1", "a.b.c", "workflows.000000000000.us-east-1"] {
        assert_eq!(headers_of_tokens(text), Vec::<Value>::new(), "{text}");
    }
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
    assert_eq!(logged.count(), 7, "audit lines are not read");
    for planted in [token.clone(), parts[1].to_owned(), parts[2].to_owned(), format!("{{\"token\":\"{token}\"}}")] {
        let mut traces = outside(&lab);
        traces.push(Trace { place: "planted".to_owned(), text: format!("before {planted} after") });
        assert_eq!(found(std::slice::from_ref(&token), &traces), BTreeSet::from(["planted"]));
    }
}
