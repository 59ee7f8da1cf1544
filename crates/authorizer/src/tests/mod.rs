//! The authorizer as API Gateway sees it: events in, answers and audit lines out.

mod answers;
mod bad_input;
mod events;
mod headers;
mod one_process;
mod policies;
mod rotation;

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditRecord, Reason};
use claim_guard::identifier::{Audience, ClientId, Issuer, KeyId};
use claim_guard::{AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, access_token_payload, key_set};

use crate::{Authorizer, AuthorizerEvent, KeySource, Setup};

/// The policy that the product ships.
const SHIPPED: &str = include_str!("../../../../access.toml");
/// The stage that events speak of.
const STAGE: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live";

/// The key that the realm signs with.
static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate("ES256", "realm-key"));
/// A key that the realm does not know, under a name that it does.
static FORGED_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate("ES256", "realm-key"));

/// Answers each question for keys with the same thing.
struct Keys(Result<Arc<RealmKeySet>, Reason>);

impl KeySource for Keys {
    async fn key_set(&self, _: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        self.0.clone()
    }
}

fn realm_keys() -> Keys {
    let keys = RealmKeySet::parse(key_set([&*KEY]).as_bytes()).expect("a key set");
    Keys(Ok(Arc::new(keys)))
}

fn policy(text: &str) -> AccessPolicy {
    AccessPolicy::parse("access.toml", text).expect("a policy")
}

fn setup<K>(policy: AccessPolicy, keys: K) -> Setup<K> {
    let clients = ClientList::new([ClientId::parse(CLIENT).expect("a client")]).expect("a list");
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let audience = Audience::parse(AUDIENCE).expect("an audience");
    Setup::Ready { policy, verifier: AccessTokenVerifier::new(issuer, audience, clients, Leeway::MAX), keys }
}

fn event(header: &str, call: &str) -> Value {
    json!({ "type": "TOKEN", "authorizationToken": header, "methodArn": format!("{STAGE}/{call}") })
}

/// The header of a token that the realm signs.
fn bearer(payload: &Value) -> String {
    format!("Bearer {}", KEY.token(payload))
}

/// The header of a caller with these client roles of the API.
fn caller(roles: &[&str]) -> String {
    let access = json!({ AUDIENCE: { "roles": roles } });
    bearer(&test_realm::with(access_token_payload(NOW), "/resource_access", access))
}

/// What came of an event: the answer or the error as API Gateway gets it, and the audit lines.
struct Outcome {
    answer: Value,
    lines: Vec<String>,
}

impl Outcome {
    #[track_caller]
    fn line(&self) -> Value {
        assert_eq!(self.lines.len(), 1, "{:?}", self.lines);
        serde_json::from_str(&self.lines[0]).expect("JSON")
    }
}

fn outcome<K: KeySource>(setup: Setup<K>, event: &Value) -> Outcome {
    outcome_of_bytes(setup, event.to_string().as_bytes())
}

fn outcome_of_bytes<K: KeySource>(setup: Setup<K>, event: &[u8]) -> Outcome {
    let now = UnixTime::from_seconds(NOW).ok_or(claim_guard::unix_time::ClockError);
    let lines = Mutex::new(Vec::new());
    let sink = |record: AuditRecord| {
        lines.lock().expect("a lock").push(record.to_line());
        io::Result::Ok(())
    };
    let authorizer = Authorizer::new(setup, sink);
    let answer = block_on(authorizer.answer(read(event), now));
    let answer = match answer {
        Ok(answer) => serde_json::to_value(answer),
        Err(refusal) => serde_json::to_value(Diagnostic::from(refusal)),
    };
    let lines = lines.lock().expect("a lock").clone();
    Outcome { answer: answer.expect("JSON"), lines }
}

/// Reads an event, of which nothing is too broken to be read.
fn read(event: &[u8]) -> AuthorizerEvent {
    AuthorizerEvent::parse(event)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn unauthorized() -> Value {
    json!({ "errorType": "ClaimGuard.Rejected", "errorMessage": "Unauthorized" })
}

fn undecided() -> Value {
    json!({ "errorType": "ClaimGuard.Undecided", "errorMessage": "undecided: see the audit line" })
}

fn misconfigured() -> Value {
    json!({ "errorType": "ClaimGuard.Misconfigured", "errorMessage": "misconfigured: see the audit line" })
}
