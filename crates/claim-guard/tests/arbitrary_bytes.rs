//! Every parser answers any bytes with its own error, and never panics.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{ExecutionArn, Issuer, StateMachineArn};
use claim_guard::transaction::TransactionKeySet;
use claim_guard::{AccessToken, ClaimPath, Excerpt, RealmKeySet, Role, TransactionToken};
use proptest::prelude::*;
use test_realm::{NOW, TestKey, access_token_payload};

mod support;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,300}|[ -~]{0,300}|.{0,300}") {
        let _ = AccessToken::from_authorization_header(&text);
        let _ = TransactionToken::parse(&text);
        let _ = AccessPolicy::parse("access.toml", &text);
        if let Ok(issuer) = Issuer::parse(&text) {
            prop_assert!(issuer.as_str().starts_with("https://"));
        }
        if let Ok(execution) = ExecutionArn::parse(&text) {
            prop_assert_eq!(StateMachineArn::parse(execution.state_machine().as_str()), Ok(execution.state_machine()));
        }
        if let Ok(role) = Role::parse(&text) {
            prop_assert_eq!(role.to_string(), text.clone());
        }
        if let Ok(path) = ClaimPath::parse(&text) {
            prop_assert_eq!(ClaimPath::parse(&path.to_string()), Ok(path));
        }
        let excerpt = Excerpt::of(&text);
        prop_assert!(excerpt.as_str().len() <= 256 && excerpt.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }

    #[test]
    fn any_bytes_are_a_key_set_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = RealmKeySet::parse(&bytes);
        let _ = TransactionKeySet::parse(&bytes);
    }

    #[test]
    fn any_json_as_key_is_left_out_or_imported(json in "\\{(\"(kid|kty|crv|x|y|n|e|use|alg)\":(\"[A-Za-z0-9_-]{0,50}\"|1|null|\\[\\]),?){0,8}\\}") {
        let _ = RealmKeySet::parse(format!("{{\"keys\":[{json}]}}").as_bytes());
    }

    #[test]
    fn any_header_and_payload_are_verified_or_rejected(header in any::<Vec<u8>>(), payload in ".{0,200}") {
        let key = TestKey::generate("ES256", "key");
        let keys = support::keys(&[&key]);
        for text in [
            key.token_of(&String::from_utf8_lossy(&header), &payload),
            key.token_of(&key.header().to_string(), &payload),
        ] {
            let verified = AccessToken::parse(&text).and_then(|token| support::verifier().verify(&token, &keys, support::now()));
            prop_assert!(verified.is_err());
        }
    }

    #[test]
    fn token_with_any_byte_changed_is_rejected(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let key = TestKey::generate("ES256", "key");
        let keys = support::keys(&[&key]);
        let token = key.token(&access_token_payload(NOW));
        let mut bytes = token.clone().into_bytes();
        let position = position.index(bytes.len());
        prop_assume!(bytes[position] != byte);
        bytes[position] = byte;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let verified = AccessToken::parse(&text).and_then(|token| support::verifier().verify(&token, &keys, support::now()));
        prop_assert!(verified.is_err(), "{text}");
    }
}
