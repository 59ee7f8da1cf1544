//! Decision → audit line.

mod point;
mod record;

pub use point::AuditPoint;
pub use record::{AUDIT_FORMAT, AuditContext, AuditOutcome, AuditRecord, Reason};
