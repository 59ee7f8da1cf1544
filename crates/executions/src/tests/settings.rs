//! The environment.

use claim_guard::Excerpt;
use claim_guard::JsonError;
use claim_guard::identifier::{IdentifierError, KeyId, WorkflowName};
use claim_guard::jws::KeySetError;
use realm_keys::SettingsFault;
use serde_json::json;
use test_realm::key_set;

use super::world::{environment, foreign_key, kms_key};
use super::*;
use crate::settings::{Fault, Settings};

#[track_caller]
fn check(variable: &str, value: &str, expected: &[Fault]) {
    let lookup = |name: &str| if name == variable { Some(value.to_owned()) } else { environment(name) };
    let faults = Settings::from_lookup(&policy(), lookup).map(|_| ()).unwrap_err();
    assert_eq!(faults, expected, "{variable}={value}");
}

#[test]
fn whole_settings_are_taken() {
    let settings = Settings::from_lookup(&policy(), environment).unwrap();
    assert_eq!(settings.stack.trust_domain.as_str(), "lab.111122223333.eu-central-1");
    assert_eq!(settings.stack.key_id.as_str(), kms_key().kid());
    assert_eq!(settings.stack.cors_origin.unwrap().as_str(), ORIGIN);
    assert_eq!(settings.signing_key.as_str(), "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333");
    let machines: Vec<String> = settings.stack.state_machines.values().map(ToString::to_string).collect();
    assert_eq!(machines, [MACHINE]);
}

#[test]
fn the_origin_alone_may_be_absent() {
    let without_origin =
        |name: &str| environment(name).map(|text| if name == "CORS_ORIGIN" { String::new() } else { text });
    assert_eq!(Settings::from_lookup(&policy(), without_origin).unwrap().stack.cors_origin, None);
}

#[test]
fn all_faults_are_named_at_once() {
    let absent = |variable| Fault::Absent { variable };
    let realm = |variable| Fault::Realm(SettingsFault::Absent { variable });
    assert_eq!(
        Settings::from_lookup(&policy(), |_| None).map(|_| ()).unwrap_err(),
        [
            realm("REALM_ISSUER"),
            realm("REALM_AUDIENCE"),
            realm("REALM_CLIENTS"),
            absent("TRUST_DOMAIN"),
            absent("TRANSACTION_KEYS"),
            absent("TRANSACTION_KEY_ID"),
            absent("TRANSACTION_SIGNING_KEY"),
            absent("WORKFLOW_STATE_MACHINES"),
        ]
    );
}

#[test]
fn the_key_that_signs_is_one_that_guards_know() {
    let presented = KeyId::parse(foreign_key().kid()).unwrap();
    check("TRANSACTION_KEY_ID", foreign_key().kid(), &[Fault::SigningKeyNotInSet { presented }]);
    let presented = KeyId::parse(kms_key().kid()).unwrap();
    check("TRANSACTION_KEYS", &key_set([foreign_key()]), &[Fault::SigningKeyNotInSet { presented }]);
    check("TRANSACTION_KEYS", "{}", &[Fault::Keys(KeySetError::NotAKeySet)]);
    for text in
        ["alias/x", "arn:aws:kms:eu-central-1:111122223333:alias/x", "arn:aws:kms:r:1:key/*", "arn:aws:kms:r:1:key/"]
    {
        check("TRANSACTION_SIGNING_KEY", text, &[Fault::NotAKeyArn { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn state_machines_are_those_of_exactly_the_policys_workflows() {
    let variable = "WORKFLOW_STATE_MACHINES";
    let expected = WorkflowName::parse("payment").unwrap();
    let absent = || Fault::WorkflowWithoutMachine { expected: expected.clone() };
    check(variable, "{}", &[absent()]);
    check(variable, "[]", &[Fault::NotAnObject(JsonError::NotAnObject)]);
    let foreign = |name| Fault::MachineWithoutWorkflow { presented: Excerpt::of(name) };
    check(
        variable,
        &json!({ "refund": MACHINE, "a b": 1 }).to_string(),
        &[foreign("a b"), foreign("refund"), absent()],
    );
    let workflow = || Excerpt::of("payment");
    check(variable, r#"{"payment":1}"#, &[Fault::NotAStateMachine { workflow: workflow(), error: None }]);
    let versioned = json!({ "payment": format!("{MACHINE}:1") }).to_string();
    let error = IdentifierError::WrongShape {
        kind: "state machine ARN",
        expected: "arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE",
    };
    check(variable, &versioned, &[Fault::NotAStateMachine { workflow: workflow(), error: Some(error) }]);
}

#[test]
fn an_origin_has_no_wildcard_path_or_second_header() {
    for text in
        ["*", "https://*", "payments.example.com", "https://a.example/", "https://", "https://a\r\nb", "https://a b"]
    {
        check("CORS_ORIGIN", text, &[Fault::NotAnOrigin { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn a_trust_domain_is_one_word() {
    let error = IdentifierError::ForbiddenCharacter { kind: "trust domain", character: ' ' };
    check("TRUST_DOMAIN", "a b", &[Fault::Malformed { variable: "TRUST_DOMAIN", error }]);
}
