//! `.cargo/mutants.toml` says where cargo-mutants looks. It passes over a path that names nothing without a word, so that a
//! folder that has moved would be examined no more.

use std::fs;

use serde::Deserialize;

use crate::cache;

#[derive(Deserialize)]
struct Paths {
    examine_globs: Vec<String>,
    exclude_globs: Vec<String>,
}

#[test]
fn every_path_that_is_examined_or_excluded_exists() {
    let repository = cache::repository();
    let Paths { examine_globs, exclude_globs } =
        toml::from_str(&fs::read_to_string(repository.join(".cargo/mutants.toml")).unwrap()).unwrap();
    assert!(!examine_globs.is_empty());
    let gone: Vec<String> = [examine_globs, exclude_globs]
        .concat()
        .into_iter()
        .filter(|glob| !repository.join(glob.trim_end_matches("/**")).exists())
        .collect();
    assert_eq!(gone, Vec::<String>::new(), "name these folders and sources as they are called now");
}
