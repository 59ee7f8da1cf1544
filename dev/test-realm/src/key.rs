//! Signing keys.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    /// Signs in DER, as KMS does.
    EcdsaDer(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A signing key with the name and algorithm under which a JWK set publishes it.
pub struct TestKey {
    kid: String,
    algorithm: String,
    pair: Pair,
}

impl TestKey {
    /// A new key for a JWS algorithm: RS/PS 256, 384 or 512 (2048 bits), ES256, ES384 or EdDSA.
    pub fn generate(algorithm: &str, kid: &str) -> Self {
        let pair = match algorithm {
            "ES256" => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            "ES384" => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            "EdDSA" => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            _ => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        };
        Self { kid: kid.to_owned(), algorithm: algorithm.to_owned(), pair }
    }

    /// A new RSA key of 4096 bits for an RS or PS algorithm.
    pub fn rsa_4096(algorithm: &str, kid: &str) -> Self {
        let pair = Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa4096).unwrap());
        Self { kid: kid.to_owned(), algorithm: algorithm.to_owned(), pair }
    }

    /// A new key as KMS holds it: ES256, signing in DER, named by its RFC 7638 thumbprint.
    pub fn kms() -> Self {
        let pair = Pair::EcdsaDer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
        let mut key = Self { kid: String::new(), algorithm: "ES256".to_owned(), pair };
        let public = key.public_members();
        let canonical = json!({ "crv": public["crv"], "kty": "EC", "x": public["x"], "y": public["y"] });
        key.kid = encode(digest(&SHA256, canonical.to_string().as_bytes()).as_ref());
        key
    }

    /// The same key under another name or for another algorithm of its family, with which it then signs.
    #[must_use]
    pub fn renamed(mut self, algorithm: &str, kid: &str) -> Self {
        self.algorithm = algorithm.to_owned();
        self.kid = kid.to_owned();
        self
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK, as Keycloak publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.public_members();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A header as Keycloak writes it.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "typ": "JWT", "kid": self.kid })
    }

    /// A token with that payload and the usual header.
    pub fn token(&self, payload: &Value) -> String {
        self.token_of(&self.header().to_string(), &payload.to_string())
    }

    /// A token whose header and payload are exactly these texts.
    pub fn token_of(&self, header: &str, payload: &str) -> String {
        let signing_input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = encode(&self.sign(signing_input.as_bytes()));
        format!("{signing_input}.{signature}")
    }

    /// The bare signature: `r‖s` for ECDSA, DER for a key of [`TestKey::kms`].
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) | Pair::EcdsaDer(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let encoding: &dyn aws_lc_rs::signature::RsaEncoding = match self.algorithm.as_str() {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    other => panic!("no algorithm `{other}`"),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The bare signature over a message of which only the SHA-256 digest is known, as KMS signs it. Only for elliptic curves.
    pub fn sign_digest(&self, sha_256: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair) | Pair::EcdsaDer(pair) => {
                let digest = Digest::import_less_safe(sha_256, &SHA256).unwrap();
                pair.sign_digest(&digest).unwrap().as_ref().to_vec()
            }
            Pair::Rsa(_) | Pair::Ed25519(_) => panic!("KMS keys are elliptic here"),
        }
    }

    /// The public key in the form that KMS gives it: DER of SubjectPublicKeyInfo. Only for elliptic curves.
    pub fn spki(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
        match &self.pair {
            Pair::Ecdsa(pair) | Pair::EcdsaDer(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                der.as_ref().to_vec()
            }
            Pair::Rsa(_) | Pair::Ed25519(_) => panic!("KMS keys are elliptic here"),
        }
    }

    /// The public key as `aws-lc-rs` takes it: DER of RSAPublicKey (RFC 8017 A.1.1), else the point.
    pub fn public_key(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ecdsa(pair) | Pair::EcdsaDer(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    fn public_members(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Pair::Ecdsa(pair) | Pair::EcdsaDer(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.split_at(1).1.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        }
    }
}

/// The JWK set of these keys.
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a TestKey>) -> String {
    let keys: Vec<Value> = keys.into_iter().map(TestKey::jwk).collect();
    json!({ "keys": keys }).to_string()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
