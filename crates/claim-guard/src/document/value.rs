//! Looking at what was read.

use std::fmt;

use serde_json::{Map, Value};

use super::{Content, Document, NameSet, Node};

/// A JSON value inside a document.
#[derive(Clone, Copy)]
pub(crate) enum Json<'a> {
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
pub(crate) struct Array<'a>(Nodes<'a>);

/// The members of an object.
#[derive(Clone, Copy, Default)]
pub(crate) struct Object<'a> {
    nodes: Nodes<'a>,
    names: NameSet,
}

/// Nodes one after the other, each followed by what it holds.
#[derive(Clone, Copy, Default)]
struct Nodes<'a> {
    text: &'a str,
    nodes: &'a [Node],
}

impl Document {
    /// The whole.
    pub(crate) fn value(&self) -> Json<'_> {
        Json::of(self.root, Nodes { text: &self.text, nodes: &self.nodes })
    }

    /// The members of the whole; none if it is no object.
    pub(crate) fn members(&self) -> Object<'_> {
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
            Content::Object(names) => Self::Object(Object { nodes: inner, names }),
        }
    }

    /// The text that it is.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Boolean(_)
            | Self::Unsigned(_)
            | Self::Negative(_)
            | Self::Fraction(_)
            | Self::Array(_)
            | Self::Object(_) => None,
        }
    }

    /// The boolean that it is.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(value),
            Self::Null
            | Self::Unsigned(_)
            | Self::Negative(_)
            | Self::Fraction(_)
            | Self::Text(_)
            | Self::Array(_)
            | Self::Object(_) => None,
        }
    }

    /// The integer that it is.
    pub(crate) fn integer(self) -> Option<i128> {
        match self {
            Self::Unsigned(value) => Some(i128::from(value)),
            Self::Negative(value) => Some(i128::from(value)),
            Self::Null | Self::Boolean(_) | Self::Fraction(_) | Self::Text(_) | Self::Array(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The array that it is.
    pub(crate) fn array(self) -> Option<Array<'a>> {
        match self {
            Self::Array(items) => Some(items),
            Self::Null
            | Self::Boolean(_)
            | Self::Unsigned(_)
            | Self::Negative(_)
            | Self::Fraction(_)
            | Self::Text(_)
            | Self::Object(_) => None,
        }
    }

    /// The object that it is.
    pub(crate) fn object(self) -> Option<Object<'a>> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null
            | Self::Boolean(_)
            | Self::Unsigned(_)
            | Self::Negative(_)
            | Self::Fraction(_)
            | Self::Text(_)
            | Self::Array(_) => None,
        }
    }

    /// The same as a value of its own.
    pub(crate) fn to_value(self) -> Value {
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
    pub(crate) fn iter(self) -> impl Iterator<Item = Json<'a>> + Clone {
        self.0.map(|(_, item)| item)
    }
}

impl<'a> Object<'a> {
    /// The member of that name.
    pub(crate) fn get(self, name: &str) -> Option<Json<'a>> {
        if self.names.may_hold(name) { self.nodes.named(name) } else { None }
    }

    /// Whether there is a member of that name.
    pub(crate) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members, in the order in which they were written.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, Json<'a>)> {
        self.nodes
    }

    /// The same as a map of its own.
    pub(crate) fn to_map(self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

impl<'a> Nodes<'a> {
    /// The value of that name. The lengths are compared first, because most names fall at that.
    fn named(mut self, name: &str) -> Option<Json<'a>> {
        while let Some((node, rest)) = self.nodes.split_first() {
            if node.name.len() == name.len() && node.name.in_text(self.text) == name {
                return self.next().map(|(_, value)| value);
            }
            self.nodes = rest.get(node.inner..)?;
        }
        None
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = (&'a str, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (node, rest) = self.nodes.split_first()?;
        let (inner, rest) = rest.split_at_checked(node.inner)?;
        self.nodes = rest;
        let inner = Self { text: self.text, nodes: inner };
        Some((node.name.in_text(self.text), Json::of(node.content, inner)))
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
