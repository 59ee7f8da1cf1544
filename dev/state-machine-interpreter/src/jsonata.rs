//! Expressions of JSONata, and what they can see.

use std::collections::HashMap;

use bumpalo::Bump;
use jsonata_rs::{Error, JsonAta};
use serde_json::Value;

use crate::jsonata_functions::register;

/// How deep an expression may call, and how long it may take, in milliseconds.
const DEEPEST: usize = 256;
const LONGEST: usize = 2_000;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no expression, or calls a function that nobody has.
    Expression(String),
    /// It does not fit its data.
    Data(String),
}

/// The expression between `{%` and `%}`.
pub(crate) fn expression(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}").map(str::trim)
}

/// The value of an expression; none if it is undefined.
pub(crate) fn evaluate(text: &str, variables: &HashMap<&str, &Value>) -> Result<Option<Value>, Fault> {
    if let Some(name) = unassigned(text, variables) {
        return Err(Fault::Data(format!("the variable `${name}` is not assigned")));
    }
    let arena = Bump::new();
    let compiled = JsonAta::new(text, &arena).map_err(|error| Fault::Expression(error.to_string()))?;
    register(&compiled);
    let mut bound = Vec::new();
    for (name, value) in variables {
        bound.push((*name, crate::jsonata_functions::to_jsonata(value, &arena)));
    }
    for (name, value) in bound {
        compiled.assign_var(name, value);
    }
    let value = compiled.evaluate_timeboxed(None, Some(DEEPEST), Some(LONGEST)).map_err(fault)?;
    if value.is_undefined() {
        return Ok(None);
    }
    if value.is_function() {
        return Err(Fault::Data("its value is a function".to_owned()));
    }
    serde_json::from_str(&value.serialize(false)).map(Some).map_err(|error| Fault::Data(error.to_string()))
}

fn fault(error: Error) -> Fault {
    match error.code() {
        "T1005" | "T1006" => Fault::Expression(error.to_string()),
        _ => Fault::Data(error.to_string()),
    }
}

/// The first variable that an expression reads and nobody assigned. It may assign some of its own.
fn unassigned<'a>(text: &'a str, variables: &HashMap<&str, &Value>) -> Option<&'a str> {
    let mut quote = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => {
                letters.next();
            }
            (Some(open), letter) if open == letter => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(letter),
            (None, '$') => {
                let behind = text.get(at + 1..).unwrap_or_default();
                let end = behind.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let (name, rest) = behind.split_at(end.unwrap_or(behind.len()));
                let is_called = rest.trim_start().starts_with('(');
                let is_own = is_assigned_in(text, name);
                if !name.is_empty() && !is_called && !is_own && !variables.contains_key(name) && !is_piped(text, at) {
                    return Some(name);
                }
            }
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// Whether an expression assigns a variable, takes it as an argument or binds it.
fn is_assigned_in(text: &str, name: &str) -> bool {
    let name = format!("${name}");
    text.match_indices(&name).any(|(at, _)| {
        let behind = text.get(at + name.len()..).unwrap_or_default().trim_start();
        let before = text.get(..at).unwrap_or_default().trim_end();
        let is_argument = before.rfind("function").is_some_and(|start| {
            text.get(start..at).is_some_and(|between| between.contains('(') && !between.contains(')'))
        });
        behind.starts_with(":=") || before.ends_with(['@', '#']) || is_argument
    })
}

/// Whether a name is a function's that is handed on: behind `~>`, or an argument such as `$map(list, $string)`.
fn is_piped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end();
    before.ends_with("~>")
}
