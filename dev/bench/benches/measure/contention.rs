//! Invocations of one process at once, while its keys are renewed all the time: nobody waits for a fetch that is not his.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authorizer::{Authorizer, AuthorizerEvent, Setup};
use bench::{HOSTS, Row, Sample};
use claim_guard::UnixTime;
use claim_guard::audit::AuditRecord;
use realm_keys::{CacheRules, MovedClock, RealmKeys};

use crate::fixture::{authorizer_event, budget, policy, unix_time, verifier};
use crate::realm::Realm;

const CONCURRENCY: [usize; 4] = [1, 2, 4, 8];
/// How often the keys grow old enough to be renewed, on the clock of the wall.
const RENEWAL: Duration = Duration::from_millis(100);
const ROUNDS: usize = 12;

type Sink = fn(AuditRecord) -> io::Result<()>;
type Served = Authorizer<RealmKeys, Sink>;

pub fn run() {
    let realm = Realm::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = MovedClock::drawing(0);
    let keys = realm.keys(clock.clone());
    let sink: Sink = |record| {
        black_box(record.to_line());
        Ok(())
    };
    let setup = Setup::Ready { policy: policy(), verifier: verifier(&realm.issuer), keys: keys.clone() };
    let authorizer: Arc<Served> = Arc::new(Authorizer::new(setup, sink));
    let event: Arc<[u8]> = authorizer_event(&realm.signed.token, "/workflows/payment/executions").into();
    // Some renewals fall into each.
    let slice = budget() / 16;

    let now = unix_time();
    runtime.block_on(async { answer(&authorizer, &event, now).await });
    let mut times = CONCURRENCY.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for (concurrency, (resting, renewing)) in CONCURRENCY.into_iter().zip(&mut times) {
            let load = || runtime.block_on(load(&authorizer, &event, now, concurrency, slice));
            resting.push(load());
            let aging = Aging::start(clock.clone());
            renewing.push(load());
            drop(aging);
        }
    }
    for (concurrency, (resting, renewing)) in CONCURRENCY.into_iter().zip(times) {
        let resting = Sample::new("the same, keys at rest", resting);
        let renewing = Sample::new("renewing", renewing);
        let fetches = keys.fetches();
        // Who waits for a fetch waits far longer than this.
        Row::of(format!("contention/{concurrency}"), &renewing, &resting)
            .held_anywhere_within(HOSTS)
            .detailed(format!(
                "{:.0} answers a second with renewals, {:.0} without; {fetches} fetches in all",
                1.0 / renewing.median(),
                1.0 / resting.median()
            ))
            .print();
    }
}

/// So many at once for that long; answers the seconds that one answer took, as throughput sees it.
async fn load(authorizer: &Arc<Served>, event: &Arc<[u8]>, now: UnixTime, concurrency: usize, slice: Duration) -> f64 {
    let answered = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..concurrency {
        let (authorizer, event, answered) = (Arc::clone(authorizer), Arc::clone(event), Arc::clone(&answered));
        running.spawn(async move {
            while begin.elapsed() < slice {
                answer(&authorizer, &event, now).await;
                answered.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
    }
    running.join_all().await;
    begin.elapsed().as_secs_f64() / answered.load(Ordering::Relaxed) as f64
}

async fn answer(authorizer: &Served, event: &[u8], now: UnixTime) {
    let event = AuthorizerEvent::parse(event);
    authorizer.answer(event, Ok(now)).await.unwrap();
}

/// The keys' clock, moved on again and again until it is dropped.
struct Aging(Arc<AtomicBool>);

impl Aging {
    fn start(clock: MovedClock) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let watched = Arc::clone(&goes_on);
        // At the latest age every set is renewed, whatever was drawn.
        let (_, latest) = CacheRules::compiled_in().soft_age;
        std::thread::spawn(move || {
            while watched.load(Ordering::Relaxed) {
                clock.pass(latest);
                std::thread::sleep(RENEWAL);
            }
        });
        Self(goes_on)
    }
}

impl Drop for Aging {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
