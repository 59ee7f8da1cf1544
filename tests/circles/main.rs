//! No two files need each other, directly or through others: whoever has read what a file uses can read the file.
//!
//! A file uses another if its code names something that the other defines, through whatever re-exports: in a private `use`, in a
//! path, or through a glob. These are no uses:
//! - declaring a module, or importing one (the paths that begin with it count);
//! - handing a name on with `pub use`, if the file does not name it otherwise;
//! - calling a method, because a name does not say whose it is;
//! - a link in a comment.
//!
//! A parent that uses its child, and a child that uses what its parent defines, are a circle like any other. The tests inside a
//! file count as a file of their own, which is read after it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod arrows;
mod module;
mod sources;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use arrows::{Arrow, arrows};
use module::Program;
use sources::Sources;

/// The stages of `claim-guard`, as its folders and files name them. Each uses those before it only.
const STAGES_OF_THE_GUARD: [&str; 13] = [
    "identifier",
    "excerpt",
    "unix_time",
    "json",
    "jws",
    "claims",
    "token",
    "access",
    "transaction",
    "decision",
    "revalidation",
    "mint",
    "audit",
];

static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::of_workspace);
static PROGRAM: LazyLock<Program> = LazyLock::new(|| Program::of(&SOURCES));

/// Every circle as the uses that make it, one line for each name.
fn circles(arrows: &BTreeSet<Arrow>) -> Vec<Vec<String>> {
    let graph: DiGraphMap<&str, ()> = arrows.iter().map(|arrow| (arrow.user.as_str(), arrow.used.as_str())).collect();
    let ties = |files: Vec<&str>| {
        let inside =
            arrows.iter().filter(|arrow| [&arrow.user, &arrow.used].iter().all(|end| files.contains(&end.as_str())));
        inside.map(ToString::to_string).collect()
    };
    tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1).map(ties).collect()
}

/// The stage that a file belongs to. The contents page hands names of all stages on and belongs to none.
fn stage_of(file: &str) -> Option<&str> {
    let stage = file.strip_prefix("crates/claim-guard/src/")?.split(['/', '.']).next()?;
    (stage != "lib").then_some(stage)
}

/// The arrows from a stage of the guard to a later one. Tests may use every stage.
fn running_up(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let place = |file: &str| STAGES_OF_THE_GUARD.iter().position(|stage| stage_of(file) == Some(stage));
    let runs_up = |arrow: &&Arrow| match (place(&arrow.user), place(&arrow.used)) {
        (Some(user), Some(used)) => user < used && !arrow.is_test,
        (None, _) | (_, None) => false,
    };
    arrows.iter().filter(runs_up).map(ToString::to_string).collect()
}

/// The circles of a crate that consists of these files under `src/`.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
    let sources = Sources::of_one_crate(files);
    let program = Program::of(&sources);
    assert_eq!(program.files(), sources.files());
    assert_eq!(circles(&arrows(&program)), expected);
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles = circles(&arrows(&PROGRAM));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn no_stage_of_the_guard_uses_a_later_one() {
    let stages: BTreeSet<&str> = SOURCES.files().iter().filter_map(|file| stage_of(file.to_str()?)).collect();
    assert_eq!(stages, BTreeSet::from(STAGES_OF_THE_GUARD));
    let up = running_up(&arrows(&PROGRAM));
    assert!(up.is_empty(), "{up:#?}");
}

#[test]
fn every_file_is_reached() {
    assert_eq!(PROGRAM.files(), SOURCES.files());
}

#[test]
fn file_that_no_module_declares_is_not_reached() {
    let sources = Sources::of_one_crate(&[("lib.rs", "mod a;"), ("a.rs", ""), ("b.rs", "")]);
    let reached = ["src/a.rs", "src/lib.rs"].map(Path::new);
    assert_eq!(Program::of(&sources).files(), BTreeSet::from(reached));
}

#[test]
fn circle_is_found_whichever_way_a_file_names_another() {
    const B: &str = "use crate::a::f; pub fn g() { f() }";
    for a in [
        "use crate::b::g; pub fn f() { g() }",
        "use super::b; pub fn f() { b::g() }",
        "pub fn f() { crate::b::g() }",
        "pub fn f() { assert_eq!(super::b::g(), ()) }",
        "use crate::b::*; pub fn f() { g() }",
        "pub use crate::b::g; pub fn f() { g() }",
        "use crate::g; pub fn f() { g() }",
        "pub fn f() { one::g() }",
        "pub fn f() { inner::f() } mod inner { use super::super::b::g; pub fn f() { g() } }",
    ] {
        check(
            &[("lib.rs", "mod a; mod b; pub use b::g;"), ("a.rs", a), ("b.rs", B)],
            &[&["src/a.rs uses `g` of src/b.rs", "src/b.rs uses `f` of src/a.rs"]],
        );
    }
}

#[test]
fn circle_of_three_files_is_found() {
    let lib = "mod a; mod b; mod c;";
    let (a, b, c) =
        ("use crate::b::B; pub struct A(B);", "use crate::c::C; pub struct B(C);", "use crate::a::A; pub struct C(A);");
    let ties = ["src/a.rs uses `B` of src/b.rs", "src/b.rs uses `C` of src/c.rs", "src/c.rs uses `A` of src/a.rs"];
    check(&[("lib.rs", lib), ("a.rs", a), ("b.rs", b), ("c.rs", c)], &[&ties]);
}

#[test]
fn parent_and_child_are_a_circle_if_each_uses_what_the_other_defines() {
    let parent = "mod child; pub use child::Child; pub struct Parent;";
    let using = "mod child; use child::Child; pub struct Parent(Child);";
    let child = "use super::Parent; pub struct Child(Box<Parent>);";
    check(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/child.rs", child)], &[]);
    let ties = ["src/a/child.rs uses `Parent` of src/a/mod.rs", "src/a/mod.rs uses `Child` of src/a/child.rs"];
    check(&[("lib.rs", "mod a;"), ("a/mod.rs", using), ("a/child.rs", child)], &[&ties]);
}

#[test]
fn files_that_use_each_other_one_way_are_no_circle() {
    let lib = "mod a; mod b; pub use a::A; pub use b::B;";
    let b = "use crate::A; pub struct B(A); impl B { fn a(self) -> A { self.0 } }";
    for a in [
        "/// See [`crate::B`].\npub struct A;",
        "pub struct A; mod inner { use super::A; pub struct I(A); }",
        "pub struct A; #[cfg(test)] mod tests { use crate::B; mod more { use crate::b::B; } }",
    ] {
        check(&[("lib.rs", lib), ("a.rs", a), ("b.rs", b)], &[]);
    }
}

#[test]
fn arrow_up_in_the_guard_is_found() {
    let arrow = |user: &str, used: &str| {
        let file = |name: &str| format!("crates/claim-guard/src/{name}");
        Arrow { user: file(user), used: file(used), name: "X".to_owned(), is_test: false }
    };
    let tested = Arrow { is_test: true, ..arrow("access/together.rs", "decision/mod.rs") };
    let up = [arrow("claims/role.rs", "decision/grant.rs"), arrow("decision/mod.rs", "mint/statement.rs")];
    let down = [
        arrow("decision/grant.rs", "claims/role.rs"),
        arrow("audit/record.rs", "excerpt.rs"),
        arrow("jws/key.rs", "jws/rsa.rs"),
    ];
    let expected = BTreeSet::from(up.clone()).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(running_up(&up.into_iter().chain(down).chain([tested]).collect()), expected);
}
