//! What is wrong with a policy's text, in words that name line, key and both sides.

use std::fmt;

use crate::access::one_line::one_line;

/// Everything that is wrong with a policy's text, in the text's order; at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFaults {
    file: String,
    faults: Vec<PolicyFault>,
}

impl PolicyFaults {
    /// These faults; none if there is no fault.
    pub(super) fn of(file: &str, faults: Vec<PolicyFault>) -> Option<Self> {
        (!faults.is_empty()).then(|| Self { file: file.to_owned(), faults })
    }

    /// What the caller calls the text.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The faults, in the text's order; at least one.
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }
}

/// One fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyFault {
    /// One-based.
    pub line: usize,
    /// What is wrong, on one line. Keys are whole: `workflows.payment.start.roles[0]`.
    pub message: String,
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{}: {}", self.file, fault.line, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyFaults {}

/// The fault that a key has a value that it cannot have.
pub(super) fn wrong(key: &str, presented: &str, reason: impl fmt::Display) -> String {
    format!("key `{key}` is `{}`: {reason}", one_line(presented))
}
