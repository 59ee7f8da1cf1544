//! The keys of revalidation's client: Keycloak finds them where the client says, and their successors without a hand.
//!
//! The address is this process's, because the emulator serves no integration without a function. Keycloak is the lab's.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use test_realm::{TestKey, key_set};
use xtask::keycloak::REVALIDATION_CLIENT;
use xtask::lab::Lab;

/// Keycloak looks again for a key that it does not know, but not within ten seconds of the last look.
const LOOKED_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// The client's keys at an address of this process, until this is dropped.
struct Served<'a> {
    lab: &'a Lab,
    keys: Arc<Mutex<String>>,
}

impl<'a> Served<'a> {
    fn new(lab: &'a Lab, keys: &[&TestKey]) -> Served<'a> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let served = Served { lab, keys: Arc::new(Mutex::new(key_set(keys.iter().copied()))) };
        let keys = Arc::clone(&served.keys);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap() > 2 {
                    line.clear();
                }
                let body = keys.lock().unwrap().clone();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
                write!(reader.get_mut(), "{head} {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        lab.admin().unwrap().register_key_address(REVALIDATION_CLIENT, &address).unwrap();
        served
    }

    fn serve(&self, keys: &[&TestKey]) {
        *self.keys.lock().unwrap() = key_set(keys.iter().copied());
    }

    /// Whether Keycloak gives the client a token for an assertion that the key signs.
    fn lets_in(&self, key: &TestKey) -> bool {
        let issuer = self.lab.keycloak().issuer();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let header = json!({"alg": "ES256", "kid": key.kid(), "typ": "JWT"});
        let payload = json!({
            "iss": REVALIDATION_CLIENT, "sub": REVALIDATION_CLIENT, "aud": issuer, "jti": crate::support::unique(),
            "iat": now, "exp": now + 60,
        });
        let assertion = key.token_of(&header.to_string(), &payload.to_string());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let url = format!("{issuer}/protocol/openid-connect/token");
        self.lab.keycloak().client().unwrap().post(url).form(&form).send().unwrap().status().is_success()
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

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.lab.register_client().unwrap();
    }
}

#[test]
fn a_key_that_follows_the_client_s_is_found_without_a_hand() {
    let _whole = crate::whole();
    let lab = Lab::for_tests().unwrap();
    let [old, new, foreign] = ["old", "new", "foreign"].map(|kid| TestKey::generate("ES256", kid));
    let served = Served::new(&lab, &[&old]);
    assert_eq!([&old, &new, &foreign].map(|key| served.lets_in(key)), [true, false, false]);
    // As a rotation does it: both are told, then the new one signs.
    served.serve(&[&old, &new]);
    assert!(served.lets_in_soon(&new));
    served.serve(&[&new]);
    assert_eq!([&new, &foreign].map(|key| served.lets_in(key)), [true, false]);
}
