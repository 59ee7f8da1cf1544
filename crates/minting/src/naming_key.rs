//! The key that execution names are made with.

use std::fmt;
use std::future::Future;

use aws_config::SdkConfig;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::MacAlgorithmSpec;
use claim_guard::Excerpt;
use claim_guard::audit::Reason;

use crate::chance::hex;
use crate::service_error::ServiceError;
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

    /// The first hexadecimal digits of the MAC of parts, for one purpose: at most 64. Whoever lacks the key can neither make them
    /// up nor tell them from chance.
    pub fn digits(&self, purpose: &str, parts: &[&str], count: usize) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(purpose).chain(parts.iter().copied()) {
            // Each part is preceded by its length: no two lists of parts give the same bytes.
            context.update(format!("{}:{part}", part.len()).as_bytes());
        }
        let mut digits = hex(context.sign().as_ref());
        digits.truncate(count);
        digits
    }

    /// Whether those digits are the MAC's first ones. How long that takes says nothing about how many of them are right.
    pub fn is_of(&self, digits: &str, purpose: &str, parts: &[&str]) -> bool {
        let expected = self.digits(purpose, parts, digits.len());
        verify_slices_are_equal(expected.as_bytes(), digits.as_bytes()).is_ok()
    }
}

/// Where a process gets its naming key. Tests stand behind this seam with keys of their own.
pub trait NamingKeySource: Sync {
    /// The stack's naming key: the same one each time.
    fn naming_key(&self) -> impl Future<Output = Result<NamingKey, ServiceError>> + Send;
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
    async fn naming_key(&self) -> Result<NamingKey, ServiceError> {
        let request = self.kms.generate_mac().key_id(self.key.as_str()).message(Blob::new(LABEL));
        let sent = request.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await;
        let answer = sent.map_err(|error| ServiceError::of("GenerateMac", &error))?;
        let mac = answer.mac.map(Blob::into_inner).unwrap_or_default();
        let bits = <[u8; 32]>::try_from(mac.as_slice());
        let bits = bits.map_err(|_| Reason::new("mac_absent", &"`GenerateMac` answered no MAC of 32 bytes"));
        bits.map(|bits| NamingKey::new(&bits)).map_err(ServiceError::Undecided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(bits: u8, purpose: &str, parts: &[&str]) -> String {
        NamingKey::new(&[bits; 32]).digits(purpose, parts, 64)
    }

    #[test]
    fn a_mac_is_of_one_key_one_purpose_and_one_list_of_parts() {
        let macs = [
            digits(1, "a", &["b", "c"]),
            digits(2, "a", &["b", "c"]),
            digits(1, "b", &["b", "c"]),
            digits(1, "a", &["bc"]),
            digits(1, "a", &["b", "c", ""]),
            digits(1, "a", &["c", "b"]),
            digits(1, "a", &["b1:c"]),
        ];
        for (at, one) in macs.iter().enumerate() {
            assert_eq!((macs.iter().position(|other| other == one), one.len()), (Some(at), 64));
        }
        assert_eq!(digits(1, "a", &["b", "c"]), macs[0]);
    }

    #[test]
    fn a_mac_is_recognised_by_its_first_digits() {
        let (key, whole) = (NamingKey::new(&[1; 32]), digits(1, "a", &["b"]));
        let is = |digits: &str| key.is_of(digits, "a", &["b"]);
        assert_eq!(
            [is(&whole), is(&whole[..16]), is(&whole[1..17]), is(&whole.to_uppercase())],
            [true, true, false, false]
        );
        assert_eq!([is(&format!("{whole}0")), key.is_of(&whole, "a", &["c"])], [false, false]);
    }

    #[test]
    fn a_naming_key_does_not_print() {
        assert_eq!(format!("{:?}", NamingKey::new(&[7; 32])), "NamingKey(…)");
    }
}
