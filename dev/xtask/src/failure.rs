//! What went wrong and what to do about it: the one error type of this crate.

use std::fmt;

/// A failure a person can act on: what happened, and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    what: String,
    remedy: String,
}

impl Failure {
    /// A failure that says `what` happened and, in `remedy`, what to do now.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure { what: what.into(), remedy: remedy.into() }
    }

    /// The same failure, told as a part of something larger.
    #[must_use]
    pub fn during(self, activity: &str) -> Failure {
        Failure { what: format!("{activity}: {}", self.what), remedy: self.remedy }
    }

    /// The same failure with a list under it; unchanged when the list is empty.
    #[must_use]
    pub fn with_list(mut self, title: &str, items: &[String]) -> Failure {
        if !items.is_empty() {
            self.what.push_str(&format!("\n  {title}:\n    {}", items.join("\n    ")));
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  what to do: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Failure {}

/// Turns a library's error into a [`Failure`] by saying what was attempted and what to do.
pub trait OrFailure<T> {
    /// `activity` is what was attempted, `remedy` what to do when it did not work.
    ///
    /// # Errors
    /// The original error, as a failure.
    fn or_failure(self, activity: impl Into<String>, remedy: &str) -> Result<T, Failure>;
}

impl<T, E: std::error::Error> OrFailure<T> for Result<T, E> {
    fn or_failure(self, activity: impl Into<String>, remedy: &str) -> Result<T, Failure> {
        self.map_err(|error| {
            let mut what = format!("{}: {error}", activity.into());
            let mut source = error.source();
            while let Some(cause) = source {
                what.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            Failure::new(what, remedy)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_to_do() {
        let failure = Failure::new("port 1 is taken", "choose another port").during("lab up");
        assert_eq!(failure.to_string(), "lab up: port 1 is taken\n  what to do: choose another port");
    }
}
