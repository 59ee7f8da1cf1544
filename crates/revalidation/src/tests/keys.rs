//! The keys of the stack and of the realm, and who verifies by the realm's.

use std::sync::OnceLock;

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{AccessTokenVerifier, ClientList, Leeway};
use test_realm::{AUDIENCE, CLIENT, ISSUER, TestKey};

/// The stack's key.
pub(super) fn kms_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

/// A key of another stack.
pub(super) fn foreign_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

/// The realm's key.
pub(super) fn realm_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::generate("ES256", "realm-1"))
}

pub(super) fn access_tokens() -> AccessTokenVerifier {
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    AccessTokenVerifier::new(Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX)
}
