//! base64url without padding (RFC 7515 §2), canonical: one text for each sequence of bytes.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::simd::Simd;

/// The library's engine for this processor: it has one for x86-64 and for arm64, which are Lambda's.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

/// The bytes; none if the text is padded, ends in bits that say nothing, or holds any other character.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// Long enough for the widest steps, and with a rest behind them.
    const LONGEST: usize = 150;

    #[test]
    fn every_length_is_decoded_to_what_was_encoded() {
        for length in 0..LONGEST {
            let bytes: Vec<u8> = (0_u8..).map(|byte| byte.wrapping_mul(101)).take(length).collect();
            assert_eq!(decode(&URL_SAFE_NO_PAD.encode(&bytes)), Some(bytes), "{length}");
        }
    }

    #[test]
    fn one_foreign_character_is_an_error_wherever_it_stands() {
        for place in 0..LONGEST {
            for foreign in ['+', '/', '=', ' ', '\n', '.', '\0', '~', '\u{7f}', 'é'] {
                let text: String = (0..LONGEST).map(|at| if at == place { foreign } else { 'Q' }).collect();
                assert_eq!(decode(&text), None, "{foreign:?} at {place}");
            }
        }
    }

    #[test]
    fn bits_that_say_nothing_are_an_error() {
        for (text, bytes) in
            [("AA", Some(vec![0])), ("AB", None), ("AAA", Some(vec![0, 0])), ("AAB", None), ("A", None)]
        {
            let prefix = "A".repeat(64);
            let with_prefix = bytes.as_ref().map(|bytes| [vec![0; 48], bytes.clone()].concat());
            assert_eq!(decode(&format!("{prefix}{text}")), with_prefix, "{text}");
            assert_eq!(decode(text), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_decodes_as_the_engine_does_that_goes_byte_by_byte(text in "[A-Za-z0-9_-]{0,200}[ -~]?[A-Za-z0-9_-]{0,40}") {
            prop_assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }
}
