//! `cargo xtask vectors DIR`: vector files of third parties, decided by the guard's own key import and verification.

use std::fs;
use std::path::Path;

use crate::cache;
use crate::cargo::cargo;
use crate::failure::{Failure, OrFailure};
use crate::process;
use crate::progress::Progress;

/// The test that decides the vectors of a directory, whichever it is.
const TEST: &str = "jws::wycheproof::every_vector_is_decided_right";
/// Names the directory to it.
const VARIABLE: &str = "CLAIM_GUARD_VECTORS";
/// Where its last line begins. A run without it decided nothing.
const TOTAL: &str = "vectors right / total: ";

/// Decides every `*.json` of a directory. Answers whether all were decided right, and what to tell: how many of each file, and
/// each disagreement.
///
/// # Errors
/// There is no such directory, the test cannot be built, or a file is of no schema that it knows.
pub fn run(directory: &Path, progress: &Progress) -> Result<(bool, String), Failure> {
    let remedy = "name a directory with vector files of Wycheproof's schemas";
    let directory = directory.canonicalize().or_failure(format!("read {}", directory.display()), remedy)?;
    let logs = cache::repository().join("target/xtask-test");
    cache::make(&logs)?;
    let log = logs.join("vectors.log");
    let mut command =
        cargo(&["test", "--package", "claim-guard", "--lib", "--locked", "--", "--exact", TEST, "--nocapture"]);
    command.env(VARIABLE, &directory).env("RUST_BACKTRACE", "0").current_dir(cache::repository());
    let step = progress.step(format!("decide the vectors of {}", directory.display()));
    let ended = process::run(&mut command, "the vectors' test", &log, &|note| step.note(note), remedy);
    let output = fs::read_to_string(&log).or_failure(format!("read {}", log.display()), "run the command again")?;
    match (told(&output), ended) {
        (Some(told), Ok(())) => {
            step.done("");
            Ok((true, told))
        }
        (Some(told), Err(_)) if has_vectors(&told) => Ok((false, told)),
        (_, ended) => Err(ended.err().unwrap_or_else(|| Failure::new("no vectors were decided", remedy))),
    }
}

/// The lines that are about files, disagreements and the total; none if the run did not come to the total.
fn told(output: &str) -> Option<String> {
    let is_told =
        |line: &&str| line.contains(" right, ") || line.starts_with("disagreement: ") || line.starts_with(TOTAL);
    output.contains(TOTAL).then(|| output.lines().filter(is_told).collect::<Vec<_>>().join("\n"))
}

fn has_vectors(told: &str) -> bool {
    !told.contains(&format!("{TOTAL}0 / 0 "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_disagreements_and_the_total_are_told() {
        let output = "running 1 test\na.json: 5 of 6 right, 2 accepted\ndisagreement: a.json 7: labelled `valid`, rejected\n\
                      vectors right / total: 5 / 6 (0 not applicable)\n\nthread panicked\n  left: [\"a.json 7\"]\n";
        let expected = "a.json: 5 of 6 right, 2 accepted\ndisagreement: a.json 7: labelled `valid`, rejected\n\
                        vectors right / total: 5 / 6 (0 not applicable)";
        assert_eq!(told(output).as_deref(), Some(expected));
        assert_eq!(told("error: could not compile"), None);
        assert!(has_vectors(expected) && !has_vectors("vectors right / total: 0 / 0 (9 not applicable)"));
    }
}
