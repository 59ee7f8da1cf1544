//! The claims without which an access token proves nothing, and which setting of Keycloak writes each.

use std::fmt;

/// A claim that every access token has to have, in the order they are looked at.
///
/// Keycloak writes all of them, but takes some of them from settings of a client, so that a realm may leave them out
/// without meaning to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredClaim {
    /// `iss`
    Issuer,
    /// `typ`
    Kind,
    /// `jti`
    TokenId,
    /// `aud`
    Audience,
    /// `azp`
    Client,
    /// `iat`
    IssuedAt,
    /// `exp`
    ExpiresAt,
    /// `sub`
    Subject,
}

impl RequiredClaim {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Issuer,
        Self::Kind,
        Self::TokenId,
        Self::Audience,
        Self::Client,
        Self::IssuedAt,
        Self::ExpiresAt,
        Self::Subject,
    ];

    /// The claim's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issuer => "iss",
            Self::Kind => "typ",
            Self::TokenId => "jti",
            Self::Audience => "aud",
            Self::Client => "azp",
            Self::IssuedAt => "iat",
            Self::ExpiresAt => "exp",
            Self::Subject => "sub",
        }
    }

    /// A fixed name of its absence, for audit lines and metrics.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Issuer => "no_issuer",
            Self::Kind => "no_kind",
            Self::TokenId => "no_token_id",
            Self::Audience => "no_audience",
            Self::Client => "no_client",
            Self::IssuedAt => "no_issued_at",
            Self::ExpiresAt => "no_expiry",
            Self::Subject => "no_subject",
        }
    }

    /// What in Keycloak writes it, for whoever has to see to it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Subject => {
                "from Keycloak 25 on the mapper `sub` of the client scope `basic` writes it: give the client that scope"
            }
            Self::Audience => {
                "an audience mapper writes it, or the client scope `roles` for a client whose roles the user has: give \
                 the client one of them"
            }
            Self::Client => {
                "Keycloak writes the client's id: a mapper of the client, a script or a plugin has replaced it, or this \
                 is no access token"
            }
            Self::Kind => {
                "Keycloak writes `Bearer` into every access token: this is an answer of the user info endpoint or of \
                 introspection, or a script or a plugin has taken it away"
            }
            Self::Issuer | Self::TokenId | Self::IssuedAt | Self::ExpiresAt => {
                "Keycloak writes it into every access token: a script or a plugin has taken it away, or this is no \
                 access token"
            }
        }
    }
}

impl fmt::Display for RequiredClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
