//! Who started an execution.

use std::fmt;

use crate::claims::{Identity, Party};
use crate::identifier::{Issuer, Subject};
use crate::transaction::{StaleTransaction, UntrustedTransaction};

/// Whoever started an execution, as its transaction token says ([`StaleTransaction::starter`]): nothing else makes one.
///
/// A subject means nothing without its issuer, and whoever acts in his place is another, so they are compared together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    issuer: Issuer,
    subject: Subject,
    actor: Option<Party>,
}

impl Starter {
    pub(super) fn of(identity: &Identity) -> Self {
        Self {
            issuer: identity.issuer().clone(),
            subject: identity.subject().clone(),
            actor: identity.actor().map(|actor| actor.current().clone()),
        }
    }

    /// Whether an execution of `starter`'s is this one's: what was started in his name, or what he started in another's.
    pub(super) fn may_answer_for(&self, starter: &Self) -> bool {
        let same = self.issuer == starter.issuer && self.subject == starter.subject;
        // Whoever acts himself sees what anybody has started in his name; an actor sees what he started himself.
        same && (self.actor.is_none() || self.actor == starter.actor)
    }

    /// The realm that vouched for the starter.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The starter's subject there.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Who acted in the subject's place; none where the subject started it himself.
    pub fn actor(&self) -> Option<&Party> {
        self.actor.as_ref()
    }
}

impl StaleTransaction {
    /// Who started the execution that the token is bound to; that does not change with the token's age.
    pub fn starter(&self) -> Starter {
        Starter::of(self.identity())
    }
}

/// Whoever an execution claims to be started by, where nothing proves it any more
/// ([`UntrustedTransaction::claimed_starter`]).
///
/// The claim stands in the execution's input, which nobody changes after its start. So it was written by whoever started that
/// execution, and may be false only if that was done past the API. It is good for what such a forger could allow anyway:
/// to stop that one execution, and to see where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedStarter(Starter);

impl ClaimedStarter {
    /// Whether it is the one whom the identity speaks of.
    pub fn is(&self, identity: &Identity) -> bool {
        self.0 == Starter::of(identity)
    }

    pub(super) fn claimed(&self) -> &Starter {
        &self.0
    }
}

impl UntrustedTransaction {
    /// Who started the execution, if it is true.
    pub fn claimed_starter(&self) -> ClaimedStarter {
        ClaimedStarter(Starter::of(self.claimed_identity()))
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.subject, self.issuer)?;
        self.actor.as_ref().map_or(Ok(()), |actor| write!(f, " through {actor}"))
    }
}
