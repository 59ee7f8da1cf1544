//! `cargo xtask machines DIR`: state machines of third parties, woven and run, to see that no token leaks and that their authors'
//! states are handed what they were.

use std::fs;
use std::path::Path;

use crate::cache;
use crate::cargo::cargo;
use crate::failure::{Failure, OrFailure};
use crate::process;
use crate::progress::Progress;

/// The test that judges the machines of a directory, whichever it is.
const TEST: &str = "every_machine_of_the_directory_is_refused_or_runs_as_its_author_wrote_it";
/// Names the directory to it.
const VARIABLE: &str = "KSF_MACHINES";
/// How a line about one machine begins.
const MACHINE: &str = "machine ";
/// Where its last line begins. A run without it judged nothing.
const TOTAL: &str = "machines: ";

/// Weaves and runs every `*.json` of a directory. Answers whether no machine leaks or is at fault, and what to tell: a line or
/// more of each machine, and how many of each kind.
///
/// # Errors
/// There is no such directory, no machine in it, or the test cannot be built.
pub fn run(directory: &Path, progress: &Progress) -> Result<(bool, String), Failure> {
    let remedy = "name a directory with state machines, as *.json";
    let directory = directory.canonicalize().or_failure(format!("read {}", directory.display()), remedy)?;
    let logs = cache::repository().join("target/xtask-test");
    cache::make(&logs)?;
    let log = logs.join("machines.log");
    let mut command =
        cargo(&["test", "--package", "ksf", "--test", "machines", "--locked", "--", "--exact", TEST, "--nocapture"]);
    command.env(VARIABLE, &directory).env("RUST_BACKTRACE", "0").current_dir(cache::repository());
    let step = progress.step(format!("weave and run the machines of {}", directory.display()));
    let ended = process::run(&mut command, "the machines' test", &log, &|note| step.note(note), remedy);
    let output = fs::read_to_string(&log).or_failure(format!("read {}", log.display()), "run the command again")?;
    match (told(&output), ended) {
        (None, Ok(())) => Err(Failure::new("no machine was judged", remedy)),
        (Some(told), _) if told.starts_with(TOTAL) => Err(Failure::new("there is no machine in it", remedy)),
        (Some(told), Ok(())) => {
            step.done("");
            Ok((true, told))
        }
        (Some(told), Err(_)) => Ok((false, told)),
        (None, Err(failure)) => Err(failure),
    }
}

/// The lines that are about machines, and the total; none if the run did not come to the total.
fn told(output: &str) -> Option<String> {
    let is_told = |line: &&str| line.starts_with(MACHINE) || line.starts_with(TOTAL);
    let lines: Vec<&str> = output.lines().filter(is_told).collect();
    lines.last().is_some_and(|last| last.starts_with(TOTAL)).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_the_total_are_told() {
        let output = "running 1 test\nmachine a.json: woven, 2 of 3 states visited\nmachine a.json: leak: the input of state `A`\n\
                      machines: 1 woven, 0 refused, 0 not run, 0 skipped, 1 leak, 0 at fault\n\nthread panicked\n";
        let expected = "machine a.json: woven, 2 of 3 states visited\nmachine a.json: leak: the input of state `A`\n\
                        machines: 1 woven, 0 refused, 0 not run, 0 skipped, 1 leak, 0 at fault";
        assert_eq!(told(output).as_deref(), Some(expected));
        assert_eq!(told("error: could not compile"), None);
    }
}
