//! Where audit lines go.

use std::io::{self, Write};

/// Takes the audit lines, one for each event.
pub trait AuditSink {
    /// Takes one line, without its line feed.
    ///
    /// # Errors
    /// Why the line is lost; what it records is then not done.
    fn take(&self, line: &str) -> io::Result<()>;
}

impl<F: Fn(&str) -> io::Result<()>> AuditSink for F {
    fn take(&self, line: &str) -> io::Result<()> {
        self(line)
    }
}

/// Standard error, which Lambda brings to the log.
#[derive(Debug, Clone, Copy)]
pub struct StandardError;

impl AuditSink for StandardError {
    fn take(&self, line: &str) -> io::Result<()> {
        // One write for the whole line: standard error is unbuffered, and other writers may come between two.
        io::stderr().lock().write_all(format!("{line}\n").as_bytes())
    }
}
