//! The cache's rules for a simulation of many processes: no clock, no network, no waiting.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use claim_guard::RealmKeySet;
use claim_guard::identifier::KeyId;
use tokio::sync::watch;

use super::schedule::{COOL_DOWN, HARD_AGE, LAST_BACK_OFF, Next, SOFT_AGE, SOFT_AGE_SPREAD, Schedule};
use crate::clock::{Moment, Surroundings as _, System, shortened};
use crate::unavailable::KeysUnavailable;

/// What comes of one request to a [`SimulatedCache`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is served this set at once. The set may lack the key.
    Served(Arc<RealmKeySet>),
    /// It begins the fetch of that number, and waits for its end.
    Begins(u64),
    /// It waits for the fetch that another began.
    Waits,
    /// There is no set, and it is too early to ask for one again.
    Refused,
}

/// The rules of one process's cache, the very ones that [`crate::RealmKeys`] goes by, on the time that the caller tells.
///
/// Behind the feature `moved-clock`, as everything whose time is not the system's.
pub struct SimulatedCache {
    schedule: Schedule,
    origin: Moment,
}

/// The times that the rules are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheRules {
    /// A set is renewed from an age on that is drawn between these two.
    pub soft_age: (Duration, Duration),
    /// A set is served up to this age.
    pub hard_age: Duration,
    /// While a set stands, fetches begin so far apart.
    pub cool_down: Duration,
    /// While none stands, a failed fetch is followed by a wait that grows up to this one.
    pub longest_back_off: Duration,
}

impl CacheRules {
    /// The rules as they are compiled in; no deployment can choose others.
    pub fn compiled_in() -> Self {
        Self {
            soft_age: (shortened(SOFT_AGE, SOFT_AGE_SPREAD, 999), SOFT_AGE),
            hard_age: HARD_AGE,
            cool_down: COOL_DOWN,
            longest_back_off: LAST_BACK_OFF,
        }
    }
}

impl SimulatedCache {
    /// An empty cache. Times are told from a common origin on.
    pub fn new() -> Self {
        Self { schedule: Schedule::default(), origin: System.now() }
    }

    /// What comes of a request at a time for the set with that key; of one that prefetches where no key is named.
    pub fn ask(&mut self, key_id: Option<&KeyId>, at: Duration) -> Outcome {
        let now = self.moment(at);
        match self.next(key_id, now) {
            Next::Serve(keys) => Outcome::Served(keys),
            Next::Join(_) => Outcome::Waits,
            Next::Refuse(_) => Outcome::Refused,
            Next::Begin => Outcome::Begins(self.schedule.begin(watch::channel(false).1, now).number),
        }
    }

    /// Whether a request at that time would begin a fetch. It changes nothing.
    pub fn would_begin(&self, key_id: &KeyId, at: Duration) -> bool {
        matches!(self.next(Some(key_id), self.moment(at)), Next::Begin)
    }

    /// Ends a fetch. `draw` is the random part of the next wait, from 0 to 999.
    pub fn finish(&mut self, fetch: u64, outcome: Result<Arc<RealmKeySet>, KeysUnavailable>, at: Duration, draw: u32) {
        let now = self.moment(at);
        self.schedule.finish(fetch, outcome, now, draw);
    }

    /// The set that stands at that time, for requests that have waited.
    pub fn standing(&self, at: Duration) -> Option<Arc<RealmKeySet>> {
        self.schedule.standing(self.moment(at)).ok()
    }

    fn next(&self, key_id: Option<&KeyId>, now: Moment) -> Next {
        match key_id {
            Some(key_id) => self.schedule.next(key_id, now),
            None => self.schedule.next_of_any(now),
        }
    }

    fn moment(&self, at: Duration) -> Moment {
        Moment { monotonic: self.origin.monotonic + at, wall: self.origin.wall + at }
    }
}

impl Default for SimulatedCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimulatedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCache").field("fetches", &self.schedule.fetches()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{jwk_set, key_id};

    #[test]
    fn a_set_is_renewed_within_the_soft_age_that_the_rules_tell() {
        let (first, last) = CacheRules::compiled_in().soft_age;
        let keys = Arc::new(RealmKeySet::parse(jwk_set(&["a"]).as_bytes()).unwrap());
        for (draw, age) in [(0, last), (999, first)] {
            let mut cache = SimulatedCache::new();
            assert!(matches!(cache.ask(None, Duration::ZERO), Outcome::Begins(1)));
            cache.finish(1, Ok(Arc::clone(&keys)), Duration::from_secs(1), draw);
            assert!(!cache.would_begin(&key_id("a"), age - Duration::from_nanos(1)));
            assert!(cache.would_begin(&key_id("a"), age));
        }
    }
}
