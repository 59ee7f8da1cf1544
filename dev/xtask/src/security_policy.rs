//! SECURITY.md cites the test that proves each promise; a promise whose test is gone must not stay.

use std::collections::BTreeSet;
use std::fs;

use crate::{cache, test_names};

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

/// Whether a proof exists: a test by its name, or by its path a source whose examples must not compile.
fn exists(proof: &str, tests: &BTreeSet<String>) -> bool {
    let source = || fs::read_to_string(cache::repository().join(proof)).unwrap_or_default();
    tests.contains(proof) || (proof.ends_with(".rs") && source().contains("```compile_fail"))
}

#[test]
fn every_promise_of_the_security_policy_names_a_test_that_exists() {
    let document = fs::read_to_string(cache::repository().join("SECURITY.md")).unwrap();
    let tests = test_names::of_the_workspace();
    let proofs = proofs(&document);
    assert!(!proofs.is_empty());
    let unproven: Vec<&str> =
        proofs.iter().filter(|(_, proofs)| proofs.is_empty()).map(|(promise, _)| *promise).collect();
    assert_eq!(unproven, Vec::<&str>::new(), "SECURITY.md promises without a test");
    let gone: Vec<&str> =
        proofs.into_iter().flat_map(|(_, proofs)| proofs).filter(|proof| !exists(proof, &tests)).collect();
    assert_eq!(gone, Vec::<&str>::new(), "SECURITY.md cites tests that do not exist");
}
