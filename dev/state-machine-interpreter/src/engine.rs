//! What an execution is, and what it shares with those that it starts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde_json::Value;

use crate::stop::Stop;

/// An execution: of a machine, or of an item of a distributed Map.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// `Execution.Id` of its context object.
    pub id: String,
    /// `StateMachine.Id` of its context object.
    pub machine: String,
    /// What it was started with.
    pub input: Value,
}

/// When the context object says how often a state was retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryCount {
    /// From the first attempt on.
    Always,
    /// From the second attempt on.
    OnceRetried,
}

/// In which ways engines differ, or AWS's word is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// `Execution.RedriveCount`; none leaves it out.
    pub redrive_count: Option<u64>,
    /// `State.RetryCount`.
    pub retry_count: RetryCount,
    /// Whether a Parallel's rule for `States.BranchFailed` takes in what a branch failed with, by whichever name.
    pub is_branch_failed_a_wildcard: bool,
}

/// As AWS documents it.
pub const AS_DOCUMENTED: Habits =
    Habits { redrive_count: Some(0), retry_count: RetryCount::Always, is_branch_failed_a_wildcard: true };

/// Runs executions: how many steps are left to all of them, and which ids are taken.
#[derive(Debug)]
pub struct Engine {
    steps_left: Cell<u64>,
    counter: Cell<u64>,
    stretches: Cell<u64>,
    ids: RefCell<BTreeSet<String>>,
    habits: Habits,
}

impl Engine {
    /// An engine of these habits, whose executions may enter so many states between them.
    pub fn new(steps: u64, habits: Habits) -> Self {
        Self {
            steps_left: Cell::new(steps),
            counter: Cell::new(0),
            stretches: Cell::new(0),
            ids: RefCell::default(),
            habits,
        }
    }

    /// An engine as AWS documents it.
    pub fn as_documented(steps: u64) -> Self {
        Self::new(steps, AS_DOCUMENTED)
    }

    /// In which ways it differs from others.
    pub fn habits(&self) -> Habits {
        self.habits
    }

    /// Takes an id for an execution; false if one of that id was started before.
    pub fn takes_id(&self, id: &str) -> bool {
        self.ids.borrow_mut().insert(id.to_owned())
    }

    /// That id, or one like it that nobody has.
    pub(crate) fn free_id(&self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        while !self.takes_id(&id) {
            id = format!("{wanted}.{}", self.next_number());
        }
        id
    }

    pub(crate) fn step(&self) -> Result<(), Stop> {
        let left = self.steps_left.get().checked_sub(1).ok_or(Stop::OutOfSteps)?;
        self.steps_left.set(left);
        Ok(())
    }

    /// A number for the next stretch of states.
    pub(crate) fn next_stretch(&self) -> u64 {
        self.stretches.set(self.stretches.get() + 1);
        self.stretches.get()
    }

    /// A number that was not given out before: what is random on AWS is a count here.
    pub(crate) fn next_number(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    /// A UUID that was not given out before.
    pub(crate) fn next_uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.next_number())
    }
}
