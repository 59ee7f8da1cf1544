//! Revalidation's client, signed in with a key that the test holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use test_realm::TestKey;
use xtask::keycloak::{Keycloak, REVALIDATION_CLIENT};

/// The access token that Keycloak gives the client for an assertion that the key signs; none if it does not let it in.
pub fn signed_in(keycloak: &Keycloak, key: &TestKey) -> Option<String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let issuer = keycloak.issuer();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let once = format!("{}-{}", now.as_nanos(), NEXT.fetch_add(1, Ordering::Relaxed));
    let header = json!({"alg": "ES256", "kid": key.kid(), "typ": "JWT"});
    let payload = json!({
        "iss": REVALIDATION_CLIENT, "sub": REVALIDATION_CLIENT, "aud": issuer, "jti": once,
        "iat": now.as_secs(), "exp": now.as_secs() + 60,
    });
    let assertion = key.token_of(&header.to_string(), &payload.to_string());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let url = format!("{issuer}/protocol/openid-connect/token");
    let answer: Value = keycloak.client().unwrap().post(url).form(&form).send().unwrap().json().unwrap();
    answer["access_token"].as_str().map(str::to_owned)
}
