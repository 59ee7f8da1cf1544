//! What mints transaction tokens: whose they are, which key signs them, how KMS is asked to, and what executions are called.
//!
//! Two functions mint: `executions` when an execution is started, `revalidation` when a statement has grown old. What
//! they say stands in `claim-guard`; what both need of a stack stands here, and how the one asks the other.

// In reading order: from the environment to KMS.

/// The environment's variables → who mints.
mod settings;

/// The ARN of the key that signs.
mod signing_key;

/// What AWS answers when it gives nothing.
mod service_error;

/// The clients' bounds.
mod bounds;

/// The key that signs.
mod signer;

/// The key that execution names are made with.
mod naming_key;

/// Bits that nobody can guess.
mod chance;

/// What an execution is called that a state of another one starts.
mod nested_name;

/// What is asked before an execution starts, and what is answered.
mod start_question;

pub use bounds::aws_config;
pub use chance::{NoRandom, hex, random};
pub use naming_key::{KmsNamingKey, NamingKey, NamingKeyArn, NamingKeySource};
pub use nested_name::{GIVEN_DIGITS, NESTED_DIGITS, nested_name};
pub use service_error::{ServiceError, THROTTLED};
pub use settings::{MintFault, MintSettings};
pub use signer::{KmsSigner, Signer};
pub use signing_key::SigningKeyArn;
pub use start_question::{StartAnswer, StartAnswerFault, start_question};
