//! Why there is no endpoint to ask.

use claim_guard::Excerpt;

/// Why a text names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The issuer is no URL that can be asked, for example because of its port.
    #[error("the issuer `{presented}` is no URL that can be asked")]
    IssuerNotAUrl {
        /// The issuer.
        presented: Excerpt,
    },
    /// The certificate is not base64 (RFC 4648 §4, padded, on one line).
    #[error("not base64: give one DER certificate as padded base64 on one line")]
    CertificateNotBase64,
    /// The bytes are not one X.509 certificate in DER.
    #[error("not one DER certificate: `{reason}`")]
    NotACertificate {
        /// What the TLS library found.
        reason: Excerpt,
    },
    /// The address of the JWK set is not an absolute `https` URL without user, password and fragment.
    #[error("`{presented}` is not of the shape `https://HOST[:PORT]/PATH` without user and fragment")]
    NotAKeyUri {
        /// The address.
        presented: Excerpt,
    },
    /// No HTTPS client can be made for this endpoint.
    #[error("no HTTPS client can be made: `{reason}`")]
    NoClient {
        /// What the HTTP library found.
        reason: Excerpt,
    },
}
