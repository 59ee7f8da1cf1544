//! Which piece of an execution's work a state does.

use std::borrow::Cow;
use std::fmt;

use crate::identifier::{IdentifierError, MAX_IDENTIFIER_BYTES};

const KIND: &str = "work path";
const SHAPE: &str = "/ITEM or ~ROUND, as often as needed";

/// Which item of which inline Map, and which round of which loop, a state works on: `/3` is the fourth item of a Map, `/3/0` the
/// first one of a Map in there, `/3~2` the second round of a loop there. Outside of all of them it is empty.
///
/// A state has one place in its machine, so the same numbers in the same order are the same Maps and loops. Numbers have one
/// spelling, so one piece of work has one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkPath(Cow<'static, str>);

impl WorkPath {
    /// The path of what is in no Map and in no loop.
    pub const OUTERMOST: Self = Self(Cow::Borrowed(""));

    /// Reads a path as a woven state writes it.
    ///
    /// # Errors
    /// [`IdentifierError`] for a text of another shape, or of more than [`MAX_IDENTIFIER_BYTES`].
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        if text.len() > MAX_IDENTIFIER_BYTES {
            return Err(IdentifierError::TooLong { kind: KIND, bytes: text.len() });
        }
        let mut numbers = text.split(['/', '~']);
        let begins_with_a_mark = numbers.next().is_none_or(str::is_empty);
        if begins_with_a_mark && numbers.all(is_number) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(IdentifierError::WrongShape { kind: KIND, expected: SHAPE })
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_number(text: &str) -> bool {
    let is_spelled_once = text == "0" || !text.starts_with('0');
    !text.is_empty() && is_spelled_once && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_of_items_and_rounds_in_one_spelling() {
        for text in ["", "/0", "/3/0", "~2", "/10~1/4", "~1~2"] {
            assert_eq!(WorkPath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
        let shape = IdentifierError::WrongShape { kind: KIND, expected: SHAPE };
        for text in ["0", "/", "~", "/01", "/-1", "/1.0", "/1e3", "/1 ", " /1", "//1", "/1/", "/١", "/a", "1/2"] {
            assert_eq!(WorkPath::parse(text), Err(shape.clone()), "{text}");
        }
        let long = "/1".repeat(129);
        assert_eq!(WorkPath::parse(&long), Err(IdentifierError::TooLong { kind: KIND, bytes: 258 }));
    }
}
