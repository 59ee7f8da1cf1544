//! Who may depend on whom, read from `cargo metadata`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates of the workspace that a crate may name among its dependencies; dev-dependencies are not looked at.
const MAY_DEPEND_ON: [(&str, &[&str]); 12] = [
    ("claim-guard", &[]),
    ("claim-guard-lambda", &["claim-guard"]),
    ("realm-keys", &["claim-guard"]),
    ("authorizer", &["claim-guard", "realm-keys"]),
    ("executions", &["claim-guard", "realm-keys"]),
    ("payment-tasks", &["claim-guard-lambda"]),
    ("key-publisher", &[]),
    ("ksf", &["claim-guard"]),
    ("test-realm", &[]),
    // It holds what stands for every parser, so it names every crate that parses. Nothing may depend on it.
    (
        "fuzz-targets",
        &["authorizer", "claim-guard", "claim-guard-lambda", "executions", "key-publisher", "realm-keys", "test-realm"],
    ),
    ("xtask", &[]),
    ("acceptance", &[]),
];

/// What `claim-guard` may be built from: parsers and cryptography. Nothing that does I/O, reads a clock or runs tasks.
const PURE: [&str; 6] = ["aws-lc-rs", "base64", "jsonwebtoken", "serde", "serde_json", "toml"];

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

/// The features of `realm-keys` that building the workspace switches on, by who asks for them.
fn features_of_realm_keys(edges: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--edges", edges, "--invert", "realm-keys"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_function_that_ships_can_have_its_clock_moved() {
    const FEATURE: &str = "realm-keys feature \"moved-clock\"";
    // `cargo lambda build --bin NAME` at the root resolves the features of the whole workspace at once, so all of it counts;
    // dev-dependencies do not, since no test is built (https://doc.rust-lang.org/cargo/reference/resolver.html).
    let shipping = features_of_realm_keys("features,no-dev");
    assert!(shipping.contains("authorizer v") && shipping.contains("executions v"), "{shipping}");
    assert!(!shipping.contains(FEATURE), "{shipping}");
    // It would be seen: the drills of this package have it.
    assert!(features_of_realm_keys("features").contains(FEATURE));
}
