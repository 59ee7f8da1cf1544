//! How many cases a second `ksf verify --batch` answers on one core: `cargo bench -p ksf`.
//!
//! The tokens are all different and as long as Keycloak's; a realm's key set stands in every line, as it does in a file that
//! somebody has gathered. With an argument the cases are written to that file and nothing is measured.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a measurement may panic")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser as _;
use serde_json::{Value, json};
use test_realm::{AUDIENCE, ISSUER, NOW, TestKey, access_token_payload, key_set, with};

const CASES: usize = 20_000;
const ROUNDS: usize = 7;
/// What has to be reached for RS256 with 2048 bits.
const EXPECTED: f64 = 20_000.0;

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    verify: ksf::verify::Arguments,
}

fn cases(algorithm: &str) -> String {
    // Keycloak publishes an encryption key beside the one that signs.
    let (key, other) = (TestKey::generate(algorithm, "realm-key"), TestKey::generate("RS256", "another-key"));
    let jwks: Value = serde_json::from_str(&key_set([&key, &other])).unwrap();
    let case = |id: usize| {
        let payload = with(access_token_payload(NOW), "/jti", json!(format!("onrtro:{id:036}")));
        let token = key.token(&payload);
        json!({ "id": id, "token": token, "jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE, "now": NOW })
    };
    (0..CASES).map(|id| format!("{}\n", case(id))).collect()
}

fn round(cases: &str) -> Duration {
    let mut output = Vec::new();
    let began = Instant::now();
    ksf::verify::run(Command::parse_from(["ksf", "--batch"]).verify, cases.as_bytes(), &mut output).unwrap();
    let took = began.elapsed();
    let accepted = String::from_utf8(output).unwrap().lines().filter(|line| line.contains("\"accepted\"")).count();
    assert_eq!(accepted, CASES);
    took
}

fn main() -> ExitCode {
    if let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        std::fs::write(file, cases("RS256")).unwrap();
        return ExitCode::SUCCESS;
    }
    let mut enough = true;
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let cases = cases(algorithm);
        // The machine may be busy with something else: the best round is what a core of ours can do.
        let best = (0..ROUNDS).map(|_| round(&cases)).min().unwrap_or_default();
        let rate = CASES as f64 / best.as_secs_f64();
        println!("{algorithm}: {rate:.0} lines/s, {:.1} µs a line of {} bytes", 1e6 / rate, cases.len() / CASES);
        enough &= algorithm != "RS256" || rate >= EXPECTED;
    }
    if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
