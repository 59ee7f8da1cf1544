//! Why no execution could carry a transaction token.

/// What the token would say cannot travel in an execution, whoever signs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// A text of the statement is a signed or encrypted token: it would lie in the history of the execution.
    #[error("transaction token: a claim is a token itself")]
    HoldsToken,
    /// What the workflow's requirements name does not fit into a token.
    #[error("transaction token: expected at most `{limit}` bytes, presented `{presented}`")]
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
