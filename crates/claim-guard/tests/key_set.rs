//! Keys are vetted one by one when a JWK set is imported.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use claim_guard::identifier::{IdentifierError, KeyId};
use claim_guard::jws::{KeyFault, KeySetError, SkippedKey};
use claim_guard::{Excerpt, JsonError, RealmKeySet};
use serde_json::{Value, json};
use test_realm::{TestKey, with, without};

fn set(keys: &[Value]) -> Result<RealmKeySet, KeySetError> {
    RealmKeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// A bad key beside a good one: the good one stays, the bad one has its reason.
#[track_caller]
fn check(bad: Value, expected: KeyFault) {
    let good = TestKey::generate("ES256", "good");
    let set = set(&[bad.clone(), good.jwk()]).unwrap();
    let faults: Vec<&KeyFault> = set.skipped().iter().map(|key| &key.fault).collect();
    assert_eq!(faults, [&expected], "{bad}");
    assert!(set.contains(&KeyId::parse("good").unwrap()));
}

#[test]
fn key_for_something_else_is_left_out() {
    let jwk = TestKey::generate("RS256", "key").jwk();
    let presented = |text: &str| KeyFault::OtherUse { presented: Excerpt::of(text) };
    check(with(jwk.clone(), "/use", json!("enc")), presented("enc"));
    check(with(jwk.clone(), "/use", json!(null)), presented(""));
    for operations in [json!(["encrypt"]), json!(["sign", "verify"]), json!([]), json!("verify"), json!(null)] {
        check(with(jwk.clone(), "/key_ops", operations), KeyFault::OtherOperations);
    }
    let oaep = KeyFault::ForbiddenAlgorithm { presented: Excerpt::of("RSA-OAEP") };
    check(with(jwk.clone(), "/alg", json!("RSA-OAEP")), oaep);
    check(with(jwk, "/alg", json!("ES256")), KeyFault::ForbiddenAlgorithm { presented: Excerpt::of("ES256") });
}

#[test]
fn key_without_use_operations_or_algorithm_is_for_its_type_s_usual_one() {
    let key = TestKey::generate("RS256", "key");
    let bare = without(without(key.jwk(), "/use"), "/alg");
    assert_eq!(set(std::slice::from_ref(&bare)).unwrap().skipped(), []);
    assert_eq!(set(&[with(bare, "/key_ops", json!(["verify"]))]).unwrap().skipped(), []);
}

#[test]
fn key_whose_unused_member_has_a_wrong_type_is_left_out() {
    let jwk = TestKey::generate("RS256", "key").jwk();
    for (name, right, wrong) in [
        ("x5u", json!("https://keycloak.example.com"), json!([])),
        ("x5t", json!("AAAA"), json!(1)),
        ("x5t#S256", json!("AAAA"), json!(null)),
        ("x5c", json!(["AAAA"]), json!("AAAA")),
        ("x5c", json!([]), json!([1])),
        ("ext", json!(true), json!("true")),
    ] {
        let pointer = format!("/{name}");
        check(with(jwk.clone(), &pointer, wrong), KeyFault::WrongType { name });
        assert_eq!(set(&[with(jwk.clone(), &pointer, right)]).unwrap().skipped(), []);
    }
    check(with(jwk, "/crv", json!(1)), KeyFault::WrongType { name: "crv" });
}

#[test]
fn private_and_symmetric_keys_are_left_out() {
    let jwk = TestKey::generate("ES256", "key").jwk();
    check(with(jwk, "/d", json!("AA")), KeyFault::PrivateMember { name: "d" });
    check(json!({ "kty": "oct", "kid": "key", "k": "c2VjcmV0" }), KeyFault::PrivateMember { name: "k" });
    let oct = KeyFault::UnsupportedKey { presented: Excerpt::of("oct/") };
    check(json!({ "kty": "oct", "kid": "key" }), oct);
}

#[test]
fn key_of_another_type_or_curve_is_left_out() {
    let jwk = TestKey::generate("ES256", "key").jwk();
    let unsupported = |text: &str| KeyFault::UnsupportedKey { presented: Excerpt::of(text) };
    check(with(jwk.clone(), "/crv", json!("P-521")), unsupported("EC/P-521"));
    check(with(jwk.clone(), "/crv", json!("Ed25519")), unsupported("EC/Ed25519"));
    check(without(jwk.clone(), "/crv"), unsupported("EC/"));
    check(with(jwk.clone(), "/kty", json!("OKP")), unsupported("OKP/P-256"));
    check(with(jwk.clone(), "/kty", json!("ec")), unsupported("ec/P-256"));
    check(with(jwk, "/crv", json!("P-384")), KeyFault::MalformedNumber { name: "x" });
    let edwards = TestKey::generate("EdDSA", "key").jwk();
    for curve in ["X25519", "Ed448"] {
        check(with(edwards.clone(), "/crv", json!(curve)), unsupported(&format!("OKP/{curve}")));
    }
}

#[test]
fn bad_number_is_left_out() {
    let rsa = TestKey::generate("RS256", "key").jwk();
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    };
    let modulus = |leading: u8, length: usize, last: u8| {
        let mut bytes = vec![0xff; length];
        bytes[0] = leading;
        bytes[length - 1] = last;
        encode(&bytes)
    };
    for (n, bits) in [
        (modulus(0x80, 64, 1), 512),
        (modulus(0x80, 128, 1), 1024),
        (modulus(0x7f, 256, 1), 2047),
        (modulus(0x01, 513, 1), 4097),
        (modulus(0x80, 256, 2), 2048),
    ] {
        check(with(rsa.clone(), "/n", n), KeyFault::BadModulus { bits });
    }
    for n in [modulus(0, 257, 1), json!(""), json!("AQ=="), json!("A+/A")] {
        check(with(rsa.clone(), "/n", n), KeyFault::MalformedNumber { name: "n" });
    }
    for e in [encode(&[3]), encode(&[1]), encode(&[0, 1, 0, 1]), encode(&[1, 0, 0, 0, 1]), json!("")] {
        check(with(rsa.clone(), "/e", e), KeyFault::BadExponent);
    }
    check(without(rsa, "/n"), KeyFault::Lacks { name: "n" });
    let elliptic = TestKey::generate("ES256", "key").jwk();
    check(with(elliptic.clone(), "/x", encode(&[1; 32])), KeyFault::NotOnCurve);
    check(with(elliptic.clone(), "/x", encode(&[0; 31])), KeyFault::MalformedNumber { name: "x" });
    check(with(elliptic, "/y", json!(7)), KeyFault::Lacks { name: "y" });
    let edwards = TestKey::generate("EdDSA", "key").jwk();
    check(with(edwards, "/x", encode(&[1; 31])), KeyFault::MalformedNumber { name: "x" });
}

#[test]
fn moduli_of_2048_to_4096_bits_are_imported() {
    use base64::Engine as _;
    let rsa = TestKey::generate("RS256", "key").jwk();
    for length in [256, 384, 512] {
        // Of two hundred odd numbers in a row, some have no small factor.
        let imported = (1..=255).step_by(2).filter(|last| {
            let modulus = [&vec![0xff; length - 2][..], &[0xfe, *last]].concat();
            let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(modulus);
            set(&[with(rsa.clone(), "/n", json!(n))]).is_ok()
        });
        let count = imported.count();
        assert!((5..60).contains(&count), "{count} of {length} bytes");
    }
}

#[test]
fn modulus_with_a_small_factor_is_left_out() {
    use base64::Engine as _;
    let rsa = TestKey::generate("RS256", "key").jwk();
    let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([0xff; 256]);
    check(with(rsa, "/n", json!(n)), KeyFault::SmallFactor { factor: 3 });
}

#[test]
fn one_key_under_two_names_is_for_one_algorithm() {
    let key = TestKey::generate("RS256", "one");
    let alias = with(key.jwk(), "/kid", json!("alias"));
    let other = with(with(key.jwk(), "/kid", json!("two")), "/alg", json!("PS256"));
    assert_eq!(set(&[key.jwk(), alias]).unwrap().skipped(), []);
    let fault = KeyFault::SharedByAlgorithms;
    let skipped = |index, key_id| SkippedKey { index, key_id: Some(Excerpt::of(key_id)), fault: fault.clone() };
    let refused = KeySetError::NoUsableKey { skipped: vec![skipped(0, "one"), skipped(1, "two")] };
    assert_eq!(set(&[key.jwk(), other]).map(|_| ()), Err(refused));
}

#[test]
fn every_member_of_a_set_is_strict_json_but_its_keys_are_read_one_by_one() {
    let good = TestKey::generate("ES256", "good").jwk();
    let parsed = |others: &str| RealmKeySet::parse(format!(r#"{{"keys":[{good}]{others}}}"#).as_bytes()).map(|_| ());
    assert_eq!(parsed(r#","x":{"a":[1]}"#), Ok(()));
    for others in
        [r#","x":1,"x":1"#, r#","x":1,"\u0078":1"#, r#","x":{"a":1,"a":2}"#, r#","\u006beys":[]"#, r#","x":1e400"#]
    {
        assert_eq!(parsed(others), Err(KeySetError::NotAKeySet), "{others}");
    }
}

#[test]
fn key_without_a_usable_name_is_left_out() {
    let jwk = TestKey::generate("ES256", "key").jwk();
    check(without(jwk.clone(), "/kid"), KeyFault::Lacks { name: "kid" });
    check(with(jwk.clone(), "/kid", json!(1)), KeyFault::Lacks { name: "kid" });
    let empty = IdentifierError::Empty { kind: "key id" };
    check(with(jwk, "/kid", json!("")), KeyFault::MalformedKeyId { error: empty });
}

#[test]
fn two_usable_keys_of_one_name_are_both_left_out() {
    let (one, two) = (TestKey::generate("ES256", "key"), TestKey::generate("RS256", "key"));
    let good = TestKey::generate("ES256", "good");
    let set = set(&[one.jwk(), two.jwk(), good.jwk()]).unwrap();
    let ambiguous = |index| SkippedKey { index, key_id: Some(Excerpt::of("key")), fault: KeyFault::Ambiguous };
    assert_eq!(set.skipped(), [ambiguous(0), ambiguous(1)]);
    let usable: Vec<&str> = set.key_ids().map(|key_id| key_id.as_str()).collect();
    assert_eq!(usable, ["good"]);
}

#[test]
fn encryption_key_of_the_same_name_does_not_hide_the_signature_key() {
    let key = TestKey::generate("RS256", "key");
    let encryption = with(TestKey::generate("RS256", "key").jwk(), "/use", json!("enc"));
    for order in [[key.jwk(), encryption.clone()], [encryption.clone(), key.jwk()]] {
        assert!(set(&order).unwrap().contains(&KeyId::parse("key").unwrap()));
    }
}

#[test]
fn malformed_key_does_not_spoil_the_set() {
    let good = TestKey::generate("ES256", "good").jwk();
    for (bad, error) in [
        (r#"{"kid":"a","n":"x","n":"y"}"#, JsonError::Malformed { line: 1, column: 27, duplicate_member: true }),
        ("1", JsonError::NotAnObject),
        ("[]", JsonError::NotAnObject),
        ("null", JsonError::NotAnObject),
    ] {
        let set = RealmKeySet::parse(format!(r#"{{"keys":[{bad},{good}]}}"#).as_bytes()).unwrap();
        assert_eq!(set.skipped(), [SkippedKey { index: 0, key_id: None, fault: KeyFault::Malformed { error } }]);
    }
}

#[test]
fn whole_set_is_refused_when_it_is_none_or_too_large() {
    let refused = |text: &str| RealmKeySet::parse(text.as_bytes()).map(|_| ()).unwrap_err();
    for text in
        ["", "[]", "[[]]", "{}", "null", "<html>", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]}x"#]
    {
        assert_eq!(refused(text), KeySetError::NotAKeySet, "{text}");
    }
    assert_eq!(refused(r#"{"keys":[]}"#), KeySetError::NoUsableKey { skipped: Vec::new() });
    let many = vec![json!({}); 101];
    assert_eq!(set(&many).map(|_| ()), Err(KeySetError::TooManyKeys { presented: 101 }));
    let long = format!("{}{}", r#"{"keys":[]}"#, " ".repeat(256 * 1024));
    assert_eq!(refused(&long), KeySetError::TooLong { presented: long.len() });
    let good = json!({ "keys": [TestKey::generate("ES256", "good").jwk()] }).to_string();
    let longest = format!("{good}{}", " ".repeat(256 * 1024 - good.len()));
    assert_eq!(RealmKeySet::parse(longest.as_bytes()).map(|_| ()), Ok(()));
    assert_eq!(refused(&format!("{longest} ")), KeySetError::TooLong { presented: 256 * 1024 + 1 });
    let keys = [vec![json!({}); 99], vec![TestKey::generate("ES256", "good").jwk()]].concat();
    assert_eq!(set(&keys).unwrap().skipped().len(), 99);
}
