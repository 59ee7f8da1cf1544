//! Calling Cargo from a program that Cargo runs.

use std::process::Command;

/// `cargo` in the repository, as a person would call it from a shell.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = without_the_running_crate("cargo");
    cargo.args(arguments);
    cargo
}

/// A program that calls Cargo, without what Cargo has told this one.
pub(crate) fn without_the_running_crate(program: &str) -> Command {
    let mut command = Command::new(program);
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        if is_of_the_running_crate(&variable) {
            command.env_remove(&*variable);
        }
    }
    command.env("CARGO_TERM_COLOR", "never");
    command
}

/// Cargo tells a program that it runs about that program's crate; to a build of other crates that is noise.
pub(crate) fn is_of_the_running_crate(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}
