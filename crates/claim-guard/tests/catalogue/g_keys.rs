//! Section G: the realm's JWK set and its keys.

use std::sync::LazyLock;

use claim_guard::identifier::{IdentifierError, KeyId};
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::{JwsError, KeyFault, KeySetError, SkippedKey};
use claim_guard::{Excerpt, JsonError, RealmKeySet};
use serde_json::{Value, json};
use test_realm::{TestKey, with, without};

use crate::fixture::*;
use crate::support;

fn set(keys: &[Value]) -> RealmKeySet {
    RealmKeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn skipped(index: usize, key_id: &str, fault: KeyFault) -> SkippedKey {
    SkippedKey { index, key_id: Some(Excerpt::of(key_id)), fault }
}

/// The fault of a bad key beside a good one, which stays usable.
#[track_caller]
fn check(bad: &Value, expected: KeyFault) {
    let good = key();
    for (keys, index) in [([bad.clone(), good.jwk()], 0), ([good.jwk(), bad.clone()], 1)] {
        let set = set(&keys);
        let key_id = bad["kid"].as_str().map(Excerpt::of);
        assert_eq!(set.skipped(), [SkippedKey { index, key_id, fault: expected.clone() }], "{bad}");
        assert_eq!(verify_at(&good.token(&payload()), &set, support::now()).map(|_| ()), Ok(()));
    }
}

fn unsupported(presented: &str) -> KeyFault {
    KeyFault::UnsupportedKey { presented: Excerpt::of(presented) }
}

fn rsa() -> Value {
    static KEY: LazyLock<Value> = LazyLock::new(|| TestKey::generate("RS256", "bad").jwk());
    KEY.clone()
}

/// A number of that many bits whose lowest byte is this one.
fn number(bits: usize, lowest: u8) -> Value {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] = 0xff >> (bytes.len() * 8 - bits);
    *bytes.last_mut().unwrap() = lowest;
    json!(encode(&bytes))
}

#[test]
fn g1_two_signature_keys_of_one_name_are_both_left_out() {
    let (one, two) = (TestKey::generate("RS256", "same"), TestKey::generate("RS256", "same"));
    let set = set(&[one.jwk(), key().jwk(), two.jwk()]);
    assert_eq!(set.skipped(), [skipped(0, "same", KeyFault::Ambiguous), skipped(2, "same", KeyFault::Ambiguous)]);
    let unknown = JwsError::UnknownKey { key_id: KeyId::parse("same").unwrap() };
    for key in [one, two] {
        assert_eq!(verify_at(&key.token(&payload()), &set, support::now()).map(|_| ()), rejected(unknown.clone()));
    }
}

#[test]
fn g2_encryption_key_of_the_same_name_does_not_hide_the_signature_key() {
    let key = TestKey::generate("RS256", "same");
    let encryption =
        with(with(TestKey::generate("RS256", "same").jwk(), "/use", json!("enc")), "/alg", json!("RSA-OAEP"));
    for (keys, index) in [([key.jwk(), encryption.clone()], 1), ([encryption, key.jwk()], 0)] {
        let set = set(&keys);
        assert_eq!(set.skipped(), [skipped(index, "same", KeyFault::OtherUse { presented: Excerpt::of("enc") })]);
        assert_eq!(verify_at(&key.token(&payload()), &set, support::now()).map(|_| ()), Ok(()));
    }
}

#[test]
fn g3_symmetric_key_of_the_same_name_does_not_hide_the_rsa_key() {
    let key = TestKey::generate("RS256", "same");
    let symmetric = json!({ "kty": "oct", "kid": "same", "alg": "HS256", "k": "c2VjcmV0" });
    for keys in [[key.jwk(), symmetric.clone()], [symmetric, key.jwk()]] {
        assert_eq!(verify_at(&key.token(&payload()), &set(&keys), support::now()).map(|_| ()), Ok(()));
    }
}

#[test]
fn g4_symmetric_key_is_left_out() {
    check(&json!({ "kty": "oct", "kid": "bad", "k": "c2VjcmV0" }), KeyFault::PrivateMember { name: "k" });
    check(&json!({ "kty": "oct", "kid": "bad" }), unsupported("oct/"));
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        check(&with(rsa(), &format!("/{name}"), json!("AA")), KeyFault::PrivateMember { name });
    }
}

#[test]
fn g6_key_for_other_operations_than_verifying_is_left_out() {
    for operations in [
        json!([]),
        json!(["encrypt"]),
        json!(["sign"]),
        json!(["sign", "verify"]),
        json!(["verify", "verify"]),
        json!("verify"),
        json!(null),
    ] {
        check(&with(rsa(), "/key_ops", operations), KeyFault::OtherOperations);
    }
}

#[test]
fn g7_key_for_another_algorithm_is_left_out_or_verifies_no_rs256() {
    for algorithm in ["RSA-OAEP", "RSA1_5", "HS256", "ES256", "none", "rs256", "unknown", ""] {
        check(
            &with(rsa(), "/alg", json!(algorithm)),
            KeyFault::ForbiddenAlgorithm { presented: Excerpt::of(algorithm) },
        );
    }
    check(&with(rsa(), "/alg", json!(null)), KeyFault::Lacks { name: "alg" });
    let key = TestKey::generate("RS512", "key");
    let keys = set(&[key.jwk()]);
    let token = key.renamed("RS256", "key").token(&payload());
    assert_eq!(
        verify_at(&token, &keys, support::now()).map_err(|rejection| rejection.code()).map(|_| ()),
        Err("algorithm_of_another_key")
    );
}

#[test]
fn g8_short_rsa_key_is_left_out() {
    for bits in [16, 512, 1024, 2047] {
        check(&with(rsa(), "/n", number(bits, 1)), KeyFault::BadModulus { bits });
    }
}

#[test]
fn g9_long_rsa_key_is_left_out() {
    for bits in [4097, 8192, 8193, 16_384] {
        check(&with(rsa(), "/n", number(bits, 1)), KeyFault::BadModulus { bits });
    }
}

#[test]
fn g10_rsa_key_that_costs_much_is_left_out() {
    let wide = with(rsa(), "/e", json!(encode(&[1, 0, 0, 0, 1])));
    check(&with(wide.clone(), "/n", number(8192, 1)), KeyFault::BadModulus { bits: 8192 });
    check(&wide, KeyFault::BadExponent);
    for exponent in [&[][..], &[1], &[2], &[3], &[17], &[0, 1, 0, 1], &[1, 0, 1, 0], &[1, 0, 0]] {
        check(&with(rsa(), "/e", json!(encode(exponent))), KeyFault::BadExponent);
    }
}

#[test]
fn g12_modulus_with_the_roca_fingerprint_is_left_out() {
    let text = std::fs::read("tests/wycheproof/json_web_key_test.json").unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["comment"] == "jws_rsa_roca_key").unwrap();
    check(&group["public"]["keys"][0], KeyFault::RocaModulus);
    for _ in 0..4 {
        assert_eq!(set(&[TestKey::generate("RS256", "good").jwk()]).skipped(), []);
    }
}

#[test]
fn g13_modulus_that_is_no_odd_number_in_its_one_form_is_left_out() {
    check(&with(rsa(), "/n", number(2048, 0xfe)), KeyFault::BadModulus { bits: 2048 });
    let modulus = decode(rsa()["n"].as_str().unwrap());
    let padded = format!("{}=", rsa()["n"].as_str().unwrap());
    for n in [
        json!("AA"),
        json!(""),
        json!(encode(&[&[0], &modulus[..]].concat())),
        json!(encode(&[0; 256])),
        json!(padded),
        json!("+/+/"),
    ] {
        check(&with(rsa(), "/n", n), KeyFault::MalformedNumber { name: "n" });
    }
    check(&with(rsa(), "/n", json!(encode(&[0xff; 256]))), KeyFault::SmallFactor { factor: 3 });
    for value in [json!(1), json!(null), json!(["x"])] {
        check(&with(rsa(), "/n", value), KeyFault::Lacks { name: "n" });
    }
}

#[test]
fn g14_point_off_its_curve_or_of_another_length_is_left_out() {
    for (algorithm, bytes) in [("ES256", 32), ("ES384", 48)] {
        let jwk = TestKey::generate(algorithm, "bad").jwk();
        let point = |x: Vec<u8>, y: Vec<u8>| with(with(jwk.clone(), "/x", json!(encode(&x))), "/y", json!(encode(&y)));
        check(&point(vec![0; bytes], vec![0; bytes]), KeyFault::NotOnCurve);
        check(&point(vec![1; bytes], vec![1; bytes]), KeyFault::NotOnCurve);
        check(&point(vec![0xff; bytes], vec![0xff; bytes]), KeyFault::NotOnCurve);
        for length in [0, bytes - 1, bytes + 1] {
            check(&point(vec![1; length], vec![1; bytes]), KeyFault::MalformedNumber { name: "x" });
            check(&point(vec![1; bytes], vec![1; length]), KeyFault::MalformedNumber { name: "y" });
        }
        check(&without(jwk, "/y"), KeyFault::Lacks { name: "y" });
    }
    let edwards = |bytes: &[u8]| with(TestKey::generate("EdDSA", "bad").jwk(), "/x", json!(encode(bytes)));
    for length in [0, 31, 33] {
        check(&edwards(&vec![1; length]), KeyFault::MalformedNumber { name: "x" });
    }
    let filled = |lowest: u8, highest: u8| [&[lowest], &[0xff; 30][..], &[highest]].concat();
    check(&edwards(&[0; 32]), KeyFault::SmallOrderPoint);
    check(&edwards(&filled(0xec, 0x7f)), KeyFault::SmallOrderPoint);
    check(&edwards(&filled(0xed, 0x7f)), KeyFault::NonCanonicalPoint);
    check(&edwards(&[0xff; 32]), KeyFault::NonCanonicalPoint);
    check(&edwards(&[&[2], &[0; 31][..]].concat()), KeyFault::NotOnCurve);
}

#[test]
fn g15_key_of_another_curve_than_it_says_is_left_out() {
    let jwk = TestKey::generate("ES256", "bad").jwk();
    check(&with(jwk.clone(), "/crv", json!("P-384")), KeyFault::MalformedNumber { name: "x" });
    check(&without(jwk.clone(), "/crv"), unsupported("EC/"));
    for curve in ["Ed25519", "P-521", "secp256k1", "p-256", "P-256 ", "BP-256"] {
        check(&with(jwk.clone(), "/crv", json!(curve)), unsupported(&format!("EC/{curve}")));
    }
    check(&with(jwk.clone(), "/alg", json!("ES384")), KeyFault::ForbiddenAlgorithm { presented: Excerpt::of("ES384") });
    check(&with(jwk.clone(), "/kty", json!("RSA")), unsupported("RSA/P-256"));
    check(&with(jwk, "/crv", json!(1)), unsupported("EC/"));
}

#[test]
fn g16_octet_key_pair_of_another_curve_is_left_out() {
    let jwk = TestKey::generate("EdDSA", "bad").jwk();
    for curve in ["P-256", "X25519", "X448", "Ed448", "ed25519", ""] {
        check(&with(jwk.clone(), "/crv", json!(curve)), unsupported(&format!("OKP/{curve}")));
    }
    let elliptic = with(TestKey::generate("ES256", "bad").jwk(), "/alg", json!("Ed25519"));
    check(&elliptic, KeyFault::ForbiddenAlgorithm { presented: Excerpt::of("Ed25519") });
    for algorithm in ["ECDH-ES", "ES256", "Ed448", "ed25519"] {
        check(
            &with(jwk.clone(), "/alg", json!(algorithm)),
            KeyFault::ForbiddenAlgorithm { presented: Excerpt::of(algorithm) },
        );
    }
}

#[test]
fn g18_malformed_key_does_not_spoil_the_set() {
    for kid in [json!(1), json!(null), json!(["x"])] {
        check(&with(rsa(), "/kid", kid), KeyFault::Lacks { name: "kid" });
    }
    check(&without(rsa(), "/kid"), KeyFault::Lacks { name: "kid" });
    for value in [json!([]), json!(1), json!(null), json!("x")] {
        check(&value, KeyFault::Malformed { error: JsonError::NotAnObject });
    }
    check(&json!({}), KeyFault::Lacks { name: "kid" });
    check(&json!({ "kid": "bad" }), KeyFault::Lacks { name: "kty" });
}

#[test]
fn g19_second_member_leaves_out_its_key_or_refuses_the_set() {
    let good = key();
    let text = rsa().to_string();
    let twice = format!("{},\"n\":\"AQAB\"}}", &text[..text.len() - 1]);
    let keys = RealmKeySet::parse(format!("{{\"keys\":[{},{twice}]}}", good.jwk()).as_bytes()).unwrap();
    let error = JsonError::Malformed { line: 1, column: twice.len(), duplicate_member: true };
    assert_eq!(keys.skipped(), [SkippedKey { index: 1, key_id: None, fault: KeyFault::Malformed { error } }]);
    for second in [r#""keys":[]"#, r#""\u006beys":[]"#, r#""x":1,"x":1"#] {
        let text = format!("{{\"keys\":[{}],{second}}}", good.jwk());
        assert_eq!(RealmKeySet::parse(text.as_bytes()).map(|_| ()), Err(KeySetError::NotAKeySet), "{second}");
    }
}

#[test]
fn g30_token_that_names_no_key_is_rejected() {
    let (one, two) = (key(), TestKey::generate("ES256", "two"));
    let token = one.token_of(&without(one.header(), "/kid").to_string(), &payload().to_string());
    for keys in [&[&one][..], &[&one, &two]] {
        assert_eq!(verdict(&token, keys), missing(Part::Header, "kid"));
    }
}

#[test]
fn g31_key_s_name_is_a_name_and_nothing_else() {
    let of = |kid: Value| of_header(&with(key().header(), "/kid", kid).to_string());
    for kid in ["../../etc/passwd", "' OR '1'='1", "https://attacker.example/keys", "%72ealm-key", "REALM-KEY"] {
        let unknown = match KeyId::parse(kid) {
            Ok(key_id) => JwsError::UnknownKey { key_id },
            Err(error) => JwsError::Member(MemberError::MalformedIdentifier { name: "kid", error }),
        };
        assert_eq!(of(json!(kid)), rejected(unknown), "{kid}");
    }
    let malformed = |error| rejected(JwsError::Member(MemberError::MalformedIdentifier { name: "kid", error }));
    let kind = "key id";
    for (kid, character) in
        [("a\r\nb", '\r'), ("a b", ' '), ("r\u{e9}alm", '\u{e9}'), ("a\0", '\0'), ("\u{1b}[31m", '\u{1b}')]
    {
        assert_eq!(of(json!(kid)), malformed(IdentifierError::ForbiddenCharacter { kind, character }), "{kid:?}");
    }
    assert_eq!(of(json!("")), malformed(IdentifierError::Empty { kind }));
    assert_eq!(of(json!("k".repeat(257))), malformed(IdentifierError::TooLong { kind, bytes: 257 }));
    for (kid, presented) in [(json!(1), "an integer"), (json!(null), "null"), (json!(["realm-key"]), "an array")] {
        let wrong =
            JwsError::Member(MemberError::WrongType { part: Part::Header, name: "kid", expected: "text", presented });
        assert_eq!(of(kid), rejected(wrong));
    }
    let token = key().token_of(&with(key().header(), "/kid", json!("k".repeat(1 << 20))).to_string(), "{}");
    assert_eq!(verdict(&token, &[&key()]), rejected(JwsError::TooLong { limit: 8192, presented: token.len() }));
}
