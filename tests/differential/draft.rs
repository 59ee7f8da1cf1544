//! A token in the making: objects → texts → base64url → signature, with a place for a mutation at each stage.

use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER};

use crate::keys::{Keys, SIGNERS, Signing};
use crate::object::{Object, Style};

/// A token before it is written.
pub struct Draft {
    pub key: usize,
    /// Which key set it is verified with.
    pub set: usize,
    pub signing: Signing,
    pub now: i64,
    pub leeway: u8,
    pub issued_at: i64,
    pub header: Object,
    pub payload: Object,
    pub header_style: Style,
    pub payload_style: Style,
    /// How it came to be what it is; never its text.
    recipe: Vec<String>,
}

impl Draft {
    pub fn new(keys: &Keys, key: usize, now: i64, leeway: u8, age: i64) -> Self {
        let issued_at = now - age;
        let recipe = vec![format!("{} with leeway {leeway}, issued {age} s ago", SIGNERS[key].1)];
        Self {
            key,
            set: 0,
            signing: Signing::Own,
            now,
            leeway,
            issued_at,
            header: Object::of(&keys.own(key).header()),
            payload: payload(issued_at),
            header_style: Style::Compact,
            payload_style: Style::Compact,
            recipe,
        }
    }

    pub fn told(&mut self, step: impl Into<String>) {
        self.recipe.push(step.into());
    }

    pub fn recipe(&self) -> String {
        self.recipe.join("; ")
    }

    pub fn set_claim(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        self.told(format!("claim {name} = {}", shortened(&value)));
        self.payload.set(name, value);
    }

    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        self.told(format!("header {name} = {}", shortened(&value)));
        self.header.set(name, value);
    }

    pub fn sign_with(&mut self, signing: Signing, told: &str) {
        self.signing = signing;
        self.told(told);
    }
}

fn shortened(value: &str) -> String {
    if value.len() > 80 { format!("{} bytes", value.len()) } else { value.to_owned() }
}

/// What a token says where nothing is odd.
fn payload(issued_at: i64) -> Object {
    let payload = test_realm::access_token_payload(issued_at);
    let named = [("iss", ISSUER), ("aud", AUDIENCE), ("azp", CLIENT)];
    assert!(named.iter().all(|(name, value)| payload[name] == json!(value)), "another realm's payload");
    let mut object = Object::of(&payload);
    object.0.retain(|(_, value)| value != &Value::Null.to_string());
    object
}
