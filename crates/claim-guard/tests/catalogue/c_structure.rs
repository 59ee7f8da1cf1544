//! Section C: JSON and the structure of claims.

use claim_guard::access::Condition;
use claim_guard::decision::{Shape, Unmet};
use claim_guard::identifier::IdentifierError;
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::JwsError;
use claim_guard::token::RequiredClaim;
use claim_guard::{ClaimPath, Excerpt, Rejection, Role};
use serde_json::{Value, json};
use test_realm::{TestKey, with, without};

use crate::fixture::*;
use crate::support;

/// The good payload with a second member of a name behind it, as the text has it.
fn twice(member: &str) -> String {
    let text = payload().to_string();
    format!("{},{member}}}", &text[..text.len() - 1])
}

fn check_duplicate(text: &str) {
    assert_eq!(of_text(text), duplicate(Part::Payload, text.len()), "{text}");
}

#[test]
fn c1_second_registered_claim_is_rejected() {
    let with_nbf = with(payload(), "/nbf", json!(0)).to_string();
    for name in ["exp", "iss", "aud", "sub", "iat", "jti"] {
        check_duplicate(&twice(&format!("\"{name}\":{}", payload()[name])));
        let escaped: String = name.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        check_duplicate(&twice(&format!("\"{escaped}\":{}", payload()[name])));
    }
    check_duplicate(&format!("{},\"nbf\":0}}", &with_nbf[..with_nbf.len() - 1]));
}

#[test]
fn c2_second_custom_claim_is_rejected() {
    for name in ["azp", "typ", "scope", "compliance", "project_id"] {
        check_duplicate(&twice(&format!("\"{name}\":{}", payload()[name])));
    }
}

#[test]
fn c3_second_member_inside_of_a_claim_is_rejected() {
    let base = without(without(payload(), "/realm_access"), "/resource_access").to_string();
    let nested = |member: &str| format!("{},{member}", &base[..base.len() - 1]);
    let realm = nested(r#""realm_access":{"roles":[],"roles":["admin"]"#);
    let client = nested(r#""resource_access":{"workflow-api":{"roles":[]},"workflow-api":{"roles":["admin"]}"#);
    for text in [realm, client] {
        assert_eq!(of_text(&format!("{text}}}}}")), duplicate(Part::Payload, text.len() + 1));
    }
}

#[test]
fn c5_second_header_member_is_rejected() {
    let header = key().header().to_string();
    for member in [r#""alg":"ES256""#, r#""kid":"realm-key""#, r#""typ":"JWT""#, r#""\u0061lg":"none""#] {
        let text = format!("{},{member}}}", &header[..header.len() - 1]);
        assert_eq!(of_header(&text), duplicate(Part::Header, text.len()), "{text}");
    }
    for member in [r#""b64":true,"b64":true"#, r#""crit":[],"crit":[]"#, r#""x":1,"x":1"#] {
        let text = format!("{},{member}}}", &header[..header.len() - 1]);
        assert_eq!(of_header(&text), duplicate(Part::Header, text.len()), "{text}");
    }
}

#[test]
fn c6_roles_of_another_type_are_malformed_and_not_none() {
    let array = |presented| wrong_type("roles", "an array of text", presented);
    for (value, presented) in [
        (json!("payment:start"), "text"),
        (json!({}), "an object"),
        (json!(1), "an integer"),
        (json!(null), "null"),
        (json!([["payment:start"]]), "an array"),
        (json!(["payment:start", 1]), "an integer"),
        (json!([null]), "null"),
    ] {
        assert_eq!(of_payload(&with(payload(), "/realm_access/roles", value.clone())), array(presented), "{value}");
        let client = with(payload(), "/resource_access/workflow-api/roles", value);
        assert_eq!(of_payload(&client), array(presented));
        // A client that no policy can name is read no less strictly.
        let unnamed = with(payload(), "/resource_access/", client["resource_access"]["workflow-api"].clone());
        assert_eq!(of_payload(&unnamed), array(presented));
    }
}

#[test]
fn c7_access_of_another_type_is_malformed() {
    for (value, presented) in [(json!(null), "null"), (json!([]), "an array"), (json!("x"), "text")] {
        let realm = with(payload(), "/realm_access", value.clone());
        assert_eq!(of_payload(&realm), wrong_type("realm_access", "an object", presented));
        let clients = with(payload(), "/resource_access", value.clone());
        assert_eq!(of_payload(&clients), wrong_type("resource_access", "an object", presented));
        let client = with(payload(), "/resource_access/workflow-api", value);
        assert_eq!(of_payload(&client), wrong_type("resource_access", "an object of objects", presented));
    }
}

#[test]
fn c8_many_or_long_roles_change_nothing_under_the_cap() {
    let roles = |roles: Vec<String>| with(payload(), "/realm_access/roles", json!(roles));
    let many = |count: usize| roles((0..count).map(|number| format!("r{number}")).collect());
    for odd in [many(700), roles(vec!["x".repeat(5000)]), roles(vec!["x".repeat(256), "x".repeat(257)])] {
        assert_eq!(post(&odd, "/payments"), []);
        assert_eq!(post(&odd, "/approvals"), none_of("realm:admin"));
    }
    for odd in [many(10_000), roles(vec!["x".repeat(100 << 10)])] {
        let token = key().token(&odd);
        let too_long = JwsError::TooLong { limit: 8192, presented: token.len() };
        assert_eq!(verdict(&token, &[&key()]), rejected(too_long));
    }
}

#[test]
fn c9_names_of_javascript_s_prototypes_are_plain_text() {
    for name in ["__proto__", "constructor", "hasOwnProperty", "toString", ""] {
        let roles = json!({ "roles": [name, "payment:start"] });
        let odd = with(payload(), "/realm_access", roles.clone());
        let odd = with(odd, &format!("/resource_access/{name}"), roles);
        let odd = with(odd, &format!("/{name}"), json!({ "roles": ["admin"], "kyc": true }));
        assert_eq!(post(&odd, "/payments"), []);
        assert_eq!(post(&odd, "/approvals"), none_of("realm:admin"));
        assert_eq!(post(&without(odd, "/compliance/kyc"), "/compliant"), absent("compliance.kyc = true"));
    }
}

#[test]
fn c11_subject_that_is_no_identifier_is_rejected() {
    let of = |value: Value| of_payload(&with(payload(), "/sub", value));
    let malformed = |error| rejected(JwsError::Member(MemberError::MalformedIdentifier { name: "sub", error }));
    assert_eq!(of(json!("")), malformed(IdentifierError::Empty { kind: "subject" }));
    assert_eq!(of(json!("x".repeat(257))), malformed(IdentifierError::TooLong { kind: "subject", bytes: 257 }));
    assert_eq!(of(json!(1)), wrong_type("sub", "text", "an integer"));
    assert_eq!(of(json!(null)), wrong_type("sub", "text", "null"));
    assert_eq!(of_payload(&without(payload(), "/sub")), no_claim(RequiredClaim::Subject));
    let token = key().token(&with(payload(), "/sub", json!("x".repeat(10 << 10))));
    assert_eq!(verdict(&token, &[&key()]), rejected(JwsError::TooLong { limit: 8192, presented: token.len() }));
}

#[test]
fn c12_issuer_that_is_an_array_is_rejected() {
    let issuers = json!(["https://evil.example/realms/workflows", test_realm::ISSUER]);
    assert_eq!(of_payload(&with(payload(), "/iss", issuers)), wrong_type("iss", "text", "an array"));
    assert_eq!(
        of_payload(&with(payload(), "/iss", json!([test_realm::ISSUER]))),
        wrong_type("iss", "text", "an array")
    );
}

#[test]
fn c13_issuer_of_another_type_is_rejected() {
    for (value, presented) in
        [(json!(1), "an integer"), (json!(null), "null"), (json!({}), "an object"), (json!(true), "a boolean")]
    {
        assert_eq!(of_payload(&with(payload(), "/iss", value)), wrong_type("iss", "text", presented));
    }
}

#[test]
fn c14_audience_of_another_type_is_rejected() {
    for (value, expected, presented) in [
        (json!(1), "text or an array of text", "an integer"),
        (json!(null), "text or an array of text", "null"),
        (json!({ "workflow-api": 1 }), "text or an array of text", "an object"),
        (json!([["workflow-api"]]), "an array of text", "an array"),
        (json!(["evil", 1]), "an array of text", "an integer"),
        (json!(["workflow-api", 1]), "an array of text", "an integer"),
        (json!(["workflow-api", null]), "an array of text", "null"),
    ] {
        assert_eq!(of_payload(&with(payload(), "/aud", value)), wrong_type("aud", expected, presented));
    }
}

#[test]
fn c15_empty_audience_is_rejected() {
    let wrong = |presented: &str| {
        let expected = claim_guard::identifier::Audience::parse("workflow-api").unwrap();
        Err(Rejection::WrongAudience { expected, presented: Excerpt::of(presented) })
    };
    for (value, presented) in [(json!([]), ""), (json!(""), ""), (json!(["", ""]), " ")] {
        assert_eq!(of_payload(&with(payload(), "/aud", value)), wrong(presented));
    }
}

#[test]
fn c17_scope_is_words_with_single_spaces() {
    let of = |value: Value| of_payload(&with(payload(), "/scope", value));
    for scope in
        ["openid  email", " openid", "openid ", "openid\temail", "open\"id", "open\\id", "openid\nemail", "\u{e9}"]
    {
        assert_eq!(of(json!(scope)), Err(Rejection::MalformedScope { presented: Excerpt::of(scope) }), "{scope}");
    }
    assert_eq!(of(json!(["openid"])), wrong_type("scope", "text", "an array"));
    assert_eq!(of(json!(null)), wrong_type("scope", "text", "null"));
    for scope in ["", "openid", "openid email"] {
        assert_eq!(of(json!(scope)), Ok(()));
    }
}

#[test]
fn c18_unknown_claims_are_neither_refused_nor_carried_on() {
    let many = (0..200).fold(payload(), |payload, number| with(payload, &format!("/x{number}"), json!(number)));
    assert_eq!(post(&many, "/payments"), []);
    let grant = start(&many);
    let carried = |path: &str| grant.claims().get(&ClaimPath::parse(path).unwrap());
    assert_eq!((0..200).find_map(|number| carried(&format!("x{number}"))), None);
    assert_eq!(carried("project_id"), Some(json!("apollo")));
}

#[test]
fn c19_number_that_is_no_whole_second_is_rejected() {
    let of = |number: &str| {
        let text = without(payload(), "/exp").to_string();
        of_text(&format!("{},\"exp\":{number}}}", &text[..text.len() - 1]))
    };
    let wrong = |presented| wrong_type("exp", "whole seconds since 1970", presented);
    for number in ["1e3", "1e0", "1767225900.0", "1.7672259e9", "-0", "-0.0", "18446744073709551616"] {
        assert_eq!(of(number), wrong("a fraction or a number out of range"), "{number}");
    }
    for number in ["-1", "9223372036854775807", "18446744073709551615", "253402300800"] {
        assert_eq!(of(number), wrong("an integer"), "{number}");
    }
    let text = without(payload(), "/exp").to_string();
    for number in ["1E400", "-1E400", "1e999999999"] {
        let column = text.len() + r#","exp":"#.len() - 1 + number.len();
        assert_eq!(of(number), malformed(Part::Payload, column), "{number}");
    }
}

#[test]
fn c20_flag_of_another_type_is_never_coerced() {
    let condition = Condition::parse("compliance.kyc = true").unwrap();
    for (value, presented) in [
        (json!("true"), Shape::Text),
        (json!(1), Shape::Integer),
        (json!("yes"), Shape::Text),
        (json!(null), Shape::Null),
        (json!([true]), Shape::Array),
        (json!({ "value": true }), Shape::Object),
        (json!(1.0), Shape::Fraction),
    ] {
        let expected = Unmet::ClaimOfWrongType { condition: condition.clone(), expected: Shape::Boolean, presented };
        assert_eq!(post(&with(payload(), "/compliance/kyc", value), "/compliant"), [expected]);
    }
    assert_eq!(post(&payload(), "/compliant"), []);
}

#[test]
fn c21_lightweight_token_is_rejected_and_never_one_without_roles() {
    let lightweight = ["/sub", "/realm_access", "/resource_access", "/scope"].into_iter().fold(payload(), without);
    assert_eq!(of_payload(&lightweight), no_claim(RequiredClaim::Subject));
    let named = with(lightweight, "/jti", json!("onltro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d"));
    assert_eq!(of_payload(&named), Err(Rejection::LightweightToken));
    assert_eq!(of_payload(&with(named, "/sub", json!("alice"))), Err(Rejection::LightweightToken));
    let roles = ["/realm_access", "/resource_access"].into_iter().fold(payload(), without);
    assert_eq!(post(&roles, "/payments"), none_of("workflow-api:payment:start"));
    let claims = support::claims(&roles);
    assert_eq!(claims.identity().roles().iter().collect::<Vec<&Role>>(), Vec::<&Role>::new());
    assert_eq!(
        verdict(&TestKey::generate("ES256", "other").token(&roles), &[&key()]).map_err(|rejection| rejection.code()),
        Err("unknown_key")
    );
}
