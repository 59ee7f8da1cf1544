//! Why Keycloak has not answered.

use std::fmt;
use std::time::Duration;

use claim_guard::Excerpt;
use claim_guard::audit::Reason;
use claim_guard::identifier::Issuer;
use claim_guard::jws::DerError;
use claim_guard::revalidation::AnswerFault;
use minting::ServiceError;
use realm_keys::{Document, EndpointError, ExchangeFault};

use crate::keycloak::realm_refusal::RealmRefusal;
use crate::keycloak::service_token::ServiceTokenFault;

/// Nothing is known of what Keycloak says now. It never leads to a new statement.
///
/// Variants stand in the order in which a question meets them. None holds a token, or anything of an answer's body but what
/// Keycloak itself says of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeycloakFault {
    /// The question is about a user of another realm than we know.
    AnotherIssuer {
        /// Our realm.
        expected: Issuer,
        /// The realm that is asked for.
        presented: Issuer,
    },
    /// No HTTPS client can be made for the question.
    NoClient(EndpointError),
    /// All requests together took longer than they may.
    Timeout {
        /// How long they may take.
        deadline: Duration,
    },
    /// A name cannot be asked about: as a part of a path it would lead elsewhere.
    NotAPathPart {
        /// The path.
        presented: Excerpt,
    },
    /// The system gives no random bytes for an assertion.
    NoRandom,
    /// The key that proves who we are does not sign.
    Unsigned(ServiceError),
    /// The key answered something that is no signature.
    MalformedSignature(DerError),
    /// The realm does not take us for the client that we say we are, or gives that client no token.
    ClientRefused {
        /// The status.
        status: u16,
        /// What the realm says.
        refusal: RealmRefusal,
    },
    /// The token endpoint's answer is none.
    ServiceToken(ServiceTokenFault),
    /// The realm does not take the token that it has just given us.
    TokenRefused {
        /// What was asked for.
        document: Document,
    },
    /// Our service account has not the role that it needs.
    Forbidden {
        /// What was asked for.
        document: Document,
        /// What the realm says.
        refusal: RealmRefusal,
    },
    /// An answer did not arrive, or has a status that says nothing.
    Exchange(ExchangeFault),
    /// An answer says something else than what was asked.
    Answer(AnswerFault),
}

impl KeycloakFault {
    /// The cause's name in an audit line; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnotherIssuer { .. } => "keycloak_another_issuer",
            Self::NoClient(_) => "keycloak_no_client",
            Self::Timeout { .. } => "keycloak_timeout",
            Self::NotAPathPart { .. } => "keycloak_not_a_path_part",
            Self::NoRandom => "no_random",
            Self::Unsigned(_) => "keycloak_unsigned",
            Self::MalformedSignature(_) => "malformed_signature",
            Self::ClientRefused { .. } => "keycloak_client_refused",
            Self::ServiceToken(_) => "keycloak_service_token",
            Self::TokenRefused { .. } => "keycloak_token_refused",
            Self::Forbidden { .. } => "keycloak_forbidden",
            Self::Exchange(fault) => match fault {
                ExchangeFault::UnknownHost { .. } => "keycloak_unknown_host",
                ExchangeFault::Tls { .. } => "keycloak_tls",
                ExchangeFault::Unreachable { .. } => "keycloak_unreachable",
                ExchangeFault::ConnectionLost { .. } => "keycloak_connection_lost",
                ExchangeFault::Status { .. } => "keycloak_status",
                ExchangeFault::Encoded { .. } => "keycloak_encoded",
                ExchangeFault::TooLarge { .. } => "keycloak_too_large",
            },
            Self::Answer(fault) => fault.code(),
        }
    }

    /// Whether somebody has to act before another try can do better.
    pub fn is_misconfiguration(&self) -> bool {
        match self {
            Self::AnotherIssuer { .. }
            | Self::NotAPathPart { .. }
            | Self::ClientRefused { .. }
            | Self::Forbidden { .. }
            | Self::Unsigned(ServiceError::Misconfigured(_)) => true,
            Self::NoClient(_)
            | Self::Timeout { .. }
            | Self::NoRandom
            | Self::Unsigned(ServiceError::Undecided(_))
            | Self::MalformedSignature(_)
            | Self::ServiceToken(_)
            | Self::TokenRefused { .. }
            | Self::Exchange(_)
            | Self::Answer(_) => false,
        }
    }
}

impl fmt::Display for KeycloakFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherIssuer { expected, presented } => {
                write!(f, "the subject is of issuer `{presented}`, expected `{expected}`")
            }
            Self::NoClient(error) => write!(f, "{error}"),
            Self::Timeout { deadline } => {
                write!(f, "keycloak did not answer everything within `{}` ms", deadline.as_millis())
            }
            Self::NotAPathPart { presented } => write!(f, "`{presented}` cannot be asked for: a part of it is a step"),
            Self::NoRandom => f.write_str("the system gives no random bytes"),
            Self::Unsigned(_) => f.write_str("the client assertion is not signed"),
            Self::MalformedSignature(error) => write!(f, "client assertion: {error}"),
            Self::ClientRefused { status, refusal } => {
                write!(f, "our client is refused with status `{status}`: {refusal}")
            }
            Self::ServiceToken(fault) => write!(f, "the service account's token is none: {fault}"),
            Self::TokenRefused { document } => {
                write!(f, "the {document} was refused to a token that keycloak has just given")
            }
            Self::Forbidden { document, refusal } => {
                write!(f, "our service account may not read the {document}: {refusal}")
            }
            Self::Exchange(fault) => write!(f, "{fault}"),
            Self::Answer(fault) => write!(f, "keycloak's answer says something else: {fault}"),
        }
    }
}

impl std::error::Error for KeycloakFault {}

impl From<ExchangeFault> for KeycloakFault {
    fn from(fault: ExchangeFault) -> Self {
        Self::Exchange(fault)
    }
}

impl From<AnswerFault> for KeycloakFault {
    fn from(fault: AnswerFault) -> Self {
        Self::Answer(fault)
    }
}

impl From<KeycloakFault> for ServiceError {
    fn from(fault: KeycloakFault) -> Self {
        let is_misconfiguration = fault.is_misconfiguration();
        let reason = Reason::new(fault.code(), &fault);
        if let KeycloakFault::Unsigned(failure) = fault {
            // The signer's own words say more.
            return failure;
        }
        if is_misconfiguration { Self::Misconfigured(reason) } else { Self::Undecided(reason) }
    }
}
