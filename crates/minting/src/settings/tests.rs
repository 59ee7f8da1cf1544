//! The environment.

use std::sync::OnceLock;

use claim_guard::Excerpt;
use claim_guard::JsonError;
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{IdentifierError, KeyId, WorkflowName};
use claim_guard::jws::KeySetError;
use serde_json::json;
use test_realm::{TestKey, key_set};

use super::{MintFault, MintSettings};

const MACHINE: &str = "arn:aws:states:eu-central-1:111122223333:stateMachine:payment";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333";

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", include_str!("../../../../access.toml")).unwrap()
}

fn kms_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

/// A key of another stack.
fn foreign_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

fn environment(variable: &str) -> Option<String> {
    Some(match variable {
        "TRUST_DOMAIN" => "lab.111122223333.eu-central-1".to_owned(),
        "TRANSACTION_KEYS" => key_set([kms_key()]),
        "TRANSACTION_KEY_ID" => kms_key().kid().to_owned(),
        "TRANSACTION_SIGNING_KEY" => KEY.to_owned(),
        "WORKFLOW_STATE_MACHINES" => json!({ "payment": MACHINE }).to_string(),
        _ => return None,
    })
}

#[track_caller]
fn check(variable: &str, value: &str, expected: &[MintFault]) {
    let lookup = |name: &str| if name == variable { Some(value.to_owned()) } else { environment(name) };
    let faults = MintSettings::from_lookup(&policy(), lookup).map(|_| ()).unwrap_err();
    assert_eq!(faults, expected, "{variable}={value}");
}

#[test]
fn whole_settings_are_taken() {
    let settings = MintSettings::from_lookup(&policy(), environment).unwrap();
    assert_eq!(settings.trust_domain.as_str(), "lab.111122223333.eu-central-1");
    assert_eq!(settings.key_id.as_str(), kms_key().kid());
    assert!(settings.transaction_keys.contains(&settings.key_id));
    assert_eq!(settings.signing_key.as_str(), KEY);
    let machines: Vec<String> = settings.state_machines.values().map(ToString::to_string).collect();
    assert_eq!(machines, [MACHINE]);
}

#[test]
fn all_faults_are_named_at_once_and_an_empty_variable_is_absent() {
    let absent = |variable| MintFault::Absent { variable };
    let all = [
        absent("TRUST_DOMAIN"),
        absent("TRANSACTION_KEYS"),
        absent("TRANSACTION_KEY_ID"),
        absent("TRANSACTION_SIGNING_KEY"),
        absent("WORKFLOW_STATE_MACHINES"),
    ];
    assert_eq!(MintSettings::from_lookup(&policy(), |_| None).map(|_| ()).unwrap_err(), all);
    assert_eq!(MintSettings::from_lookup(&policy(), |_| Some(String::new())).map(|_| ()).unwrap_err(), all);
}

#[test]
fn the_key_that_signs_is_one_that_guards_know() {
    let presented = KeyId::parse(foreign_key().kid()).unwrap();
    check("TRANSACTION_KEY_ID", foreign_key().kid(), &[MintFault::SigningKeyNotInSet { presented }]);
    let presented = KeyId::parse(kms_key().kid()).unwrap();
    check("TRANSACTION_KEYS", &key_set([foreign_key()]), &[MintFault::SigningKeyNotInSet { presented }]);
    check("TRANSACTION_KEYS", "{}", &[MintFault::Keys(KeySetError::NotAKeySet)]);
    for text in
        ["alias/x", "arn:aws:kms:eu-central-1:111122223333:alias/x", "arn:aws:kms:r:1:key/*", "arn:aws:kms:r:1:key/"]
    {
        check("TRANSACTION_SIGNING_KEY", text, &[MintFault::NotAKeyArn { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn state_machines_are_those_of_exactly_the_policys_workflows() {
    let variable = "WORKFLOW_STATE_MACHINES";
    let expected = WorkflowName::parse("payment").unwrap();
    let absent = || MintFault::WorkflowWithoutMachine { expected: expected.clone() };
    check(variable, "{}", &[absent()]);
    check(variable, "[]", &[MintFault::NotAnObject(JsonError::NotAnObject)]);
    let foreign = |name| MintFault::MachineWithoutWorkflow { presented: Excerpt::of(name) };
    check(
        variable,
        &json!({ "refund": MACHINE, "a b": 1 }).to_string(),
        &[foreign("a b"), foreign("refund"), absent()],
    );
    let workflow = || Excerpt::of("payment");
    check(variable, r#"{"payment":1}"#, &[MintFault::NotAStateMachine { workflow: workflow(), error: None }]);
    let several = json!({ "payment": format!("{MACHINE}:1:2") }).to_string();
    let error = IdentifierError::WrongShape {
        kind: "state machine ARN",
        expected: "arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE",
    };
    check(variable, &several, &[MintFault::NotAStateMachine { workflow: workflow(), error: Some(error) }]);
}

#[test]
fn a_trust_domain_is_one_word() {
    let error = IdentifierError::ForbiddenCharacter { kind: "trust domain", character: ' ' };
    check("TRUST_DOMAIN", "a b", &[MintFault::Malformed { variable: "TRUST_DOMAIN", error }]);
}

#[test]
fn a_state_machine_runs_one_workflow() {
    let second = include_str!("../../../../access.toml").replace("[workflows.payment", "[workflows.refund");
    let second = second.get(second.find("[workflows.refund]").unwrap()..).unwrap();
    let both = format!("{}\n{second}", include_str!("../../../../access.toml"));
    let policy = AccessPolicy::parse("access.toml", &both).unwrap();
    let machines = json!({ "payment": MACHINE, "refund": format!("{MACHINE}:live") }).to_string();
    let lookup =
        |name: &str| if name == "WORKFLOW_STATE_MACHINES" { Some(machines.clone()) } else { environment(name) };
    let workflow = |name| WorkflowName::parse(name).unwrap();
    let shared = MintFault::SharedStateMachine { first: workflow("payment"), second: workflow("refund") };
    assert_eq!(MintSettings::from_lookup(&policy, lookup).map(|_| ()).unwrap_err(), [shared]);
}
