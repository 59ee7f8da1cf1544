//! Tokens by the hundred thousand, decided here and by verifiers of other libraries.
//!
//! What is accepted here is accepted by all of them. What one of them accepts and is rejected here is so for a reason that
//! `classes.toml` names. `KSF_DIFFERENTIAL_TOKENS` and `KSF_DIFFERENTIAL_SEED` make another run; keys and signatures are new
//! in each, recipes are the seed's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![allow(clippy::wildcard_enum_match_arm, reason = "most rejections are told apart by their code alone")]

// In reading order: keys and objects → draft → mutations → case → verdicts → classes → table.

/// Choices that a seed determines.
mod random;

/// base64url as others might write it.
mod encoding;

/// JSON objects as text.
mod object;

/// The realm's keys and its odd key sets.
mod keys;

/// A token in the making.
mod draft;

/// Mutations of claims.
mod claims;

/// Mutations of the header and of what signs under it.
mod header;

/// Mutations of what is written.
mod text;

/// A case, made and decided here.
mod case;

/// The verifiers of other libraries.
mod verifiers;

/// Why they may accept what is rejected here.
mod classes;

/// What a run came to.
mod table;

use std::collections::VecDeque;
use std::sync::Arc;

use xtask::tools::Tools;

use crate::case::{Case, Maker};
use crate::classes::Classes;
use crate::table::Tally;
use crate::verifiers::{NAMES, ROUND, Verifier};

const TOKENS: u64 = 100_000;
const SEED: u64 = 20_260_101;

fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, expected a number")),
        Err(_) => usual,
    }
}

#[test]
fn what_is_accepted_here_is_accepted_by_all_and_every_other_disagreement_has_a_reason() {
    let tokens = usize::try_from(number("KSF_DIFFERENTIAL_TOKENS", TOKENS)).unwrap();
    let seed = number("KSF_DIFFERENTIAL_SEED", SEED);
    println!("seed {seed}: KSF_DIFFERENTIAL_SEED={seed} makes the same recipes again");
    let tools = Tools::installed_verifiers().unwrap_or_else(|failure| panic!("{failure}"));
    let classes = Classes::read();
    let tally = run(tokens, Maker::new(seed), &classes, NAMES.map(|name| (name, &tools)));

    println!("{}", tally.told(seed, &classes));

    assert_eq!(tally.violations, Vec::<String>::new(), "accepted here, rejected by another");
    assert_eq!(tally.unclassified(&classes), Vec::<String>::new(), "accepted by another, in no class of classes.toml");
    assert!(tally.accepted * 10 >= tokens, "too few tokens are accepted for acceptance to be compared");
    if tokens >= 100_000 {
        assert_eq!(tally.unused(&classes), Vec::<String>::new(), "classes.toml names what nobody accepts");
    }
}

fn run(
    tokens: usize,
    mut maker: Maker,
    classes: &Classes,
    named: [(&'static str, &xtask::tools::Verifiers); NAMES.len()],
) -> Tally {
    let preamble = maker.preamble();
    let verifiers = named.map(|(name, tools)| Verifier::start(name, tools, &preamble));
    let mut tally = Tally::default();
    let mut undecided: VecDeque<Vec<Case>> = VecDeque::new();
    let mut made = 0;
    while made < tokens || !undecided.is_empty() {
        if made < tokens {
            let round: Vec<Case> = (made..tokens.min(made + ROUND)).map(|index| maker.case(index)).collect();
            made += round.len();
            let lines = Arc::new(round.iter().map(|case| case.line.clone()).collect());
            verifiers.iter().for_each(|verifier| verifier.send(&lines));
            undecided.push_back(round);
        }
        if undecided.len() > 2 || made == tokens {
            let verdicts: Vec<Vec<bool>> = verifiers.iter().map(Verifier::verdicts).collect();
            for (index, case) in undecided.pop_front().unwrap_or_default().iter().enumerate() {
                tally.add(case, std::array::from_fn(|verifier| verdicts[verifier][index]), classes);
            }
        }
    }
    tally
}
