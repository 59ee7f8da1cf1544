//! Why no execution could carry a transaction token.

use std::fmt;

/// What the token would say cannot travel in an execution, whoever signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarryError {
    /// A text of the statement is a signed or encrypted token: it would lie in the history of the execution.
    HoldsToken,
    /// What the workflow's requirements name does not fit into a token.
    TooLarge {
        /// The most bytes.
        limit: usize,
        /// The token's bytes.
        presented: usize,
    },
}

impl CarryError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HoldsToken => "transaction_token_holds_token",
            Self::TooLarge { .. } => "transaction_token_too_large",
        }
    }
}

impl fmt::Display for CarryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HoldsToken => f.write_str("transaction token: a claim is a token itself"),
            Self::TooLarge { limit, presented } => {
                write!(f, "transaction token: expected at most `{limit}` bytes, presented `{presented}`")
            }
        }
    }
}

impl std::error::Error for CarryError {}
