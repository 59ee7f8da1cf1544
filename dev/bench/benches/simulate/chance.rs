//! Chance, from a seed: the same on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for when requests come.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The chance of one container of a day.
    pub fn of(seed: u64, container: usize) -> Self {
        let mut chance = Self(seed ^ (container as u64).wrapping_mul(0xd134_2543_de82_ef95));
        chance.bits();
        chance
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 on, below 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to 999.
    pub fn draw(&mut self) -> u32 {
        (self.share() * 1000.0) as u32
    }

    /// The wait for the next of events that come so often a second, each by itself.
    pub fn wait(&mut self, rate: f64) -> f64 {
        -(1.0 - self.share()).ln() / rate
    }
}
