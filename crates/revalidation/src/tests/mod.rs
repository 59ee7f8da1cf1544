//! Whole events against an outside in memory: what the state machine hears, what the log hears, what was asked of others.

mod alive;
mod before_start;
mod child_runs;
mod denied;
mod engine;
mod events;
mod keys;
mod leaks;
mod panics;
mod rejected;
mod renewed;
mod robustness;
mod settings;
mod slow;
mod start;
mod undecided;
mod world;

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::UnixTime;
use claim_guard::audit::AuditRecord;
use claim_guard::identifier::Digest;
use claim_guard::unix_time::ClockError;
use minting::MintSettings;
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, key_set, with};

use crate::revalidation::{Revalidation, Services};
use crate::service::Service;
use keys::kms_key;
use start::{ACCESS_TOML, DOMAIN, Start, TRANSACTION, execution, policy, time};
use world::World;

const JTI: &str = "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d";
const SID: &str = "kZ0VtqGmXJt0tBoQb1x2y3z4";

/// When most events come: the first statement, of [`NOW`], has expired.
const LATER: i64 = NOW + 400;

fn machine(workflow: &str) -> String {
    format!("arn:aws:states:eu-central-1:111122223333:stateMachine:payments-{workflow}")
}

fn environment(variable: &str) -> Option<String> {
    let machines = json!({
        "payment": machine("payment"), "settlement": machine("settlement"), "supervised": machine("supervised"),
    });
    Some(match variable {
        "REALM_ISSUER" => ISSUER.to_owned(),
        "REALM_AUDIENCE" => "workflow-api".to_owned(),
        "REALM_CLIENTS" => CLIENT.to_owned(),
        "REVALIDATION_CLIENT" => "workflow-revalidation".to_owned(),
        "CLIENT_KEY_ID" => "of-the-client".to_owned(),
        "CLIENT_SIGNING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/44444444-5555-6666".to_owned(),
        "TRUST_DOMAIN" => DOMAIN.to_owned(),
        "TRANSACTION_KEYS" => key_set([kms_key()]),
        "TRANSACTION_KEY_ID" => kms_key().kid().to_owned(),
        "TRANSACTION_SIGNING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333".to_owned(),
        "WORKFLOW_STATE_MACHINES" => machines.to_string(),
        _ => return None,
    })
}

/// The event of a woven state of `run-1` that asks for something.
fn event(token: &str, workflow: &str, name: &str, ask: Value) -> Value {
    let event = json!({
        "transactionToken": token,
        "context": {
            "execution": execution(workflow, "run-1"),
            "stateMachine": machine(workflow),
            "state": "Revalidate",
            "redriveCount": 0,
            "retryCount": 0,
        },
    });
    with(event, &format!("/{name}"), ask)
}

fn renew(token: &str, state: &str, cause: &str) -> Value {
    event(token, "payment", "renew", json!({ "state": state, "cause": cause }))
}

/// What a function answers, and the lines that it has written.
#[derive(Debug, Clone, PartialEq)]
struct Served {
    answer: Result<Value, (String, String)>,
    audit: Vec<Value>,
}

impl Served {
    fn token(&self) -> &str {
        self.answer.as_ref().unwrap()["transactionToken"].as_str().unwrap()
    }
}

fn refused(name: &str, message: &str, audit: Value) -> Served {
    Served { answer: Err((name.to_owned(), message.to_owned())), audit: vec![audit] }
}

fn denied(audit: Value) -> Served {
    refused("ClaimGuard.Denied", "denied: see the audit line of transaction `txn-1`", audit)
}

fn undecided(audit: Value) -> Served {
    refused("ClaimGuard.Undecided", "undecided: see the audit line in the log of revalidation", audit)
}

fn rejected(audit: Value) -> Served {
    refused("ClaimGuard.Rejected", "rejected: see the audit line in the log of revalidation", audit)
}

fn misconfigured(audit: Value) -> Served {
    refused("ClaimGuard.Misconfigured", "misconfigured: see the audit line in the log of revalidation", audit)
}

fn ready(world: &World) -> Service<&World, &World, &World, &World> {
    let minting = MintSettings::from_lookup(&policy(), environment).unwrap();
    let outside = Services { realm: world, signer: world, chance: world, engine: world };
    Service::Ready(Box::new(Revalidation::new(policy(), minting, outside)))
}

/// Runs a future on a clock that stands still but where everybody waits for it.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

fn serve(world: &World, event: &Value, now: i64) -> Served {
    serve_bytes(world, event.to_string().as_bytes(), Ok(time(now)))
}

fn serve_bytes(world: &World, event: &[u8], now: Result<UnixTime, ClockError>) -> Served {
    serve_by(&ready(world), event, now)
}

fn serve_by(
    service: &Service<&World, &World, &World, &World>,
    event: &[u8],
    now: Result<UnixTime, ClockError>,
) -> Served {
    let written = Mutex::new(Vec::new());
    let write = |record: AuditRecord| {
        let line = record.to_line();
        assert_eq!(line.lines().count(), 1, "{line}");
        written.lock().unwrap().push(serde_json::from_str(&line).unwrap());
        Ok(())
    };
    let answer = block_on(service.serve(event, now, write));
    let answer = answer.map(|renewed| serde_json::to_value(renewed).unwrap()).map_err(|refusal| {
        let diagnostic = lambda_runtime::Diagnostic::from(refusal);
        (diagnostic.error_type, diagnostic.error_message)
    });
    Served { answer, audit: written.into_inner().unwrap() }
}

/// What a token says, whoever signed it.
fn said(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// Where a renewal of `run-1` stands.
fn point(state: &str, cause: &str) -> Value {
    json!({
        "kind": "revalidation",
        "workflow": "payment",
        "execution": execution("payment", "run-1"),
        "state": state,
        "cause": cause,
        "redrive": 0,
        "attempt": 0,
    })
}

/// The audit line of [`LATER`], about the subject of the sample run.
fn line(decision: &str, point: Value, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": LATER,
        "decision": decision,
        "point": point,
        "issuer": ISSUER,
        "subject": SUBJECT,
        "client": CLIENT,
        "token": { "jti": JTI, "sid": SID, "txn": TRANSACTION },
        "reasons": reasons,
        "policy": Digest::of(ACCESS_TOML.as_bytes()).as_str(),
        "identity_age": 400,
    })
}

/// The audit line of [`LATER`], about nobody.
fn nameless_line(decision: &str, point: Value, token: Value, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": LATER,
        "decision": decision,
        "point": point,
        "token": token,
        "reasons": reasons,
        "policy": Digest::of(ACCESS_TOML.as_bytes()).as_str(),
    })
}

fn reason(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

/// The lifetime of a statement, as its token says it.
fn lifetime(payload: &Value) -> Duration {
    let seconds = payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap();
    Duration::from_secs(seconds.try_into().unwrap())
}
