//! `cargo xtask test`: everything that has to hold, with a count at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::aws::REGION;
use crate::cache;
use crate::cargo::{cargo, without_the_running_crate};
use crate::failure::{Failure, OrFailure};
use crate::functions::Functions;
use crate::lab::{LAB_VARIABLE, Lab, Options};
use crate::process;
use crate::progress::{Progress, tell};
use crate::stack::Sam;
use crate::tools::Tools;

/// The lab that the end-to-end tests run against.
const LAB: &str = "test";
/// The function that is built as it is deployed, which the lab's are not: the smallest graph of crates that has everything that
/// can keep a deployment from building, the C code that cargo-lambda's linker compiles among it.
const DEPLOYED: &str = "ScreenPaymentFunction";
/// Test programs that need no lab. They run while those of the lab wait, and give way to them.
const WITHOUT_A_LAB: [&str; 8] =
    ["differential", "freshness_model", "layering", "lint", "matrix", "parameters", "realm_versions", "template"];
/// Tests at a time on the lab. They wait more than they compute; those that may not run beside each other see to it.
const AT_ONCE: &str = "32";

/// Runs everything and prints a summary. Answers whether all of it passed.
///
/// # Errors
/// The tools cannot be installed or the logs not written.
pub fn run(progress: &Progress) -> Result<bool, Failure> {
    let tools = Tools::located()?;
    let cargo_deny = thread::scope(|scope| {
        // It is compiled while the others are downloaded.
        let cargo_deny = scope.spawn(|| tools.cargo_deny(progress));
        tools.install_for_the_suite(progress)?;
        tools.verifiers(progress)?;
        cargo_deny.join().unwrap_or_else(|_| Err(Failure::new("an installation broke off", "run the command again")))
    })?;
    let mut suite = Suite::new(progress)?;
    let logs = suite.logs.clone();
    for check in checks(&tools, &cargo_deny, &logs) {
        suite.run(check);
    }
    suite.run_end_to_end()?;
    suite.summarize();
    Ok(suite.outcomes.iter().all(|outcome| outcome.failure.is_none()))
}

/// One program that has to end well.
struct Check {
    name: &'static str,
    usually: &'static str,
    command: Command,
    remedy: &'static str,
}

fn checks(tools: &Tools, cargo_deny: &Path, logs: &Path) -> Vec<Check> {
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
    let deployed = Sam { tools, template: &template, directory: logs, functions: Functions::AsDeployed };
    let mut deployed = deployed.build_command();
    deployed.arg(DEPLOYED);
    let check = |name, usually, command, remedy| Check { name, usually, command, remedy };
    vec![
        check(
            "format",
            "a second",
            cargo(&["fmt", "--all", "--check", "--", "--color", "never"]),
            "run `cargo fmt --all`",
        ),
        check(
            "clippy",
            "2 min at first, then seconds",
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
            "read the lints above",
        ),
        check(
            "unit and doc tests",
            "4 min at first, then 90 s",
            cargo(&["test", "--workspace", "--exclude", "acceptance", "--locked", "--no-fail-fast"]),
            "run the named test alone with `cargo test -p CRATE NAME`",
        ),
        check("docs", "20 s at first", docs, "read the warnings above; a link in a doc comment may be broken"),
        check("sam validate", "3 s", validate, "correct template.yaml"),
        check("cfn-lint", "2 s", lint, "correct template.yaml"),
        check("cargo deny", "a second", deny, "see deny.toml: a dependency, its licence or its source is not agreed"),
        check(
            "a function as deployed",
            "2 min at first, then seconds",
            deployed,
            "read the build's output above; see the profile `release` in Cargo.toml",
        ),
    ]
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
        Ok(Suite { progress, logs, outcomes: Vec::new() })
    }

    fn run(&mut self, check: Check) {
        let outcome = self.outcome(check);
        self.outcomes.push(outcome);
    }

    fn outcome(&self, mut check: Check) -> Outcome {
        let began = Instant::now();
        let log = self.logs.join(format!("{}.log", check.name.replace(' ', "-")));
        let step = self.progress.long_step(check.name, check.usually);
        check.command.current_dir(cache::repository());
        let failure = process::run(&mut check.command, check.name, &log, &|note| step.note(note), check.remedy).err();
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let tests = Tests::in_text(&text);
        let failure = failure.map(|failure| failure.with_list("failed tests", &failed_tests(&text)));
        if failure.is_none() {
            step.done(&tests.to_string());
        }
        Outcome { name: check.name, took: began.elapsed(), tests, failure }
    }

    fn run_end_to_end(&mut self) -> Result<(), Failure> {
        let programs = test_programs()?;
        let (without, on_the_lab): (Vec<&str>, Vec<&str>) =
            programs.iter().map(String::as_str).partition(|program| WITHOUT_A_LAB.contains(program));
        self.run(Check {
            name: "build of the end-to-end tests",
            usually: "a minute at first, then seconds",
            command: cargo(&["test", "--package", "acceptance", "--locked", "--no-run"]),
            remedy: "read Cargo's output above",
        });
        let mut command = acceptance("nice", &["-n", "10", "cargo"], &without);
        command.arg("--lib");
        let without = Check {
            name: "tests without a lab",
            usually: "2 min",
            command,
            remedy: "run the named test alone with `cargo test -p acceptance --test PROGRAM NAME`",
        };
        let began = Instant::now();
        let lab = match Lab::up(&Options::named(LAB), self.progress) {
            Ok(lab) => lab,
            Err(failure) => {
                let failure = Some(failure.during("bring the lab up"));
                self.outcomes.push(Outcome { name: "lab up", took: began.elapsed(), tests: Tests::default(), failure });
                self.run(without);
                return Ok(());
            }
        };
        let mut command = acceptance("cargo", &[], &on_the_lab);
        command.env(LAB_VARIABLE, LAB).env("RUST_TEST_THREADS", AT_ONCE);
        let end_to_end = Check {
            name: "end to end",
            usually: "5 min",
            command,
            remedy: "bring a lab up and run the named test alone, with KSF_LAB set to its name",
        };
        let outcomes = thread::scope(|scope| {
            let (name, began) = (without.name, Instant::now());
            let beside = scope.spawn(|| self.outcome(without));
            let end_to_end = self.outcome(end_to_end);
            let broke_off = |_| Outcome {
                name,
                took: began.elapsed(),
                tests: Tests::default(),
                failure: Some(Failure::new(format!("{name} broke off"), "run the command again")),
            };
            [beside.join().unwrap_or_else(broke_off), end_to_end]
        });
        self.outcomes.extend(outcomes);
        let began = Instant::now();
        if let Err(failure) = lab.down() {
            let tests = Tests::default();
            self.outcomes.push(Outcome { name: "lab down", took: began.elapsed(), tests, failure: Some(failure) });
        }
        Ok(())
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
        let total = self.outcomes.iter().fold(Tests::default(), |sum, outcome| sum.plus(&outcome.tests));
        tell!("tests: {} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    }
}

/// `cargo test`, called as `program` and `before` say, of some test programs of the end-to-end package, in the order of their
/// names.
fn acceptance(program: &str, before: &[&str], programs: &[&str]) -> Command {
    let mut command = without_the_running_crate(program);
    command.args(before).args(["test", "--package", "acceptance", "--locked", "--no-fail-fast"]);
    for program in programs {
        command.args(["--test", program]);
    }
    command
}

/// The names of the test programs of the end-to-end package.
fn test_programs() -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Manifest {
        test: Vec<Program>,
    }
    #[derive(Deserialize)]
    struct Program {
        name: String,
    }
    let path = cache::repository().join("tests/Cargo.toml");
    let activity = || format!("read {}", path.display());
    let text = std::fs::read_to_string(&path).or_failure(activity(), "see that the file can be read")?;
    let manifest: Manifest = toml::from_str(&text).or_failure(activity(), "correct it")?;
    Ok(manifest.test.into_iter().map(|program| program.name).collect())
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
    fn every_test_program_runs_and_those_without_a_lab_are_some_of_them() {
        let programs = test_programs().unwrap();
        assert!(programs.contains(&"traces".to_owned()));
        let strangers: Vec<&str> =
            WITHOUT_A_LAB.into_iter().filter(|name| !programs.iter().any(|program| program == name)).collect();
        assert_eq!(strangers, Vec::<&str>::new());
    }

    #[test]
    fn results_of_several_test_programs_are_added_up() {
        let text = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
                    noise\ntest result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";
        assert_eq!(Tests::in_text(text), Tests { passed: 15, failed: 2, ignored: 1 });
    }
}
