//! Integers between two bounds.

/// Beyond every integer of a token, an input or a policy.
const FAR: i128 = 1 << 80;

/// From the least to the most, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i128,
    pub(super) most: i128,
}

impl Range {
    pub(super) const ANY: Self = Self { least: -FAR, most: FAR };

    pub(super) fn at_least(least: i128) -> Self {
        Self { least, ..Self::ANY }
    }

    pub(super) fn at_most(most: i128) -> Self {
        Self { most, ..Self::ANY }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.least > self.most
    }
}
