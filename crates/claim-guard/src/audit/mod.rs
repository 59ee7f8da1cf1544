//! Decision → audit line.

mod invocation;
mod point;
mod record;
mod stamp;

pub use invocation::Invocation;
pub use point::AuditPoint;
pub use record::{AUDIT_FORMAT, AuditContext, AuditOutcome, AuditRecord, Reason};
pub use stamp::Stamp;
