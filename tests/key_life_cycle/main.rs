//! The life of a realm's keys, on a real Keycloak: added, withdrawn, replaced, out of reach, and a flood of names that no
//! key has. Requests are real, time is the drill's. Each drill has a realm of its own and deletes it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

/// A way to Keycloak that can be closed.
mod front;
/// A realm of one's own.
mod realm;
/// Realm, way and door.
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::Excerpt;
use claim_guard::identifier::KeyId;
use realm_keys::ExchangeFault;
use serde_json::json;
use tokio::task::JoinSet;

use realm::{FIRST_KEY, Realm};
use stage::{Door, No, Stage, bad_signature, key_of, unknown_key};
use support::{and, header};

const SECOND: Duration = Duration::from_secs(1);
/// How far apart fetches begin while a set stands.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// From this age on a set is renewed.
const SOFT_AGE: Duration = Duration::from_secs(5 * 60);
/// From this age on a set is served no more.
const HARD_AGE: Duration = Duration::from_secs(60 * 60);

/// How many names of no key are presented.
const FLOOD: u32 = 100_000;
/// How many callers present them.
const FLOODERS: u32 = 4;

/// Tells a measurement also when the test passes: what is printed is kept back then.
fn tell(measurement: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{measurement}\n").as_bytes()).unwrap();
}

/// The same token, naming another key.
fn renamed(token: &str, kid: &str) -> String {
    let header = and(&header(token), "kid", json!(kid)).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), token.split_once('.').unwrap().1)
}

/// Lets the cool-down pass and presents a token of no key, so that the door asks now.
#[track_caller]
fn ask_now(stage: &Stage, token: &str) {
    let fetches = stage.door.fetches();
    stage.door.pass(COOL_DOWN);
    let of_no_key = renamed(token, "no-key-of-the-realm");
    assert_eq!(stage.admit(&of_no_key), unknown_key(&of_no_key));
    assert_eq!(stage.door.fetches(), fetches + 1);
}

/// For how long, in test time, a crowd sees the last of the tokens refused after now, while the others are served.
#[track_caller]
fn refused_for(stage: &Stage, tokens: &[String]) -> Duration {
    let mut last_refusal = None;
    for second in 0..=90 {
        let answers = stage.admit_crowd(tokens);
        let (newest, older) = answers.split_last().unwrap();
        assert!(older.iter().flatten().all(|answer| *answer == Ok(())), "after {second} s: {older:?}");
        for answer in newest.iter().filter(|answer| **answer != Ok(())) {
            assert_eq!(*answer, unknown_key(tokens.last().unwrap()));
            last_refusal = Some(second);
        }
        stage.door.pass(SECOND);
    }
    last_refusal.map_or(0, |second| second + 1) * SECOND
}

#[test]
fn rotation_under_load_refuses_no_valid_token_for_longer_than_the_cool_down() {
    let stage = Stage::set();
    let mut tokens = vec![stage.realm.token()];
    assert_eq!(stage.admit(&tokens[0]), Ok(()));
    for since_fetch in [1, 15, 29, 30, 200] {
        ask_now(&stage, &tokens[0]);
        stage.door.pass(since_fetch * SECOND);
        let (name, priority) = (format!("key-{}", tokens.len()), 100 + u32::try_from(tokens.len()).unwrap());
        let served = stage.under_load(&tokens, || stage.realm.add_key(&name, priority, None));
        tokens.push(stage.realm.token());
        let keys: BTreeSet<KeyId> = tokens.iter().map(|token| key_of(token)).collect();
        assert_eq!(keys.len(), tokens.len(), "each token is of a key of its own");
        let refused = refused_for(&stage, &tokens);
        assert_eq!(refused, COOL_DOWN.saturating_sub(since_fetch * SECOND));
        tell(&format!(
            "rotation {since_fetch} s after a fetch: refused for {} s, {served} served meanwhile",
            refused.as_secs()
        ));
    }
    // A key that signs no more is still published: its tokens stay good, over any number of renewals.
    stage.realm.set(FIRST_KEY, "active", false);
    for _ in 0..4 {
        stage.door.pass(SOFT_AGE);
        assert!(stage.admit_crowd(&tokens).iter().flatten().all(|answer| *answer == Ok(())));
    }
    assert_eq!(stage.front.connections(), 2 * stage.door.fetches());
}

/// Takes the first key away, and sees its token refused from the soft age on and the second key's token served always.
#[track_caller]
fn expect_gone_at_the_soft_age(stage: &Stage, take_away: impl FnOnce(&Realm)) -> [String; 2] {
    let first = stage.realm.token();
    stage.realm.add_key("second", 200, None);
    let second = stage.realm.token();
    assert_eq!([stage.admit(&first), stage.admit(&second)], [Ok(()), Ok(())]);
    take_away(&stage.realm);
    let mut age = Duration::ZERO;
    while age < 2 * SOFT_AGE {
        let refused = if age < SOFT_AGE { Ok(()) } else { unknown_key(&first) };
        assert_eq!([stage.admit(&first), stage.admit(&second)], [refused, Ok(())], "after {} s", age.as_secs());
        age += 10 * SECOND;
        stage.door.pass(10 * SECOND);
    }
    [first, second]
}

#[test]
fn tokens_of_a_disabled_key_are_refused_from_the_soft_age_on() {
    let stage = Stage::set();
    let tokens = expect_gone_at_the_soft_age(&stage, |realm| realm.set(FIRST_KEY, "enabled", false));
    // Enabled again, it is one that the realm has just added.
    stage.realm.set(FIRST_KEY, "enabled", true);
    stage.door.pass(COOL_DOWN);
    assert_eq!(tokens.map(|token| stage.admit(&token)), [Ok(()), Ok(())]);
}

#[test]
fn tokens_of_a_deleted_key_are_refused_from_the_soft_age_on() {
    let stage = Stage::set();
    expect_gone_at_the_soft_age(&stage, |realm| realm.delete_key(FIRST_KEY));
}

#[test]
fn a_withdrawn_key_is_gone_as_soon_as_any_token_makes_the_door_ask() {
    let stage = Stage::set();
    let first = stage.realm.token();
    stage.realm.add_key("second", 200, None);
    assert_eq!(stage.admit(&first), Ok(()));
    stage.realm.delete_key(FIRST_KEY);
    ask_now(&stage, &first);
    assert_eq!(stage.admit(&first), unknown_key(&first));
}

#[test]
fn a_key_replaced_under_the_same_name_is_followed_at_the_soft_age() {
    let stage = Stage::set();
    let old = stage.realm.token();
    assert_eq!(stage.admit(&old), Ok(()));
    stage.realm.delete_key(FIRST_KEY);
    stage.realm.add_key("replacement", 100, Some(key_of(&old).as_str()));
    let new = stage.realm.token();
    assert_eq!(key_of(&new), key_of(&old));
    let mut age = Duration::ZERO;
    while age < 2 * SOFT_AGE {
        // A bad signature is no reason to ask: anybody can make one. So the new key waits for the set's renewal.
        let expected = if age < SOFT_AGE { [Ok(()), bad_signature(&new)] } else { [bad_signature(&old), Ok(())] };
        assert_eq!([stage.admit(&old), stage.admit(&new)], expected, "after {} s", age.as_secs());
        age += 10 * SECOND;
        stage.door.pass(10 * SECOND);
    }
}

#[test]
fn without_keycloak_every_cached_key_serves_until_the_hard_age_and_none_after() {
    let mut stage = Stage::set();
    let mut tokens = vec![stage.realm.token()];
    stage.realm.add_key("second", 200, None);
    tokens.push(stage.realm.token());
    let served = |stage: &Stage, tokens: &[String]| tokens.iter().map(|token| stage.admit(token)).collect::<Vec<_>>();
    assert_eq!(served(&stage, &tokens), [Ok(()), Ok(())]);
    stage.front.close();
    let refusal = TcpStream::connect(stage.front.address()).unwrap_err().to_string();
    let (host, reason) = (Excerpt::of("127.0.0.1"), Excerpt::of(&refusal));
    let undecided = Err(No::Undecided(ExchangeFault::Unreachable { host, reason }.into()));

    let step = 5 * SECOND;
    for second in (0..HARD_AGE.as_secs()).step_by(5) {
        assert_eq!(served(&stage, &tokens), [Ok(()), Ok(())], "after {second} s");
        let tries = second.saturating_sub(SOFT_AGE.as_secs() - COOL_DOWN.as_secs()) / COOL_DOWN.as_secs();
        assert_eq!(stage.door.fetches(), 1 + tries, "after {second} s");
        stage.door.pass(step);
    }
    for second in (0..600).step_by(5) {
        let refused = [undecided.clone(), undecided.clone()];
        assert_eq!(served(&stage, &tokens), refused, "{second} s after the hard age");
        stage.door.pass(step);
    }

    // Meanwhile the realm has got another key. Keycloak returns right after a try: the longest wait there is. Nothing but
    // time makes the door whole again.
    stage.realm.add_key("third", 300, None);
    tokens.push(stage.realm.token());
    let tries = stage.door.fetches() - 1;
    assert!(tries <= 70 * 60 / COOL_DOWN.as_secs(), "{tries} tries in 70 minutes");
    while stage.door.fetches() == 1 + tries {
        stage.door.pass(SECOND);
        assert_eq!(stage.admit(&tokens[2]), undecided);
    }
    stage.front.open();
    let mut waited = Duration::ZERO;
    while served(&stage, &tokens[..1]) != [Ok(())] {
        assert!(waited < COOL_DOWN, "not healed after {} s", waited.as_secs());
        stage.door.pass(SECOND);
        waited += SECOND;
    }
    assert_eq!(served(&stage, &tokens), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(stage.front.connections(), 2 * 2, "two documents, before and after");
    let waited = waited.as_secs();
    tell(&format!("Keycloak out of reach: {tries} tries in 70 minutes, healed {waited} s after its return"));
}

#[test]
fn a_flood_of_unknown_keys_causes_one_fetch_per_cool_down_and_good_tokens_are_served() {
    let stage = Stage::set();
    let good = stage.realm.token();
    assert_eq!(stage.admit(&good), Ok(()));
    let before = stage.runtime.block_on(latencies(&stage.door, &good, |taken| taken < 2_000));

    let began = Instant::now();
    let during = stage.runtime.block_on(async {
        let mut flooders = JoinSet::new();
        for flooder in 0..FLOODERS {
            flooders.spawn(flood(stage.door.clone(), good.clone(), flooder));
        }
        let done = Arc::new(AtomicBool::new(false));
        let measuring = tokio::spawn({
            let (door, good, done) = (stage.door.clone(), good.clone(), Arc::clone(&done));
            async move { latencies(&door, &good, |_| !done.load(Ordering::SeqCst)).await }
        });
        flooders.join_all().await;
        done.store(true, Ordering::SeqCst);
        measuring.await.unwrap()
    });
    let took = began.elapsed();

    // Each name took a millisecond of test time.
    let cool_downs = u64::from(FLOOD) / 1000 / COOL_DOWN.as_secs();
    let fetches = stage.door.fetches() - 1;
    assert!((1..=cool_downs).contains(&fetches), "{fetches} fetches in {cool_downs} cool-downs");
    assert_eq!(stage.front.connections(), 2 * (1 + fetches));
    tell(&format!(
        "{FLOOD} unknown keys in {} ms: {fetches} fetches in {} s of test time; a good token took {} before and {} during",
        took.as_millis(),
        FLOOD / 1000,
        quantiles(before),
        quantiles(during)
    ));
}

/// Presents a part of the flood's names, none of them twice.
async fn flood(door: Door, token: String, flooder: u32) {
    for number in (flooder..FLOOD).step_by(FLOODERS as usize) {
        let kid = format!("no-key-{number}");
        let of_no_key = renamed(&token, &kid);
        let expected = unknown_key(&of_no_key);
        door.pass(Duration::from_millis(1));
        assert_eq!(door.admit(&of_no_key).await, expected);
        tokio::task::yield_now().await;
    }
}

/// How long the door takes for a good token, again and again for as long as `more` says.
async fn latencies(door: &Door, token: &str, more: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut taken = Vec::new();
    while more(taken.len()) {
        let began = Instant::now();
        let answer = door.admit(token).await;
        taken.push(began.elapsed());
        assert_eq!(answer, Ok(()));
        tokio::task::yield_now().await;
    }
    taken
}

/// `median 90 µs, 99 % 140 µs, 2000 times`
fn quantiles(mut taken: Vec<Duration>) -> String {
    taken.sort();
    let at = |percent: usize| taken[taken.len() * percent / 100].as_micros();
    format!("median {} µs, 99 % {} µs, {} times", at(50), at(99), taken.len())
}
