//! The API over HTTP: who gets what, and what is written about it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use support::{STARTS, and, expect_refusal, payload, payment, policy_digest, turn, unique};
use xtask::keycloak::CLIENT;

const WHOLE_STORY: [&str; 8] = [
    "door allow",
    "Before start allow",
    "start allow",
    "ScreenPayment allow",
    "ScreenPayment allow",
    "ApprovePayment allow",
    "Revalidate ExecutePayment allow",
    "ExecutePayment allow",
];

/// Compares an audit line of an allowed request with the token behind it.
#[track_caller]
fn expect_identity(line: &Value, token: &Value, transaction: Option<&str>) {
    let mut tokens = json!({"jti": token["jti"], "sid": token["sid"]});
    if let Some(transaction) = transaction {
        tokens = and(&tokens, "txn", json!(transaction));
    }
    let seen = json!([line["audit"], line["subject"], line["client"], line["token"], line["policy"]]);
    assert_eq!(seen, json!(["claim-guard/1", token["sub"], CLIENT, tokens, policy_digest()]), "{line}");
    let age = line["identity_age"].as_i64().unwrap();
    assert!((0..300).contains(&age), "{line}");
}

#[test]
fn a_payment_succeeds_and_each_decision_leaves_one_line() {
    let mut lab = turn();
    let token = lab.token("alice").unwrap();
    let answer = lab.start(&token, &[], &payment().to_string());
    assert_eq!(answer.status, 202, "{answer:?}");
    let execution = lab.execution_of(&answer);
    let transaction = answer.json()["transaction"].as_str().unwrap().to_owned();
    assert_eq!(
        answer.json(),
        json!({"workflow": "payment", "execution": execution.name, "status": "RUNNING", "transaction": transaction})
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let said = ["cache-control", "strict-transport-security", "x-content-type-options"].map(|name| answer.header(name));
    assert_eq!(said, [Some("no-store"), Some("max-age=31536000"), Some("nosniff")]);

    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    let lines = lab.expect_audit(&WHOLE_STORY);
    let claims = payload(&token);
    for line in &lines {
        let at_the_door = line["point"]["kind"] == "route";
        expect_identity(line, &claims, (!at_the_door).then_some(&transaction));
        if !at_the_door {
            assert_eq!(line["point"]["execution"], execution.arn, "{line}");
        }
    }
    let description = lab.outcome(&execution.arn, support::EXECUTION_WITHIN).unwrap();
    let output: Value = serde_json::from_str(description["output"].as_str().unwrap()).unwrap();
    let described = lab.call(&token, "GET", &execution.path);
    assert_eq!(described.status, 200, "{described:?}");
    let told = described.json();
    assert_eq!(
        json!([told["workflow"], told["execution"], told["transaction"], told["status"], told["output"]]),
        json!(["payment", execution.name, transaction, "SUCCEEDED", output])
    );
    // API Gateway has the answer of the authorizer still.
    let lines = lab.expect_audit(&["describe allow"]);
    expect_identity(&lines[0], &claims, None);
}

#[test]
fn a_denied_payment_says_that_it_failed_and_not_why() {
    let lab = turn();
    let token = lab.token("carol").unwrap();
    let execution = lab.started(&token);
    assert_eq!(lab.ended(&execution.arn), "FAILED ClaimGuard.Denied");
    let described = lab.call(&token, "GET", &execution.path);
    let members: Vec<String> = described.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["error", "execution", "startedAt", "status", "stoppedAt", "transaction", "workflow"]);
    assert_eq!(json!([described.json()["status"], described.json()["error"]]), json!(["FAILED", "ClaimGuard.Denied"]));
    let cause = lab.execution(&execution.arn).unwrap()["cause"].as_str().unwrap().to_owned();
    assert!(cause.starts_with("Reconsider ApprovePayment: denied") && !cause.contains("kyc"), "{cause}");
}

#[test]
fn the_same_key_and_body_lead_to_the_same_execution() {
    let mut lab = turn();
    let token = lab.token("alice").unwrap();
    let key = unique();
    let headers = [("idempotency-key", key.as_str())];
    let first = lab.start(&token, &headers, &payment().to_string());
    let execution = lab.execution_of(&first);
    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    lab.expect_audit(&WHOLE_STORY);
    // The same body, spelled otherwise, with another token of the same caller.
    let spelled = serde_json::to_string_pretty(&payment()).unwrap();
    let again = lab.start(&lab.token("alice").unwrap(), &headers, &spelled);
    assert_eq!((again.status, lab.execution_of(&again)), (202, execution));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json()["transaction"], first.json()["transaction"]);
    let lines = lab.expect_audit(&["door allow", "Before start allow", "start allow"]);
    let start = lines.iter().find(|line| line["point"]["kind"] == "start").unwrap();
    assert_eq!(start["token"]["txn"], first.json()["transaction"]);
}

#[test]
fn the_same_key_with_another_body_is_a_conflict() {
    let lab = turn();
    let token = lab.token("alice").unwrap();
    let key = unique();
    let headers = [("idempotency-key", key.as_str())];
    let execution = lab.execution_of(&lab.start(&token, &headers, &payment().to_string()));
    lab.ended(&execution.arn);
    let before = lab.executions().unwrap().len();
    let other = lab.start(&token, &headers, &and(&payment(), "amount", json!(1_000_000)).to_string());
    expect_refusal(&other, 409, &[]);
    assert_eq!(other.header("content-type"), Some("application/problem+json"));
    assert_eq!(lab.executions().unwrap().len(), before);
}

#[test]
fn the_same_key_of_another_caller_is_another_execution() {
    let lab = turn();
    let key = unique();
    let headers = [("idempotency-key", key.as_str())];
    let of = |user: &str| lab.execution_of(&lab.start(&lab.token(user).unwrap(), &headers, &payment().to_string()));
    let (alices, carols) = (of("alice"), of("carol"));
    assert_ne!(alices, carols);
    assert_eq!([lab.ended(&alices.arn), lab.ended(&carols.arn)], ["SUCCEEDED", "FAILED ClaimGuard.Denied"]);
}

#[test]
fn requests_with_one_key_at_the_same_time_start_one_execution() {
    let lab = turn();
    let token = lab.token("alice").unwrap();
    let key = unique();
    let before = lab.executions().unwrap().len();
    let start = || {
        let answer = lab.start(&token, &[("idempotency-key", key.as_str())], &payment().to_string());
        (answer.status, answer.json()["transaction"].as_str().map(str::to_owned), lab.execution_of(&answer).arn)
    };
    let answers: BTreeSet<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), 1, "{answers:?}");
    let (status, transaction, arn) = answers.first().unwrap();
    assert_eq!((*status, transaction.is_some()), (202, true));
    assert_eq!(lab.ended(arn), "SUCCEEDED");
    assert_eq!(lab.executions().unwrap().len(), before + 1);
}

#[test]
fn an_auditor_describes_what_he_did_not_start_and_cannot_stop_it() {
    let mut lab = turn();
    let execution = lab.started(&lab.token("alice").unwrap());
    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    lab.expect_audit(&WHOLE_STORY);
    let token = lab.token("erin").unwrap();
    assert_eq!(lab.call(&token, "GET", &execution.path).status, 200);
    lab.expect_audit(&["door allow", "describe allow"]);
    let refused = lab.call(&token, "DELETE", &execution.path);
    // The authorizer's answer of a moment ago, which lists every route, is asked again.
    expect_refusal(&refused, 403, &lab.expect_audit(&[]));
}

#[test]
fn a_stranger_neither_describes_nor_stops() {
    let mut lab = turn();
    let execution = lab.started(&lab.token("alice").unwrap());
    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    lab.expect_audit(&WHOLE_STORY);
    let stranger = lab.token_of_somebody_with(&["payment:start"]);
    let refused = lab.call(&stranger, "GET", &execution.path);
    let lines = lab.expect_audit(&["door allow", "describe deny started_by_another none_of_roles"]);
    expect_refusal(&refused, 404, &lines);
    let refused = lab.call(&stranger, "DELETE", &execution.path);
    let lines = lab.expect_audit(&["stop deny started_by_another none_of_roles"]);
    expect_refusal(&refused, 404, &lines);
}

#[test]
fn the_starter_stops_his_execution() {
    let lab = turn();
    let starter = lab.token_of_somebody_with(&["payment:start"]);
    let (stopped, execution) = lab.stop_under_way(&starter, &starter);
    assert_eq!((stopped.status, stopped.body.as_str()), (204, ""), "{stopped:?}");
    assert_eq!(lab.ended(&execution.arn), "ABORTED Stopped");
    let over = lab.call(&starter, "DELETE", &execution.path);
    expect_refusal(&over, 409, &[]);
    assert_eq!(over.header("content-type"), Some("application/problem+json"));
}

#[test]
fn an_operator_stops_what_he_did_not_start() {
    let lab = turn();
    let (starter, operator) = (lab.token("alice").unwrap(), lab.token_of_somebody_with(&["payment:operate"]));
    let (stopped, execution) = lab.stop_under_way(&starter, &operator);
    assert_eq!(stopped.status, 204, "{stopped:?}");
    assert_eq!(lab.ended(&execution.arn), "ABORTED Stopped");
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut lab = turn();
    let (token, mut told) = (lab.token("alice").unwrap(), Vec::new());
    for path in [
        format!("{STARTS}/{}", "0".repeat(32)),
        format!("{STARTS}/{}", "0".repeat(64)),
        format!("{STARTS}/none"),
        format!("/workflows/refund/executions/{}", "0".repeat(32)),
    ] {
        let answer = lab.call(&token, "GET", &path);
        let workflow = path.starts_with(STARTS);
        let code = if workflow { "describe reject unknown_execution" } else { "describe reject unknown_workflow" };
        told.push(code);
        expect_refusal(&answer, 404, &[]);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let before = lab.executions().unwrap().len();
    let body = payment().to_string();
    let answer = lab.request("POST", "/workflows/refund/executions", &headers, Some(&body)).unwrap();
    expect_refusal(&answer, 404, &[]);
    assert_eq!(lab.executions().unwrap().len(), before);
    told.extend(["door allow", "start reject unknown_workflow"]);
    lab.expect_audit(&told);
}

#[test]
fn a_route_that_is_not_listed_is_refused() {
    let lab = turn();
    let token = lab.token("alice").unwrap();
    for (method, path) in [("PUT", STARTS), ("GET", STARTS), ("POST", "/workflows"), ("GET", "/")] {
        // The emulator's own answer; the template's says 404.
        assert_eq!(lab.call(&token, method, path).status, 403, "{method} {path}");
    }
}

#[test]
fn a_body_that_is_no_payment_starts_nothing() {
    let mut lab = turn();
    let token = lab.token("alice").unwrap();
    let before = lab.executions().unwrap().len();
    for body in ["", "{", "[]", "null", "1", "\"text\"", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":2}}", "{} {}"] {
        let answer = lab.start(&token, &[], body);
        expect_refusal(&answer, 400, &[]);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{body}");
    }
    let authorization = format!("Bearer {token}");
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(content_type.map(|value| ("content-type", value)));
        let answer = lab.request("POST", STARTS, &headers, Some(&payment().to_string())).unwrap();
        expect_refusal(&answer, 415, &[]);
    }
    let too_long = "k".repeat(256);
    for key in ["", too_long.as_str()] {
        expect_refusal(&lab.start(&token, &[("idempotency-key", key)], &payment().to_string()), 400, &[]);
    }
    assert_eq!(lab.executions().unwrap().len(), before);
    let mut told = vec!["door allow"];
    told.extend(["start reject malformed_body"; 9]);
    told.extend(["start reject body_not_json"; 3]);
    told.extend(["start reject malformed_idempotency_key"; 2]);
    lab.expect_audit(&told);
}

#[test]
fn a_body_over_the_budget_starts_nothing() {
    let mut lab = turn();
    let token = lab.token("alice").unwrap();
    let before = lab.executions().unwrap().len();
    let body = and(&payment(), "note", json!("n".repeat(240 * 1024))).to_string();
    let answer = lab.start(&token, &[], &body);
    expect_refusal(&answer, 413, &[]);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(lab.executions().unwrap().len(), before);
    lab.expect_audit(&["door allow", "start reject body_too_large"]);
}

#[test]
fn without_a_token_nobody_is_asked() {
    let mut lab = turn();
    for headers in [vec![], vec![("content-type", "application/json")]] {
        let answer = lab.request("POST", STARTS, &headers, Some(&payment().to_string())).unwrap();
        expect_refusal(&answer, 401, &[]);
    }
    // API Gateway does not call an authorizer that it has nothing to show to.
    lab.expect_audit(&[]);
}

#[test]
fn a_preflight_needs_no_token() {
    let mut lab = turn();
    let headers = [("origin", "http://localhost:8080"), ("access-control-request-method", "POST")];
    assert_eq!(lab.request("OPTIONS", STARTS, &headers, None).unwrap().status, 200);
    lab.expect_audit(&[]);
}
