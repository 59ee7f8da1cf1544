//! `cargo xtask mutants`: breaks the decision core in every small way that cargo-mutants knows, and sees that a test notices.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::failure::{Failure, OrFailure};
use crate::process;
use crate::progress::{Progress, tell};
use crate::suite::cargo;
use crate::tools::{CARGO_MUTANTS, Tools};

/// The files that are the core.
pub mod core;
/// Mutants, and which of them are explained.
pub mod outcome;
/// What is committed of a run.
pub mod summary;

use core::Source;
use outcome::Disagreement;
use summary::Summary;

/// How long the tests of one mutant may run, in seconds. They take about ten.
const TIMEOUT: &str = "120";
/// How many mutants are decided between two lines of progress where there is no terminal.
const LINE_EVERY: usize = 20;

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Paths of the core's files; empty for all of them.
    pub files: Vec<String>,
    /// How many mutants are built and tested at once.
    pub jobs: u32,
}

/// Runs it, writes the summary, prints what is unexplained. Answers whether every mutant was caught or is explained.
///
/// # Errors
/// The tool cannot be installed, the unchanged core's tests fail, a named file is not of the core.
pub fn run(options: &Options, progress: &Progress) -> Result<bool, Failure> {
    let repository = cache::repository();
    let whole = core::read(&repository)?;
    let core = chosen(&whole, &options.files)?;
    let mut explained = outcome::explained(&repository)?;
    let is_whole = core.len() == whole.len();
    if !is_whole {
        explained.retain(|name| core.iter().any(|source| source.path == name.file));
    }
    let program = Tools::cargo_mutants(progress)?;
    let output = repository.join("target/mutants");
    // Two runs would remove each other's output and write one summary.
    let _held = cache::lock(&output, "run")?;
    let outcomes = mutate(&core, options.jobs, &program, &output, progress)?;
    let mutants = outcome::read(&outcomes, &core)?;

    let mut summary = Summary::of(format!("cargo-mutants {CARGO_MUTANTS}"), &core, &mutants);
    for (path, counts) in &summary.files {
        tell!("{path:<55} {counts}");
    }
    tell!("{:<55} {}", "together", summary.total());
    if !is_whole && let Ok(last) = Summary::read(&repository) {
        // What this run did not look at stays as it was, with the text that it was of.
        for (path, counts) in last.files {
            if whole.iter().any(|source| source.path == path) {
                summary.files.entry(path).or_insert(counts);
            }
        }
    }
    summary.write(&repository)?;
    Ok(agree(&Disagreement::between(&mutants, &explained)))
}

fn chosen(whole: &[Source], files: &[String]) -> Result<Vec<Source>, Failure> {
    if let Some(stranger) = files.iter().find(|file| !whole.iter().any(|source| source.path == **file)) {
        return Err(Failure::new(format!("`{stranger}` is not of the core"), "name a file of mutants/core.toml"));
    }
    Ok(whole.iter().filter(|source| files.is_empty() || files.contains(&source.path)).cloned().collect())
}

/// Runs the tool to its end, and answers what it wrote, also when it found mutants that no test notices.
fn mutate(core: &[Source], jobs: u32, program: &Path, output: &Path, progress: &Progress) -> Result<Vec<u8>, Failure> {
    let written = output.join("mutants.out");
    if written.exists() {
        fs::remove_dir_all(&written).or_failure(format!("remove {}", written.display()), "remove it by hand")?;
    }
    let mut command = cargo(&["mutants", "--dir", ".", "--no-shuffle", "--gitignore", "true", "--timeout", TIMEOUT]);
    command.args(["--caught", "--unviable", "--colors", "never", "--jobs", &jobs.to_string(), "--output"]).arg(output);
    let packages: BTreeSet<&str> = core.iter().map(Source::package).collect();
    for package in packages {
        command.args(["--package", package]);
    }
    for source in core {
        command.args(["--file", &source.path]);
    }
    command.args(["--", "--lib", "--tests"]).current_dir(cache::repository()).env("PATH", path_with(program));
    // Nobody debugs a mutant, and each is linked anew.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    let step = progress.step(format!("break {} files of the core, piece by piece", core.len()));
    let seen = Cell::new(0);
    let note = |last: &str| {
        let (decided, all) = (decided(&written), listed(&written));
        step.note(&format!("{decided} of {all} mutants · {last}"));
        if !std::io::stderr().is_terminal() && decided >= seen.get() + LINE_EVERY {
            seen.set(decided);
            tell!(error: "  {decided} of {all} mutants");
        }
    };
    let log = output.join("mutants.log");
    let ended = process::run(&mut command, "cargo mutants", &log, &note, "read the log");
    match (fs::read(written.join("outcomes.json")), ended) {
        // A mutant that no test notices makes it end badly; what it wrote says which.
        (Ok(outcomes), _) if outcome::read(&outcomes, core).is_ok() => {
            step.done("");
            Ok(outcomes)
        }
        (_, Err(failure)) => Err(failure),
        (outcomes, Ok(())) => outcomes.or_failure("read the mutants' outcomes", "read the log"),
    }
}

/// The search path with the tool's directory before everything else.
fn path_with(program: &Path) -> std::ffi::OsString {
    let mut path = program.parent().map(PathBuf::from).unwrap_or_default().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// How many mutants of the run under way are decided.
fn decided(written: &Path) -> usize {
    let lists = ["caught.txt", "missed.txt", "timeout.txt", "unviable.txt"];
    lists.iter().map(|list| fs::read_to_string(written.join(list)).unwrap_or_default().lines().count()).sum()
}

/// How many mutants the run under way has; 0 while it does not know.
fn listed(written: &Path) -> usize {
    let text = fs::read(written.join("mutants.json")).unwrap_or_default();
    serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(&text).map_or(0, |mutants| mutants.len())
}

fn agree(disagreement: &Disagreement) -> bool {
    if !disagreement.unexplained.is_empty() {
        tell!("\n✘ no test notices these: write one, or add them to mutants/explained.toml with the reason\n");
        for name in &disagreement.unexplained {
            tell!("{}", name.entry());
        }
    }
    if !disagreement.needless.is_empty() {
        tell!("\n✘ caught, or no longer there: remove them from mutants/explained.toml\n");
        for name in &disagreement.needless {
            tell!("{}", name.entry());
        }
    }
    disagreement.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_summary_is_of_the_core_as_it_stands() {
        let repository = cache::repository();
        let core = core::read(&repository).unwrap();
        let changed = Summary::read(&repository).unwrap_or_default().changed(&core);
        assert!(
            changed.is_empty(),
            "changed since the last summary of mutants:\n  {}\nrun `cargo xtask mutants`, or for one file `cargo xtask \
             mutants --file {}`, and commit mutants/summary.json",
            changed.join("\n  "),
            changed.first().map(String::as_str).unwrap_or_default(),
        );
    }

    #[test]
    fn every_mutant_of_the_last_summary_was_caught_or_is_explained() {
        let repository = cache::repository();
        let explained = outcome::explained(&repository).unwrap();
        let files = Summary::read(&repository).unwrap_or_default().files;
        let missed: Vec<(&String, usize)> = files
            .iter()
            .map(|(path, counts)| (path, usize::try_from(counts.missed + counts.timeout).unwrap()))
            .filter(|(_, missed)| *missed > 0)
            .collect();
        let count = |path: &String| explained.iter().filter(|name| name.file == *path).count();
        let told: Vec<(&String, usize)> =
            files.keys().map(|path| (path, count(path))).filter(|(_, count)| *count > 0).collect();
        assert_eq!(missed, told, "missed in mutants/summary.json, explained in mutants/explained.toml");
    }

    #[test]
    fn a_file_that_is_not_of_the_core_is_not_mutated() {
        let core = [Source { path: "crates/a/src/lib.rs".to_owned(), text: String::new() }];
        assert_eq!(chosen(&core, &[]), Ok(core.to_vec()));
        assert_eq!(
            chosen(&core, &["crates/a/src/main.rs".to_owned()]),
            Err(Failure::new("`crates/a/src/main.rs` is not of the core", "name a file of mutants/core.toml"))
        );
    }
}
