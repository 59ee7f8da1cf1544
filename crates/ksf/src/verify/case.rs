//! One line of a batch.

use std::borrow::Cow;

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{ClientList, Leeway, UnixTime};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::verify::question::Expected;

/// The most bytes that a line may have. It is far more than a token and a key set may have, so that those which are too long
/// are rejected for that, by name.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// A case as written. An unknown member is an error: a misspelt `client` would take an expectation away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    jwks: &'a RawValue,
    #[serde(borrow)]
    issuer: Cow<'a, str>,
    #[serde(borrow)]
    audience: Cow<'a, str>,
    now: i64,
    #[serde(default, deserialize_with = "present")]
    client: Option<String>,
}

/// Absent is one thing, null another.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The name of a case whose rest cannot be read.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

/// A case that can be decided.
pub(super) struct Case<'a> {
    pub(super) id: &'a RawValue,
    pub(super) token: Cow<'a, str>,
    /// The text of the JWK set.
    pub(super) key_set: Cow<'a, str>,
    pub(super) expected: Expected,
}

/// Why a line is no case. The message holds nothing of the line but positions and the names of our own members.
pub(super) struct Malformed<'a> {
    pub(super) id: &'a RawValue,
    pub(super) message: String,
}

impl<'a> Case<'a> {
    /// Reads a line.
    pub(super) fn parse(line: &'a [u8], leeway: Leeway) -> Result<Self, Malformed<'a>> {
        let written: Written<'a> = match serde_json::from_slice(line) {
            Ok(written) => written,
            Err(error) => {
                let id = serde_json::from_slice(line).ok().map(|Named { id }| id).filter(|id| is_name(id));
                return Err(Malformed { id: id.unwrap_or(RawValue::NULL), message: told(&error) });
            }
        };
        if !is_name(written.id) {
            return Err(Malformed { id: RawValue::NULL, message: "`id`: expected a text or a number".to_owned() });
        }
        let id = written.id;
        let Written { token, jwks, .. } = &written;
        let (token, jwks) = (token.clone(), *jwks);
        let malformed = |message| Malformed { id, message };
        let expected = written.expected(leeway).map_err(malformed)?;
        let key_set = key_set(jwks).map_err(malformed)?;
        Ok(Self { id, token, key_set, expected })
    }
}

impl Written<'_> {
    fn expected(&self, leeway: Leeway) -> Result<Expected, String> {
        let clients = match &self.client {
            None => None,
            Some(client) => ClientList::new([ClientId::parse(client).map_err(|error| error.to_string())?]),
        };
        Ok(Expected {
            issuer: Issuer::parse(&self.issuer).map_err(|error| error.to_string())?,
            audience: Audience::parse(&self.audience).map_err(|error| error.to_string())?,
            clients,
            leeway,
            now: UnixTime::from_seconds(self.now)
                .ok_or_else(|| "`now`: expected seconds from 1970 to the end of year 9999".to_owned())?,
        })
    }
}

/// The set's own text: a text holds it, and anything else is it.
fn key_set(jwks: &RawValue) -> Result<Cow<'_, str>, String> {
    if jwks.get().starts_with('"') {
        serde_json::from_str(jwks.get()).map(|Text(text)| text).map_err(|error| told(&error))
    } else {
        Ok(Cow::Borrowed(jwks.get()))
    }
}

/// Borrowed where nothing is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Only a text or a number is repeated in an answer, and a text only if it is one: half of a surrogate pair is not.
fn is_name(id: &RawValue) -> bool {
    match id.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Text<'_>>(id.get()).is_ok(),
        Some(first) => first.is_ascii_digit() || *first == b'-',
        None => false,
    }
}

/// The library's message where it holds only our own names, and else where the line stops being a case.
fn told(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message;
    }
    let column = error.column();
    if error.is_data() {
        let members = "`id`, `token`, `jwks`, `issuer`, `audience`, `now` and, if wanted, `client`";
        format!("not a case at column `{column}`: expected {members}, each of its type, and no other member")
    } else {
        format!("malformed JSON at column `{column}`")
    }
}
