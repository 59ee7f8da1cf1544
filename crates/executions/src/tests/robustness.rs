//! Whatever the event is, there is an answer.

use claim_guard::access::AccessPolicy;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::{NOW, with, without};

use super::world::{World, environment, lab, lab_in};
use super::*;
use crate::executions::Service;

#[track_caller]
fn check_misconfigured(event: &str, point: Value, code: &str, message: &str) {
    let lab = lab();
    let answer = block_on(lab.answer(event));
    assert_eq!(heard(&answer), without(internal(), "/body/instance"));
    let reasons = json!([{ "code": code, "message": message }]);
    let line = nameless_line("misconfigured", point, json!({}), reasons);
    assert_eq!(logged(&answer), without(line, "/request"));
    assert_eq!(lab.outside.calls(), [""; 0]);
}

#[test]
fn an_event_that_is_not_the_templates_means_a_wrong_template() {
    let nowhere = || json!({ "kind": "route", "method": "", "path": "" });
    let malformed = |event: &Value, message: &str| {
        check_misconfigured(&event.to_string(), nowhere(), "malformed_event", message);
    };
    let at = |column| format!("event: malformed JSON at line `1` column `{column}`");
    check_misconfigured("", nowhere(), "malformed_event", &at(0));
    check_misconfigured("[]", nowhere(), "malformed_event", "event: JSON, but not an object");
    let twice = r#"{"httpMethod":"GET","httpMethod":"POST"}"#;
    check_misconfigured(twice, nowhere(), "malformed_event", "event: duplicate member at line `1` column `40`");
    malformed(&json!({}), "event lacks `requestContext`");
    for member in ["httpMethod", "resource", "pathParameters"] {
        malformed(&without(start_event(), &format!("/{member}")), &format!("event lacks `{member}`"));
        let expected = if member == "pathParameters" { "an object" } else { "text" };
        malformed(
            &with(start_event(), &format!("/{member}"), json!(1)),
            &format!("event `{member}`: expected {expected}, presented an integer"),
        );
    }
    malformed(
        &with(start_event(), "/headers", json!(["a"])),
        "event `headers`: expected an object, presented an array",
    );
    let list = with(start_event(), "/multiValueHeaders/Accept", json!("a"));
    malformed(&list, "event `multiValueHeaders`: expected an array of text, presented text");
    malformed(&with(start_event(), "/body", json!({})), "event `body`: expected text, presented an object");
    malformed(
        &with(start_event(), "/isBase64Encoded", json!("true")),
        "event `isBase64Encoded`: expected a boolean, presented text",
    );
    malformed(
        &with(start_event(), "/requestContext/path", json!(["/"])),
        "event `path`: expected text, presented an array",
    );
}

#[test]
fn a_route_that_is_not_served_here_means_a_wrong_template() {
    let resource = "/workflows/{workflow}/executions";
    for (name, method) in [("preflight", "OPTIONS"), ("undeclared-route", "PUT")] {
        let event = event(name, &token_of(&payload())).to_string();
        let point = json!({ "kind": "route", "method": method, "path": resource });
        let message = format!("no route `{method} {resource}` is served here");
        check_misconfigured(&event, point, "unknown_route", &message);
    }
}

#[test]
fn every_event_file_has_an_answer() {
    let directory = format!("{}/../../events/executions", env!("CARGO_MANIFEST_DIR"));
    let mut statuses = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let answer = ask(&lab(), &event(&name, &token_of(&payload())));
        statuses.insert(name, heard(&answer)["statusCode"].clone());
    }
    let expected = json!({
        "console-test": 401, "console-test-with-token": 202, "describe": 404, "preflight": 500, "start": 202, "start-base64": 202, "start-idempotent": 202,
        "start-lower-case-headers": 202, "start-malformed-body": 400, "start-unknown-workflow": 404,
        "start-without-body": 415, "start-without-token": 401, "stop": 404, "undeclared-route": 500,
    });
    assert_eq!(json!(statuses), expected);
}

#[test]
fn the_consoles_test_button_is_answered_like_everybody() {
    let expected = with(unauthorized(), "/body/instance", json!("urn:request:test-invoke-request"));
    assert_eq!(heard(&ask(&lab(), &event("console-test", ""))), expected);
    for stage in [json!(null), json!("test-invoke-stage"), json!("a/b")] {
        let event = with(event("console-test-with-token", &token_of(&payload())), "/requestContext/stage", stage);
        let location = json!(format!("/workflows/payment/executions/{}", given("01")));
        let expected = with(accepted(&given("01"), &drawn("02")), "/headers/location", location);
        assert_eq!(heard(&ask(&lab(), &event)), expected);
    }
}

#[test]
fn behind_a_custom_domain_the_address_has_its_base_path_and_no_stage() {
    let event = with(start_event(), "/requestContext/path", json!("/pay/workflows/payment/executions"));
    let location = json!(format!("/pay/workflows/payment/executions/{}", given("01")));
    let expected = with(accepted(&given("01"), &drawn("02")), "/headers/location", location);
    assert_eq!(heard(&ask(&lab(), &event)), expected);
    let nowhere = with(start_event(), "/requestContext/path", json!(null));
    let location = json!(format!("executions/{}", given("01")));
    let expected = with(accepted(&given("01"), &drawn("02")), "/headers/location", location);
    assert_eq!(heard(&ask(&lab(), &nowhere)), expected);
}

fn service(policy: &str, lookup: impl Fn(&str) -> Option<String>) -> Service<World> {
    let policy = AccessPolicy::parse("access.toml", policy);
    block_on(Service::from_lookup(policy, lookup, async |_, _, _| lab_in(|_| {}).outside))
}

#[test]
fn broken_settings_are_told_with_every_request() {
    let lookup = |name: &str| environment(name).filter(|_| !["TRUST_DOMAIN", "REALM_ISSUER"].contains(&name));
    let service = service(include_str!("../../../../access.toml"), lookup);
    let now = claim_guard::UnixTime::from_seconds(NOW);
    let answer = block_on(service.answer(&start_event().to_string(), now));
    assert_eq!(heard(&answer), internal());
    let reasons = json!([
        { "code": "malformed_environment", "message": "REALM_ISSUER is absent" },
        { "code": "malformed_environment", "message": "TRUST_DOMAIN is absent" },
    ]);
    assert_eq!(logged(&answer), nameless_line("misconfigured", start_point(None), json!({}), reasons));
}

#[test]
fn a_broken_policy_is_told_with_every_request() {
    let service = service("rolez = 1", environment);
    let answer = block_on(service.answer("no event", None));
    assert_eq!(heard(&answer), without(internal(), "/body/instance"));
    let line = logged(&answer);
    assert_eq!(line["decision"], "misconfigured");
    assert_eq!(line["reasons"][0]["code"], "malformed_policy");
    assert!(line["reasons"][0]["message"].as_str().unwrap().starts_with("access.toml:1: "), "{line}");
}

#[test]
fn whole_settings_make_a_service_that_starts_executions() {
    let service = service(include_str!("../../../../access.toml"), environment);
    let answer = block_on(service.answer(&start_event().to_string(), None));
    assert_eq!(heard(&answer), accepted(&given("01"), &drawn("02")));
}

pub(super) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(event in "\\PC{0,200}") {
        let answer = block_on(lab().answer(&event));
        prop_assert_eq!(heard(&answer)["statusCode"].clone(), json!(500));
        prop_assert_eq!(logged(&answer)["decision"].clone(), json!("misconfigured"));
    }

    #[test]
    fn arbitrary_members_never_panic(
        member in prop::sample::select(vec![
            "/httpMethod", "/resource", "/headers", "/multiValueHeaders", "/multiValueHeaders/Authorization", "/pathParameters",
            "/pathParameters/workflow", "/body", "/isBase64Encoded", "/requestContext", "/requestContext/stage", "/requestContext/path",
            "/requestContext/requestId", "/headers/x",
        ]),
        value in json_value(),
    ) {
        let answer = ask(&lab(), &with(start_event(), member, value));
        let status = heard(&answer)["statusCode"].as_u64().unwrap();
        prop_assert!([202, 400, 401, 404, 500].contains(&status), "{}", status);
        prop_assert!(logged(&answer)["decision"] != "undecided", "{}", logged(&answer));
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in "\\PC{0,200}", is_base64 in any::<bool>()) {
        let answer = ask(&lab(), &with(start_with(&body), "/isBase64Encoded", json!(is_base64)));
        let status = heard(&answer)["statusCode"].as_u64().unwrap();
        prop_assert!([202, 400].contains(&status), "{}", status);
    }

    #[test]
    fn what_is_a_json_object_enters_as_it_was_decided_on(input in prop::collection::btree_map(".{0,6}", json_value(), 0..4)) {
        let lab = lab();
        let input = Value::Object(input.into_iter().collect());
        prop_assert_eq!(heard(&ask(&lab, &start_with(&input.to_string())))["statusCode"].clone(), json!(202));
        let entered: Value = serde_json::from_str(&lab.outside.input(&execution_arn(&given("01")))).unwrap();
        prop_assert_eq!(&entered["input"].to_string(), &serde_json::from_str::<Value>(&input.to_string()).unwrap().to_string());
    }
}
