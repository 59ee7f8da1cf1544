//! What the documents say of claims and rejections is what the code does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claim_guard::access::{AccessPolicy, Condition};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// Every code of a rejection, read where it is given.
fn codes() -> Vec<String> {
    let source = |path: &str| {
        let text = text(path);
        let (_, code) = text.split_once("fn code(").unwrap();
        code.split("\n    }\n").next().unwrap().to_owned()
    };
    let sources = ["token/rejection.rs", "token/required_claim.rs", "jws/error.rs"]
        .map(|path| source(&format!("crates/claim-guard/src/{path}")));
    let codes: Vec<String> =
        sources.iter().flat_map(|code| code.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
    assert!(codes.len() > 35, "{codes:?}");
    codes
}

#[test]
fn every_rejection_tells_what_to_change_in_keycloak() {
    let table = text("docs/keycloak.md");
    let (_, table) = table.split_once("## What each rejection asks you to change").unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let first = |row: &&str| row.split('|').nth(1).unwrap().to_owned();
    for code in codes() {
        let told = rows.iter().filter(|row| first(row).contains(&format!("`{code}`"))).count();
        assert_eq!(told, 1, "{code}");
    }
}

#[test]
fn every_alarm_of_the_template_says_what_to_do() {
    let template = text("template.yaml");
    let alarms = template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
    let alarms: BTreeSet<String> =
        alarms.filter(|name| !name.contains(' ')).map(|name| format!("{name}Alarm")).collect();
    assert!(alarms.len() > 25, "{alarms:?}");
    let document = text("docs/operations.md");
    let headings = document.lines().filter(|line| line.starts_with("### "));
    let told = headings.flat_map(|heading| heading.split('`')).filter(|name| name.ends_with("Alarm"));
    assert_eq!(told.map(str::to_owned).collect::<BTreeSet<_>>(), alarms);
    for section in document.split("\n### ").skip(1) {
        for line in ["Meaning", "First query", "Likely cause", "Action", "Wake somebody"] {
            assert_eq!(section.matches(&format!("- **{line}:** ")).count(), 1, "{line}: {section}");
        }
    }
}

/// The conditions in a text: whatever stands between quotes or backticks and reads as one.
fn conditions(text: &str) -> Vec<Condition> {
    text.lines().flat_map(|line| line.split(['"', '`', '\''])).filter_map(|part| Condition::parse(part).ok()).collect()
}

/// Why nobody could start anything that asks for that; empty where somebody could.
fn faults(condition: &Condition) -> String {
    let text = format!(
        "authentication_claims = [\"identity_provider\"]\n[workflows.w]\nsession = \"ignored\"\nmax_duration = \"1d\"\n\
         start = {{ claims = ['''{condition}'''], actor = \"any\" }}\n"
    );
    AccessPolicy::parse("access.toml", &text).map_or_else(|faults| faults.to_string(), |_| String::new())
}

#[test]
fn examples_can_be_met_but_for_those_that_show_what_cannot() {
    let documents = [
        "README.md",
        "SECURITY.md",
        "access.toml",
        "crates/claim-guard/README.md",
        "crates/claim-guard-lambda/README.md",
        "docs/access-toml.md",
        "docs/architecture.md",
        "docs/keycloak.md",
        "docs/on-aws.md",
        "docs/task-author.md",
    ];
    let examples: Vec<Condition> = documents.iter().flat_map(|document| conditions(&text(document))).collect();
    assert!(examples.len() > 5, "{examples:?}");
    let unmet: BTreeSet<String> =
        examples.iter().filter(|condition| !faults(condition).is_empty()).map(ToString::to_string).collect();
    assert_eq!(unmet, BTreeSet::from(["sub >= 2".to_owned()]));
}
