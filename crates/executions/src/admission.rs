//! The proof that one more execution may be started.

use crate::execution_name::ExecutionName;

/// One execution that may be started: the stack's limits leave room for it, or there are none.
///
/// [`Machine::start`](crate::Machine::start) wants it in place of the name, so nothing starts that was not counted. Only the
/// looking at the limits makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Admission(ExecutionName);

impl Admission {
    /// Only for whoever has just looked at the limits.
    pub(crate) fn assertion(name: ExecutionName) -> Self {
        Self(name)
    }

    /// What the execution will be called.
    pub fn name(&self) -> &ExecutionName {
        &self.0
    }
}
