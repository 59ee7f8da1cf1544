//! The key that execution names are made with.

use std::fmt;
use std::future::Future;

use aws_config::SdkConfig;
use aws_lc_rs::hmac;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::MacAlgorithmSpec;
use claim_guard::Excerpt;
use claim_guard::audit::Reason;

use crate::failure::Failure;
use crate::signing_key::is_key_arn;

/// What KMS is asked the MAC of. It is always the same, so each process gets the same key, and no other text is ever asked for.
const LABEL: &str = "claim-guard execution names/1";

/// A key for HMAC-SHA-256 that recognises what was named with it. It lives in memory alone, and does not print.
#[derive(Clone)]
pub struct NamingKey(hmac::Key);

impl fmt::Debug for NamingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamingKey(…)")
    }
}

impl NamingKey {
    /// The key of these bits.
    pub fn new(bits: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bits))
    }

    /// The MAC of parts, for one purpose. Whoever lacks the key can neither make it up nor tell two of them apart from chance.
    pub fn mac<'a>(&self, purpose: &'a str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(purpose.as_bytes()).chain(parts) {
            // Each part is preceded by its length: no two lists of parts give the same bytes.
            context.update(part.len().to_string().as_bytes());
            context.update(b":");
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        mac
    }
}

/// Where a process gets its naming key. Tests stand behind this seam with keys of their own.
pub trait NamingKeySource: Sync {
    /// The stack's naming key: the same one each time.
    fn naming_key(&self) -> impl Future<Output = Result<NamingKey, Failure>> + Send;
}

/// The ARN of the KMS key that the naming key is derived from: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamingKeyArn(String);

impl NamingKeyArn {
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

/// A naming key that is the MAC of a fixed label under a key which KMS holds and never gives away.
///
/// KMS is asked once in a process and not once in a request, so names cost none of its quota; nothing that derives them stands in an
/// environment.
#[derive(Debug, Clone)]
pub struct KmsNamingKey {
    kms: aws_sdk_kms::Client,
    key: NamingKeyArn,
}

impl KmsNamingKey {
    /// The source of that key. Nothing is asked yet.
    pub fn new(config: &SdkConfig, key: NamingKeyArn) -> Self {
        Self { kms: aws_sdk_kms::Client::new(config), key }
    }
}

impl NamingKeySource for KmsNamingKey {
    async fn naming_key(&self) -> Result<NamingKey, Failure> {
        let request = self.kms.generate_mac().key_id(self.key.as_str()).message(Blob::new(LABEL));
        let sent = request.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await;
        let answer = sent.map_err(|error| Failure::of("GenerateMac", &error))?;
        let mac = answer.mac.map(Blob::into_inner).unwrap_or_default();
        let bits = <[u8; 32]>::try_from(mac.as_slice());
        let bits = bits.map_err(|_| Reason::new("mac_absent", &"`GenerateMac` answered no MAC of 32 bytes"));
        bits.map(|bits| NamingKey::new(&bits)).map_err(Failure::Undecided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(bits: u8, purpose: &str, parts: &[&str]) -> [u8; 32] {
        NamingKey::new(&[bits; 32]).mac(purpose, parts.iter().map(|part| part.as_bytes()))
    }

    #[test]
    fn a_mac_is_of_one_key_one_purpose_and_one_list_of_parts() {
        let macs = [
            mac(1, "a", &["b", "c"]),
            mac(2, "a", &["b", "c"]),
            mac(1, "b", &["b", "c"]),
            mac(1, "a", &["bc"]),
            mac(1, "a", &["b", "c", ""]),
            mac(1, "a", &["c", "b"]),
            mac(1, "a", &["b1:c"]),
        ];
        for (at, one) in macs.iter().enumerate() {
            assert_eq!(macs.iter().position(|other| other == one), Some(at));
        }
        assert_eq!(mac(1, "a", &["b", "c"]), macs[0]);
    }

    #[test]
    fn a_naming_key_does_not_print() {
        assert_eq!(format!("{:?}", NamingKey::new(&[7; 32])), "NamingKey(…)");
    }
}
