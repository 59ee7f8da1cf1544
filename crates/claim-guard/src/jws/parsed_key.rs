//! A public key, parsed once, behind the JWT library's own seam for verifiers.
//!
//! The library's own verifiers import their key anew for every signature, which for RSA costs a quarter of the check.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::signature::{Error, Verifier};

use crate::jws::algorithm::Algorithm;

/// A key that verifies signatures of exactly one algorithm.
pub(super) struct ParsedKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// What a key is made of.
pub(super) enum Material<'a> {
    /// RSA: modulus and exponent, big-endian, without leading zeros.
    Components { modulus: &'a [u8], exponent: &'a [u8] },
    /// An elliptic curve: the uncompressed point, or the 32 bytes of Ed25519.
    Point(&'a [u8]),
}

impl ParsedKey {
    /// The key; none if the material is no key for that algorithm, or a point that is not on its curve.
    pub(super) fn new(algorithm: Algorithm, material: &Material<'_>) -> Option<Self> {
        let key = match (parameters(algorithm), material) {
            (Parameters::Rsa(parameters), Material::Components { modulus, exponent }) => {
                RsaPublicKeyComponents { n: *modulus, e: *exponent }.to_parsed_public_key(parameters)
            }
            (Parameters::Curve(parameters), Material::Point(point)) => ParsedPublicKey::new(parameters, point),
            (Parameters::Rsa(_), Material::Point(_)) | (Parameters::Curve(_), Material::Components { .. }) => {
                return None;
            }
        };
        Some(Self { algorithm, key: key.ok()? })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ParsedKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.key.verify_sig(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for ParsedKey {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        self.algorithm.library()
    }
}

enum Parameters {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

fn parameters(algorithm: Algorithm) -> Parameters {
    match algorithm {
        Algorithm::Rs256 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Parameters::Curve(&ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Parameters::Curve(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDsa => Parameters::Curve(&ED25519),
    }
}
