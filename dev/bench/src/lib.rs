//! Measuring one thing beside another, so that the machine's noise falls on both.
//!
//! The benchmarks are in `benches/`; `cargo xtask bench` builds and runs them and prints one table.

// In reading order: what is timed or counted, then what is told of it.

/// Times taken in turn.
mod interleaved;

/// Instructions, counted by valgrind.
pub mod instructions;

/// One row of the table.
mod row;

pub use interleaved::{Sample, Subject, interleaved};
pub use row::{HOSTS, LEAST_NOISE, Row};
