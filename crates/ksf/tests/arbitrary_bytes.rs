//! Any bytes get an answer a line, each of them JSON on one line.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use clap::Parser as _;
use ksf::outcome::Outcome;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::{AUDIENCE, ISSUER, NOW, TestKey, access_token_payload, key_set, with};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    verify: ksf::verify::Arguments,
}

/// The answers to a batch.
fn answers(input: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    let arguments = Command::parse_from(["ksf", "--batch"]).verify;
    assert_eq!(ksf::verify::run(arguments, input, &mut output), Ok(Outcome::Yes));
    let output = String::from_utf8(output).unwrap();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many lines that are.
fn lines(input: &[u8]) -> usize {
    let ends = input.iter().filter(|byte| **byte == b'\n').count();
    ends + usize::from(input.last().is_some_and(|last| *last != b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_line_by_line(input in proptest::collection::vec(any::<u8>(), 0..600)) {
        let answers = answers(&input);
        prop_assert_eq!(answers.len(), lines(&input));
        prop_assert!(answers.iter().all(|answer| answer["verdict"] == "error"));
    }

    #[test]
    fn any_text_as_a_member_is_answered(text in any::<String>(), member in 0..6_usize) {
        let mut case = json!({ "id": 1, "token": "a.b.c", "jwks": { "keys": [] }, "issuer": ISSUER, "audience": AUDIENCE, "now": NOW });
        let member = ["id", "token", "jwks", "issuer", "audience", "client"][member];
        case[member] = json!(text);
        let answers = answers(case.to_string().as_bytes());
        prop_assert_eq!(answers.len(), 1);
        prop_assert_eq!(&answers[0]["id"], &case["id"]);
        prop_assert_ne!(&answers[0]["verdict"], &json!("accepted"));
    }

    #[test]
    fn a_case_with_any_byte_changed_is_answered(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let key = TestKey::generate("ES256", "key");
        let case = json!({
            "id": 1, "token": key.token(&access_token_payload(NOW)), "jwks": key_set([&key]), "issuer": ISSUER,
            "audience": AUDIENCE, "now": NOW,
        });
        let mut line = case.to_string().into_bytes();
        let position = position.index(line.len());
        line[position] = byte;
        prop_assert_eq!(answers(&line).len(), lines(&line));
    }

    #[test]
    fn no_client_is_forbidden_where_none_is_named(azp in any::<String>()) {
        let key = TestKey::generate("ES256", "key");
        let case = json!({
            "id": 1, "token": key.token(&with(access_token_payload(NOW), "/azp", json!(azp))), "jwks": key_set([&key]),
            "issuer": ISSUER, "audience": AUDIENCE, "now": NOW,
        });
        let answers = answers(case.to_string().as_bytes());
        let reason = &answers[0]["reason"];
        prop_assert!(*reason == Value::Null || *reason == "malformed_identifier", "{reason}");
    }
}
