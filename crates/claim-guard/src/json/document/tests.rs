//! What a document is has to be what a plain strict reader reads.

use serde_json::Value;

use super::{Document, Json, is_plain, oracle};
use crate::json::JsonError;

/// The document and the plain reader agree, on the value or on the error.
#[track_caller]
fn check(bytes: &[u8]) {
    let expected = oracle::value(bytes);
    // Where text ends to be UTF-8, a duplicate before it is not looked for.
    let expected = if str::from_utf8(bytes).is_ok() { expected } else { expected.map_err(not_json) };
    let read = Document::read(bytes.to_vec()).map(|document| document.value().to_value());
    let read = if str::from_utf8(bytes).is_ok() { read } else { read.map_err(not_json) };
    assert_eq!(read, expected, "{}", String::from_utf8_lossy(bytes));
}

fn not_json(_: JsonError) -> JsonError {
    JsonError::NotAnObject
}

fn members(count: usize) -> String {
    (0..count).rev().map(|number| format!("\"m{number}\":{number}")).collect::<Vec<_>>().join(",")
}

#[test]
fn a_document_is_what_the_plain_reader_reads() {
    for text in [
        r#"{}"#,
        r#"[]"#,
        r#"null"#,
        r#"{"a":null,"b":true,"c":false,"d":0,"e":-1,"f":1.5,"g":"text","h":[],"i":{}}"#,
        r#"{"a":18446744073709551615,"b":18446744073709551616,"c":-9223372036854775808,"d":-9223372036854775809,"e":-0}"#,
        r#"{"a":[[1,[2]],{"b":[{"c":3}]}],"":{"":""}}"#,
        r#"{"a\u0062":"c\nd","ab\\":"\u00e9é\ud83d\ude00","x":"plain"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":1e400}"#,
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{1:1}"#,
        r#"{} {}"#,
        "\u{feff}{}",
        "",
    ] {
        check(text.as_bytes());
    }
    for bytes in [b"{\"a\":\"\xff\"}".as_slice(), b"{\"a\":\xff}", b"\xff", b"{\"a\":1,\"a\":1,\"b\":\"\xff\"}"] {
        check(bytes);
    }
    for depth in [126, 127, 128, 100_000] {
        check(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
    }
}

#[test]
fn a_duplicate_is_an_error_where_the_plain_reader_finds_it() {
    for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"\u0061":1,"a":2}"#, r#"{"b":{"c":[{"d":1,"d":2}]}}"#]
    {
        check(text.as_bytes());
    }
    for count in [0, 1, 30, 31, 32, 33, 34, 200] {
        check(format!("{{{}}}", members(count)).as_bytes());
        for known in [0, count / 2, count.saturating_sub(1)] {
            check(format!("{{{},\"m{known}\":{{}},\"z\":1}}", members(count.max(1))).as_bytes());
            check(format!("{{{},\"\\u006d{known}\":1}}", members(count.max(1))).as_bytes());
            check(format!("{{\"y\":[{{{}}}],\"m{known}\":{{\"y\":2}}}}", members(count)).as_bytes());
        }
        // A name that is like none of those before it, twice.
        for rare in ["zz", "A", "", "a-long-name-of-another-length", "\u{e9}"] {
            check(format!("{{{},\"{rare}\":1,\"{rare}\":2}}", members(count.max(1))).as_bytes());
            check(format!("{{{},\"{rare}\":1,\"x\":3,\"{rare}\":2}}", members(count.max(1))).as_bytes());
        }
    }
}

#[test]
fn every_member_is_found_by_its_name() {
    let text = format!("{{{},\"\\u00e9\":\"last\"}}", members(100));
    let document = Document::object(text.into_bytes()).expect("an object");
    for number in 0_u64..100 {
        assert_eq!(document.members().get(&format!("m{number}")).map(Json::to_value), Some(Value::from(number)));
    }
    assert_eq!(document.members().get("é").and_then(Json::text), Some("last"));
    assert!(!document.members().has("m100") && !document.members().has(""));
}

#[test]
fn a_member_is_found_however_many_stand_before_it() {
    let text = format!("{{{}}}", members(70_000));
    let document = Document::object(text.into_bytes()).expect("an object");
    for number in [0_u64, 1, 4_463, 4_464, 4_465, 35_000, 69_999] {
        assert_eq!(document.members().get(&format!("m{number}")).map(Json::to_value), Some(Value::from(number)));
    }
    assert!(!document.members().has("m70000"));
}

#[test]
fn a_name_is_looked_for_in_its_own_object() {
    let document = Document::object(br#"{"a":{"b":{"c":1},"d":2},"e":3}"#.to_vec()).expect("an object");
    let at = |path: &[&str]| path.iter().try_fold(document.value(), |value, name| value.object()?.get(name));
    let found: Vec<Option<i128>> =
        [["a", "d"].as_slice(), &["a", "b", "c"], &["e"], &["b"], &["c"], &["a", "e"], &["a", "c"]]
            .into_iter()
            .map(|path| at(path)?.integer())
            .collect();
    assert_eq!(found, [Some(2), Some(1), Some(3), None, None, None, None]);
}

#[test]
fn a_copy_is_the_same_without_the_rest_of_the_text() {
    let text = r#"{"secret":"s","kept":{"a\u0062":[null,true,1,-1,1.5,"text\n",[],{"x":{}}],"b":{}}}"#;
    let whole = Document::object(text.as_bytes().to_vec()).expect("an object");
    let kept = whole.members().get("kept").and_then(Json::object).expect("an object");
    let copy = Document::of(kept);
    assert_eq!(copy.members().to_map(), kept.to_map());
    assert!(copy.members().has("ab") && copy.members().has("b") && !copy.members().has("x"));
    assert_eq!(copy.text, "abtext\nxb");
    assert_eq!(format!("{copy:?}"), format!("{:?}", Value::Object(kept.to_map())));
    assert!(copy == Document::of(kept) && copy != whole);
}

#[test]
fn pruning_keeps_what_is_named_and_wanted() {
    #[track_caller]
    fn check(paths: &[&[&str]], expected: &str) {
        let text = r#"{"a":1,"b":{"c":"x","d":{"e":true,"f":null}},"g":{"h":[]},"i":"a"}"#;
        let whole = Document::object(text.as_bytes().to_vec()).expect("an object");
        let paths: Vec<Vec<String>> =
            paths.iter().map(|path| path.iter().map(|segment| (*segment).to_owned()).collect()).collect();
        let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
        let pruned = Document::pruned(whole.members(), &paths, is_plain);
        assert_eq!(pruned.value().to_value().to_string(), expected);
        let members = pruned.members();
        assert!(members.iter().all(|(name, _)| members.has(name)));
    }
    check(&[], "{}");
    check(&[&["a"]], r#"{"a":1}"#);
    check(&[&["i"], &["a"]], r#"{"a":1,"i":"a"}"#);
    check(&[&["b", "c"]], r#"{"b":{"c":"x"}}"#);
    check(&[&["b", "c"], &["b", "d", "e"]], r#"{"b":{"c":"x","d":{"e":true}}}"#);
    check(&[&["b"], &["b", "c"]], r#"{"b":{"c":"x"}}"#);
    check(&[&["b"], &["g", "h"], &["b", "d", "f"], &["a", "b"], &["z"]], "{}");
}
