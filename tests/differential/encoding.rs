//! base64url as others might write it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The same bytes with a bit set that belongs to none of them; the same text where there is no such bit.
pub fn with_trailing_bits(text: &str) -> String {
    let Some(last) = text.bytes().last().filter(|_| !text.len().is_multiple_of(4)) else { return text.to_owned() };
    let digit = ALPHABET.iter().position(|letter| *letter == last).unwrap_or(0);
    format!("{}{}", &text[..text.len() - 1], char::from(ALPHABET[digit | 1]))
}
