//! One condition on one claim: `PATH OP OPERAND`.

use std::fmt;

use crate::access::kinds::Kinds;
use crate::access::test::{Operand, Test};
use crate::claims::{ClaimPath, SCOPE};

/// A condition that a claim has to meet, for example `compliance.kyc_level >= 2`.
///
/// [`fmt::Display`] writes what [`Condition::parse`] takes, quoting no segment of a path that needs no quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    claim: ClaimPath,
    test: Test,
}

/// Why a text is not a condition, naming the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionError(String);

impl Condition {
    /// Parses a condition's text.
    ///
    /// # Errors
    /// [`ConditionError`] says which of the three parts is wrong.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let shape = || ConditionError("not of the shape `PATH OP OPERAND` with one space between".to_owned());
        let (claim, rest) = split_path(text).ok_or_else(shape)?;
        let (operator, operand) = rest.split_once(' ').ok_or_else(shape)?;
        let claim = ClaimPath::parse(claim).map_err(|error| ConditionError(error.to_string()))?;
        let test = Test::parse(operator, operand).map_err(ConditionError)?;
        Ok(Self { claim, test })
    }

    pub(super) fn new(claim: ClaimPath, test: Test) -> Self {
        Self { claim, test }
    }

    /// Whether it looks at what the access token was asked for, which is a text in tokens and words in conditions.
    pub(crate) fn looks_at_scope(&self) -> bool {
        self.claim.segments() == [SCOPE]
    }

    /// As what the claim is compared.
    pub(super) fn kinds(&self) -> Kinds {
        match &self.test {
            Test::Equals(Operand::Literal(value)) => value.kinds(),
            Test::Equals(Operand::Input(_)) => Kinds::PLAIN,
            Test::AtLeast(_) | Test::AtMost(_) => Kinds::INTEGER,
            Test::Contains(_) if self.looks_at_scope() => Kinds::WORDS,
            Test::Contains(_) => Kinds::ARRAY,
        }
    }

    /// The claim that is looked at.
    pub fn claim(&self) -> &ClaimPath {
        &self.claim
    }

    /// What it has to pass.
    pub fn test(&self) -> &Test {
        &self.test
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

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.claim, self.test)
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConditionError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::access::test::{Bound, Plain};

    fn path(text: &str) -> ClaimPath {
        ClaimPath::parse(text).expect("a path")
    }

    #[track_caller]
    fn check(text: &str, claim: &str, test: Test) {
        assert_eq!(Condition::parse(text), Ok(Condition::new(path(claim), test)), "{text}");
        assert_eq!(Condition::parse(text).map(|condition| condition.to_string()), Ok(text.to_owned()));
    }

    fn text(value: &str) -> Operand {
        Operand::Literal(Plain::Text(value.to_owned()))
    }

    fn integer(value: i64) -> Operand {
        Operand::Literal(Plain::Integer(i128::from(value)))
    }

    fn boolean(value: bool) -> Operand {
        Operand::Literal(Plain::Boolean(value))
    }

    #[test]
    fn conditions_are_path_operator_operand_and_print_as_they_are_written() {
        check("compliance.kyc = true", "compliance.kyc", Test::Equals(boolean(true)));
        check("kyc = false", "kyc", Test::Equals(boolean(false)));
        check("compliance.kyc_level >= 2", "compliance.kyc_level", Test::AtLeast(Bound::Literal(2)));
        check("risk <= -9223372036854775808", "risk", Test::AtMost(Bound::Literal(i64::MIN.into())));
        check("risk = 9223372036854775807", "risk", Test::Equals(integer(i64::MAX)));
        check("level = 0", "level", Test::Equals(integer(0)));
        check("regions contains \"eu\"", "regions", Test::Contains(text("eu")));
        check("regions contains 7", "regions", Test::Contains(integer(7)));
        check("project_id = input.project_id", "project_id", Test::Equals(Operand::Input(path("project_id"))));
        check("limit >= input.\"a b\".amount", "limit", Test::AtLeast(Bound::Input(path("\"a b\".amount"))));
        check("teams contains input.team", "teams", Test::Contains(Operand::Input(path("team"))));
        check("\"https://x/y z\".id = \"a = \u{e9} b\"", "\"https://x/y z\".id", Test::Equals(text("a = \u{e9} b")));
        let ago = |seconds| Bound::Ago(Duration::from_secs(seconds));
        check("compliance.kyc_until >= now", "compliance.kyc_until", Test::AtLeast(ago(0)));
        check("since <= now", "since", Test::AtMost(ago(0)));
        check("auth_time >= now - 15m", "auth_time", Test::AtLeast(ago(900)));
        check("auth_time >= now - 90s", "auth_time", Test::AtLeast(ago(90)));
        check("auth_time >= now - 2h", "auth_time", Test::AtLeast(ago(7_200)));
        check("auth_time >= now - 30d", "auth_time", Test::AtLeast(ago(2_592_000)));
        check("input.x = \"\"", "input.x", Test::Equals(text("")));
        let longest = "x".repeat(256);
        check(&format!("a = \"{longest}\""), "a", Test::Equals(text(&longest)));
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
