//! What happened in a world, for whoever judges it.

use claim_guard::revalidation::Cause;

use crate::states::State;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Denied,
    Rejected,
    Undecided,
    TaskFailed,
    /// It did not.
    Endless,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Withdrawn,
    Unanswered,
}

/// What a guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Acts,
    Denied,
    Expired,
    Rejected,
}

/// One stay in a guarded state, by step, branch and number of redrives.
pub type Visit = (usize, u8, u32);

/// Something that happened. Times are seconds since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The realm was to be asked.
    Asked {
        visit: Visit,
        state: State,
        cause: Cause,
        at: i64,
        outcome: Outcome,
    },
    /// A guard has decided.
    Decided {
        visit: Visit,
        state: State,
        at: i64,
        verdict: Verdict,
    },
    /// The work failed.
    Failed {
        visit: Visit,
    },
    Redriven {
        at: i64,
    },
}

/// All that happened in a world.
#[derive(Debug)]
pub struct Story {
    pub events: Vec<Event>,
    pub end: End,
    pub ended_at: i64,
}
