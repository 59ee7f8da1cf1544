#![doc = include_str!("../README.md")]

// In reading order: the flow is token → claims → decision → grant → audit.

pub mod identifier;
pub mod json;
pub mod unix_time;

mod excerpt;

/// Compact JWS: what both kinds of token have in common.
pub mod jws;

/// Access token → verified claims.
pub mod token;

/// What a verified statement says: roles, claims, identity.
pub mod claims;

/// `access.toml`: what routes, starts and states ask.
pub mod access;

/// The signed statement that travels in an execution in place of the access token → verified transaction.
pub mod transaction;

/// Requirement → decision: a grant, or everything that is unmet.
pub mod decision;

/// An old statement → what to ask the realm → a statement of now.
pub mod revalidation;

/// Grant, or statement of now → transaction token.
pub mod mint;

/// Decision → audit line.
pub mod audit;

pub use claims::{Actor, ActorError, ClaimPath, ClaimTree, Identity, Party, Role};
pub use excerpt::Excerpt;
pub use json::{JsonError, object as strict_json_object};
pub use token::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, Rejection, VerifiedClaims};
pub use transaction::{TransactionToken, TransactionVerifier, VerifiedTransaction};
pub use unix_time::UnixTime;
