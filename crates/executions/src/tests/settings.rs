//! The environment.

use claim_guard::Excerpt;
use minting::MintFault;
use realm_keys::SettingsFault;

use super::world::{environment, kms_key};
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
    assert_eq!(settings.stack.cors_origin.unwrap().header_value(), ORIGIN);
    assert_eq!(settings.keys.signing.as_str(), "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333");
    assert_eq!(settings.keys.naming.as_str(), "arn:aws:kms:eu-central-1:111122223333:key/44444444-5555-6666");
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
fn one_origin_as_a_browser_writes_it_is_taken() {
    for text in
        ["https://a.example", "http://localhost:5173", "http://127.0.0.1", "https://127.0.0.1:8443", "https://[::1]"]
    {
        let with =
            |name: &str| environment(name).map(|other| if name == "CORS_ORIGIN" { text.to_owned() } else { other });
        let settings = Settings::from_lookup(&policy(), with).unwrap();
        assert_eq!(settings.stack.cors_origin.unwrap().header_value(), text);
    }
}

#[test]
fn all_faults_are_named_at_once() {
    let absent = |variable| Fault::Mint(MintFault::Absent { variable });
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
            Fault::NoNamingKey,
            Fault::NoRevalidationFunction,
        ]
    );
}

#[test]
fn the_naming_key_is_named_by_its_arn() {
    for text in ["alias/x", "arn:aws:kms:eu-central-1:111122223333:alias/x", "arn:aws:kms:r:1:key/*"] {
        check("EXECUTION_NAMING_KEY", text, &[Fault::NotAKeyArn { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn revalidation_is_named_by_its_arn_with_or_without_an_alias() {
    let arn = "arn:aws:lambda:eu-central-1:111122223333:function:payments-revalidation";
    for text in [arn.to_owned(), format!("{arn}:live"), format!("{arn}:7"), format!("{arn}:$LATEST")] {
        let lookup = |name: &str| if name == "REVALIDATION_FUNCTION" { Some(text.clone()) } else { environment(name) };
        assert_eq!(Settings::from_lookup(&policy(), lookup).unwrap().revalidation.as_str(), text);
    }
    for text in [
        "payments-revalidation",
        "arn:aws:lambda:eu-central-1:111122223333:function:",
        "arn:aws:lambda:eu-central-1:111122223333:function:*",
        "arn:aws:lambda:eu-central-1:111122223333:function:a:",
        "arn:aws:lambda:eu-central-1:111122223333:function:a:b:c",
        "arn:aws:lambda:eu-central-1:111122223333:function:a/b",
        "arn:aws:lambda:eu-central-1:111122223333:layer:a",
        "arn:aws:states:eu-central-1:111122223333:function:a",
        "arn:aws:lambda::111122223333:function:a",
    ] {
        check("REVALIDATION_FUNCTION", text, &[Fault::NotAFunctionArn { presented: Excerpt::of(text) }]);
    }
}

#[test]
fn an_origin_has_no_wildcard_path_or_second_header() {
    for text in [
        "*",
        "https://*",
        "payments.example.com",
        "https://a.example/",
        "https://",
        "https://a\r\nb",
        "https://a b",
        "https://a.example,b.example",
        "https://a.example,https://b.example",
        "https://a.example https://b.example",
        "https://A.example",
        "HTTPS://a.example",
        "https://a..example",
        "https://a.example.",
        "https://u@a.example",
        "https://a.example:",
        "https://a.example:0",
        "https://a.example:080",
        "https://a.example:+80",
        "https://a.example:65536",
        "https://a.example:1:2",
        "https://a.example?",
        "https://[]",
        "https://[::1",
        "https://[::G]",
        "https://[::AB]",
        "null",
    ] {
        check("CORS_ORIGIN", text, &[Fault::NotAnOrigin { presented: Excerpt::of(text) }]);
    }
}
