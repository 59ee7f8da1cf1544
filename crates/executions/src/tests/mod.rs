//! Whole requests against an outside in memory: what API Gateway hears, what the log hears, what was asked of AWS.

mod actors;
mod bodies;
mod describe_and_stop;
mod forgotten_key;
mod idempotency;
mod leaks;
mod library_types;
mod limits;
mod panics;
mod robustness;
mod session;
mod settings;
mod start;
mod table;
mod token;
mod world;

use minting::NamingKey;
use serde_json::{Map, Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, access_token_payload, with};

use crate::answer::RecordedResponse;
use crate::executions::Executions;
use crate::response::Response;
use world::{MACHINE, ORIGIN, World, policy, realm_key};

const REQUEST_ID: &str = "urn:request:0e4f6f5a-0000-4000-8000-000000000001";

/// The payload of a token that was issued ten seconds ago.
fn payload() -> Value {
    access_token_payload(NOW - 10)
}

fn token_of(payload: &Value) -> String {
    realm_key().token(payload)
}

/// The payload of another subject with these roles of `workflow-api`.
fn other(roles: &[&str]) -> Value {
    let other = with(payload(), "/sub", json!("9b1f6c1e-0000-4000-8000-0000000000b0"));
    with(other, "/resource_access/workflow-api/roles", json!(roles))
}

/// One of the files of `events/executions`, with a token in its place.
fn event(name: &str, token: &str) -> Value {
    let path = format!("{}/../../events/executions/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text.replace("header.payload.signature", token)).unwrap()
}

fn start_event() -> Value {
    event("start", &token_of(&payload()))
}

/// A start with that body.
fn start_with(body: &str) -> Value {
    with(start_event(), "/body", json!(body))
}

/// A start with that key, by whoever the payload speaks of.
fn keyed(payload: &Value, key: &str, body: &str) -> Value {
    let event = with(event("start-idempotent", &token_of(payload)), "/multiValueHeaders/Idempotency-Key", json!([key]));
    with(event, "/body", json!(body))
}

/// A request for an execution.
fn about(name: &str, payload: &Value, execution: &str) -> Value {
    with(event(name, &token_of(payload)), "/pathParameters/execution", json!(execution))
}

fn ask(executions: &Executions<World>, event: &Value) -> RecordedResponse {
    block_on(executions.answer(&event.to_string()))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// The response with its body parsed.
fn heard(answer: &RecordedResponse) -> Value {
    heard_of(&answer.response)
}

fn heard_of(response: &Response) -> Value {
    let mut response = serde_json::to_value(response).unwrap();
    let body = response["body"].as_str().unwrap();
    if !body.is_empty() {
        response["body"] = serde_json::from_str(body).unwrap();
    }
    response
}

fn logged(answer: &RecordedResponse) -> Value {
    serde_json::from_str(&answer.record.to_line()).unwrap()
}

/// The whole response, its headers beside those that every one has.
fn response(status: u16, headers: Value, body: Value) -> Value {
    let mut all = json!({
        "Cache-Control": "no-store",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Expose-Headers": "Idempotency-Replayed, Location, Retry-After",
    });
    all.as_object_mut().unwrap().extend(headers.as_object().unwrap().clone());
    // The library writes names in lower case, and of each header every value once more, of which there are none.
    let written = |(name, value): (&String, &Value)| (name.to_ascii_lowercase(), value.clone());
    let all: Map<String, Value> = all.as_object().unwrap().iter().map(written).collect();
    json!({ "statusCode": status, "headers": all, "multiValueHeaders": {}, "body": body, "isBase64Encoded": false })
}

fn problem(status: u16, title: &str, detail: &str) -> Value {
    problem_with(json!({}), status, title, detail)
}

fn problem_with(headers: Value, status: u16, title: &str, detail: &str) -> Value {
    let headers = with(headers, "/Content-Type", json!("application/problem+json"));
    let body = json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail, "instance": REQUEST_ID,
    });
    response(status, headers, body)
}

fn unauthorized() -> Value {
    problem(401, "Unauthorized", "present a valid access token")
}

fn forbidden() -> Value {
    problem(403, "Forbidden", "ask an administrator for access")
}

/// What whoever may not see an execution hears, and whoever asks for one that is not there.
fn not_there() -> Value {
    let detail = "there is no such execution for you: correct its name, or ask an administrator for access";
    problem(404, "Not Found", detail)
}

fn unavailable() -> Value {
    let detail = "try again later; with the same Idempotency-Key nothing is started a second time";
    problem_with(json!({ "Retry-After": "2" }), 503, "Service Unavailable", detail)
}

fn internal() -> Value {
    problem(500, "Internal Server Error", "tell the operator of this service, and quote the instance")
}

fn accepted(execution: &str, transaction: &str) -> Value {
    let location = format!("/live/workflows/payment/executions/{execution}");
    let headers = json!({ "Content-Type": "application/json", "Location": location });
    let body = json!({
        "workflow": "payment", "execution": execution, "transaction": transaction, "status": "RUNNING",
    });
    response(202, headers, body)
}

fn replayed(execution: &str, transaction: &str) -> Value {
    with(accepted(execution, transaction), "/headers/idempotency-replayed", json!("true"))
}

fn execution_arn(name: &str) -> String {
    format!("{}:{name}", MACHINE.replace(":stateMachine:", ":execution:"))
}

/// A line about a caller who is known.
fn line(decision: &str, point: Value, payload: &Value, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": NOW,
        "decision": decision,
        "point": point,
        "issuer": payload["iss"],
        "subject": payload["sub"],
        "client": payload["azp"],
        "token": { "jti": payload["jti"], "sid": payload["sid"] },
        "reasons": reasons,
        "policy": policy().digest().as_str(),
        "identity_age": 10,
        "request": REQUEST_ID.trim_start_matches("urn:request:"),
    })
}

/// A line about a caller who is not.
fn nameless_line(decision: &str, point: Value, token: Value, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1",
        "at": NOW,
        "decision": decision,
        "point": point,
        "token": token,
        "reasons": reasons,
        "policy": policy().digest().as_str(),
        "request": REQUEST_ID.trim_start_matches("urn:request:"),
    })
}

/// The point of a start; `execution` is its name, once it has one.
fn start_point(execution: Option<&str>) -> Value {
    json!({ "kind": "start", "workflow": "payment", "execution": execution.map(execution_arn) })
}

/// `digits` twice, sixteen times: what the outside draws one after the other is `01`, `02`, …
fn drawn(digits: &str) -> String {
    digits.repeat(16)
}

/// The stack's naming key.
pub(crate) fn naming_key() -> NamingKey {
    NamingKey::new(&[7; 32])
}

/// The name of the caller's execution that begins with these digits.
fn name_for(caller: &Value, seed: &str) -> String {
    let part = |purpose: &str, parts: &[&str]| naming_key().digits(purpose, parts, 16);
    let starter = part("starter", &[seed, ISSUER, caller["sub"].as_str().unwrap()]);
    format!("{seed}{}{starter}", part("given", &[seed]))
}

/// The name of the sample caller's execution for which those digits were drawn.
pub(crate) fn given(digits: &str) -> String {
    name_for(&payload(), &drawn(digits))
}

#[test]
fn the_sample_token_speaks_of_the_sample_caller() {
    assert_eq!((payload()["sub"].clone(), payload()["azp"].clone()), (json!(SUBJECT), json!(CLIENT)));
}
