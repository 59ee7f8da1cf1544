//! Keys and tokens of a realm that exists only in tests.
//!
//! Tests forge keys, never claims: what they want verified, they sign here, and it goes through the same verifier as a
//! token of a real realm. It panics on a wrong call, as test code may. Nothing but a dev-dependency may name this crate.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a wrong call is a wrong test")]

mod key;
mod payload;

pub use key::{TestKey, key_set};
pub use payload::{access_token_payload, with, without};

/// The issuer of the tokens that [`access_token_payload`] describes.
pub const ISSUER: &str = "https://keycloak.example.com/realms/workflows";
/// Their audience.
pub const AUDIENCE: &str = "workflow-api";
/// The client that they were issued to.
pub const CLIENT: &str = "payment-app";
/// Their subject.
pub const SUBJECT: &str = "5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001";
/// A time in tests: 2026-01-01T00:00:00Z.
pub const NOW: i64 = 1_767_225_600;
