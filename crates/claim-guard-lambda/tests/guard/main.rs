//! The guard of a state, served event by event: what the state machine hears, and what the audit log says.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a wrong call is a wrong test")]

mod arbitrary_events;
mod concurrency;
mod configuration;
mod freshness;
mod outcomes;
mod readme;
mod stack;
mod state_machine;
mod support;
mod task;
