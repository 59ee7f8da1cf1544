//! One JSON object, read once, strictly, into one buffer and one list.
//!
//! The texts stay where they were decoded: a value is a place in the list, and a text a range of the buffer. Nothing is
//! allocated for a single value, so what nobody asks for costs little more than its parsing.

mod copy;
mod read;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use value::{Json, Object, is_plain};

/// A value with everything that it holds, and the text that its ranges are of.
pub(crate) struct Document {
    text: String,
    nodes: Vec<Node>,
    root: Content,
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
    Object(NameSet),
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

/// A few bits of each name of an object: a name whose bit is absent is surely not there, without a look at the names.
#[derive(Clone, Copy, Default)]
struct NameSet(u64);

impl NameSet {
    fn may_hold(self, name: &str) -> bool {
        self.0 & Self::bit(name) != 0
    }

    fn insert(&mut self, name: &str) {
        self.0 |= Self::bit(name);
    }

    /// Of 64 bits one, by the name's length and its first and last byte.
    fn bit(name: &str) -> u64 {
        let bytes = name.as_bytes();
        let (first, last) = (bytes.first().copied().unwrap_or_default(), bytes.last().copied().unwrap_or_default());
        let mixed = name.len().wrapping_mul(11) ^ usize::from(first).wrapping_mul(5) ^ usize::from(last);
        1_u64.rotate_left(u32::try_from(mixed % 64).unwrap_or_default())
    }
}

/// The list while it is written.
#[derive(Default)]
struct Tape {
    nodes: Vec<Node>,
}

impl Tape {
    /// Begins a value of that name, and says where: what is written until it is closed is inside of it.
    fn open(&mut self, name: Span) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { name, content: Content::Null, inner: 0 });
        place
    }

    /// Ends the value that was begun there.
    fn close(&mut self, place: usize, content: Content) {
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(place) {
            node.content = content;
            node.inner = end - place - 1;
        }
    }

    /// Whether the value that was begun there holds anything.
    fn holds_any(&self, place: usize) -> bool {
        self.nodes.len() > place + 1
    }

    /// Takes the value back that was begun there.
    fn withdraw(&mut self, place: usize) {
        self.nodes.truncate(place);
    }
}
