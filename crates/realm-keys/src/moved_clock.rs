//! A clock that stands until a test moves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::{Moment, Surroundings, System};

/// Both clocks, standing until they are moved, and a draw that is always the same: for tests, with or without a real realm.
///
/// Behind the feature `moved-clock`, so that nothing which ships can hold a set for longer than the system's clocks say.
/// Clones are the same clock. It begins at the system's time.
#[derive(Debug, Clone)]
pub struct MovedClock {
    now: Arc<Mutex<Moment>>,
    draw: u32,
}

impl MovedClock {
    /// A clock whose random part of a wait is always that one: from 0, which shortens nothing, to 999.
    pub fn drawing(draw: u32) -> Self {
        Self { now: Arc::new(Mutex::new(System.now())), draw }
    }

    /// Moves both clocks.
    pub fn pass(&self, duration: Duration) {
        let mut now = self.moment();
        now.monotonic += duration;
        now.wall += duration;
    }

    /// Moves the wall clock alone: the process was frozen.
    pub fn pass_frozen(&self, duration: Duration) {
        self.moment().wall += duration;
    }

    /// Sets the wall clock back.
    pub fn set_back(&self, duration: Duration) {
        self.moment().wall -= duration;
    }

    /// What the wall clock shows.
    pub fn wall(&self) -> SystemTime {
        self.moment().wall
    }

    fn moment(&self) -> MutexGuard<'_, Moment> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Surroundings for MovedClock {
    fn now(&self) -> Moment {
        *self.moment()
    }

    fn draw(&self) -> u32 {
        self.draw
    }
}
