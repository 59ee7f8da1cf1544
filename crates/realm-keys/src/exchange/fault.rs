//! Why a document did not arrive.

use std::fmt;
use std::time::Duration;

use claim_guard::Excerpt;

/// Which document was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The realm's metadata (OpenID Connect Discovery 1.0 §4).
    Discovery,
    /// The realm's keys (RFC 7517 §5).
    KeySet,
    /// The access token of a service account (RFC 6749 §5).
    ServiceToken,
    /// What the realm says of itself to everybody.
    Realm,
    /// A client, as the realm's administrator sees it.
    Client,
    /// A user, as the realm's administrator sees him.
    User,
    /// The users of a name who are disabled.
    DisabledUsers,
    /// The sessions that a user has.
    Sessions,
    /// What a user has granted to clients.
    Consents,
    /// The claims that a client would get for a user now.
    Evaluation,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::KeySet => "JWK set",
            Self::ServiceToken => "service account's token",
            Self::Realm => "realm",
            Self::Client => "client",
            Self::User => "user",
            Self::DisabledUsers => "disabled users",
            Self::Sessions => "user's sessions",
            Self::Consents => "user's consents",
            Self::Evaluation => "evaluation",
        })
    }
}

/// A document did not arrive, or not as one that may be read.
///
/// Variants stand in the order in which an exchange meets them. What the other side presented is kept as an [`Excerpt`]:
/// short, printable, fit for a log line. No variant holds anything of a body, or of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeFault {
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
    /// The answer has a status that means nothing here. Redirects are answers like any other: none is followed.
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
}

impl ExchangeFault {
    /// What was expected, where two things were compared.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::Status { .. } => Some("200".to_owned()),
            Self::TooLarge { limit, .. } => Some(format!("{limit} bytes")),
            Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::Encoded { .. } => None,
        }
    }

    /// What was presented instead, where two things were compared.
    pub fn presented(&self) -> Option<String> {
        match self {
            Self::Status { presented, .. } => Some(presented.to_string()),
            Self::Encoded { presented, .. } => Some(presented.to_string()),
            Self::UnknownHost { .. }
            | Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::ConnectionLost { .. }
            | Self::TooLarge { .. } => None,
        }
    }
}

impl fmt::Display for ExchangeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
        }
    }
}

impl std::error::Error for ExchangeFault {}
