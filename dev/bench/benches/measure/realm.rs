//! A realm on loopback, over HTTPS: a discovery document and a JWK set, as large as Keycloak's.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claim_guard::identifier::{Issuer, KeyId};
use realm_keys::{MovedClock, RealmCa, RealmEndpoint, RealmKeys};
use serde_json::json;
use test_realm::{AUDIENCE, CLIENT, TestKey, key_set};
use tokio::runtime::Runtime;

use crate::faulty_server::{FaultyServer, Reply};
use crate::fixture::{Signed, named, payload};

/// The realm, its key, and a token of it.
pub struct Realm {
    pub issuer: String,
    pub signed: Signed,
    server: FaultyServer,
    // Dropped last: the server runs on it.
    _runtime: Runtime,
}

impl Realm {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let key = named(|kid| TestKey::generate("RS256", kid));
        let keys = key_set([&key]);
        let server = runtime.block_on(FaultyServer::start(move |origin: &str| {
            let issuer = format!("{origin}/realms/workflows");
            let discovery = json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}/protocol/openid-connect/certs"),
                "padding": "x".repeat(6000),
            });
            move |path: &str| {
                let body = if path.ends_with("/certs") { keys.clone() } else { discovery.to_string() };
                Reply::whole("200 OK\r\nContent-Type: application/json", &body)
            }
        }));
        let issuer = format!("{}/realms/workflows", server.origin());
        let signed = Signed::by(key, &payload(&issuer));
        Self { issuer, signed, server, _runtime: runtime }
    }

    /// The realm's keys as a function keeps them; nothing is fetched yet.
    pub fn keys(&self, clock: MovedClock) -> RealmKeys {
        let ca = RealmCa::from_der(self.server.authority()).unwrap();
        let endpoint = RealmEndpoint::new(Issuer::parse(&self.issuer).unwrap(), Some(ca), None).unwrap();
        RealmKeys::on_moved_clock(endpoint, clock).unwrap()
    }

    /// How long a new client takes to fetch the keys.
    pub fn fetch_keys(&self) -> Duration {
        let keys = self.keys(MovedClock::drawing(0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begin = Instant::now();
        runtime.block_on(keys.key_set(&KeyId::parse(self.signed.key.kid()).unwrap())).unwrap();
        begin.elapsed()
    }

    /// What a function that verifies its tokens is configured with.
    pub fn environment(&self) -> Vec<(String, String)> {
        let ca = STANDARD.encode(self.server.authority());
        [
            ("REALM_ISSUER", self.issuer.as_str()),
            ("REALM_AUDIENCE", AUDIENCE),
            ("REALM_CLIENTS", CLIENT),
            ("REALM_CA", &ca),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}
