//! Section A: algorithm and signature.

use aws_lc_rs::hmac;
use base64::Engine as _;
use claim_guard::identifier::KeyId;
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::{Algorithm, JwsError};
use serde_json::{Value, json};
use test_realm::{TestKey, with, without};

use crate::fixture::*;
use crate::support;

/// The order of P-256's group.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn order() -> Vec<u8> {
    (0..64).step_by(2).map(|at| u8::from_str_radix(&ORDER[at..at + 2], 16).unwrap()).collect()
}

/// The difference of two big-endian numbers of one length.
fn minus(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = one
        .iter()
        .zip(other)
        .rev()
        .map(|(one, other)| {
            let difference = i32::from(*one) - i32::from(*other) - borrow;
            borrow = i32::from(difference < 0);
            difference.rem_euclid(256) as u8
        })
        .collect();
    digits.reverse();
    digits
}

fn alg(value: Value) -> Result<(), claim_guard::Rejection> {
    of_header(&with(key().header(), "/alg", value).to_string())
}

#[test]
fn a1_unsigned_token_is_rejected() {
    let key = key();
    let header = with(key.header(), "/alg", json!("none")).to_string();
    let unsigned = format!("{}.{}.", encode(header.as_bytes()), encode(payload().to_string().as_bytes()));
    assert_eq!(verdict(&unsigned, &[&key]), forbidden_algorithm("none"));
}

#[test]
fn a2_every_spelling_of_none_is_rejected() {
    for spelling in ["None", "NONE", "nOnE", " none", "none\0", ""] {
        assert_eq!(alg(json!(spelling)), forbidden_algorithm(spelling), "{spelling:?}");
    }
}

#[test]
fn a3_algorithm_that_is_no_text_is_rejected() {
    assert_eq!(of_header(&without(key().header(), "/alg").to_string()), missing(Part::Header, "alg"));
    for (value, presented) in [(json!(null), "null"), (json!(1), "an integer"), (json!(["ES256"]), "an array")] {
        let wrong =
            JwsError::Member(MemberError::WrongType { part: Part::Header, name: "alg", expected: "text", presented });
        assert_eq!(alg(value), rejected(wrong));
    }
}

#[test]
fn a5_algorithm_written_with_escapes_is_the_same_one() {
    let key = TestKey::generate("RS256", "realm-key");
    let token = key.token_of(r#"{"\u0061lg":"RS256","kid":"realm-key"}"#, &payload().to_string());
    let keys = support::keys(&[&key]);
    let escaped = verify_at(&token, &keys, support::now()).unwrap();
    let plain = verify_at(&key.token(&payload()), &keys, support::now()).unwrap();
    assert_eq!(escaped.identity().subject(), plain.identity().subject());
    assert_eq!(
        (escaped.identity().roles(), escaped.identity().claims()),
        (plain.identity().roles(), plain.identity().claims())
    );
}

/// DER of a SubjectPublicKeyInfo of RSA.
fn spki(modulus: &[u8]) -> Vec<u8> {
    let der = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    };
    let integers = [der(2, &[&[0], modulus].concat()), vec![2, 3, 1, 0, 1]].concat();
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let bits = der(3, &[&[0], &der(0x30, &integers)[..]].concat());
    der(0x30, &[&algorithm[..], &bits].concat())
}

fn hmac_token(kid: &str, secret: &[u8]) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid }).to_string();
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload().to_string().as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag.as_ref()))
}

#[test]
fn a6_hmac_keyed_with_the_rsa_key_is_rejected() {
    let key = TestKey::generate("RS256", "realm-key");
    let modulus = decode(key.jwk()["n"].as_str().unwrap());
    let der = spki(&modulus);
    let base64 = base64::engine::general_purpose::STANDARD.encode(&der);
    let lines: Vec<&str> = (0..base64.len()).step_by(64).map(|at| &base64[at..base64.len().min(at + 64)]).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    for secret in [pem.as_bytes(), &der, &modulus, key.jwk().to_string().as_bytes()] {
        assert_eq!(verdict(&hmac_token("realm-key", secret), &[&key]), forbidden_algorithm("HS256"));
    }
}

#[test]
fn a7_hmac_keyed_with_the_ec_point_is_rejected() {
    let key = key();
    let [x, y] = ["x", "y"].map(|name| decode(key.jwk()[name].as_str().unwrap()));
    for secret in [[&[4][..], &x, &y].concat(), [x, y].concat(), key.spki()] {
        assert_eq!(verdict(&hmac_token("realm-key", &secret), &[&key]), forbidden_algorithm("HS256"));
    }
}

#[test]
fn a8_algorithm_of_the_key_s_family_but_not_the_key_s_own_is_rejected() {
    let names = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let mut key = TestKey::generate("RS256", "realm-key");
    for published in names {
        key = key.renamed(published, "realm-key");
        let keys = support::keys(&[&key]);
        for presented in names.into_iter().filter(|name| *name != published) {
            key = key.renamed(presented, "realm-key");
            let of = |name| Algorithm::named(name).unwrap();
            let other = JwsError::AlgorithmOfAnotherKey { expected: of(published), presented: of(presented) };
            assert_eq!(verify_at(&key.token(&payload()), &keys, support::now()).map(|_| ()), rejected(other));
        }
    }
}

#[test]
fn a9_rsa_key_without_an_algorithm_is_for_rs256_alone() {
    let key = TestKey::generate("RS256", "realm-key");
    let text = json!({ "keys": [without(key.jwk(), "/alg")] }).to_string();
    let keys = claim_guard::RealmKeySet::parse(text.as_bytes()).unwrap();
    assert_eq!(verify_at(&key.token(&payload()), &keys, support::now()).map(|_| ()), Ok(()));
    let other = JwsError::AlgorithmOfAnotherKey { expected: Algorithm::Rs256, presented: Algorithm::Ps256 };
    let token = key.renamed("PS256", "realm-key").token(&payload());
    assert_eq!(verify_at(&token, &keys, support::now()).map(|_| ()), rejected(other));
}

#[test]
fn a11_key_set_of_every_family_verifies_each_and_mixes_none() {
    let keys: Vec<TestKey> =
        ["RS256", "PS384", "ES256", "ES384", "EdDSA"].map(|name| TestKey::generate(name, name)).into();
    let all: Vec<&TestKey> = keys.iter().collect();
    for key in &keys {
        assert_eq!(verdict(&key.token(&payload()), &all), Ok(()), "{}", key.kid());
    }
    let crossed = TestKey::generate("ES256", "RS256").token(&payload());
    let other = JwsError::AlgorithmOfAnotherKey { expected: Algorithm::Rs256, presented: Algorithm::Es256 };
    assert_eq!(verdict(&crossed, &all), rejected(other));
}

#[test]
fn a11_eddsa_has_two_names_and_both_are_for_ed25519() {
    let of = |published: &str, presented: &str, signed: TestKey| {
        let key = signed.renamed(published, "realm-key");
        let keys = support::keys(&[&key]);
        verify_at(&key.renamed(presented, "realm-key").token(&payload()), &keys, support::now()).map(|_| ())
    };
    for published in ["EdDSA", "Ed25519"] {
        for presented in ["EdDSA", "Ed25519"] {
            let verdict = of(published, presented, TestKey::generate("EdDSA", "realm-key"));
            assert_eq!(verdict, Ok(()), "{published} {presented}");
        }
    }
    let other = JwsError::AlgorithmOfAnotherKey { expected: Algorithm::Es256, presented: Algorithm::EdDsa };
    assert_eq!(of("ES256", "Ed25519", key()), rejected(other));
    let other = JwsError::AlgorithmOfAnotherKey { expected: Algorithm::EdDsa, presented: Algorithm::Es256 };
    assert_eq!(of("Ed25519", "ES256", TestKey::generate("EdDSA", "realm-key")), rejected(other));
    for name in ["Ed448", "ed25519", "ED25519", "Ed25519 ", "Ed25519ph", "Ed25519ctx"] {
        assert_eq!(of("EdDSA", name, TestKey::generate("EdDSA", "realm-key")), forbidden_algorithm(name), "{name}");
    }
}

#[test]
fn a12_signature_of_edge_values_is_rejected() {
    let key = key();
    let [header, claims, _] = parts(&key.token(&payload()));
    let number = |last: u8| [&[0; 31][..], &[last]].concat();
    let edges = [number(0), number(1), minus(&order(), &number(1)), order()];
    for r in &edges {
        for s in &edges {
            let signature = encode(&[&r[..], s].concat());
            assert_eq!(verdict(&format!("{header}.{claims}.{signature}"), &[&key]), bad_signature(&key), "{r:?} {s:?}");
        }
    }
}

#[test]
fn a13_signature_of_another_form_than_r_and_s_is_rejected() {
    let key = key();
    let input = key.token(&payload()).rsplit_once('.').unwrap().0.to_owned();
    let signature = key.sign(input.as_bytes());
    let (r, s) = signature.split_at(32);
    let integer = |bytes: &[u8]| {
        let sign: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (bytes.len() + sign.len()) as u8], sign, bytes].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let der = [&[0x30, body.len() as u8], &body[..]].concat();
    // The sum of r and the group's order: one bit longer than the form has room for.
    let over = minus(r, &minus(&[0; 32], &order()));
    for malformed in [
        der,
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        [&signature[..], &[0; 64]].concat(),
        signature[..63].to_vec(),
        r.to_vec(),
        [&over[..], s].concat(),
        [&[1], &over[..], s].concat(),
    ] {
        assert_eq!(verdict(&format!("{input}.{}", encode(&malformed)), &[&key]), bad_signature(&key), "{malformed:?}");
    }
}

#[test]
fn a14_malleated_twin_of_a_valid_signature_has_the_same_identity() {
    use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord};
    let key = key();
    let keys = support::keys(&[&key]);
    let token = key.token(&payload());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let (r, s) = signature.split_at(32);
    let twin = format!("{input}.{}", encode(&[r, &minus(&order(), s)].concat()));
    assert_ne!(twin, token);
    let line = |token: &str| {
        let claims = verify_at(token, &keys, support::now()).unwrap();
        let point = AuditPoint::Route { method: "POST".to_owned(), path: "/payments".to_owned() };
        let context = AuditContext { point, policy: Some(policy().digest().clone()), now: Some(support::now()) };
        let decision = policy().decide_request(&claims, "POST", "/payments");
        AuditRecord::decided(context, claims.identity(), &decision).to_line()
    };
    assert_eq!(line(&token), line(&twin));
}

#[test]
fn a15_modified_padding_is_rejected() {
    let text = std::fs::read("tests/wycheproof/json_web_signature_test.json").unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["comment"] == "rs256").unwrap();
    let keys = claim_guard::RealmKeySet::parse(json!({ "keys": [group["public"]] }).to_string().as_bytes()).unwrap();
    let modified = |test: &&Value| test["flags"] == json!(["ModifiedPadding"]);
    let key_id = KeyId::parse("kid-rsa-sign").unwrap();
    let tests: Vec<&Value> = group["tests"].as_array().unwrap().iter().filter(modified).collect();
    assert_eq!(tests.len(), 213);
    for test in tests {
        let verified = verify_at(test["jws"].as_str().unwrap(), &keys, support::now()).map(|_| ());
        assert_eq!(verified, rejected(JwsError::BadSignature { key_id: key_id.clone() }), "{test}");
    }
}

#[test]
fn a17_key_in_the_header_is_never_used() {
    let (ours, theirs) = (key(), key());
    let header = with(theirs.header(), "/jwk", theirs.jwk()).to_string();
    assert_eq!(verdict(&theirs.token_of(&header, &payload().to_string()), &[&ours]), forbidden_member("jwk"));
    assert_eq!(verdict(&theirs.token(&payload()), &[&ours]), bad_signature(&ours));
}

#[test]
fn a18_key_s_address_in_the_header_is_rejected_before_any_key_is_looked_up() {
    for name in ["jku", "x5u"] {
        let key = key();
        let header = with(key.header(), &format!("/{name}"), json!("https://attacker.example/keys")).to_string();
        let token = key.token_of(&header, &payload().to_string());
        assert_eq!(verdict(&token, &[&key]), forbidden_member(name));
        // Without a key's name there is nothing that could be fetched.
        let key_id = claim_guard::AccessToken::parse(&token).and_then(|token| token.untrusted_key_id());
        assert_eq!(key_id.map(|_| ()), forbidden_member(name));
    }
}

#[test]
fn a19_certificate_in_the_header_is_never_trusted() {
    for (name, value) in [("x5c", json!(["MIIB"])), ("x5t", json!("AAAA")), ("x5t#S256", json!("AAAA"))] {
        let header = with(key().header(), &format!("/{name}"), value).to_string();
        assert_eq!(of_header(&header), forbidden_member(name));
    }
}

#[test]
fn a20_token_without_its_signature_is_rejected() {
    let key = key();
    let [header, claims, _] = parts(&key.token(&payload()));
    assert_eq!(verdict(&format!("{header}.{claims}."), &[&key]), bad_signature(&key));
}

#[test]
fn a21_signature_of_another_token_is_rejected() {
    let key = key();
    let [header, claims, _] = parts(&key.token(&payload()));
    let [_, _, signature] = parts(&key.token(&with(payload(), "/sub", json!("another"))));
    assert_eq!(verdict(&format!("{header}.{claims}.{signature}"), &[&key]), bad_signature(&key));
}

#[test]
fn a23_critical_extension_is_rejected() {
    for name in ["x", "exp", "b64"] {
        let header = with(with(key().header(), "/crit", json!([name])), &format!("/{name}"), json!(true));
        assert_eq!(of_header(&header.to_string()), forbidden_member("crit"), "{name}");
    }
}

#[test]
fn a24_malformed_critical_member_is_rejected() {
    for value in [json!([]), json!("x"), json!(["x", "x"]), json!(["absent"]), json!(null)] {
        assert_eq!(of_header(&with(key().header(), "/crit", value).to_string()), forbidden_member("crit"));
    }
}

#[test]
fn a25_unencoded_payload_is_rejected() {
    let header = with(key().header(), "/b64", json!(false));
    assert_eq!(of_header(&header.to_string()), forbidden_member("b64"));
    assert_eq!(of_header(&with(header, "/crit", json!(["b64"])).to_string()), forbidden_member("crit"));
}

#[test]
fn a26_compressed_or_encrypted_token_is_rejected() {
    for (name, value) in [("zip", "DEF"), ("enc", "A256GCM")] {
        let header = with(key().header(), &format!("/{name}"), json!(value));
        assert_eq!(of_header(&header.to_string()), forbidden_member(name));
    }
}

#[test]
fn a27_signature_by_an_encryption_key_is_rejected() {
    let (sig, enc) = (TestKey::generate("ES256", "sig"), TestKey::generate("RS256", "enc"));
    for jwk in [with(enc.jwk(), "/use", json!("enc")), with(enc.jwk(), "/alg", json!("RSA-OAEP"))] {
        let text = json!({ "keys": [sig.jwk(), jwk] }).to_string();
        let keys = claim_guard::RealmKeySet::parse(text.as_bytes()).unwrap();
        let unknown = JwsError::UnknownKey { key_id: KeyId::parse("enc").unwrap() };
        assert_eq!(verify_at(&enc.token(&payload()), &keys, support::now()).map(|_| ()), rejected(unknown));
    }
}

#[test]
fn a29_unknown_algorithm_is_rejected() {
    for name in ["ES512", "ES256K", "Ed448", "ML-DSA-44", "ESB256", "HS512", "RS1", "RSA1_5", "dir", "es256", "ES256 "]
    {
        assert_eq!(alg(json!(name)), forbidden_algorithm(name), "{name}");
    }
}

#[test]
fn a30_rsa_signature_of_another_length_than_the_modulus_is_rejected() {
    let key = TestKey::generate("RS256", "realm-key");
    // One signature of 256 begins with a zero.
    let (input, signature) = (0..)
        .map(|number| {
            let token = key.token(&with(payload(), "/session_state", json!(number)));
            let (input, signature) = token.rsplit_once('.').unwrap();
            (input.to_owned(), decode(signature))
        })
        .find(|(_, signature)| signature[0] == 0)
        .unwrap();
    assert_eq!(verdict(&format!("{input}.{}", encode(&signature)), &[&key]), Ok(()));
    for other in [signature[1..].to_vec(), [&[0], &signature[..]].concat(), [&signature[..], &[0]].concat()] {
        assert_eq!(verdict(&format!("{input}.{}", encode(&other)), &[&key]), bad_signature(&key));
    }
}
