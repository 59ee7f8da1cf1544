//! SECURITY.md cites the test that proves each promise; a promise whose test is gone must not stay.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;

/// The last cell of each promise: what proves it.
fn proofs(document: &str) -> Vec<(&str, Vec<&str>)> {
    let (_, table) = document.split_once("| promise | against | proven by |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [promise, _against, proven_by] = cells[..] else { panic!("three cells are expected: {row}") };
        (promise, proven_by.split('`').skip(1).step_by(2).collect())
    })
    .collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names of a source's test functions.
fn tests_of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some((name, _)) = function.filter(|_| is_test).and_then(|function| function.split_once('(')) {
            found.push(name.to_owned());
        }
        // Between the attribute and the function stand other attributes and comments only.
        let continues = line.starts_with("#[") || line.starts_with("//");
        is_test = line.starts_with("#[test]") || line.starts_with("#[tokio::test") || (is_test && continues);
    }
    found
}

/// Whether a proof exists: a test by its name, or by its path a source whose examples must not compile.
fn exists(proof: &str, tests: &BTreeSet<String>) -> bool {
    let source = || fs::read_to_string(cache::repository().join(proof)).unwrap_or_default();
    tests.contains(proof) || (proof.ends_with(".rs") && source().contains("```compile_fail"))
}

#[test]
fn every_promise_of_the_security_policy_names_a_test_that_exists() {
    let repository = cache::repository();
    let document = fs::read_to_string(repository.join("SECURITY.md")).unwrap();
    let all = ["crates", "dev", "tests"].map(|directory| sources(&repository.join(directory))).concat();
    let tests: BTreeSet<String> = all.iter().flat_map(|path| tests_of(&fs::read_to_string(path).unwrap())).collect();
    let proofs = proofs(&document);
    assert!(!proofs.is_empty());
    let unproven: Vec<&str> =
        proofs.iter().filter(|(_, proofs)| proofs.is_empty()).map(|(promise, _)| *promise).collect();
    assert_eq!(unproven, Vec::<&str>::new(), "SECURITY.md promises without a test");
    let gone: Vec<&str> =
        proofs.into_iter().flat_map(|(_, proofs)| proofs).filter(|proof| !exists(proof, &tests)).collect();
    assert_eq!(gone, Vec::<&str>::new(), "SECURITY.md cites tests that do not exist");
}

#[test]
fn a_function_counts_as_a_test_under_its_attribute_only() {
    let source = "#[test]\n#[cfg(unix)]\nfn one() {}\nfn helper() {}\n#[tokio::test]\nasync fn two() {}\n";
    assert_eq!(tests_of(source), ["one", "two"]);
}
