//! Who may vouch for the realm's host.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claim_guard::Excerpt;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::endpoint_error::EndpointError;

/// One X.509 certificate of an authority, as the only one that may vouch for the realm's host.
#[derive(Clone, PartialEq, Eq)]
pub struct RealmCa(Vec<u8>);

impl RealmCa {
    /// A certificate in DER.
    ///
    /// # Errors
    /// [`EndpointError::NotACertificate`] if the bytes are anything else, PEM or two certificates for example.
    pub fn from_der(der: &[u8]) -> Result<Self, EndpointError> {
        RootCertStore::empty()
            .add(CertificateDer::from(der))
            .map_err(|error| EndpointError::NotACertificate { reason: Excerpt::of(&error.to_string()) })?;
        Ok(Self(der.to_vec()))
    }

    /// A certificate in DER, written as base64 on one line: the shape that fits into an environment variable.
    ///
    /// # Errors
    /// [`EndpointError`] if the text is not base64 or holds no certificate.
    pub fn from_base64(text: &str) -> Result<Self, EndpointError> {
        let der = STANDARD.decode(text).map_err(|_| EndpointError::CertificateNotBase64)?;
        Self::from_der(&der)
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RealmCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealmCa({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_certificate_in_der_is_an_authority() {
        let der = rcgen::generate_simple_self_signed(vec!["id.example".to_owned()]).unwrap().cert.der().to_vec();
        assert_eq!(RealmCa::from_der(&der).map(|ca| ca.der().to_vec()), Ok(der.clone()));
        assert_eq!(RealmCa::from_base64(&STANDARD.encode(&der)).map(|ca| ca.0), Ok(der.clone()));
        assert_eq!(RealmCa::from_base64("-----BEGIN CERTIFICATE-----"), Err(EndpointError::CertificateNotBase64));
        let not = |reason: &str| Err(EndpointError::NotACertificate { reason: Excerpt::of(reason) });
        assert_eq!(RealmCa::from_der(b""), not("invalid peer certificate: BadEncoding"));
        assert_eq!(RealmCa::from_der(&[der.clone(), der].concat()), not("invalid peer certificate: BadEncoding"));
    }
}
