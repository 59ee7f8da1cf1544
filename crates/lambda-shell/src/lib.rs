//! What every Lambda of the stack is around its decision: the event comes in as bytes, a panic ends one invocation, and
//! the audit line goes out.

// In reading order: in, in between, out.

/// The event as Lambda hands it over.
mod raw_event;

/// What the process is configured with.
mod environment;

/// A panic ends one invocation, and says nothing of what was presented.
mod panics;

/// Where audit lines go.
mod audit_log;

pub use audit_log::{AuditLog, note};
pub use environment::Environment;
pub use panics::{PANICKED, Panicked, caught, caught_at_once, silence_panics};
pub use raw_event::RawEvent;
