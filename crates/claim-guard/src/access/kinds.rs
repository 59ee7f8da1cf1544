//! As what a value can be compared.

/// Some of: a boolean, an integer, a text, an array, the words of a scope, an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const BOOLEAN: Self = Self(1);
    pub(super) const INTEGER: Self = Self(2);
    pub(super) const TEXT: Self = Self(4);
    pub(super) const ARRAY: Self = Self(8);
    pub(super) const WORDS: Self = Self(16);
    pub(super) const OBJECT: Self = Self(32);
    /// What a policy or an input can be compared with.
    pub(super) const PLAIN: Self = Self::BOOLEAN.or(Self::INTEGER).or(Self::TEXT);

    /// Whatever it is.
    pub(super) const ALL: Self = Self::PLAIN.or(Self::ARRAY).or(Self::WORDS).or(Self::OBJECT);

    /// What is of both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is of both.
    pub(super) const fn excludes(self, other: Self) -> bool {
        self.and(other).0 == 0
    }
}
