//! The exit code is an answer: 0 yes, 1 no, 2 not asked in a way that could be answered.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// What a command found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted, or all answered: exit code 0.
    Yes,
    /// Rejected: exit code 1.
    No,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Yes => Self::SUCCESS,
            Outcome::No => Self::FAILURE,
        }
    }
}

/// Why a command could not answer: exit code 2, as for arguments that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError(String);

impl CommandError {
    /// The exit code of a command that could not answer.
    pub const EXIT_CODE: u8 = 2;

    /// A failure whose text says what was attempted and what kept it.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// What an I/O error kept from being done, for `map_err`.
    pub fn during(activity: &str) -> impl Fn(io::Error) -> Self {
        move |error| Self(format!("cannot {activity}: {error}"))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandError {}
