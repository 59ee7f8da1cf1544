//! Runs that others have started: the children of a distributed Map, and executions of another workflow.

use serde_json::{Value, json};
use test_realm::{NOW, with, without};

use super::world::World;
use super::*;

const CHILD: &str = "arn:aws:states:eu-central-1:111122223333:execution:payments-payment/Parties:0f1e2d3c";
/// What chance calls the execution that is about to start.
const NAME: &str = "abababababababababababababababab";

fn adopt(token: &str) -> Value {
    let event = event(token, "payment", "adopt", json!({}));
    let event = with(event, "/context/stateMachine", json!(machine("payment/Parties")));
    with(event, "/context/execution", json!(CHILD))
}

fn child_point() -> Value {
    with(point("", "child"), "/execution", json!(CHILD))
}

fn delegate(token: &str, input: Value) -> Value {
    event(token, "payment", "delegate", json!({ "state": "SettlePayment", "input": input }))
}

#[test]
fn the_child_of_a_distributed_map_gets_a_statement_of_its_own() {
    let world = World::new();
    let served = serve(&world, &adopt(&Start::usual().token()), LATER);
    let answer = json!({ "transactionToken": served.token() });
    let audit = with(line("allow", child_point(), json!([])), "/epoch", json!(1));
    assert_eq!(served, Served { answer: Ok(answer), audit: vec![audit] });
    let payload = said(served.token());
    assert_eq!(payload["tctx"]["execution"], CHILD);
    assert_eq!(payload["tctx"]["state_machine"], machine("payment/Parties"));
    assert_eq!(payload["tctx"]["started"], NOW, "it is a part of its parent's run");
    assert_eq!((&payload["txn"], &payload["sub"]), (&json!(TRANSACTION), &json!(SUBJECT)));
    assert_eq!(world.calls(), (1, 1));
}

#[test]
fn what_a_child_has_adopted_it_can_renew() {
    let world = World::new();
    let adopted = serve(&world, &adopt(&Start::usual().token()), LATER);
    let event = renew(adopted.token(), "ApprovePayment", "expired");
    let event = with(event, "/context/stateMachine", json!(machine("payment/Parties")));
    let event = with(event, "/context/execution", json!(CHILD));
    let renewed = said(serve(&world, &event, LATER + 400).token());
    assert_eq!((&renewed["tctx"]["execution"], &renewed["tctx"]["epoch"]), (&json!(CHILD), &json!(2)));
}

#[test]
fn a_child_of_somebody_who_is_disabled_gets_none() {
    let mut world = World::new();
    world.user = world.user.map(|user| with(user, "/enabled", json!(false)));
    let message = "user `5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001` is disabled";
    let audit = line("deny", child_point(), json!([reason("user_disabled", message)]));
    assert_eq!(serve(&world, &adopt(&Start::usual().token()), LATER), denied(audit));
}

#[track_caller]
fn check_not_adopted(event: &Value, code: &str) {
    let world = World::new();
    let served = serve(&world, event, LATER);
    assert_eq!(served.audit[0]["reasons"][0]["code"], code, "{served:?}");
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Rejected");
    assert_eq!((served.audit.len(), world.calls()), (1, (0, 0)));
}

#[test]
fn nobody_adopts_what_is_not_his_parents() {
    check_not_adopted(&adopt(&Start::of("settlement").token()), "other_state_machine");
    let elsewhere = json!("arn:aws:states:eu-central-1:111122223333:execution:payments-payment/Other:0f1e2d3c");
    check_not_adopted(&with(adopt(&Start::usual().token()), "/context/execution", elsewhere), "foreign_execution");
    // A run that is no child of a Map, with its own token or with another run's.
    let own = event(&Start::usual().token(), "payment", "adopt", json!({}));
    check_not_adopted(&own, "other_state_machine");
    let others = Start { execution: execution("payment", "run-0"), ..Start::usual() }.token();
    check_not_adopted(&event(&others, "payment", "adopt", json!({})), "other_state_machine");
}

#[test]
fn an_execution_that_is_about_to_start_gets_a_name_and_a_statement_for_it() {
    let world = World::new();
    let input = json!({ "project_id": "apollo", "amount": 12 });
    let served = serve(&world, &delegate(&Start::usual().token(), input.clone()), LATER);
    let about_to_start = execution("settlement", NAME);
    let audit = line("allow", with(point("SettlePayment", "nested"), "/execution", json!(about_to_start)), json!([]));
    let answer = json!({ "transactionToken": served.token(), "name": NAME });
    assert_eq!(served, Served { answer: Ok(answer), audit: vec![with(audit, "/epoch", json!(1))] });
    let expected = json!({
        "iat": LATER,
        "exp": LATER + 60,
        "aud": DOMAIN,
        "txn": TRANSACTION,
        "sub": SUBJECT,
        "scope": "settlement",
        "req_wl": CLIENT,
        "rctx": { "iss": ISSUER, "jti": JTI, "sid": SID, "iat": NOW, "scope": "openid" },
        "tctx": {
            "execution": about_to_start,
            "state_machine": machine("settlement"),
            "epoch": 1,
            "redrive": 0,
            "started": LATER,
            "input": Digest::of(input.to_string().as_bytes()).as_str(),
            "roles": ["workflow-api:payment:execute"],
            "claims": { "project_id": "apollo" },
        },
    });
    assert_eq!(said(served.token()), expected);
    assert_eq!(world.calls(), (1, 1));
}

#[test]
fn who_may_not_start_the_other_workflow_does_not_start_it_through_this_one() {
    let mut world = World::new();
    world.evaluation = with(world.evaluation, "/resource_access/workflow-api/roles", json!(["payment:start"]));
    let served = serve(&world, &delegate(&Start::usual().token(), json!({ "project_id": "gemini" })), LATER);
    let reasons = served.audit[0]["reasons"].as_array().unwrap();
    let codes: Vec<&str> = reasons.iter().map(|reason| reason["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["missing_role", "claim_unmet"], "the role and the input are both looked at");
    let audit = line("deny", point("SettlePayment", "nested"), json!(reasons));
    assert_eq!(served, denied(audit));
    assert_eq!(world.calls(), (1, 0));
}

#[test]
fn a_state_that_starts_nothing_is_given_no_name() {
    let event = with(delegate(&Start::usual().token(), json!({})), "/delegate/state", json!("ApprovePayment"));
    let message = "the policy asks nothing of state `ApprovePayment`";
    let audit = line("deny", point("ApprovePayment", "nested"), json!([reason("no_state", message)]));
    let world = World::new();
    assert_eq!(serve(&world, &event, LATER), denied(audit));
    assert_eq!(world.calls(), (0, 0));
}

#[test]
fn what_was_made_for_the_other_execution_holds_in_no_other() {
    let served = serve(&World::new(), &delegate(&Start::usual().token(), json!({ "project_id": "apollo" })), LATER);
    let ask = json!({ "state": "Settle", "cause": "expired" });
    let own = with(
        event(served.token(), "settlement", "renew", ask.clone()),
        "/context/execution",
        json!(execution("settlement", NAME)),
    );
    let mut world = World::new();
    (world.executions.started_at, world.executions.input) = (LATER, json!({ "project_id": "apollo" }));
    assert_eq!(said(serve(&world, &own, LATER + 100).token())["tctx"]["epoch"], 2);
    let other = event(served.token(), "settlement", "renew", ask);
    assert_eq!(serve(&world, &other, LATER + 100).answer.unwrap_err().0, "ClaimGuard.Rejected");
    let parents = renew(served.token(), "ApprovePayment", "expired");
    assert_eq!(serve(&world, &parents, LATER + 100).answer.unwrap_err().0, "ClaimGuard.Rejected");
}

#[test]
fn an_input_that_is_no_object_starts_nothing() {
    let served = serve(&World::new(), &delegate(&Start::usual().token(), json!([])), LATER);
    assert_eq!(served.answer.unwrap_err().0, "ClaimGuard.Misconfigured");
    let absent = without(delegate(&Start::usual().token(), json!({})), "/delegate/input");
    assert_eq!(serve(&World::new(), &absent, LATER).answer.unwrap_err().0, "ClaimGuard.Misconfigured");
}
