//! What is outside of the machine: whom it calls, and who looks on.

use serde_json::Value;

use crate::engine::{Engine, Execution};
use crate::stop::ExecutionFailure;

/// A state at work.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose state it is.
    pub execution: &'a Execution,
    /// Its name.
    pub state: &'a str,
    /// As the machine has it.
    pub definition: &'a Value,
    /// How often it was tried before.
    pub retries: u64,
    /// Which stretch of states it is in, by a number of its own: an execution's, or that of one attempt of an item or a branch.
    pub stretch: u64,
}

/// What a Task calls.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The Task.
    pub place: Place<'a>,
    /// Whom it calls.
    pub resource: &'a str,
    /// What it hands over.
    pub arguments: &'a Value,
    /// The engine that the caller runs on, and executions that the call starts with it.
    pub engine: &'a Engine,
}

/// What a value is needed for that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Anything does.
    Anything,
    /// Items of a Map.
    List,
    /// Seconds, a limit.
    Number,
    /// An error's name, a cause.
    Text,
    /// A Choice.
    Condition,
}

/// Plays what Tasks answer, and looks on. What a world does not say is as strict as AWS.
pub trait World {
    /// What a Task's call answers.
    ///
    /// # Errors
    /// The Task fails by that name.
    fn call(&mut self, call: &Call<'_>) -> Result<Value, ExecutionFailure>;

    /// The items that an ItemReader reads.
    ///
    /// # Errors
    /// The Map fails by that name.
    fn items(&mut self, place: &Place<'_>, reader: &Value) -> Result<Vec<Value>, ExecutionFailure> {
        let _ = (place, reader);
        Ok(Vec::new())
    }

    /// A value for an expression that has none; without one it fails.
    fn made_up(&mut self, place: &Place<'_>, expression: &str, expected: Expected) -> Option<Value> {
        let _ = (place, expression, expected);
        None
    }

    /// Which way a Choice goes, of so many: its rules in their order, then its Default. None asks the rules.
    fn choose(&mut self, place: &Place<'_>, ways: usize) -> Option<usize> {
        let _ = (place, ways);
        None
    }

    /// A state begins; a Task, Map or Parallel does so with each attempt.
    fn entered(&mut self, place: &Place<'_>, input: &Value) {
        let _ = (place, input);
    }

    /// An inline Map or Parallel begins an item or a branch, by its number: the stretch of states that is called so.
    fn began(&mut self, place: &Place<'_>, number: usize, stretch: u64) {
        let _ = (place, number, stretch);
    }

    /// A Task, Map or Parallel came to a result.
    fn came_to(&mut self, place: &Place<'_>, result: &Value) {
        let _ = (place, result);
    }

    /// A state hands this on, by way of a Catch too.
    fn left(&mut self, place: &Place<'_>, output: &Value) {
        let _ = (place, output);
    }

    /// A variable is assigned.
    fn assigned(&mut self, place: &Place<'_>, variable: &str, value: &Value) {
        let _ = (place, variable, value);
    }

    /// An execution begins: the first one, an item's, or one that a world starts.
    fn started(&mut self, execution: &Execution) {
        let _ = execution;
    }

    /// An execution ends.
    fn ended(&mut self, execution: &Execution, end: &Result<Value, ExecutionFailure>) {
        let _ = (execution, end);
    }
}
