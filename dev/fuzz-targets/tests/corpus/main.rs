//! Every target on its corpus and on changes of it: the fuzzing that needs no other toolchain.
//!
//! `FUZZ_EXECUTIONS` says how many inputs a target gets, `FUZZ_SECONDS` after how long it stops, `FUZZ_SEED` which changes
//! are made. An input that breaks an invariant is kept under `target/xtask-test`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod mutator;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use fuzz_targets::{TARGETS, Target};

use crate::mutator::Mutator;

const EXECUTIONS: u64 = 20_000;
const SECONDS: u64 = 15;
const SEED: u64 = 20_260_101;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = repository().join("dev/fuzz/corpus").join(target);
    // In the order of their names: the same seed means the same inputs.
    let files: BTreeSet<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// How far one target came, and the file of the input that broke it.
struct Run {
    name: &'static str,
    executions: u64,
    took: Duration,
    broken: Option<PathBuf>,
}

fn run((name, target): Target, began: Instant) -> Run {
    let corpus = corpus(name);
    let mut mutator = Mutator::new(setting("FUZZ_SEED", SEED));
    let (most, deadline) =
        (setting("FUZZ_EXECUTIONS", EXECUTIONS), Duration::from_secs(setting("FUZZ_SECONDS", SECONDS)));
    let mut executions = 0;
    let mut broken = None;
    let mut unchanged = corpus.iter();
    loop {
        let input = match unchanged.next() {
            Some(input) => input.clone(),
            None if executions >= most || began.elapsed() >= deadline => break,
            None => mutator.next(&corpus),
        };
        executions += 1;
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            broken = Some(kept(name, &input));
            break;
        }
    }
    Run { name, executions, took: began.elapsed(), broken }
}

/// Keeps the input that broke a target beside the logs of `cargo xtask test`.
fn kept(target: &str, input: &[u8]) -> PathBuf {
    let directory = repository().join("target/xtask-test");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("fuzz-{target}.bin"));
    fs::write(&file, input).unwrap();
    file
}

#[test]
fn no_input_breaks_an_invariant() {
    let began = Instant::now();
    let runs = TARGETS.map(|target| thread::spawn(move || run(target, began)));
    let runs = runs.map(|run| run.join().unwrap());
    for Run { name, executions, took, .. } in &runs {
        println!("{name}: fuzz executions: {executions} in {:.1} s", took.as_secs_f64());
    }
    let total: u64 = runs.iter().map(|run| run.executions).sum();
    println!("fuzz executions: {total}, seed {}", setting("FUZZ_SEED", SEED));
    let broken: Vec<(&str, &PathBuf)> =
        runs.iter().filter_map(|run| run.broken.as_ref().map(|file| (run.name, file))).collect();
    assert_eq!(broken, [], "the panics above say which invariants");
}

#[test]
fn every_target_has_a_corpus_and_a_fuzzer() {
    let names = |directory: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(repository().join("dev/fuzz").join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
