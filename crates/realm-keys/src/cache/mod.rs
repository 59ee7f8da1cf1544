//! The cache: who is served at once, who waits, and who may ask the realm.

mod schedule;

#[cfg(any(test, feature = "moved-clock"))]
mod simulated;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use claim_guard::RealmKeySet;
use claim_guard::identifier::KeyId;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::{Surroundings, System};
use crate::endpoint::RealmEndpoint;
use crate::endpoint_error::EndpointError;
use crate::https::{DEADLINE, HttpsSource};
use crate::key_source::KeySource;
use crate::notice::KeyNotice;
use crate::unavailable::KeysUnavailable;
use schedule::{Next, Schedule, Ticket};
#[cfg(any(test, feature = "moved-clock"))]
pub use simulated::{CacheRules, Outcome, SimulatedCache};

/// A realm's key set, kept for every request of this process. Clones share it.
///
/// What may be relied on:
/// - A set is served for at most 60 minutes after the fetch that brought it began, on whichever clock says more.
/// - From 2½ to 5 minutes of age on (the moment is drawn anew for each set, so that many processes do not ask at once) the
///   next request renews it, and is served from the old set should that fail.
/// - While a set stands, fetches begin at least 30 seconds apart, whatever key ids are asked for and whatever the fetches
///   answer. A key that the realm has just added is therefore known after 30 seconds at the latest.
/// - While none stands, a failed fetch is followed by a back-off of up to 1 second, doubled by each further failure up to 30
///   seconds and shortened by up to a half at random. During it the failure is answered again without a fetch.
/// - A `Retry-After` of the realm lengthens either wait, to 5 minutes at most.
/// - One fetch goes on at a time, and all who need it wait for the same one. It goes on when the request that began it is dropped.
/// - A set that is refused, for whatever reason, leaves the last good one standing.
#[derive(Clone)]
pub struct RealmKeys {
    shared: Arc<Shared>,
}

/// Whoever is told of what no caller hears.
type Told = Box<dyn Fn(&KeyNotice) + Send + Sync>;

struct Shared {
    source: Box<dyn KeySource>,
    surroundings: Box<dyn Surroundings>,
    schedule: RwLock<Schedule>,
    told: OnceLock<Told>,
}

impl RealmKeys {
    /// The keys of the realm at that endpoint. Nothing is fetched before the first call of another method.
    ///
    /// # Errors
    /// [`EndpointError::NoClient`] if no HTTPS client can be made for the endpoint.
    pub fn new(endpoint: RealmEndpoint) -> Result<Self, EndpointError> {
        Ok(Self::assembled(HttpsSource::new(endpoint, DEADLINE)?, System))
    }

    /// The keys of the realm at that endpoint, which age on a clock that a test moves. The requests are real ones.
    ///
    /// # Errors
    /// As [`RealmKeys::new`].
    #[cfg(feature = "moved-clock")]
    pub fn on_moved_clock(endpoint: RealmEndpoint, clock: crate::MovedClock) -> Result<Self, EndpointError> {
        Ok(Self::assembled(HttpsSource::new(endpoint, DEADLINE)?, clock))
    }

    pub(crate) fn assembled(source: impl KeySource + 'static, surroundings: impl Surroundings + 'static) -> Self {
        let schedule = RwLock::new(Schedule::default());
        let (source, surroundings) = (Box::new(source), Box::new(surroundings));
        Self { shared: Arc::new(Shared { source, surroundings, schedule, told: OnceLock::new() }) }
    }

    /// Has every fetch from now on tell what no caller hears: that it failed, left keys out or brought others. Whoever is
    /// named first is told, and nobody else.
    pub fn tell(&self, told: impl Fn(&KeyNotice) + Send + Sync + 'static) {
        let _ = self.shared.told.set(Box::new(told));
    }

    /// The realm's key set, to verify a token whose header names that key.
    ///
    /// The set may lack the key: either the realm has no such key, or it was asked too short a time ago. Both are for the
    /// verifier to reject. A set that holds the key and is younger than 2½ minutes is answered without waiting. To be
    /// called on a Tokio runtime.
    ///
    /// # Errors
    /// [`KeysUnavailable`], the cause of the last failed fetch, if no set stands.
    pub async fn key_set(&self, key_id: &KeyId) -> Result<Arc<RealmKeySet>, KeysUnavailable> {
        let now = self.shared.surroundings.now();
        // Most requests end here, under a lock that no other reader waits for.
        let next = self.shared.read().next(key_id, now);
        let ticket = match next {
            Next::Serve(keys) => return Ok(keys),
            Next::Refuse(cause) => return Err(cause),
            Next::Join(ticket) => ticket,
            Next::Begin => match self.shared.claim(Some(key_id)) {
                Claim::Settled(outcome) => return outcome,
                Claim::Running(ticket) => ticket,
                Claim::Begun(ticket, done) => {
                    tokio::spawn(Arc::clone(&self.shared).fetch(ticket.number, done));
                    ticket
                }
            },
        };
        self.shared.awaited(ticket).await
    }

    /// Begins a fetch, unless a set stands, one is under way or a back-off runs, and does not wait for it.
    ///
    /// For a Lambda's initialisation: the first request then finds the set there or waits for the rest of the fetch only.
    /// Outside of a Tokio runtime it does nothing.
    pub fn prefetch(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        match self.shared.claim(None) {
            Claim::Begun(ticket, done) => {
                runtime.spawn(Arc::clone(&self.shared).fetch(ticket.number, done));
            }
            Claim::Settled(_) | Claim::Running(_) => {}
        }
    }

    /// How many fetches have begun.
    pub fn fetches(&self) -> u64 {
        self.shared.read().fetches()
    }

    /// The cause of the last fetch's failure, if it has failed: to be reported where a request was served all the same.
    pub fn last_failure(&self) -> Option<KeysUnavailable> {
        self.shared.read().last_failure().cloned()
    }
}

impl fmt::Debug for RealmKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmKeys").field("fetches", &self.fetches()).finish_non_exhaustive()
    }
}

enum Claim {
    Settled(Result<Arc<RealmKeySet>, KeysUnavailable>),
    Running(Ticket),
    Begun(Ticket, watch::Sender<bool>),
}

impl Shared {
    /// Looks again under the lock that only one can hold, and takes the slot if it is still free.
    fn claim(&self, key_id: Option<&KeyId>) -> Claim {
        let now = self.surroundings.now();
        let mut schedule = self.write();
        let next = match key_id {
            Some(key_id) => schedule.next(key_id, now),
            None => schedule.next_of_any(now),
        };
        match next {
            Next::Serve(keys) => Claim::Settled(Ok(keys)),
            Next::Refuse(cause) => Claim::Settled(Err(cause)),
            Next::Join(ticket) => Claim::Running(ticket),
            Next::Begin => {
                let (done, waiting) = watch::channel(false);
                Claim::Begun(schedule.begin(waiting, now), done)
            }
        }
    }

    async fn fetch(self: Arc<Self>, number: u64, done: watch::Sender<bool>) {
        let outcome = self.source.fetch().await;
        self.finish(number, outcome);
        done.send_replace(true);
    }

    async fn awaited(&self, mut ticket: Ticket) -> Result<Arc<RealmKeySet>, KeysUnavailable> {
        if ticket.done.wait_for(|done| *done).await.is_err() {
            self.finish(ticket.number, Err(KeysUnavailable::Abandoned));
        }
        self.read().standing(self.surroundings.now())
    }

    fn finish(&self, number: u64, outcome: Result<RealmKeySet, KeysUnavailable>) {
        let now = self.surroundings.now();
        let draw = self.surroundings.draw();
        let before = self.read().last_good();
        let notices = KeyNotice::of(before.as_deref(), &outcome);
        let is_taken = self.write().finish(number, outcome.map(Arc::new), now, draw);
        if let Some(told) = self.told.get().filter(|_| is_taken) {
            notices.iter().for_each(told);
        }
    }

    // No code panics while it holds the lock, and each change leaves the schedule whole: a poisoned lock is as good.
    fn read(&self) -> RwLockReadGuard<'_, Schedule> {
        self.schedule.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Schedule> {
        self.schedule.write().unwrap_or_else(PoisonError::into_inner)
    }
}
