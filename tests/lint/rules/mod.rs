//! Rules that a template and a state machine have to keep. Each one is a pure function over the parsed file; none reads a
//! file, knows the sample or fails.

pub mod api;
mod document;
pub mod functions;
pub mod iam;
pub mod refusals;
pub mod role_maps;
mod states;
pub mod token;
pub mod trust;
pub mod workflow;

pub use document::{Document, Finding};

/// All findings on a template, in the order of their places.
pub fn template(document: &Document) -> Vec<Finding> {
    sorted([
        api::findings(document),
        functions::findings(document),
        iam::findings(document),
        role_maps::findings(document),
        trust::findings(document),
    ])
}

/// All findings on a state machine, in the order of their places.
pub fn state_machine(document: &Document) -> Vec<Finding> {
    sorted([workflow::findings(document)])
}

fn sorted<const N: usize>(findings: [Vec<Finding>; N]) -> Vec<Finding> {
    let mut all = findings.concat();
    all.sort();
    all
}
