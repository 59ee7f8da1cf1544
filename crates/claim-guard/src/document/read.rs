//! Bytes → document: `serde_json` parses, this writes down what it meets.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Content, Document, NameSet, Node, Span, Tape};
use crate::json::{self, DUPLICATE, JsonError};

/// Up to so many names of an object are compared with each other, more are sorted.
const FEW_NAMES: usize = 32;

/// The bytes of JSON for which room for one node is made: an access token of Keycloak's has one in 14 to 20.
const BYTES_PER_NODE: usize = 12;

impl Document {
    /// Reads bytes as one JSON object, as strictly as [`json::object`].
    ///
    /// # Errors
    /// [`JsonError`] says where the bytes stop being one.
    pub(crate) fn object(bytes: Vec<u8>) -> Result<Self, JsonError> {
        let document = Self::read(bytes)?;
        if document.value().object().is_some() { Ok(document) } else { Err(JsonError::NotAnObject) }
    }

    /// Reads bytes as one JSON value, as strictly.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, JsonError> {
        match String::from_utf8(bytes) {
            Ok(text) => Self::read_text(text),
            // What is not UTF-8 is not JSON; where it stops being that, the parser says.
            Err(error) => json::value(error.as_bytes()).and(Err(JsonError::NotAnObject)),
        }
    }

    fn read_text(mut text: String) -> Result<Self, JsonError> {
        let nodes = Vec::with_capacity(text.len() / BYTES_PER_NODE);
        let mut reader = Reader { source: &text, unescaped: String::new(), tape: Tape { nodes } };
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let root = reader.value().deserialize(&mut deserializer).map_err(json::malformed)?;
        deserializer.end().map_err(json::malformed)?;
        let Reader { unescaped, tape, .. } = reader;
        text.push_str(&unescaped);
        Ok(Self { text, nodes: tape.nodes, root })
    }
}

/// What is written down so far. A text without escapes is a range of the source; others are collected, to follow it.
struct Reader<'s> {
    source: &'s str,
    unescaped: String,
    tape: Tape,
}

impl<'s> Reader<'s> {
    fn value(&mut self) -> ValueSeed<'_, 's> {
        ValueSeed(self)
    }

    fn borrowed(&self, text: &'s str) -> Span {
        let start = text.as_ptr().addr().wrapping_sub(self.source.as_ptr().addr());
        Span { start, end: start.wrapping_add(text.len()) }
    }

    fn copied(&mut self, text: &str) -> Span {
        let start = self.source.len() + self.unescaped.len();
        self.unescaped.push_str(text);
        Span { start, end: start + text.len() }
    }

    fn text(&self, span: Span) -> &str {
        match span.start.checked_sub(self.source.len()) {
            None => span.in_text(self.source),
            Some(start) => Span { start, end: start + span.len() }.in_text(&self.unescaped),
        }
    }

    /// Whether the name is none of the siblings', which are the members before it in the same object.
    fn is_new(&self, name: Span, names: &mut Names, siblings: &[Node]) -> bool {
        let text = self.text(name);
        let may_be_known = names.set.may_hold(text);
        names.set.insert(text);
        names.count += 1;
        if names.count <= FEW_NAMES {
            return !may_be_known || !siblings_of(siblings).any(|sibling| self.text(sibling) == text);
        }
        if names.sorted.is_empty() {
            names.sorted = siblings_of(siblings).collect();
            names.sorted.sort_unstable_by_key(|sibling| self.text(*sibling));
        }
        match names.sorted.binary_search_by_key(&text, |sibling| self.text(*sibling)) {
            Ok(_) => false,
            Err(place) => {
                names.sorted.insert(place, name);
                true
            }
        }
    }
}

/// The names of one object so far. As long as they are few, `sorted` is empty.
#[derive(Default)]
struct Names {
    set: NameSet,
    count: usize,
    sorted: Vec<Span>,
}

fn siblings_of(mut nodes: &[Node]) -> impl Iterator<Item = Span> {
    std::iter::from_fn(move || {
        let (node, rest) = nodes.split_first()?;
        nodes = rest.get(node.inner..)?;
        Some(node.name)
    })
}

/// Reads one value and says what it is; what it holds is on the tape then.
struct ValueSeed<'r, 's>(&'r mut Reader<'s>);

/// Reads one name.
struct NameSeed<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, 'de> {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_, 'de> {
    type Value = Span;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_, 'de> {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Span, E> {
        Ok(self.0.borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Span, E> {
        Ok(self.0.copied(name))
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, 'de> {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Negative(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Fraction(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Content, E> {
        Ok(Content::Text(self.0.borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(self.0.copied(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        loop {
            let place = self.0.tape.open(Span::EMPTY);
            let Some(item) = items.next_element_seed(self.0.value())? else {
                self.0.tape.withdraw(place);
                return Ok(Content::Array);
            };
            self.0.tape.close(place, item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut names = Names::default();
        let first = self.0.tape.nodes.len();
        while let Some(name) = members.next_key_seed(NameSeed(self.0))? {
            let place = self.0.tape.open(name);
            let value = members.next_value_seed(self.0.value())?;
            self.0.tape.close(place, value);
            let siblings = self.0.tape.nodes.get(first..place).unwrap_or_default();
            if !self.0.is_new(name, &mut names, siblings) {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Content::Object(names.set))
    }
}
