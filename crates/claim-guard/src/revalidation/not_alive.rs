//! Why nothing is asked of the realm: the execution does not live, or cannot be seen yet.

use crate::revalidation::lapse::{Lapse, NotShownYet};
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};

/// Why a context cannot be taken for one that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAlive {
    /// It does not live, or is another. This is final.
    Lapsed(Withdrawals),
    /// It cannot be told yet.
    NotShownYet(NotShownYet),
}

impl From<Lapse> for NotAlive {
    fn from(lapse: Lapse) -> Self {
        Self::Lapsed(Withdrawals::one(Withdrawal::Lapsed(lapse)))
    }
}

impl From<NotShownYet> for NotAlive {
    fn from(cause: NotShownYet) -> Self {
        Self::NotShownYet(cause)
    }
}
