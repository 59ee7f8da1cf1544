//! Strict JSON: what RFC 8259 leaves open is an error here.
//!
//! `serde_json` parses and bounds the depth (128); this module adds what it does not: a duplicate member at any depth is
//! an error, also when one of the two is written with escapes, because names are compared after unescaping.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

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

/// Parses bytes as one JSON object with unique members at every depth and nothing behind it.
///
/// # Errors
/// [`JsonError`] says where the bytes stop being one.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match value(bytes)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonError::NotAnObject)
        }
    }
}

/// Parses bytes as one JSON value, as strictly.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, JsonError> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(value)
}

pub(crate) fn malformed(error: serde_json::Error) -> JsonError {
    JsonError::Malformed {
        line: error.line(),
        column: error.column(),
        duplicate_member: error.to_string().starts_with(DUPLICATE),
    }
}

/// How the error of a duplicate member begins.
pub(crate) const DUPLICATE: &str = "duplicate member";

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(members))
    }
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
