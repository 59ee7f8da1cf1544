//! Which line of a log a record is.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::unix_time::UnixMillis;

/// Which line of a log a record is: what [`AuditRecord`](super::AuditRecord) itself cannot say, because its `at` is the whole
/// second that the decision looked at, as tokens count, and many decisions share it.
///
/// Lines of one process are ordered by their number, whatever the clock does; lines of several by their time, as well as
/// their clocks agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The process that writes it: a number drawn at its start.
    pub process: u64,
    /// How many lines the process has written before.
    pub line: u64,
    /// When it is written; absent only where the clock cannot be read.
    pub at: Option<UnixMillis>,
}

/// `{"process": "16 hexadecimal digits", "line": 0, "at_ms": 1767225600123}`: as text, because not every reader of JSON
/// keeps 64 bits of a number.
impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("process", &format_args!("{:016x}", self.process))?;
        members.serialize_entry("line", &self.line)?;
        if let Some(at) = self.at {
            members.serialize_entry("at_ms", &at.milliseconds())?;
        }
        members.end()
    }
}
