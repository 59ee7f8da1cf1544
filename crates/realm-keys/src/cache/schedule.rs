//! The cache's rules, as a value that neither waits nor reads a clock.

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use claim_guard::RealmKeySet;
use claim_guard::identifier::KeyId;
use tokio::sync::watch;

use crate::clock::{Moment, shortened};
use crate::unavailable::KeysUnavailable;

/// From this age on a set is renewed, at the latest.
pub(super) const SOFT_AGE: Duration = Duration::from_secs(5 * 60);
/// How much earlier, in per cent, the draw may make it. Half spreads the processes that an event made begin at once, such
/// as a rotation, over as long as they live together: at the next renewal they are a crowd no more.
pub(super) const SOFT_AGE_SPREAD: u32 = 50;
/// From this age on a set is served no more.
pub(super) const HARD_AGE: Duration = Duration::from_secs(60 * 60);
/// How far apart fetches begin while a set stands.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(30);
/// How long after a failed fetch the next begins while no set stands; each further failure doubles it.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// Where the doubling ends.
pub(super) const LAST_BACK_OFF: Duration = Duration::from_secs(30);
/// How much shorter, in per cent, the draw may make a back-off.
const BACK_OFF_SPREAD: u32 = 50;
/// A fetch under way for longer than its own deadline allows was frozen with its process: it is not waited for.
const STUCK_AGE: Duration = Duration::from_secs(6);

/// A fetch under way.
#[derive(Clone)]
pub(super) struct Ticket {
    /// Which fetch, counted from 1.
    pub(super) number: u64,
    /// True as soon as its outcome is in the schedule.
    pub(super) done: watch::Receiver<bool>,
}

/// What a request does next.
pub(super) enum Next {
    /// It is served.
    Serve(Arc<RealmKeySet>),
    /// It waits for a fetch that another began.
    Join(Ticket),
    /// It begins a fetch.
    Begin,
    /// It is told why there are no keys.
    Refuse(KeysUnavailable),
}

struct Good {
    keys: Arc<RealmKeySet>,
    obtained: Moment,
    soft_age: Duration,
}

struct FailedFetch {
    cause: KeysUnavailable,
    at: Moment,
    back_off: Duration,
    in_a_row: u32,
}

/// What is known, what is under way and what has failed.
#[derive(Default)]
pub(super) struct Schedule {
    good: Option<Good>,
    running: Option<Ticket>,
    /// When the last fetch began.
    begun: Option<Moment>,
    /// Of the last fetch; a success clears it.
    failure: Option<FailedFetch>,
    fetches: u64,
}

impl Schedule {
    /// What a request does that looks for a key.
    pub(super) fn next(&self, key_id: &KeyId, now: Moment) -> Next {
        match self.good(now) {
            Some(good) if good.keys.contains(key_id) => {
                // One request renews the set; the others go on with the one that stands: the slot is not free before the
                // cool-down ends, and no fetch is under way for as long as that.
                if good.obtained.age(now) >= good.soft_age && self.is_free(now) {
                    Next::Begin
                } else {
                    Next::Serve(Arc::clone(&good.keys))
                }
            }
            standing => self.next_of_lacking(standing, now),
        }
    }

    /// What a request does that looks for any key.
    pub(super) fn next_of_any(&self, now: Moment) -> Next {
        match self.good(now) {
            Some(good) => Next::Serve(Arc::clone(&good.keys)),
            None => self.next_of_lacking(None, now),
        }
    }

    fn next_of_lacking(&self, standing: Option<&Good>, now: Moment) -> Next {
        if let Some(running) = self.running(now) {
            return Next::Join(running.clone());
        }
        if self.is_free(now) {
            return Next::Begin;
        }
        match standing {
            Some(good) => Next::Serve(Arc::clone(&good.keys)),
            None => Next::Refuse(self.cause()),
        }
    }

    /// The set to serve after a fetch has ended, whatever its outcome.
    pub(super) fn standing(&self, now: Moment) -> Result<Arc<RealmKeySet>, KeysUnavailable> {
        self.good(now).map(|good| Arc::clone(&good.keys)).ok_or_else(|| self.cause())
    }

    /// Takes the slot, before anything is asked of the realm.
    pub(super) fn begin(&mut self, done: watch::Receiver<bool>, now: Moment) -> Ticket {
        self.fetches += 1;
        self.begun = Some(now);
        let ticket = Ticket { number: self.fetches, done };
        self.running = Some(ticket.clone());
        ticket
    }

    /// Notes the outcome of a fetch, and answers whether it did: not of one that was given up.
    pub(super) fn finish(
        &mut self,
        number: u64,
        outcome: Result<Arc<RealmKeySet>, KeysUnavailable>,
        now: Moment,
        draw: u32,
    ) -> bool {
        if self.running.as_ref().is_none_or(|running| running.number != number) {
            return false;
        }
        self.running = None;
        match outcome {
            Ok(keys) => {
                // The set stood at some time between the fetch's begin and now: the earlier counts.
                let obtained = self.begun.unwrap_or(now);
                let soft_age = shortened(SOFT_AGE, SOFT_AGE_SPREAD, draw);
                self.good = Some(Good { keys, obtained, soft_age });
                self.failure = None;
            }
            Err(cause) => {
                let before = self.failure.as_ref().map_or(0, |failure| failure.in_a_row);
                let doubled = FIRST_BACK_OFF.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX));
                let back_off = shortened(doubled.min(LAST_BACK_OFF), BACK_OFF_SPREAD, draw);
                self.failure = Some(FailedFetch { cause, at: now, back_off, in_a_row: before.saturating_add(1) });
            }
        }
        true
    }

    /// The last set that a fetch brought, of whatever age.
    pub(super) fn last_good(&self) -> Option<Arc<RealmKeySet>> {
        self.good.as_ref().map(|good| Arc::clone(&good.keys))
    }

    /// How many fetches have begun.
    pub(super) fn fetches(&self) -> u64 {
        self.fetches
    }

    /// Why the last fetch failed, if it did.
    pub(super) fn last_failure(&self) -> Option<&KeysUnavailable> {
        self.failure.as_ref().map(|failure| &failure.cause)
    }

    fn cause(&self) -> KeysUnavailable {
        self.last_failure().cloned().unwrap_or(KeysUnavailable::Abandoned)
    }

    /// The set, while it may be served.
    fn good(&self, now: Moment) -> Option<&Good> {
        self.good.as_ref().filter(|good| good.obtained.age(now) < HARD_AGE)
    }

    fn running(&self, now: Moment) -> Option<&Ticket> {
        let stuck = self.begun.is_none_or(|begun| begun.age(now) >= STUCK_AGE);
        self.running.as_ref().filter(|_| !stuck)
    }

    /// Whether a fetch may begin.
    fn is_free(&self, now: Moment) -> bool {
        let since_failure = self.failure.as_ref().map(|failure| (failure, failure.at.age(now)));
        let asked_away = since_failure.is_some_and(|(failure, age)| age < failure.cause.retry_after());
        let cooled_down = match self.good(now) {
            Some(_) => self.begun.is_none_or(|begun| begun.age(now) >= COOL_DOWN),
            None => since_failure.is_none_or(|(failure, age)| age >= failure.back_off),
        };
        cooled_down && !asked_away
    }
}
