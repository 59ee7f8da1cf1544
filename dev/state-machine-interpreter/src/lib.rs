//! Amazon States Language in process, for tests.
//!
//! It runs machines of JSONPath and JSONata without waiting, as strictly as Step Functions does: what is not there is a failure
//! by AWS's name. What Tasks answer is for a [`World`] to say, which also sees every state, call and variable. Where engines
//! differ, or AWS's word is not certain, [`Habits`] say which way it goes.

// How an execution ends.
mod stop;
pub use stop::{ExecutionFailure, Stop};

// What is outside of the machine.
mod world;
pub use world::{Call, Expected, Place, World};

// What an execution shares with those that it starts, and what it is.
mod engine;
pub use engine::{Engine, Execution, Habits, RetryCount};
mod context;

// Expressions.
mod intrinsic;
mod json_path;
mod jsonata;
mod jsonata_functions;
mod template;

// States.
mod assignment;
mod choice;
mod items;
mod rule;
mod run;
pub use run::execute;
mod state;
