//! Typed reading of a JSON object's members: absent and wrongly typed are different causes.

use std::fmt;

use super::{Json, Object};
use crate::excerpt::Excerpt;
use crate::identifier::IdentifierError;
use crate::unix_time::UnixTime;

/// What is read: a part of a compact JWS, an answer or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The payload: the claims.
    Payload,
    /// The signature.
    Signature,
    /// Who acts in the subject's place: an object inside of the payload.
    Actor,
    /// An answer of the realm's.
    Answer,
    /// What a Lambda was called with.
    Event,
    /// A discovery document.
    Discovery,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
            Self::Actor => "actor",
            Self::Answer => "answer",
            Self::Event => "event",
            Self::Discovery => "discovery document",
        })
    }
}

/// Why a member cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// It is required and absent.
    #[error("{part} lacks `{name}`")]
    Missing {
        /// In what.
        part: Part,
        /// Its name.
        name: &'static str,
    },
    /// It has another JSON type than its specification gives it.
    #[error("{part} `{name}`: expected {expected}, presented {presented}")]
    WrongType {
        /// In what.
        part: Part,
        /// Its name.
        name: &'static str,
        /// The expected type.
        expected: &'static str,
        /// The presented type.
        presented: &'static str,
    },
    /// Its text is not an identifier.
    #[error("`{name}`: {error}")]
    MalformedIdentifier {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// It is none of those that are known there.
    #[error("{part}: unknown member `{presented}`")]
    Unknown {
        /// In what.
        part: Part,
        /// Its name.
        presented: Excerpt,
    },
}

impl MemberError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_member",
            Self::WrongType { .. } => "wrong_type",
            Self::MalformedIdentifier { .. } => "malformed_identifier",
            Self::Unknown { .. } => "unknown_member",
        }
    }
}

/// The members of an object that is read by name and type.
#[derive(Clone, Copy)]
pub struct Members<'a> {
    part: Part,
    members: Object<'a>,
}

impl<'a> Members<'a> {
    /// The members of an object; `part` is what messages call it.
    pub fn new(part: Part, members: Object<'a>) -> Self {
        Self { part, members }
    }

    /// Refuses every member that is not among the known ones.
    ///
    /// # Errors
    /// [`MemberError::Unknown`] names the first.
    pub fn only(&self, known: &[&str]) -> Result<(), MemberError> {
        match self.members.iter().find(|(name, _)| !known.contains(name)) {
            Some((name, _)) => Err(MemberError::Unknown { part: self.part, presented: Excerpt::of(name) }),
            None => Ok(()),
        }
    }

    /// Whether there is a member of that name.
    pub fn has(&self, name: &str) -> bool {
        self.members.has(name)
    }

    /// The member, whatever it is.
    pub fn get(&self, name: &str) -> Option<Json<'a>> {
        self.members.get(name)
    }

    /// The member, which has to be there.
    ///
    /// # Errors
    /// [`MemberError::Missing`]
    pub fn value(&self, name: &'static str) -> Result<Json<'a>, MemberError> {
        self.members.get(name).ok_or(MemberError::Missing { part: self.part, name })
    }

    /// The error that the member has another type.
    pub fn wrong_type(&self, name: &'static str, expected: &'static str, value: Json<'_>) -> MemberError {
        MemberError::WrongType { part: self.part, name, expected, presented: type_name(value) }
    }

    /// A text.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn text(&self, name: &'static str) -> Result<&'a str, MemberError> {
        self.text_of(name, self.value(name)?)
    }

    /// What `read` reads of the member; none if it is absent or `null`. API Gateway writes `null` for what is not there.
    ///
    /// # Errors
    /// [`MemberError`] of what `read` reads.
    pub fn given<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Result<T, MemberError>,
    ) -> Result<Option<T>, MemberError> {
        match self.members.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(_) => read(self, name).map(Some),
        }
    }

    /// A text; none if the member is absent.
    ///
    /// # Errors
    /// [`MemberError::WrongType`], also for `null`.
    pub fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, MemberError> {
        self.members.get(name).map(|value| self.text_of(name, value)).transpose()
    }

    /// A boolean.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn boolean(&self, name: &'static str) -> Result<bool, MemberError> {
        let value = self.value(name)?;
        value.boolean().ok_or_else(|| self.wrong_type(name, "a boolean", value))
    }

    /// A text that is an identifier.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn identifier<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    ) -> Result<T, MemberError> {
        parse(self.text(name)?).map_err(|error| MemberError::MalformedIdentifier { name, error })
    }

    /// A text that is an identifier; none if the member is absent.
    ///
    /// # Errors
    /// [`MemberError`] if it is something else.
    pub fn optional_identifier<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    ) -> Result<Option<T>, MemberError> {
        let parsed = self.optional_text(name)?.map(parse).transpose();
        parsed.map_err(|error| MemberError::MalformedIdentifier { name, error })
    }

    /// A NumericDate (RFC 7519 §2). Off-spec: only whole seconds from 1970 to 9999, as Keycloak writes them.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn time(&self, name: &'static str) -> Result<UnixTime, MemberError> {
        self.time_of(name, self.value(name)?)
    }

    /// As [`Self::time`]; none if the member is absent.
    ///
    /// # Errors
    /// [`MemberError::WrongType`]
    pub fn optional_time(&self, name: &'static str) -> Result<Option<UnixTime>, MemberError> {
        self.members.get(name).map(|value| self.time_of(name, value)).transpose()
    }

    /// A time that is written in milliseconds; its second.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn time_in_milliseconds(&self, name: &'static str) -> Result<UnixTime, MemberError> {
        let value = self.value(name)?;
        let milliseconds = value.integer().and_then(|milliseconds| i64::try_from(milliseconds).ok());
        let time = milliseconds.and_then(|milliseconds| UnixTime::from_seconds(milliseconds.div_euclid(1000)));
        time.ok_or_else(|| self.wrong_type(name, "milliseconds since 1970", value))
    }

    /// A count of 32 bits.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn count(&self, name: &'static str) -> Result<u32, MemberError> {
        let value = self.value(name)?;
        let count = value.integer().and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.wrong_type(name, "a count", value))
    }

    /// An object.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn object(&self, name: &'static str) -> Result<Object<'a>, MemberError> {
        self.object_of(name, self.value(name)?)
    }

    /// An object; none if the member is absent.
    ///
    /// # Errors
    /// [`MemberError::WrongType`]
    pub fn optional_object(&self, name: &'static str) -> Result<Option<Object<'a>>, MemberError> {
        self.members.get(name).map(|value| self.object_of(name, value)).transpose()
    }

    /// The texts of an array, all of whose items have to be some.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn texts(&self, name: &'static str) -> Result<impl Iterator<Item = &'a str> + Clone + use<'a>, MemberError> {
        self.texts_of(name, self.value(name)?)
    }

    /// As [`Self::texts`], of a member that was looked up.
    ///
    /// # Errors
    /// [`MemberError`] if it is absent or something else.
    pub fn texts_of(
        &self,
        name: &'static str,
        value: Json<'a>,
    ) -> Result<impl Iterator<Item = &'a str> + Clone + use<'a>, MemberError> {
        let expected = "an array of text";
        let items = value.array().ok_or_else(|| self.wrong_type(name, expected, value))?;
        match items.iter().find(|item| item.text().is_none()) {
            Some(item) => Err(self.wrong_type(name, expected, item)),
            None => Ok(items.iter().filter_map(Json::text)),
        }
    }

    /// As [`Self::texts`]; none if the member is absent.
    ///
    /// # Errors
    /// [`MemberError::WrongType`]
    pub fn optional_texts(
        &self,
        name: &'static str,
    ) -> Result<Option<impl Iterator<Item = &'a str> + Clone + use<'a>>, MemberError> {
        self.members.get(name).map(|value| self.texts_of(name, value)).transpose()
    }

    fn text_of(&self, name: &'static str, value: Json<'a>) -> Result<&'a str, MemberError> {
        value.text().ok_or_else(|| self.wrong_type(name, "text", value))
    }

    fn object_of(&self, name: &'static str, value: Json<'a>) -> Result<Object<'a>, MemberError> {
        value.object().ok_or_else(|| self.wrong_type(name, "an object", value))
    }

    fn time_of(&self, name: &'static str, value: Json<'a>) -> Result<UnixTime, MemberError> {
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
