//! The catalogue's attacks on a template and a state machine: rules, bad files that break them, and the template and state
//! machine of this repository, which keep them all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![allow(
    clippy::indexing_slicing,
    reason = "the rules index JSON values by name only, which is null where nothing stands"
)]

#[path = "../support/yaml.rs"]
mod yaml;

mod rules;

mod door;
mod identity;
mod roles;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rules::{Document, Finding};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn fixtures() -> PathBuf {
    repository().join("tests/lint/fixtures")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|extension| extension == "yaml") {
        yaml::read(&text)
    } else {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

fn findings(file: &str, value: Value) -> Vec<String> {
    let document = Document { file: file.to_owned(), value };
    let rules: fn(&Document) -> Vec<Finding> =
        if file.ends_with(".yaml") { rules::template } else { rules::state_machine };
    rules(&document).iter().map(ToString::to_string).collect()
}

/// The findings on the good file with a bad one merged into it.
fn bad(file: &str) -> Vec<String> {
    let extension = Path::new(file).extension().unwrap().to_str().unwrap();
    let mut value = read(&fixtures().join(format!("good.{extension}")));
    json_patch::merge(&mut value, &read(&fixtures().join(file)));
    findings(file, value)
}

/// The findings on a bad file are these, each at `path: message`, and no other.
#[track_caller]
fn check(file: &str, told: &[&str]) {
    let told: Vec<String> = told.iter().map(|finding| format!("{file}: {finding}")).collect();
    assert_eq!(bad(file), told);
}

#[test]
fn template_and_state_machine_of_this_repository_keep_every_rule() {
    for file in ["template.yaml", "statemachines/payment.asl.json"] {
        assert_eq!(findings(file, read(&repository().join(file))), Vec::<String>::new());
    }
}

#[test]
fn what_weave_writes_keeps_every_rule() {
    let folder = repository().join("crates/ksf/tests/weave");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let is_woven = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        name.ends_with(".asl.json") && !name.ends_with(".plain.asl.json")
    };
    let mut looked_at = 0;
    for path in files.filter(is_woven) {
        let machine = read(&path);
        // The rules are those of JSONata.
        if machine["QueryLanguage"] == "JSONata" {
            looked_at += 1;
            assert_eq!(findings(path.to_str().unwrap(), machine), Vec::<String>::new());
        }
    }
    assert!(looked_at >= 8, "{looked_at}");
}

#[test]
fn what_the_bad_files_are_made_from_is_good() {
    for file in ["good.yaml", "good.json"] {
        assert_eq!(findings(file, read(&fixtures().join(file))), Vec::<String>::new());
    }
}

#[test]
fn every_bad_file_is_looked_at() {
    let there: BTreeSet<String> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| !file.starts_with("good."))
        .collect();
    let tests = [include_str!("door.rs"), include_str!("identity.rs"), include_str!("roles.rs")].concat();
    let unused: Vec<&String> = there.iter().filter(|file| !tests.contains(&format!("\"{file}\""))).collect();
    assert_eq!(unused, Vec::<&String>::new());
}
