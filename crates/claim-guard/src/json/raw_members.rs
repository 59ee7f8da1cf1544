//! The members of one object with their values unread, for where a faulty value spoils only itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::JsonError;
use super::error::{DUPLICATE, malformed};

/// Each member's text by its name; a duplicate is an error.
///
/// # Errors
/// [`JsonError`] if the bytes are not one JSON object with unique members.
pub(crate) fn raw_members(bytes: &[u8]) -> Result<BTreeMap<String, &RawValue>, JsonError> {
    let RawMembers(members) = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(members)
}

struct RawMembers<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawMembers<'de>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, &RawValue>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(RawMembers(members))
    }
}
