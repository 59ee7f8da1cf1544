//! What several tests share: JWK sets, key ids and a clock that the test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::KeyId;

use crate::clock::{Moment, Surroundings, System};

/// A JWK set with a new P-256 key for each name.
pub(crate) fn jwk_set(names: &[&str]) -> String {
    let keys: Vec<String> = names.iter().map(|name| jwk(name)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwk(name: &str) -> String {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // SEC 1 §2.3.3: 04, then both coordinates of 32 bytes.
    let (x, y) = pair.public_key_raw()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"{name}","x":"{x}","y":"{y}"}}"#)
}

pub(crate) fn key_id(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

/// Both clocks, and a draw that is always the same.
#[derive(Clone)]
pub(crate) struct TestTime {
    now: Arc<Mutex<Moment>>,
    draw: u32,
}

impl TestTime {
    pub(crate) fn drawing(draw: u32) -> Self {
        Self { now: Arc::new(Mutex::new(System.now())), draw }
    }

    /// Moves both clocks.
    pub(crate) fn pass(&self, duration: Duration) {
        self.pass_frozen(duration);
        self.now.lock().unwrap().monotonic += duration;
    }

    /// Moves the wall clock alone: the process was frozen.
    pub(crate) fn pass_frozen(&self, duration: Duration) {
        self.now.lock().unwrap().wall += duration;
    }

    /// Sets the wall clock back.
    pub(crate) fn set_back(&self, duration: Duration) {
        self.now.lock().unwrap().wall -= duration;
    }
}

impl Surroundings for TestTime {
    fn now(&self) -> Moment {
        *self.now.lock().unwrap()
    }

    fn draw(&self) -> u32 {
        self.draw
    }
}
