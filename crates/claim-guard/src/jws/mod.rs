//! Compact JWS: what access tokens and transaction tokens have in common (RFC 7515, RFC 7517, RFC 8725).

mod algorithm;
mod base64url;
mod compact;
mod ecdsa;
mod edwards;
mod error;
mod key;
mod key_set;
mod parsed_key;
mod rsa;
#[cfg(test)]
mod wycheproof;

pub use algorithm::Algorithm;
pub(crate) use compact::{Compact, Dots, TokenTypes, UntrustedHeader};
pub use ecdsa::{DerError, fixed_from_der};
pub use error::JwsError;
pub use key::KeyFault;
pub(crate) use key_set::KeySet;
pub use key_set::{KeySetError, MAX_KEY_SET_BYTES, MAX_KEYS, SkippedKey};
