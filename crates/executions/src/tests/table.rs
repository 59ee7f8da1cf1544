//! A table in memory, and requests at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use minting::ServiceError;

use crate::services::{Counted, Execution, PlaceTaken, Status};
use crate::tally::{Claim, Counter, Places, StartingParty};

/// What DynamoDB would keep, and what it fails with.
#[derive(Default)]
pub(super) struct FakeTable {
    pub(super) counters: Mutex<BTreeMap<String, u64>>,
    pub(super) parties: Mutex<BTreeMap<String, Places>>,
    /// Which call it fails, and how.
    pub(super) failure: Option<(&'static str, ServiceError)>,
    /// How long it takes to answer.
    pub(super) takes: Duration,
}

impl FakeTable {
    pub(super) async fn answered(&self, call: &str) -> Result<(), ServiceError> {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        match &self.failure {
            Some((failing, failure)) if *failing == call => Err(failure.clone()),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn count(&self, counter: &Counter, more: u16, most: u16) -> Counted {
        let mut counters = self.counters.lock().unwrap();
        let counted = counters.get(counter.key()).copied().unwrap_or(0);
        if counted + u64::from(more) > u64::from(most) {
            return Counted::Beyond { counted };
        }
        counters.insert(counter.key().to_owned(), counted + u64::from(more));
        Counted::Within
    }

    pub(super) fn take_place(&self, claim: &Claim) -> PlaceTaken {
        let mut parties = self.parties.lock().unwrap();
        let held = parties.entry(claim.party.places_key()).or_default();
        if !held.contains_key(&claim.place) && held.len() >= usize::from(claim.most) {
            return PlaceTaken::Full(held.clone());
        }
        held.insert(claim.place.clone(), claim.now.seconds());
        PlaceTaken::Yes
    }

    pub(super) fn give_places_back(&self, party: &StartingParty, places: &Places) {
        let mut parties = self.parties.lock().unwrap();
        let held = parties.entry(party.places_key()).or_default();
        if places.iter().all(|(place, taken)| held.get(place) == Some(taken)) {
            held.retain(|place, _| !places.contains_key(place));
        }
    }
}

/// How the turns of requests at the same time fall, what fails, and what is not shown yet: the same for the same seed.
pub(super) struct Chances {
    state: Mutex<u64>,
    /// What was started too lately to be shown by all of Step Functions.
    fresh: Mutex<BTreeSet<String>>,
    /// The most that ever ran at once.
    pub(super) most: Mutex<usize>,
}

impl Chances {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed | 1), fresh: Mutex::default(), most: Mutex::default() }
    }

    /// A number below that one.
    pub(super) fn below(&self, most: u64) -> u64 {
        let mut state = self.state.lock().unwrap();
        // xorshift64*
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % most
    }

    pub(super) fn started(&self, arn: &str, executions: &BTreeMap<String, Execution>) {
        self.fresh.lock().unwrap().insert(arn.to_owned());
        let running = executions.values().filter(|execution| execution.status == Status::Running).count();
        let mut most = self.most.lock().unwrap();
        *most = running.max(*most);
    }

    /// Whether Step Functions says that there is no such execution, though there is.
    pub(super) fn hides(&self, arn: &str) -> bool {
        self.fresh.lock().unwrap().contains(arn) && self.below(2) == 0
    }

    /// From now on everything is shown that was started.
    pub(super) fn settle(&self) {
        self.fresh.lock().unwrap().clear();
    }
}
