//! Where audit records go.

use std::io;

use claim_guard::audit::AuditRecord;

/// Takes the audit records, one for each event.
pub trait AuditSink {
    /// Takes one record.
    ///
    /// # Errors
    /// Why the line is lost; what it records is then not done.
    fn take(&self, record: AuditRecord) -> io::Result<()>;
}

impl<F: Fn(AuditRecord) -> io::Result<()>> AuditSink for F {
    fn take(&self, record: AuditRecord) -> io::Result<()> {
        self(record)
    }
}
