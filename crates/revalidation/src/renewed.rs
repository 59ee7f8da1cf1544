//! What the state machine hears when there is a new statement.

use claim_guard::TransactionToken;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A new transaction token, and what to call the execution that is about to start with it, where one is.
///
/// `{"transactionToken": "…"}` or `{"transactionToken": "…", "name": "…"}`. It holds the token, so it is for the state
/// machine alone, and does not print it.
#[derive(Debug)]
pub struct Renewed {
    token: TransactionToken,
    name: Option<String>,
}

impl Renewed {
    pub(crate) fn new(token: TransactionToken, name: Option<String>) -> Self {
        Self { token, name }
    }
}

impl Serialize for Renewed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("transactionToken", self.token.as_str())?;
        if let Some(name) = &self.name {
            members.serialize_entry("name", name)?;
        }
        members.end()
    }
}
