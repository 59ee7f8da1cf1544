//! The lab's own certificate authority, which signs the certificate that its Keycloak shows.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use crate::cache;
use crate::failure::{Failure, OrFailure};

const AGAIN: &str = "run `cargo xtask lab up` again";

/// Where a lab's certificates stand. Fresh for every lab; the authority's key is not kept.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate, PEM.
    pub authority: PathBuf,
    /// The server's certificate, PEM.
    pub server: PathBuf,
    /// The server's private key, PEM, readable for its owner only.
    pub server_key: PathBuf,
}

impl Certificates {
    /// The files in `directory`, whether they are there yet or not.
    pub fn at(directory: &Path) -> Certificates {
        Certificates {
            authority: directory.join("lab-ca.pem"),
            server: directory.join("keycloak.pem"),
            server_key: directory.join("keycloak.key"),
        }
    }

    /// Makes an authority and a server certificate for `127.0.0.1` and `localhost`.
    ///
    /// # Errors
    /// They cannot be made or written.
    pub fn make(directory: &Path) -> Result<Certificates, Failure> {
        let certificates = Certificates::at(directory);
        let (authority, server, key) = issue().or_failure("make the lab's certificates", AGAIN)?;
        cache::write_private(&certificates.authority, &authority)?;
        cache::write_private(&certificates.server, &server)?;
        cache::write_private(&certificates.server_key, &key)?;
        Ok(certificates)
    }

    /// The authority's certificate as the stack takes it: base64 of its DER.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn authority_base64(&self) -> Result<String, Failure> {
        let pem = self.authority_pem()?;
        Ok(pem.lines().filter(|line| !line.starts_with('-')).collect())
    }

    /// The authority's certificate, PEM.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn authority_pem(&self) -> Result<String, Failure> {
        std::fs::read_to_string(&self.authority).or_failure(format!("read {}", self.authority.display()), AGAIN)
    }
}

fn issue() -> Result<(String, String, String), rcgen::Error> {
    let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, "lab authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_certificate = authority.self_signed(&authority_key)?;

    let server_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut server = CertificateParams::new(vec!["127.0.0.1".into(), "localhost".into()])?;
    server.distinguished_name.push(DnType::CommonName, "lab keycloak");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issuer = Issuer::from_params(&authority, &authority_key);
    let server_certificate = server.signed_by(&server_key, &issuer)?;
    Ok((authority_certificate.pem(), server_certificate.pem(), server_key.serialize_pem()))
}

/// A password nobody has to remember: 24 random bytes.
///
/// # Errors
/// The system gives no randomness.
pub fn random_password() -> Result<String, Failure> {
    let mut bytes = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut bytes).or_failure("draw a password", AGAIN)?;
    Ok(STANDARD.encode(bytes).replace(['+', '/'], "x"))
}
