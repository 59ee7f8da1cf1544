//! The one door for JSON from outside: what RFC 8259 leaves open is an error here.
//!
//! `serde_json` parses and bounds the depth (128); [`Document`] adds what it does not: a duplicate member at any depth is
//! an error, also when one of the two is written with escapes, because names are compared after unescaping. [`Members`]
//! reads what a document holds by name and type.

mod document;
mod error;
mod members;
mod raw_members;

use serde_json::{Map, Value};

pub use document::{Array, Document, Json, Object};
pub use error::JsonError;
pub use members::{MemberError, Members, Part};

pub(crate) use document::is_plain;
pub(crate) use raw_members::raw_members;

/// Parses bytes as one JSON object with unique members at every depth and nothing behind it.
///
/// # Errors
/// [`JsonError`] says where the bytes stop being one.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    Document::object(bytes.to_vec()).map(|document| document.members().to_map())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, JsonError>) {
        let presented = object(text.as_bytes()).map(|members| Value::Object(members).to_string());
        assert_eq!(presented, expected.map(str::to_owned), "{text}");
    }

    fn duplicate(column: usize) -> Result<&'static str, JsonError> {
        Err(JsonError::Malformed { line: 1, column, duplicate_member: true })
    }

    #[test]
    fn duplicate_members_are_errors_at_every_depth_and_when_escaped() {
        check(r#"{"a":1,"b":{"c":[{"d":1}]}}"#, Ok(r#"{"a":1,"b":{"c":[{"d":1}]}}"#));
        check(r#"{"a":1,"a":1}"#, duplicate(13));
        check(r#"{"a":1,"\u0061":2}"#, duplicate(18));
        check(r#"{"b":{"c":[{"d":1,"d":2}]}}"#, duplicate(24));
    }

    #[test]
    fn anything_but_one_object_is_an_error() {
        for text in ["[]", "null", "true", "1", "\"x\""] {
            check(text, Err(JsonError::NotAnObject));
        }
        let malformed = |column| Err(JsonError::Malformed { line: 1, column, duplicate_member: false });
        check("{} {}", malformed(4));
        check("{", malformed(1));
        check("", Err(JsonError::Malformed { line: 1, column: 0, duplicate_member: false }));
        check("{\"a\":1e400}", malformed(10));
        check("{\"a\":NaN}", malformed(6));
        check("{\"a\":1,}", malformed(8));
        check("\u{feff}{}", malformed(1));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(object(nested(126).as_bytes()).map(|members| members.len()), Ok(1));
        assert_eq!(
            object(nested(100_000).as_bytes()),
            Err(JsonError::Malformed { line: 1, column: 132, duplicate_member: false })
        );
    }
}
