//! The signed statement that travels in an execution in place of the access token.

mod acting;
mod binding;
mod failure;
mod signature;
mod statement;
mod token;
mod untrusted;
mod verify;
mod work_path;

pub(crate) use acting::Acting;
pub use binding::{Attempt, Binding, PresentedAt, Renewed, Run};
pub use failure::{TransactionFailure, TransactionRejection};
pub use signature::{DerError, fixed_from_der};
pub use statement::{MAX_MINTED_BYTES, MAX_RENEWED_BYTES, MintError, Minting, UnsignedTransactionToken};
pub use token::{MAX_TRANSACTION_TOKEN_BYTES, TransactionToken};
pub use untrusted::UntrustedTransaction;
pub use verify::{AgedTransaction, HAND_OVER, TransactionKeySet, TransactionVerifier, VerifiedTransaction};
pub use work_path::WorkPath;
