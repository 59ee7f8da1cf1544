//! What a document is made of: its text, and a list of nodes that are ranges of it.

use super::name_index::NameIndex;

/// A value with everything that it holds, and the text that its ranges are of.
pub struct Document {
    pub(super) text: String,
    /// The first is the whole; without any it is an empty object.
    pub(super) nodes: Vec<Node>,
    /// Of the whole's members, if it is an object.
    pub(super) places: NameIndex,
}

/// A member of an object or an item of an array; what it holds follows it, `inner` nodes in all.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) name: Span,
    pub(super) content: Content,
    pub(super) inner: usize,
}

/// What a node is, without what it holds.
#[derive(Clone, Copy)]
pub(super) enum Content {
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
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) const EMPTY: Self = Self { start: 0, end: 0 };

    pub(super) fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    pub(super) fn in_text(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The list while it is written.
#[derive(Default)]
pub(super) struct Tape {
    pub(super) nodes: Vec<Node>,
}

impl Tape {
    /// Writes down a value that is of that name, and where it is: what is written until it is closed is inside of it.
    pub(super) fn open(&mut self, name: Span, content: Content) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { name, content, inner: 0 });
        place
    }

    /// Ends the value that was begun there.
    pub(super) fn close(&mut self, place: usize) {
        let inner = self.inside(place).len();
        if let Some(node) = self.nodes.get_mut(place) {
            node.inner = inner;
        }
    }

    /// What was written since the value was begun there.
    pub(super) fn inside(&self, place: usize) -> &[Node] {
        self.nodes.get(place + 1..).unwrap_or_default()
    }

    /// Takes the value back that was begun there.
    pub(super) fn withdraw(&mut self, place: usize) {
        self.nodes.truncate(place);
    }
}
