//! The keys of revalidation's client: Keycloak finds them where the deployed API tells them, and their successors without a hand.
//!
//! Every drill that renews signs in with a key of the stack that Keycloak has fetched there.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use test_realm::{TestKey, key_set};
use xtask::key_route;
use xtask::keycloak::REVALIDATION_CLIENT;
use xtask::lab::Lab;

use crate::signed_in::signed_in;

/// Keycloak looks again for a key that it does not know, but not within ten seconds of the last look.
const LOOKED_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// Keys of the test at the stack's route, until this is dropped.
struct KeyRoute<'a>(&'a Lab);

impl<'a> KeyRoute<'a> {
    fn new(lab: &'a Lab, keys: &[&TestKey]) -> KeyRoute<'a> {
        let told = KeyRoute(lab);
        told.tell(keys);
        // Keycloak forgets the stack's keys.
        lab.register_client().unwrap();
        told
    }

    fn tell(&self, keys: &[&TestKey]) {
        key_route::answer(self.0.aws(), &self.0.stack().api, &key_set(keys.iter().copied())).unwrap();
    }

    /// Whether Keycloak gives the client a token for an assertion that the key signs.
    fn lets_in(&self, key: &TestKey) -> bool {
        signed_in(self.0.keycloak(), key).is_some()
    }

    fn lets_in_soon(&self, key: &TestKey) -> bool {
        let deadline = Instant::now() + LOOKED_AGAIN_WITHIN;
        while Instant::now() < deadline {
            if self.lets_in(key) {
                return true;
            }
            thread::sleep(Duration::from_secs(1));
        }
        false
    }
}

impl Drop for KeyRoute<'_> {
    fn drop(&mut self) {
        let stack = self.0.stack();
        key_route::answer(self.0.aws(), &stack.api, stack.client_keys().unwrap()).unwrap();
        self.0.register_client().unwrap();
    }
}

#[test]
fn a_key_that_follows_the_client_s_is_found_without_a_hand() {
    let _whole = crate::whole();
    let lab = Lab::for_tests().unwrap();
    let [old, new, foreign] = ["old", "new", "foreign"].map(|kid| TestKey::generate("ES256", kid));
    let told = KeyRoute::new(&lab, &[&old]);
    assert_eq!([&old, &new, &foreign].map(|key| told.lets_in(key)), [true, false, false]);
    // As a rotation does it: both are told, then the new one signs.
    told.tell(&[&old, &new]);
    assert!(told.lets_in_soon(&new));
    told.tell(&[&new]);
    assert_eq!([&new, &foreign].map(|key| told.lets_in(key)), [true, false]);
}

/// Whoever asks: the route wants no token.
#[test]
fn keycloak_knows_where_the_stack_tells_its_keys_and_is_told_no_key() {
    // Others register keys of their own meanwhile.
    let _whole = crate::whole();
    let lab = Lab::for_tests().unwrap();
    let known = lab.admin().unwrap().get(&format!("clients?clientId={REVALIDATION_CLIENT}")).unwrap();
    let attributes = ["use.jwks.url", "jwks.url", "use.jwks.string"].map(|name| &known[0]["attributes"][name]);
    assert_eq!(json!(attributes), json!(["true", lab.client_key_address(), "false"]));
    let answer = lab.request("GET", key_route::PATH, &[], None).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, lab.stack().client_keys().unwrap()));
}
