//! The error names that a state machine may see: a contract, so each is written here once.
//!
//! Names that begin with `ClaimGuard.` are the guard's: no task can answer with one. Names that begin with `Task.` are
//! what this crate says of a task whose author chose no name.

/// The transaction token proves nothing at this state. Terminal; raises an alarm.
pub const REJECTED: &str = "ClaimGuard.Rejected";

/// We know on whose behalf the state would act, and they may not.
pub const DENIED: &str = "ClaimGuard.Denied";

/// The transaction token was true and is too old, or the execution was redriven since.
pub const IDENTITY_EXPIRED: &str = "ClaimGuard.IdentityExpired";

/// The guard could not tell. Retry with back-off: it heals.
pub const UNDECIDED: &str = "ClaimGuard.Undecided";

/// The guard, or the state machine that calls it, is configured wrongly. Nothing acts until a deployment repairs it.
pub const MISCONFIGURED: &str = "ClaimGuard.Misconfigured";

/// Every name of the guard's: a state machine that handles these handles every refusal.
pub const GUARD: [&str; 5] = [REJECTED, DENIED, IDENTITY_EXPIRED, UNDECIDED, MISCONFIGURED];

/// The decision was an allow, and the input is not what the task reads.
pub const INVALID_INPUT: &str = "Task.InvalidInput";

/// The task's output cannot be written as JSON.
pub const INVALID_OUTPUT: &str = "Task.InvalidOutput";

/// The task failed without choosing a name.
pub const FAILED: &str = "Task.Failed";

/// The task chose a name that is not its to choose.
pub const INVALID_ERROR_NAME: &str = "Task.InvalidErrorName";

/// The task panicked. The function's log says where, and nothing says with which words: they may quote the input.
pub const PANICKED: &str = "Task.Panicked";
