//! Where a verification's time goes, stage by stage.
//!
//! The stages are calls of the public interface, and the steps of which the rest is made, done by themselves. They do not
//! add up exactly: the caches are warmer for a step alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench::{Subject, interleaved};
use claim_guard::access::AccessPolicy;
use claim_guard::{AccessToken, strict_json_object};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use test_realm::{ISSUER, TestKey};

use crate::fixture::{BARE, Signed, budget, named, payload, policy, rows, unix_time, verifier};
use crate::verify::whole;

pub fn run() {
    for (name, algorithm) in [("rs256-2048", "RS256"), ("es256", "ES256")] {
        let signed = Signed::by(named(|kid| TestKey::generate(algorithm, kid)), &payload(ISSUER));
        for row in rows(&format!("profile/{name}"), &stages(&signed, algorithm)) {
            row.print();
        }
    }
}

fn stages(signed: &Signed, algorithm: &str) -> Vec<bench::Sample> {
    let bare = signed.bare();
    let token = AccessToken::parse(&signed.token).unwrap();
    let (verifier, policy, now): (_, AccessPolicy, _) = (verifier(ISSUER), policy(), unix_time());
    let claims = verifier.verify(&token, &signed.keys, now).unwrap();
    let parts: Vec<&str> = signed.token.split('.').collect();
    let decoded: Vec<Vec<u8>> = parts.iter().map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    let by_library = signature_by_library(signed, algorithm);
    let mut subjects = [
        Subject::new(BARE, || bare.verify()),
        Subject::new("signature through jsonwebtoken", &by_library),
        Subject::new("AccessToken::parse", || AccessToken::parse(&signed.token).unwrap()),
        Subject::new("untrusted_key_id", || token.untrusted_key_id().unwrap()),
        Subject::new("base64 of header", || URL_SAFE_NO_PAD.decode(parts[0]).unwrap()),
        Subject::new("base64 of payload", || URL_SAFE_NO_PAD.decode(parts[1]).unwrap()),
        Subject::new("base64 of signature", || URL_SAFE_NO_PAD.decode(parts[2]).unwrap()),
        Subject::new("strict_json_object of header", || strict_json_object(&decoded[0]).unwrap()),
        Subject::new("strict_json_object of payload", || strict_json_object(&decoded[1]).unwrap()),
        Subject::new("serde_json of payload", || serde_json::from_slice::<Value>(&decoded[1]).unwrap()),
        Subject::new("verify", || verifier.verify(&token, &signed.keys, now).unwrap()),
        Subject::new("decide_request", || policy.decide_request(&claims, "POST", "/workflows/payment/executions")),
        Subject::new("whole", whole(signed)),
    ];
    interleaved(&mut subjects, budget())
}

/// The signature as that library checks it: the key is imported, the signature decoded for each token.
fn signature_by_library(signed: &Signed, algorithm: &str) -> impl Fn() -> bool {
    let jwk = signed.key.jwk();
    let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let (key, algorithm) = match algorithm {
        "RS256" => (DecodingKey::from_rsa_components(&member("n"), &member("e")), Algorithm::RS256),
        _ => (DecodingKey::from_ec_components(&member("x"), &member("y")), Algorithm::ES256),
    };
    let key = key.unwrap();
    let (input, signature) = signed.token.rsplit_once('.').unwrap();
    let (input, signature) = (input.to_owned(), signature.to_owned());
    move || {
        let stands = jsonwebtoken::crypto::verify(&signature, input.as_bytes(), &key, algorithm).unwrap();
        assert!(stands);
        stands
    }
}
