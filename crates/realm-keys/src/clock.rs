//! Time and chance, both handed in: the cache's rules read no clock of their own.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

/// One moment on both clocks.
///
/// A frozen Lambda environment may stop the monotonic clock, and the wall clock may be set back. Neither can be trusted
/// alone to say that something is still young, so an age is the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// On the clock that never goes back.
    pub(crate) monotonic: Instant,
    /// On the clock that goes on while the process is frozen.
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// How long ago this moment was, seen from `now`: the larger of what the two clocks say.
    pub(crate) fn age(self, now: Self) -> Duration {
        let monotonic = now.monotonic.saturating_duration_since(self.monotonic);
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        monotonic.max(wall)
    }
}

/// Where the cache reads the time and its random part of a wait.
pub(crate) trait Surroundings: Send + Sync {
    /// The time now, on both clocks.
    fn now(&self) -> Moment;

    /// A number from 0 to 999, any of them as likely as another.
    fn draw(&self) -> u32;
}

/// The system's clocks, and the random seed that the standard library takes from the system for its hash maps.
pub(crate) struct System;

impl Surroundings for System {
    fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn draw(&self) -> u32 {
        u32::try_from(RandomState::new().hash_one(()) % 1000).unwrap_or_default()
    }
}

/// The duration, shortened by up to `percent` per cent: the more, the higher the draw (0 to 999).
pub(crate) fn shortened(duration: Duration, percent: u32, draw: u32) -> Duration {
    let off = duration.saturating_mul(percent.min(100)).saturating_mul(draw.min(999)) / 100_000;
    duration.saturating_sub(off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_the_larger_of_what_both_clocks_say() {
        let start = System.now();
        let later = |monotonic, wall| Moment {
            monotonic: start.monotonic + Duration::from_secs(monotonic),
            wall: start.wall + Duration::from_secs(wall),
        };
        assert_eq!(start.age(later(7, 3)), Duration::from_secs(7));
        assert_eq!(start.age(later(3, 7)), Duration::from_secs(7));
        let set_back = Moment { wall: start.wall - Duration::from_secs(9), ..later(5, 0) };
        assert_eq!(start.age(set_back), Duration::from_secs(5));
    }

    #[test]
    fn a_draw_shortens_by_at_most_its_share() {
        let minute = Duration::from_secs(60);
        assert_eq!(shortened(minute, 10, 0), minute);
        assert_eq!(shortened(minute, 10, 500), Duration::from_secs(57));
        assert!(shortened(minute, 10, 999) > Duration::from_secs(54));
        assert!(shortened(minute, 50, u32::MAX) > Duration::from_secs(30));
        assert!((0..1000).contains(&System.draw()));
    }
}
