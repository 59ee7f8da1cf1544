//! A token that proves nothing where it is presented.

use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with, without};

use super::keys::{foreign_key, realm_key};
use super::world::World;
use super::*;

/// The event is rejected for that reason, and nobody is asked.
#[track_caller]
fn check(event: &Value, untrusted: Value, code: &str, message: &str) {
    check_at(event, point("ApprovePayment", "expired"), untrusted, code, message);
}

#[track_caller]
fn check_at(event: &Value, point: Value, untrusted: Value, code: &str, message: &str) {
    let world = World::new();
    let audit = nameless_line("reject", point, untrusted, json!([reason(code, message)]));
    assert_eq!(serve(&world, event, LATER), rejected(audit));
    assert_eq!(world.calls(), (0, 0));
}

fn named() -> Value {
    json!({ "untrusted_txn": TRANSACTION })
}

fn renew_with(token: &str) -> Value {
    renew(token, "ApprovePayment", "expired")
}

#[test]
fn a_token_of_yesterdays_execution_is_rejected_in_todays() {
    let yesterday = Start { execution: execution("payment", "run-0"), at: NOW - 10, ..Start::usual() };
    let yesterday = Start { access_token: access_token_payload(NOW - 10), ..yesterday };
    let message = format!(
        "execution: expected `{}`, presented `{}`",
        execution("payment", "run-1"),
        execution("payment", "run-0")
    );
    check(&renew_with(&yesterday.token()), named(), "other_execution", &message);
}

#[test]
fn a_token_of_another_workflow_is_rejected() {
    let message = "workflow: expected `payment`, presented `settlement`";
    check(&renew_with(&Start::of("settlement").token()), named(), "other_workflow", message);
}

#[test]
fn a_token_of_another_stack_is_rejected() {
    let other = Start { trust_domain: "other.111122223333.eu-central-1", ..Start::usual() };
    let message = format!("trust domain: expected `{DOMAIN}`, presented `other.111122223333.eu-central-1`");
    check(&renew_with(&other.token()), named(), "other_trust_domain", &message);
}

#[test]
fn a_token_that_another_key_has_signed_is_rejected() {
    let served = serve(&World::new(), &renew_with(&Start::usual().token_by(foreign_key())), LATER);
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Rejected");
    assert_eq!(served.audit[0]["reasons"][0]["code"], "unknown_key");
}

#[test]
fn an_access_token_is_no_transaction_token() {
    let access_token = realm_key().token(&access_token_payload(NOW));
    let served = serve(&World::new(), &renew_with(&access_token), LATER);
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Rejected");
}

#[test]
fn no_token_is_rejected_and_not_misconfigured() {
    let message = "no transaction token was presented";
    check(&without(renew_with("x"), "/transactionToken"), json!({}), "absent", message);
    check(&with(renew_with("x"), "/transactionToken", Value::Null), json!({}), "absent", message);
    check(&with(renew_with("x"), "/transactionToken", json!({})), json!({}), "absent", message);
}

#[test]
fn a_context_that_contradicts_itself_is_rejected() {
    let event = with(renew_with(&Start::usual().token()), "/context/stateMachine", json!(machine("settlement")));
    let served = serve(&World::new(), &event, LATER);
    assert_eq!(served.audit[0]["reasons"][0]["code"], "other_workflow");
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Rejected");
}

#[test]
fn a_state_machine_that_runs_no_workflow_of_ours_is_misconfigured() {
    let foreign = machine("refund");
    let event = with(renew_with(&Start::usual().token()), "/context/stateMachine", json!(foreign));
    let message = format!("no workflow of access.toml runs on state machine `{foreign}`");
    let point = with(point("ApprovePayment", "expired"), "/workflow", json!(""));
    let reasons = json!([reason("unknown_state_machine", &message)]);
    let audit = nameless_line("misconfigured", point, json!({}), reasons);
    assert_eq!(serve(&World::new(), &event, LATER), misconfigured(audit));
}

#[test]
fn a_machine_whose_name_only_begins_like_ours_is_not_ours() {
    for foreign in [machine("payment2"), machine("payment/"), machine("payment/Map/Map")] {
        let event = with(renew_with(&Start::usual().token()), "/context/stateMachine", json!(foreign));
        let served = serve(&World::new(), &event, LATER);
        assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Misconfigured", "{foreign}");
    }
}

#[test]
fn the_child_of_a_distributed_map_cannot_renew_what_is_its_parents() {
    let child = "arn:aws:states:eu-central-1:111122223333:execution:payments-payment/Parties:child-1";
    let event = renew_with(&Start::usual().token());
    let event = with(event, "/context/stateMachine", json!(machine("payment/Parties")));
    let event = with(event, "/context/execution", json!(child));
    let point = with(point("ApprovePayment", "expired"), "/execution", json!(child));
    let message =
        format!("state machine: expected `{}`, presented `{}`", machine("payment/Parties"), machine("payment"));
    check_at(&event, point, named(), "other_state_machine", &message);
}
