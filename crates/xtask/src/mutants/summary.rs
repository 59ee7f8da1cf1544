//! The committed summary of the last run: counts for each file, and which text of the file they are of.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::core::Source;
use super::outcome::{Fate, Mutant};
use crate::failure::{Failure, OrFailure};

/// Where it stands in the repository.
pub const FILE: &str = "mutants/summary.json";
const REMEDY: &str = "run `cargo xtask mutants`, which writes it";

/// What the last run found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The tool and its version.
    pub tool: String,
    /// By path in the repository.
    pub files: BTreeMap<String, Counts>,
}

/// What became of the mutants of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Of the text that was mutated.
    pub sha256: String,
    /// A test failed.
    pub caught: u32,
    /// No test failed.
    pub missed: u32,
    /// The tests did not end in time.
    pub timeout: u32,
    /// It did not compile.
    pub unviable: u32,
}

impl Summary {
    /// What a run over these sources found.
    pub fn of(tool: String, core: &[Source], mutants: &[Mutant]) -> Summary {
        let counts = |source: &Source| {
            let of = |fate| mutants.iter().filter(|m| m.name.file == source.path && m.fate == fate).count();
            let of = |fate| u32::try_from(of(fate)).unwrap_or(u32::MAX);
            Counts {
                sha256: source.sha256(),
                caught: of(Fate::Caught),
                missed: of(Fate::Missed),
                timeout: of(Fate::Timeout),
                unviable: of(Fate::Unviable),
            }
        };
        Summary { tool, files: core.iter().map(|source| (source.path.clone(), counts(source))).collect() }
    }

    /// The committed one.
    ///
    /// # Errors
    /// There is none, or it is not understood.
    pub fn read(repository: &Path) -> Result<Summary, Failure> {
        let text = fs::read(repository.join(FILE)).or_failure(format!("read {FILE}"), REMEDY)?;
        serde_json::from_slice(&text).or_failure(format!("read {FILE}"), REMEDY)
    }

    /// Writes it to where it is committed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, repository: &Path) -> Result<(), Failure> {
        let activity = format!("write {FILE}");
        let text = serde_json::to_string_pretty(self).or_failure(&activity, REMEDY)?;
        fs::write(repository.join(FILE), text + "\n").or_failure(activity, "see that the disk is not full")
    }

    /// The files of the core that have changed since, came into it or left it, by path.
    pub fn changed(&self, core: &[Source]) -> Vec<String> {
        let of_now: BTreeMap<&str, String> =
            core.iter().map(|source| (source.path.as_str(), source.sha256())).collect();
        let of_then: BTreeMap<&str, &str> =
            self.files.iter().map(|(path, counts)| (path.as_str(), counts.sha256.as_str())).collect();
        let mut changed: Vec<String> = of_now
            .iter()
            .filter(|(path, sha256)| of_then.get(*path) != Some(&sha256.as_str()))
            .map(|(path, _)| (*path).to_owned())
            .collect();
        changed.extend(of_then.keys().filter(|path| !of_now.contains_key(*path)).map(|path| (*path).to_owned()));
        changed
    }

    /// All files together.
    pub fn total(&self) -> Counts {
        self.files.values().fold(Counts::default(), |sum, counts| Counts {
            sha256: String::new(),
            caught: sum.caught + counts.caught,
            missed: sum.missed + counts.missed,
            timeout: sum.timeout + counts.timeout,
            unviable: sum.unviable + counts.unviable,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { sha256: _, caught, missed, timeout, unviable } = self;
        write!(f, "{caught} caught, {missed} missed, {timeout} timed out, {unviable} unviable")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_file_that_changed_came_or_left_is_named() {
        let then = [source("same", "1"), source("edited", "1"), source("left", "1")];
        let now = [source("same", "1"), source("edited", "2"), source("new", "1")];
        let summary = Summary::of("tool".to_owned(), &then, &[]);
        assert_eq!(summary.changed(&then), Vec::<String>::new());
        assert_eq!(summary.changed(&now), ["edited", "new", "left"]);
    }
}
