//! The names of the workspace's tests, which documents cite.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;

/// Every test function of the workspace.
pub fn of_the_workspace() -> BTreeSet<String> {
    let repository = cache::repository();
    let all = ["crates", "dev", "tests"].map(|directory| sources(&repository.join(directory))).concat();
    all.iter().flat_map(|path| of_source(&fs::read_to_string(path).unwrap())).collect()
}

/// The Rust sources below a directory.
pub fn sources(directory: &Path) -> Vec<PathBuf> {
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
fn of_source(source: &str) -> Vec<String> {
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

#[test]
fn a_function_counts_as_a_test_under_its_attribute_only() {
    let source = "#[test]\n#[cfg(unix)]\nfn one() {}\nfn helper() {}\n#[tokio::test]\nasync fn two() {}\n";
    assert_eq!(of_source(source), ["one", "two"]);
}
