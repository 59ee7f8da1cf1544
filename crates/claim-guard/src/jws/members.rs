//! Typed reading of a JSON object's members: absent and wrongly typed are different causes.

use serde_json::{Map, Value};

use crate::identifier::IdentifierError;
use crate::jws::error::{JwsError, Part};
use crate::unix_time::UnixTime;

/// The members of a header or payload.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    part: Part,
    map: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub(crate) fn new(part: Part, map: &'a Map<String, Value>) -> Self {
        Self { part, map }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(crate) fn value(&self, name: &'static str) -> Result<&'a Value, JwsError> {
        self.map.get(name).ok_or(JwsError::Missing { part: self.part, name })
    }

    pub(crate) fn wrong_type(&self, name: &'static str, expected: &'static str, value: &Value) -> JwsError {
        JwsError::WrongType { part: self.part, name, expected, presented: type_name(value) }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, JwsError> {
        let value = self.value(name)?;
        value.as_str().ok_or_else(|| self.wrong_type(name, "text", value))
    }

    pub(crate) fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, JwsError> {
        if self.has(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn identifier<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    ) -> Result<T, JwsError> {
        parse(self.text(name)?).map_err(|error| JwsError::MalformedIdentifier { name, error })
    }

    /// A NumericDate (RFC 7519 §2). Off-spec: only whole seconds from 1970 to 9999, as Keycloak writes them.
    pub(crate) fn time(&self, name: &'static str) -> Result<UnixTime, JwsError> {
        let value = self.value(name)?;
        let time = value.as_i64().and_then(UnixTime::from_seconds);
        time.ok_or_else(|| self.wrong_type(name, "whole seconds since 1970", value))
    }

    pub(crate) fn optional_time(&self, name: &'static str) -> Result<Option<UnixTime>, JwsError> {
        if self.has(name) { self.time(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn count(&self, name: &'static str) -> Result<u32, JwsError> {
        let value = self.value(name)?;
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.wrong_type(name, "a count", value))
    }

    pub(crate) fn object(&self, name: &'static str) -> Result<&'a Map<String, Value>, JwsError> {
        let value = self.value(name)?;
        value.as_object().ok_or_else(|| self.wrong_type(name, "an object", value))
    }

    pub(crate) fn optional_object(&self, name: &'static str) -> Result<Option<&'a Map<String, Value>>, JwsError> {
        if self.has(name) { self.object(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<&'a str>, JwsError> {
        let value = self.value(name)?;
        let items = value.as_array().ok_or_else(|| self.wrong_type(name, "an array of text", value))?;
        items.iter().map(|item| item.as_str().ok_or_else(|| self.wrong_type(name, "an array of text", item))).collect()
    }
}

/// The JSON type of a value, for messages.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction or a number out of range",
        Value::Number(_) => "an integer",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
