//! One JSON object, read once, strictly, into one buffer and one list.
//!
//! The texts stay where they were decoded: a value is a place in the list, and a text a range of the buffer. Nothing is
//! allocated for a single value, so what nobody asks for costs little more than its parsing.

mod copy;
mod name_index;
mod nodes;
#[cfg(test)]
mod oracle;
mod read;
#[cfg(test)]
mod tests;
mod value;

pub use nodes::Document;
pub use value::{Array, Json, Object};

pub(crate) use value::is_plain;
