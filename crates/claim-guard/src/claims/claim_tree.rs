//! The JSON object that claims stand in.

use serde_json::{Map, Value};

use super::claim_path::ClaimPath;

/// A JSON object that was parsed strictly and belongs to a verified statement.
#[derive(Debug, PartialEq, Eq)]
pub struct ClaimTree(Map<String, Value>);

impl ClaimTree {
    pub(crate) fn assertion(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// The value at the path; none if a member is absent or something on the way is not an object.
    pub fn get(&self, path: &ClaimPath) -> Option<&Value> {
        at(&self.0, path)
    }

    /// Only what stands at the given paths: booleans, integers, text, and arrays of these.
    ///
    /// Anything else at a path (an object, a fraction, null) meets no condition, so it is left behind.
    pub(crate) fn pruned<'a>(&self, paths: impl IntoIterator<Item = &'a ClaimPath>) -> Self {
        let mut kept = Map::new();
        for path in paths {
            if let Some(value) = self.get(path).filter(|value| is_plain(value)) {
                insert(&mut kept, path.segments(), value);
            }
        }
        Self(kept)
    }

    /// The members, for a payload or an audit record.
    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The value at the path inside a JSON object.
pub(crate) fn at<'a>(members: &'a Map<String, Value>, path: &ClaimPath) -> Option<&'a Value> {
    let (first, rest) = path.segments().split_first()?;
    rest.iter().try_fold(members.get(first)?, |value, segment| value.as_object()?.get(segment))
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| !item.is_array() && is_plain(item)),
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Bool(_) | Value::String(_) => true,
        Value::Null | Value::Object(_) => false,
    }
}

fn insert(members: &mut Map<String, Value>, segments: &[String], value: &Value) {
    match segments {
        [] => {}
        [last] => {
            members.insert(last.clone(), value.clone());
        }
        [first, rest @ ..] => {
            let inner = members.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
