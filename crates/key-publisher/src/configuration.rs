use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;

/// Tells one configuration of the stack from another: two lists of values have the same digest only if they are the same list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigurationDigest {
    digest: String,
}

impl ConfigurationDigest {
    /// Takes the digest of values, in this order: SHA-256 of their JSON array, as base64url.
    #[must_use]
    pub fn of(values: Vec<String>) -> Self {
        Self { digest: URL_SAFE_NO_PAD.encode(digest(&SHA256, Value::from(values).to_string().as_bytes())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_differ(values: &[&str], others: &[&str]) {
        let [digest, other] = [values, others]
            .map(|values| ConfigurationDigest::of(values.iter().map(|value| (*value).to_owned()).collect()));
        assert_ne!(digest, other);
    }

    #[test]
    fn the_digest_is_that_of_the_values_as_a_json_array() {
        let digest = ConfigurationDigest::of(vec!["x86_64".to_owned(), String::new()]);
        // printf '["x86_64",""]' | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(digest.digest, "YN7aYONw-j_tUDFt2rcXxjf8soV2TmqIeMYn0EdP8bY");
    }

    #[test]
    fn another_value_or_order_or_boundary_is_another_digest() {
        check_differ(&["a", "b"], &["a", "c"]);
        check_differ(&["a", "b"], &["b", "a"]);
        check_differ(&["a", "b"], &["ab"]);
        check_differ(&["a", "b"], &["a\",\"b"]);
        check_differ(&["a", ""], &["a"]);
    }
}
