//! A no, as the caller hears it: less than the audit line says.

use std::fmt;

use claim_guard_lambda::error_names;
use lambda_runtime::Diagnostic;

/// Why there is no new statement, and no answer before a start. The reasons stand in the audit line, and only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevalidationError {
    /// The token proves nothing here, so there is no transaction to name.
    Rejected,
    /// We know the subject; it may not go on.
    Denied {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// We could not tell.
    Undecided,
    /// The function, its state machine or its place in the realm is configured wrongly.
    Misconfigured,
}

impl RevalidationError {
    /// The error name that a state machine catches.
    pub fn error_name(&self) -> &'static str {
        match self {
            Self::Rejected => error_names::REJECTED,
            Self::Denied { .. } => error_names::DENIED,
            Self::Undecided => error_names::UNDECIDED,
            Self::Misconfigured => error_names::MISCONFIGURED,
        }
    }
}

impl fmt::Display for RevalidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected => f.write_str("rejected: see the audit line in the log of revalidation"),
            Self::Denied { transaction } => write!(f, "denied: see the audit line of transaction `{transaction}`"),
            Self::Undecided => f.write_str("undecided: see the audit line in the log of revalidation"),
            Self::Misconfigured => f.write_str("misconfigured: see the audit line in the log of revalidation"),
        }
    }
}

impl std::error::Error for RevalidationError {}

impl From<RevalidationError> for Diagnostic {
    fn from(refusal: RevalidationError) -> Self {
        Self { error_type: refusal.error_name().to_owned(), error_message: refusal.to_string() }
    }
}
