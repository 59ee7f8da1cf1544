//! What the guard costs: one group of measurements for each argument, one row of JSON a line.
//!
//! `cargo xtask bench` builds everything that is measured, runs this and prints a table. `BENCH_SECONDS` is how long each
//! comparison is timed, `BENCH_FUNCTIONS` the directory of the built functions, `BENCH_INSTRUCTIONS` the one that valgrind
//! writes to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may panic"
)]

/// The groups: decisions in this process.
mod authorizer;
mod contention;
mod guard;
mod instructions;
mod profile;
mod reject;
mod verify;

/// The groups: functions as processes.
mod cold_start;
mod warm_invoke;

/// What both are measured with.
mod aws;
mod fixture;
mod functions;
mod realm;
mod runtime_api;

#[allow(dead_code, reason = "shared with tests that use other parts of it")]
#[path = "../../../../crates/realm-keys/tests/support/faulty_server.rs"]
mod faulty_server;
#[allow(dead_code, reason = "shared with tests that use other parts of it")]
#[path = "../../../../crates/claim-guard-lambda/tests/guard/stack.rs"]
mod stack;

fn main() {
    // cargo adds `--bench` to what it runs.
    let groups: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for group in groups {
        match group.as_str() {
            "verify" => verify::run(),
            "profile" => profile::run(),
            "guard" => guard::run(),
            "reject" => reject::run(),
            "authorizer" => authorizer::run(),
            "instructions" => instructions::run(),
            instructions::COUNTED => instructions::count_all(),
            "cold-start" => cold_start::run(),
            "warm-invoke" => warm_invoke::run(),
            "contention" => contention::run(),
            other => panic!("no group `{other}`"),
        }
    }
}
