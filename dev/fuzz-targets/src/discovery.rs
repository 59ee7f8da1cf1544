use std::sync::LazyLock;

use claim_guard::identifier::Issuer;
use realm_keys::{KeyUri, RealmEndpoint};
use test_realm::ISSUER;

use crate::line;
use crate::reached::reached;

const ORIGIN: &str = "https://keycloak.example.com";
const NAMED: &str = "https://keys.example.com:8443/realms/workflows/certs?v=1";

static ON_ORIGIN: LazyLock<RealmEndpoint> = LazyLock::new(|| endpoint(None));
static BY_NAME: LazyLock<RealmEndpoint> = LazyLock::new(|| endpoint(Some(NAMED)));

fn endpoint(key_uri: Option<&str>) -> RealmEndpoint {
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let key_uri = key_uri.map(|text| KeyUri::parse(text).expect("an address"));
    RealmEndpoint::new(issuer, None, key_uri).expect("an endpoint")
}

/// Discovery documents: keys are asked for on the issuer's own origin only, or at the one address that is allowed by name.
pub fn discovery(bytes: &[u8]) {
    match ON_ORIGIN.key_uri_in(bytes) {
        Ok(url) => {
            reached("keys on the issuer's origin");
            assert_eq!(url.origin().ascii_serialization(), ORIGIN);
            assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
            says_so(bytes);
        }
        Err(error) => line::is_message(&error.to_string()),
    }
    match BY_NAME.key_uri_in(bytes) {
        Ok(url) => {
            reached("keys by name");
            assert_eq!(url.as_str(), NAMED);
            says_so(bytes);
        }
        Err(error) => line::is_message(&error.to_string()),
    }
}

/// What a derived reader takes from the document; like ours it passes over the other members unread.
#[derive(serde::Deserialize)]
struct Said {
    issuer: String,
    jwks_uri: String,
}

/// Another reader finds our issuer and an `https` address in the document too.
fn says_so(bytes: &[u8]) {
    let said: Said = serde_json::from_slice(bytes).expect("JSON");
    assert_eq!(said.issuer, ISSUER);
    assert!(said.jwks_uri.starts_with("https://"), "{}", said.jwks_uri);
}
