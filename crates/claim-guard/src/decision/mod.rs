//! Deciding: from an identity and a requirement to a grant, or to everything that is unmet.
//!
//! Deciding is total: it returns a `Decision`, never an error. Allowed is only what no part of a requirement speaks
//! against; where there is no requirement, there is nothing to allow.

mod decide;
mod grant;
mod policy;
mod routes;
mod starter;
mod unmet;

pub(crate) use decide::unmet as unmet_by;
pub use grant::Grant;
pub use routes::RouteDecisions;
pub use starter::{ClaimedStarter, Starter};
pub use unmet::{Shape, Unmet};

use crate::access::Effect;
use crate::transaction::CarryError;

/// What was decided.
#[derive(Debug)]
pub enum Decision {
    /// Every part of the requirement is met.
    Allow(Grant),
    /// At least one part is not.
    Deny(Denial),
}

/// Every part of a requirement that is not met, in the requirement's order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    unmet: Vec<Unmet>,
}

impl Denial {
    /// The parts that are not met, at least one.
    pub fn unmet(&self) -> &[Unmet] {
        &self.unmet
    }
}

impl Decision {
    /// A denial if anything is unmet, the grant otherwise: the only place where the two part.
    fn of(unmet: Vec<Unmet>, grant: impl FnOnce() -> Grant) -> Self {
        if unmet.is_empty() { Self::Allow(grant()) } else { Self::Deny(Denial { unmet }) }
    }

    /// What it comes to in an IAM policy.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Allow(_) => Effect::Allow,
            Self::Deny(_) => Effect::Deny,
        }
    }

    /// The denial of a start whose transaction token no execution could carry.
    pub fn not_carried(error: CarryError) -> Self {
        Self::deny(Unmet::NotCarried { error })
    }

    fn deny(unmet: Unmet) -> Self {
        Self::Deny(Denial { unmet: vec![unmet] })
    }
}

#[cfg(test)]
pub(crate) mod test_identity;
#[cfg(test)]
mod tests;
