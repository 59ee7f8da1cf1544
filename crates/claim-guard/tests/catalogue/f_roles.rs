//! Section F: roles and compliance flags.

use claim_guard::access::{AccessPolicy, Condition, Plain};
use claim_guard::decision::Unmet;
use claim_guard::{Excerpt, Rejection, Role};
use serde_json::{Value, json};
use test_realm::{NOW, with, without};

use crate::fixture::*;
use crate::support;

/// The payload with this one role of the realm.
fn realm_role(name: &str) -> Value {
    with(payload(), "/realm_access/roles", json!([name]))
}

fn check_denied(name: &str) {
    assert_eq!(post(&realm_role(name), "/approvals"), none_of("realm:admin"), "{name:?}");
}

#[test]
fn f1_role_of_another_client_is_no_role_of_ours() {
    let roles = json!({ "other-client": { "roles": ["payment:start"] } });
    assert_eq!(post(&with(payload(), "/resource_access", roles), "/payments"), none_of("workflow-api:payment:start"));
    let realm = with(realm_role("payment:start"), "/resource_access", json!({}));
    assert_eq!(post(&realm, "/payments"), none_of("workflow-api:payment:start"));
    let client = with(payload(), "/resource_access/realm", json!({ "roles": ["admin"] }));
    assert_eq!(post(&client, "/approvals"), none_of("realm:admin"));
}

#[test]
fn f3_role_in_other_letters_or_with_invisible_ones_is_another_role() {
    for name in [
        "Admin",
        "ADMIN",
        "admin ",
        " admin",
        "admin\u{a0}",
        "ad\u{200d}min",
        "admin\u{200b}",
        "\u{feff}admin",
        "admin\u{202e}",
    ] {
        check_denied(name);
    }
    assert_eq!(post(&realm_role("admin"), "/approvals"), []);
}

#[test]
fn f4_role_that_only_looks_the_same_is_another_role() {
    for name in [
        "\u{430}dmin",
        "a\u{301}dmin",
        "\u{e1}dmin",
        "\u{ff41}dmin",
        "\u{ff41}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}",
        "adm\u{131}n",
    ] {
        check_denied(name);
    }
    let text = POLICY.replace("realm:admin", "realm:\u{430}dmin");
    let faults = AccessPolicy::parse("access.toml", &text).unwrap_err();
    assert_eq!(faults.faults().len(), 1, "{faults}");
    assert!(faults.to_string().contains("ASCII"), "{faults}");
}

#[test]
fn f5_role_that_begins_or_ends_like_another_is_another_role() {
    for name in ["admin-readonly", "xadmin", "admi", "admin:x", "realm:admin", "admin/"] {
        check_denied(name);
    }
}

#[test]
fn f6_role_that_would_split_when_written_down_is_one_role() {
    for name in ["x,admin", "x;admin", "x\",\"admin", "x:admin", "admin:", "*", "x admin", "realm:x realm:admin"] {
        check_denied(name);
        let role = Role::realm(name).unwrap();
        assert_eq!(Role::parse(&role.to_string()), Ok(role));
    }
    for name in ["x\nadmin", "admin\r", "\0admin"] {
        let malformed = Err(Rejection::MalformedRole { presented: Excerpt::of(name) });
        assert_eq!(of_payload(&realm_role(name)), malformed);
    }
}

#[test]
fn f7_role_that_reads_as_a_pattern_matches_nothing() {
    for name in ["*", "${aws:username}", "adm*", ".*", "admi?", "%", "{role}"] {
        check_denied(name);
    }
}

#[test]
fn f9_request_that_no_rule_matches_is_denied() {
    let claims = support::claims(&payload());
    for (method, path) in [
        ("POST", "/unknown"),
        ("GET", "/payments"),
        ("post", "/payments"),
        ("POST", "/payments/"),
        ("POST", "//payments"),
        ("POST", "/Payments"),
        ("POST", "payments"),
        ("POST", "/payments/../payments"),
        ("POST", "/%70ayments"),
        ("POST", "/payments;x=1"),
        ("", ""),
    ] {
        let expected = Unmet::NoRoute { method: method.to_owned(), path: path.to_owned() };
        assert_eq!(unmet(&policy().decide_request(&claims, method, path)), [expected]);
    }
    let unknown = unmet(&policy().decide_start(&claims, &workflow("unknown"), &serde_json::Map::new()));
    assert_eq!(unknown, [Unmet::NoWorkflow { presented: workflow("unknown") }]);
    assert_eq!(at_state(&payload(), "Unknown", &json!({})).iter().map(Unmet::code).collect::<Vec<_>>(), ["no_state"]);
}

#[test]
fn f10_two_rules_for_one_request_are_a_fault_and_every_part_of_one_rule_must_hold() {
    let twice = format!("{POLICY}\n[[routes]]\nmethod = \"POST\"\npath = \"/payments\"\nany_verified_caller = true\n");
    let faults = AccessPolicy::parse("access.toml", &twice).unwrap_err();
    assert_eq!(faults.faults().len(), 1, "{faults}");
    assert!(faults.to_string().contains("/payments"), "{faults}");
    // Of a requirement that one part allows and another denies, the denial wins.
    let payload = with(payload(), "/compliance/kyc", json!(false));
    assert_eq!(at_state(&payload, "Approve", &json!({})).iter().map(Unmet::code).collect::<Vec<_>>(), ["claim_unmet"]);
}

#[test]
fn f11_flag_that_is_absent_or_false_is_denied_at_the_door_and_at_the_guard() {
    let condition = Condition::parse("compliance.kyc = true").unwrap();
    let expected = Unmet::ClaimUnmet { condition, expected: Plain::Boolean(true), presented: json!(false) };
    for (payload, expected) in [
        (without(payload(), "/compliance/kyc"), absent("compliance.kyc = true")),
        (without(payload(), "/compliance"), absent("compliance.kyc = true")),
        (with(payload(), "/compliance", json!(true)), absent("compliance.kyc = true")),
        (with(payload(), "/compliance/kyc", json!(false)), vec![expected]),
    ] {
        assert_eq!(post(&payload, "/compliant"), expected);
        assert_eq!(at_state(&payload, "Approve", &json!({})), expected);
    }
    assert_eq!(at_state(&payload(), "Approve", &json!({})), []);
    let dated = |since: i64, until: i64| {
        with(with(payload(), "/compliance/kyc_since", json!(since)), "/compliance/kyc_until", json!(until))
    };
    let unmet = |condition: &str, presented: i64| Unmet::ClaimUnmet {
        condition: Condition::parse(condition).unwrap(),
        expected: Plain::Integer(i128::from(NOW)),
        presented: json!(presented),
    };
    assert_eq!(post(&dated(NOW, NOW), "/dated"), []);
    assert_eq!(post(&dated(NOW, NOW - 1), "/dated"), [unmet("compliance.kyc_until >= now", NOW - 1)]);
    assert_eq!(post(&dated(NOW + 1, NOW + 9), "/dated"), [unmet("compliance.kyc_since <= now", NOW + 1)]);
}

/// Pointers to every member and every element of a JSON value.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    inner.into_iter().flat_map(|(pointer, value)| [vec![pointer.clone()], pointers(value, &pointer)].concat()).collect()
}

fn removed(value: &Value, pointer: &str) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let mut value = value.clone();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(last)),
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("nothing at `{parent}`"),
    }
    value
}

#[test]
fn f15_removing_a_claim_never_turns_a_denial_into_an_allow() {
    let paths = ["/payments", "/approvals", "/assured", "/people", "/batches", "/compliant", "/unknown"];
    let denied = |payload: &Value, path: &str| {
        let key = key();
        let verified = verify_at(&key.token(payload), &support::keys(&[&key]), support::now());
        verified.map_or(true, |claims| !unmet(&policy().decide_request(&claims, "POST", path)).is_empty())
    };
    let poor =
        with(with(payload(), "/compliance/kyc", json!(false)), "/resource_access/workflow-api/roles", json!(["x"]));
    let mut count = 0;
    for payload in [payload(), poor] {
        for path in paths.into_iter().filter(|path| denied(&payload, path)) {
            for pointer in pointers(&payload, "") {
                let poorer = removed(&payload, &pointer);
                assert!(denied(&poorer, path), "{path} without {pointer}");
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}
