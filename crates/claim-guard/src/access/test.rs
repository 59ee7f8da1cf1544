//! What a condition asks of its claim: a test, and what the claim is compared with.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::access::duration::{duration, in_largest_unit};
use crate::access::kinds::Kinds;
use crate::access::one_line::one_line;
use crate::claims::ClaimPath;
use crate::identifier::MAX_IDENTIFIER_BYTES;
use crate::json::Json;

/// A hundred years: whatever happened before them is no time of a token or an attribute, but a slip of the pen.
const LONGEST_AGO: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// What a claim has to pass. Types are exact: nothing is coerced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// `= V`: the claim is of the value's type and is this value.
    Equals(Operand),
    /// `>= N`: the claim is an integer and not below.
    AtLeast(Bound),
    /// `<= N`: the claim is an integer and not above.
    AtMost(Bound),
    /// `contains V`: the claim is an array and one of its elements is the value, or it is `scope` and one of its words is
    /// (RFC 6749 §3.3, RFC 8693 §4.2).
    Contains(Operand),
}

/// A value that a claim is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operand {
    /// It is in the policy.
    Literal(Plain),
    /// It is at this path of the work's input.
    Input(ClaimPath),
}

/// An integer that a claim is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// It is in the policy, within 64 bits.
    Literal(i128),
    /// It is at this path of the work's input.
    Input(ClaimPath),
    /// The time of the decision, or that long before it, in seconds since 1970: `now`, `now - 15m`.
    Ago(Duration),
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

impl Test {
    /// Parses what follows the claim; the error says what is wrong with operator or operand.
    pub(super) fn parse(operator: &str, operand: &str) -> Result<Self, String> {
        match operator {
            "=" => value(operator, operand).map(Self::Equals),
            ">=" => bound(operator, operand).map(Self::AtLeast),
            "<=" => bound(operator, operand).map(Self::AtMost),
            "contains" => value(operator, operand).map(Self::Contains),
            _ => Err(format!("unknown operator `{}`, expected `=`, `>=`, `<=` or `contains`", one_line(operator))),
        }
    }

    /// How it is written: `=`, `>=`, `<=` or `contains`.
    pub(crate) fn operator(&self) -> &'static str {
        match self {
            Self::Equals(_) => "=",
            Self::AtLeast(_) => ">=",
            Self::AtMost(_) => "<=",
            Self::Contains(_) => "contains",
        }
    }

    /// The path of the input that it looks at.
    pub(super) fn input(&self) -> Option<&ClaimPath> {
        match self {
            Self::Equals(Operand::Input(path))
            | Self::Contains(Operand::Input(path))
            | Self::AtLeast(Bound::Input(path))
            | Self::AtMost(Bound::Input(path)) => Some(path),
            Self::Equals(Operand::Literal(_))
            | Self::Contains(Operand::Literal(_))
            | Self::AtLeast(Bound::Literal(_) | Bound::Ago(_))
            | Self::AtMost(Bound::Literal(_) | Bound::Ago(_)) => None,
        }
    }
}

/// What an operand's text says, before it is known what it is compared by.
enum Parsed {
    Literal(Plain),
    Input(ClaimPath),
    Ago(Duration),
}

fn parsed(text: &str) -> Result<Parsed, String> {
    if let Some(path) = text.strip_prefix("input.") {
        return ClaimPath::parse(path).map(Parsed::Input).map_err(|error| format!("operand `input.PATH`: {error}"));
    }
    let ago = || text.strip_prefix("now - ").and_then(duration).filter(|ago| !ago.is_zero() && *ago <= LONGEST_AGO);
    let read = match text {
        "now" => Some(Parsed::Ago(Duration::ZERO)),
        "true" => Some(Parsed::Literal(Plain::Boolean(true))),
        "false" => Some(Parsed::Literal(Plain::Boolean(false))),
        _ => quoted(text).or_else(|| integer(text)).map(Parsed::Literal).or_else(|| ago().map(Parsed::Ago)),
    };
    read.ok_or_else(|| {
        format!(
            "operand `{}` is not `true`, `false`, an integer, `\"TEXT\"` without escapes, `input.PATH`, `now` or `now - 15m`",
            one_line(text)
        )
    })
}

fn value(operator: &str, text: &str) -> Result<Operand, String> {
    match parsed(text)? {
        Parsed::Literal(value) => Ok(Operand::Literal(value)),
        Parsed::Input(path) => Ok(Operand::Input(path)),
        Parsed::Ago(_) => Err(format!("`now` is compared with `>=` or `<=`, not with `{operator}`")),
    }
}

fn bound(operator: &str, text: &str) -> Result<Bound, String> {
    match parsed(text)? {
        Parsed::Literal(Plain::Integer(value)) => Ok(Bound::Literal(value)),
        Parsed::Input(path) => Ok(Bound::Input(path)),
        Parsed::Ago(ago) => Ok(Bound::Ago(ago)),
        Parsed::Literal(presented @ (Plain::Boolean(_) | Plain::Text(_))) => {
            Err(format!("`{operator}` compares integers, `{presented}` is none"))
        }
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

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator();
        match self {
            Self::Equals(operand) | Self::Contains(operand) => write!(f, "{operator} {operand}"),
            Self::AtLeast(bound) | Self::AtMost(bound) => write!(f, "{operator} {bound}"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => value.fmt(f),
            Self::Input(path) => write!(f, "input.{path}"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => value.fmt(f),
            Self::Input(path) => write!(f, "input.{path}"),
            Self::Ago(ago) if ago.is_zero() => f.write_str("now"),
            Self::Ago(ago) => write!(f, "now - {}", in_largest_unit(ago.as_secs())),
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
