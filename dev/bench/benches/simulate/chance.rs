//! Draws, from a seed: the same on every machine.

use fastrand::Rng;

/// When requests come, and what a container draws.
#[derive(Debug, Clone)]
pub struct Draws(Rng);

impl Draws {
    /// The chance of one container of a day.
    pub fn of(seed: u64, container: usize) -> Self {
        Self(Rng::with_seed(seed ^ ((container as u64) << 32)))
    }

    /// From 0 on, below 1.
    pub fn share(&mut self) -> f64 {
        self.0.f64()
    }

    /// From 0 to 999.
    pub fn draw(&mut self) -> u32 {
        self.0.u32(..1000)
    }

    /// The wait for the next of events that come so often a second, each by itself.
    pub fn wait(&mut self, rate: f64) -> f64 {
        -(1.0 - self.share()).ln() / rate
    }
}
