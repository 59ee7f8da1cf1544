//! Decisions, compared whole.

mod actors;
mod conditions;
mod policies;
mod unmet;

use crate::decision::Decision;

/// What a decision says: nothing for a grant, else every cause's message.
fn messages(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => {
            assert!(!denial.unmet().is_empty(), "a denial names a cause");
            denial.unmet().iter().map(ToString::to_string).collect()
        }
    }
}
