//! What a generator of machines draws from.

/// Decisions of the generator; the simplest one when they are used up, so that a failing machine shrinks.
pub struct Choices<'a>(pub std::slice::Iter<'a, u8>);

impl Choices<'_> {
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % bound
    }

    pub fn sometimes(&mut self) -> bool {
        self.below(4) == 3
    }
}
