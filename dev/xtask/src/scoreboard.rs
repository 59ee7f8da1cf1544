//! What the suite counted beside passed and failed: catalogue, vectors, differential test and fuzzing.
//!
//! Tests that count write a file into `target/xtask-test`; what a run did not write was not run.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::failure::{Failure, OrFailure};

/// What tests write, below `target/xtask-test`.
const WRITTEN: [&str; 3] = [VECTORS, DIFFERENTIAL, FUZZ];
const VECTORS: &str = "vectors.txt";
const DIFFERENTIAL: &str = "differential.txt";
const FUZZ: &str = "fuzz.txt";

/// Removes what an earlier run counted, so that it cannot pass for this one's.
///
/// # Errors
/// A file cannot be removed.
pub fn clear(logs: &Path) -> Result<(), Failure> {
    for file in WRITTEN {
        match fs::remove_file(logs.join(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).or_failure(format!("remove {}", logs.join(file).display()), "remove it by hand");
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The table under the suite's outcomes; each part is text or was not run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scoreboard {
    catalogue: Option<String>,
    vectors: Option<String>,
    differential: Option<String>,
    fuzz: Option<String>,
}

impl Scoreboard {
    /// What stands in the repository after a run.
    pub fn read(repository: &Path) -> Scoreboard {
        let listed = |file: &str| fs::read_to_string(repository.join("tests").join(file)).ok();
        let written = |file: &str| fs::read_to_string(repository.join("target/xtask-test").join(file)).ok();
        Scoreboard {
            catalogue: listed("catalogue-ids.txt").and_then(|ids| {
                // Every row is covered once the list of the open ones is gone.
                catalogue(&ids, &listed("catalogue-open.txt").unwrap_or_default(), &listed("not-applicable.toml")?)
            }),
            vectors: written(VECTORS).and_then(|text| vectors(&text)),
            differential: written(DIFFERENTIAL).and_then(|text| differential(&text)),
            fuzz: written(FUZZ).and_then(|text| fuzz(&text)),
        }
    }
}

impl fmt::Display for Scoreboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("catalogue ids covered / total", &self.catalogue),
            ("vectors right / total", &self.vectors),
            ("differential tokens", &self.differential),
            ("fuzz executions", &self.fuzz),
        ];
        let rows = rows.map(|(title, text)| format!("{title:<30} {}", text.as_deref().unwrap_or("not run")));
        f.write_str(&rows.join("\n"))
    }
}

#[derive(Deserialize)]
struct NotApplicable {
    #[serde(default)]
    row: Vec<toml::Table>,
}

fn catalogue(ids: &str, open: &str, not_applicable: &str) -> Option<String> {
    let count = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let (total, open) = (count(ids), count(open));
    let not_applicable = toml::from_str::<NotApplicable>(not_applicable).ok()?.row.len();
    let covered = total.checked_sub(open)?.checked_sub(not_applicable)?;
    Some(format!("{covered} / {total} ({not_applicable} not applicable, {open} open)"))
}

/// `vectors right / total: 1145 / 1145 (0 not applicable)`
fn vectors(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("vectors right / total: ")).map(str::to_owned)
}

/// How many tokens, and below it the classes of disagreement as the test has laid them out.
fn differential(text: &str) -> Option<String> {
    let (_, counted) = text.split_once("\ntokens ")?;
    Some(counted.trim_end().replace('\n', "\n  "))
}

/// `fuzz executions: 765373, seed 7`, behind one such line for each target.
fn fuzz(text: &str) -> Option<String> {
    let total = text.lines().find_map(|line| line.strip_prefix("fuzz executions: "))?;
    let targets = text.lines().filter(|line| line.contains(": fuzz executions: ")).count();
    Some(format!("{total}, {targets} targets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_says_so() {
        let nothing = Scoreboard::read(Path::new("/nowhere"));
        assert_eq!(nothing, Scoreboard::default());
        assert_eq!(
            nothing.to_string(),
            "catalogue ids covered / total  not run\n\
             vectors right / total          not run\n\
             differential tokens            not run\n\
             fuzz executions                not run"
        );
    }

    #[test]
    fn the_committed_catalogue_is_counted() {
        let board = Scoreboard::read(&crate::cache::repository());
        println!("{board}");
        assert_ne!(board.catalogue, None);
    }

    #[test]
    fn an_id_is_covered_unless_it_is_open_or_not_applicable() {
        let not_applicable = "[[row]]\nid = \"A3\"\nreason = \"there is none\"\n";
        assert_eq!(
            catalogue("A1\nA2\nA3\nA4\n", "A4\n", not_applicable).as_deref(),
            Some("2 / 4 (1 not applicable, 1 open)")
        );
        assert_eq!(catalogue("A1\n", "A1\nA2\n", not_applicable), None);
    }

    #[test]
    fn counts_are_read_from_what_the_tests_write() {
        let written = "a.json: 2 of 6 accepted\nvectors right / total: 6 / 6 (0 not applicable)\n";
        assert_eq!(vectors(written).as_deref(), Some("6 / 6 (0 not applicable)"));

        let written =
            "token: fuzz executions: 40 in 1.0 s\nevent: fuzz executions: 2 in 1.0 s\nfuzz executions: 42, seed 7\n";
        assert_eq!(fuzz(written).as_deref(), Some("42, seed 7, 2 targets"));

        let written = "differential test, seed 1\ntokens 9, accepted 4\nby class:\n  padding 3\n";
        assert_eq!(differential(written).as_deref(), Some("9, accepted 4\n  by class:\n    padding 3"));
    }
}
