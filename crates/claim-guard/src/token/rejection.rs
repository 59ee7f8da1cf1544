//! Why an access token proves nothing.

use std::fmt;

use crate::claims::ActorError;
use crate::excerpt::Excerpt;
use crate::identifier::{Audience, Issuer};
use crate::json::MemberError;
use crate::jws::JwsError;
use crate::token::required_claim::RequiredClaim;
use crate::unix_time::UnixTime;

/// The causes, in the order they are looked at, each with both sides of its comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The header is not `Bearer`, one space and a token.
    NoBearerToken,
    /// A refresh token. Keycloak keeps these for itself.
    RefreshToken,
    /// An offline token: a refresh token without an end.
    OfflineToken,
    /// Not a signed token of the realm: format, header, key or signature.
    Jws(JwsError),
    /// A claim is absent that every access token has to have. Said where it is looked for, so in no order.
    NoClaim {
        /// The claim.
        claim: RequiredClaim,
        /// The token's `azp`, whose settings are to be seen to; none where it says none.
        client: Option<Excerpt>,
    },
    /// Another realm's token (RFC 7519 §4.1.1).
    WrongIssuer {
        /// Our realm.
        expected: Issuer,
        /// The token's `iss`.
        presented: Excerpt,
    },
    /// An ID token: it tells a client who logged in, and opens nothing.
    IdToken,
    /// A token bound to a DPoP key (RFC 9449), whose proof is not seen here.
    DpopBoundToken,
    /// A token bound to a TLS certificate (RFC 8705), which is not seen here.
    CertificateBoundToken,
    /// A token bound to something else (RFC 7800).
    BoundToken,
    /// A lightweight token: it holds no roles and no claims to decide on.
    LightweightToken,
    /// Another kind of token.
    NotABearerToken {
        /// The payload's `typ`.
        presented: Excerpt,
    },
    /// A claim by which another kind of token is known: an ID token, a logout token, a DPoP proof, an UMA permission.
    ForeignClaim {
        /// The claim's name.
        name: &'static str,
    },
    /// A token for others (RFC 7519 §4.1.3).
    WrongAudience {
        /// Us.
        expected: Audience,
        /// The token's `aud`, joined with spaces.
        presented: Excerpt,
    },
    /// A token that was issued to a client which may not call us (`azp`).
    ForbiddenClient {
        /// The token's `azp`.
        presented: Excerpt,
    },
    /// The token was issued in the future, beyond the leeway.
    IssuedInFuture {
        /// The token's `iat`.
        issued_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// The token does not hold yet (RFC 7519 §4.1.5).
    NotYetValid {
        /// The token's `nbf`.
        not_before: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// The token no longer holds (RFC 7519 §4.1.4).
    Expired {
        /// The token's `exp`.
        expired_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// The token claims to hold for longer than a realm would let it, or ends before it begins.
    WrongLifetime {
        /// The most seconds that are accepted.
        limit: i64,
        /// `exp` − `iat`.
        presented: i64,
    },
    /// A role, or the client that it is of, has a control character in its name.
    MalformedRole {
        /// What was presented.
        presented: Excerpt,
    },
    /// The `scope` is not words with single spaces between them (RFC 6749 §3.3).
    MalformedScope {
        /// What was presented.
        presented: Excerpt,
    },
    /// Somebody acts in the subject's place, and the claim that says who does not say it.
    MalformedActor {
        /// The claim: `act` or `impersonator`.
        claim: &'static str,
        /// What is wrong with it.
        error: ActorError,
    },
    /// The `scope` has more bytes than an execution can carry.
    ScopeTooLong {
        /// The most bytes.
        limit: usize,
        /// How many there are.
        presented: usize,
    },
}

impl From<MemberError> for Rejection {
    fn from(error: MemberError) -> Self {
        Self::Jws(error.into())
    }
}

impl From<JwsError> for Rejection {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl Rejection {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBearerToken => "no_bearer_token",
            Self::RefreshToken => "refresh_token",
            Self::OfflineToken => "offline_token",
            Self::Jws(error) => error.code(),
            Self::NoClaim { claim, .. } => claim.code(),
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::IdToken => "id_token",
            Self::DpopBoundToken => "dpop_bound_token",
            Self::CertificateBoundToken => "certificate_bound_token",
            Self::BoundToken => "bound_token",
            Self::LightweightToken => "lightweight_token",
            Self::NotABearerToken { .. } => "not_a_bearer_token",
            Self::ForeignClaim { .. } => "foreign_claim",
            Self::WrongAudience { .. } => "wrong_audience",
            Self::ForbiddenClient { .. } => "forbidden_client",
            Self::IssuedInFuture { .. } => "issued_in_future",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::WrongLifetime { .. } => "wrong_lifetime",
            Self::MalformedRole { .. } => "malformed_role",
            Self::MalformedScope { .. } => "malformed_scope",
            Self::ScopeTooLong { .. } => "scope_too_long",
            Self::MalformedActor { .. } => "malformed_actor",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBearerToken => f.write_str("expected `Bearer TOKEN`"),
            Self::RefreshToken => f.write_str("a refresh token, expected an access token"),
            Self::OfflineToken => f.write_str("an offline token, expected an access token"),
            Self::Jws(error) => write!(f, "{error}"),
            Self::NoClaim { claim, client: Some(client) } => {
                write!(f, "claim `{claim}` is absent from a token of client `{client}`; {}", claim.setting())
            }
            Self::NoClaim { claim, client: None } => write!(f, "claim `{claim}` is absent; {}", claim.setting()),
            Self::WrongIssuer { expected, presented } => {
                write!(f, "issuer: expected `{expected}`, presented `{presented}`")
            }
            Self::IdToken => f.write_str("an ID token, expected an access token"),
            Self::DpopBoundToken => f.write_str("a DPoP-bound token, expected a bearer token"),
            Self::CertificateBoundToken => f.write_str("a certificate-bound token, expected a bearer token"),
            Self::BoundToken => f.write_str("a key-bound token, expected a bearer token"),
            Self::LightweightToken => f.write_str("a lightweight token, expected one with roles and claims"),
            Self::NotABearerToken { presented } => {
                write!(f, "payload `typ`: expected `Bearer`, presented `{presented}`")
            }
            Self::ForeignClaim { name } => write!(f, "claim `{name}` is of another kind of token"),
            Self::WrongAudience { expected, presented } => {
                write!(f, "audience: expected `{}`, presented `{presented}`", Excerpt::of(expected.as_str()))
            }
            Self::ForbiddenClient { presented } => write!(f, "client `{presented}` is not in the client list"),
            Self::IssuedInFuture { issued_at, now } => write!(f, "issued at `{issued_at}`, now is `{now}`"),
            Self::NotYetValid { not_before, now } => write!(f, "not before `{not_before}`, now is `{now}`"),
            Self::Expired { expired_at, now } => write!(f, "expired at `{expired_at}`, now is `{now}`"),
            Self::WrongLifetime { limit, presented } => {
                write!(f, "lifetime: expected `1` to `{limit}` seconds, presented `{presented}`")
            }
            Self::MalformedRole { presented } => write!(f, "malformed role `{presented}`"),
            Self::MalformedScope { presented } => write!(f, "malformed scope `{presented}`"),
            Self::ScopeTooLong { limit, presented } => {
                write!(f, "scope: expected at most `{limit}` bytes, presented `{presented}`")
            }
            Self::MalformedActor { claim, error } => {
                write!(f, "claim `{claim}` names no actor, which is all that a claim of this name may do: {error}")
            }
        }
    }
}

impl std::error::Error for Rejection {}
