//! Why there is no endpoint to ask.

use std::fmt;

use claim_guard::Excerpt;

/// Why a text names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointError {
    /// The issuer is no URL that can be asked, for example because of its port.
    IssuerNotAUrl {
        /// The issuer.
        presented: Excerpt,
    },
    /// The certificate is not base64 (RFC 4648 §4, padded, on one line).
    CertificateNotBase64,
    /// The bytes are not one X.509 certificate in DER.
    NotACertificate {
        /// What the TLS library found.
        reason: Excerpt,
    },
    /// The address of the JWK set is not an absolute `https` URL without user, password and fragment.
    NotAKeyUri {
        /// The address.
        presented: Excerpt,
    },
    /// No HTTPS client can be made for this endpoint.
    NoClient {
        /// What the HTTP library found.
        reason: Excerpt,
    },
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerNotAUrl { presented } => write!(f, "the issuer `{presented}` is no URL that can be asked"),
            Self::CertificateNotBase64 => {
                f.write_str("not base64: give one DER certificate as padded base64 on one line")
            }
            Self::NotACertificate { reason } => write!(f, "not one DER certificate: `{reason}`"),
            Self::NotAKeyUri { presented } => {
                write!(f, "`{presented}` is not of the shape `https://HOST[:PORT]/PATH` without user and fragment")
            }
            Self::NoClient { reason } => write!(f, "no HTTPS client can be made: `{reason}`"),
        }
    }
}

impl std::error::Error for EndpointError {}
