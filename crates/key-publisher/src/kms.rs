use aws_sdk_kms::{
    Client,
    error::DisplayErrorContext,
    types::{KeySpec, KeyUsageType},
};

use crate::event::KeyArn;

/// Asks KMS for the public half of a key, as `SubjectPublicKeyInfo` in DER.
///
/// # Errors
///
/// If KMS does not answer, or answers that this key is of another kind than transaction tokens are signed with.
pub async fn public_key(arn: KeyArn, kms: &Client) -> Result<Vec<u8>, FetchError> {
    let answer =
        kms.get_public_key().key_id(arn.as_str()).send().await.map_err(|error| FetchError::NoAnswer {
            arn: arn.clone(),
            cause: DisplayErrorContext(error).to_string(),
        })?;
    if answer.key_spec() != Some(&KeySpec::EccNistP256) || answer.key_usage() != Some(&KeyUsageType::SignVerify) {
        return Err(FetchError::WrongKind {
            arn,
            spec: answer.key_spec().map_or("none", KeySpec::as_str).to_owned(),
            usage: answer.key_usage().map_or("none", KeyUsageType::as_str).to_owned(),
        });
    }
    match answer.public_key {
        Some(spki) => Ok(spki.into_inner()),
        None => Err(FetchError::NoKey { arn }),
    }
}

/// Why KMS gave no usable key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// KMS could not be asked or refused.
    #[error("the public key of `{arn}` could not be read: {cause}")]
    NoAnswer {
        /// The key that was asked for.
        arn: KeyArn,
        /// What the SDK reports.
        cause: String,
    },
    /// The key has another curve or another use.
    #[error("`{arn}` is a key `{spec}` for `{usage}`, expected `ECC_NIST_P256` for `SIGN_VERIFY`")]
    WrongKind {
        /// The key that was asked for.
        arn: KeyArn,
        /// Its key spec.
        spec: String,
        /// Its key usage.
        usage: String,
    },
    /// KMS answered without a public key.
    #[error("no public key came for `{arn}`")]
    NoKey {
        /// The key that was asked for.
        arn: KeyArn,
    },
}
