//! The key that signs.

use std::future::Future;

use aws_config::SdkConfig;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use claim_guard::audit::Reason;

use crate::service_error::ServiceError;
use crate::signing_key::SigningKeyArn;

/// A key of the stack that signs. Tests stand behind this seam with keys of their own.
pub trait Signer: Sync {
    /// The ECDSA signature on P-256 over the message's SHA-256, in DER (RFC 3279 §2.2.3).
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Vec<u8>, ServiceError>> + Send;
}

impl<S: Signer> Signer for &S {
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Vec<u8>, ServiceError>> + Send {
        S::sign(self, message)
    }
}

/// A key that KMS holds and never gives away.
#[derive(Debug, Clone)]
pub struct KmsSigner {
    kms: aws_sdk_kms::Client,
    key: SigningKeyArn,
}

impl KmsSigner {
    /// The signer of that key. Nothing is asked yet.
    pub fn new(config: &SdkConfig, key: SigningKeyArn) -> Self {
        Self { kms: aws_sdk_kms::Client::new(config), key }
    }
}

impl Signer for KmsSigner {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let sent = self
            .kms
            .sign()
            .key_id(self.key.as_str())
            // The digest is taken here: KMS takes no message over 4 KB.
            .message(Blob::new(digest(&SHA256, message).as_ref()))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await;
        let answer = sent.map_err(|error| ServiceError::of("Sign", &error))?;
        let signature = answer.signature.map(Blob::into_inner);
        signature
            .ok_or_else(|| ServiceError::Undecided(Reason::new("signature_absent", &"`Sign` answered no signature")))
    }
}
