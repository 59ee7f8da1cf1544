//! JSON as text, read and written: what its author has written comes back as it was, but for blanks.

use std::fmt::{self, Write as _};
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::weave::json::{Json, Object};
use crate::weave::malformed::{Malformed, Reason};

/// How deep values may be nested: as deep as `serde_json` takes them.
const MAX_DEPTH: usize = 127;

/// Some editors put it in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a value. Numbers keep their spelling, and so do placeholders that stand outside of a string.
///
/// # Errors
/// [`Malformed`] says what is no JSON, where, and what to do.
pub(super) fn read(text: &str) -> Result<Json, Malformed> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let placeholders = placeholders(text);
    let parsed = filled_in(text, &placeholders);
    let reader = Reader { text, placeholders };
    let raw: &RawValue = serde_json::from_str(&parsed).map_err(|error| reader.malformed(&parsed, 0, &error))?;
    reader.value(raw.get(), offset(&parsed, raw), 0)
}

/// The value as text: two blanks a level, one line end behind it.
pub(super) fn written(value: &Json) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text.push('\n');
    text
}

/// Where `${…}` stands outside of a string.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        match letter {
            '"' => pass_string(&mut letters),
            '$' if letters.peek().is_some_and(|(_, next)| *next == '{') => {
                if let Some(end) = end_of_braces(&mut letters) {
                    found.push(start..end);
                }
            }
            _ => {}
        }
    }
    found
}

type Letters<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

/// Goes behind the quote that ends a string.
fn pass_string(letters: &mut Letters<'_>) {
    while let Some((_, letter)) = letters.next() {
        match letter {
            '"' => return,
            '\\' => drop(letters.next()),
            _ => {}
        }
    }
}

/// Goes behind the brace that closes the next one; Terraform writes expressions there, with braces and strings in them.
fn end_of_braces(letters: &mut Letters<'_>) -> Option<usize> {
    let mut open = 0_usize;
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => pass_string(letters),
            '{' => open += 1,
            '}' if open == 1 => return Some(at + 1),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The text with a number of the same length for each placeholder, so that it is JSON and each place keeps its offset.
fn filled_in(text: &str, placeholders: &[Range<usize>]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut done = 0;
    for placeholder in placeholders {
        filled.push_str(text.get(done..placeholder.start).unwrap_or_default());
        filled.extend(std::iter::repeat_n('1', placeholder.len()));
        done = placeholder.end;
    }
    filled.push_str(text.get(done..).unwrap_or_default());
    filled
}

/// How many bytes stand in front of a value in the text that it was read from.
fn offset(text: &str, value: &RawValue) -> usize {
    value.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// Reads the values of one text.
struct Reader<'t> {
    /// The author's.
    text: &'t str,
    placeholders: Vec<Range<usize>>,
}

impl Reader<'_> {
    /// Reads the value of that text, which stands there.
    fn value(&self, raw: &str, at: usize, depth: usize) -> Result<Json, Malformed> {
        let malformed = |error: &serde_json::Error| self.malformed(raw, at, error);
        let begin = raw.chars().next().unwrap_or_default();
        if depth >= MAX_DEPTH && matches!(begin, '{' | '[') {
            return Err(Malformed::new(self.text, at + 1, Reason::TooDeep));
        }
        match begin {
            '{' => {
                let members: Members<'_> = serde_json::from_str(raw).map_err(|error| malformed(&error))?;
                self.object(raw, at, &members, depth)
            }
            '[' => {
                let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| malformed(&error))?;
                let items = items.into_iter().map(|item| self.value(item.get(), at + offset(raw, item), depth + 1));
                items.collect::<Result<_, _>>().map(Json::List)
            }
            '"' => serde_json::from_str(raw).map(Json::Text).map_err(|error| malformed(&error)),
            't' => Ok(Json::Bool(true)),
            'f' => Ok(Json::Bool(false)),
            'n' => Ok(Json::Null),
            _ => Ok(self.number(at..at + raw.len())),
        }
    }

    fn object(&self, raw: &str, at: usize, members: &Members<'_>, depth: usize) -> Result<Json, Malformed> {
        let mut object = Object::default();
        for (name, value) in &members.0 {
            let place = at + offset(raw, name);
            let name: String =
                serde_json::from_str(name.get()).map_err(|error| self.malformed(name.get(), place, &error))?;
            let start = at + offset(raw, value);
            let member = self.value(value.get(), start, depth + 1)?;
            // Which of two states would run is for each interpreter to say.
            if !object.add(name.clone(), member) {
                let end = start + value.get().len();
                return Err(Malformed::behind(self.text, end, Reason::MemberTwice { name }));
            }
        }
        Ok(object.into())
    }

    /// A number, or what a placeholder makes of one.
    fn number(&self, place: Range<usize>) -> Json {
        let is_filled_in = self.placeholders.iter().any(|one| one.start < place.end && place.start < one.end);
        let spelled = self.text.get(place).unwrap_or_default().to_owned();
        if is_filled_in { Json::Placeholder(spelled) } else { Json::Number(spelled) }
    }

    /// What keeps the value of that text, which stands there, from being read.
    fn malformed(&self, raw: &str, at: usize, error: &serde_json::Error) -> Malformed {
        let lines = raw.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len);
        let read = (at + lines.sum::<usize>() + error.column()).min(self.text.len());
        let placeholder = self.placeholders.iter().find(|one| (one.start..=one.end).contains(&read));
        let reason = match placeholder.and_then(|place| self.text.get(place.clone())) {
            Some(text) if !error.is_eof() => Reason::Placeholder { text: text.to_owned() },
            Some(_) | None => Reason::of(self.text, read, error),
        };
        Malformed::new(self.text, read, reason)
    }
}

/// The members of an object, as they are written.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyObject;

        impl<'de> Visitor<'de> for AnyObject {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(AnyObject)
    }
}

fn write_value(text: &mut String, value: &Json, level: usize) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Json::Number(spelled) | Json::Placeholder(spelled) => text.push_str(spelled),
        Json::Text(value) => write_string(text, value),
        Json::List(items) => {
            let items = items.iter().map(|item| (None, item));
            write_all(text, ('[', ']'), items, level);
        }
        Json::Object(object) => {
            let members = object.iter().map(|(name, member)| (Some(name), member));
            write_all(text, ('{', '}'), members, level);
        }
    }
}

fn write_all<'a>(
    text: &mut String,
    (open, close): (char, char),
    values: impl Iterator<Item = (Option<&'a str>, &'a Json)>,
    level: usize,
) {
    text.push(open);
    let mut is_empty = true;
    for (name, value) in values {
        text.push_str(if is_empty { "\n" } else { ",\n" });
        is_empty = false;
        indent(text, level + 1);
        if let Some(name) = name {
            write_string(text, name);
            text.push_str(": ");
        }
        write_value(text, value, level + 1);
    }
    if !is_empty {
        text.push('\n');
        indent(text, level);
    }
    text.push(close);
}

fn indent(text: &mut String, level: usize) {
    text.extend(std::iter::repeat_n("  ", level));
}

fn write_string(text: &mut String, value: &str) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{}", serde_json::Value::from(value));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// The text is read, and written again as itself.
    #[track_caller]
    fn comes_back(value: &str) {
        let text = format!("{{\n  \"a\": {value}\n}}\n");
        assert_eq!(written(&read(&text).unwrap()), text);
    }

    #[test]
    fn numbers_keep_their_spelling() {
        for number in ["0", "-0", "1.0", "1e2", "1E+2", "-0.0", "12345678901234567890123", "0.1234567890123456789"] {
            comes_back(number);
        }
        comes_back("1e999");
    }

    #[test]
    fn placeholders_outside_of_strings_keep_their_text() {
        for placeholder in
            ["${N}", "-${N}", "${N}5", "${A}${B}", "${join(\",\", [\"}\"])}", "${jsonencode({a = 1})}", "${é}"]
        {
            comes_back(placeholder);
            assert_eq!(read(placeholder).unwrap(), Json::Placeholder(placeholder.to_owned()));
        }
        comes_back("[\n    ${A},\n    1\n  ]");
        comes_back("\"${N} is \\\"${M}\\\" and \\\\\"");
        assert_eq!(read("\"${N}\"").unwrap(), Json::from("${N}"));
    }

    #[test]
    fn strings_and_constants_come_back() {
        for value in ["null", "true", "false", "[]", "{}", "\"\\u0001 \\n é\"", "[\n    {\n      \"b\": []\n    }\n  ]"]
        {
            comes_back(value);
        }
        assert_eq!(read("\u{feff} {}").unwrap(), Json::from(Object::default()));
    }

    /// The text is no JSON for that reason.
    #[track_caller]
    fn check(text: &str, told: &str) {
        assert_eq!(read(text).unwrap_err().to_string(), told, "{text}");
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place_and_what_to_do() {
        check("{\"a\": 1,\n  }", "a comma with nothing behind it at line 1 column 8; remove it");
        check("[1, 2, ]", "a comma with nothing behind it at line 1 column 6; remove it");
        check("{\"é\": 'x'}", "a single quote at line 1 column 7; write double quotes");
        check("{“a”: 1}", "a typographic quote at line 1 column 2; write double quotes");
        let comment = |line: usize, column: usize| {
            format!(
                "a comment at line {line} column {column}, which JSON has no sign for; remove it, or write it as a `Comment`"
            )
        };
        check("{\n  // first\n  \"a\": 1}", &comment(2, 3));
        check("{\"a\": 1 /* one */}", &comment(1, 9));
        check("# a machine\n{}", &comment(1, 1));
        check("{\"a\": 1}\n# done", &comment(2, 1));
        check("{\"a\": 1 \"b\": 2}", "expected `,` or `}` at line 1 column 9");
        check("{\"a\": {\n", "EOF while parsing an object at line 2 column 0");
        check("\u{feff}{\"a\": x}", "expected value at line 1 column 7");
        check("{\"a\": \"\\ud800\"}", "unexpected end of hex escape at line 1 column 14");
    }

    #[test]
    fn nothing_and_names_without_quotes_are_called_so() {
        for text in ["", "\n", " \t\r\n", "\u{feff}"] {
            check(text, "it is empty; write the machine");
        }
        let told = |place: &str| {
            format!(
                "a member's name without quotes at {place}, as in YAML; write double quotes around it, or convert the file, as `yq -o=json machine.yaml` does"
            )
        };
        check("{StartAt: A, States: {}}", &told("line 1 column 2"));
        check("{\n  \"StartAt\": \"A\",\n  States : {}\n}", &told("line 3 column 3"));
    }

    #[test]
    fn yaml_is_called_so() {
        let told = "it looks like YAML, and weave reads JSON; convert it, as `yq -o=json machine.yaml` does";
        for yaml in [
            "StartAt: Act\nStates: {}\n",
            "---\nStartAt: Act\n",
            "# a machine\n\nComment: >\n  text\n",
            "%YAML 1.2\n",
            "- a\n",
        ] {
            check(yaml, told);
        }
    }

    #[test]
    fn placeholder_for_more_than_a_value_is_named() {
        let told = |column: usize| {
            format!(
                "`${{M}}` at line 1 column {column} stands for more than a value, so nobody knows what is there; fill it in, or write it as text"
            )
        };
        check("{${M}}", &told(2));
        check("{${M}: 1}", &told(2));
        check("{\"a\": 1 ${M}}", &told(9));
        check("{\"a\": true${M}}", &told(11));
    }

    #[test]
    fn members_twice_and_depth_are_refused() {
        check("{\"a\": {\"b\": 1, \"b\": [2]}}", "the member `b` stands twice at line 1 column 24");
        check("{\"a\": 1,\n\"\\u0061\": 2\n}", "the member `a` stands twice at line 2 column 11");
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&deep(MAX_DEPTH)).is_ok());
        check(&deep(MAX_DEPTH + 1), "values are nested too deep at line 1 column 128; 127 levels are read");
        check(&deep(100_000), "values are nested too deep at line 1 column 128; 127 levels are read");
    }
}
