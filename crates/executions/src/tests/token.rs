//! The access token is verified here, whatever stands in front.

use claim_guard::audit::Reason;
use claim_guard::unix_time::ClockError;
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, access_token_payload, with, without};

use super::world::{lab, lab_in};
use super::*;

#[track_caller]
fn check_rejected(event: &Value, code: &str) {
    let lab = lab();
    let answer = ask(&lab, event);
    assert_eq!(heard(&answer), unauthorized());
    let line = logged(&answer);
    let expected = json!({ "code": code, "message": line["reasons"][0]["message"] });
    assert_eq!(line, nameless_line("reject", line["point"].clone(), line["token"].clone(), json!([expected])));
    assert_eq!(lab.outside.calls(), [""; 0]);
}

fn signed(payload: &Value) -> Value {
    event("start", &token_of(payload))
}

#[test]
fn i32_l11_a_token_that_proves_nothing_is_rejected() {
    check_rejected(&event("start-without-token", ""), "no_bearer_token");
    check_rejected(&event("start", ""), "no_bearer_token");
    check_rejected(&signed(&access_token_payload(NOW - 400)), "expired");
    check_rejected(&signed(&with(payload(), "/aud", json!("another-api"))), "wrong_audience");
    check_rejected(&signed(&with(payload(), "/azp", json!("another-app"))), "forbidden_client");
    check_rejected(&signed(&with(payload(), "/typ", json!("ID"))), "id_token");
    let forged = TestKey::generate("ES256", "realm-1").token(&payload());
    check_rejected(&event("start", &forged), "bad_signature");
    let unknown = TestKey::generate("ES256", "realm-2").token(&payload());
    check_rejected(&event("start", &unknown), "unknown_key");
}

#[test]
fn every_method_verifies() {
    for name in ["describe", "stop"] {
        check_rejected(&event(name, &token_of(&access_token_payload(NOW - 400))), "expired");
    }
}

#[test]
fn a_rejected_token_is_named_as_nobody_vouches_for_it() {
    let expired = access_token_payload(NOW - 400);
    let answer = ask(&lab(), &signed(&expired));
    let reason = json!({ "code": "expired", "message": logged(&answer)["reasons"][0]["message"] });
    let token = json!({ "untrusted_jti": expired["jti"] });
    assert_eq!(logged(&answer), nameless_line("reject", start_point(None), token, json!([reason])));
}

#[test]
fn two_tokens_are_none() {
    let token = format!("Bearer {}", token_of(&payload()));
    let twice = with(start_event(), "/multiValueHeaders/Authorization", json!([token, token]));
    check_rejected(&twice, "no_bearer_token");
    let two_names = with(start_event(), "/multiValueHeaders/authorization", json!([token]));
    check_rejected(&two_names, "no_bearer_token");
}

#[test]
fn headers_are_read_where_no_list_of_values_is_given() {
    let lab = lab();
    let single = with(start_event(), "/multiValueHeaders", Value::Null);
    assert_eq!(heard(&ask(&lab, &single)), accepted(&given("01"), &drawn("02")));
}

#[test]
fn i14_i28_what_the_authorizer_has_found_is_not_trusted() {
    let authorizer = json!({ "principalId": payload()["sub"], "sub": payload()["sub"], "roles": "payment:start" });
    let event = with(event("start-without-token", ""), "/requestContext/authorizer", authorizer);
    check_rejected(&event, "no_bearer_token");
    let without_it =
        without(with(start_event(), "/requestContext/authorizer", json!({})), "/requestContext/authorizer");
    assert_eq!(heard(&ask(&lab(), &without_it))["statusCode"], 202);
}

#[test]
fn i14_a_request_that_has_passed_by_the_authorizer_is_verified_all_the_same() {
    let unseen = |event: Value| without(event, "/requestContext/authorizer");
    check_rejected(&unseen(event("start", "")), "no_bearer_token");
    check_rejected(&unseen(signed(&access_token_payload(NOW - 400))), "expired");
    for name in ["describe", "stop"] {
        let forged = TestKey::generate("ES256", "realm-1").token(&payload());
        check_rejected(&unseen(event(name, &forged)), "bad_signature");
    }
}

#[test]
fn i28_headers_that_imitate_a_context_say_nothing_about_the_caller() {
    let imitated = [
        ("X-Auth-User", "somebody-else"),
        ("x-amzn-oidc-identity", "somebody-else"),
        ("x-amzn-authorizer-principalid", "somebody-else"),
        ("principalId", "somebody-else"),
        ("X-Roles", "payment:start"),
    ];
    let imitating = |event: Value| {
        imitated.iter().fold(event, |event, (name, value)| {
            let event = with(event, &format!("/headers/{name}"), json!(value));
            with(event, &format!("/multiValueHeaders/{name}"), json!([value]))
        })
    };
    check_rejected(&imitating(event("start-without-token", "")), "no_bearer_token");
    let roleless = other(&[]);
    assert_eq!(heard(&ask(&lab(), &imitating(event("start", &token_of(&roleless))))), forbidden());
    let (plain, imitating) = (ask(&lab(), &start_event()), ask(&lab(), &imitating(start_event())));
    assert_eq!((heard(&plain), logged(&plain)), (heard(&imitating), logged(&imitating)));
    assert_eq!(logged(&imitating)["subject"], payload()["sub"]);
}

#[test]
fn without_keys_nothing_is_decided() {
    let lab = lab_in(|world| world.keys = Err(Reason::new("keys_timeout", &"too slow")));
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), unavailable());
    let reasons = json!([{ "code": "keys_timeout", "message": "too slow" }]);
    assert_eq!(logged(&answer), nameless_line("undecided", start_point(None), json!({}), reasons));
    assert_eq!(lab.outside.calls(), [""; 0]);
}

#[test]
fn without_a_clock_nothing_is_decided() {
    let lab = lab_in(|world| world.now = Err(ClockError));
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), unavailable());
    let reasons = json!([{ "code": "clock", "message": "the clock stands outside the years 1970 to 9999" }]);
    let line = nameless_line("undecided", start_point(None), json!({}), reasons);
    assert_eq!(logged(&answer), without(line, "/at"));
}
