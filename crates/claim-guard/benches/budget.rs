//! What the dearest tokens of at most 8 KiB cost: `cargo bench -p claim-guard --bench budget`.
//!
//! It prints the ten dearest of the vectors and of tokens that were built to be dear, in microseconds of one core, the
//! least of many runs. The promise is 1000 for each.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, access_token_payload, key_set, with, without};

const RUNS: usize = 200;

fn main() {
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let audience = Audience::parse(AUDIENCE).unwrap();
    let verifier = AccessTokenVerifier::new(Issuer::parse(ISSUER).unwrap(), audience, clients, Leeway::MAX);
    let now = UnixTime::from_seconds(NOW).unwrap();
    let mut costs: Vec<(Duration, String)> = Vec::new();
    for algorithm in ["RS256", "PS512", "ES256", "ES384", "EdDSA"] {
        let key = TestKey::generate(algorithm, "realm-key");
        let keys = RealmKeySet::parse(key_set([&key]).as_bytes()).unwrap();
        for (name, token) in vectors(&key).into_iter().chain(built(&key)) {
            let once = || {
                let begin = Instant::now();
                let _ = black_box(AccessToken::parse(&token).and_then(|token| verifier.verify(&token, &keys, now)));
                begin.elapsed()
            };
            let least = (0..RUNS).map(|_| once()).min().unwrap();
            costs.push((least, format!("{algorithm} {name} ({} bytes)", token.len())));
        }
    }
    costs.sort_by(|a, b| b.cmp(a));
    println!("{} tokens; the dearest:", costs.len());
    for (cost, name) in costs.iter().take(10) {
        println!("{:>8.1} µs  {name}", cost.as_secs_f64() * 1e6);
    }
}

/// Every file of the attack vectors, signed with this key.
fn vectors(key: &TestKey) -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/access-token");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let token = |path: std::path::PathBuf| {
        let vector: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut token = json!({ "header": key.header(), "payload": access_token_payload(NOW) });
        for pointer in vector["remove"].as_array().into_iter().flatten() {
            token = without(token, pointer.as_str().unwrap());
        }
        for (pointer, value) in vector["set"].as_object().into_iter().flatten() {
            token = with(token, pointer, value.clone());
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, key.token_of(&token["header"].to_string(), &token["payload"].to_string()))
    };
    files.map(token).collect()
}

/// Tokens of nearly 8 KiB, built to be dear.
fn built(key: &TestKey) -> Vec<(String, String)> {
    let plain = access_token_payload(NOW).to_string();
    let inside = |member: String| format!("{{{member},{}", &plain[1..]);
    let numbered = |count: usize| (0..count).map(|number| format!("r{number}")).collect::<Vec<_>>();
    let roles = with(access_token_payload(NOW), "/realm_access/roles", json!(numbered(600)));
    let mut tokens: Vec<(String, String)> = [
        ("many integers", inside(format!("\"x\":[{}1]", "1,".repeat(2400)))),
        ("escapes", inside(format!("\"x\":\"{}\"", "\\u0061".repeat(800)))),
        ("many objects", inside(format!("\"x\":[{}{{}}]", "{},".repeat(1600)))),
        (
            "many members",
            inside(numbered(500).iter().map(|name| format!("\"{name}\":1")).collect::<Vec<_>>().join(",")),
        ),
        ("deep nesting", inside(format!("\"x\":{}{}", "[".repeat(125), "]".repeat(125)))),
        ("many fractions", inside(format!("\"x\":[{}1e1]", "1e308,".repeat(800)))),
        ("one long fraction", inside(format!("\"x\":0.{}e-300", "1234567891".repeat(500)))),
        ("many roles", roles.to_string()),
    ]
    .into_iter()
    .map(|(name, payload)| (name.to_owned(), key.token_of(&key.header().to_string(), &payload)))
    .collect();
    tokens.push(("dots".to_owned(), ".".repeat(8192)));
    tokens.push(("letters".to_owned(), format!("{}.{}.{}", "A".repeat(2700), "A".repeat(2700), "A".repeat(2700))));
    tokens
}
