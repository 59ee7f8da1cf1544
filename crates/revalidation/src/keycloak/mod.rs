//! Keycloak for real: what it says now of a user, over HTTPS, within one deadline.

// In reading order: from the question to the wire.

mod endpoint;

/// The question, request by request.
mod ask;

/// The service account's token, kept.
mod service_account;

/// The service account's token, as it is answered.
mod service_token;

/// Who we say we are.
mod assertion;

mod realm_refusal;

/// Why there is no answer.
mod fault;

#[cfg(test)]
mod tests;

pub use ask::{Keycloak, NoKeycloak};
pub use endpoint::NotARealmOfKeycloak;
pub use fault::KeycloakFault;
pub use realm_refusal::RealmRefusal;
pub use service_token::ServiceTokenFault;
