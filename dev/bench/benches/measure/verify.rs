//! The whole verification of an access token beside the bare signature check, and beside two libraries on the same token.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench::{HOSTS, Row, Subject, interleaved};
use claim_guard::AccessToken;
use claim_guard::decision::Decision;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _, PS256PublicKey,
    RS256PublicKey, RSAPublicKeyLike as _, VerificationOptions,
};
use serde_json::Value;
use test_realm::{AUDIENCE, ISSUER, TestKey};

use crate::fixture::{BARE, Signed, budget, named, payload, policy, unix_time, verifier};

/// The name of a row, the algorithm, whether the key is of 4096 bits, and the ratio that is promised.
const ALGORITHMS: [(&str, &str, bool, Option<f64>); 5] = [
    ("rs256-2048", "RS256", false, Some(1.20)),
    ("rs256-4096", "RS256", true, None),
    ("ps256-2048", "PS256", false, None),
    ("es256", "ES256", false, Some(1.08)),
    ("eddsa", "EdDSA", false, None),
];

pub fn run() {
    for (name, algorithm, long, goal) in ALGORITHMS {
        let key = named(|kid| if long { TestKey::rsa_4096(algorithm, kid) } else { TestKey::generate(algorithm, kid) });
        let signed = Signed::by(key, &payload(ISSUER));
        let (bare, ours) = (signed.bare(), whole(&signed));
        let (theirs, simple) = (jsonwebtoken(&signed, algorithm), jwt_simple(&signed, algorithm));
        let mut subjects = [
            Subject::new(BARE, || bare.verify()),
            Subject::new("ours", &ours),
            Subject::new("jsonwebtoken", &theirs),
            Subject::new("jwt-simple", || simple(&signed.token)),
        ];
        let samples = interleaved(&mut subjects, budget());
        let [baseline, ours, theirs, simple] = samples.as_slice() else { panic!("four subjects") };
        let row = Row::of(format!("verify/{name}"), ours, baseline);
        match goal {
            Some(goal) => row.with_goal(goal).print(),
            None => row.print(),
        }
        // How much of both is the signature differs from host to host.
        Row::of(format!("verify/{name}/to-jsonwebtoken"), ours, theirs).held_anywhere_within(HOSTS).print();
        for other in [theirs, simple] {
            Row::of(format!("verify/{name}/{}", other.name), other, baseline).print();
        }
    }
}

/// What the authorizer does with a token: read it, find the key's name, verify signature and claims, decide.
pub fn whole(signed: &Signed) -> impl Fn() -> Decision + '_ {
    let (verifier, policy, now) = (verifier(ISSUER), policy(), unix_time());
    move || {
        let token = AccessToken::parse(&signed.token).unwrap();
        let key_id = token.untrusted_key_id().unwrap();
        assert!(signed.keys.contains(&key_id));
        let claims = verifier.verify(&token, &signed.keys, now).unwrap();
        let decision = policy.decide_request(&claims, "POST", "/workflows/payment/executions");
        assert!(matches!(decision, Decision::Allow(_)));
        decision
    }
}

/// `jsonwebtoken`, with the claim checks that it has switched on and the key made once.
fn jsonwebtoken(signed: &Signed, algorithm: &str) -> impl Fn() -> Value {
    let jwk = signed.key.jwk();
    let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let (key, algorithm) = match algorithm {
        "RS256" => (DecodingKey::from_rsa_components(&member("n"), &member("e")), Algorithm::RS256),
        "PS256" => (DecodingKey::from_rsa_components(&member("n"), &member("e")), Algorithm::PS256),
        "ES256" => (DecodingKey::from_ec_components(&member("x"), &member("y")), Algorithm::ES256),
        _ => (DecodingKey::from_ed_components(&member("x")), Algorithm::EdDSA),
    };
    let (key, mut validation) = (key.unwrap(), Validation::new(algorithm));
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    let token = signed.token.clone();
    move || jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims
}

/// `jwt-simple` in pure Rust, the same.
fn jwt_simple(signed: &Signed, algorithm: &str) -> Box<dyn Fn(&str) -> Value> {
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([AUDIENCE.to_owned()])),
        ..VerificationOptions::default()
    };
    let key = signed.key.public_key();
    let custom = |claims: jwt_simple::claims::JWTClaims<Value>| claims.custom;
    match algorithm {
        "RS256" => {
            let (modulus, exponent) = components(&signed.key);
            let key = RS256PublicKey::from_components(&modulus, &exponent).unwrap();
            Box::new(move |token| custom(key.verify_token(token, Some(options.clone())).unwrap()))
        }
        "PS256" => {
            let (modulus, exponent) = components(&signed.key);
            let key = PS256PublicKey::from_components(&modulus, &exponent).unwrap();
            Box::new(move |token| custom(key.verify_token(token, Some(options.clone())).unwrap()))
        }
        "ES256" => {
            let key = ES256PublicKey::from_bytes(&key).unwrap();
            Box::new(move |token| custom(key.verify_token(token, Some(options.clone())).unwrap()))
        }
        _ => {
            let key = Ed25519PublicKey::from_bytes(&key).unwrap();
            Box::new(move |token| custom(key.verify_token(token, Some(options.clone())).unwrap()))
        }
    }
}

fn components(key: &TestKey) -> (Vec<u8>, Vec<u8>) {
    let jwk = key.jwk();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    (number("n"), number("e"))
}
