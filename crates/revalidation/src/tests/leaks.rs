//! No token in a line, an error or a debug print.

use claim_guard::audit::Reason;
use minting::ServiceError;
use serde_json::json;
use test_realm::{access_token_payload, with};

use super::keys::{foreign_key, realm_key};
use super::world::World;
use super::*;

#[test]
fn no_line_and_no_error_holds_a_token() {
    let token = Start::usual().token();
    let foreign = Start::usual().token_by(foreign_key());
    let access_token = realm_key().token(&access_token_payload(NOW));
    let of_now = Start { access_token: access_token_payload(LATER), at: LATER, ..Start::usual() }.token();
    let nested = json!({ "state": "SettlePayment", "input": { "project_id": "apollo", "note": token } });
    let events = [
        renew(&token, "ApprovePayment", "expired"),
        renew(&token, "ExecutePayment", "denied"),
        renew(&token, &token, "expired"),
        renew(&token, "ApprovePayment", &token),
        renew(&foreign, "ApprovePayment", "expired"),
        renew(&access_token, "ApprovePayment", "expired"),
        event(&token, "payment", "adopt", json!({})),
        event(&token, "payment", "delegate", nested),
        json!({ "transactionToken": of_now, "start": { "execution": execution("payment", "run-1") } }),
        json!({ "transactionToken": of_now, "start": { "execution": of_now } }),
        // A token where none belongs.
        with(renew(&token, "ApprovePayment", "expired"), "/context/execution", json!(token)),
        with(renew(&token, "ApprovePayment", "expired"), "/context/state", json!(token)),
        with(renew(&token, "ApprovePayment", "expired"), &format!("/{token}"), json!(1)),
    ];
    let outage = ServiceError::Undecided(Reason::new("keycloak_timeout", &"too slow"));
    let mut worlds = [World::new(), World::new(), World::new(), World::new()];
    worlds[1].user = None;
    worlds[2].outage = Some(outage);
    worlds[3].evaluation = json!({ "access_token": access_token });
    let mut told = String::new();
    let mut tokens = vec![token.clone(), of_now.clone(), foreign, access_token];
    for world in &worlds {
        for event in &events {
            let served = serve(world, event, LATER);
            assert_eq!(served.audit.len(), 1);
            told.push_str(&format!("{}\n", served.audit[0]));
            match served.answer {
                Ok(answer) if answer.get("start").is_some() => told.push_str(&format!("{answer}\n")),
                Ok(_) => tokens.push(served.token().to_owned()),
                Err((name, message)) => told.push_str(&format!("{name}: {message}\n")),
            }
        }
    }
    assert!(tokens.len() > 3, "some of them are renewed");
    for token in &tokens {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!told.contains(signature), "a token's signature was told");
    }
}

#[test]
fn what_holds_a_token_does_not_print_it() {
    let world = World::new();
    let service = ready(&world);
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let renewed = block_on(service.serve(event.as_bytes(), Ok(time(LATER)), |_| Ok(()))).unwrap();
    assert_eq!(format!("{renewed:?}"), "Renewed(Renewed { token: TransactionToken(…), name: None })");
}
