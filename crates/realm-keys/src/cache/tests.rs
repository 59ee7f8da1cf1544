//! The cache's promises, with a realm that answers as it is told and a clock that the test moves.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claim_guard::jws::KeySetError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
use crate::exchange::{Document, ExchangeFault};
use crate::fixtures::{jwk_set, key_id};
use crate::key_source::Fetching;
use crate::moved_clock::MovedClock;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DOWN: KeysUnavailable = KeysUnavailable::Exchange {
    fault: ExchangeFault::Status { document: Document::Discovery, presented: 500, retry_after: None },
};

#[derive(Clone)]
enum Answer {
    Text(String),
    Fail(KeysUnavailable),
    Panic,
}

/// A realm that answers as it is told, each fetch only when the gate lets it.
#[derive(Clone)]
struct Realm {
    answer: Arc<Mutex<Answer>>,
    gate: Arc<Semaphore>,
    answered: Arc<AtomicUsize>,
}

impl Realm {
    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn publishes(&self, names: &[&str]) {
        self.answers(Answer::Text(jwk_set(names)));
    }

    /// Holds every further fetch.
    fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets every fetch go on.
    fn release(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

impl KeySource for Realm {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            self.gate.acquire().await.unwrap().forget();
            self.answered.fetch_add(1, Ordering::SeqCst);
            let answer = self.answer.lock().unwrap().clone();
            match answer {
                Answer::Text(text) => {
                    RealmKeySet::parse(text.as_bytes()).map_err(|fault| KeysUnavailable::KeySet { fault })
                }
                Answer::Fail(cause) => Err(cause),
                Answer::Panic => panic!("a fetch that panics, as this test asks"),
            }
        })
    }
}

fn stage_drawing(draw: u32) -> (RealmKeys, Realm, MovedClock) {
    let realm = Realm {
        answer: Arc::new(Mutex::new(Answer::Fail(DOWN))),
        gate: Arc::new(Semaphore::new(0)),
        answered: Arc::default(),
    };
    realm.release();
    let time = MovedClock::drawing(draw);
    (RealmKeys::assembled(realm.clone(), time.clone()), realm, time)
}

/// A cache without random parts over a realm that publishes the key `a`, and the set that it has fetched.
async fn warm() -> (RealmKeys, Realm, MovedClock, Arc<RealmKeySet>) {
    let (keys, realm, time) = stage_drawing(0);
    realm.publishes(&["a"]);
    let set = keys.key_set(&key_id("a")).await.unwrap();
    (keys, realm, time, set)
}

/// Compares which of the keys `a` and `b` the answered set has.
#[track_caller]
fn check(answer: Result<Arc<RealmKeySet>, KeysUnavailable>, expected: Result<&str, KeysUnavailable>) {
    let names = answer.map(|set| ["a", "b"].into_iter().filter(|name| set.contains(&key_id(name))).collect::<String>());
    assert_eq!(names, expected.map(str::to_owned));
}

async fn ask(keys: &RealmKeys, name: &str) -> Result<Arc<RealmKeySet>, KeysUnavailable> {
    keys.key_set(&key_id(name)).await
}

/// Lets every task that can run, run.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_fresh_set_is_served_without_a_fetch() {
    let (keys, _, time, set) = warm().await;
    time.pass(5 * MINUTE - SECOND);
    assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
    assert_eq!(keys.fetches(), 1);
}

#[tokio::test]
async fn h1_h2_ten_thousand_unknown_keys_cause_one_fetch_per_cool_down_whatever_it_answers() {
    let answers = [
        Answer::Text(jwk_set(&["a"])),
        Answer::Text(r#"{"keys":[]}"#.to_owned()),
        Answer::Fail(DOWN),
        Answer::Fail(KeysUnavailable::Timeout { deadline: 3 * SECOND }),
        Answer::Panic,
    ];
    for answer in answers {
        let (keys, realm, time, _) = warm().await;
        realm.answers(answer);
        for cool_down in 1..=3 {
            time.pass(30 * SECOND);
            for number in 0..10_000 {
                check(ask(&keys, &format!("unknown-{number}")).await, Ok("a"));
            }
            assert_eq!(keys.fetches(), 1 + cool_down);
        }
    }
}

#[tokio::test]
async fn unknown_keys_right_after_a_fetch_cause_none() {
    let (keys, _, time, _) = warm().await;
    time.pass(30 * SECOND - Duration::from_nanos(1));
    check(ask(&keys, "b").await, Ok("a"));
    assert_eq!(keys.fetches(), 1);
}

#[tokio::test]
async fn h3_two_hundred_cold_requests_share_one_fetch() {
    let (keys, realm, _) = stage_drawing(0);
    realm.publishes(&["a"]);
    realm.hold();
    let mut requests = JoinSet::new();
    for number in 0..200 {
        let keys = keys.clone();
        requests.spawn(async move { ask(&keys, if number % 2 == 0 { "a" } else { "b" }).await });
    }
    settle().await;
    assert_eq!((keys.fetches(), realm.answered()), (1, 0));
    realm.release();
    let sets = requests.join_all().await;
    let first = sets[0].clone().unwrap();
    assert!(sets.iter().all(|set| set.as_ref().is_ok_and(|set| Arc::ptr_eq(set, &first))));
    assert_eq!((sets.len(), keys.fetches(), realm.answered()), (200, 1, 1));
}

#[tokio::test]
async fn h3_two_hundred_cold_requests_share_one_failure() {
    let (keys, realm, _) = stage_drawing(0);
    realm.hold();
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        let keys = keys.clone();
        requests.spawn(async move { ask(&keys, "a").await });
    }
    settle().await;
    realm.release();
    for answer in requests.join_all().await {
        check(answer, Err(DOWN));
    }
    assert_eq!((keys.fetches(), realm.answered()), (1, 1));
}

#[tokio::test]
async fn one_request_renews_a_set_of_five_minutes_and_the_others_do_not_wait() {
    let (keys, realm, time, set) = warm().await;
    realm.publishes(&["a", "b"]);
    realm.hold();
    time.pass(5 * MINUTE);
    let noticing = tokio::spawn({
        let keys = keys.clone();
        async move { ask(&keys, "a").await }
    });
    settle().await;
    assert_eq!((keys.fetches(), realm.answered()), (2, 1));
    for _ in 0..100 {
        assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
    }
    realm.release();
    check(noticing.await.unwrap(), Ok("ab"));
    check(ask(&keys, "a").await, Ok("ab"));
    assert_eq!(keys.fetches(), 2);
}

#[tokio::test]
async fn the_draw_renews_a_set_up_to_half_of_the_soft_age_earlier() {
    let (keys, realm, time) = stage_drawing(999);
    realm.publishes(&["a"]);
    check(ask(&keys, "a").await, Ok("a"));
    time.pass(2 * MINUTE + 30 * SECOND);
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!(keys.fetches(), 1);
    time.pass(SECOND);
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!(keys.fetches(), 2);
}

#[tokio::test]
async fn g20_g36_h8_the_last_good_set_survives_every_failure_until_its_hard_age() {
    let refused = |text: &str| Answer::Text(text.to_owned());
    let answers = [
        (Answer::Fail(DOWN), DOWN),
        (refused("<!DOCTYPE html>"), KeysUnavailable::KeySet { fault: KeySetError::NotAKeySet }),
        (refused("[]"), KeysUnavailable::KeySet { fault: KeySetError::NotAKeySet }),
        (
            refused(r#"{"keys":[]}"#),
            KeysUnavailable::KeySet { fault: KeySetError::NoUsableKey { skipped: Vec::new() } },
        ),
        (Answer::Panic, KeysUnavailable::Abandoned),
    ];
    for (answer, cause) in answers {
        let (keys, realm, time, set) = warm().await;
        realm.answers(answer);
        time.pass(5 * MINUTE);
        assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
        assert_eq!((keys.last_failure(), keys.fetches()), (Some(cause.clone()), 2));

        // The next attempt waits for the cool-down.
        time.pass(30 * SECOND - Duration::from_nanos(1));
        assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
        assert_eq!(keys.fetches(), 2);
        time.pass(Duration::from_nanos(1));
        assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
        assert_eq!(keys.fetches(), 3);

        time.pass(54 * MINUTE + 30 * SECOND - Duration::from_nanos(1));
        assert!(Arc::ptr_eq(&ask(&keys, "a").await.unwrap(), &set));
        time.pass(Duration::from_nanos(1));
        check(ask(&keys, "a").await, Err(cause));
    }
}

#[tokio::test]
async fn a_set_past_its_hard_age_is_never_served_and_the_next_one_is() {
    let (keys, realm, time, _) = warm().await;
    time.pass(60 * MINUTE);
    realm.publishes(&["b"]);
    check(ask(&keys, "a").await, Ok("b"));
    assert_eq!(keys.fetches(), 2);
}

#[tokio::test]
async fn h13_a_frozen_process_ages_its_set_on_the_wall_clock() {
    let (keys, realm, time, _) = warm().await;
    realm.answers(Answer::Fail(DOWN));
    time.pass_frozen(60 * MINUTE);
    check(ask(&keys, "a").await, Err(DOWN));
}

#[tokio::test]
async fn a_wall_clock_set_back_makes_no_set_younger() {
    let (keys, realm, time, _) = warm().await;
    realm.answers(Answer::Fail(DOWN));
    time.pass(60 * MINUTE);
    time.set_back(60 * MINUTE);
    check(ask(&keys, "a").await, Err(DOWN));
}

#[tokio::test]
async fn h5_a_rotated_key_is_seen_after_the_cool_down_also_amid_a_flood() {
    let (keys, realm, time, _) = warm().await;
    time.pass(30 * SECOND);
    for number in 0..100 {
        check(ask(&keys, &format!("unknown-{number}")).await, Ok("a"));
    }
    realm.publishes(&["a", "b"]);
    check(ask(&keys, "b").await, Ok("a"));
    for _ in 0..29 {
        time.pass(SECOND);
        check(ask(&keys, "unknown").await, Ok("a"));
    }
    time.pass(SECOND);
    check(ask(&keys, "unknown").await, Ok("ab"));
    check(ask(&keys, "b").await, Ok("ab"));
    assert_eq!(keys.fetches(), 3);
}

#[tokio::test]
async fn g32_the_first_token_of_a_rotated_key_causes_exactly_one_fetch() {
    let (keys, realm, time, _) = warm().await;
    realm.publishes(&["a", "b"]);
    time.pass(MINUTE);
    check(ask(&keys, "b").await, Ok("ab"));
    check(ask(&keys, "b").await, Ok("ab"));
    assert_eq!(keys.fetches(), 2);
}

#[tokio::test]
async fn g33_g34_a_removed_or_replaced_key_is_gone_at_the_soft_age() {
    let (keys, realm, time, set) = warm().await;
    realm.publishes(&["b"]);
    time.pass(5 * MINUTE);
    check(ask(&keys, "a").await, Ok("b"));

    realm.publishes(&["a"]);
    time.pass(30 * SECOND);
    let replaced = ask(&keys, "a").await.unwrap();
    assert!(!Arc::ptr_eq(&replaced, &set));
    check(Ok(replaced), Ok("a"));
}

#[tokio::test]
async fn h7_without_a_set_failures_are_answered_again_until_the_back_off_ends() {
    let (keys, realm, time) = stage_drawing(0);
    let mut fetches = 0;
    for back_off in [1, 2, 4, 8, 16, 30, 30, 30] {
        check(ask(&keys, "a").await, Err(DOWN));
        fetches += 1;
        assert_eq!(keys.fetches(), fetches);
        time.pass(back_off * SECOND - Duration::from_nanos(1));
        check(ask(&keys, "a").await, Err(DOWN));
        keys.prefetch();
        assert_eq!(keys.fetches(), fetches, "within `{back_off}` s");
        time.pass(Duration::from_nanos(1));
    }
    realm.publishes(&["a"]);
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!(keys.last_failure(), None);
}

#[tokio::test]
async fn h7_the_draw_halves_a_back_off_at_most() {
    let (keys, _, time) = stage_drawing(999);
    check(ask(&keys, "a").await, Err(DOWN));
    time.pass(SECOND / 2);
    check(ask(&keys, "a").await, Err(DOWN));
    assert_eq!(keys.fetches(), 1);
    time.pass(SECOND / 100);
    check(ask(&keys, "a").await, Err(DOWN));
    assert_eq!(keys.fetches(), 2);
}

#[tokio::test]
async fn h9_a_realm_that_asks_for_a_longer_wait_gets_it_with_and_without_a_set() {
    let busy = |wait| {
        let retry_after = Some(Duration::from_secs(wait));
        KeysUnavailable::from(ExchangeFault::Status { document: Document::KeySet, presented: 429, retry_after })
    };
    let (keys, realm, time) = stage_drawing(0);
    realm.answers(Answer::Fail(busy(120)));
    check(ask(&keys, "a").await, Err(busy(120)));
    time.pass(120 * SECOND - Duration::from_nanos(1));
    check(ask(&keys, "a").await, Err(busy(120)));
    assert_eq!(keys.fetches(), 1);
    time.pass(Duration::from_nanos(1));
    realm.publishes(&["a"]);
    check(ask(&keys, "a").await, Ok("a"));

    realm.answers(Answer::Fail(busy(90)));
    time.pass(30 * SECOND);
    check(ask(&keys, "b").await, Ok("a"));
    time.pass(90 * SECOND - Duration::from_nanos(1));
    check(ask(&keys, "b").await, Ok("a"));
    assert_eq!(keys.fetches(), 3);
    time.pass(Duration::from_nanos(1));
    check(ask(&keys, "b").await, Ok("a"));
    assert_eq!(keys.fetches(), 4);
}

#[tokio::test]
async fn a_fetch_goes_on_when_the_request_that_began_it_is_dropped() {
    let (keys, realm, _) = stage_drawing(0);
    realm.publishes(&["a"]);
    realm.hold();
    let request = tokio::spawn({
        let keys = keys.clone();
        async move { ask(&keys, "a").await }
    });
    settle().await;
    request.abort();
    settle().await;
    realm.release();
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!((keys.fetches(), realm.answered()), (1, 1));
}

#[tokio::test]
async fn h12_a_fetch_that_panics_is_a_failure_like_any_other_and_heals() {
    let (keys, realm, time) = stage_drawing(0);
    realm.answers(Answer::Panic);
    check(ask(&keys, "a").await, Err(KeysUnavailable::Abandoned));
    check(ask(&keys, "a").await, Err(KeysUnavailable::Abandoned));
    assert_eq!(keys.fetches(), 1);
    realm.publishes(&["a"]);
    time.pass(SECOND);
    check(ask(&keys, "a").await, Ok("a"));
}

#[test]
fn a_fetch_whose_runtime_has_ended_is_a_failure_like_any_other() {
    let (keys, realm, time) = stage_drawing(0);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    realm.hold();
    runtime().block_on(async {
        keys.prefetch();
        settle().await;
    });
    runtime().block_on(async {
        check(ask(&keys, "a").await, Err(KeysUnavailable::Abandoned));
        realm.release();
        realm.publishes(&["a"]);
        time.pass(SECOND);
        check(ask(&keys, "a").await, Ok("a"));
    });
}

#[tokio::test]
async fn a_prefetch_is_joined_by_the_first_request_and_not_repeated() {
    let (keys, realm, _) = stage_drawing(0);
    realm.publishes(&["a"]);
    keys.prefetch();
    keys.prefetch();
    assert_eq!(keys.fetches(), 1);
    check(ask(&keys, "a").await, Ok("a"));
    keys.prefetch();
    assert_eq!(keys.fetches(), 1);
}

#[test]
fn a_prefetch_outside_of_a_runtime_does_nothing() {
    let (keys, _, _) = stage_drawing(0);
    keys.prefetch();
    assert_eq!(keys.fetches(), 0);
}

#[tokio::test]
async fn h13_a_fetch_that_was_frozen_is_given_up_and_its_late_outcome_is_dropped() {
    let (keys, realm, time) = stage_drawing(0);
    realm.hold();
    keys.prefetch();
    settle().await;
    time.pass_frozen(6 * SECOND);

    let request = tokio::spawn({
        let keys = keys.clone();
        async move { ask(&keys, "a").await }
    });
    settle().await;
    assert_eq!(keys.fetches(), 2);
    // The gate lets the fetches go in the order in which they came: the frozen one first, and it fails.
    realm.gate.add_permits(1);
    settle().await;
    assert_eq!((realm.answered(), keys.last_failure()), (1, None));
    realm.publishes(&["a"]);
    realm.gate.add_permits(1);
    check(request.await.unwrap(), Ok("a"));
}

/// What a cache's fetches tell, one after the other.
fn told_by(keys: &RealmKeys) -> Arc<Mutex<Vec<KeyNotice>>> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&all);
    keys.tell(move |notice| told.lock().unwrap().push(notice.clone()));
    all
}

#[tokio::test]
async fn a_renewal_that_fails_is_told_although_every_request_is_served() {
    let (keys, realm, time, _) = warm().await;
    let told = told_by(&keys);
    realm.answers(Answer::Fail(DOWN));
    for fetches in 2..5 {
        time.pass(5 * MINUTE);
        check(ask(&keys, "a").await, Ok("a"));
        assert_eq!(keys.fetches(), fetches);
    }
    assert_eq!(*told.lock().unwrap(), vec![KeyNotice::RenewalFailed { cause: DOWN }; 3]);
    realm.publishes(&["a"]);
    time.pass(5 * MINUTE);
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!(told.lock().unwrap().len(), 3, "what goes well is no news");
}

#[tokio::test]
async fn keys_that_are_left_out_are_told_and_keys_for_encryption_are_not() {
    let (keys, realm, _) = stage_drawing(0);
    let told = told_by(&keys);
    let set: serde_json::Value = serde_json::from_str(&jwk_set(&["a", "b", "c"])).unwrap();
    let with = |index: usize, member: &str, value: &str| {
        let mut set = set.clone();
        set["keys"][index][member] = value.into();
        set.to_string()
    };
    realm.answers(Answer::Text(with(1, "use", "enc")));
    check(ask(&keys, "a").await, Ok("a"));
    assert_eq!(*told.lock().unwrap(), []);
    let (keys, realm, _) = stage_drawing(0);
    let told = told_by(&keys);
    realm.answers(Answer::Text(with(1, "alg", "HS256")));
    check(ask(&keys, "a").await, Ok("a"));
    let lines: Vec<String> = told.lock().unwrap().iter().map(KeyNotice::to_line).collect();
    let message = "`1` of the realm's keys cannot be used; key `b`: ";
    let begin = format!("{{\"notice\":\"realm-keys/1\",\"code\":\"keys_skipped\",\"message\":\"{message}");
    assert!(lines.len() == 1 && lines[0].starts_with(&begin), "{lines:?}");
}

#[tokio::test]
async fn other_keys_than_before_are_told_by_their_names() {
    let (keys, realm, time, _) = warm().await;
    let told = told_by(&keys);
    realm.publishes(&["b"]);
    time.pass(5 * MINUTE);
    check(ask(&keys, "a").await, Ok("b"));
    let changed = KeyNotice::KeysChanged { added: vec![key_id("b")], gone: vec![key_id("a")] };
    assert_eq!(*told.lock().unwrap(), std::slice::from_ref(&changed));
    assert_eq!(changed.to_string(), "the realm's keys have changed: added `b`, gone `a`");
}
