//! The seam to chance.

use minting::NoRandom;

/// Bits that nobody can guess. Tests stand behind this seam with bits of their own.
pub trait Randomness: Sync {
    /// 128 of them.
    ///
    /// # Errors
    /// [`NoRandom`] if there are none.
    fn random(&self) -> Result<[u8; 16], NoRandom>;
}

impl<F: Fn() -> Result<[u8; 16], NoRandom> + Sync> Randomness for F {
    fn random(&self) -> Result<[u8; 16], NoRandom> {
        self()
    }
}
