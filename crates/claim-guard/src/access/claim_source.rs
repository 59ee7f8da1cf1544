//! Where a claim comes from once an execution runs, and so what a renewal says of it.
//!
//! A renewal asks the realm for the claims of user and client as they are now. The log-in is over by then, and the realm's
//! example of a token makes one up: what a log-in has said is carried from statement to statement instead.

use std::collections::BTreeSet;

use crate::claims::{ACT, ClaimPath, SCOPE, SESSION};

/// Claims of the log-in, whatever the realm: how (OpenID Connect Core §2), when, and who may act for whoever logged in
/// (RFC 8693 §4.4).
const OF_THE_LOG_IN: [&str; 4] = ["acr", "amr", "auth_time", "may_act"];

/// Claims of one access token, which no statement repeats.
const OF_THE_ACCESS_TOKEN: [&str; 6] = ["exp", "iat", "jti", "nbf", "nonce", "session_state"];

/// What Keycloak's own mappers and templates call session notes.
const OF_A_SESSION_NOTE: [&str; 6] =
    ["clientAddress", "clientHost", "clientId", "client_id", "identity_provider", "identity_provider_identity"];

/// Where a statement of an execution has a claim from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimSource {
    /// A part of every statement by itself: who acts, the session, the scope.
    Stated,
    /// The log-in: carried as it was said at the start. It may go, and grow old, and nothing else.
    Authentication,
    /// The access token itself.
    AccessToken,
    /// The log-in, by its usual name; the policy does not say so.
    Unclassified,
    /// User and client: what the realm says now.
    Realm,
}

/// The claims that are said of the log-in: those that are so everywhere, and those that the policy declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AuthenticationClaims(pub(super) BTreeSet<String>);

impl AuthenticationClaims {
    /// Where the claim at that path comes from.
    pub(crate) fn source(&self, path: &ClaimPath) -> ClaimSource {
        path.segments().first().map_or(ClaimSource::Realm, |name| self.source_of(name))
    }

    /// Where the claim of that name comes from.
    pub(crate) fn source_of(&self, name: &str) -> ClaimSource {
        match name {
            ACT | SCOPE | SESSION => ClaimSource::Stated,
            _ if OF_THE_LOG_IN.contains(&name) || self.0.contains(name) => ClaimSource::Authentication,
            _ if OF_THE_ACCESS_TOKEN.contains(&name) => ClaimSource::AccessToken,
            _ if OF_A_SESSION_NOTE.contains(&name) => ClaimSource::Unclassified,
            _ => ClaimSource::Realm,
        }
    }
}
