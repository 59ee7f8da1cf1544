//! A task author's crate, outside the workspace, made of what the README tells him to write.
#![expect(clippy::unwrap_used, reason = "a wrong call is a wrong test")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stands before the Rust block that is the author's whole program.
const PROGRAM: &str = "<!-- adoption -->";
/// Stands before the TOML block of the author's dependencies.
const DEPENDENCIES: &str = "<!-- adoption: dependencies -->";

/// The README that a stranger reads first tells how to adopt the guard, and this crate's own where that does not.
fn readme(marker: &str) -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let candidates = [own.join("../../README.md"), own.join("README.md")];
    let texts = candidates.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.into_iter().find(|text| text.contains(marker)).unwrap()
}

/// The fenced block behind a marker.
fn block(marker: &str) -> String {
    let text = readme(marker);
    let behind = text.split_once(marker).unwrap().1;
    let (_, fenced) = behind.split_once("```").unwrap();
    let (_, code) = fenced.split_once('\n').unwrap();
    code.split_once("\n```").unwrap().0.to_owned()
}

/// The path that the program embeds its policy from, relative to its source.
fn embedded(program: &str) -> String {
    let (_, behind) = program.split_once("include_str!(\"").unwrap();
    behind.split_once('"').unwrap().0.to_owned()
}

/// The dependencies as the README has them, but for where this crate stands.
fn manifest(dependencies: &str) -> String {
    let lines = dependencies.lines().map(|line| match line.split_once("path = \"") {
        Some((before, path)) => {
            let (path, after) = path.split_once('"').unwrap();
            assert!(path.ends_with("crates/claim-guard-lambda"), "{path}");
            format!("{before}path = \"{}\"{after}", env!("CARGO_MANIFEST_DIR"))
        }
        None => line.to_owned(),
    });
    let lines: Vec<String> = lines.collect();
    // A workspace of its own: it lies below this one's. The profile is this one's, so that dependencies are reused.
    format!(
        "[package]\nname = \"adopter\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n{}\n",
        lines.join("\n")
    )
}

#[test]
fn the_readme_s_program_fits_on_a_screen_and_names_three_dependencies_at_most() {
    let lines = block(PROGRAM).lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 16, "{lines} lines");
    let dependencies = block(DEPENDENCIES).lines().filter(|line| line.contains(" = ")).count();
    assert!(dependencies <= 3, "{dependencies} dependencies");
}

#[test]
fn a_crate_outside_the_workspace_adopts_the_guard_as_the_readme_says() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = block(PROGRAM);
    let crate_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("adoption/tasks/approve");
    let source = crate_dir.join("src");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("main.rs"), &program).unwrap();
    fs::write(crate_dir.join("Cargo.toml"), manifest(&block(DEPENDENCIES))).unwrap();
    fs::copy(workspace.join("Cargo.lock"), crate_dir.join("Cargo.lock")).unwrap();
    fs::copy(workspace.join("access.toml"), source.join(embedded(&program))).unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join(".."))
        .current_dir(&crate_dir)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
