//! The intrinsic functions of JSONPath (<https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::jsonata_functions::hash_of;
use crate::run::{Run, Sight};
use crate::stop::{Stop, intrinsic_failure, refused};
use crate::world::Expected;

/// The value of a call such as `States.Format('{}', $.name)`.
pub(crate) fn evaluate(text: &str, run: &mut Run<'_>, sight: &Sight<'_>) -> Result<Value, Stop> {
    let mut reader = Reader { rest: text, text, state: sight.name };
    let value = reader.call(run, sight)?;
    if reader.rest.trim().is_empty() { Ok(value) } else { Err(reader.no_call()) }
}

struct Reader<'a> {
    rest: &'a str,
    text: &'a str,
    state: &'a str,
}

impl Reader<'_> {
    fn no_call(&self) -> Stop {
        refused(self.state, format!("`{}` is no intrinsic function", self.text))
    }

    fn takes(&mut self, sign: char) -> bool {
        let behind = self.rest.trim_start().strip_prefix(sign);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn call(&mut self, run: &mut Run<'_>, sight: &Sight<'_>) -> Result<Value, Stop> {
        let (name, rest) = self.rest.split_once('(').ok_or_else(|| self.no_call())?;
        let name = name.trim();
        self.rest = rest;
        let mut arguments = Vec::new();
        while !self.takes(')') {
            if !arguments.is_empty() && !self.takes(',') {
                return Err(self.no_call());
            }
            arguments.push(self.argument(run, sight)?);
        }
        match apply(name, &arguments, run) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(refused(self.state, format!("`{name}` is not known with {} arguments", arguments.len()))),
            Err(cause) => match run.world.made_up(&run.place(sight), self.text, Expected::Anything) {
                Some(value) => Ok(value),
                None => Err(intrinsic_failure(format!("state `{}`: `{}`: {cause}", self.state, self.text))),
            },
        }
    }

    fn argument(&mut self, run: &mut Run<'_>, sight: &Sight<'_>) -> Result<Value, Stop> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with("States.") {
            return self.call(run, sight);
        }
        if self.rest.starts_with('\'') {
            return self.quoted();
        }
        let (mut depth, mut is_quoted) = (0_i32, false);
        let end = self.rest.find(|letter| {
            match letter {
                '\'' => is_quoted = !is_quoted,
                '[' | '(' if !is_quoted => depth += 1,
                ']' if !is_quoted => depth -= 1,
                ')' if !is_quoted && depth > 0 => depth -= 1,
                ',' | ')' => return depth == 0 && !is_quoted,
                _ => {}
            }
            false
        });
        let (word, rest) = self.rest.split_at(end.ok_or_else(|| self.no_call())?);
        self.rest = rest;
        let word = word.trim_end();
        if word.starts_with('$') {
            return run.path(word, sight, Expected::Anything);
        }
        serde_json::from_str(word).map_err(|_| self.no_call())
    }

    fn quoted(&mut self) -> Result<Value, Stop> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    // Braces keep their backslash for `States.Format`.
                    Some((_, brace @ ('{' | '}'))) => text.extend(['\\', brace]),
                    Some((_, letter)) => text.push(letter),
                    None => return Err(self.no_call()),
                },
                '\'' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(json!(text));
                }
                letter => text.push(letter),
            }
        }
        Err(self.no_call())
    }
}

/// A text as `States.Format` shows a value.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn format(template: &str, values: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    let mut values = values.iter();
    let mut rest = template;
    while let Some(at) = rest.find(['\\', '{']) {
        let (before, behind) = rest.split_at(at);
        text.push_str(before);
        if let Some(behind) = behind.strip_prefix("{}") {
            text.push_str(&shown(values.next().ok_or("there are more `{}` than values")?));
            rest = behind;
        } else if let Some(letter) = behind.strip_prefix('\\').and_then(|behind| behind.chars().next()) {
            text.push(letter);
            rest = behind.get(1 + letter.len_utf8()..).unwrap_or_default();
        } else {
            return Err("a brace is open".to_owned());
        }
    }
    text.push_str(rest);
    if values.next().is_some() { Err("there are more values than `{}`".to_owned()) } else { Ok(text) }
}

/// The value of a function; none if there is no such function, the cause if the arguments do not fit.
fn apply(name: &str, arguments: &[Value], run: &Run<'_>) -> Result<Option<Value>, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(format!("`{value}` is no text"));
    let list = |value: &Value| value.as_array().cloned().ok_or(format!("`{value}` is no list"));
    let number = |value: &Value| value.as_i64().ok_or(format!("`{value}` is no integer"));
    Ok(Some(match (name, arguments) {
        ("States.Format", [template, values @ ..]) => json!(format(&text(template)?, values)?),
        ("States.StringToJson", [value]) => {
            serde_json::from_str(&text(value)?).map_err(|error| format!("no JSON: {error}"))?
        }
        ("States.JsonToString", [value]) => json!(value.to_string()),
        ("States.Array", items) => json!(items),
        ("States.ArrayPartition", [items, size]) => {
            let size =
                usize::try_from(number(size)?).ok().filter(|size| *size > 0).ok_or("the size is not positive")?;
            list(items)?.chunks(size).map(|part| json!(part)).collect()
        }
        ("States.ArrayContains", [items, item]) => json!(list(items)?.contains(item)),
        ("States.ArrayRange", [first, last, step]) => {
            let (mut at, last, step) = (number(first)?, number(last)?, number(step)?);
            let mut items = Vec::new();
            while (step > 0 && at <= last) || (step < 0 && at >= last) {
                items.push(json!(at));
                at = at.saturating_add(step);
            }
            if step == 0 || items.len() > 1000 {
                return Err("no range of at most 1000".to_owned());
            }
            json!(items)
        }
        ("States.ArrayGetItem", [items, at]) => {
            let at = usize::try_from(number(at)?).map_err(|_| "the index is negative")?;
            list(items)?.get(at).cloned().ok_or("the index is behind the last item")?
        }
        ("States.ArrayLength", [items]) => json!(list(items)?.len()),
        ("States.ArrayUnique", [items]) => {
            let mut unique: Vec<Value> = Vec::new();
            for item in list(items)? {
                if !unique.contains(&item) {
                    unique.push(item);
                }
            }
            json!(unique)
        }
        ("States.Base64Encode", [value]) => json!(STANDARD.encode(text(value)?)),
        ("States.Base64Decode", [value]) => {
            let bytes = STANDARD.decode(text(value)?).map_err(|error| format!("no base64: {error}"))?;
            json!(String::from_utf8(bytes).map_err(|error| format!("no text: {error}"))?)
        }
        ("States.Hash", [value, algorithm]) => match hash_of(&shown(value), &text(algorithm)?) {
            Some(hash) => json!(hash),
            None => return Ok(None),
        },
        ("States.JsonMerge", [one, other, deep]) => {
            let object = |value: &Value| value.as_object().cloned().ok_or(format!("`{value}` is no object"));
            if *deep != json!(false) {
                return Err("only a shallow merge is known".to_owned());
            }
            Value::Object(object(one)?.into_iter().chain(object(other)?).collect::<Map<String, Value>>())
        }
        ("States.MathRandom", [first, last] | [first, last, _]) => {
            let (first, last) = (number(first)?, number(last)?);
            if last <= first {
                return Err("the range is empty".to_owned());
            }
            json!(first.saturating_add_unsigned(run.engine.next_number() % last.abs_diff(first)))
        }
        ("States.MathAdd", [one, other]) => json!(number(one)?.saturating_add(number(other)?)),
        ("States.StringSplit", [value, at]) => {
            let at = text(at)?;
            let value = text(value)?;
            value.split(|letter| at.contains(letter)).filter(|part| !part.is_empty()).map(|part| json!(part)).collect()
        }
        ("States.UUID", []) => json!(run.engine.next_uuid()),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_braces_are() {
        assert_eq!(format("{} is {}, \\{\\}", &[json!("a"), json!(1)]).as_deref(), Ok("a is 1, {}"));
        assert_eq!(format("{}", &[]), Err("there are more `{}` than values".to_owned()));
    }
}
