//! Who started an execution.

use std::fmt;

use crate::claims::Identity;
use crate::identifier::{Issuer, Subject};
use crate::transaction::AgedTransaction;

/// Whoever started an execution, as its transaction token says ([`AgedTransaction::starter`]): nothing else makes one.
///
/// A subject means nothing without its issuer, so the
/// two are compared together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    issuer: Issuer,
    subject: Subject,
}

impl Starter {
    pub(super) fn of(identity: &Identity) -> Self {
        Self { issuer: identity.issuer().clone(), subject: identity.subject().clone() }
    }

    /// The realm that vouched for the starter.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The starter's subject there.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl AgedTransaction {
    /// Who started the execution that the token is bound to; that does not change with the token's age.
    pub fn starter(&self) -> Starter {
        Starter::of(self.identity())
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.subject, self.issuer)
    }
}
