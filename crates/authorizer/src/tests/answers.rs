//! Each kind of answer, whole, with its audit line, whole.

use std::sync::Arc;

use claim_guard::audit::{Invocation, Reason};
use claim_guard::identifier::KeyId;
use claim_guard::{Excerpt, RealmKeySet};
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, TestKey, access_token_payload, with, without};

use super::*;
use crate::Setup;

pub(super) const START: &str = "POST/workflows/payment/executions";
const TOKEN_ID: &str = "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d";

pub(super) fn shipped() -> Setup<Keys> {
    setup(policy(SHIPPED), realm_keys())
}

fn shipped_digest() -> String {
    policy(SHIPPED).digest().to_string()
}

/// The answer with these statements, about the usual caller.
fn answer(statements: Value) -> Value {
    json!({
        "principalId": SUBJECT,
        "policyDocument": { "Version": "2012-10-17", "Statement": statements },
        "context": { "subject": SUBJECT, "client": CLIENT, "tokenId": TOKEN_ID, "policyDigest": shipped_digest() }
    })
}

fn statement(effect: &str, calls: &[&str]) -> Value {
    let resources: Vec<String> = calls.iter().map(|call| format!("{STAGE}/{call}")).collect();
    json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resources })
}

/// The audit line of a verified caller.
fn decided(decision: &str, method: &str, path: &str, reasons: Value) -> Value {
    json!({
        "audit": "claim-guard/1", "at": NOW, "decision": decision,
        "point": { "kind": "route", "method": method, "path": path },
        "issuer": ISSUER, "subject": SUBJECT, "client": CLIENT, "token": { "jti": TOKEN_ID, "sid": "kZ0VtqGmXJt0tBoQb1x2y3z4" },
        "reasons": reasons, "policy": shipped_digest(), "identity_age": 0
    })
}

/// The audit line of a caller whom nobody vouches for.
fn unproven(decision: &str, call: (&str, &str), token: Value, reason: (&str, &str)) -> Value {
    json!({
        "audit": "claim-guard/1", "at": NOW, "decision": decision,
        "point": { "kind": "route", "method": call.0, "path": call.1 },
        "token": token, "reasons": [{ "code": reason.0, "message": reason.1 }], "policy": shipped_digest()
    })
}

#[track_caller]
fn check(setup: Setup<impl KeySource>, event: &Value, answer: &Value, line: &Value) {
    let outcome = outcome(setup, event);
    assert_eq!(outcome.answer, *answer, "{event}");
    assert_eq!(outcome.line(), *line, "{event}");
}

#[test]
fn a_caller_gets_a_policy_of_every_route_that_he_may_call_whichever_he_calls() {
    let allowed = [START, "GET/workflows/payment/executions/e-1", "DELETE/workflows/payment/executions/e-1"];
    let paths = ["/workflows/{workflow}/executions", "/workflows/{workflow}/executions/{execution}"];
    let patterns = ["POST/workflows/*/executions", "GET/workflows/*/executions/*", "DELETE/workflows/*/executions/*"];
    let expected = answer(json!([statement("Allow", &patterns)]));
    for (call, path) in allowed.into_iter().zip([paths[0], paths[1], paths[1]]) {
        let method = call.split('/').next().expect("a method");
        let line = decided("allow", method, path, json!([]));
        check(shipped(), &event(&bearer(&access_token_payload(NOW)), call), &expected, &line);
    }
}

#[test]
fn a_caller_of_one_route_is_denied_the_others() {
    let expected = answer(json!([statement("Allow", &["GET/workflows/*/executions/*"])]));
    let header = caller(&["payment:audit"]);
    let path = "/workflows/{workflow}/executions/{execution}";
    let line = decided("allow", "GET", path, json!([]));
    check(shipped(), &event(&header, "GET/workflows/payment/executions/e-1"), &expected, &line);
    let reasons = json!([{
        "code": "none_of_roles", "message": "none of the roles `workflow-api:payment:start` is there"
    }]);
    let line = decided("deny", "POST", "/workflows/{workflow}/executions", reasons);
    check(shipped(), &event(&header, START), &expected, &line);
}

#[test]
fn a_caller_who_may_call_nothing_is_denied_every_route_by_name() {
    let patterns = ["POST/workflows/*/executions", "GET/workflows/*/executions/*", "DELETE/workflows/*/executions/*"];
    let expected = answer(json!([statement("Deny", &patterns)]));
    let reasons = json!([{
        "code": "none_of_roles", "message": "none of the roles `workflow-api:payment:start` is there"
    }]);
    let line = decided("deny", "POST", "/workflows/{workflow}/executions", reasons);
    check(shipped(), &event(&caller(&["payment:approve"]), START), &expected, &line);
}

#[test]
fn a_path_without_a_route_is_denied_by_its_name_and_the_routes_stay_as_they_are() {
    let header = caller(&["payment:audit"]);
    for call in ["GET/workflows/a/b/executions/e", "GET/workflows/a/executions/e/", "GET/", "PUT/x:y", "HEAD//"] {
        let (method, path) = call.split_once('/').expect("a path");
        let statements = [statement("Allow", &["GET/workflows/*/executions/*"]), statement("Deny", &[call])];
        let message = format!("the policy has no route for `{method} /{path}`");
        let line = decided("deny", method, &format!("/{path}"), json!([{ "code": "no_route", "message": message }]));
        check(shipped(), &event(&header, call), &answer(json!(statements)), &line);
    }
}

#[test]
fn i11_a_path_without_a_route_that_no_policy_can_name_is_rejected() {
    for path in
        ["workflows/*/x/executions/e", "workflows/a/executions/?/", "workflows/${a}/b/executions/e", "caf\u{e9}"]
    {
        let line = outcome(shipped(), &event(&caller(&["payment:audit"]), &format!("GET/{path}")));
        assert_eq!(line.answer, unauthorized(), "{path}");
        let reason = "no route matches the path, and it holds characters that a policy cannot name";
        let path = Excerpt::of(&format!("/{path}")).to_string();
        let reasons = json!([{ "code": "ambiguous_path", "message": reason }]);
        assert_eq!(line.line(), decided("reject", "GET", &path, reasons));
    }
}

#[test]
fn i10_i11_what_the_client_writes_into_a_path_stands_in_no_policy() {
    let expected = answer(json!([statement("Allow", &["GET/workflows/*/executions/*"])]));
    let line = decided("allow", "GET", "/workflows/{workflow}/executions/{execution}", json!([]));
    for execution in ["*", "?", "a:b:c", "%2F..%2F", "${aws:username}", "\u{202e}", "arn:aws:execute-api:*"] {
        let call = format!("GET/workflows/*/executions/{execution}");
        check(shipped(), &event(&caller(&["payment:audit"]), &call), &expected, &line);
    }
}

#[test]
fn i2_the_scheme_is_read_without_regard_to_case() {
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let header = caller(&["payment:audit"]).replacen("Bearer", scheme, 1);
        let expected = answer(json!([statement("Allow", &["GET/workflows/*/executions/*"])]));
        let line = decided("allow", "GET", "/workflows/{workflow}/executions/{execution}", json!([]));
        check(shipped(), &event(&header, "GET/workflows/payment/executions/e-1"), &expected, &line);
    }
}

#[test]
fn i32_each_kind_of_bad_token_is_rejected_with_its_own_reason() {
    let good = || access_token_payload(NOW);
    let claimed = json!({ "untrusted_jti": TOKEN_ID });
    let check = |header: String, token: &Value, code: &str, message: &str| {
        let point = ("POST", "/workflows/{workflow}/executions");
        let line = unproven("reject", point, token.clone(), (code, message));
        super::answers::check(shipped(), &event(&header, START), &unauthorized(), &line);
    };
    let wrong_audience = "audience: expected `workflow-api`, presented `account`";
    check(bearer(&with(good(), "/aud", json!("account"))), &claimed, "wrong_audience", wrong_audience);
    let expired = format!("expired at `{}`, now is `{NOW}`", NOW - 300);
    check(bearer(&access_token_payload(NOW - 600)), &claimed, "expired", &expired);
    let id_token = "an ID token, expected an access token";
    check(bearer(&with(good(), "/typ", json!("ID"))), &claimed, "id_token", id_token);
    let refresh = with(KEY.header(), "/alg", json!("HS512")).to_string();
    let refresh = KEY.token_of(&refresh, &with(good(), "/typ", json!("Refresh")).to_string());
    let message = "a refresh token, expected an access token";
    check(format!("Bearer {refresh}"), &claimed, "refresh_token", message);
}

/// The rejection of a token, by its code.
#[track_caller]
pub(super) fn check_code(header: &str, code: &str) {
    let outcome = outcome(shipped(), &event(header, START));
    assert_eq!(outcome.answer, unauthorized(), "{code}");
    let line = outcome.line();
    assert_eq!((&line["decision"], &line["reasons"][0]["code"]), (&json!("reject"), &json!(code)));
    assert!(line.get("subject").is_none(), "{line}");
}

#[test]
fn tokens_of_another_hand_realm_or_client_are_rejected() {
    let good = access_token_payload(NOW);
    check_code(&format!("Bearer {}", FORGED_KEY.token(&good)), "bad_signature");
    let other_realm = with(good.clone(), "/iss", json!("https://keycloak.example.com/realms/other"));
    check_code(&bearer(&other_realm), "wrong_issuer");
    check_code(&bearer(&with(good.clone(), "/azp", json!("another-app"))), "forbidden_client");
    check_code(&bearer(&without(good.clone(), "/sub")), "no_subject");
    check_code(&bearer(&access_token_payload(NOW + 60)), "issued_in_future");
    let unknown = TestKey::generate("ES256", "another-key");
    check_code(&format!("Bearer {}", unknown.token(&good)), "unknown_key");
    let unsigned = with(KEY.header(), "/alg", json!("none")).to_string();
    check_code(&format!("Bearer {}", KEY.token_of(&unsigned, &good.to_string())), "forbidden_algorithm");
}

#[test]
fn without_keys_it_stays_undecided() {
    let reason = Reason::new("keys_timeout", &"no answer within 3 s");
    let setup = setup(policy(SHIPPED), Keys(Err(reason)));
    let point = ("POST", "/workflows/{workflow}/executions");
    let line = unproven("undecided", point, json!({}), ("keys_timeout", "no answer within 3 s"));
    check(setup, &event(&bearer(&access_token_payload(NOW)), START), &undecided(), &line);
}

#[test]
fn a_token_that_no_key_could_make_good_is_rejected_without_keys_too() {
    let setup = setup(policy(SHIPPED), Keys(Err(Reason::new("keys_timeout", &"no answer"))));
    let outcome = outcome(setup, &event("Bearer x", START));
    assert_eq!((outcome.answer.clone(), &outcome.line()["decision"]), (unauthorized(), &json!("reject")));
}

#[test]
fn without_a_clock_it_stays_undecided() {
    let lines = Mutex::new(Vec::new());
    let sink = |record: AuditRecord| {
        lines.lock().expect("a lock").push(record.to_line());
        io::Result::Ok(())
    };
    let authorizer = Authorizer::new(shipped(), sink);
    let event = event(&bearer(&access_token_payload(NOW)), START).to_string();
    let answer = block_on(authorizer.answer(read(event.as_bytes()), Err(claim_guard::unix_time::ClockError)));
    assert_eq!(answer.err(), Some(crate::AuthorizerError::Undecided));
    let point = ("POST", "/workflows/{workflow}/executions");
    let message = "the clock stands outside the years 1970 to 9999";
    let line = without(unproven("undecided", point, json!({}), ("clock", message)), "/at");
    let lines = lines.lock().expect("a lock").clone();
    assert_eq!(lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>(), [line]);
}

pub(super) struct PanickingKeys;

impl KeySource for PanickingKeys {
    async fn key_set(&self, _: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        panic!("Unauthorized");
    }
}

#[test]
fn a_panic_is_undecided_and_recorded() {
    let point = ("POST", "/workflows/{workflow}/executions");
    let line = unproven("undecided", point, json!({}), ("panicked", "the function panicked: its log says where"));
    let event = event(&bearer(&access_token_payload(NOW)), START);
    check(setup(policy(SHIPPED), PanickingKeys), &event, &undecided(), &line);
}

#[test]
fn an_answer_that_cannot_be_recorded_is_not_given() {
    let authorizer = Authorizer::new(shipped(), |_: AuditRecord| Err(io::Error::other("closed")));
    let event = event(&bearer(&access_token_payload(NOW)), START).to_string();
    let answer =
        block_on(authorizer.answer(read(event.as_bytes()), UnixTime::from_seconds(NOW).ok_or_else(|| panic!())));
    assert_eq!(answer.err(), Some(crate::AuthorizerError::Undecided));
    let authorizer = Authorizer::new(shipped(), |_: AuditRecord| -> io::Result<()> { panic!("the line") });
    let now = UnixTime::from_seconds(NOW).ok_or_else(|| panic!());
    let answer = block_on(authorizer.serve(event.as_bytes(), now, Invocation::new("1", None)));
    assert_eq!(answer.err(), Some(crate::AuthorizerError::Undecided));
}

#[test]
fn a_line_names_its_invocation() {
    let lines = std::sync::Mutex::new(Vec::new());
    let authorizer = Authorizer::new(shipped(), |record: AuditRecord| {
        lines.lock().unwrap().push(serde_json::from_str::<Value>(&record.to_line()).unwrap());
        Ok(())
    });
    let event = event(&bearer(&access_token_payload(NOW)), START).to_string();
    for bytes in [event.as_bytes(), b"no event"] {
        let now = UnixTime::from_seconds(NOW).ok_or_else(|| panic!());
        let invocation = Invocation::new("8f5b6a3e-0000", Some("Root=1-5759e988-bd86;Sampled=1"));
        let _ = block_on(authorizer.serve(bytes, now, invocation));
    }
    let told = json!({ "id": "8f5b6a3e-0000", "trace": "1-5759e988-bd86" });
    let lines = lines.into_inner().unwrap();
    assert_eq!(lines.iter().map(|line| line["invocation"].clone()).collect::<Vec<_>>(), [told.clone(), told]);
}

#[test]
fn a_broken_environment_answers_every_event_with_an_error_that_names_no_fault() {
    let broken = || Setup::from_lookup(AccessPolicy::parse("access.toml", SHIPPED), |_| None);
    let absent = |name: &str| json!({ "code": "malformed_environment", "message": format!("{name} is absent") });
    let line = |point: Value| {
        json!({
            "audit": "claim-guard/1", "at": NOW, "decision": "misconfigured", "point": point, "token": {},
            "reasons": [absent("REALM_ISSUER"), absent("REALM_AUDIENCE"), absent("REALM_CLIENTS")],
            "policy": shipped_digest()
        })
    };
    let point = json!({ "kind": "route", "method": "POST", "path": "/workflows/payment/executions" });
    let good = event(&bearer(&access_token_payload(NOW)), START);
    check(broken(), &good, &misconfigured(), &line(point));
    let point = json!({ "kind": "route", "method": "", "path": "" });
    check(broken(), &json!({}), &misconfigured(), &line(point));
}

#[test]
fn a_broken_policy_is_named_beside_a_broken_environment() {
    let broken = Setup::from_lookup(AccessPolicy::parse("access.toml", "colour = 1"), |_| None);
    let outcome = outcome(broken, &event("", START));
    assert_eq!(outcome.answer, misconfigured());
    let line = outcome.line();
    assert_eq!((&line["reasons"][0]["code"], line.get("policy")), (&json!("malformed_policy"), None));
    let message = line["reasons"][0]["message"].as_str().expect("a text");
    assert!(message.starts_with("access.toml:1: "), "{message}");
    assert_eq!(line["reasons"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_whole_environment_makes_a_set_up_that_decides_and_fetches_keys_ahead() {
    let variable = |name: &str| match name {
        "REALM_ISSUER" => Some(test_realm::ISSUER.to_owned()),
        "REALM_AUDIENCE" => Some(test_realm::AUDIENCE.to_owned()),
        "REALM_CLIENTS" => Some(CLIENT.to_owned()),
        _ => None,
    };
    let setup = Setup::from_lookup(AccessPolicy::parse("access.toml", SHIPPED), variable);
    let Setup::Ready { keys, .. } = &setup else { panic!("{setup:?}") };
    assert_eq!(keys.fetches(), 0);
    // The fetch begins and ends with this runtime, which never gets to run it.
    block_on(async { setup.prefetch(|_| ()) });
    assert_eq!(keys.fetches(), 1);
}

#[test]
fn i26_identifiers_cannot_break_what_they_are_put_into() {
    let payload = with(access_token_payload(NOW), "/sub", json!("a\"b\\c%d \u{e9}/{e}"));
    let outcome = outcome(shipped(), &event(&bearer(&payload), START));
    assert_eq!(outcome.answer["principalId"], json!("a%22b%5Cc%25d%20%C3%A9/{e}"));
    assert_eq!(outcome.answer["context"]["subject"], outcome.answer["principalId"]);
    assert_eq!(outcome.line()["subject"], json!("a\"b\\c%d \u{e9}/{e}"));
}
