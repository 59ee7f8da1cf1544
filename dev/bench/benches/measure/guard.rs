//! A guarded state: the event with its transaction token → a grant.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench::{Row, Subject, interleaved};
use claim_guard::UnixTime;
use claim_guard_lambda::Guard;
use serde_json::json;
use test_realm::access_token_payload;

use crate::fixture::{ACCESS_TOML, BARE, budget, now};
use crate::stack::{Mint, Stack, TRUST_DOMAIN, event, execution};

/// The draft's tokens are to be small; ours have at most 2 KB.
const LIMIT: f64 = 2048.0;

/// An event with its transaction token, and the guard that decides on it.
pub struct Guarded {
    guard: Guard,
    token: String,
    event: Vec<u8>,
    time: UnixTime,
    key: ParsedPublicKey,
    signature: Vec<u8>,
}

impl Guarded {
    pub fn new() -> Self {
        let stack = Stack::new();
        let now = now();
        let token = transaction_token(&stack, None, now);
        let input = json!({ "project_id": "apollo", "amount": 1200, "currency": "EUR", "party": "payer-1" });
        let event = event(&token, &execution("run"), "ScreenPayment", &input).to_string().into_bytes();
        let environment = stack.environment();
        let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let (_, signature) = token.rsplit_once('.').unwrap();
        Self {
            guard: Guard::new("ScreenPayment", ACCESS_TOML, lookup),
            event,
            time: UnixTime::from_seconds(now).unwrap(),
            key: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, stack.kms.public_key()).unwrap(),
            signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
            token,
        }
    }

    pub fn decide(&self) -> impl Sized {
        self.guard.decide(&self.event, Ok(self.time)).verdict.unwrap()
    }

    pub fn verify_bare(&self) {
        let (message, _) = self.token.rsplit_once('.').unwrap();
        self.key.verify_sig(message.as_bytes(), &self.signature).unwrap();
    }
}

pub fn run() {
    let guarded = Guarded::new();
    let mut subjects =
        [Subject::new(BARE, || guarded.verify_bare()), Subject::new("event to grant", || guarded.decide())];
    let samples = interleaved(&mut subjects, budget());
    Row::of("guard/grant", &samples[1], &samples[0]).print();
    let bytes = guarded.token.len();
    Row::counted("guard/token-bytes", bytes as f64 / LIMIT, 0.02, "2 KiB").detailed(format!("{bytes} bytes")).print();
}

/// The token of the run that the sample's caller has started; renewed for a state, if one is named.
pub fn transaction_token(stack: &Stack, renewed_for: Option<&str>, now: i64) -> String {
    let execution = execution("run");
    let mint =
        Mint { trust_domain: TRUST_DOMAIN, execution: &execution, redrive_count: 0, transaction: "txn-run", now };
    let token = stack.token(&access_token_payload(now), &mint);
    renewed_for.map_or(token.clone(), |state| stack.renewed(&token, &mint, state, now))
}
