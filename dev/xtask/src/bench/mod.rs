//! `cargo xtask bench`: what the guard costs, as ratios, in one table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::cargo::cargo;
use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;
use crate::prerequisites;
use crate::process;
use crate::progress::{Progress, tell};

/// What executions consumed of what AWS bills.
mod consumption;
/// A workflow with and without identity, on a lab.
mod end_to_end;
/// The rows, their table and what they are held against.
pub mod rows;
/// An archive for Lambda.
mod zip;

use rows::{Row, Rows};

/// The functions that are measured as processes, beside the floor.
const FUNCTIONS: [&str; 7] = [
    "screen-payment",
    "approve-payment",
    "execute-payment",
    "authorizer",
    "executions",
    "revalidation",
    "key-publisher",
];

/// A group of rows that one program prints.
struct Group {
    name: &'static str,
    /// The benchmark of `dev/bench` that measures it.
    program: &'static str,
    /// Whether it starts the built functions.
    starts_functions: bool,
}

/// In the table's order.
const GROUPS: [Group; 10] = [
    Group { name: "verify", program: "measure", starts_functions: false },
    Group { name: "profile", program: "measure", starts_functions: false },
    Group { name: "guard", program: "measure", starts_functions: false },
    Group { name: "allocations", program: "allocations", starts_functions: false },
    Group { name: "reject", program: "measure", starts_functions: false },
    Group { name: "authorizer", program: "measure", starts_functions: false },
    Group { name: INSTRUCTIONS, program: "measure", starts_functions: false },
    Group { name: "contention", program: "measure", starts_functions: false },
    Group { name: "cold-start", program: "measure", starts_functions: true },
    Group { name: "warm-invoke", program: "measure", starts_functions: true },
];
/// The group that valgrind counts.
const INSTRUCTIONS: &str = "instructions";
/// The group that a lab measures.
pub const END_TO_END: &str = "end-to-end";

/// The names of all groups.
pub fn groups() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|group| group.name).chain([END_TO_END])
}

/// What to measure, and what to do with it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Groups; empty for all that need no lab.
    pub only: Vec<String>,
    /// Where the rows are written.
    pub json: Option<PathBuf>,
    /// The rows that these may not be worse than.
    pub check: Option<PathBuf>,
    /// The lab that the end-to-end group runs on; it has to be up.
    pub lab: Option<String>,
    /// How long each comparison is timed, in seconds.
    pub seconds: f64,
}

/// Builds, measures, prints the table. Answers whether nothing is worse than the rows to check against.
///
/// # Errors
/// Something does not build, a measurement breaks off, a file cannot be read or written.
pub fn run(options: &Options, progress: &Progress) -> Result<bool, Failure> {
    // Read first: a run takes minutes.
    let baseline = options.check.as_deref().map(Rows::read).transpose()?;
    let lab = options.lab.as_deref().filter(|_| options.asks_for(END_TO_END));
    let lab = lab.map(Lab::for_measurements).transpose()?;
    let bench = Bench::new(options, progress)?;
    let mut measured = Rows::default();
    for group in GROUPS.iter().filter(|group| options.asks_for(group.name)) {
        measured.extend(bench.measure(group)?);
    }
    if let Some(lab) = &lab {
        measured.extend(end_to_end::measure(lab, &bench.floor()?, progress)?);
    }
    tell!("{measured}");
    if let Some(path) = &options.json {
        measured.write(path)?;
    }
    let Some(baseline) = baseline else { return Ok(true) };
    let worse = measured.worse_than(&baseline);
    for line in &worse {
        tell!("✘ {line}");
    }
    if worse.is_empty() {
        tell!(
            "✔ nothing is worse than {}",
            options.check.iter().map(|path| path.display().to_string()).collect::<String>()
        );
    }
    Ok(worse.is_empty())
}

impl Options {
    fn asks_for(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == group)
    }
}

struct Bench<'a> {
    options: &'a Options,
    progress: &'a Progress,
    directory: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options, progress: &'a Progress) -> Result<Self, Failure> {
        let known: BTreeSet<&str> = groups().collect();
        if let Some(stranger) = options.only.iter().find(|only| !known.contains(only.as_str())) {
            let known: Vec<&str> = groups().collect();
            return Err(Failure::new(format!("no group `{stranger}`"), format!("use one of {}", known.join(", "))));
        }
        if options.asks_for(INSTRUCTIONS) {
            prerequisites::valgrind_present()?;
        }
        let directory = cache::repository().join("target/bench");
        cache::make(&directory.join("functions"))?;
        let bench = Bench { options, progress, directory };
        if GROUPS.iter().any(|group| group.starts_functions && options.asks_for(group.name)) {
            bench.build_functions()?;
        }
        Ok(bench)
    }

    /// Builds what ships as it ships: all of it at once, without the features that tests and tools ask for.
    fn build_functions(&self) -> Result<(), Failure> {
        self.cargo("build the functions", &["build", "--release", "--locked", "--bins"])?;
        for name in FUNCTIONS {
            self.keep(name)?;
        }
        self.floor().map(|_| ())
    }

    /// The floor, built by itself: no other crate's features are in it.
    fn floor(&self) -> Result<PathBuf, Failure> {
        self.cargo(
            "build the floor",
            &["build", "--release", "--locked", "--package", "bench", "--bin", end_to_end::FLOOR],
        )?;
        self.keep(end_to_end::FLOOR)
    }

    /// Copies a program out of cargo's way: another build may replace it with one of other features.
    fn keep(&self, name: &str) -> Result<PathBuf, Failure> {
        let built = cache::repository().join("target/release").join(name);
        let kept = self.directory.join("functions").join(name);
        // A program that runs cannot be written to, but it can be replaced.
        let draft = kept.with_extension("draft");
        let activity = || format!("copy {} to {}", built.display(), kept.display());
        fs::copy(&built, &draft).or_failure(activity(), "see that the disk is not full")?;
        fs::rename(&draft, &kept).or_failure(activity(), "see that the disk is not full")?;
        Ok(kept)
    }

    fn measure(&self, group: &Group) -> Result<Vec<Row>, Failure> {
        let Group { name, program, .. } = group;
        let build = ["bench", "--locked", "--package", "bench", "--bench", program, "--no-run"];
        self.cargo(&format!("build the benchmark `{program}`"), &build)?;
        let mut command = cargo(&["bench", "--locked", "--package", "bench", "--bench", program, "--", name]);
        command.env("BENCH_SECONDS", self.options.seconds.to_string());
        command.env("BENCH_FUNCTIONS", self.directory.join("functions"));
        command.env("BENCH_INSTRUCTIONS", &self.directory);
        let log = self.run(&format!("measure {name}"), command, &format!("measure-{name}"))?;
        let text = fs::read_to_string(&log).or_failure(format!("read {}", log.display()), "run it again")?;
        let rows: Vec<Row> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if rows.is_empty() {
            return Err(Failure::new(format!("the group `{name}` told no row"), format!("read {}", log.display())));
        }
        Ok(rows)
    }

    fn cargo(&self, title: &str, arguments: &[&str]) -> Result<PathBuf, Failure> {
        self.run(title, cargo(arguments), &title.replace([' ', '`'], "-"))
    }

    fn run(&self, title: &str, mut command: std::process::Command, log: &str) -> Result<PathBuf, Failure> {
        let log = self.directory.join(format!("{log}.log"));
        let step = self.progress.step(title);
        command.current_dir(cache::repository());
        process::run(&mut command, title, &log, &|note| step.note(note), "read the output above")?;
        step.done("");
        Ok(log)
    }
}

/// `cargo xtask simulate`: runs the model of many containers and prints what it tells.
///
/// # Errors
/// It does not build, or an argument is none of its knobs.
pub fn simulate(arguments: &[String], progress: &Progress) -> Result<(), Failure> {
    let directory = cache::repository().join("target/bench");
    cache::make(&directory)?;
    let mut command = cargo(&["bench", "--quiet", "--locked", "--package", "bench", "--bench", "simulate", "--"]);
    command.args(arguments).current_dir(cache::repository());
    let log = directory.join("simulate.log");
    let step = progress.step("simulate a day");
    process::run(&mut command, "the simulation", &log, &|note| step.note(note), "read its output above")?;
    step.done("");
    tell!("{}", table_in(&log)?);
    Ok(())
}

/// What the program printed, without what cargo may have said before.
fn table_in(log: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(log).or_failure(format!("read {}", log.display()), "run it again")?;
    Ok(text.find("the day\n").and_then(|begin| text.get(begin..)).unwrap_or(&text).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_none_is_named_with_those_that_are() {
        let only = vec!["verfy".to_owned()];
        let options = Options { only, json: None, check: None, lab: None, seconds: 0.1 };
        let remedy = "use one of verify, profile, guard, allocations, reject, authorizer, instructions, contention, cold-start, \
                      warm-invoke, end-to-end";
        assert_eq!(run(&options, &Progress::new()), Err(Failure::new("no group `verfy`", remedy)));
    }
}
