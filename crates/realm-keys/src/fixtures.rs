//! What several tests share: JWK sets and key ids.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::KeyId;

/// A JWK set with a new P-256 key for each name.
pub(crate) fn jwk_set(names: &[&str]) -> String {
    let keys: Vec<String> = names.iter().map(|name| jwk(name)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwk(name: &str) -> String {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // SEC 1 §2.3.3: 04, then both coordinates of 32 bytes.
    let (x, y) = pair.public_key_raw()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"{name}","x":"{x}","y":"{y}"}}"#)
}

pub(crate) fn key_id(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}
