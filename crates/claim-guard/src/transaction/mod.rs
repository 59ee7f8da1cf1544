//! The signed statement that travels in an execution in place of the access token.

mod binding;
mod failure;
mod signature;
mod statement;
mod token;
mod verify;

pub use binding::{Binding, PresentedAt};
pub use failure::{TransactionFailure, TransactionRejection};
pub use signature::DerError;
pub use statement::{MAX_MINTED_BYTES, MintError, Minting, UnsignedTransactionToken};
pub use token::{MAX_TRANSACTION_TOKEN_BYTES, TransactionToken};
pub use verify::{AgedTransaction, TransactionKeySet, TransactionVerifier, VerifiedTransaction};
