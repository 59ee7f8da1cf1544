//! One day of many warm containers and one Keycloak, and what one payment asks of it: `cargo xtask simulate`.
//!
//! Each container goes by the very rules of `realm-keys`; what is modelled is when requests come, how long Keycloak takes to
//! answer, and what befalls the realm. The same seed tells the same day.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a simulation may panic"
)]

/// What can be turned.
mod knobs;

/// Draws, from a seed.
mod chance;

/// When what befalls the realm.
mod day;

/// One container's day.
mod container;

/// What came of all containers.
mod tally;

/// What one payment asks of Keycloak.
mod payment;

use std::io::Write as _;

use crate::container::live;
use crate::day::Day;
use crate::knobs::Knobs;
use crate::tally::Tally;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (knobs, counts) = match Knobs::parse(&arguments) {
        Ok(parsed) => parsed,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "{fault}");
            std::process::exit(2);
        }
    };
    let day = Day::of(&knobs);
    let tallies: Vec<Tally> = counts.iter().map(|count| whole(*count, &knobs, &day)).collect();
    let table = tally::table(&tallies, &knobs, &day);
    let _ = writeln!(std::io::stdout(), "{table}\n\n{}", payment::table());
}

/// The day of so many containers.
fn whole(containers: usize, knobs: &Knobs, day: &Day) -> Tally {
    let mut tally = Tally::of(containers);
    for number in 0..containers {
        live(number, knobs, day, &mut tally);
    }
    tally
}
