//! Where key sets come from.

use std::pin::Pin;

use claim_guard::RealmKeySet;

use crate::unavailable::KeysUnavailable;

/// A fetch that goes on.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<RealmKeySet, KeysUnavailable>> + Send + 'a>>;

/// Where key sets come from. It bounds its own time.
pub(crate) trait KeySource: Send + Sync {
    /// Fetches the key set that stands now.
    fn fetch(&self) -> Fetching<'_>;
}
