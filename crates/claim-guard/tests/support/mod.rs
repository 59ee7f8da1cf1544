//! What the tests of the public API share.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod alive;
pub mod transaction;

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime, VerifiedClaims};
use serde_json::Value;
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, key_set};

/// The verifier of the test realm.
pub fn verifier() -> AccessTokenVerifier {
    AccessTokenVerifier::new(
        Issuer::parse(ISSUER).unwrap(),
        Audience::parse(AUDIENCE).unwrap(),
        ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap(),
        Leeway::MAX,
    )
}

/// The time of the tests.
pub fn now() -> UnixTime {
    UnixTime::from_seconds(NOW).unwrap()
}

/// So many seconds after it.
pub fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(NOW + seconds).unwrap()
}

/// The key set that publishes these keys.
pub fn keys(keys: &[&TestKey]) -> RealmKeySet {
    RealmKeySet::parse(key_set(keys.iter().copied()).as_bytes()).unwrap()
}

/// The claims of a payload, signed and verified like any other.
pub fn claims(payload: &Value) -> VerifiedClaims {
    let key = TestKey::generate("ES256", "claims");
    let token = AccessToken::parse(&key.token(payload)).unwrap();
    verifier().verify(&token, &keys(&[&key]), now()).unwrap()
}
