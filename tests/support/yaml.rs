//! CloudFormation's YAML as JSON: `!Sub x` becomes `{"Fn::Sub": "x"}`, as CloudFormation itself writes it in JSON.

#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else stands there is an error of the file")]

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value, json};

/// Reads one document without anchors.
pub fn read(text: &str) -> Value {
    let mut parser = Parser::new_from_str(text);
    assert!(matches!(next(&mut parser), Event::StreamStart));
    assert!(matches!(next(&mut parser), Event::DocumentStart(_)));
    let first = next(&mut parser);
    value(&mut parser, first)
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    parser.next().unwrap().unwrap().0
}

fn value<'a>(parser: &mut Parser<'a, StrInput<'a>>, event: Event<'a>) -> Value {
    match event {
        Event::Scalar(text, style, 0, tag) => tagged(scalar(&text, style), tag.as_deref()),
        Event::SequenceStart(0, tag) => {
            let mut items = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => return tagged(Value::Array(items), tag.as_deref()),
                    item => items.push(value(parser, item)),
                }
            }
        }
        Event::MappingStart(0, tag) => {
            let mut members = Map::new();
            loop {
                let key = match next(parser) {
                    Event::MappingEnd => return tagged(Value::Object(members), tag.as_deref()),
                    Event::Scalar(text, ..) => text.into_owned(),
                    other => panic!("no key: {other:?}"),
                };
                let first = next(parser);
                let member = value(parser, first);
                assert!(members.insert(key.clone(), member).is_none(), "`{key}` stands twice");
            }
        }
        other => panic!("not expected: {other:?}"),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true") => json!(true),
        (ScalarStyle::Plain, "false") => json!(false),
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        (ScalarStyle::Plain, text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        (_, text) => json!(text),
    }
}

fn tagged(value: Value, tag: Option<&Tag>) -> Value {
    let Some(tag) = tag else { return value };
    match (tag.suffix.as_str(), value) {
        ("Ref", value) => json!({"Ref": value}),
        ("GetAtt", Value::String(text)) => json!({"Fn::GetAtt": text.splitn(2, '.').collect::<Vec<_>>()}),
        (function, value) => json!({format!("Fn::{function}"): value}),
    }
}
