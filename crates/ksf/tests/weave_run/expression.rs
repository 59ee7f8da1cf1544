//! As much of JSONata as woven machines and their authors here write. What is not defined is no value, and using it as one is
//! an error, as on AWS.

use serde_json::{Map, Value, json};

/// Looks a variable up, `states` among them.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// The value of an expression.
pub fn evaluate(text: &str, variables: Variables<'_>) -> Option<Value> {
    let mut parser = Parser { rest: text.trim(), variables };
    let value = parser.expression();
    assert_eq!(parser.rest, "", "not read in `{text}`");
    value
}

struct Parser<'a> {
    rest: &'a str,
    variables: Variables<'a>,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(behind) => {
                self.rest = behind.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) {
        assert!(self.takes(sign), "expected `{sign}` before `{}`", self.rest);
    }

    fn name(&mut self) -> &'a str {
        let end = self.rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn expression(&mut self) -> Option<Value> {
        let condition = self.conjunction();
        if !self.takes("?") {
            return condition;
        }
        let yes = self.expression();
        self.expect(":");
        let no = self.expression();
        if condition == Some(json!(true)) { yes } else { no }
    }

    fn conjunction(&mut self) -> Option<Value> {
        let mut value = self.comparison();
        while self.takes("and ") {
            let other = self.comparison();
            value = Some(json!(value == Some(json!(true)) && other == Some(json!(true))));
        }
        value
    }

    fn comparison(&mut self) -> Option<Value> {
        let left = self.text();
        let number = |value: Option<Value>| value.and_then(|value| value.as_f64());
        if self.takes(">=") {
            return Some(json!(number(left) >= number(self.text())));
        }
        if self.takes("<=") {
            return Some(json!(number(left) <= number(self.text())));
        }
        if self.takes("=") {
            return Some(json!(left == self.text()));
        }
        left
    }

    fn text(&mut self) -> Option<Value> {
        let mut value = self.primary();
        while self.takes("&") {
            let shown = |value: Option<Value>| {
                value.map_or(String::new(), |value| value.as_str().map_or(value.to_string(), str::to_owned))
            };
            let left = shown(value);
            value = Some(json!(left + &shown(self.primary())));
        }
        value
    }

    fn primary(&mut self) -> Option<Value> {
        if self.takes("(") {
            let value = self.expression();
            self.expect(")");
            return self.path(value);
        }
        if self.takes("'") {
            let (text, rest) = self.rest.split_once('\'').unwrap();
            self.rest = rest;
            return Some(json!(text));
        }
        if self.takes("[") {
            return Some(Value::Array(self.list("]").into_iter().flatten().collect()));
        }
        if self.takes("{") {
            return Some(self.object());
        }
        if self.takes("$") {
            let name = self.name();
            if self.takes("(") {
                let arguments = self.list(")");
                let value = call(name, &arguments);
                return self.path(value);
            }
            let value = (self.variables)(name);
            return self.path(value);
        }
        let number = self.name();
        if number == "true" {
            return Some(json!(true));
        }
        Some(json!(number.parse::<f64>().unwrap_or_else(|_| panic!("no expression: `{number}{}`", self.rest))))
    }

    fn path(&mut self, mut value: Option<Value>) -> Option<Value> {
        while self.rest.starts_with('.') {
            self.rest = &self.rest[1..];
            let name = self.name();
            value = value.and_then(|value| value.get(name).cloned());
        }
        value
    }

    fn list(&mut self, end: &str) -> Vec<Option<Value>> {
        let mut items = Vec::new();
        while !self.takes(end) {
            items.push(self.expression());
            self.takes(",");
        }
        items
    }

    fn object(&mut self) -> Value {
        let mut members = Map::new();
        while !self.takes("}") {
            let name = self.text().unwrap();
            self.expect(":");
            if let Some(value) = self.expression() {
                members.insert(name.as_str().unwrap().to_owned(), value);
            }
            self.takes(",");
        }
        Value::Object(members)
    }
}

fn call(name: &str, arguments: &[Option<Value>]) -> Option<Value> {
    let first = arguments[0].as_ref();
    match name {
        "type" => first.map(|value| {
            json!(match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            })
        }),
        "exists" => Some(json!(first.is_some())),
        "hash" => {
            let digest = claim_guard::identifier::Digest::of(first?.as_str()?.as_bytes());
            Some(json!(digest.as_str().trim_start_matches("sha256:")))
        }
        "substringAfter" => {
            let (text, sign) = (first?.as_str()?, arguments[1].as_ref()?.as_str()?.replace("\\\"", "\""));
            Some(json!(text.split_once(&*sign).map_or(text, |(_, after)| after)))
        }
        "substringBefore" => {
            let (text, sign) = (first?.as_str()?, arguments[1].as_ref()?.as_str()?);
            Some(json!(text.split_once(sign).map_or(text, |(before, _)| before)))
        }
        "contains" => Some(json!(first?.as_str()?.contains(arguments[1].as_ref()?.as_str()?))),
        "parse" => Some(serde_json::from_str(first?.as_str()?).unwrap()),
        "count" => Some(json!(first.map_or(0, |value| value.as_array().map_or(1, Vec::len)) as f64)),
        "floor" => Some(json!(first?.as_f64()?.floor())),
        "max" => first?.as_array()?.iter().filter_map(Value::as_f64).reduce(f64::max).map(|value| json!(value)),
        "merge" => {
            let objects = first?.as_array()?.iter().map(|one| one.as_object().unwrap().clone());
            Some(Value::Object(objects.flatten().collect()))
        }
        other => panic!("no function `{other}`"),
    }
}
