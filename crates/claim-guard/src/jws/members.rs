//! Typed reading of a JSON object's members: absent and wrongly typed are different causes.

use crate::document::{Json, Object};
use crate::identifier::IdentifierError;
use crate::jws::error::{JwsError, Part};
use crate::unix_time::UnixTime;

/// The members of a header or payload.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    part: Part,
    members: Object<'a>,
}

impl<'a> Members<'a> {
    pub(crate) fn new(part: Part, members: Object<'a>) -> Self {
        Self { part, members }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.has(name)
    }

    /// The member, whatever it is.
    pub(crate) fn get(&self, name: &str) -> Option<Json<'a>> {
        self.members.get(name)
    }

    pub(crate) fn value(&self, name: &'static str) -> Result<Json<'a>, JwsError> {
        self.members.get(name).ok_or(JwsError::Missing { part: self.part, name })
    }

    pub(crate) fn wrong_type(&self, name: &'static str, expected: &'static str, value: Json<'_>) -> JwsError {
        JwsError::WrongType { part: self.part, name, expected, presented: type_name(value) }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, JwsError> {
        self.text_of(name, self.value(name)?)
    }

    pub(crate) fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, JwsError> {
        self.members.get(name).map(|value| self.text_of(name, value)).transpose()
    }

    pub(crate) fn boolean(&self, name: &'static str) -> Result<bool, JwsError> {
        let value = self.value(name)?;
        value.boolean().ok_or_else(|| self.wrong_type(name, "a boolean", value))
    }

    pub(crate) fn identifier<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    ) -> Result<T, JwsError> {
        parse(self.text(name)?).map_err(|error| JwsError::MalformedIdentifier { name, error })
    }

    pub(crate) fn optional_identifier<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    ) -> Result<Option<T>, JwsError> {
        let parsed = self.optional_text(name)?.map(parse).transpose();
        parsed.map_err(|error| JwsError::MalformedIdentifier { name, error })
    }

    /// A NumericDate (RFC 7519 §2). Off-spec: only whole seconds from 1970 to 9999, as Keycloak writes them.
    pub(crate) fn time(&self, name: &'static str) -> Result<UnixTime, JwsError> {
        self.time_of(name, self.value(name)?)
    }

    pub(crate) fn optional_time(&self, name: &'static str) -> Result<Option<UnixTime>, JwsError> {
        self.members.get(name).map(|value| self.time_of(name, value)).transpose()
    }

    /// A time that is written in milliseconds; its second.
    pub(crate) fn time_in_milliseconds(&self, name: &'static str) -> Result<UnixTime, JwsError> {
        let value = self.value(name)?;
        let milliseconds = value.integer().and_then(|milliseconds| i64::try_from(milliseconds).ok());
        let time = milliseconds.and_then(|milliseconds| UnixTime::from_seconds(milliseconds.div_euclid(1000)));
        time.ok_or_else(|| self.wrong_type(name, "milliseconds since 1970", value))
    }

    pub(crate) fn count(&self, name: &'static str) -> Result<u32, JwsError> {
        let value = self.value(name)?;
        let count = value.integer().and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.wrong_type(name, "a count", value))
    }

    pub(crate) fn object(&self, name: &'static str) -> Result<Object<'a>, JwsError> {
        self.object_of(name, self.value(name)?)
    }

    pub(crate) fn optional_object(&self, name: &'static str) -> Result<Option<Object<'a>>, JwsError> {
        self.members.get(name).map(|value| self.object_of(name, value)).transpose()
    }

    /// The texts of an array, all of whose items have to be some.
    pub(crate) fn texts(
        &self,
        name: &'static str,
    ) -> Result<impl Iterator<Item = &'a str> + Clone + use<'a>, JwsError> {
        self.texts_of(name, self.value(name)?)
    }

    /// As [`Self::texts`], of a member that was looked up.
    pub(crate) fn texts_of(
        &self,
        name: &'static str,
        value: Json<'a>,
    ) -> Result<impl Iterator<Item = &'a str> + Clone + use<'a>, JwsError> {
        let expected = "an array of text";
        let items = value.array().ok_or_else(|| self.wrong_type(name, expected, value))?;
        match items.iter().find(|item| item.text().is_none()) {
            Some(item) => Err(self.wrong_type(name, expected, item)),
            None => Ok(items.iter().filter_map(Json::text)),
        }
    }

    pub(crate) fn optional_texts(
        &self,
        name: &'static str,
    ) -> Result<Option<impl Iterator<Item = &'a str> + Clone + use<'a>>, JwsError> {
        self.members.get(name).map(|value| self.texts_of(name, value)).transpose()
    }

    fn text_of(&self, name: &'static str, value: Json<'a>) -> Result<&'a str, JwsError> {
        value.text().ok_or_else(|| self.wrong_type(name, "text", value))
    }

    fn object_of(&self, name: &'static str, value: Json<'a>) -> Result<Object<'a>, JwsError> {
        value.object().ok_or_else(|| self.wrong_type(name, "an object", value))
    }

    fn time_of(&self, name: &'static str, value: Json<'a>) -> Result<UnixTime, JwsError> {
        let seconds = value.integer().and_then(|seconds| i64::try_from(seconds).ok());
        let time = seconds.and_then(UnixTime::from_seconds);
        time.ok_or_else(|| self.wrong_type(name, "whole seconds since 1970", value))
    }
}

/// The JSON type of a value, for messages.
fn type_name(value: Json<'_>) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Boolean(_) => "a boolean",
        Json::Fraction(_) => "a fraction or a number out of range",
        Json::Unsigned(_) | Json::Negative(_) => "an integer",
        Json::Text(_) => "text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
