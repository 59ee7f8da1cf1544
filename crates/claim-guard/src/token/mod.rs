//! Access token → verified claims.

mod access_token;
mod expectation;
mod keycloak;
mod realm_key_set;
mod rejection;
mod required_claim;
mod verify;

pub use access_token::{AccessToken, MAX_ACCESS_TOKEN_BYTES};
pub use expectation::{ClientList, Leeway};
pub(crate) use keycloak::is_of_another_kind;
pub use realm_key_set::RealmKeySet;
pub use rejection::Rejection;
pub use required_claim::RequiredClaim;
pub(crate) use verify::MAX_SCOPE_BYTES;
pub use verify::{AccessTokenVerifier, MAX_LIFETIME_SECONDS, VerifiedClaims};
