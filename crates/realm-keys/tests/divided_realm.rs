//! A realm of two servers that share no keys, seen through a balancer that asks them in turn. It is a fake: what a cluster
//! that was set up wrongly looks like from here.

#![expect(clippy::unwrap_used, reason = "a test fails where its stage cannot be set")]

#[expect(dead_code, reason = "the faults are for the tests of the requests")]
#[path = "support/faulty_server.rs"]
mod faulty_server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claim_guard::identifier::{Issuer, KeyId};
use faulty_server::{FaultyServer, Reply};
use realm_keys::{KeyNotice, MovedClock, RealmCa, RealmEndpoint, RealmKeys};

/// The cache's own rule: so far apart fetches begin while a set stands.
const COOL_DOWN: u64 = 30;
const SECOND: Duration = Duration::from_secs(1);

/// RFC 7515 appendix A.3.1: a public key that everybody may know, under that name.
fn key_set(name: &str) -> String {
    format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{name}","use":"sig","alg":"ES256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}]}}"#
    )
}

fn key(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

/// The keys of the divided realm, the clock that they age on, and what their fetches tell.
async fn divided() -> (FaultyServer, RealmKeys, MovedClock, Arc<Mutex<Vec<KeyNotice>>>) {
    let server = FaultyServer::start(|origin| {
        let discovery = format!(r#"{{"issuer":"{origin}/realms/w","jwks_uri":"{origin}/realms/w/keys"}}"#);
        let asked = AtomicUsize::new(0);
        move |path: &str| {
            if !path.ends_with("/keys") {
                return Reply::whole("200 OK", &discovery);
            }
            let node = ["north", "south"].into_iter().cycle().nth(asked.fetch_add(1, Ordering::SeqCst) % 2);
            Reply::whole("200 OK", &key_set(node.unwrap()))
        }
    })
    .await;
    let issuer = Issuer::parse(&format!("{}/realms/w", server.origin())).unwrap();
    let ca = RealmCa::from_der(server.authority()).unwrap();
    let clock = MovedClock::drawing(0);
    let keys = RealmKeys::on_moved_clock(RealmEndpoint::new(issuer, Some(ca), None).unwrap(), clock.clone()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&told);
    keys.tell(move |notice| all.lock().unwrap().push(notice.clone()));
    (server, keys, clock, told)
}

#[tokio::test]
async fn servers_that_share_no_keys_cost_refusals_of_a_cool_down_and_no_flood() {
    let (server, keys, clock, told) = divided().await;
    let minutes = 10;
    let mut refused = [0_u64; 2];
    for _ in 0..minutes * 60 {
        // Each second a token of either server.
        for (name, refused) in ["north", "south"].into_iter().zip(&mut refused) {
            let known = keys.key_set(&key(name)).await.unwrap().contains(&key(name));
            *refused = if known { 0 } else { *refused + 1 };
            assert!(*refused <= COOL_DOWN, "`{name}` was refused for `{refused}` seconds");
        }
        clock.pass(SECOND);
    }
    let asked = server.paths().iter().filter(|path| path.ends_with("/keys")).count();
    let most = usize::try_from(minutes * 60 / COOL_DOWN).unwrap() + 1;
    assert!(asked <= most, "asked `{asked}` times");
    // In the log: the same two names, again and again.
    let told = told.lock().unwrap();
    let north = KeyNotice::KeysChanged { added: vec![key("north")], gone: vec![key("south")] };
    let south = KeyNotice::KeysChanged { added: vec![key("south")], gone: vec![key("north")] };
    assert_eq!(told.len(), asked - 1);
    for (number, notice) in told.iter().enumerate() {
        assert_eq!(notice, if number % 2 == 0 { &south } else { &north });
    }
}
