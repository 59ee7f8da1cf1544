//! `Idempotency-Key`: the caller's own name for one piece of work.

use crate::problem::Problem;

/// The most characters of a key.
pub const MAX_KEY_CHARACTERS: usize = 255;

/// A key: 1 to 255 printable ASCII characters.
///
/// It is kept with nothing and written nowhere: the execution's name is derived from it, and Step Functions starts no two
/// executions of one name within 90 days. So two requests at the same time start one execution, without a lock. After those 90 days
/// the same key begins the work anew.
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header's values; none is no key.
    ///
    /// # Errors
    /// [`Problem::MalformedIdempotencyKey`] for more than one value, and for a value of another shape.
    pub(crate) fn read(values: &[String]) -> Result<Option<Self>, Problem> {
        let malformed = Problem::MalformedIdempotencyKey { most: MAX_KEY_CHARACTERS };
        let value = match values {
            [] => return Ok(None),
            [value] => value,
            [_, _, ..] => return Err(malformed),
        };
        let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if printable && (1..=MAX_KEY_CHARACTERS).contains(&value.len()) {
            Ok(Some(Self(value.clone())))
        } else {
            Err(malformed)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
