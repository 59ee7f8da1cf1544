//! `ksf verify` as a shell sees it: output, exit codes, and any bytes at all.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, access_token_payload, key_set, with, without};

/// One key for all tests, and the file that publishes it.
fn realm() -> &'static (TestKey, PathBuf) {
    static REALM: OnceLock<(TestKey, PathBuf)> = OnceLock::new();
    REALM.get_or_init(|| {
        let key = TestKey::generate("RS256", "realm-key");
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("jwks-{}.json", std::process::id()));
        std::fs::write(&file, key_set([&key])).unwrap();
        (key, file)
    })
}

fn ksf(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksf"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The reader may be gone already: it has answered without the input.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// The arguments that go with the realm's tokens, and then these.
fn arguments<'a>(now: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let keys = realm().1.to_str().unwrap();
    let all = ["verify", "--realm-keys", keys, "--issuer", ISSUER, "--audience", AUDIENCE, "--now", now];
    all.iter().chain(more).copied().collect()
}

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: &str) {
    let output = ksf(arguments, input.as_bytes());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(code), stdout));
}

#[track_caller]
fn check_usage(arguments: &[&str], told: &str) {
    let output = ksf(arguments, b"");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(2), ""));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr.lines().next(), Some(told));
}

fn now() -> String {
    NOW.to_string()
}

#[test]
fn accepted_token_is_answered_with_its_claims() {
    let payload = access_token_payload(NOW);
    let token = realm().0.token(&payload);
    let answer = |message: &str| {
        format!("{{\"verdict\":\"accepted\",\"reason\":null,\"message\":\"{message}\",\"claims\":{payload}}}\n")
    };
    let until = NOW + 300;
    let listed = answer(&format!("holds for client `{CLIENT}` until `{until}`"));
    check(&arguments(&now(), &["--client", "other", "--client", CLIENT]), &token, 0, &listed);
    let any = "no `--client` was given, so whether client `payment-app` is allowed was not looked at";
    let unlisted = answer(&format!("holds until `{until}`; {any}"));
    check(&arguments(&now(), &[]), &token, 0, &unlisted);
    for line_end in ["\n", "\r\n"] {
        check(&arguments(&now(), &[]), &format!("{token}{line_end}"), 0, &unlisted);
    }
}

#[test]
fn rejected_token_is_answered_with_code_and_message() {
    let rejected = |reason: &str, message: &str| {
        format!("{{\"verdict\":\"rejected\",\"reason\":\"{reason}\",\"message\":\"{message}\"}}\n")
    };
    let token = realm().0.token(&access_token_payload(NOW));
    let forbidden = rejected("forbidden_client", "client `payment-app` is not in the client list");
    check(&arguments(&now(), &["--client", "other"]), &token, 1, &forbidden);
    let expired = rejected("expired", &format!("expired at `{}`, now is `{}`", NOW + 300, NOW + 305));
    check(&arguments(&(NOW + 305).to_string(), &[]), &token, 1, &expired);
    let bearer = rejected("not_base64url", "header is not canonical base64url");
    check(&arguments(&now(), &[]), &format!("Bearer {token}"), 1, &bearer);
    let two_ends = rejected("not_base64url", "signature is not canonical base64url");
    check(&arguments(&now(), &[]), &format!("{token}\n\n"), 1, &two_ends);
    check(&arguments(&now(), &[]), "", 1, &rejected("wrong_part_count", "expected `3` parts, presented `1`"));
    let long = rejected("too_long", "expected at most `8192` bytes, presented `8193`");
    check(&arguments(&now(), &[]), &"x".repeat(8193), 1, &long);
}

#[test]
fn leeway_can_be_taken_away_but_not_extended() {
    let token = realm().0.token(&access_token_payload(NOW));
    let at = (NOW + 300).to_string();
    assert_eq!(ksf(&arguments(&at, &[]), token.as_bytes()).status.code(), Some(0));
    assert_eq!(ksf(&arguments(&at, &["--leeway", "0"]), token.as_bytes()).status.code(), Some(1));
    let told = "error: invalid value '6' for '--leeway <SECONDS>': expected whole seconds from 0 to 5";
    check_usage(&arguments(&at, &["--leeway", "6"]), told);
}

#[test]
fn without_now_the_clock_is_read() {
    let (key, file) = realm();
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let keys = file.to_str().unwrap();
    let arguments = ["verify", "--realm-keys", keys, "--issuer", ISSUER, "--audience", AUDIENCE];
    let current = key.token(&access_token_payload(i64::try_from(clock).unwrap()));
    assert_eq!(ksf(&arguments, current.as_bytes()).status.code(), Some(0));
    let past = key.token(&access_token_payload(NOW - 86_400));
    assert_eq!(ksf(&arguments, past.as_bytes()).status.code(), Some(1));
}

#[test]
fn without_a_client_list_everything_else_is_looked_at() {
    let payload = access_token_payload(NOW);
    let reason = |payload: &Value| {
        let output = ksf(&arguments(&now(), &[]), realm().0.token(payload).as_bytes());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["reason"].clone()
    };
    assert_eq!(reason(&with(payload.clone(), "/azp", json!("any"))), Value::Null);
    assert_eq!(reason(&without(payload.clone(), "/azp")), "no_client");
    assert_eq!(reason(&with(payload.clone(), "/azp", json!(["any"]))), "wrong_type");
    assert_eq!(reason(&with(payload.clone(), "/azp", json!(""))), "malformed_identifier");
    assert_eq!(reason(&with(payload.clone(), "/aud", json!("other"))), "wrong_audience");
    assert_eq!(
        reason(&with(payload.clone(), "/iss", json!("https://keycloak.example.com/realms/other"))),
        "wrong_issuer"
    );
    assert_eq!(reason(&with(payload, "/typ", json!("ID"))), "id_token");
    let twice = access_token_payload(NOW).to_string().replace("\"azp\":", "\"azp\":\"any\",\"azp\":");
    let token = realm().0.token_of(&realm().0.header().to_string(), &twice);
    let output = ksf(&arguments(&now(), &[]), token.as_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["reason"], "malformed_json");
}

#[test]
fn unusable_key_set_rejects_every_token() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("unusable-{}.json", std::process::id()));
    std::fs::write(&file, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}").unwrap();
    let mut arguments = arguments("0", &[]);
    arguments[2] = file.to_str().unwrap();
    let message = "key set: no usable key; key `a`: holds the private member `k`";
    let answer = format!("{{\"verdict\":\"rejected\",\"reason\":\"no_usable_key\",\"message\":\"{message}\"}}\n");
    check(&arguments, "a.b.c", 1, &answer);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn what_cannot_be_answered_says_why_with_exit_code_2() {
    check_usage(&["verify"], "error: the following required arguments were not provided:");
    let shape = "issuer is not of the shape `https://HOST[:PORT]/realms/REALM`";
    check_usage(
        &["verify", "--issuer", "http://keycloak.example.com/realms/workflows"],
        &format!("error: invalid value 'http://keycloak.example.com/realms/workflows' for '--issuer <URL>': {shape}"),
    );
    let told =
        "error: invalid value 'noon' for '--now <SECONDS>': expected whole seconds from 1970 to the end of year 9999";
    check_usage(&arguments("noon", &[]), told);
    check_usage(
        &["verify", "--batch", "--now", "0"],
        "error: the argument '--batch' cannot be used with '--now <SECONDS>'",
    );
    let absent = ["verify", "--realm-keys", "absent.json", "--issuer", ISSUER, "--audience", AUDIENCE];
    check_usage(&absent, "error: cannot read the key set `absent.json`: No such file or directory (os error 2)");
}

fn case(id: &Value, token: &str) -> Value {
    let jwks: Value = serde_json::from_str(&key_set([&realm().0])).unwrap();
    json!({ "id": id, "token": token, "jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE, "now": NOW })
}

#[test]
fn cases_are_answered_in_order_and_malformed_lines_do_not_end_it() {
    let payload = access_token_payload(NOW);
    let good = realm().0.token(&payload);
    let other = realm().0.token(&with(payload.clone(), "/aud", json!("other")));
    let cased = |id, pointer, value| with(case(&json!(id), &good), pointer, value).to_string();
    let text = json!(key_set([&realm().0]));
    let lines = [
        case(&json!("good"), &good).to_string(),
        case(&json!(2), &other).to_string(),
        String::new(),
        "{\"id\":\"x\",".to_owned(),
        cased("set-as-text", "/jwks", text),
        cased("no-set", "/jwks", json!("{}")),
        cased("listed", "/client", json!(CLIENT)),
        cased("unlisted", "/client", json!("other")),
        cased("null-client", "/client", Value::Null),
        cased("misspelt", "/clients", json!(CLIENT)),
        cased("fraction", "/now", json!(1.5)),
        cased("early", "/now", json!(-1)),
        cased("plain", "/issuer", json!("http://keycloak.example.com")),
        without(case(&json!("lacks"), &good), "/token").to_string(),
        without(case(&json!("nameless"), &good), "/id").to_string(),
        case(&json!(["array"]), &good).to_string(),
        "{\"id\":1,\"id\":2}".to_owned(),
        case(&json!("last"), &good).to_string(),
    ];
    let answers = [
        r#"{"id":"good","verdict":"accepted","reason":null}"#,
        r#"{"id":2,"verdict":"rejected","reason":"wrong_audience"}"#,
        r#"{"id":null,"verdict":"error","reason":"malformed_case","message":"malformed JSON at column `0`"}"#,
        r#"{"id":null,"verdict":"error","reason":"malformed_case","message":"malformed JSON at column `10`"}"#,
        r#"{"id":"set-as-text","verdict":"accepted","reason":null}"#,
        r#"{"id":"no-set","verdict":"rejected","reason":"not_a_key_set"}"#,
        r#"{"id":"listed","verdict":"accepted","reason":null}"#,
        r#"{"id":"unlisted","verdict":"rejected","reason":"forbidden_client"}"#,
    ];
    let output = ksf(&["verify", "--batch"], lines.join("\n").as_bytes());
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let given: Vec<&str> = stdout.lines().collect();
    assert_eq!(given[..answers.len()], answers);
    let malformed: Vec<Value> = given[answers.len()..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, malformed) = malformed.split_last().unwrap();
    assert_eq!(*last, json!({ "id": "last", "verdict": "accepted", "reason": null }));
    let names: Vec<&Value> = malformed.iter().map(|answer| &answer["id"]).collect();
    let null = Value::Null;
    let named = ["null-client", "misspelt", "fraction", "early", "plain", "lacks"].map(Value::from);
    assert_eq!(names, named.iter().chain([&null, &null, &null]).collect::<Vec<_>>());
    for answer in malformed {
        assert_eq!((&answer["verdict"], &answer["reason"]), (&json!("error"), &json!("malformed_case")), "{answer}");
    }
    // No part of a line comes back but its name: it may be somebody's token.
    assert!(!stdout.contains(&good) && !stdout.contains("clients"));
}

#[test]
fn claims_of_cases_are_answered_when_asked_for() {
    let payload = access_token_payload(NOW);
    let line = case(&json!(1), &realm().0.token(&payload)).to_string();
    let answer = format!("{{\"id\":1,\"verdict\":\"accepted\",\"reason\":null,\"claims\":{payload}}}\n");
    check(&["verify", "--batch", "--claims"], &line, 0, &answer);
}

#[test]
fn whoever_waits_for_an_answer_gets_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksf"));
    let mut child = command.args(["verify", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for id in 0..3 {
        writeln!(stdin, "{}", case(&json!(id), "a.b.c")).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(answer, format!("{{\"id\":{id},\"verdict\":\"rejected\",\"reason\":\"not_base64url\"}}\n"));
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn overlong_line_is_malformed_and_the_next_is_read() {
    let lines = format!("{}\n{}\n", "x".repeat((16 << 20) + 1), case(&json!("next"), "a.b.c"));
    let message = "expected at most `16777216` bytes a line";
    let first =
        format!("{{\"id\":null,\"verdict\":\"error\",\"reason\":\"malformed_case\",\"message\":\"{message}\"}}");
    let second = r#"{"id":"next","verdict":"rejected","reason":"not_base64url"}"#;
    check(&["verify", "--batch"], &lines, 0, &format!("{first}\n{second}\n"));
}
