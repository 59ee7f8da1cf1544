//! The operator's command as a library: one module for each subcommand, its arguments and what it does.

/// How a command ends, and what kept it from ending well.
pub mod outcome;

/// `ksf verify`: what is this token worth?
pub mod verify;

/// `ksf weave`: identity, written into a state machine that says nothing of it.
pub mod weave;
