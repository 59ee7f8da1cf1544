//! Looking at what was read.

use std::fmt;

use serde_json::{Map, Value};

use super::name_index::NameIndex;
use super::nodes::{Content, Document, Node, Span};

/// A JSON value inside a document.
#[derive(Clone, Copy)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// An integer of 64 bits, 0 or above.
    Unsigned(u64),
    /// An integer of 64 bits, below 0.
    Negative(i64),
    /// Any other number, `2.0` too.
    Fraction(f64),
    /// A text, unescaped.
    Text(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object; no two of its members have the same name.
    Object(Object<'a>),
}

/// The items of an array.
#[derive(Clone, Copy)]
pub struct Array<'a>(Nodes<'a>);

/// The members of an object.
#[derive(Clone, Copy, Default)]
pub struct Object<'a> {
    nodes: Nodes<'a>,
    places: Option<&'a NameIndex>,
}

/// Nodes one after the other, each followed by what it holds.
#[derive(Clone, Copy, Default)]
struct Nodes<'a> {
    text: &'a str,
    nodes: &'a [Node],
}

impl Document {
    /// The whole.
    pub fn value(&self) -> Json<'_> {
        let whole = Nodes { text: &self.text, nodes: &self.nodes }.next();
        match whole.map_or(Json::Object(Object::default()), Held::json) {
            Json::Object(Object { nodes, .. }) => Json::Object(Object { nodes, places: Some(&self.places) }),
            other @ (Json::Null
            | Json::Boolean(_)
            | Json::Unsigned(_)
            | Json::Negative(_)
            | Json::Fraction(_)
            | Json::Text(_)
            | Json::Array(_)) => other,
        }
    }

    /// The members of the whole; none if it is no object.
    pub fn members(&self) -> Object<'_> {
        self.value().object().unwrap_or_default()
    }
}

impl<'a> Json<'a> {
    fn of(content: Content, inner: Nodes<'a>) -> Self {
        match content {
            Content::Null => Self::Null,
            Content::Boolean(value) => Self::Boolean(value),
            Content::Unsigned(value) => Self::Unsigned(value),
            Content::Negative(value) => Self::Negative(value),
            Content::Fraction(value) => Self::Fraction(value),
            Content::Text(span) => Self::Text(span.in_text(inner.text)),
            Content::Array => Self::Array(Array(inner)),
            Content::Object => Self::Object(Object { nodes: inner, places: None }),
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text that it is.
    pub fn text(self) -> Option<&'a str> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }

    /// The boolean that it is.
    pub fn boolean(self) -> Option<bool> {
        let Self::Boolean(value) = self else { return None };
        Some(value)
    }

    /// The integer that it is.
    pub fn integer(self) -> Option<i128> {
        match self {
            Self::Unsigned(value) => Some(i128::from(value)),
            Self::Negative(value) => Some(i128::from(value)),
            Self::Null | Self::Boolean(_) | Self::Fraction(_) | Self::Text(_) | Self::Array(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The array that it is.
    pub fn array(self) -> Option<Array<'a>> {
        let Self::Array(items) = self else { return None };
        Some(items)
    }

    /// The object that it is.
    pub fn object(self) -> Option<Object<'a>> {
        let Self::Object(members) = self else { return None };
        Some(members)
    }

    /// The same as a value of its own.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Bool(value),
            Self::Unsigned(value) => Value::from(value),
            Self::Negative(value) => Value::from(value),
            Self::Fraction(value) => Value::from(value),
            Self::Text(text) => Value::from(text),
            Self::Array(items) => items.iter().map(Json::to_value).collect(),
            Self::Object(members) => Value::Object(members.to_map()),
        }
    }
}

/// Whether it is a boolean, an integer or a text.
pub(crate) fn is_plain(value: Json<'_>) -> bool {
    match value {
        Json::Boolean(_) | Json::Unsigned(_) | Json::Negative(_) | Json::Text(_) => true,
        Json::Null | Json::Fraction(_) | Json::Array(_) | Json::Object(_) => false,
    }
}

impl<'a> Array<'a> {
    /// The items, in their order.
    pub fn iter(self) -> impl Iterator<Item = Json<'a>> + Clone {
        self.0.map(Held::json)
    }
}

impl<'a> Object<'a> {
    /// The member of that name.
    #[inline]
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.find(name, self.places.map_or(Some(0), |places| places.first(name))?)
    }

    fn find(self, name: &str, first: usize) -> Option<Json<'a>> {
        let nodes = self.nodes.nodes.get(first..)?;
        Nodes { nodes, ..self.nodes }.find(|member| member.is_named(name)).map(Held::json)
    }

    /// Whether there is a member of that name.
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members, in the order in which they were written.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Json<'a>)> {
        self.nodes.map(|member| (member.name(), member.json()))
    }

    /// The same as a map of its own.
    pub fn to_map(self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

/// A node with what it holds, before it is looked at.
#[derive(Clone, Copy)]
struct Held<'a> {
    node: &'a Node,
    inner: Nodes<'a>,
}

impl<'a> Held<'a> {
    /// Bytes are compared, because a text's range would first be looked at for the ends of its characters.
    fn is_named(self, name: &str) -> bool {
        let Span { start, end } = self.node.name;
        self.inner.text.as_bytes().get(start..end) == Some(name.as_bytes())
    }

    fn name(self) -> &'a str {
        self.node.name.in_text(self.inner.text)
    }

    fn json(self) -> Json<'a> {
        Json::of(self.node.content, self.inner)
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Held<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (node, rest) = self.nodes.split_first()?;
        let (inner, rest) = rest.split_at_checked(node.inner)?;
        self.nodes = rest;
        Some(Held { node, inner: Nodes { nodes: inner, text: self.text } })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.value().to_value())
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.value().to_value() == other.value().to_value()
    }
}

impl Eq for Document {}
