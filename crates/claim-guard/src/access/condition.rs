//! One condition on one claim: `PATH OP OPERAND`.

use std::fmt;

use crate::access::kinds::Kinds;
use crate::access::one_line::one_line;
use crate::access::operand::{Operand, OperandError, Plain};
use crate::claims::{ClaimPath, SCOPE};
use crate::identifier::IdentifierError;

/// A condition that a claim has to meet, for example `compliance.kyc_level >= 2`.
///
/// [`fmt::Display`] writes what [`Condition::parse`] takes, quoting no segment of a path that needs no quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    claim: ClaimPath,
    operator: Operator,
    operand: Operand,
}

/// How a claim is compared. Types are exact: nothing is coerced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `=`: the claim is of the operand's type and has its value.
    Equals,
    /// `>=`: both are integers and the claim is not below the operand.
    AtLeast,
    /// `<=`: both are integers and the claim is not above the operand.
    AtMost,
    /// `contains`: the claim is an array and one of its elements is the operand, or it is `scope` and one of its words is
    /// (RFC 6749 §3.3, RFC 8693 §4.2).
    Contains,
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionError {
    /// Not three parts with one space between.
    WrongShape,
    /// The part before the first space is no claim path.
    WrongPath(IdentifierError),
    /// The middle part is no operator.
    UnknownOperator {
        /// The part as it stands in the text.
        presented: String,
    },
    /// The last part is no operand.
    WrongOperand {
        /// The part as it stands in the text.
        presented: String,
    },
    /// The last part begins with `input.`, but no path follows.
    WrongInputPath(IdentifierError),
    /// `now` is compared with `=` or `contains`, which no claim meets for longer than a second.
    TimeWithoutOrder {
        /// The operator.
        operator: Operator,
    },
    /// `>=` and `<=` compare integers, and the operand is none.
    NotAnInteger {
        /// The operator that wants an integer.
        operator: Operator,
        /// The operand.
        presented: Plain,
    },
}

impl Condition {
    /// Parses a condition's text.
    ///
    /// # Errors
    /// [`ConditionError`] says which of the three parts is wrong.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let (claim, rest) = split_path(text).ok_or(ConditionError::WrongShape)?;
        let (operator, operand) = rest.split_once(' ').ok_or(ConditionError::WrongShape)?;
        let claim = ClaimPath::parse(claim).map_err(ConditionError::WrongPath)?;
        let operator = Operator::parse(operator)?;
        let operand = Operand::parse(operand).map_err(|error| match error {
            OperandError::Shape => ConditionError::WrongOperand { presented: operand.to_owned() },
            OperandError::InputPath(error) => ConditionError::WrongInputPath(error),
        })?;
        match (operator, &operand) {
            (
                Operator::AtLeast | Operator::AtMost,
                Operand::Literal(presented @ (Plain::Boolean(_) | Plain::Text(_))),
            ) => Err(ConditionError::NotAnInteger { operator, presented: presented.clone() }),
            (Operator::Equals | Operator::Contains, Operand::Now { .. }) => {
                Err(ConditionError::TimeWithoutOrder { operator })
            }
            (
                Operator::AtLeast | Operator::AtMost,
                Operand::Literal(Plain::Integer(_)) | Operand::Input(_) | Operand::Now { .. },
            )
            | (Operator::Equals | Operator::Contains, Operand::Literal(_) | Operand::Input(_)) => {
                Ok(Self { claim, operator, operand })
            }
        }
    }

    /// The claim is not below that.
    pub(super) fn at_least(claim: ClaimPath, least: i128) -> Self {
        Self { claim, operator: Operator::AtLeast, operand: Operand::Literal(Plain::Integer(least)) }
    }

    /// Whether it looks at what the access token was asked for, which is a text in tokens and words in conditions.
    pub(crate) fn looks_at_scope(&self) -> bool {
        self.claim.segments() == [SCOPE]
    }

    /// As what the claim is compared.
    pub(super) fn kinds(&self) -> Kinds {
        match (self.operator, &self.operand) {
            (Operator::Equals, Operand::Literal(value)) => value.kinds(),
            (Operator::Equals, Operand::Input(_)) => Kinds::PLAIN,
            (Operator::AtLeast | Operator::AtMost, _) | (Operator::Equals, Operand::Now { .. }) => Kinds::INTEGER,
            (Operator::Contains, _) if self.looks_at_scope() => Kinds::WORDS,
            (Operator::Contains, _) => Kinds::ARRAY,
        }
    }

    /// The claim that is looked at.
    pub fn claim(&self) -> &ClaimPath {
        &self.claim
    }

    /// How it is compared.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// What it is compared with.
    pub fn operand(&self) -> &Operand {
        &self.operand
    }
}

/// The path before the first space that no quotes enclose, and what follows that space.
fn split_path(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let space = text.find(|character| {
        quoted ^= character == '"';
        character == ' ' && !quoted
    })?;
    text.split_at_checked(space).map(|(path, rest)| (path, rest.strip_prefix(' ').unwrap_or(rest)))
}

impl Operator {
    fn parse(text: &str) -> Result<Self, ConditionError> {
        match text {
            "=" => Ok(Self::Equals),
            ">=" => Ok(Self::AtLeast),
            "<=" => Ok(Self::AtMost),
            "contains" => Ok(Self::Contains),
            _ => Err(ConditionError::UnknownOperator { presented: text.to_owned() }),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.claim, self.operator, self.operand)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equals => "=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Contains => "contains",
        })
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongShape => f.write_str("not of the shape `PATH OP OPERAND` with one space between"),
            Self::WrongPath(error) => error.fmt(f),
            Self::UnknownOperator { presented } => {
                write!(f, "unknown operator `{}`, expected `=`, `>=`, `<=` or `contains`", one_line(presented))
            }
            Self::WrongOperand { presented } => write!(
                f,
                "operand `{}` is not `true`, `false`, an integer, `\"TEXT\"` without escapes, `input.PATH`, `now` or `now - 15m`",
                one_line(presented)
            ),
            Self::WrongInputPath(error) => write!(f, "operand `input.PATH`: {error}"),
            Self::TimeWithoutOrder { operator } => {
                write!(f, "`now` is compared with `>=` or `<=`, not with `{operator}`")
            }
            Self::NotAnInteger { operator, presented } => {
                write!(f, "`{operator}` compares integers, `{presented}` is none")
            }
        }
    }
}

impl std::error::Error for ConditionError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> ClaimPath {
        ClaimPath::parse(text).expect("a path")
    }

    #[track_caller]
    fn check(text: &str, claim: &str, operator: Operator, operand: Operand) {
        let expected = Condition { claim: path(claim), operator, operand };
        assert_eq!(Condition::parse(text), Ok(expected), "{text}");
        assert_eq!(Condition::parse(text).map(|condition| condition.to_string()), Ok(text.to_owned()));
    }

    fn text(value: &str) -> Operand {
        Operand::Literal(Plain::Text(value.to_owned()))
    }

    fn integer(value: i64) -> Operand {
        Operand::Literal(Plain::Integer(i128::from(value)))
    }

    #[test]
    fn conditions_are_path_operator_operand_and_print_as_they_are_written() {
        check("compliance.kyc = true", "compliance.kyc", Operator::Equals, Operand::Literal(Plain::Boolean(true)));
        check("kyc = false", "kyc", Operator::Equals, Operand::Literal(Plain::Boolean(false)));
        check("compliance.kyc_level >= 2", "compliance.kyc_level", Operator::AtLeast, integer(2));
        check("risk <= -9223372036854775808", "risk", Operator::AtMost, integer(i64::MIN));
        check("risk = 9223372036854775807", "risk", Operator::Equals, integer(i64::MAX));
        check("level = 0", "level", Operator::Equals, integer(0));
        check("regions contains \"eu\"", "regions", Operator::Contains, text("eu"));
        check("regions contains 7", "regions", Operator::Contains, integer(7));
        check("project_id = input.project_id", "project_id", Operator::Equals, Operand::Input(path("project_id")));
        check("limit >= input.\"a b\".amount", "limit", Operator::AtLeast, Operand::Input(path("\"a b\".amount")));
        check("teams contains input.team", "teams", Operator::Contains, Operand::Input(path("team")));
        check(
            "\"https://x/y z\".id = \"a = \u{e9} b\"",
            "\"https://x/y z\".id",
            Operator::Equals,
            text("a = \u{e9} b"),
        );
        let before = |seconds| Operand::Now { before: Duration::from_secs(seconds) };
        check("compliance.kyc_until >= now", "compliance.kyc_until", Operator::AtLeast, before(0));
        check("since <= now", "since", Operator::AtMost, before(0));
        check("auth_time >= now - 15m", "auth_time", Operator::AtLeast, before(900));
        check("auth_time >= now - 90s", "auth_time", Operator::AtLeast, before(90));
        check("auth_time >= now - 2h", "auth_time", Operator::AtLeast, before(7_200));
        check("auth_time >= now - 30d", "auth_time", Operator::AtLeast, before(2_592_000));
        check("input.x = \"\"", "input.x", Operator::Equals, text(""));
        let longest = "x".repeat(256);
        check(&format!("a = \"{longest}\""), "a", Operator::Equals, text(&longest));
    }

    #[track_caller]
    fn check_error(text: &str, message: &str) {
        assert_eq!(Condition::parse(text).map_err(|error| error.to_string()), Err(message.to_owned()), "{text}");
    }

    #[test]
    fn malformed_conditions_say_which_part_is_wrong() {
        let shape = "not of the shape `PATH OP OPERAND` with one space between";
        for text in ["", "kyc", "kyc =", "kyc=true", "\"a b = true"] {
            check_error(text, shape);
        }
        check_error(" kyc = true", "claim path is empty");
        check_error("a..b = true", "claim path is empty");
        check_error("a/b = true", "claim path holds the forbidden character `/`");
        let operator = |text: &str| format!("unknown operator `{text}`, expected `=`, `>=`, `<=` or `contains`");
        check_error("kyc == true", &operator("=="));
        check_error("level > 2", &operator(">"));
        check_error("kyc  = true", &operator(""));
        let operand = |text: &str| {
            format!(
                "operand `{text}` is not `true`, `false`, an integer, `\"TEXT\"` without escapes, `input.PATH`, `now` or `now - 15m`"
            )
        };
        for text in [
            "True",
            "null",
            "yes",
            "1.0",
            "1e2",
            "+1",
            "01",
            "-0",
            "0x1",
            "9223372036854775808",
            "eu",
            "'eu'",
            "\"",
            "\"eu",
            "\"a\"b\"",
            "\"a\\n\"",
            " true",
            "true ",
            "input",
            "project_id",
            "Now",
            "now - 0s",
            "now - 15",
            "now -15m",
            "now + 15m",
            "now - -1m",
        ] {
            check_error(&format!("claim = {text}"), &operand(text));
        }
        check_error(&format!("claim = \"{}\"", "x".repeat(257)), &operand(&format!("\"{}\"", "x".repeat(257))));
        check_error("claim = \"a\u{7}\"", &operand("\"a\\u{7}\""));
        check_error("claim = \"e\u{202e}u\"", &operand("\"e\\u{202e}u\""));
        check_error("claim \n true", &operator("\\n"));
        check_error("claim = input.", "operand `input.PATH`: claim path is empty");
        check_error("claim = input.a b", "operand `input.PATH`: claim path holds the forbidden character ` `");
        check_error("until = now", "`now` is compared with `>=` or `<=`, not with `=`");
        check_error("until contains now", "`now` is compared with `>=` or `<=`, not with `contains`");
        check_error("level >= \"2\"", "`>=` compares integers, `\"2\"` is none");
        check_error("level <= true", "`<=` compares integers, `true` is none");
    }

    proptest! {
        #[test]
        fn whatever_parses_prints_as_a_text_that_parses_alike(text in "[ a\".<>=0-9input-]{0,24}|[a-b\".]{1,6} (=|>=|<=|contains) (input\\.[a\".]{0,4}|-?[0-9]{1,20}|\"[^\"]{0,5}\"|true|.{0,6})") {
            if let Ok(condition) = Condition::parse(&text) {
                prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = Condition::parse(&text);
        }
    }
}
