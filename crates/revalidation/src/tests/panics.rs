//! A panic anywhere is one undecided event: one audit line, the fixed name, and nothing of what was presented.

use serde_json::{Value, json};
use test_realm::access_token_payload;

use super::world::{HUSH, Part, World};
use super::*;

#[track_caller]
fn check(part: Part, event: &Value, point: Value) {
    let mut world = World::new();
    world.panics = Some(part);
    let served = serve(&world, event, LATER);
    let reasons = json!([reason("panicked", "the function panicked: its log says where")]);
    assert_eq!(served, undecided(nameless_line("undecided", point, json!({}), reasons)), "{part:?}");
}

#[test]
fn a_panic_anywhere_is_undecided_and_makes_one_audit_line_that_quotes_nothing() {
    let renewal = renew(&Start::usual().token(), "ApprovePayment", "expired");
    for part in [Part::Engine, Part::Realm, Part::RealmLater, Part::Signer] {
        check(part, &renewal, point("ApprovePayment", "expired"));
    }
    let ask = json!({ "state": "SettlePayment", "input": { "project_id": "apollo" } });
    let nested = event(&Start::usual().token(), "payment", "delegate", ask);
    check(Part::Randomness, &nested, point("SettlePayment", "nested"));
    let token = Start { access_token: access_token_payload(LATER), at: LATER, ..Start::usual() }.token();
    let start = json!({ "transactionToken": token, "start": { "execution": execution("payment", "run-1") } });
    for part in [Part::Realm, Part::RealmLater] {
        check(part, &start, point("", "start"));
    }
}

#[test]
fn a_panic_of_the_log_itself_gives_no_statement() {
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let log = |_: AuditRecord| panic!("{HUSH}");
    let answer = block_on(ready(&World::new()).serve(event.as_bytes(), Ok(time(LATER)), log));
    assert_eq!(answer.map(|_| ()), Err(crate::RevalidationError::Undecided));
}

#[test]
fn a_panic_harms_no_later_event() {
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    let mut world = World::new();
    world.panics = Some(Part::Signer);
    assert_eq!(serve(&world, &event, LATER).answer.unwrap_err().0, "ClaimGuard.Undecided");
    world.panics = None;
    assert!(!serve(&world, &event, LATER).token().is_empty());
}
