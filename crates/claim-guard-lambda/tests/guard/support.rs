//! Serving one event and looking at all that comes of it.

use std::future::Future;
use std::io;
use std::sync::Mutex;

use claim_guard::audit::AuditRecord;
use claim_guard::identifier::Digest;
use claim_guard::unix_time::{ClockError, UnixTime};
use claim_guard_lambda::{Grant, Guard, TaskError};
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, access_token_payload};

use crate::stack::{ACCESS_TOML, Mint, Stack, TRUST_DOMAIN, event, execution};

pub const TRANSACTION: &str = "txn-1";

/// What an invocation answers, and the lines that it has written.
#[derive(Debug, PartialEq)]
pub struct Served {
    pub answer: Result<Value, (String, String)>,
    pub audit: Vec<Value>,
}

impl Served {
    pub fn allowed(answer: Value, audit: Value) -> Self {
        Self { answer: Ok(answer), audit: vec![audit] }
    }

    pub fn refused(name: &str, message: &str, audit: Value) -> Self {
        Self { answer: Err((name.to_owned(), message.to_owned())), audit: vec![audit] }
    }
}

pub fn guard(stack: &Stack, state: &str) -> Guard {
    guard_in(&stack.environment(), state, ACCESS_TOML)
}

pub fn guard_in(environment: &[(&str, String)], state: &str, access_toml: &str) -> Guard {
    Guard::new(state, access_toml, |name| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    })
}

pub fn now() -> Result<UnixTime, ClockError> {
    Ok(UnixTime::from_seconds(NOW + 10).unwrap())
}

/// A usual mint: the execution `run-1`, at [`NOW`].
pub fn mint() -> Mint<'static> {
    const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:payment:run-1";
    Mint { trust_domain: TRUST_DOMAIN, execution: EXECUTION, redrive_count: 0, transaction: TRANSACTION, now: NOW }
}

pub fn token(stack: &Stack) -> String {
    stack.token(&access_token_payload(NOW), &mint())
}

pub fn approval_event(token: &str) -> Value {
    event(token, &execution("run-1"), "ApprovePayment", &json!({ "project_id": "apollo" }))
}

/// Serves with a task that answers on whose behalf it worked, and on what.
pub async fn serve(guard: &Guard, event: &[u8], now: Result<UnixTime, ClockError>) -> Served {
    serve_with(guard, event, now, |grant: Grant, input: Value| async move {
        Ok(json!({ "for": grant.subject().as_str(), "on": input }))
    })
    .await
}

pub async fn serve_with<F: Future<Output = Result<Value, TaskError>>>(
    guard: &Guard,
    event: &[u8],
    now: Result<UnixTime, ClockError>,
    task: impl FnOnce(Grant, Value) -> F,
) -> Served {
    let written = Mutex::new(Vec::new());
    let write = |record: AuditRecord| -> io::Result<()> {
        let line = record.to_line();
        assert_eq!(line.lines().count(), 1, "{line}");
        written.lock().unwrap().push(serde_json::from_str(&line).unwrap());
        Ok(())
    };
    let answer = guard.serve(event, now, write, task).await;
    let answer = answer.map_err(|failure| {
        let diagnostic = lambda_runtime::Diagnostic::from(failure);
        (diagnostic.error_type, without_token(event, &diagnostic.error_message))
    });
    Served { answer, audit: written.into_inner().unwrap() }
}

/// A refusal's message without the digest of the token, which has to be of the one that was presented.
fn without_token(event: &[u8], message: &str) -> String {
    let Some((message, presented)) = message.split_once("; the token presented is ") else { return message.to_owned() };
    let event: Value = serde_json::from_slice(event).unwrap();
    let digest = Digest::of(event["transactionToken"].as_str().unwrap().as_bytes());
    assert_eq!(presented, format!("`{digest}`"));
    message.to_owned()
}

/// The audit line of `ApprovePayment` in `run-1`, about a statement that holds.
pub fn audit(decision: &str, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": NOW + 10,
        "decision": decision,
        "point": point("run-1"),
        "issuer": ISSUER,
        "subject": SUBJECT,
        "client": CLIENT,
        "token": {
            "jti": "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d",
            "sid": "kZ0VtqGmXJt0tBoQb1x2y3z4",
            "txn": TRANSACTION
        },
        "reasons": reasons,
        "policy": Digest::of(ACCESS_TOML.as_bytes()).as_str(),
        "identity_age": 10
    })
}

/// The audit line of `ApprovePayment`, about nobody.
pub fn audit_of_nobody(decision: &str, point: Value, token: Value, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": NOW + 10,
        "decision": decision,
        "point": point,
        "token": token,
        "reasons": reasons,
        "policy": Digest::of(ACCESS_TOML.as_bytes()).as_str()
    })
}

pub fn point(run: &str) -> Value {
    json!({
        "kind": "state",
        "workflow": "payment",
        "execution": execution(run),
        "state": "ApprovePayment",
        "work": "",
        "redrive": 0,
        "attempt": 0
    })
}
