//! A no, as the state machine hears it: less than the audit line says.

use crate::error_names;

/// Why a state does not act. The reasons stand in the audit line, and only there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The token proves nothing here, so there is no transaction to name.
    #[error("rejected: see the audit line in the guard's log")]
    Rejected,
    /// We know the subject; it may not.
    #[error("denied: see the audit line of transaction `{transaction}`")]
    Denied {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// The statement was true, and is too old now.
    #[error("identity expired: see the audit line of transaction `{transaction}`")]
    IdentityExpired {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// We could not tell.
    #[error("undecided: see the audit line in the guard's log")]
    Undecided,
    /// The guard or its state machine is configured wrongly.
    #[error("misconfigured: see the audit line in the guard's log")]
    Misconfigured,
}

impl GuardError {
    /// The error name that a state machine catches.
    pub fn error_name(&self) -> &'static str {
        match self {
            Self::Rejected => error_names::REJECTED,
            Self::Denied { .. } => error_names::DENIED,
            Self::IdentityExpired { .. } => error_names::IDENTITY_EXPIRED,
            Self::Undecided => error_names::UNDECIDED,
            Self::Misconfigured => error_names::MISCONFIGURED,
        }
    }
}
