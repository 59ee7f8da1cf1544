//! Minting: whom a grant or a renewed statement speaks of → a transaction token.

mod statement;

pub use statement::{MAX_MINTED_BYTES, MAX_RENEWED_BYTES, MintError, Minting, UnsignedTransactionToken};
