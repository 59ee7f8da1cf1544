//! Why the realm's keys could not be had.

use std::fmt;
use std::time::Duration;

use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use claim_guard::jws::KeySetError;

/// Which of the two documents was being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The realm's metadata (OpenID Connect Discovery 1.0 §4).
    Discovery,
    /// The realm's keys (RFC 7517 §5).
    KeySet,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::KeySet => "JWK set",
        })
    }
}

/// Why the discovery document names neither the issuer nor the JWK set that we look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryFault {
    /// Not one JSON object in UTF-8, or nested too deep.
    Malformed {
        /// One-based line.
        line: usize,
        /// One-based column, in bytes.
        column: usize,
    },
    /// A member is not there.
    Absent {
        /// Its name.
        member: &'static str,
    },
    /// A member stands there twice, so readers differ on its value.
    Duplicate {
        /// Its name.
        member: &'static str,
    },
    /// A member is not a string.
    NotText {
        /// Its name.
        member: &'static str,
    },
}

impl fmt::Display for DiscoveryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column } => write!(f, "no JSON object: line `{line}` column `{column}`"),
            Self::Absent { member } => write!(f, "`{member}` is absent"),
            Self::Duplicate { member } => write!(f, "`{member}` is there twice"),
            Self::NotText { member } => write!(f, "`{member}` is no string"),
        }
    }
}

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
    /// The host has no address.
    UnknownHost {
        /// The document's host.
        host: Excerpt,
    },
    /// No TLS session: the certificate is not of a trusted authority, not for this host, not valid now, or the versions differ.
    Tls {
        /// The document's host.
        host: Excerpt,
        /// What the TLS library found.
        reason: Excerpt,
    },
    /// No connection could be made.
    Unreachable {
        /// The document's host.
        host: Excerpt,
        /// What the system said.
        reason: Excerpt,
    },
    /// The connection ended, or spoke no HTTP, before the whole document was there.
    ConnectionLost {
        /// The document.
        document: Document,
        /// What the HTTP library found.
        reason: Excerpt,
    },
    /// The answer was not 200. Redirects are answers like any other: none is followed.
    Status {
        /// The document.
        document: Document,
        /// The status presented; 200 was expected.
        presented: u16,
        /// How long to stay away, as the answer's `Retry-After` asks, capped; only for 429 and 503.
        retry_after: Option<Duration>,
    },
    /// The answer has a content coding, though none was accepted: a decoder would be a way around the size limit.
    Encoded {
        /// The document.
        document: Document,
        /// The coding presented.
        presented: Excerpt,
    },
    /// The document is longer than it may be; the rest was not read.
    TooLarge {
        /// The document.
        document: Document,
        /// How many bytes it may have.
        limit: usize,
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
            Self::UnknownHost { .. } => "keys_unknown_host",
            Self::Tls { .. } => "keys_tls",
            Self::Unreachable { .. } => "keys_unreachable",
            Self::ConnectionLost { .. } => "keys_connection_lost",
            Self::Status { .. } => "keys_status",
            Self::Encoded { .. } => "keys_encoded",
            Self::TooLarge { .. } => "keys_too_large",
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
            Self::Status { .. } => Some("200".to_owned()),
            Self::TooLarge { limit, .. } => Some(format!("{limit} bytes")),
            Self::WrongIssuer { expected, .. } => Some(expected.to_string()),
            Self::ForeignKeyUri { expected, .. } => Some(expected.to_string()),
            Self::Timeout { .. }
            | Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::Encoded { .. }
            | Self::Discovery { .. }
            | Self::KeySet { .. }
            | Self::Abandoned => None,
        }
    }

    /// What was presented instead, where two things were compared.
    pub fn presented(&self) -> Option<String> {
        match self {
            Self::Status { presented, .. } => Some(presented.to_string()),
            Self::Encoded { presented, .. } => Some(presented.to_string()),
            Self::WrongIssuer { presented, .. } => Some(presented.to_string()),
            Self::ForeignKeyUri { presented, .. } => Some(presented.to_string()),
            Self::Timeout { .. }
            | Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::TooLarge { .. }
            | Self::Discovery { .. }
            | Self::KeySet { .. }
            | Self::Abandoned => None,
        }
    }

    /// How long the realm asked us to stay away.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            Self::Timeout { .. }
            | Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::Encoded { .. }
            | Self::TooLarge { .. }
            | Self::Discovery { .. }
            | Self::WrongIssuer { .. }
            | Self::ForeignKeyUri { .. }
            | Self::KeySet { .. }
            | Self::Abandoned => Duration::ZERO,
        }
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { deadline } => {
                write!(f, "the realm's keys did not arrive within `{}` ms", deadline.as_millis())
            }
            Self::UnknownHost { host } => write!(f, "the host `{host}` has no address"),
            Self::Tls { host, reason } => write!(f, "no TLS session with `{host}`: `{reason}`"),
            Self::Unreachable { host, reason } => write!(f, "no connection to `{host}`: `{reason}`"),
            Self::ConnectionLost { document, reason } => write!(f, "the {document} broke off: `{reason}`"),
            Self::Status { document, presented, retry_after: None } => {
                write!(f, "the {document} was answered with status `{presented}`, expected `200`")
            }
            Self::Status { document, presented, retry_after: Some(wait) } => write!(
                f,
                "the {document} was answered with status `{presented}`, expected `200`: to be asked again in `{}` s",
                wait.as_secs()
            ),
            Self::Encoded { document, presented } => {
                write!(f, "the {document} has the content coding `{presented}`, expected none")
            }
            Self::TooLarge { document, limit } => write!(f, "the {document} has more than `{limit}` bytes"),
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
