//! Executions whose first token is signed by a key that the stack has forgotten: the end of a rotation, or an emergency.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::{KeyId, TrustDomain};
use claim_guard::transaction::TransactionKeySet;
use claim_guard::{Leeway, TransactionVerifier};
use serde_json::{Value, json};
use test_realm::{key_set, with};

use super::world::{STARTED_AT, World, foreign_key, kms_key, lab};
use super::*;
use crate::services::Status;

/// From now on the stack signs with another key, and knows no other.
fn forget(lab: &mut Executions<World>) {
    let keys = TransactionKeySet::parse(key_set([foreign_key()]).as_bytes()).unwrap();
    let domain = TrustDomain::parse("lab.111122223333.eu-central-1").unwrap();
    lab.transactions = TransactionVerifier::new(domain, keys, Leeway::MAX);
    lab.key_id = KeyId::parse(foreign_key().kid()).unwrap();
    lab.outside.signature = Ok(foreign_key());
    lab.outside.calls.lock().unwrap().clear();
}

/// A function with one running execution of the sample caller, whose key is forgotten.
fn started() -> (Executions<World>, String) {
    let mut lab = lab();
    assert_eq!(heard(&ask(&lab, &start_event()))["statusCode"], 202);
    forget(&mut lab);
    (lab, given("01"))
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn point(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "workflow": "payment", "execution": execution_arn(name) })
}

fn unproven() -> Value {
    let message =
        format!("the stack has forgotten key `{}`: who started the execution is what it claims", kms_key().kid());
    json!({ "code": "starter_unproven", "message": message })
}

#[test]
fn whoever_it_claims_to_be_started_by_and_a_stop_role_may_stop_it() {
    for caller in [payload(), other(&["payment:operate"])] {
        let (lab, name) = started();
        let answer = ask(&lab, &about("stop", &caller, &name));
        assert_eq!(heard(&answer), response(204, json!({}), json!("")));
        assert_eq!(logged(&answer), line("allow", point("stop", &name), &caller, json!([unproven()])));
        assert_eq!(lab.outside.calls(), ["describe", &format!("stop for {}", caller["sub"].as_str().unwrap())]);
    }
}

#[test]
fn they_and_a_describe_role_see_where_it_stands_and_nothing_of_what_it_did() {
    for caller in [payload(), other(&["payment:audit"])] {
        let (lab, name) = started();
        lab.outside.change(&execution_arn(&name), |execution| {
            execution.status = Status::Succeeded;
            execution.output = Some(r#"{"paid":true}"#.to_owned());
        });
        let answer = ask(&lab, &about("describe", &caller, &name));
        let body = json!({
            "workflow": "payment", "execution": name, "status": "SUCCEEDED", "startedAt": STARTED_AT,
        });
        assert_eq!(heard(&answer), response(200, json!({ "Content-Type": "application/json" }), body));
        assert_eq!(logged(&answer), line("allow", point("describe", &name), &caller, json!([unproven()])));
    }
}

#[test]
fn a_stranger_may_neither() {
    for (kind, role) in [("describe", "payment:operate"), ("stop", "payment:audit")] {
        let (lab, name) = started();
        let stranger = other(&["payment:start", role]);
        let answer = ask(&lab, &about(kind, &stranger, &name));
        assert_eq!(heard(&answer), not_there());
        let seen = logged(&answer);
        let codes: Vec<_> = seen["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].clone()).collect();
        assert_eq!((&seen["decision"], json!(codes)), (&json!("deny"), json!(["started_by_another", "none_of_roles"])));
        assert_eq!(lab.outside.calls(), [""; 0]);
    }
}

#[test]
fn the_same_idempotency_key_still_leads_to_it_and_starts_nothing() {
    let mut lab = lab();
    let event = keyed(&payload(), "once", r#"{"project_id":"apollo"}"#);
    let first = heard(&ask(&lab, &event));
    assert_eq!(first["statusCode"], 202);
    forget(&mut lab);
    let answer = ask(&lab, &event);
    assert_eq!(heard(&answer), with(first, "/headers/idempotency-replayed", json!("true")));
    assert_eq!(logged(&answer)["reasons"], json!([unproven()]));
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 1);
    let other_work = keyed(&payload(), "once", r#"{"project_id":"gemini"}"#);
    assert_eq!(heard(&ask(&lab, &other_work))["statusCode"], 409);
}

/// What is refuted, and not merely unproven, gives nobody anything: neither roles nor the one whom it names.
#[track_caller]
fn check_nobodys(name: &str, alter: impl Fn(&str) -> String) {
    for kind in ["describe", "stop"] {
        let (lab, execution) = started();
        let input: Value = serde_json::from_str(&lab.outside.input(&execution_arn(&execution))).unwrap();
        let token = alter(input["transactionToken"].as_str().unwrap());
        let input = with(input, "/transactionToken", json!(token)).to_string();
        lab.outside.plant(&execution_arn(&execution), Some(&input));
        for caller in [payload(), other(&["payment:audit", "payment:operate"])] {
            let answer = ask(&lab, &about(kind, &caller, &execution));
            assert_eq!(heard(&answer), internal(), "{name}");
            assert_eq!(logged(&answer)["reasons"][0]["code"], "execution_with_rejected_transaction_token", "{name}");
        }
        assert_eq!(lab.outside.calls(), ["describe", "describe"], "{name}");
    }
}

#[test]
fn a_claim_that_is_refuted_is_nobodys() {
    // Of a key that the stack knows: whatever it says, that key has not signed it.
    check_nobodys("signed by another under our key's name", |token| {
        let header = json!({ "alg": "ES256", "kid": foreign_key().kid(), "typ": "txntoken+jwt" });
        format!("{}.{}", encoded(&header), token.split_once('.').unwrap().1)
    });
    let altered = |change: fn(Value) -> Value| {
        move |token: &str| {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            parts[1] = encoded(&change(decoded(&parts[1])));
            parts.join(".")
        }
    };
    check_nobodys(
        "another execution",
        altered(|payload| with(payload, "/tctx/execution", json!(execution_arn(&drawn("77"))))),
    );
    check_nobodys("another stack", altered(|payload| with(payload, "/aud", json!("other.111122223333.eu-central-1"))));
    check_nobodys("another workflow", altered(|payload| with(payload, "/scope", json!("refund"))));
    check_nobodys("a member of its own", altered(|payload| with(payload, "/admin", json!(true))));
    check_nobodys("no time", altered(|payload| with(payload.clone(), "/exp", payload["iat"].clone())));
    check_nobodys("an access token", |_| token_of(&payload()));
}
