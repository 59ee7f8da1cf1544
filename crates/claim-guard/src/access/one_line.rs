//! Texts of a policy in one line of a message.

/// The text with escapes for what is no printable character, quotes and backslashes as they are.
pub(super) fn one_line(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\'' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    };
    text.chars().map(escaped).collect()
}
