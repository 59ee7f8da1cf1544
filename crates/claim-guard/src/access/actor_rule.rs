//! Whether somebody may act in the subject's place.

use std::fmt;

/// What a requirement says of an actor (RFC 8693 §4.1): an administrator who impersonates the subject, or a delegate.
///
/// A requirement that says nothing forbids one: roles and claims are the subject's, and were granted to nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorRule {
    /// `actor = "none"`: the subject has to act himself.
    None,
    /// `actor = "any"`: whoever acts for the subject may do what the subject may.
    Any,
}

impl ActorRule {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::None, Self::Any];

    /// The rule of that name; none for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for ActorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
