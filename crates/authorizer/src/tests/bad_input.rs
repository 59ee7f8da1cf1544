//! Events that are none.

use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload};

use super::*;

fn shipped() -> Setup<Keys> {
    setup(policy(SHIPPED), realm_keys())
}

#[track_caller]
fn check(event: &[u8], code: &str, message: &str) {
    let outcome = outcome_of_bytes(shipped(), event);
    assert_eq!(outcome.answer, unauthorized());
    let line = json!({
        "audit": "claim-guard/1", "at": NOW, "decision": "reject",
        "point": { "kind": "route", "method": "", "path": "" },
        "token": {}, "reasons": [{ "code": code, "message": message }], "policy": policy(SHIPPED).digest().as_str()
    });
    assert_eq!(outcome.line(), line, "{}", String::from_utf8_lossy(event));
}

#[track_caller]
fn check_event(event: &Value, message: &str) {
    check(event.to_string().as_bytes(), "malformed_event", message);
}

fn good() -> Value {
    event(&bearer(&access_token_payload(NOW)), "POST/workflows/payment/executions")
}

#[test]
fn i34_events_of_other_authorizers_are_rejected() {
    let wrong_type = "type: expected `TOKEN`, presented `REQUEST`";
    let request = json!({
        "type": "REQUEST", "methodArn": format!("{STAGE}/GET/x"), "resource": "/x", "path": "/x", "httpMethod": "GET",
        "headers": { "authorization": bearer(&access_token_payload(NOW)) }, "requestContext": { "apiId": "a1b2c3d4e5" }
    });
    check_event(&request, wrong_type);
    let second = json!({
        "version": "2.0", "type": "REQUEST", "routeArn": format!("{STAGE}/GET/x"),
        "identitySource": [bearer(&access_token_payload(NOW))], "routeKey": "GET /x"
    });
    check_event(&second, wrong_type);
    let socket = json!({
        "type": "REQUEST", "methodArn": format!("{STAGE}/$connect"),
        "requestContext": { "routeKey": "$connect", "eventType": "CONNECT", "connectionId": "c" }
    });
    check_event(&socket, wrong_type);
    check_event(&test_realm::with(good(), "/type", json!("token")), "type: expected `TOKEN`, presented `token`");
}

#[test]
fn an_event_without_its_members_is_rejected() {
    check_event(&json!({}), "event lacks `type`");
    check_event(&test_realm::without(good(), "/type"), "event lacks `type`");
    check_event(&test_realm::without(good(), "/methodArn"), "event lacks `methodArn`");
    check_event(
        &test_realm::with(good(), "/methodArn", Value::Null),
        "event `methodArn`: expected text, presented null",
    );
    let wrong = |name: &str, value: Value, presented: &str| {
        let event = test_realm::with(good(), &format!("/{name}"), value);
        check_event(&event, &format!("event `{name}`: expected text, presented {presented}"));
    };
    wrong("authorizationToken", json!(true), "a boolean");
    wrong("authorizationToken", json!(1), "an integer");
    wrong("authorizationToken", json!(["Bearer x"]), "an array");
    wrong("authorizationToken", json!({ "Bearer": "x" }), "an object");
    wrong("methodArn", json!(1), "an integer");
    wrong("type", json!(["TOKEN"]), "an array");
    let twice = good().to_string().replacen('{', "{\"authorizationToken\":\"Bearer a.b.c\",", 1);
    let column = twice.find(",\"methodArn").unwrap_or(twice.len());
    check(twice.as_bytes(), "malformed_event", &format!("event: duplicate member at line `1` column `{column}`"));
}

#[test]
fn i1_an_event_without_a_token_is_rejected_on_its_route() {
    for event in [
        test_realm::without(good(), "/authorizationToken"),
        test_realm::with(good(), "/authorizationToken", Value::Null),
        test_realm::with(good(), "/authorizationToken", json!("")),
    ] {
        let outcome = outcome(shipped(), &event);
        assert_eq!(outcome.answer, unauthorized());
        let line = outcome.line();
        let point = json!({ "kind": "route", "method": "POST", "path": "/workflows/{workflow}/executions" });
        assert_eq!((&line["point"], &line["reasons"][0]["code"]), (&point, &json!("no_bearer_token")));
    }
}

#[test]
fn what_is_no_json_object_is_rejected() {
    let nested = format!("{{\"type\":{}", "[".repeat(100_000));
    for event in ["null", "[]", "[\"TOKEN\",\"Bearer x\",\"arn\"]", "\"TOKEN\""] {
        check(event.as_bytes(), "malformed_event", "event: JSON, but not an object");
    }
    let malformed = |event: &[u8], column: usize| {
        check(event, "malformed_event", &format!("event: malformed JSON at line `1` column `{column}`"));
    };
    malformed(b"", 0);
    malformed(b"{", 1);
    malformed("\u{feff}{}".as_bytes(), 1);
    malformed(nested.as_bytes(), 135);
    malformed(&[0xff, 0xfe, b'{'], 1);
    malformed(b"{\"type\":\"\xc3\x28\"}", 10);
}

#[test]
fn members_that_are_not_known_are_passed_over() {
    let event = test_realm::with(good(), "/requestContext", json!({ "authorizer": { "principalId": "admin" } }));
    assert_eq!(outcome(shipped(), &event).answer, outcome(shipped(), &good()).answer);
}

#[test]
fn i9_a_malformed_method_arn_is_rejected_before_the_token_is_looked_at() {
    let check = |arn: &str, message: &str| {
        let event = test_realm::with(good(), "/methodArn", json!(arn)).to_string();
        super::bad_input::check(event.as_bytes(), "malformed_method_arn", message);
    };
    check("", "the method ARN has the malformed scheme ``");
    check("arn:aws:execute-api:eu-central-1:123456789012", "the method ARN has no API");
    check(&"/".repeat(20), "the method ARN has the malformed scheme `////////////////////`");
    check(&":".repeat(20), "the method ARN has the malformed scheme ``");
    check(&STAGE.replace("arn", "\u{430}rn"), "the method ARN has the malformed scheme `\\u{430}rn`");
    check(&format!("{STAGE}/GET"), "the method ARN has no path");
    check(&format!("{STAGE}/*/x"), "the method ARN has the malformed method `*`");
    check(&format!("{STAGE}/GET/{}", "x".repeat(10_000)), "the method ARN has `10066` bytes, expected at most `2048`");
}

/// Whatever comes, it is answered and recorded once, and no token is repeated.
#[track_caller]
fn survives(event: &[u8]) {
    let outcome = outcome_of_bytes(shipped(), event);
    let line = outcome.line();
    assert!(matches!(line["decision"].as_str(), Some("allow" | "deny" | "reject")), "{line}");
    let is_policy = outcome.answer.get("policyDocument").is_some();
    assert_eq!(is_policy, line["decision"] != json!("reject"), "{line}");
    assert!(is_policy || outcome.answer == unauthorized(), "{}", outcome.answer);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_answered_and_recorded(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
    }

    #[test]
    fn altered_events_are_answered_and_recorded(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut event = good().to_string().into_bytes();
        let place = at.index(event.len());
        event[place] = byte;
        survives(&event);
    }

    #[test]
    fn arbitrary_headers_are_answered_and_recorded(header in "(Bearer )?\\PC{0,200}") {
        survives(event(&header, "GET/x").to_string().as_bytes());
    }

    #[test]
    fn i9_arbitrary_method_arns_are_answered_and_recorded(arn in "\\PC{0,200}") {
        survives(test_realm::with(good(), "/methodArn", json!(arn)).to_string().as_bytes());
    }

    #[test]
    fn i27_a_token_is_in_no_answer_and_no_line(
        call in "(GET|POST|X)/[a-z/*:?]{0,30}",
        alter in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut token = KEY.token(&access_token_payload(NOW));
        if alter {
            let place = at.index(token.len());
            token.replace_range(place..=place, "A");
        }
        let outcome = outcome(shipped(), &event(&format!("Bearer {token}"), &call));
        let said = format!("{} {}", outcome.answer, outcome.lines.join("\n"));
        for part in token.split('.') {
            prop_assert!(!said.contains(part), "{}", said);
        }
    }
}
