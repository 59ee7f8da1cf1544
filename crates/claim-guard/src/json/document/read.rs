//! Bytes → document: `serde_json` parses, this writes down what it meets.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::name_index::NameIndex;
use super::nodes::{Content, Document, Node, Span, Tape};
use crate::json::JsonError;
use crate::json::error::{DUPLICATE, malformed};

/// Up to so many names of an object are compared with each other, more are sorted.
const FEW_NAMES: usize = 32;

/// The bytes of JSON for which room for one node is made: an access token of Keycloak's has one in 14 to 20.
const BYTES_PER_NODE: usize = 12;

impl Document {
    /// Reads bytes as one JSON object, strictly.
    ///
    /// # Errors
    /// [`JsonError`] says where the bytes stop being one.
    pub fn object(bytes: Vec<u8>) -> Result<Self, JsonError> {
        let document = Self::read(bytes)?;
        if document.value().object().is_some() { Ok(document) } else { Err(JsonError::NotAnObject) }
    }

    /// Reads bytes as one JSON value, as strictly.
    pub fn read(bytes: Vec<u8>) -> Result<Self, JsonError> {
        match String::from_utf8(bytes) {
            Ok(text) => Self::read_text(text),
            // What is not UTF-8 is not JSON; where it stops being that, the parser says.
            Err(error) => {
                let position: Result<serde_json::Value, _> = serde_json::from_slice(error.as_bytes());
                position.map_err(malformed).and(Err(JsonError::NotAnObject))
            }
        }
    }

    fn read_text(mut text: String) -> Result<Self, JsonError> {
        let nodes = Vec::with_capacity(text.len() / BYTES_PER_NODE);
        let mut reader =
            Reader { source: &text, unescaped: String::new(), tape: Tape { nodes }, places: NameIndex::EMPTY };
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        reader.value(Span::EMPTY).deserialize(&mut deserializer).map_err(malformed)?;
        deserializer.end().map_err(malformed)?;
        let Reader { unescaped, tape, places, .. } = reader;
        text.push_str(&unescaped);
        Ok(Self { text, nodes: tape.nodes, places })
    }
}

/// What is written down so far. A text without escapes is a range of the source; others are collected, to follow it.
struct Reader<'s> {
    source: &'s str,
    unescaped: String,
    tape: Tape,
    /// Of the object that was read last, which in the end is the outermost.
    places: NameIndex,
}

impl<'s> Reader<'s> {
    fn value(&mut self, name: Span) -> ValueSeed<'_, 's> {
        ValueSeed { reader: self, name }
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

    /// Whether the name is one of the siblings', which are the members before it in the same object. Those that may have
    /// the same name begin at `alike`.
    fn is_known(&self, name: Span, alike: Option<usize>, names: &mut Names, siblings: &[Node]) -> bool {
        let text = self.text(name);
        if names.count <= FEW_NAMES {
            let alike = alike.and_then(|alike| siblings.get(alike..)).unwrap_or_default();
            return siblings_of(alike).any(|sibling| self.text(sibling) == text);
        }
        if names.sorted.is_empty() {
            names.sorted = siblings_of(siblings).collect();
            names.sorted.sort_unstable_by_key(|sibling| self.text(*sibling));
        }
        let place = names.sorted.binary_search_by_key(&text, |sibling| self.text(*sibling));
        if let Err(place) = place {
            names.sorted.insert(place, name);
        }
        place.is_ok()
    }
}

/// The names of one object so far. As long as they are few, `sorted` is empty.
struct Names {
    places: NameIndex,
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

/// Reads one value of that name, and writes it down with what it holds.
struct ValueSeed<'r, 's> {
    reader: &'r mut Reader<'s>,
    name: Span,
}

impl ValueSeed<'_, '_> {
    fn is(self, content: Content) {
        self.reader.tape.open(self.name, content);
    }
}

/// Reads one name.
struct NameSeed<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
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
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.is(Content::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.is(Content::Boolean(value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.is(Content::Negative(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.is(Content::Unsigned(value));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.is(Content::Fraction(value));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let text = self.reader.borrowed(text);
        self.is(Content::Text(text));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let text = self.reader.copied(text);
        self.is(Content::Text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let place = self.reader.tape.open(self.name, Content::Array);
        while items.next_element_seed(self.reader.value(Span::EMPTY))?.is_some() {}
        self.reader.tape.close(place);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let place = self.reader.tape.open(self.name, Content::Object);
        let mut names = Names { places: NameIndex::EMPTY, count: 0, sorted: Vec::new() };
        while let Some(name) = members.next_key_seed(NameSeed(self.reader))? {
            let before = self.reader.tape.inside(place).len();
            members.next_value_seed(self.reader.value(name))?;
            let alike = names.places.insert(self.reader.text(name), before);
            names.count += 1;
            if alike.is_some() || names.count > FEW_NAMES {
                let siblings = self.reader.tape.inside(place).get(..before).unwrap_or_default();
                if self.reader.is_known(name, alike, &mut names, siblings) {
                    return Err(A::Error::custom(DUPLICATE));
                }
            }
        }
        self.reader.tape.close(place);
        self.reader.places = names.places;
        Ok(())
    }
}
