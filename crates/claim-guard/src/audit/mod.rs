//! Decision → audit line.

mod point;
mod record;
mod stamp;

pub use point::AuditPoint;
pub use record::{AUDIT_FORMAT, AuditContext, AuditOutcome, AuditRecord, Reason};
pub use stamp::Stamp;
