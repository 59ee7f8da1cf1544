//! Choices that a seed determines.

use fastrand::Rng;

/// The same seed makes the same choices on every machine.
pub struct Random(Rng);

impl Random {
    /// The choices of one case of a run, whatever was chosen for the others.
    pub fn of_case(seed: u64, index: usize) -> Self {
        Self(Rng::with_seed(seed ^ ((index as u64) << 32)))
    }

    /// A number under a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.usize(..limit)
    }

    /// Whether it is the one time in so many.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// These in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// One of these, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(usize, T)]) -> T {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            match left.checked_sub(*weight) {
                None => return *choice,
                Some(rest) => left = rest,
            }
        }
        unreachable!("the weights add up")
    }
}
