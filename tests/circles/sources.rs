//! The sources of the workspace, and where a compiler begins to read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folders of all packages.
const FOLDERS: [&str; 3] = ["crates", "dev", "tests"];
/// `dev/fuzz` is a workspace of its own.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "dev/fuzz/Cargo.toml"];

/// One file that the compiler is started on: a library, a binary, a test program, a benchmark.
pub struct Target {
    pub file: PathBuf,
    /// The name by which others use it, if it is a library.
    pub library: Option<String>,
}

/// Every source by its path from the workspace's root.
pub struct Sources {
    pub texts: BTreeMap<PathBuf, String>,
    pub targets: Vec<Target>,
}

impl Sources {
    /// Every source in the workspace, whether a target reads it or not.
    pub fn of_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut texts = BTreeMap::new();
        let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((!is_built(&path)).then_some(path));
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    texts.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
                }
            }
        }
        Self { texts, targets: MANIFESTS.iter().flat_map(|manifest| targets(root, manifest)).collect() }
    }

    /// The crate `one` of these files, whose root is `src/lib.rs`.
    pub fn of_one_crate(files: &[(&str, &str)]) -> Self {
        let path = |name: &str| Path::new("src").join(name);
        let texts = files.iter().map(|(name, text)| (path(name), (*text).to_owned())).collect();
        Self { texts, targets: vec![Target { file: path("lib.rs"), library: Some("one".to_owned()) }] }
    }

    pub fn files(&self) -> BTreeSet<&Path> {
        self.texts.keys().map(PathBuf::as_path).collect()
    }
}

/// Whether a folder is what Cargo or the fuzzer has made.
fn is_built(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").exists()
}

fn targets(root: &Path, manifest: &str) -> Vec<Target> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path", manifest])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets =
        metadata["packages"].as_array().unwrap().iter().flat_map(|package| package["targets"].as_array().unwrap());
    targets
        .map(|target| Target {
            file: Path::new(target["src_path"].as_str().unwrap()).strip_prefix(root).unwrap().to_owned(),
            library: (target["kind"][0] == "lib").then(|| target["name"].as_str().unwrap().replace('-', "_")),
        })
        .collect()
}
