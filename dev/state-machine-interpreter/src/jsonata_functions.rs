//! The functions that Step Functions adds to JSONata, and those of JSONata's own that the library lacks
//! (<https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>).

use aws_lc_rs::digest;
use bumpalo::Bump;
use jsonata_rs::{ArrayFlags, Error, FunctionContext, JsonAta, Result, Value};

/// Makes the functions known to an expression.
pub(crate) fn register(expression: &JsonAta<'_>) {
    expression.register_function("type", 1, kind);
    expression.register_function("parse", 1, parse);
    expression.register_function("hash", 2, hash);
    expression.register_function("partition", 2, partition);
    expression.register_function("range", 3, range);
    expression.register_function("spread", 1, spread);
    expression.register_function("sift", 2, sift);
}

/// A value of JSON as one of JSONata.
pub(crate) fn to_jsonata<'a>(value: &serde_json::Value, arena: &'a Bump) -> &'a Value<'a> {
    match value {
        serde_json::Value::Null => Value::null(arena),
        serde_json::Value::Bool(value) => Value::bool(*value),
        serde_json::Value::Number(number) => Value::number(arena, number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::string(arena, text),
        serde_json::Value::Array(items) => {
            let list = Value::array_with_capacity(arena, items.len(), ArrayFlags::empty());
            for item in items {
                list.push(to_jsonata(item, arena));
            }
            list
        }
        serde_json::Value::Object(members) => {
            let object = Value::object_with_capacity(arena, members.len());
            for (name, member) in members {
                object.insert(name, to_jsonata(member, arena));
            }
            object
        }
    }
}

fn undefined<'a>() -> &'a Value<'a> {
    Value::undefined()
}

fn first<'a>(arguments: &[&'a Value<'a>]) -> &'a Value<'a> {
    nth(arguments, 0)
}

fn nth<'a>(arguments: &[&'a Value<'a>], number: usize) -> &'a Value<'a> {
    arguments.get(number).copied().unwrap_or_else(undefined)
}

fn wrong<T>(function: &str, cause: &str) -> Result<T> {
    Err(Error::D3137Error(format!("`${function}`: {cause}")))
}

fn kind<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let value = first(arguments);
    let name = if value.is_undefined() {
        return Ok(undefined());
    } else if value.is_null() {
        "null"
    } else if value.is_bool() {
        "boolean"
    } else if value.is_number() {
        "number"
    } else if value.is_string() {
        "string"
    } else if value.is_array() {
        "array"
    } else if value.is_function() {
        "function"
    } else {
        "object"
    };
    Ok(Value::string(context.arena, name))
}

fn parse<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let text = first(arguments);
    if text.is_undefined() {
        return Ok(undefined());
    }
    if !text.is_string() {
        return wrong("parse", "expected a text");
    }
    match serde_json::from_str(&text.as_str()) {
        Ok(value) => Ok(to_jsonata(&value, context.arena)),
        Err(error) => wrong("parse", &error.to_string()),
    }
}

fn hash<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let (data, algorithm) = (first(arguments), nth(arguments, 1));
    if !data.is_string() || !algorithm.is_string() {
        return wrong("hash", "expected a text and an algorithm");
    }
    match hash_of(&data.as_str(), &algorithm.as_str()) {
        Some(text) => Ok(Value::string(context.arena, &text)),
        None => wrong("hash", "the algorithm is not known to this interpreter"),
    }
}

/// A hash in hexadecimal; none of an algorithm that is not known here.
pub(crate) fn hash_of(data: &str, algorithm: &str) -> Option<String> {
    let algorithm = match algorithm {
        "SHA-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "SHA-256" => &digest::SHA256,
        "SHA-384" => &digest::SHA384,
        "SHA-512" => &digest::SHA512,
        _ => return None,
    };
    let bytes = digest::digest(algorithm, data.as_bytes());
    Some(bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn partition<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let (list, size) = (first(arguments), nth(arguments, 1));
    if list.is_undefined() {
        return Ok(undefined());
    }
    if !list.is_array() || !size.is_number() || size.as_f64() < 1.0 {
        return wrong("partition", "expected a list and a size");
    }
    let parts = Value::array(context.arena, ArrayFlags::empty());
    let members: Vec<&Value<'_>> = list.members().collect();
    for part in members.chunks(size.as_usize()) {
        let inner = Value::array(context.arena, ArrayFlags::empty());
        for item in part {
            inner.push(item);
        }
        parts.push(inner);
    }
    Ok(parts)
}

fn range<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let [start, end, step] = [0, 1, 2].map(|number| nth(arguments, number));
    if ![start, end, step].into_iter().all(Value::is_number) || step.as_f64() == 0.0 {
        return wrong("range", "expected a first, a last and a step");
    }
    let (mut at, end, step) = (start.as_f64(), end.as_f64(), step.as_f64());
    let list = Value::array(context.arena, ArrayFlags::empty());
    while (step > 0.0 && at <= end) || (step < 0.0 && at >= end) {
        list.push(Value::number(context.arena, at));
        at += step;
    }
    Ok(list)
}

fn spread<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let value = first(arguments);
    if !value.is_object() {
        return Ok(value);
    }
    let list = Value::array(context.arena, ArrayFlags::SEQUENCE);
    for (name, member) in value.entries() {
        let object = Value::object(context.arena);
        object.insert(name, member);
        list.push(object);
    }
    Ok(list)
}

fn sift<'a>(context: FunctionContext<'a, '_>, arguments: &[&'a Value<'a>]) -> Result<&'a Value<'a>> {
    let (value, keeps) = (first(arguments), nth(arguments, 1));
    if !value.is_object() || !keeps.is_function() {
        return wrong("sift", "expected an object and a function");
    }
    let kept = Value::object(context.arena);
    for (name, member) in value.entries() {
        let all: [&'a Value<'a>; 3] = [member, Value::string(context.arena, name), value];
        let taken = all.get(..keeps.arity().clamp(1, all.len())).unwrap_or(&all);
        if context.evaluate_function(keeps, taken)?.is_truthy() {
            kept.insert(name, member);
        }
    }
    Ok(if kept.entries().next().is_none() { undefined() } else { kept })
}
