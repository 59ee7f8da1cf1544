//! What a drill stands on: a realm of its own, the way to it, and the door, with a clock that the drill moves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claim_guard::identifier::{Audience, ClientId, Issuer, KeyId};
use claim_guard::jws::JwsError;
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, Rejection, UnixTime};
use realm_keys::{KeysUnavailable, MovedClock, RealmCa, RealmEndpoint, RealmKeys};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use xtask::lab::Lab;

use crate::front::Front;
use crate::realm::{AUDIENCE, CLIENT, Realm};
use crate::support::header;

/// The clock runs ahead of Keycloak's by this, so that no token comes from the future while a drill takes its time.
const AHEAD: Duration = Duration::from_secs(10 * 60);
/// How many callers a crowd has.
const CROWD: usize = 8;

static TURN: Mutex<()> = Mutex::new(());

/// Why a token does not open the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// It proves nothing.
    Rejected(Rejection),
    /// There are no keys to tell.
    Undecided(KeysUnavailable),
}

/// Verifies tokens as the authorizer does.
#[derive(Clone)]
pub struct Door {
    verifier: AccessTokenVerifier,
    keys: RealmKeys,
    clock: MovedClock,
}

impl Door {
    /// What the door says to a token.
    pub async fn admit(&self, token: &str) -> Result<(), No> {
        let token = AccessToken::parse(token).map_err(No::Rejected)?;
        let key_id = token.untrusted_key_id().map_err(No::Rejected)?;
        let now = UnixTime::from_system_time(self.clock.wall()).unwrap();
        let keys = self.keys.key_set(&key_id).await.map_err(No::Undecided)?;
        self.verifier.verify(&token, &keys, now).map(|_| ()).map_err(No::Rejected)
    }

    /// How many fetches have begun.
    pub fn fetches(&self) -> u64 {
        self.keys.fetches()
    }

    /// Lets test time pass.
    pub fn pass(&self, duration: Duration) {
        self.clock.pass(duration);
    }
}

/// One drill's stage; one stands at a time, so that latencies are the drill's own.
pub struct Stage {
    // Dropped from the first to the last: the realm is deleted while all else still stands.
    pub realm: Realm,
    pub front: Front,
    pub door: Door,
    pub runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// A realm with one key, which the door has never asked for.
    pub fn set() -> Stage {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Lab::for_tests().unwrap();
        let runtime = Runtime::new().unwrap();
        let keycloak = lab.keycloak().url().trim_start_matches("https://").parse().unwrap();
        let front = Front::open_to(keycloak, runtime.handle());
        let realm = Realm::behind(&front, lab);
        let issuer = Issuer::parse(realm.issuer()).unwrap();
        let authority = RealmCa::from_base64(&realm.authority()).unwrap();
        let endpoint = RealmEndpoint::new(issuer.clone(), Some(authority), None).unwrap();
        let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
        let verifier = AccessTokenVerifier::new(issuer, Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX);
        let clock = MovedClock::drawing(0);
        clock.pass(AHEAD);
        let door = Door { verifier, keys: RealmKeys::on_moved_clock(endpoint, clock.clone()).unwrap(), clock };
        Stage { realm, front, door, runtime, _turn: turn }
    }

    /// What the door says to a token.
    pub fn admit(&self, token: &str) -> Result<(), No> {
        self.runtime.block_on(self.door.admit(token))
    }

    /// What the door says to many callers at once, each with every one of the tokens: the answers, token by token.
    pub fn admit_crowd(&self, tokens: &[String]) -> Vec<Vec<Result<(), No>>> {
        self.runtime.block_on(async {
            let mut callers = JoinSet::new();
            for _ in 0..CROWD {
                let (door, tokens) = (self.door.clone(), tokens.to_vec());
                callers.spawn(async move {
                    let mut answers = Vec::new();
                    for token in &tokens {
                        answers.push(door.admit(token).await);
                    }
                    answers
                });
            }
            let answers = callers.join_all().await;
            (0..tokens.len()).map(|token| answers.iter().map(|of| of[token].clone()).collect()).collect()
        })
    }

    /// Does something while callers present the tokens all the time, each of which has to be served each time. Answers
    /// how often they were.
    #[track_caller]
    pub fn under_load(&self, tokens: &[String], work: impl FnOnce()) -> usize {
        let done = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let (door, tokens, done) = (self.door.clone(), tokens.to_vec(), Arc::clone(&done));
                self.runtime.spawn(async move {
                    let mut served = 0;
                    while !done.load(Ordering::SeqCst) {
                        for token in &tokens {
                            door.admit(token).await?;
                            served += 1;
                        }
                        tokio::task::yield_now().await;
                    }
                    Ok::<usize, No>(served)
                })
            })
            .collect();
        work();
        done.store(true, Ordering::SeqCst);
        callers.into_iter().map(|caller| self.runtime.block_on(caller).unwrap().unwrap()).sum()
    }
}

/// The key that a token names.
pub fn key_of(token: &str) -> KeyId {
    KeyId::parse(header(token)["kid"].as_str().unwrap()).unwrap()
}

/// The answer to a token whose key is not in the set.
pub fn unknown_key(token: &str) -> Result<(), No> {
    Err(No::Rejected(Rejection::Jws(JwsError::UnknownKey { key_id: key_of(token) })))
}

/// The answer to a token that is not signed by the key which it names.
pub fn bad_signature(token: &str) -> Result<(), No> {
    Err(No::Rejected(Rejection::Jws(JwsError::BadSignature { key_id: key_of(token) })))
}
