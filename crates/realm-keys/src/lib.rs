//! The realm's JWK set over HTTPS: discovery, cache, single flight, cool-down.
//!
//! One [`RealmKeys`] stands for one realm in one process. It asks the realm's discovery document for the address of its
//! JWK set, fetches that and keeps it: [`RealmKeys::key_set`] answers a set that may be trusted now, or says why there is
//! none. Verifying with it is `claim-guard`'s work. The rules of the cache are listed at [`RealmKeys`].
//!
//! What a realm may do to whoever asks it is bounded in one place, [`BoundedClient`], which others that ask a realm use too.

// In reading order: from the configuration over the cache to the wire.

/// The environment's variables → verifier and keys.
mod settings;

/// Where the realm is and whom to trust about it.
mod endpoint;

/// Who may vouch for its host.
mod authority;

/// Why there is no endpoint to ask.
mod endpoint_error;

/// Who is served at once, who waits, who may ask the realm.
mod cache;

/// Where key sets come from.
mod key_source;

/// Time and chance.
mod clock;

/// Time as a test wants it.
#[cfg(any(test, feature = "moved-clock"))]
mod moved_clock;

/// The two requests.
mod https;

/// One request and its bounds.
mod exchange;

/// What is read of a discovery document.
mod discovery;

/// Why there are no keys.
mod unavailable;

/// What is told of a fetch that no caller hears of.
mod notice;

#[cfg(test)]
#[path = "../tests/support/faulty_server.rs"]
mod faulty_server;

#[cfg(test)]
mod fixtures;

pub use authority::RealmCa;
pub use cache::RealmKeys;
#[cfg(any(test, feature = "moved-clock"))]
pub use cache::{CacheRules, Outcome, SimulatedCache};
pub use discovery::DiscoveryFault;
pub use endpoint::{KeyUri, RealmEndpoint};
pub use endpoint_error::EndpointError;
pub use exchange::{BoundedClient, Document, ExchangeFault, HttpResponse, Request};
#[cfg(any(test, feature = "moved-clock"))]
pub use moved_clock::MovedClock;
pub use notice::{KeyNotice, NOTICE_FORMAT};
pub use reqwest::Url;
pub use settings::{RealmSettings, RealmTrust, SettingsFault, SettingsFaults};
pub use unavailable::KeysUnavailable;
