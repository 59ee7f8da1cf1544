//! What has to hold whatever bytes come in: one function for each fuzzing target.
//!
//! A target returns on any input; a broken invariant is a panic. The keys that it signs with are made when it first runs,
//! so nothing that is signed can be in a corpus: an input says what to sign, and mutations of it get past the signature.
//! Nothing that ships depends on this crate.
#![expect(clippy::expect_used, clippy::panic, reason = "a broken invariant ends the run")]

// In reading order: what a realm presents, what a client does, what AWS does, what we configure.

mod discovery;
mod jwk_set;

mod token;
mod transaction_token;

mod authorizer_event;
mod executions_event;
mod key_publisher_event;
mod method_arn;
mod realm_answer;
mod revalidation_event;
mod task_event;

mod access_toml;
mod environment;

/// Keys, verifiers and tokens that the targets share.
mod fixture;
/// What holds for every line that is written.
mod line;
/// IAM patterns and the paths that they cover.
mod pattern;
/// Whether the corpus comes to what is accepted.
mod reached;
/// A realm that can be asked, in memory.
mod realm;
/// Executions in memory.
mod world;

pub use access_toml::access_toml;
pub use authorizer_event::authorizer_event;
pub use discovery::discovery;
pub use environment::environment;
pub use executions_event::executions_event;
pub use jwk_set::jwk_set;
pub use key_publisher_event::key_publisher_event;
pub use method_arn::method_arn;
pub use realm_answer::realm_answer;
pub use revalidation_event::revalidation_event;
pub use task_event::task_event;
pub use token::token;
pub use transaction_token::transaction_token;

/// A target's name, which is its corpus' directory too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 13] = [
    ("access_toml", access_toml),
    ("authorizer_event", authorizer_event),
    ("discovery", discovery),
    ("environment", environment),
    ("executions_event", executions_event),
    ("jwk_set", jwk_set),
    ("key_publisher_event", key_publisher_event),
    ("method_arn", method_arn),
    ("realm_answer", realm_answer),
    ("revalidation_event", revalidation_event),
    ("task_event", task_event),
    ("token", token),
    ("transaction_token", transaction_token),
];
