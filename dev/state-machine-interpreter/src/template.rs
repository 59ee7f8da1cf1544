//! Values with expressions in them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::intrinsic;
use crate::json_path;
use crate::jsonata::{Fault, evaluate, expression};
use crate::run::{Language, Run, Sight};
use crate::stop::{Stop, query, refused, runtime};
use crate::world::Expected;

impl Run<'_> {
    /// The value of a template: in JSONata texts between `{%` and `%}`, in JSONPath members `x.$`, stand for values.
    pub(crate) fn value(&mut self, template: &Value, sight: &Sight<'_>, expected: Expected) -> Result<Value, Stop> {
        match (template, sight.language) {
            (Value::String(text), Language::Jsonata) => match expression(text) {
                Some(text) => self.expression(text, sight, expected),
                None => Ok(template.clone()),
            },
            (Value::Object(members), language) => {
                let mut all = Map::new();
                for (name, member) in members {
                    let (name, value) = match (name.strip_suffix(".$"), language, member) {
                        (Some(name), Language::JsonPath, Value::String(text)) => {
                            (name, self.text(text, sight, Expected::Anything)?)
                        }
                        (Some(_), Language::JsonPath, _) => {
                            return Err(refused(sight.name, format!("`{name}` is no text")));
                        }
                        (Some(_) | None, _, _) => (name.as_str(), self.value(member, sight, Expected::Anything)?),
                    };
                    if all.insert(name.to_owned(), value).is_some() {
                        return Err(refused(sight.name, format!("`{name}` is there twice")));
                    }
                }
                Ok(Value::Object(all))
            }
            (Value::Array(items), _) => items.iter().map(|item| self.value(item, sight, Expected::Anything)).collect(),
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Ok(template.clone()),
        }
    }

    /// The value of JSONPath text: a path, or an intrinsic function.
    pub(crate) fn text(&mut self, text: &str, sight: &Sight<'_>, expected: Expected) -> Result<Value, Stop> {
        if text.starts_with("States.") {
            intrinsic::evaluate(text, self, sight)
        } else {
            self.path(text, sight, expected)
        }
    }

    /// The value at `$.input`, `$$.context` or `$variable`.
    pub(crate) fn path(&mut self, text: &str, sight: &Sight<'_>, expected: Expected) -> Result<Value, Stop> {
        if let Some(value) = self.find(text, sight)? {
            return Ok(value);
        }
        match self.world.made_up(&self.place(sight), text, expected) {
            Some(value) => Ok(value),
            None => Err(runtime(format!("state `{}`: nothing is at `{text}`", sight.name))),
        }
    }

    /// The value at a path; none if there is none.
    pub(crate) fn find(&self, text: &str, sight: &Sight<'_>) -> Result<Option<Value>, Stop> {
        let no_path = |reason: String| refused(sight.name, reason);
        if let Some(path) = text.strip_prefix("$$") {
            return json_path::find(path, sight.context).map_err(no_path);
        }
        let Some(path) = text.strip_prefix('$') else { return Err(no_path(format!("`{text}` is no path"))) };
        let (name, path) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
        if name.is_empty() {
            return json_path::find(path, sight.data).map_err(no_path);
        }
        match self.variable(name) {
            Some(value) => json_path::find(path, value).map_err(no_path),
            None => Ok(None),
        }
    }

    /// The value of an expression of JSONata.
    pub(crate) fn expression(&mut self, text: &str, sight: &Sight<'_>, expected: Expected) -> Result<Value, Stop> {
        let mut states = json!({ "input": sight.input, "context": sight.context });
        let more = [("result", sight.result), ("errorOutput", sight.error)];
        for (member, value) in more {
            if let (Some(value), Some(members)) = (value, states.as_object_mut()) {
                members.insert(member.to_owned(), value.clone());
            }
        }
        let mut variables: HashMap<&str, &Value> = HashMap::from([("states", &states)]);
        for (name, value) in self.scopes.iter().flatten() {
            variables.insert(name, value);
        }
        let fault = match evaluate(text, &variables) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => "it is undefined".to_owned(),
            Err(Fault::Data(cause)) => cause,
            Err(Fault::Expression(cause)) => return Err(refused(sight.name, format!("`{text}`: {cause}"))),
        };
        match self.world.made_up(&self.place(sight), text, expected) {
            Some(value) => Ok(value),
            None => Err(query(format!("state `{}`: `{text}`: {fault}", sight.name))),
        }
    }
}
