//! An old statement → what to ask the realm → what its answers say → a statement of now.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod fixture;

mod alive;
mod question;
mod rounds;
mod slow;

mod answers;
mod evaluation;
mod standing;

mod child;
mod nested;
mod parent_run;
mod renewal;
mod start;

mod audit;
mod messages;
