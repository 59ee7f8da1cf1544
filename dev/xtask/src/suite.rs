//! `cargo xtask test`: everything that has to hold, with a count at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cache;
use crate::emulator::REGION;
use crate::failure::Failure;
use crate::lab::{LAB_VARIABLE, Lab, Options};
use crate::process;
use crate::progress::{Progress, tell};
use crate::scoreboard;
use crate::stack::is_of_the_running_crate;
use crate::tools::Tools;

/// The lab that the end-to-end tests run against.
const LAB: &str = "test";

/// Runs everything and prints a summary. Answers whether all of it passed.
///
/// # Errors
/// The tools cannot be installed or the logs not written.
pub fn run(progress: &Progress) -> Result<bool, Failure> {
    let tools = Tools::ensure(progress)?;
    tools.for_the_template(progress)?;
    let cargo_deny = tools.cargo_deny(progress)?;
    tools.verifiers(progress)?;
    let mut suite = Suite::new(progress)?;
    for check in checks(&tools, &cargo_deny) {
        suite.run(check);
    }
    suite.run_end_to_end();
    suite.summarize();
    Ok(suite.outcomes.iter().all(|outcome| outcome.failure.is_none()))
}

/// One program that has to end well.
struct Check {
    name: &'static str,
    command: Command,
    remedy: &'static str,
}

fn checks(tools: &Tools, cargo_deny: &Path) -> Vec<Check> {
    let template = cache::repository().join("template.yaml");
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let mut validate = Command::new(tools.program("sam", "sam"));
    validate.args(["validate", "--lint", "--region", REGION, "--template-file"]).arg(&template);
    validate.env("SAM_CLI_TELEMETRY", "0").env("AWS_EC2_METADATA_DISABLED", "true");
    let mut lint = Command::new(tools.program("cfn-lint", "cfn-lint"));
    lint.arg(&template);
    let mut deny = Command::new(cargo_deny);
    deny.args(["--locked", "check", "bans", "licenses", "sources"]);
    let check = |name, command, remedy| Check { name, command, remedy };
    vec![
        check("format", cargo(&["fmt", "--all", "--check", "--", "--color", "never"]), "run `cargo fmt --all`"),
        check(
            "clippy",
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
            "read the lints above",
        ),
        check(
            "unit and doc tests",
            cargo(&["test", "--workspace", "--exclude", "acceptance", "--locked", "--no-fail-fast"]),
            "run the named test alone with `cargo test -p CRATE NAME`",
        ),
        check("docs", docs, "read the warnings above; a link in a doc comment may be broken"),
        check("sam validate", validate, "correct template.yaml"),
        check("cfn-lint", lint, "correct template.yaml"),
        check("cargo deny", deny, "see deny.toml: a dependency, its licence or its source is not agreed"),
    ]
}

/// `cargo` in the repository, as a person would call it from a shell.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        if is_of_the_running_crate(&variable) {
            cargo.env_remove(&*variable);
        }
    }
    cargo.args(arguments).env("CARGO_TERM_COLOR", "never");
    cargo
}

struct Outcome {
    name: &'static str,
    took: Duration,
    tests: Tests,
    failure: Option<Failure>,
}

struct Suite<'a> {
    progress: &'a Progress,
    logs: PathBuf,
    outcomes: Vec<Outcome>,
}

impl<'a> Suite<'a> {
    fn new(progress: &'a Progress) -> Result<Suite<'a>, Failure> {
        let logs = cache::repository().join("target/xtask-test");
        cache::make(&logs)?;
        scoreboard::clear(&logs)?;
        Ok(Suite { progress, logs, outcomes: Vec::new() })
    }

    fn run(&mut self, mut check: Check) {
        let began = Instant::now();
        let log = self.logs.join(format!("{}.log", check.name.replace(' ', "-")));
        let step = self.progress.step(check.name);
        check.command.current_dir(cache::repository());
        let failure = process::run(&mut check.command, check.name, &log, &|note| step.note(note), check.remedy).err();
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let tests = Tests::in_text(&text);
        let failure = failure.map(|failure| failure.with_list("failed tests", &failed_tests(&text)));
        if failure.is_none() {
            step.done(&tests.to_string());
        }
        self.outcomes.push(Outcome { name: check.name, took: began.elapsed(), tests, failure });
    }

    fn run_end_to_end(&mut self) {
        let name = "end to end";
        let began = Instant::now();
        let lab = match Lab::up(&Options::named(LAB), self.progress) {
            Ok(lab) => lab,
            Err(failure) => {
                let failure = Some(failure.during("bring the lab up"));
                self.outcomes.push(Outcome { name, took: began.elapsed(), tests: Tests::default(), failure });
                return;
            }
        };
        let mut command = cargo(&["test", "--package", "acceptance", "--locked", "--no-fail-fast"]);
        command.env(LAB_VARIABLE, LAB);
        self.run(Check {
            name,
            command,
            remedy: "bring a lab up and run the named test alone, with KSF_LAB set to its name",
        });
        if let Err(failure) = lab.down() {
            let tests = Tests::default();
            self.outcomes.push(Outcome { name: "lab down", took: began.elapsed(), tests, failure: Some(failure) });
        }
    }

    fn summarize(&self) {
        for outcome in &self.outcomes {
            if let Some(failure) = &outcome.failure {
                tell!("\n✘ {}: {failure}", outcome.name);
            }
        }
        tell!();
        for outcome in &self.outcomes {
            let sign = if outcome.failure.is_none() { "✔" } else { "✘" };
            tell!("{sign} {:<20} {:>7.1} s  {}", outcome.name, outcome.took.as_secs_f64(), outcome.tests);
        }
        tell!("\n{}", scoreboard::Scoreboard::read(&cache::repository()));
        let total = self.outcomes.iter().fold(Tests::default(), |sum, outcome| sum.plus(&outcome.tests));
        tell!("tests: {} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    }
}

/// The names of the tests that a log tells to have failed.
fn failed_tests(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    names.map(str::to_owned).collect()
}

/// How many tests a log tells of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tests {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Tests {
    /// The sum over all lines such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn in_text(text: &str) -> Tests {
        let results = text.lines().filter_map(|line| line.trim().strip_prefix("test result: "));
        results.fold(Tests::default(), |sum, result| {
            let count = |word: &str| {
                let part = result.split([';', '.']).find(|part| part.trim_end().ends_with(word));
                part.and_then(|part| part.split_whitespace().next()?.parse().ok()).unwrap_or(0)
            };
            sum.plus(&Tests { passed: count("passed"), failed: count("failed"), ignored: count("ignored") })
        })
    }

    fn plus(&self, other: &Tests) -> Tests {
        Tests {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

impl std::fmt::Display for Tests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Tests { passed: 0, failed: 0, ignored: 0 } => Ok(()),
            Tests { passed, failed: 0, ignored: 0 } => write!(f, "{passed} tests"),
            Tests { passed, failed, ignored } => write!(f, "{passed} passed, {failed} failed, {ignored} ignored"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named() {
        let text = "test good ... ok\ntest module::bad ... FAILED\n";
        assert_eq!(failed_tests(text), ["module::bad"]);
    }

    #[test]
    fn results_of_several_test_programs_are_added_up() {
        let text = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
                    noise\ntest result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";
        assert_eq!(Tests::in_text(text), Tests { passed: 15, failed: 2, ignored: 1 });
    }
}
