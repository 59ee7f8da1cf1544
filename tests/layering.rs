//! Who may depend on whom, read from `cargo metadata`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates of the workspace that a crate may name among its dependencies; dev-dependencies are not looked at.
const MAY_DEPEND_ON: [(&str, &[&str]); 18] = [
    ("claim-guard", &[]),
    ("clock", &["claim-guard"]),
    // What every Lambda is around its decision.
    ("lambda-shell", &["claim-guard", "clock"]),
    ("claim-guard-lambda", &["claim-guard", "clock", "lambda-shell"]),
    ("realm-keys", &["claim-guard"]),
    ("minting", &["claim-guard"]),
    ("authorizer", &["claim-guard", "clock", "lambda-shell", "realm-keys"]),
    ("executions", &["claim-guard", "clock", "lambda-shell", "minting", "realm-keys"]),
    // A state of the workflow as the tasks are, so it reads their event and answers with their error names.
    ("revalidation", &["claim-guard", "claim-guard-lambda", "clock", "lambda-shell", "minting", "realm-keys"]),
    ("payment-tasks", &["claim-guard-lambda"]),
    ("key-publisher", &["lambda-shell"]),
    ("ksf", &["claim-guard"]),
    ("test-realm", &[]),
    // For tests: nothing that ships may name it.
    ("state-machine-interpreter", &[]),
    // It holds what stands for every parser, so it names every crate that parses. Nothing may depend on it.
    (
        "fuzz-targets",
        &[
            "authorizer",
            "claim-guard",
            "claim-guard-lambda",
            "executions",
            "key-publisher",
            "minting",
            "realm-keys",
            "revalidation",
            "test-realm",
        ],
    ),
    ("bench", &[]),
    ("xtask", &[]),
    ("acceptance", &[]),
];

/// What `claim-guard` may be built from: parsers and cryptography. Nothing that does I/O, reads a clock or runs tasks.
const PURE: [&str; 9] =
    ["aws-lc-rs", "base64", "curve25519-dalek", "jsonwebtoken", "memchr", "serde", "serde_json", "thiserror", "toml"];

/// Who may talk HTTP by itself: the realm's keys, and the answer to CloudFormation. `xtask` does not ship.
const MAY_USE_REQWEST: [&str; 3] = ["key-publisher", "realm-keys", "xtask"];

fn dependencies(kind: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"] == *kind).map(|dependency| text(&dependency["name"])).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|package| (text(&package["name"]), of(package))).collect()
}

#[test]
fn each_crate_depends_on_those_below_it_only() {
    let all = dependencies(&Value::Null);
    let members: BTreeSet<&String> = all.keys().collect();
    let seen: BTreeMap<&str, BTreeSet<&str>> = all
        .iter()
        .map(|(name, of)| {
            (name.as_str(), of.iter().filter(|name| members.contains(name)).map(String::as_str).collect())
        })
        .collect();
    let told: BTreeMap<&str, BTreeSet<&str>> =
        MAY_DEPEND_ON.iter().map(|(name, of)| (*name, of.iter().copied().collect())).collect();
    assert_eq!(seen, told);
}

#[test]
fn the_guard_is_pure() {
    let seen = dependencies(&Value::Null)["claim-guard"].clone();
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), PURE);
}

#[test]
fn http_is_spoken_in_few_places() {
    let all = dependencies(&Value::Null);
    let seen: Vec<&str> = all.iter().filter(|(_, of)| of.contains("reqwest")).map(|(name, _)| name.as_str()).collect();
    assert_eq!(seen, MAY_USE_REQWEST);
}

#[test]
fn forged_keys_stay_in_tests() {
    let all = dependencies(&Value::Null);
    let forging: Vec<&String> = all.iter().filter(|(_, of)| of.contains("test-realm")).map(|(name, _)| name).collect();
    // The fuzzing targets do not ship, and no crate that does names them.
    assert_eq!(forging, ["fuzz-targets"]);
}

#[test]
fn state_machines_are_run_in_tests_only() {
    let all = dependencies(&Value::Null);
    let running: Vec<&String> =
        all.iter().filter(|(_, of)| of.contains("state-machine-interpreter")).map(|(name, _)| name).collect();
    assert_eq!(running, [""; 0]);
}

/// The features of a crate that building the workspace switches on, by who asks for them.
fn features_of(package: &str, options: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--invert", package])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `cargo lambda build --bin NAME` at the root resolves the features of the whole workspace at once, so all of it counts;
/// dev-dependencies do not, since no test is built (https://doc.rust-lang.org/cargo/reference/resolver.html).
const SHIPPING: [&str; 2] = ["--edges", "features,no-dev"];

#[test]
fn no_function_that_ships_can_have_the_age_of_its_keys_moved() {
    const FEATURE: &str = "realm-keys feature \"moved-clock\"";
    let shipping = features_of("realm-keys", &SHIPPING);
    assert!(shipping.contains("authorizer v") && shipping.contains("executions v"), "{shipping}");
    assert!(!shipping.contains(FEATURE), "{shipping}");
    // It would be seen: the drills of this package have it.
    assert!(features_of("realm-keys", &["--edges", "features"]).contains(FEATURE));
}

#[test]
fn no_function_that_ships_can_have_its_clock_moved() {
    const FEATURE: &str = "clock feature \"moved\"";
    let shipping = features_of("clock", &SHIPPING);
    for function in ["authorizer v", "executions v", "revalidation v", "payment-tasks v"] {
        assert!(shipping.contains(function), "{function} reads its time elsewhere: {shipping}");
    }
    assert!(!shipping.contains(FEATURE), "{shipping}");
    // It would be seen.
    let moved = features_of("clock", &[&SHIPPING[..], &["--features", "clock/moved"]].concat());
    assert!(moved.contains(FEATURE), "{moved}");
}

#[test]
fn time_is_read_in_one_place() {
    let packages = ["/../crates", "/../dev"]
        .map(|folder| std::fs::read_dir(format!("{}{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap());
    let mut readers = BTreeSet::new();
    for package in packages.into_iter().flatten() {
        let package = package.unwrap().path();
        let mut folders = vec![package.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read_to_string(&path).is_ok_and(|text| text.contains("SystemTime::now")) {
                    readers.insert(package.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
    }
    // `ksf` is a command and `xtask` a tool: neither is deployed. Keys grow old by a pair of clocks of their own, because a
    // frozen function's monotonic one stands still.
    readers.retain(|name| !["ksf", "xtask", "realm-keys"].contains(&name.as_str()));
    assert_eq!(readers, BTreeSet::from(["clock".to_owned()]));
}
