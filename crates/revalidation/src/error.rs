//! A no, as the caller hears it: less than the audit line says.

use claim_guard_lambda::error_names;
use lambda_runtime::Diagnostic;

/// Why there is no new statement, and no answer before a start. The reasons stand in the audit line, and only there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevalidationError {
    /// The token proves nothing here, so there is no transaction to name.
    #[error("rejected: see the audit line in the log of revalidation")]
    Rejected,
    /// We know the subject; it may not go on.
    #[error("denied: see the audit line of transaction `{transaction}`")]
    Denied {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// We could not tell.
    #[error("undecided: see the audit line in the log of revalidation")]
    Undecided,
    /// The function, its state machine or its place in the realm is configured wrongly.
    #[error("misconfigured: see the audit line in the log of revalidation")]
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

impl From<RevalidationError> for Diagnostic {
    fn from(refusal: RevalidationError) -> Self {
        Self { error_type: refusal.error_name().to_owned(), error_message: refusal.to_string() }
    }
}
