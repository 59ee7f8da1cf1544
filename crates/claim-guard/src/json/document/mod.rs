//! One JSON object, read once, strictly, into one buffer and one list.
//!
//! The texts stay where they were decoded: a value is a place in the list, and a text a range of the buffer. Nothing is
//! allocated for a single value, so what nobody asks for costs little more than its parsing.

mod copy;
#[cfg(test)]
mod oracle;
mod places;
mod read;
#[cfg(test)]
mod tests;
mod value;

pub use value::{Array, Json, Object};

pub(crate) use value::is_plain;

use places::Places;

/// A value with everything that it holds, and the text that its ranges are of.
pub struct Document {
    text: String,
    /// The first is the whole; without any it is an empty object.
    nodes: Vec<Node>,
    /// Of the whole's members, if it is an object.
    places: Places,
}

/// A member of an object or an item of an array; what it holds follows it, `inner` nodes in all.
#[derive(Clone, Copy)]
struct Node {
    name: Span,
    content: Content,
    inner: usize,
}

/// What a node is, without what it holds.
#[derive(Clone, Copy)]
enum Content {
    Null,
    Boolean(bool),
    Unsigned(u64),
    Negative(i64),
    Fraction(f64),
    Text(Span),
    Array,
    Object,
}

/// A range of the document's text.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    const EMPTY: Self = Self { start: 0, end: 0 };

    fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    fn in_text(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The list while it is written.
#[derive(Default)]
struct Tape {
    nodes: Vec<Node>,
}

impl Tape {
    /// Writes down a value that is of that name, and where it is: what is written until it is closed is inside of it.
    fn open(&mut self, name: Span, content: Content) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { name, content, inner: 0 });
        place
    }

    /// Ends the value that was begun there.
    fn close(&mut self, place: usize) {
        let inner = self.inside(place).len();
        if let Some(node) = self.nodes.get_mut(place) {
            node.inner = inner;
        }
    }

    /// What was written since the value was begun there.
    fn inside(&self, place: usize) -> &[Node] {
        self.nodes.get(place + 1..).unwrap_or_default()
    }

    /// Takes the value back that was begun there.
    fn withdraw(&mut self, place: usize) {
        self.nodes.truncate(place);
    }
}
