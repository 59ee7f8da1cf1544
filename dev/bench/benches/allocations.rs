//! How often a decision asks for memory, counted by the allocator of this program.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a benchmark may panic")]

#[allow(dead_code, reason = "shared with other benchmarks")]
#[path = "measure/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "shared with tests that use other parts of it")]
#[path = "../../../crates/claim-guard-lambda/tests/guard/stack.rs"]
mod stack;

use allocation_counter::measure;
use bench::Row;
use claim_guard::{AccessToken, UnixTime};
use claim_guard_lambda::Guard;
use serde_json::{Value, json};
use test_realm::{ISSUER, access_token_payload};

use crate::fixture::{ACCESS_TOML, Signed, now, policy, unix_time, verifier};
use crate::stack::{Mint, Stack, TRUST_DOMAIN, event, execution};

fn main() {
    let stack = Stack::new();
    let (now, execution) = (now(), execution("run"));
    let mint =
        Mint { trust_domain: TRUST_DOMAIN, execution: &execution, redrive_count: 0, transaction: "txn-run", now };
    let token = stack.token(&access_token_payload(now), &mint);
    let input = json!({ "project_id": "apollo", "party": "payer-1" });
    let event = event(&token, &execution, "ScreenPayment", &input).to_string();
    let environment = stack.environment();
    let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let guard = Guard::new("ScreenPayment", ACCESS_TOML, lookup);
    let time = UnixTime::from_seconds(now).unwrap();
    print("guard/allocations", "reading the event as JSON", &|| drop(serde_json::from_str::<Value>(&event)), &|| {
        drop(guard.decide(event.as_bytes(), Ok(time)).verdict.unwrap());
    });

    let signed = Signed::rs256();
    let (verifier, policy, at) = (verifier(ISSUER), policy(), unix_time());
    let payload = fixture::payload(ISSUER).to_string();
    print(
        "verify/allocations",
        "reading the claims as JSON",
        &|| drop(serde_json::from_str::<Value>(&payload)),
        &|| {
            let token = AccessToken::parse(&signed.token).unwrap();
            let claims = verifier.verify(&token, &signed.keys, at).unwrap();
            drop(policy.decide_request(&claims, "POST", "/workflows/payment/executions"));
        },
    );
}

/// Calls both once before they are counted: what is made once for all is made then.
fn print(name: &str, baseline: &str, floor: &dyn Fn(), own: &dyn Fn()) {
    floor();
    own();
    let (floor, own) = (measure(floor), measure(own));
    Row::counted(name, own.count_total as f64 / floor.count_total as f64, 0.005, baseline)
        .detailed(format!(
            "{} allocations, {} bytes ÷ {}, {}",
            own.count_total, own.bytes_total, floor.count_total, floor.bytes_total
        ))
        .print();
}
