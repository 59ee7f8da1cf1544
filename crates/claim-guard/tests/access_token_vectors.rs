//! Every file in `vectors/access-token` is one attack on a token that is otherwise good, or one thing that must pass.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use claim_guard::{AccessToken, UnixTime};
use serde::Deserialize;
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set, with, without};

mod support;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    attack: String,
    /// JSON pointers into `{"header": …, "payload": …}` with the values to put there.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    /// JSON pointers to take away.
    #[serde(default)]
    remove: Vec<String>,
    /// Seconds between the token's issue and the verification.
    #[serde(default)]
    at: i64,
    expect: Expect,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expect {
    Accepted(Accepted),
    Rejected { code: String, message: String },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Accepted {
    Accepted,
}

fn presented(vector: &Vector, key: &TestKey) -> Expect {
    let mut token = json!({ "header": key.header(), "payload": access_token_payload(NOW) });
    for pointer in &vector.remove {
        token = without(token, pointer);
    }
    for (pointer, value) in &vector.set {
        token = with(token, pointer, value.clone());
    }
    let text = key.token_of(&token["header"].to_string(), &token["payload"].to_string());
    let keys = claim_guard::RealmKeySet::parse(key_set([key]).as_bytes()).unwrap();
    let now = UnixTime::from_seconds(NOW + vector.at).unwrap();
    match AccessToken::parse(&text).and_then(|token| support::verifier().verify(&token, &keys, now)) {
        Ok(_) => Expect::Accepted(Accepted::Accepted),
        Err(rejection) => Expect::Rejected { code: rejection.code().to_owned(), message: rejection.to_string() },
    }
}

#[test]
fn every_vector_is_decided_as_its_file_says() {
    let key = TestKey::generate("RS256", "realm-key");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/access-token");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let vector: Vector = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(presented(&vector, &key), vector.expect, "{}: {}", path.display(), vector.attack);
        count += 1;
    }
    println!("{count} access token vectors");
    assert!(count > 130, "only {count} vectors were found");
}
