//! Which files are the decision core, as `mutants/core.toml` lists them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use crate::failure::{Failure, OrFailure};

const LIST: &str = "mutants/core.toml";
const REMEDY: &str = "correct mutants/core.toml";

/// A source of the core as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path in the repository.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// SHA-256 of its text, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> String {
        let digest = digest(&SHA256, self.text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The Cargo package that it belongs to: the directory below `crates`.
    pub fn package(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// A line by its number, from 1, without the space around it.
    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or_default().trim()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    file: Vec<Entry>,
    left_out: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    why: String,
}

/// Every source of the core, in the order of the list.
///
/// # Errors
/// The list or a source cannot be read, an entry says not why, or a source beside the core's is in neither list.
pub fn read(repository: &Path) -> Result<Vec<Source>, Failure> {
    let text = fs::read_to_string(repository.join(LIST)).or_failure(format!("read {LIST}"), REMEDY)?;
    let list: List = toml::from_str(&text).or_failure(format!("read {LIST}"), REMEDY)?;
    let entries: Vec<&Entry> = list.file.iter().chain(&list.left_out).collect();
    let unsorted = unsorted(repository, &list)?;
    let unexplained = entries.iter().filter(|entry| entry.why.trim().is_empty()).map(|entry| entry.path.clone());
    let faults: Vec<String> = unsorted.into_iter().chain(unexplained).collect();
    if !faults.is_empty() {
        let what = format!("{LIST} must say of each of these, once, whether it belongs to the core, and why");
        return Err(Failure::new(what, REMEDY).with_list("files", &faults));
    }
    list.file
        .into_iter()
        .map(|entry| {
            let text =
                fs::read_to_string(repository.join(&entry.path)).or_failure(format!("read {}", entry.path), REMEDY)?;
            Ok(Source { path: entry.path, text })
        })
        .collect()
}

/// The sources of claim-guard's core directories that stand in neither list, and what stands in both or does not exist.
fn unsorted(repository: &Path, list: &List) -> Result<Vec<String>, Failure> {
    let mut named = BTreeSet::new();
    let mut faults = Vec::new();
    for entry in list.file.iter().chain(&list.left_out) {
        if !named.insert(entry.path.as_str()) || !repository.join(&entry.path).is_file() {
            faults.push(entry.path.clone());
        }
    }
    for directory in ["token", "jws", "decision", "transaction", "access", "revalidation"] {
        let directory = format!("crates/claim-guard/src/{directory}");
        let activity = format!("read {directory}");
        for entry in fs::read_dir(repository.join(&directory)).or_failure(&activity, REMEDY)? {
            let entry = entry.or_failure(&activity, REMEDY)?;
            let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
            if path.ends_with(".rs") && !named.contains(path.as_str()) {
                faults.push(path);
            }
        }
    }
    faults.sort();
    Ok(faults)
}
