//! Whether a text gives a transaction token away.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// How base64url of a JSON object begins whose first member follows at once, as it does in a header (RFC 7515 §4).
const OPENING: &[u8] = b"eyJ";

/// The most bytes of an encoded header that are looked at. Those that are minted have some 140.
const LONGEST_HEADER: usize = 512;

/// The characters of an escape in JSON behind its backslash: `uXXXX`.
const ESCAPE: usize = 5;

/// A header is looked for, and no reader of ours is asked to take it, so this is as lenient as base64url can be.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a word of the text begins as a JWS of the type of transaction tokens does (RFC 7515 §4.1.9): this execution's first
/// token, a renewed one, a child's, another stack's.
///
/// The text is JSON, and strings in it may be JSON again, so an escape of any generation counts as what it stands for.
pub(crate) fn holds_transaction_token(text: &str) -> bool {
    let text = unescaped(text.as_bytes());
    text.split(|byte| !is_of_a_word(*byte)).any(|word| {
        let headers = word.split(|byte| *byte == b'.');
        // A header has something behind its full stop.
        headers.rev().skip(1).any(ends_with_header)
    })
}

/// The bytes without backslashes, and with every `\uXXXX` of an ASCII character replaced, also those that only appear by that. In a
/// string within a string backslashes stand before any part of an escape, so wherever one may stand it does not count.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain: Vec<Unit> = Vec::with_capacity(text.len());
    let mut after_backslash = false;
    for byte in text {
        let mut next = Some(*byte);
        while let Some(byte) = next {
            next = None;
            if byte == b'\\' {
                after_backslash = true;
                continue;
            }
            plain.push(Unit { byte, after_backslash });
            after_backslash = false;
            if let Some(escaped) = escape_at_end(&plain) {
                plain.truncate(plain.len().saturating_sub(ESCAPE));
                // There may have been more backslashes than its own.
                after_backslash = true;
                next = Some(escaped);
            }
        }
    }
    plain.into_iter().map(|unit| unit.byte).collect()
}

struct Unit {
    byte: u8,
    after_backslash: bool,
}

fn escape_at_end(plain: &[Unit]) -> Option<u8> {
    let [first, rest @ ..] = plain.last_chunk::<ESCAPE>()?;
    let digits = rest.each_ref().map(|unit| unit.byte);
    let code =
        std::str::from_utf8(&digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let escaped = u8::from_str_radix(code, 16).ok().filter(u8::is_ascii)?;
    (first.byte == b'u' && first.after_backslash).then_some(escaped)
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// What stands in front of a header in the same word may be anything: `Bearer_eyJ…`.
fn ends_with_header(part: &[u8]) -> bool {
    let part = part.get(part.len().saturating_sub(LONGEST_HEADER)..).unwrap_or_default();
    let openings = (0..part.len()).filter_map(|at| part.get(at..).filter(|rest| rest.starts_with(OPENING)));
    openings.into_iter().any(is_header)
}

fn is_header(encoded: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Header {
        typ: String,
    }
    let header = LENIENT.decode(encoded).ok().and_then(|json| serde_json::from_slice::<Header>(&json).ok());
    // RFC 7515 §4.1.9: media types are compared without case, and `application/` may be left out.
    header.is_some_and(|header| {
        let typ = header.typ.to_ascii_lowercase();
        typ.strip_prefix("application/").unwrap_or(&typ) == "txntoken+jwt"
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn token(typ: &str) -> String {
        let header = json!({ "alg": "ES256", "kid": "x".repeat(43), "typ": typ }).to_string();
        format!("{}.e30.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header))
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(holds_transaction_token(text), expected, "{text}");
    }

    #[test]
    fn a_word_that_is_a_transaction_token_is_seen_wherever_it_stands() {
        let token = token("txntoken+jwt");
        check(&token, true);
        check(&json!({ "a": [{ "b": token }] }).to_string(), true);
        check(&json!({ token.clone(): 1 }).to_string(), true);
        check(&json!(format!("Bearer {token}, and more")).to_string(), true);
        check(&json!(format!("a.b_{token}.c")).to_string(), true);
        check(&json!(format!("eyJhbGciOiJub25lIn0.{token}")).to_string(), true);
        let parent = token.strip_suffix("c2lnbmF0dXJl").unwrap();
        check(&json!(format!("{parent}x")).to_string(), true);
    }

    #[test]
    fn its_type_is_read_as_media_types_are() {
        for typ in ["TXNTOKEN+JWT", "application/txntoken+jwt", "Application/TxnToken+jwt"] {
            check(&token(typ), true);
        }
        for typ in ["at+jwt", "JWT", "txntoken", "txntoken+jwt2", "text/txntoken+jwt"] {
            check(&token(typ), false);
        }
    }

    #[test]
    fn what_only_looks_like_one_is_let_through() {
        let token = token("txntoken+jwt");
        let header = token.split('.').next().unwrap();
        for text in ["", "{}", ".", "...", "eyJ", "eyJ.", "eyJ.eyJ.eyJ", "txntoken+jwt", header] {
            check(text, false);
        }
        check(&format!("{} and so on.", header), false);
        check(&r"\u00".repeat(1000), false);
        check(&r"\u00e9\ud83d\ude00\\u00zz".repeat(100), false);
    }

    #[test]
    fn an_escape_of_any_generation_stands_for_its_character() {
        let token = token("txntoken+jwt");
        let escaped: String = token.chars().map(|character| format!("\\u{:04X}", u32::from(character))).collect();
        check(&escaped, true);
        check(&escaped.replace('\\', "\\\\\\\\"), true);
        check(&escaped.replace('\\', "\\u005c"), true);
        check(&escaped.replace('\\', "\\\\u005c"), true);
        check(&escaped.replace('\\', "\\u005cu005C"), true);
    }

    #[test]
    fn a_long_text_of_beginnings_is_looked_through() {
        for part in ["eyJ", "eyJ.", ".", r"\u005c", r"\u005cu005c", "\\"] {
            check(&part.repeat(256 * 1024 / part.len()), false);
        }
    }

    /// The text as a JSON string, as often as that, with characters escaped as the bits say.
    fn in_strings(text: &str, generations: usize, bits: &[bool]) -> String {
        (0..generations).fold(text.to_owned(), |text, _| {
            let mut escape = bits.iter().cycle();
            let characters = text.chars().map(|character| match (character, escape.next()) {
                ('"' | '\\', _) => format!("\\{character}"),
                (character, Some(true)) => format!("\\u{:04x}", u32::from(character)),
                (character, _) => character.to_string(),
            });
            format!("{{\"a\":\"{}\"}}", characters.collect::<String>())
        })
    }

    proptest! {
        #[test]
        fn a_token_is_seen_in_strings_of_json_in_strings(
            generations in 0_usize..4,
            bits in proptest::collection::vec(any::<bool>(), 1..7),
            before in "[ -~]{0,9}",
        ) {
            let text = in_strings(&format!("{before}{}", token("txntoken+jwt")), generations, &bits);
            prop_assert!(holds_transaction_token(&text));
        }

        #[test]
        fn arbitrary_text_is_looked_through(text in "\\PC{0,200}") {
            let _: Value = json!(holds_transaction_token(&text));
        }
    }
}
