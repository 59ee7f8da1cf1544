//! Deploy-time custom resources: KMS public keys as a JWK set, and a digest of what the stack is configured with.
//!
//! Guards verify transaction tokens offline, with the public keys in their environment; Keycloak fetches those of
//! revalidation's client from the API. This function reads such a set of keys from KMS once per deployment and hands it to
//! the stack: `Jwks` (the JWK set, as JSON text) and `KeyId` (the key that signs, which is the first of `KeyArns`).
//!
//! A published version of a function keeps its environment, and another one is published only where the template's text changes.
//! What stands there by reference changes without its text, so this function also tells a `Digest` of a list of values, which
//! the template makes the versions' description.
//!
//! CloudFormation waits for an answer, so whatever goes wrong after the event told where to answer ends as `FAILED` with a
//! reason, never as a stack that hangs.

/// The answer that CloudFormation waits for, and its delivery.
pub mod answer;
/// A digest of values, by which one configuration is told from another.
pub mod configuration;
/// What CloudFormation sends, parsed strictly.
pub mod event;
/// One P-256 key: SPKI → JWK, with its RFC 7638 thumbprint as key id.
pub mod jwk;
/// Asking KMS for a public key.
pub mod kms;
/// From an event to its answer.
pub mod publish;
