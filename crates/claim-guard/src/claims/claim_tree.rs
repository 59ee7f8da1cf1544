//! The JSON object that claims stand in.

use serde_json::{Map, Value};

use super::claim_path::ClaimPath;
use crate::json::{Document, Json, Object, is_plain};

/// A JSON object that was parsed strictly and belongs to a verified statement.
#[derive(Debug, PartialEq, Eq)]
pub struct ClaimTree(Document);

impl ClaimTree {
    pub(crate) fn assertion(members: Document) -> Self {
        Self(members)
    }

    /// The value at the path; none if a member is absent or something on the way is not an object.
    pub fn get(&self, path: &ClaimPath) -> Option<Value> {
        self.find(path).map(Json::to_value)
    }

    /// As [`Self::get`], the value where it stands.
    pub(crate) fn find(&self, path: &ClaimPath) -> Option<Json<'_>> {
        path.segments().iter().try_fold(self.0.value(), |value, segment| value.object()?.get(segment))
    }

    /// Only what stands at the given paths: booleans, integers, text, and arrays of these.
    ///
    /// Anything else at a path (an object, a fraction, null) meets no condition, so it is left behind.
    pub(crate) fn pruned<'a>(&self, paths: impl IntoIterator<Item = &'a ClaimPath>) -> Self {
        let paths: Vec<&[String]> = paths.into_iter().map(ClaimPath::segments).collect();
        Self(Document::pruned(self.0.members(), &paths, is_plain_or_array))
    }

    /// The same claims, those only whose name is `kept`.
    pub(crate) fn only(&self, kept: impl Fn(&str) -> bool) -> Self {
        Self(Document::only(self.0.members(), kept))
    }

    /// These values, each at its path below the whole.
    pub(crate) fn of_paths<'a>(values: impl Iterator<Item = (&'a [String], Value)>) -> Self {
        let mut members = Map::new();
        for (path, value) in values {
            put(&mut members, path, value);
        }
        // Values of a document are none that a document could not hold.
        Self(Document::object(Value::Object(members).to_string().into_bytes()).unwrap_or_else(|_| Document::empty()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.members().iter().next().is_none()
    }

    pub(super) fn members(&self) -> Object<'_> {
        self.0.members()
    }

    /// The members, for a payload or an audit record.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.0.members().to_map()
    }
}

/// The value at the path inside a JSON object.
pub(crate) fn at<'a>(members: &'a Map<String, Value>, path: &ClaimPath) -> Option<&'a Value> {
    let (first, rest) = path.segments().split_first()?;
    rest.iter().try_fold(members.get(first)?, |value, segment| value.as_object()?.get(segment))
}

/// Puts the value at the path; where something else than an object is on the way, nothing.
fn put(members: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        members.insert(first.clone(), value);
    } else if let Some(inner) = members.entry(first).or_insert_with(|| Value::Object(Map::new())).as_object_mut() {
        put(inner, rest, value);
    }
}

fn is_plain_or_array(value: Json<'_>) -> bool {
    match value {
        Json::Array(items) => items.iter().all(is_plain),
        Json::Null
        | Json::Boolean(_)
        | Json::Unsigned(_)
        | Json::Negative(_)
        | Json::Fraction(_)
        | Json::Text(_)
        | Json::Object(_) => is_plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_meet_a_condition_is_kept() {
        let text = r#"{"a":{"object":{"b":1},"null":null,"fraction":1.5,"text":"t","number":1,"flag":false,
            "plain":["t",1,true],"empty":[],"nested":[["t"]],"mixed":["t",{}],"nothing":[null],"fractions":[1,1.5]}}"#;
        let tree = ClaimTree::assertion(Document::object(text.as_bytes().to_vec()).expect("an object"));
        let names = [
            "object",
            "null",
            "fraction",
            "text",
            "number",
            "flag",
            "plain",
            "empty",
            "nested",
            "mixed",
            "nothing",
            "fractions",
        ];
        let paths = names.map(|name| ClaimPath::parse(&format!("a.{name}")).expect("a path"));
        let kept = serde_json::json!({
            "a": { "text": "t", "number": 1, "flag": false, "plain": ["t", 1, true], "empty": [] }
        });
        assert_eq!(Value::Object(tree.pruned(&paths).to_map()), kept);
    }
}
