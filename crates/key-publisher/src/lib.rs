//! Deploy-time custom resource: KMS public keys as a JWK set.
//!
//! Guards verify transaction tokens offline, with the public keys in their environment; Keycloak fetches those of
//! revalidation's client from the API. This function reads such a set of keys from KMS once per deployment and hands it to
//! the stack: `Jwks` (the JWK set, as JSON text) and `KeyId` (the key that signs, which is the first of `KeyArns`). CloudFormation waits for an answer, so whatever goes wrong after the
//! event told where to answer ends as `FAILED` with a reason, never as a stack that hangs.

/// The answer that CloudFormation waits for, and its delivery.
pub mod answer;
/// What CloudFormation sends, parsed strictly.
pub mod event;
/// One P-256 key: SPKI → JWK, with its RFC 7638 thumbprint as key id.
pub mod jwk;
/// Asking KMS for a public key.
pub mod kms;
/// From an event to its answer.
pub mod publish;
