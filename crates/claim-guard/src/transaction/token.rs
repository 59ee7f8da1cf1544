//! A transaction token as text.

use std::fmt;

use crate::excerpt::Excerpt;
use crate::jws::{Compact, JwsError, TokenTypes};
use crate::transaction::failure::TransactionRejection;

/// The most bytes that a guard reads; minted are at most half as many.
pub const MAX_TRANSACTION_TOKEN_BYTES: usize = 4096;

/// The header's `typ` (draft-ietf-oauth-transaction-tokens).
pub(crate) const TRANSACTION_TOKEN_TYPE: &str = "txntoken+jwt";

pub(crate) const TRANSACTION_TOKEN_TYPES: TokenTypes =
    TokenTypes { accepted: &[TRANSACTION_TOKEN_TYPE], absent_is_accepted: false, expected: TRANSACTION_TOKEN_TYPE };

/// A transaction token, minted or presented: three parts, unproven. It never prints its text.
#[derive(Clone, PartialEq, Eq)]
pub struct TransactionToken(String);

impl TransactionToken {
    pub(crate) fn assertion(text: String) -> Self {
        Self(text)
    }

    /// Reads what was presented.
    ///
    /// # Errors
    /// [`TransactionRejection::Jws`] for a text that is too long or has not three parts.
    pub fn parse(text: &str) -> Result<Self, TransactionRejection> {
        Compact::parse(text, MAX_TRANSACTION_TOKEN_BYTES)?;
        Ok(Self(text.to_owned()))
    }

    /// The text, for the execution's input. It is worthless outside its execution, but it belongs into no log.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which transaction the token claims to be of: only for naming a refusal.
    pub fn untrusted_transaction(&self) -> Option<Excerpt> {
        let payload = self.compact().ok()?.untrusted_payload()?;
        payload.members().get("txn")?.text().map(Excerpt::of)
    }

    pub(crate) fn compact(&self) -> Result<Compact<'_>, JwsError> {
        Compact::parse(&self.0, MAX_TRANSACTION_TOKEN_BYTES)
    }
}

impl fmt::Debug for TransactionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransactionToken(…)")
    }
}
