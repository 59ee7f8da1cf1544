//! One grammar for each parameter: what the template's pattern lets through, the functions take. A value that gets past
//! CloudFormation and stops every function would be a deployment that succeeds and a stack that answers 500.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use claim_guard::access::AccessPolicy;
use minting::{ServiceError, Signer, SigningKeyArn};
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use regex::Regex;
use revalidation::keycloak::Keycloak;
use serde_json::{Value, json};
use support::{repository, yaml};
use test_realm::{TestKey, key_set};

/// A parameter, the variable that hands it to functions, what is taken, and what is refused by template and code.
struct Parameter {
    name: &'static str,
    variable: &'static str,
    taken: &'static [&'static str],
    refused: &'static [&'static str],
}

const PARAMETERS: [Parameter; 10] = [
    Parameter {
        name: "Issuer",
        variable: "REALM_ISSUER",
        taken: &[
            "https://id.example.com/realms/workflows",
            "https://id.example.com:8443/auth/realms/workflows",
            "https://ID.example.com/realms/w",
            "https://localhost/realms/w",
            "https://192.0.2.10:8443/realms/w",
            "https://id.example.com/realms/My%20Realm",
            "https://id.example.com/realms/Z%C3%BCrich",
            "https://id.example.com/realms/%E2%82%AC",
            "https://id.example.com/realms/v1.0_a-b~c",
        ],
        refused: &[
            "",
            "http://id.example.com/realms/w",
            "https://id.example.com",
            "https://id.example.com/realms/",
            "https://id.example.com/realms/w/",
            "https://id.example.com/realms/w/x",
            "https://id.example.com/w",
            "https://id.example.com/realms/My Realm",
            "https://id.example.com/realms/My%2",
            "https://id.example.com/realms/My%2520Realm",
            "https://id.example.com/realms/a%2Fb",
            "https://id.example.com/realms/a%2fb",
            "https://id.example.com/realms/a%5Cb",
            "https://id.example.com/realms/%2E%2E",
            "https://id.example.com/realms/%0A",
            "https://id.example.com/realms/%41",
            "https://id.example.com/realms/%C3",
            "https://id.example.com/realms/%c3%bc",
            "https://id.example.com/realms/%ED%A0%80",
            "https://id.example.com/a%20b/realms/w",
            "https://id%2Eexample.com/realms/w",
            "https://id.example.com/realms/..",
            "https://id.example.com/../realms/w",
            "https://id.example.com//realms/w",
            "https://user@id.example.com/realms/w",
            "https://id.example.com/realms/w?a",
            "https://id.example.com/realms/w#a",
            "https://id.example.com:0x1/realms/w",
            "https://id.example.com:65536/realms/w",
            "https://256.0.0.1/realms/w",
            "https:///realms/w",
            "https://id.example.com/realms/*",
            "https://id.example.com/realms/w,https://id.example.com/realms/v",
        ],
    },
    Parameter {
        name: "Audience",
        variable: "REALM_AUDIENCE",
        taken: &["workflow-api", "https://api.example.com", "a b"],
        refused: &["", "a\n", "a\tb"],
    },
    Parameter {
        name: "Clients",
        variable: "REALM_CLIENTS",
        taken: &["payment-app", "payment-app,ops:console", "payment-app, other app , x/y.z"],
        refused: &["", ",", "payment-app,", ",payment-app", "payment-app, ,b", "a,\tb", " "],
    },
    Parameter {
        name: "RealmCa",
        variable: "REALM_CA",
        taken: &[""],
        refused: &["AAA", "?", "-----BEGIN CERTIFICATE-----", "MII=A", "MIIA\nMIIA"],
    },
    Parameter {
        name: "RealmJwksUri",
        variable: "REALM_JWKS_URI",
        taken: &["", "https://keys.example.com", "https://keys.example.com:8443/realms/w/certs?x=y&z", "https://k/%20"],
        refused: &[
            "http://keys.example.com/w",
            "https://",
            "https:///w",
            "https://u@keys.example.com/w",
            "https://keys.example.com/w#k",
            "https://keys.example.com/a\\b",
            "https://keys.example.com\\@evil.example/w",
            "https://keys.example.com:99999/w",
            "https://keys.example.com/a b",
        ],
    },
    Parameter {
        name: "RevalidationClient",
        variable: "REVALIDATION_CLIENT",
        taken: &["workflow-revalidation", "a.b:c/d"],
        refused: &["", "a\nb"],
    },
    Parameter {
        name: "RealmAdminUrl",
        variable: "REALM_ADMIN_URL",
        taken: &["", "https://admin.id.example.com", "https://admin.example.com:8443/keycloak/x"],
        refused: &[
            "http://admin.example.com",
            "https://admin.example.com/",
            "https://admin.example.com/a//b",
            "https://admin.example.com/../x",
            "https://admin.example.com/a%20b",
            "https://u@admin.example.com",
            "https://admin.example.com?q",
            "https://admin.example.com:99999",
            "https://a.example,https://b.example",
        ],
    },
    Parameter {
        name: "CorsOrigin",
        variable: "CORS_ORIGIN",
        taken: &[
            "https://payments.example.com",
            "http://localhost:5173",
            "http://localhost",
            "http://127.0.0.1:8080",
            "https://192.0.2.10:8443",
        ],
        refused: &[
            "*",
            "https://*",
            "https://*.example.com",
            "http://payments.example.com",
            "http://localhost.example.com",
            "http://192.0.2.10",
            "http://127.0.0.1.example:80",
            "https://a.example/",
            "https://a.example,b.example",
            "https://a.example,https://b.example",
            "https://a.example b.example",
            "https://A.example",
            "https://u@a.example",
            "https://a.example:x",
            "https://a.example:65536",
            "https://a.example?",
            "https://a'b.example",
            "null",
            "https://",
        ],
    },
    Parameter {
        name: "StartsPerMinute",
        variable: "STARTS_PER_MINUTE",
        taken: &["", "1", "10", "999"],
        refused: &["0", "00", "01", "-1", "+1", "1.0", "1000", "many", " 1"],
    },
    Parameter {
        name: "RunningExecutions",
        variable: "RUNNING_EXECUTIONS",
        taken: &["", "1", "9", "10", "19", "20", "25"],
        refused: &["0", "01", "26", "30", "99", "100", "-1", "+1", "1.0", " 1"],
    },
];

struct NoSigner;

impl Signer for NoSigner {
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, ServiceError> {
        unreachable!("nothing is asked")
    }
}

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", include_str!("../access.toml")).unwrap()
}

/// Whether every function that is given the variable is content with it.
fn is_taken(variable: &str, value: &str, key: &TestKey) -> bool {
    let lookup = |name: &str| {
        let text = match name {
            _ if name == variable => value.to_owned(),
            "REALM_ISSUER" => "https://id.example.com/realms/workflows".to_owned(),
            "REALM_AUDIENCE" => "workflow-api".to_owned(),
            "REALM_CLIENTS" => "payment-app".to_owned(),
            "REVALIDATION_CLIENT" => "workflow-revalidation".to_owned(),
            "TRUST_DOMAIN" => "payments.111122223333.eu-central-1".to_owned(),
            "CLIENT_KEY_ID" => "of-the-client".to_owned(),
            "CLIENT_SIGNING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/4444-5555".to_owned(),
            "TRANSACTION_KEYS" => key_set([key]),
            "TRANSACTION_KEY_ID" => key.kid().to_owned(),
            "TRANSACTION_SIGNING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/1111-2222".to_owned(),
            "EXECUTION_NAMING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/3333-4444".to_owned(),
            // The table is there where either limit is: the template's condition.
            "START_LIMITS_TABLE" => match variable {
                "STARTS_PER_MINUTE" | "RUNNING_EXECUTIONS" if !value.is_empty() => "starts".to_owned(),
                _ => return None,
            },
            "REVALIDATION_FUNCTION" => "arn:aws:lambda:eu-central-1:111122223333:function:p-revalidation".to_owned(),
            "WORKFLOW_STATE_MACHINES" => {
                let machine = |name: &str| format!("arn:aws:states:eu-central-1:111122223333:stateMachine:p-{name}");
                let names = policy().workflows().map(|workflow| workflow.name().to_string()).collect::<Vec<_>>();
                Value::Object(names.into_iter().map(|name| (name.clone(), json!(machine(&name)))).collect()).to_string()
            }
            _ => return None,
        };
        Some(text)
    };
    let executions = executions::settings::Settings::from_lookup(&policy(), lookup).is_ok();
    let revalidation = revalidation::settings::Settings::from_lookup(&policy(), lookup)
        .is_ok_and(|settings| Keycloak::new(settings.realm, settings.client_key.id, NoSigner).is_ok());
    executions && revalidation
}

/// What CloudFormation lets through.
struct Grammar {
    pattern: String,
    most: usize,
}

impl Grammar {
    fn of(template: &Value, name: &str) -> Self {
        let parameter = &template["Parameters"][name];
        let pattern = parameter["AllowedPattern"].as_str().unwrap_or_else(|| panic!("{name} has no pattern"));
        // A parameter's value has at most 4096 bytes.
        let most = parameter["MaxLength"].as_u64().map_or(4096, |most| usize::try_from(most).unwrap());
        Self { pattern: pattern.to_owned(), most }
    }

    fn admits(&self, value: &str) -> bool {
        // CloudFormation looks for the pattern in the whole value.
        Regex::new(&format!("^(?:{})$", self.pattern)).unwrap().is_match(value) && value.len() <= self.most
    }
}

#[test]
fn template_and_functions_take_and_refuse_the_same() {
    let (template, key) =
        (yaml::read(&std::fs::read_to_string(repository().join("template.yaml")).unwrap()), TestKey::kms());
    for Parameter { name, variable, taken, refused } in PARAMETERS {
        let grammar = Grammar::of(&template, name);
        for value in taken {
            assert_eq!((grammar.admits(value), is_taken(variable, value, &key)), (true, true), "{name}={value}");
        }
        for value in refused {
            assert!(!grammar.admits(value), "the template admits {name}={value}");
            assert!(!is_taken(variable, value, &key), "the functions take {name}={value}");
        }
    }
}

#[test]
fn whatever_the_template_admits_stops_no_function() {
    let (template, key) =
        (yaml::read(&std::fs::read_to_string(repository().join("template.yaml")).unwrap()), TestKey::kms());
    let mut runner = TestRunner::deterministic();
    // That base64 is a certificate, no pattern can say.
    for Parameter { name, variable, .. } in PARAMETERS.iter().filter(|parameter| parameter.name != "RealmCa") {
        let grammar = Grammar::of(&template, name);
        let values = string_regex(grammar.pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
        let checked = runner.run(&values.prop_filter("too long", |value| value.len() <= grammar.most), |value| {
            prop_assert!(is_taken(variable, &value, &key), "{}={}", name, value);
            Ok(())
        });
        assert_eq!(checked, Ok(()), "{name}");
    }
}

#[test]
fn the_defaults_of_the_template_are_taken() {
    let (template, key) =
        (yaml::read(&std::fs::read_to_string(repository().join("template.yaml")).unwrap()), TestKey::kms());
    for Parameter { name, variable, .. } in PARAMETERS {
        if let Some(default) = template["Parameters"][name]["Default"].as_str() {
            assert!(Grammar::of(&template, name).admits(default) && is_taken(variable, default, &key), "{name}");
        }
    }
}

#[test]
fn a_key_that_the_template_admits_is_the_arn_of_a_key() {
    let template = yaml::read(&std::fs::read_to_string(repository().join("template.yaml")).unwrap());
    for name in ["SigningKeyArn", "SecondSigningKeyArn", "ClientKeyArn", "SecondClientKeyArn"] {
        let grammar = Grammar::of(&template, name);
        let key = "arn:aws:kms:eu-central-1:111122223333:key/mrk-1234";
        assert!(grammar.admits("") && grammar.admits(key) && SigningKeyArn::parse(key).is_ok());
        for other in
            ["arn:aws:kms:eu-central-1:111122223333:alias/x", "arn:aws:kms:eu-central-1:111122223333:key/", "key/x"]
        {
            assert!(!grammar.admits(other) && SigningKeyArn::parse(other).is_err(), "{name}={other}");
        }
        let values = string_regex(grammar.pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
        let checked = TestRunner::deterministic().run(&values, |value| {
            prop_assert!(value.is_empty() || SigningKeyArn::parse(&value).is_ok(), "{}", value);
            Ok(())
        });
        assert_eq!(checked, Ok(()), "{name}");
    }
}
