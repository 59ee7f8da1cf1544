//! The whole way, as a Lambda goes it: environment → settings → keys over HTTPS, with the production clocks.

#![expect(clippy::unwrap_used, reason = "a test fails where its stage cannot be set")]

#[expect(dead_code, reason = "the faults are for the tests of the requests")]
#[path = "support/faulty_server.rs"]
mod faulty_server;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claim_guard::Excerpt;
use claim_guard::identifier::KeyId;
use faulty_server::{FaultyServer, Reply};
use realm_keys::{Document, ExchangeFault, KeysUnavailable, RealmKeys, RealmSettings};

/// RFC 7515 appendix A.3.1: a public key that everybody may know.
const KEY_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig","alg":"ES256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

async fn realm() -> FaultyServer {
    FaultyServer::start(|origin| {
        let discovery = format!(r#"{{"issuer":"{origin}/realms/w","jwks_uri":"{origin}/realms/w/keys"}}"#);
        move |path: &str| match path {
            "/realms/w/.well-known/openid-configuration" => Reply::whole("200 OK", &discovery),
            "/realms/w/keys" => Reply::whole("200 OK", KEY_SET),
            _ => Reply::Slow(vec![b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec()], Duration::ZERO),
        }
    })
    .await
}

fn keys_of(server: &FaultyServer, realm: &str) -> RealmKeys {
    let lookup = |name: &str| match name {
        "REALM_ISSUER" => Some(format!("{}/realms/{realm}", server.origin())),
        "REALM_AUDIENCE" => Some("workflow-api".to_owned()),
        "REALM_CLIENTS" => Some("payment-app".to_owned()),
        "REALM_CA" => Some(STANDARD.encode(server.authority())),
        _ => None,
    };
    RealmSettings::from_lookup(lookup).unwrap().keys
}

#[tokio::test]
async fn one_fetch_serves_a_prefetch_and_every_request_after_it() {
    let server = realm().await;
    let keys = keys_of(&server, "w");
    let key_id = KeyId::parse("a").unwrap();
    keys.prefetch();
    let first = keys.key_set(&key_id).await.unwrap();
    assert!(first.contains(&key_id));
    for _ in 0..1000 {
        assert!(Arc::ptr_eq(&keys.key_set(&key_id).await.unwrap(), &first));
    }
    assert_eq!(keys.fetches(), 1);
    assert_eq!(server.paths(), ["/realms/w/.well-known/openid-configuration", "/realms/w/keys"]);
}

#[tokio::test]
async fn an_unknown_key_right_after_a_fetch_is_answered_with_the_set_that_stands() {
    let server = realm().await;
    let keys = keys_of(&server, "w");
    let unknown = KeyId::parse("unknown").unwrap();
    assert!(!keys.key_set(&unknown).await.unwrap().contains(&unknown));
    assert!(!keys.key_set(&unknown).await.unwrap().contains(&unknown));
    assert_eq!(keys.fetches(), 1);
}

#[tokio::test]
async fn a_realm_that_does_not_exist_has_no_keys() {
    let server = realm().await;
    let keys = keys_of(&server, "v");
    let fault = ExchangeFault::Status { document: Document::Discovery, presented: 404, retry_after: None };
    let cause = KeysUnavailable::from(fault);
    let answer = keys.key_set(&KeyId::parse("a").unwrap()).await.map(|_| ());
    assert_eq!((answer, keys.last_failure()), (Err(cause.clone()), Some(cause.clone())));
    assert_eq!(cause.code(), "keys_status");
    assert_eq!(cause.to_string(), "the discovery document was answered with status `404`, expected `200`");
    assert_eq!((cause.expected(), cause.presented()), (Some("200".to_owned()), Some("404".to_owned())));
}

#[tokio::test]
async fn an_authority_that_is_not_configured_vouches_for_nobody() {
    let (server, other) = (realm().await, realm().await);
    let lookup = |name: &str| match name {
        "REALM_ISSUER" => Some(format!("{}/realms/w", server.origin())),
        "REALM_AUDIENCE" => Some("workflow-api".to_owned()),
        "REALM_CLIENTS" => Some("payment-app".to_owned()),
        "REALM_CA" => Some(STANDARD.encode(other.authority())),
        _ => None,
    };
    let keys = RealmSettings::from_lookup(lookup).unwrap().keys;
    assert_eq!(
        keys.key_set(&KeyId::parse("a").unwrap()).await.map(|_| ()),
        Err(KeysUnavailable::from(ExchangeFault::Tls {
            host: Excerpt::of("127.0.0.1"),
            reason: Excerpt::of("invalid peer certificate: UnknownIssuer")
        }))
    );
    assert_eq!(server.paths(), Vec::<String>::new());
}

#[test]
fn no_proxy_and_no_root_of_the_environment_is_used() {
    let realm_through_the_environment = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_fetch_serves_a_prefetch_and_every_request_after_it"])
        .envs(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, "http://127.0.0.1:1")))
        .envs([("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&realm_through_the_environment.stdout);
    assert!(told.contains("1 passed; 0 failed"), "{told}");
}
