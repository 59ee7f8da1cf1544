//! A realm, a policy and a token as large as Keycloak's, and what else the groups share.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench::{Row, Sample};
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime, VerifiedClaims};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, TestKey, access_token_payload, key_set, with};

pub const ACCESS_TOML: &str = include_str!("../../../../access.toml");
/// The name of the baseline of every verification.
pub const BARE: &str = "bare aws-lc-rs signature";

/// How long one comparison is timed.
pub fn budget() -> Duration {
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(4.0))
}

/// The time at which this program began to be measured: other libraries read the clock, so tokens are of today.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// What Keycloak 26 writes for a person with a profile: with an RS256 signature of 2048 bits a token of about 1.7 KB.
///
/// It lasts for the longest time that is accepted, since a run takes longer than five minutes.
pub fn payload(issuer: &str) -> Value {
    let issued_at = now() - 10;
    let mut payload = access_token_payload(issued_at);
    for (pointer, value) in [
        ("/exp", json!(issued_at + 86_400)),
        ("/iss", json!(issuer)),
        ("/auth_time", json!(issued_at - 60)),
        ("/allowed-origins", json!(["https://payments.example.com"])),
        ("/realm_access/roles", json!(["default-roles-workflows", "offline_access", "uma_authorization"])),
        ("/resource_access/account", json!({ "roles": ["manage-account", "manage-account-links", "view-profile"] })),
        ("/scope", json!("openid email profile")),
        ("/email_verified", json!(true)),
        ("/name", json!("Alice Example")),
        ("/preferred_username", json!("alice")),
        ("/given_name", json!("Alice")),
        ("/family_name", json!("Example")),
        ("/email", json!("alice@example.com")),
    ] {
        payload = with(payload, pointer, value);
    }
    payload
}

/// A key as Keycloak names it.
pub fn named(generate: impl FnOnce(&str) -> TestKey) -> TestKey {
    generate("Zk1mXG9nJ2wq0VbYtR3hTqO5yUe8sPc4LdA7iBnFxKw")
}

/// The verifier of the realm of [`payload`].
pub fn verifier(issuer: &str) -> AccessTokenVerifier {
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    AccessTokenVerifier::new(Issuer::parse(issuer).unwrap(), Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX)
}

pub fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", ACCESS_TOML).unwrap()
}

/// A policy of so many routes, of which the caller may call ten: an answer may have 8 KiB.
pub fn policy_of(routes: usize) -> AccessPolicy {
    let route = |number: usize| {
        let role = if number.is_multiple_of(routes / 10) { "payment:start" } else { "payment:audit" };
        format!("[[routes]]\nmethod = \"POST\"\npath = \"/r{number}/{{id}}\"\nany_role = [\"workflow-api:{role}\"]\n\n")
    };
    let text: String = (0..routes).map(route).collect();
    AccessPolicy::parse("access.toml", &text).unwrap()
}

pub fn unix_time() -> UnixTime {
    UnixTime::from_seconds(now()).unwrap()
}

/// A token, its key, and the key set that holds it beside the key that went before.
pub struct Signed {
    pub key: TestKey,
    pub token: String,
    pub keys: Arc<RealmKeySet>,
}

impl Signed {
    pub fn by(key: TestKey, payload: &Value) -> Self {
        let before = TestKey::generate("ES256", "the-key-that-went-before");
        let keys = RealmKeySet::parse(key_set([&before, &key]).as_bytes()).unwrap();
        Self { token: key.token(payload), key, keys: Arc::new(keys) }
    }

    pub fn rs256() -> Self {
        Self::by(named(|kid| TestKey::generate("RS256", kid)), &payload(ISSUER))
    }

    pub fn claims(&self, verifier: &AccessTokenVerifier, now: UnixTime) -> VerifiedClaims {
        verifier.verify(&AccessToken::parse(&self.token).unwrap(), &self.keys, now).unwrap()
    }

    /// The check that nothing can do without: the key is parsed, the signature is decoded.
    pub fn bare(&self) -> Bare {
        self.bare_of(&self.token)
    }

    /// The same for another token of this key.
    pub fn bare_of(&self, token: &str) -> Bare {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let algorithm: &'static dyn VerificationAlgorithm = match self.key.header()["alg"].as_str().unwrap() {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            "EdDSA" => &ED25519,
            other => panic!("no algorithm `{other}`"),
        };
        Bare {
            key: ParsedPublicKey::new(algorithm, self.key.public_key()).unwrap(),
            input: input.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
        }
    }
}

pub struct Bare {
    key: ParsedPublicKey,
    input: Vec<u8>,
    signature: Vec<u8>,
}

impl Bare {
    pub fn verify(&self) {
        self.key.verify_sig(&self.input, &self.signature).unwrap();
    }
}

/// The event that API Gateway sends an authorizer.
pub fn authorizer_event(token: &str, path: &str) -> Vec<u8> {
    let stage = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live";
    json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {token}"),
        "methodArn": format!("{stage}/POST{path}")
    })
    .to_string()
    .into_bytes()
}

/// Rows of every sample but the first, which is the baseline; each name is the group's and the sample's.
pub fn rows(group: &str, samples: &[Sample]) -> Vec<Row> {
    let [baseline, others @ ..] = samples else { panic!("no baseline") };
    others.iter().map(|sample| Row::of(format!("{group}/{}", sample.name), sample, baseline)).collect()
}
