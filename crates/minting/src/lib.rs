//! What mints transaction tokens: whose they are, which key signs them, and how KMS is asked to.
//!
//! Two functions mint: `executions` when an execution is started, `revalidation` when a statement has grown old. What
//! they say stands in `claim-guard`; what both need of a stack stands here.

// In reading order: from the environment to KMS.

/// The environment's variables → who mints.
mod settings;

/// The ARN of the key that signs.
mod signing_key;

/// What AWS answers when it gives nothing.
mod failure;

/// The clients' bounds.
mod bounds;

/// The key that signs.
mod signer;

/// Bits that nobody can guess.
mod chance;

pub use bounds::aws_config;
pub use chance::{NoRandom, hex, random};
pub use failure::{Failure, THROTTLED};
pub use settings::{MintFault, MintSettings};
pub use signer::{KmsSigner, Signer};
pub use signing_key::SigningKeyArn;
