//! Why the realm's keys could not be had.

use std::fmt;
use std::time::Duration;

use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use claim_guard::jws::KeySetError;

use crate::discovery::DiscoveryFault;
use crate::exchange::ExchangeFault;

/// The realm's keys cannot be had now, so no token can be decided on: the third kind of no, which heals by itself.
///
/// Variants stand in the order in which a fetch meets them. What the other side presented is kept as an [`Excerpt`]:
/// short, printable, fit for a log line. No variant holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysUnavailable {
    /// Both documents together took longer than they may.
    Timeout {
        /// How long they may take.
        deadline: Duration,
    },
    /// One of the two did not arrive.
    Exchange {
        /// Why.
        fault: ExchangeFault,
    },
    /// The discovery document cannot be read.
    Discovery {
        /// What is wrong with it.
        fault: DiscoveryFault,
    },
    /// The discovery document is another issuer's (OpenID Connect Discovery 1.0 §4.3).
    WrongIssuer {
        /// The configured issuer.
        expected: Issuer,
        /// The issuer presented.
        presented: Excerpt,
    },
    /// The discovery document points to keys elsewhere than on the issuer's origin or at the configured address.
    ForeignKeyUri {
        /// The configured address, else the issuer's origin.
        expected: Excerpt,
        /// The address presented.
        presented: Excerpt,
    },
    /// The JWK set is refused as a whole.
    KeySet {
        /// Why.
        fault: KeySetError,
    },
    /// The fetch ended without a result: its task was cancelled with its runtime, or panicked.
    Abandoned,
}

impl KeysUnavailable {
    /// The cause's name in an audit line; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "keys_timeout",
            Self::Exchange { fault } => match fault {
                ExchangeFault::UnknownHost { .. } => "keys_unknown_host",
                ExchangeFault::Tls { .. } => "keys_tls",
                ExchangeFault::Unreachable { .. } => "keys_unreachable",
                ExchangeFault::ConnectionLost { .. } => "keys_connection_lost",
                ExchangeFault::Status { .. } => "keys_status",
                ExchangeFault::Encoded { .. } => "keys_encoded",
                ExchangeFault::TooLarge { .. } => "keys_too_large",
            },
            Self::Discovery { .. } => "keys_discovery",
            Self::WrongIssuer { .. } => "keys_wrong_issuer",
            Self::ForeignKeyUri { .. } => "keys_foreign_uri",
            Self::KeySet { .. } => "keys_refused",
            Self::Abandoned => "keys_abandoned",
        }
    }

    /// What was expected, where two things were compared.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::Exchange { fault } => fault.expected(),
            Self::WrongIssuer { expected, .. } => Some(expected.to_string()),
            Self::ForeignKeyUri { expected, .. } => Some(expected.to_string()),
            Self::Timeout { .. } | Self::Discovery { .. } | Self::KeySet { .. } | Self::Abandoned => None,
        }
    }

    /// What was presented instead, where two things were compared.
    pub fn presented(&self) -> Option<String> {
        match self {
            Self::Exchange { fault } => fault.presented(),
            Self::WrongIssuer { presented, .. } => Some(presented.to_string()),
            Self::ForeignKeyUri { presented, .. } => Some(presented.to_string()),
            Self::Timeout { .. } | Self::Discovery { .. } | Self::KeySet { .. } | Self::Abandoned => None,
        }
    }

    /// How long the realm asked us to stay away.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Exchange { fault: ExchangeFault::Status { retry_after, .. } } => retry_after.unwrap_or_default(),
            Self::Exchange { .. }
            | Self::Timeout { .. }
            | Self::Discovery { .. }
            | Self::WrongIssuer { .. }
            | Self::ForeignKeyUri { .. }
            | Self::KeySet { .. }
            | Self::Abandoned => Duration::ZERO,
        }
    }
}

impl From<ExchangeFault> for KeysUnavailable {
    fn from(fault: ExchangeFault) -> Self {
        Self::Exchange { fault }
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { deadline } => {
                write!(f, "the realm's keys did not arrive within `{}` ms", deadline.as_millis())
            }
            Self::Exchange { fault } => fault.fmt(f),
            Self::Discovery { fault } => write!(f, "the discovery document cannot be read: {fault}"),
            Self::WrongIssuer { expected, presented } => {
                write!(f, "the discovery document is of issuer `{presented}`, expected `{expected}`")
            }
            Self::ForeignKeyUri { expected, presented } => {
                write!(f, "the discovery document names keys at `{presented}`, expected `{expected}`")
            }
            Self::KeySet { fault } => write!(f, "the JWK set is refused: {fault}"),
            Self::Abandoned => f.write_str("the fetch of the realm's keys ended without a result"),
        }
    }
}

impl std::error::Error for KeysUnavailable {}
