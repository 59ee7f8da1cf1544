//! A task's own errors.

use std::borrow::Cow;
use std::fmt;

use crate::error_names;

/// The longest error name that Step Functions carries.
const MAX_NAME_BYTES: usize = 256;

/// Prefixes of names that somebody else gives a meaning: the guard, Step Functions, Lambda.
const RESERVED: [&str; 3] = ["ClaimGuard", "States.", "Lambda."];

/// Why a task did not do its work, with a name that the state machine can catch.
///
/// Any error becomes one by `?`, then called `Task.Failed`. Name and message end in the execution's history: no secret
/// and nothing personal belongs into them.
///
/// ```
/// use claim_guard_lambda::TaskError;
///
/// fn minor_units(amount: &str) -> Result<u64, TaskError> {
///     let amount: u64 = amount.parse()?;
///     if amount > 100_000 {
///         return Err(TaskError::named("Payment.LimitExceeded", "the limit is `100000`"));
///     }
///     Ok(amount)
/// }
///
/// assert_eq!(minor_units("1200"), Ok(1200));
/// assert_eq!(minor_units("twelve").map_err(|error| error.name().to_owned()), Err("Task.Failed".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    name: Cow<'static, str>,
    message: String,
}

impl TaskError {
    /// An error of the author's choice, `Payment.LimitExceeded` for instance: 1 to 256 printable ASCII characters.
    ///
    /// A name that begins with `ClaimGuard`, `States.` or `Lambda.` is not the author's to choose, because a state
    /// machine would take it for the guard's, the engine's or the platform's word. Such an error is called
    /// `Task.InvalidErrorName` instead, and its message names the one that was chosen.
    pub fn named(name: impl Into<Cow<'static, str>>, message: impl fmt::Display) -> Self {
        let name = name.into();
        let shaped = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        if shaped && !RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Self { name, message: message.to_string() };
        }
        let chosen = claim_guard::Excerpt::of(&name);
        Self::internal(error_names::INVALID_ERROR_NAME, format!("no error name of a task: `{chosen}`: {message}"))
    }

    /// The error name that a state machine catches.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the execution's history says of it.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn internal(name: &'static str, message: impl fmt::Display) -> Self {
        Self { name: Cow::Borrowed(name), message: message.to_string() }
    }
}

impl<E: std::error::Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::internal(error_names::FAILED, error)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}
