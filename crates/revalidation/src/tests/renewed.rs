//! A statement that is renewed.

use serde_json::{Value, json};
use test_realm::{NOW, SUBJECT, access_token_payload, with, without};

use super::world::World;
use super::*;

/// What the first statement of the sample run says once it is renewed, where nothing has changed in the realm.
fn renewed_payload(state: &str) -> Value {
    json!({
        "iat": LATER,
        "exp": LATER + 300,
        "aud": DOMAIN,
        "txn": TRANSACTION,
        "sub": SUBJECT,
        "scope": "payment",
        "req_wl": CLIENT,
        "rctx": { "iss": ISSUER, "jti": JTI, "sid": SID, "iat": NOW, "scope": "openid" },
        "tctx": {
            "execution": execution("payment", "run-1"),
            "state_machine": machine("payment"),
            "epoch": 1,
            "redrive": 0,
            "started": NOW,
            "renewed": { "state": state, "rounds": 1 },
            "input": Digest::of(b"{}").as_str(),
            "roles": [
                "workflow-api:payment:approve", "workflow-api:payment:execute", "workflow-api:payment:start",
            ],
            "claims": { "compliance": { "kyc": true }, "project_id": "apollo" },
        },
    })
}

fn allowed(state: &str, cause: &str, changes: Value) -> Value {
    with(line("allow", point(state, cause), changes), "/epoch", json!(1))
}

#[track_caller]
fn check(world: &World, event: &Value, payload: Value, audit: Value) {
    let served = serve(world, event, LATER);
    let answer = json!({ "transactionToken": served.answer.as_ref().map(|_| served.token().to_owned()).ok() });
    assert_eq!(served, Served { answer: Ok(answer), audit: vec![audit] });
    assert_eq!(said(served.token()), payload);
    assert_eq!(world.calls(), (1, 1), "the realm is asked once, and KMS signs once");
}

#[test]
fn an_old_statement_is_renewed_for_the_state_that_asks() {
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    check(&World::new(), &event, renewed_payload("ApprovePayment"), allowed("ApprovePayment", "expired", json!([])));
}

#[test]
fn a_role_that_is_gone_is_gone_from_the_new_statement() {
    let mut world = World::new();
    let roles = json!(["payment:start", "payment:approve"]);
    world.evaluation = with(world.evaluation, "/resource_access/workflow-api/roles", roles);
    let kept = json!(["workflow-api:payment:approve", "workflow-api:payment:start"]);
    let lost = json!([reason("role_lost", "role `workflow-api:payment:execute` is granted no more")]);
    let event = renew(&Start::usual().token(), "ExecutePayment", "expired");
    let payload = with(renewed_payload("ExecutePayment"), "/tctx/roles", kept);
    check(&world, &event, payload, allowed("ExecutePayment", "expired", lost));
}

#[test]
fn a_role_that_was_granted_meanwhile_is_in_the_new_statement() {
    let token = Start::with_roles(&["payment:start"]).token();
    let gained = json!([
        reason("role_gained", "role `workflow-api:payment:approve` is granted now"),
        reason("role_gained", "role `workflow-api:payment:execute` is granted now"),
    ]);
    let event = renew(&token, "ApprovePayment", "denied");
    check(&World::new(), &event, renewed_payload("ApprovePayment"), allowed("ApprovePayment", "denied", gained));
}

#[test]
fn a_flag_is_what_the_realm_says_now() {
    let mut world = World::new();
    world.evaluation = with(world.evaluation, "/compliance/kyc", json!(false));
    let changed = json!([reason("claim_changed", "claim `compliance.kyc` has changed")]);
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    let payload = with(renewed_payload("ApprovePayment"), "/tctx/claims/compliance/kyc", json!(false));
    check(&world, &event, payload, allowed("ApprovePayment", "expired", changed));
}

#[test]
fn a_service_account_has_no_session_and_is_renewed_without_one() {
    let start = Start { access_token: without(access_token_payload(NOW), "/sid"), ..Start::usual() };
    let mut world = World::new();
    world.sessions = json!([]);
    world.evaluation = without(world.evaluation, "/sid");
    let event = renew(&start.token(), "ApprovePayment", "expired");
    let payload = without(renewed_payload("ApprovePayment"), "/rctx/sid");
    let audit = without(allowed("ApprovePayment", "expired", json!([])), "/token/sid");
    check(&world, &event, payload, audit);
}

#[test]
fn a_run_that_was_redriven_gets_a_statement_of_that_redrive() {
    let event = with(renew(&Start::usual().token(), "ApprovePayment", "expired"), "/context/redriveCount", json!(2));
    let audit = with(allowed("ApprovePayment", "expired", json!([])), "/point/redrive", json!(2));
    let mut world = World::new();
    world.executions.redrives.insert(execution("payment", "run-1"), 2);
    check(&world, &event, with(renewed_payload("ApprovePayment"), "/tctx/redrive", json!(2)), audit);
}

#[test]
fn a_session_that_is_required_and_alive_is_enough() {
    let event = event(
        &Start::of("supervised").token(),
        "supervised",
        "renew",
        json!({
            "state": "Work", "cause": "expired",
        }),
    );
    let served = serve(&World::new(), &event, LATER);
    assert_eq!(said(served.token())["tctx"]["epoch"], 1);
}

#[test]
fn statement_after_statement_keeps_its_transaction_and_begins_no_run_anew() {
    let world = World::new();
    let mut token = Start::usual().token();
    for epoch in 1..=20 {
        let now = NOW + 400 * epoch;
        let served = serve(&world, &renew(&token, "ApprovePayment", "expired"), now);
        served.token().clone_into(&mut token);
        let payload = said(&token);
        let kept = with(renewed_payload("ApprovePayment"), "/tctx/epoch", json!(epoch));
        assert_eq!(payload, with(with(kept, "/iat", json!(now)), "/exp", json!(now + 300)), "epoch {epoch}");
        assert_eq!(served.audit[0]["epoch"], epoch);
    }
}

#[test]
fn a_statement_near_the_end_of_the_longest_run_ends_with_it() {
    const MONTH: i64 = 30 * 24 * 3600;
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired");
    let served = serve(&World::new(), &event, NOW + MONTH - 100);
    assert_eq!(lifetime(&said(served.token())), Duration::from_secs(100));
}

#[test]
fn a_statement_that_still_holds_may_be_renewed_too() {
    let event = renew(&Start::usual().token(), "ExecutePayment", "expired");
    let served = serve(&World::new(), &event, NOW + 1);
    assert_eq!(said(served.token())["tctx"]["renewed"], json!({ "state": "ExecutePayment", "rounds": 1 }));
}

#[test]
fn without_its_audit_line_there_is_no_new_statement() {
    let world = World::new();
    let event = renew(&Start::usual().token(), "ApprovePayment", "expired").to_string();
    let full = |_: AuditRecord| Err(std::io::Error::other("the disk is full"));
    let answer = block_on(ready(&world).serve(event.as_bytes(), Ok(time(LATER)), full));
    assert_eq!(answer.map(|_| ()), Err(crate::RevalidationError::Undecided));
}
