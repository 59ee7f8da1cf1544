//! What a condition compares a claim with.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::access::duration::{duration, in_largest_unit};
use crate::access::kinds::Kinds;
use crate::access::one_line::one_line;
use crate::claims::ClaimPath;
use crate::document::Json;
use crate::identifier::{IdentifierError, MAX_IDENTIFIER_BYTES};

/// A hundred years: whatever happened before them is no time of a token or an attribute, but a slip of the pen.
const LONGEST_AGO: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// What a claim is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operand {
    /// A value that stands in the policy.
    Literal(Plain),
    /// The value at this path of the work's input.
    Input(ClaimPath),
    /// The time of the decision, or that long before it, in seconds since 1970: `now`, `now - 15m`.
    Now {
        /// How long before the decision.
        before: Duration,
    },
}

/// Why a text is no operand.
pub(super) enum OperandError {
    /// It is of none of the shapes.
    Shape,
    /// It begins with `input.`, and what follows is no path.
    InputPath(IdentifierError),
}

/// A boolean, an integer or a text: the values that can be compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plain {
    /// `true` or `false`.
    Boolean(bool),
    /// An integer; in a policy within 64 bits.
    Integer(i128),
    /// A text, compared byte by byte.
    Text(String),
}

impl Plain {
    /// The JSON value as a plain value; none for null, fractions, arrays and objects.
    ///
    /// `2.0` and `1e2` are fractions.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Boolean(*value)),
            Value::Number(number) => {
                let signed = number.as_i64().map(i128::from);
                signed.or_else(|| number.as_u64().map(i128::from)).map(Self::Integer)
            }
            Value::String(value) => Some(Self::Text(value.clone())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether the JSON value is this one. Nothing is coerced.
    pub(crate) fn is(&self, value: Json<'_>) -> bool {
        match self {
            Self::Boolean(expected) => value.boolean() == Some(*expected),
            Self::Integer(expected) => value.integer() == Some(*expected),
            Self::Text(expected) => value.text() == Some(expected.as_str()),
        }
    }

    /// As what it is compared.
    pub(super) fn kinds(&self) -> Kinds {
        match self {
            Self::Boolean(_) => Kinds::BOOLEAN,
            Self::Integer(_) => Kinds::INTEGER,
            Self::Text(_) => Kinds::TEXT,
        }
    }

    /// The value of an integer.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Boolean(_) | Self::Text(_) => None,
        }
    }
}

impl Operand {
    pub(super) fn parse(text: &str) -> Result<Self, OperandError> {
        if let Some(path) = text.strip_prefix("input.") {
            return ClaimPath::parse(path).map(Self::Input).map_err(OperandError::InputPath);
        }
        if text == "now" {
            return Ok(Self::Now { before: Duration::ZERO });
        }
        if let Some(before) = text.strip_prefix("now - ").and_then(duration) {
            let sensible = !before.is_zero() && before <= LONGEST_AGO;
            return if sensible { Ok(Self::Now { before }) } else { Err(OperandError::Shape) };
        }
        let literal = match text {
            "true" => Some(Plain::Boolean(true)),
            "false" => Some(Plain::Boolean(false)),
            _ => quoted(text).or_else(|| integer(text)),
        };
        literal.map(Self::Literal).ok_or(OperandError::Shape)
    }
}

/// Printable text in quotes that needs no escape: it has one spelling, and a reviewer sees all of it.
fn quoted(text: &str) -> Option<Plain> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !inner.contains(['"', '\\']) && one_line(inner) == inner;
    (plain && inner.len() <= MAX_IDENTIFIER_BYTES).then(|| Plain::Text(inner.to_owned()))
}

/// An integer of 64 bits in its one spelling: no plus sign, no leading zero.
fn integer(text: &str) -> Option<Plain> {
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(Plain::Integer(i128::from(value)))
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => value.fmt(f),
            Self::Input(path) => write!(f, "input.{path}"),
            Self::Now { before } if before.is_zero() => f.write_str("now"),
            Self::Now { before } => write!(f, "now - {}", in_largest_unit(before.as_secs())),
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "\"{value}\""),
        }
    }
}
