//! Where audit lines go.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Stderr, Write};
use std::sync::{Mutex, PoisonError};

use claim_guard::audit::{AuditRecord, Stamp};
use claim_guard::identifier::Digest;
use claim_guard::unix_time::{ClockError, UnixMillis};

/// The log of one process. Its lines are numbered in the order in which they are written, also by invocations that overlap.
#[derive(Debug)]
pub struct AuditLog<W> {
    process: u64,
    configuration: Digest,
    clock: fn() -> Result<UnixMillis, ClockError>,
    open: Mutex<Open<W>>,
}

#[derive(Debug)]
struct Open<W> {
    out: W,
    lines: u64,
}

impl AuditLog<Stderr> {
    /// Standard error, which Lambda brings to the function's log, with the time of `clock`. Each line says by that digest what
    /// the process was configured with.
    pub fn standard_error(configuration: Digest) -> Self {
        // The standard library draws a hasher's seed from the system. It need not be secret here, only another one in each
        // process: a function's log stream holds the lines of one process after the other.
        Self::new(io::stderr(), RandomState::new().build_hasher().finish(), configuration, clock::precisely)
    }
}

/// Writes a line that records no decision to the function's log. One that is lost changes nothing.
pub fn note(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

impl<W: Write> AuditLog<W> {
    fn new(out: W, process: u64, configuration: Digest, clock: fn() -> Result<UnixMillis, ClockError>) -> Self {
        Self { process, configuration, clock, open: Mutex::new(Open { out, lines: 0 }) }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// Why the line is lost; what it records is then not to be done.
    pub fn write(&self, record: AuditRecord) -> io::Result<()> {
        // A panic of another writer has left at most half a line, and this one still has to be told.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let line = open.lines;
        open.lines = line.saturating_add(1);
        let stamp = Stamp { process: self.process, line, at: (self.clock)().ok() };
        // One write for the whole line: standard error is unbuffered, and what others print may come between two.
        open.out.write_all(format!("{}\n", record.configured(&self.configuration).stamped(stamp).to_line()).as_bytes())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use claim_guard::audit::{AuditContext, AuditPoint, Reason};
    use serde_json::{Value, json};

    use super::*;

    fn record() -> AuditRecord {
        let point = AuditPoint::Route { method: "GET".to_owned(), path: "/".to_owned() };
        AuditRecord::refused(AuditContext { point, policy: None, now: None }, Reason::new("a", &"b"))
    }

    fn configuration() -> Digest {
        Digest::of(b"a configuration")
    }

    fn written(log: AuditLog<Vec<u8>>) -> Vec<Value> {
        let text = String::from_utf8(log.open.into_inner().unwrap().out).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .inspect(|line| assert_eq!(line["configuration"], configuration().as_str()))
            .map(|mut line| line["written"].take())
            .collect()
    }

    #[test]
    fn a_line_says_when_it_was_written_by_which_process_and_after_how_many() {
        let log = AuditLog::new(Vec::new(), 0xabc, configuration(), || {
            UnixMillis::from_milliseconds(1_767_225_600_123).ok_or(ClockError)
        });
        log.write(record()).unwrap();
        log.write(record()).unwrap();
        let expected =
            |line: u64| json!({ "process": "0000000000000abc", "line": line, "at_ms": 1_767_225_600_123_i64 });
        assert_eq!(written(log), [expected(0), expected(1)]);
    }

    #[test]
    fn a_clock_that_cannot_be_read_costs_the_time_and_not_the_order() {
        let log = AuditLog::new(Vec::new(), 1, configuration(), || Err(ClockError));
        log.write(record()).unwrap();
        assert_eq!(written(log), [json!({ "process": "0000000000000001", "line": 0 })]);
    }

    #[test]
    fn lines_of_overlapping_invocations_stand_in_the_order_of_their_numbers() {
        let log = AuditLog::new(Vec::new(), 1, configuration(), || Err(ClockError));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| log.write(record()).unwrap()));
            }
        });
        let numbers: Vec<u64> = written(log).iter().map(|written| written["line"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..800).collect::<Vec<u64>>());
    }

    #[test]
    fn each_process_has_a_name_of_its_own() {
        let names: BTreeSet<u64> = (0..100).map(|_| AuditLog::standard_error(configuration()).process).collect();
        assert_eq!(names.len(), 100);
    }
}
