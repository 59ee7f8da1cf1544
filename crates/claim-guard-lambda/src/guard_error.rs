//! A no, as the state machine hears it: less than the audit line says.

use std::fmt;

use crate::error_names;

/// Why a state does not act. The reasons stand in the audit line, and only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardError {
    /// The token proves nothing here, so there is no transaction to name.
    Rejected,
    /// We know the subject; it may not.
    Denied {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// The statement was true, and is too old now.
    IdentityExpired {
        /// The transaction, by which its audit line is found.
        transaction: String,
    },
    /// We could not tell.
    Undecided,
    /// The guard or its state machine is configured wrongly.
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

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected => f.write_str("rejected: see the audit line in the guard's log"),
            Self::Denied { transaction } => write!(f, "denied: see the audit line of transaction `{transaction}`"),
            Self::IdentityExpired { transaction } => {
                write!(f, "identity expired: see the audit line of transaction `{transaction}`")
            }
            Self::Undecided => f.write_str("undecided: see the audit line in the guard's log"),
            Self::Misconfigured => f.write_str("misconfigured: see the audit line in the guard's log"),
        }
    }
}

impl std::error::Error for GuardError {}
