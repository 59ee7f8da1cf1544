//! What the outside answers when it gives nothing.

use claim_guard::audit::Reason;

/// Why KMS or Step Functions did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Out of reach, too slow, too busy: it heals.
    Undecided(Reason),
    /// It said no, or knows no such key or state machine: somebody has to act.
    Misconfigured(Reason),
}
