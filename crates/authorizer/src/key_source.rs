//! Where keys come from.

use std::sync::Arc;

use claim_guard::RealmKeySet;
use claim_guard::audit::Reason;
use claim_guard::identifier::KeyId;
use realm_keys::RealmKeys;

/// The realm's keys, as the authorizer asks for them.
pub trait KeySource {
    /// The key set that stands now, to verify a token which names that key. It may lack the key.
    ///
    /// # Errors
    /// The [`Reason`] why no set can be had: what was asked stays undecided.
    fn key_set(&self, key_id: &KeyId) -> impl Future<Output = Result<Arc<RealmKeySet>, Reason>> + Send;
}

impl KeySource for RealmKeys {
    async fn key_set(&self, key_id: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        let keys = Self::key_set(self, key_id).await;
        keys.map_err(|unavailable| Reason::new(unavailable.code(), &unavailable))
    }
}
