//! The environment.

use claim_guard::Excerpt;
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{IdentifierError, KeyId};
use minting::MintFault;
use realm_keys::SettingsFault;
use serde_json::{Value, json};
use test_realm::TestKey;

use super::world::World;
use super::*;
use crate::settings::{Fault, Settings};

#[track_caller]
fn check(variable: &str, value: &str, expected: &[Fault]) {
    let lookup = |name: &str| if name == variable { Some(value.to_owned()) } else { environment(name) };
    let faults = Settings::from_lookup(&policy(), lookup).map(|_| ()).unwrap_err();
    assert_eq!(faults, expected, "{variable}={value}");
}

fn reads(variable: &str, value: &str) -> Settings {
    let lookup = |name: &str| if name == variable { Some(value.to_owned()) } else { environment(name) };
    Settings::from_lookup(&policy(), lookup).unwrap()
}

#[test]
fn whole_settings_are_taken() {
    let settings = reads("REALM_ADMIN_URL", "https://admin.example:8443/keycloak");
    assert_eq!(settings.realm.verifier.issuer().as_str(), ISSUER);
    assert_eq!(settings.realm.client.as_str(), "workflow-revalidation");
    assert_eq!(settings.realm.admin_url.unwrap().as_str(), "https://admin.example:8443/keycloak");
    assert_eq!(settings.realm.ca, None);
    assert_eq!(settings.minting.trust_domain.as_str(), DOMAIN);
    assert_eq!(settings.client_key.id.as_str(), "of-the-client");
    assert_eq!(settings.client_key.arn.as_str(), "arn:aws:kms:eu-central-1:111122223333:key/44444444-5555-6666");
}

#[test]
fn the_administrators_address_may_be_absent() {
    assert_eq!(reads("REALM_ADMIN_URL", "").realm.admin_url, None);
}

#[test]
fn an_address_for_administrators_is_https_and_nothing_but_an_address() {
    for text in ["https://a", "https://a.example:8443", "https://[::1]:8443/x/y", "https://a/x_y~z"] {
        assert_eq!(reads("REALM_ADMIN_URL", text).realm.admin_url.unwrap().as_str(), text);
    }
    for text in [
        "http://a.example",
        "a.example",
        "https://",
        "https:///x",
        "https://a/",
        "https://a/x/",
        "https://a//x",
        "https://a/../x",
        "https://a/./x",
        "https://user@a",
        "https://a?q",
        "https://a#f",
        "https://a\\x",
        "https://a/%2e%2e",
        "https://a b",
        "https://a:99999",
    ] {
        check("REALM_ADMIN_URL", text, &[Fault::NotAnAdminUrl { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn a_client_is_named_by_its_id() {
    let error = IdentifierError::ForbiddenCharacter { kind: "client id", character: '\n' };
    check("REVALIDATION_CLIENT", "a\nb", &[Fault::Malformed { variable: "REVALIDATION_CLIENT", error }]);
    check("REVALIDATION_CLIENT", "", &[Fault::Absent { variable: "REVALIDATION_CLIENT" }]);
}

#[test]
fn the_client_s_key_is_named_by_its_id_and_its_arn() {
    let error = IdentifierError::ForbiddenCharacter { kind: "key id", character: '\n' };
    check("CLIENT_KEY_ID", "a\nb", &[Fault::Malformed { variable: "CLIENT_KEY_ID", error }]);
    let alias = "arn:aws:kms:eu-central-1:111122223333:alias/client";
    check("CLIENT_SIGNING_KEY", alias, &[Fault::NotAKeyArn { presented: Excerpt::of(alias) }]);
}

#[test]
fn a_key_that_signs_transaction_tokens_does_not_sign_in_at_the_realm() {
    let two_powers = |id: &str| [Fault::KeyWithTwoPowers { presented: KeyId::parse(id).unwrap() }];
    check("CLIENT_SIGNING_KEY", &environment("TRANSACTION_SIGNING_KEY").unwrap(), &two_powers("of-the-client"));
    // A replica has another ARN, and the name of a key is the digest of its public half.
    check("CLIENT_KEY_ID", kms_key().kid(), &two_powers(kms_key().kid()));
    // Nor is a key taken that only verifies them now: it is the next one, or the last one.
    check(
        "TRANSACTION_KEYS",
        &key_set([kms_key(), &TestKey::generate("ES256", "of-the-client")]),
        &two_powers("of-the-client"),
    );
}

#[test]
fn all_faults_are_named_at_once() {
    let realm = |variable| Fault::Realm(SettingsFault::Absent { variable });
    let mint = |variable| Fault::Mint(MintFault::Absent { variable });
    assert_eq!(
        Settings::from_lookup(&policy(), |_| None).map(|_| ()).unwrap_err(),
        [
            realm("REALM_ISSUER"),
            realm("REALM_AUDIENCE"),
            realm("REALM_CLIENTS"),
            Fault::Absent { variable: "REVALIDATION_CLIENT" },
            mint("TRUST_DOMAIN"),
            mint("TRANSACTION_KEYS"),
            mint("TRANSACTION_KEY_ID"),
            mint("TRANSACTION_SIGNING_KEY"),
            mint("WORKFLOW_STATE_MACHINES"),
            Fault::Absent { variable: "CLIENT_KEY_ID" },
            Fault::Absent { variable: "CLIENT_SIGNING_KEY" },
        ]
    );
}

/// The function of that policy and that environment, whose outside is that one or none.
fn service<'a>(
    policy: &str,
    lookup: impl Fn(&str) -> Option<String>,
    outside: Result<&'a World, claim_guard::audit::Reason>,
) -> Service<&'a World, &'a World, &'a World, &'a World> {
    let policy = AccessPolicy::parse("access.toml", policy);
    let outside = outside.map(|world| Services { realm: world, signer: world, chance: world, engine: world });
    block_on(Service::from_lookup(policy, lookup, async |_, _, _| outside))
}

#[track_caller]
fn check_broken(service: &Service<&World, &World, &World, &World>, policy: Option<Digest>, reasons: Value) {
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let point = with(point("ApprovePayment", "expired"), "/workflow", json!(""));
    let mut audit = nameless_line("misconfigured", point, json!({}), reasons);
    audit["policy"] = json!(policy.as_ref().map(Digest::as_str));
    if policy.is_none() {
        audit.as_object_mut().unwrap().remove("policy");
    }
    assert_eq!(serve_by(service, event.as_bytes(), Ok(time(LATER))), misconfigured(audit));
    let served = serve_by(service, b"no event", Ok(time(LATER)));
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Misconfigured");
}

fn digest() -> Option<Digest> {
    Some(Digest::of(ACCESS_TOML.as_bytes()))
}

#[test]
fn broken_settings_are_told_with_every_event() {
    let lookup = |name: &str| environment(name).filter(|_| !["TRUST_DOMAIN", "REALM_ISSUER"].contains(&name));
    let reasons = json!([
        reason("malformed_environment", "REALM_ISSUER is absent"),
        reason("malformed_environment", "TRUST_DOMAIN is absent"),
    ]);
    check_broken(&service(ACCESS_TOML, lookup, Ok(&World::new())), digest(), reasons);
}

#[test]
fn an_outside_that_cannot_be_made_is_told_with_every_event() {
    let broken = claim_guard::audit::Reason::new("malformed_environment", &"no realm of Keycloak");
    let reasons = json!([reason("malformed_environment", "no realm of Keycloak")]);
    check_broken(&service(ACCESS_TOML, environment, Err(broken)), digest(), reasons);
}

#[test]
fn a_broken_policy_is_told_with_every_event_beside_what_else_is_broken() {
    let lookup = |name: &str| environment(name).filter(|_| name != "REVALIDATION_CLIENT");
    let world = World::new();
    let service = service("rolez = 1", lookup, Ok(&world));
    let Service::Misconfigured(misconfigured) = &service else { panic!("it is ready") };
    let reasons = serde_json::to_value(&misconfigured.reasons).unwrap();
    assert_eq!(reasons[0]["code"], "malformed_policy");
    assert_eq!(
        reasons.as_array().unwrap().last(),
        Some(&reason("malformed_environment", "REVALIDATION_CLIENT is absent"))
    );
    check_broken(&service, None, reasons);
}

#[test]
fn whole_settings_make_a_service_that_renews() {
    let world = World::new();
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let served = serve_by(&service(ACCESS_TOML, environment, Ok(&world)), event.as_bytes(), Ok(time(LATER)));
    assert_eq!(said(served.token())["tctx"]["epoch"], 1);
}
