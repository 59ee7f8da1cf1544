//! The signed statement that travels in an execution in place of the access token: what it is bound to, and its verification.

mod acting;
mod binding;
mod carry_error;
mod failure;
mod token;
mod untrusted;
mod verify;
mod work_path;

pub(crate) use acting::Acting;
pub use binding::{Attempt, Binding, PresentedAt, Renewed, Run};
pub use carry_error::CarryError;
pub use failure::{TransactionFailure, TransactionRejection};
pub(crate) use token::TRANSACTION_TOKEN_TYPE;
pub use token::{MAX_TRANSACTION_TOKEN_BYTES, TransactionToken};
pub use untrusted::UntrustedTransaction;
pub use verify::{HAND_OVER, StaleTransaction, TransactionKeySet, TransactionVerifier, VerifiedTransaction};
pub use work_path::WorkPath;
