//! The ARN of the key that signs.

use claim_guard::Excerpt;

/// The ARN of the KMS key that signs: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyArn(String);

impl SigningKeyArn {
    /// Reads the ARN.
    ///
    /// # Errors
    /// An excerpt of what is no ARN of a KMS key; an alias is none.
    pub fn parse(text: &str) -> Result<Self, Excerpt> {
        if is_key_arn(text) { Ok(Self(text.to_owned())) } else { Err(Excerpt::of(text)) }
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is the ARN of a KMS key.
pub(crate) fn is_key_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.split(':').collect();
    match fields.as_slice() {
        ["arn", partition, "kms", region, account, key] => {
            let id = key.strip_prefix("key/").unwrap_or_default();
            [*partition, *region, *account, id].iter().all(|part| !part.is_empty() && part.bytes().all(is_plain))
        }
        _ => false,
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
