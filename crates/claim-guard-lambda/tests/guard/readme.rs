use std::collections::BTreeSet;

use claim_guard_lambda::error_names;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_names_each_error_name_and_no_other() {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let named: BTreeSet<&str> = rows.map(|(name, _)| name).filter(|name| name.contains('.')).collect();
    let of_tasks = [
        error_names::INVALID_INPUT,
        error_names::INVALID_OUTPUT,
        error_names::FAILED,
        error_names::INVALID_ERROR_NAME,
        error_names::PANICKED,
    ];
    assert_eq!(named, error_names::GUARD.into_iter().chain(of_tasks).collect());
}

#[test]
fn the_readme_names_each_environment_variable() {
    use claim_guard_lambda::{TRANSACTION_KEYS, TRUST_DOMAIN, WORKFLOW};
    for name in [TRUST_DOMAIN, TRANSACTION_KEYS, WORKFLOW] {
        assert!(README.contains(&format!("| `{name}` |")), "{name}");
    }
}
