//! Callers in whose place somebody acts.

use claim_guard::access::AccessPolicy;
use serde_json::{Value, json};
use test_realm::with;

use super::world::{World, lab};
use super::*;

const BODY: &str = r#"{"project_id":"apollo","amount":1200}"#;

/// The sample caller, in whose place an administrator acts.
fn impersonated() -> Value {
    with(payload(), "/act", json!({ "sub": "c2f5a9d0-admin" }))
}

/// The function of the sample policy, whose start lets somebody act in the caller's place.
fn open() -> Executions<World> {
    let mut lab = lab();
    lab.policy = open_to_actors();
    lab
}

/// The sample policy, whose start lets somebody act in the caller's place.
pub(super) fn open_to_actors() -> AccessPolicy {
    let text = include_str!("../../../../access.toml");
    let open = text.replace("[workflows.payment.start]", "[workflows.payment.start]\nactor = \"any\"");
    AccessPolicy::parse("access.toml", &open).unwrap()
}

fn started(lab: &Executions<World>, caller: &Value) -> String {
    let answer = heard(&ask(lab, &keyed(caller, "order-1", BODY)));
    assert_eq!(answer["statusCode"], 202, "{answer}");
    answer["body"]["execution"].as_str().unwrap().to_owned()
}

fn status(lab: &Executions<World>, of: &str, caller: &Value, name: &str) -> Value {
    heard(&ask(lab, &about(of, caller, name)))["statusCode"].clone()
}

#[test]
fn an_administrator_starts_nothing_in_a_caller_s_place() {
    let lab = lab();
    let answer = ask(&lab, &keyed(&impersonated(), "order-1", BODY));
    assert_eq!(heard(&answer), forbidden());
    let line = logged(&answer);
    assert_eq!(line["actor"], json!([{ "subject": "c2f5a9d0-admin" }]));
    assert_eq!(line["reasons"][0]["code"], "actor_present");
    assert_eq!(lab.outside.calls(), Vec::<String>::new());
}

#[test]
fn one_key_of_a_caller_and_of_whoever_acts_in_his_place_are_two_executions() {
    let lab = open();
    let (own, acted) = (started(&lab, &payload()), started(&lab, &impersonated()));
    assert_ne!(own, acted);
    assert_eq!((started(&lab, &payload()), started(&lab, &impersonated())), (own, acted));
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 2);
}

#[test]
fn whoever_acts_sees_and_stops_what_he_started_and_the_caller_sees_both() {
    let lab = open();
    let (own, acted) = (started(&lab, &payload()), started(&lab, &impersonated()));
    for of in ["describe", "stop"] {
        assert_eq!(status(&lab, of, &impersonated(), &own), 404, "{of}");
    }
    assert_eq!(status(&lab, "describe", &impersonated(), &acted), 200);
    for name in [&own, &acted] {
        assert_eq!(status(&lab, "describe", &payload(), name), 200);
    }
    assert_eq!(status(&lab, "stop", &impersonated(), &acted), 204);
}

/// What a caller's own token says too much of is a no to him. Nobody of the stack's has anything to mend.
#[track_caller]
fn check_too_large(caller: &Value) {
    let lab = open();
    let answer = ask(&lab, &keyed(caller, "order-1", BODY));
    let line = logged(&answer);
    assert_eq!(line["reasons"][0]["code"], "transaction_token_too_large", "{line}");
    assert_eq!((heard(&answer)["statusCode"].clone(), line["decision"].clone()), (json!(403), json!("deny")), "{line}");
}

#[test]
fn a_chain_of_actors_that_fits_into_no_statement_is_a_denial() {
    let party = |name: &str| json!({ "sub": name.repeat(256), "client_id": name.repeat(256) });
    let chain = ["a", "b", "c", "d"]
        .into_iter()
        .rev()
        .fold(Value::Null, |inner, name| if inner.is_null() { party(name) } else { with(party(name), "/act", inner) });
    check_too_large(&with(payload(), "/act", chain));
}

#[test]
fn a_claim_that_fits_into_no_statement_is_a_denial() {
    let regions: Vec<String> = (0..200).map(|number| format!("region-{number}")).collect();
    check_too_large(&with(payload(), "/compliance/regions", json!(regions)));
}

#[test]
fn a_claim_that_is_a_token_is_a_denial() {
    let lab = open();
    let answer = ask(&lab, &keyed(&with(payload(), "/project_id", json!("e30.e30.x")), "order-1", BODY));
    let line = logged(&answer);
    assert_eq!(line["reasons"][0]["code"], "transaction_token_holds_token", "{line}");
    assert_eq!(heard(&answer)["statusCode"], 403, "{line}");
}

#[test]
fn the_longest_scope_fits_into_a_statement() {
    let scope = ["pay"; 96].join(" ");
    let lab = open();
    let answer = ask(&lab, &keyed(&with(payload(), "/scope", json!(scope)), "order-1", BODY));
    assert_eq!(heard(&answer)["statusCode"], 202, "{}", logged(&answer));
}
