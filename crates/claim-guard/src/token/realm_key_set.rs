//! The realm's public keys.

use crate::identifier::KeyId;
use crate::jws::{KeySet, KeySetError, SkippedKey};

/// The keys of a realm's JWK set that can verify an access token; at least one.
///
/// Every key is vetted when it is imported: a bad one is left out with its reason, and the others stay usable.
#[derive(Debug)]
pub struct RealmKeySet(KeySet);

impl RealmKeySet {
    /// Imports a JWK set as the realm publishes it.
    ///
    /// # Errors
    /// [`KeySetError`] if the bytes are no JWK set, too many, or hold no usable key.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        KeySet::parse(bytes).map(Self)
    }

    /// Whether a usable key of that name is in the set.
    pub fn contains(&self, key_id: &KeyId) -> bool {
        self.0.get(key_id).is_some()
    }

    /// The keys that were left out.
    pub fn skipped(&self) -> &[SkippedKey] {
        self.0.skipped()
    }

    /// The names of the usable keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.keys().map(|(key_id, _)| key_id)
    }

    pub(crate) fn keys(&self) -> &KeySet {
        &self.0
    }
}
