//! What a stranger presented, made safe for a log line.

use std::fmt;

use crate::identifier::Digest;

/// The most bytes of the stranger's own text that an excerpt keeps.
const KEPT_BYTES: usize = 96;

/// At most 256 bytes of printable ASCII: the presented text with everything else escaped, cut off where it is long and
/// then named by its length and SHA-256, so that two long texts can still be told apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// An excerpt of what was presented.
    pub fn of(presented: &str) -> Self {
        let mut text = String::new();
        let mut whole = true;
        for character in presented.chars() {
            let escaped = escaped(character);
            if text.len() + escaped.len() > KEPT_BYTES {
                whole = false;
                break;
            }
            text.push_str(&escaped);
        }
        if !whole {
            text.push_str(&format!("... ({} bytes, {})", presented.len(), Digest::of(presented.as_bytes())));
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escaped(character: char) -> String {
    match character {
        '`' | '\\' => character.escape_unicode().to_string(),
        ' '..='~' => character.to_string(),
        _ => character.escape_unicode().to_string(),
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Excerpt(`{}`)", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_printable_ascii() {
        assert_eq!(Excerpt::of("RS256").as_str(), "RS256");
        assert_eq!(
            Excerpt::of("a\r\n\u{1b}[31m`é\u{202e}").as_str(),
            "a\\u{d}\\u{a}\\u{1b}[31m\\u{60}\\u{e9}\\u{202e}"
        );
        let long = Excerpt::of(&"x".repeat(1 << 20));
        assert!(long.as_str().len() <= 256, "{}", long.as_str().len());
        assert_ne!(long, Excerpt::of(&format!("{}y", "x".repeat((1 << 20) - 1))));
    }
}
