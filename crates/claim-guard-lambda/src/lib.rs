#![doc = include_str!("../README.md")]

// In reading order: a task author needs `run`, `Grant` and `TaskError`; the rest is how it is done.

mod run;

/// The names under which a state machine catches what goes wrong.
pub mod error_names;
mod guard_error;
mod task_error;

/// What a guard is configured with.
mod environment;

/// What a woven state passes, for the other functions that it calls about an identity.
pub mod event;
mod guard;
mod invocation;

pub use claim_guard;
pub use claim_guard::decision::Grant;
pub use environment::{ConfigurationFault, TRANSACTION_KEYS, TRUST_DOMAIN, WORKFLOW};
pub use event::EventError;
pub use guard::{Granted, Guard, Ruling};
pub use guard_error::GuardError;
pub use invocation::InvocationError;
pub use lambda_runtime::Error;
pub use run::run;
pub use task_error::TaskError;
