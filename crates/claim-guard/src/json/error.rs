//! Why bytes are not the JSON that was expected.

use std::fmt;

/// Why bytes are not the JSON object that was expected. Positions only: a token's content never enters a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON in UTF-8, nested over 128 levels, a number out of range, or a duplicate member.
    Malformed {
        /// One-based line.
        line: usize,
        /// One-based column, in bytes.
        column: usize,
        /// Whether the cause is a duplicate member.
        duplicate_member: bool,
    },
    /// JSON, but not an object.
    NotAnObject,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column, duplicate_member: true } => {
                write!(f, "duplicate member at line `{line}` column `{column}`")
            }
            Self::Malformed { line, column, duplicate_member: false } => {
                write!(f, "malformed JSON at line `{line}` column `{column}`")
            }
            Self::NotAnObject => f.write_str("JSON, but not an object"),
        }
    }
}

impl std::error::Error for JsonError {}

pub(super) fn malformed(error: serde_json::Error) -> JsonError {
    JsonError::Malformed {
        line: error.line(),
        column: error.column(),
        duplicate_member: error.to_string().starts_with(DUPLICATE),
    }
}

/// How the error of a duplicate member begins.
pub(super) const DUPLICATE: &str = "duplicate member";
