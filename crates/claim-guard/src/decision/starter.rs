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

/// Whoever an execution claims to be started by, where nothing proves it any more
/// ([`UntrustedTransaction::claimed_starter`](crate::transaction::UntrustedTransaction::claimed_starter)).
///
/// The claim stands in the execution's input, which nobody changes after its start. So it was written by whoever started that
/// execution, and may be false only if that was done past the API. It is good for what such a forger could allow anyway:
/// to stop that one execution, and to see where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedStarter(Starter);

impl ClaimedStarter {
    pub(crate) fn of(identity: &Identity) -> Self {
        Self(Starter::of(identity))
    }

    /// Whether it is the one whom the identity speaks of.
    pub fn is(&self, identity: &Identity) -> bool {
        self.0 == Starter::of(identity)
    }

    pub(super) fn claimed(&self) -> &Starter {
        &self.0
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.subject, self.issuer)
    }
}
