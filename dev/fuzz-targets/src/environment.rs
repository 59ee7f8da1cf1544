use std::collections::BTreeMap;

use authorizer::Setup;
use claim_guard::access::AccessPolicy;
use claim_guard_lambda::Guard;
use executions::settings::{CorsOrigin, Settings};
use revalidation::settings::Settings as RevalidationSettings;

use crate::fixture::{ACCESS_TOML, KMS_KEY, POLICY, STACK_KEYS};
use crate::line;
use crate::reached::reached;

/// What neither `executions` nor `revalidation` can do without.
const REQUIRED: [&str; 8] = [
    "REALM_ISSUER",
    "REALM_AUDIENCE",
    "REALM_CLIENTS",
    "TRUST_DOMAIN",
    "TRANSACTION_KEYS",
    "TRANSACTION_KEY_ID",
    "TRANSACTION_SIGNING_KEY",
    "WORKFLOW_STATE_MACHINES",
];

/// Environments: lines of `NAME=VALUE`, in which `$KEYS` and `$KID` stand for the stack's key set and its key's name. The
/// first byte says which function they are for.
pub fn environment(bytes: &[u8]) {
    let Some((function, text)) = crate::fixture::chosen(bytes) else { return };
    let text = text.replace("$KEYS", &STACK_KEYS).replace("$KID", KMS_KEY.kid());
    let variables: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let lookup = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    match function {
        b'a' => of_authorizer(lookup),
        b'g' => of_guard(lookup),
        b'r' => of_revalidation(lookup),
        _ => of_executions(lookup),
    }
}

fn of_executions(lookup: impl Fn(&str) -> Option<String>) {
    if let Ok(Some(origin)) = CorsOrigin::from_lookup(&lookup) {
        let of_one_host = |text: &str| text.starts_with("http") && !text.contains('*');
        assert!(origin.header_value().to_str().is_ok_and(of_one_host), "{origin:?}");
    }
    match Settings::from_lookup(&POLICY, &lookup) {
        Ok(settings) => {
            reached("an environment of executions");
            assert!(lookup("REVALIDATION_FUNCTION").is_some_and(|function| function == settings.revalidation.as_str()));
            assert!(lookup("EXECUTION_NAMING_KEY").is_some_and(|key| key == settings.keys.naming.as_str()));
            assert!(REQUIRED.iter().all(|name| lookup(name).is_some_and(|value| !value.is_empty())));
            assert_eq!(Some(settings.realm.verifier.issuer().as_str()), lookup("REALM_ISSUER").as_deref());
            assert_eq!(Some(settings.stack.trust_domain.as_str()), lookup("TRUST_DOMAIN").as_deref());
            assert!(settings.stack.transaction_keys.contains(&settings.stack.key_id));
            assert!(settings.stack.state_machines.keys().eq(POLICY.workflows().map(|workflow| workflow.name())));
            assert!(settings.keys.signing.as_str().starts_with("arn:"));
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            faults.iter().for_each(|fault| line::is_message(&fault.to_string()));
        }
    }
}

fn of_revalidation(lookup: impl Fn(&str) -> Option<String>) {
    match RevalidationSettings::from_lookup(&POLICY, &lookup) {
        Ok(settings) => {
            reached("an environment of revalidation");
            let required = REQUIRED.iter().chain(&["REVALIDATION_CLIENT", "CLIENT_KEY_ID", "CLIENT_SIGNING_KEY"]);
            assert!(required.into_iter().all(|name| lookup(name).is_some_and(|value| !value.is_empty())));
            assert_eq!(Some(settings.realm.client.as_str()), lookup("REVALIDATION_CLIENT").as_deref());
            if let Some(url) = &settings.realm.admin_url {
                assert!(url.as_str().starts_with("https://") && !url.as_str().ends_with('/'), "{url:?}");
            }
            assert!(settings.minting.transaction_keys.contains(&settings.minting.key_id));
            assert!(!settings.minting.transaction_keys.contains(&settings.client_key.id));
            assert_ne!(settings.minting.signing_key, settings.client_key.arn);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            faults.iter().for_each(|fault| line::is_message(&fault.to_string()));
        }
    }
}

fn of_authorizer(lookup: impl Fn(&str) -> Option<String>) {
    match Setup::from_lookup(AccessPolicy::parse("access.toml", ACCESS_TOML), &lookup) {
        Setup::Ready { policy, verifier, .. } => {
            reached("an authorizer's environment");
            assert_eq!(policy.digest(), POLICY.digest());
            assert_eq!(Some(verifier.issuer().as_str()), lookup("REALM_ISSUER").as_deref());
        }
        Setup::Broken { policy, faults } => {
            assert_eq!(policy.as_ref(), Some(POLICY.digest()), "the environment cannot break the policy");
            assert!(!faults.is_empty());
        }
    }
}

fn of_guard(lookup: impl Fn(&str) -> Option<String>) {
    let guard = Guard::new("ApprovePayment", ACCESS_TOML, &lookup);
    guard.faults().iter().for_each(|fault| line::is_message(&fault.to_string()));
    if guard.faults().is_empty() {
        reached("a guard's environment");
        assert_eq!(lookup("WORKFLOW").as_deref(), Some("payment"));
        assert!(
            ["TRUST_DOMAIN", "TRANSACTION_KEYS"].iter().all(|name| lookup(name).is_some_and(|text| !text.is_empty()))
        );
    }
}
