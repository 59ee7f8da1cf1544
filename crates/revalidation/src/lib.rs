//! Asks Keycloak what a subject may do now, and renews the transaction token: the Lambda behind a woven state, and behind a start.
//!
//! | asked for | on the statement of | answer |
//! |---|---|---|
//! | `renew` | the same run, which goes on with a state | the run's next statement |
//! | `adopt` | the run whose distributed Map has started this one | the child run's first statement |
//! | `delegate` | the run that is about to start another | the other run's first statement, and what to call it |
//!
//! And for `executions`, which faces the internet and cannot sign itself in at Keycloak:
//!
//! | asked for | on the statement of | answer |
//! |---|---|---|
//! | `start` | the run that is about to start, minted seconds ago | whether the realm stands behind its caller; nothing is signed |
//!
//! What may be relied on:
//!
//! - A statement is renewed on what the realm says now, and on nothing else. Its old age does not matter; its signature
//!   and the run that it is bound to do.
//! - The new one says less or more than the old one, as the realm does. It never outlives the workflow's longest run.
//! - Only for an execution that lives: Step Functions says first that it runs, and is the one that the statement is of. What
//!   was stopped stays stopped, redriven or not.
//! - A realm or an engine that cannot be asked, or whose answer cannot be read, leads to no statement and to no denial.
//! - Each event makes exactly one audit line, written before the answer is given. Neither a line nor an error holds a token.
//! - A function whose configuration is broken starts, and refuses every event with all the reasons in its audit line.

// In reading order: from the environment and the event over the question to the answer.

/// The environment's variables → settings.
pub mod settings;

/// A call: a woven state's, or before a start.
mod event;

/// From the call to the new statement or the yes, or to what stands against it.
mod revalidation;

/// From a presumed context to an execution that lives.
mod alive;

/// The seam to Step Functions.
mod engine;

/// What it said a moment ago.
mod recent;

/// What was seen of executions a moment ago.
mod seen;

/// Step Functions for real.
mod step_functions;

/// Statement → transaction token.
mod mint;

/// The seam to Keycloak.
mod realm;

/// Keycloak for real.
pub mod keycloak;

/// The seam to chance.
mod randomness;

mod error;
mod renewed;
/// What the caller hears.
mod response;

/// The function, or what stands in its place.
mod service;

pub use engine::Engine;
pub use error::RevalidationError;
pub use event::EventFault;
pub use randomness::Randomness;
pub use realm::{Answered, Assertions, Realm, Stood, Unanswered};
pub use renewed::Renewed;
pub use response::RevalidationResponse;
pub use revalidation::{Revalidation, Ruling, Services};
pub use service::{Misconfigured, Service};
pub use step_functions::StepFunctions;

#[cfg(test)]
mod tests;
