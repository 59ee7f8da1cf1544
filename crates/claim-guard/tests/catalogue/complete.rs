//! Every row of the catalogue has a test anywhere in the workspace, a reason why it cannot have one, or is listed as open.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotApplicable {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    reason: String,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn listed(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("tests").join(file)).unwrap();
    let ids: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "{file} names an id twice");
    set
}

fn not_applicable() -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("tests/not-applicable.toml")).unwrap();
    let rows = toml::from_str::<NotApplicable>(&text).unwrap().row;
    assert_eq!(rows.iter().find(|row| row.reason.len() < 20).map(|row| &row.id), None, "a reason is missing");
    rows.into_iter().map(|row| row.id).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

/// The ids that the tests of a source begin with: `fn a1_…`, or `fn a1_a2_…` for several.
fn tested(source: &str, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some(name) = function.filter(|_| is_test) {
            let words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_uppercase);
            found.extend(words.take_while(|word| ids.contains(word)));
        }
        // Between the attribute and the function stand other attributes only.
        is_test =
            line.starts_with("#[test]") || line.starts_with("#[tokio::test") || (is_test && line.starts_with("#["));
    }
    found
}

#[test]
fn every_row_has_a_test_or_a_reason_or_is_open() {
    let ids = listed("catalogue-ids.txt");
    let sources = ["crates", "dev", "tests"].map(|folder| sources(&workspace().join(folder))).concat();
    let tested: BTreeSet<String> =
        sources.iter().flat_map(|path| tested(&std::fs::read_to_string(path).unwrap(), &ids)).collect();
    let not_applicable = not_applicable();
    let open: BTreeSet<String> = &(&ids - &tested) - &not_applicable;
    println!(
        "catalogue rows tested / total: {} / {} ({} not applicable, {} open)",
        tested.len(),
        ids.len(),
        not_applicable.len(),
        open.len()
    );
    println!("open: {}", open.iter().cloned().collect::<Vec<_>>().join(" "));
    assert_eq!(&not_applicable - &ids, BTreeSet::new(), "tests/not-applicable.toml names rows that do not exist");
    assert_eq!(&not_applicable & &tested, BTreeSet::new(), "tests/not-applicable.toml names rows that have a test");
    assert_eq!(open, listed("catalogue-open.txt"), "tests/catalogue-open.txt is not the list of the open rows");
}
