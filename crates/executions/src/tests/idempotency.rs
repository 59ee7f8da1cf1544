//! `Idempotency-Key`.

use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::decision::Decision;
use claim_guard::identifier::{Digest, ExecutionArn, TransactionId, WorkflowName};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::Binding;
use claim_guard::{AccessToken, RealmKeySet, UnixTime};
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, access_token_payload, key_set, with};

use super::world::{environment, kms_key, lab, lab_in};
use super::*;
use crate::services::Status;
use crate::settings::Settings;

const BODY: &str = r#"{"project_id":"apollo","amount":1200}"#;

fn name(answer: &RecordedResponse) -> String {
    heard(answer)["body"]["execution"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_key_and_body_of_the_same_caller_is_the_same_execution() {
    let lab = lab();
    let first = ask(&lab, &keyed(&payload(), "order-1", BODY));
    let name = name(&first);
    assert_eq!(heard(&first), accepted(&name, &drawn("01")));
    assert_eq!(name.len(), 64);
    let spelled_otherwise = "{ \"amount\" : 1200,\n \"project_id\" : \"\\u0061pollo\" }";
    for body in [BODY, spelled_otherwise] {
        let again = ask(&lab, &keyed(&payload(), "order-1", body));
        assert_eq!(heard(&again), replayed(&name, &drawn("01")));
        let allow = line("allow", start_point(Some(&name)), &payload(), json!([]));
        assert_eq!(logged(&again), with(allow, "/token/txn", json!(drawn("01"))));
    }
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 1);
}

#[test]
fn the_same_execution_is_found_long_after_its_transaction_token_has_expired() {
    let mut lab = lab();
    let name = name(&ask(&lab, &keyed(&payload(), "order-1", BODY)));
    lab.outside.change(&execution_arn(&name), |execution| execution.status = Status::Succeeded);
    let tomorrow = NOW + 86_400;
    lab.outside.now = Ok(tomorrow);
    let again = ask(&lab, &keyed(&access_token_payload(tomorrow), "order-1", BODY));
    assert_eq!(heard(&again), with(replayed(&name, &drawn("01")), "/body/status", json!("SUCCEEDED")));
}

#[test]
fn another_body_under_the_same_key_is_a_conflict() {
    let lab = lab();
    let name = name(&ask(&lab, &keyed(&payload(), "order-1", BODY)));
    let other = ask(&lab, &keyed(&payload(), "order-1", r#"{"project_id":"apollo","amount":1201}"#));
    assert_eq!(heard(&other), problem(409, "Conflict", "this Idempotency-Key has begun other work: choose a new one"));
    let allow = line("allow", start_point(Some(&name)), &payload(), json!([]));
    assert_eq!(logged(&other), with(allow, "/token/txn", json!(drawn("01"))));
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 1);
}

#[test]
fn j11_another_caller_client_or_key_is_another_execution() {
    let lab = lab();
    let callers = [
        (payload(), "order-1"),
        (other(&["payment:start"]), "order-1"),
        (payload(), "order-2"),
        (with(payload(), "/azp", json!("other-app")), "order-1"),
    ];
    let answers: Vec<RecordedResponse> =
        callers.iter().map(|(caller, key)| ask(&lab, &keyed(caller, key, BODY))).collect();
    for (answer, transaction) in answers.iter().zip(["01", "02", "03", "04"]) {
        assert_eq!(heard(answer), accepted(&name(answer), &drawn(transaction)));
    }
    assert_eq!(lab.outside.executions.lock().unwrap().len(), callers.len());
}

#[test]
fn j11_a_name_begins_with_128_random_bits_whatever_the_caller_sends() {
    let lab = lab();
    let chosen = with(start_event(), "/queryStringParameters", json!({ "name": "mine", "execution": "mine" }));
    let chosen = with(chosen, "/body", json!(r#"{"name":"mine","execution":"mine"}"#));
    let chosen = with(chosen, "/pathParameters/execution", json!("mine"));
    for (event, bits) in [(start_event(), "01"), (chosen.clone(), "03"), (chosen, "05")] {
        assert_eq!(name(&ask(&lab, &event)), given(bits));
    }
}

#[test]
fn two_requests_at_the_same_time_start_one_execution() {
    let lab = lab();
    let event = keyed(&payload(), "order-1", BODY).to_string();
    let (first, second) = block_on(async { tokio::join!(lab.answer(&event), lab.answer(&event)) });
    // Either may win.
    let name = name(&first);
    let transaction = heard(&first)["body"]["transaction"].as_str().unwrap().to_owned();
    let mut both = [heard(&first), heard(&second)];
    both.sort_by_key(|response| response["headers"].get("idempotency-replayed").is_some());
    assert_eq!(both, [accepted(&name, &transaction), replayed(&name, &transaction)]);
    assert_eq!(lab.outside.calls(), ["sign", "sign", "ask", "ask", "start", "start", "describe"]);
    assert_eq!(lab.outside.executions.lock().unwrap().len(), 1);
}

#[test]
fn a_caller_who_may_no_longer_start_is_denied_his_own_key_too() {
    let lab = lab();
    ask(&lab, &keyed(&payload(), "order-1", BODY));
    let demoted = with(payload(), "/resource_access/workflow-api/roles", json!(["payment:audit"]));
    assert_eq!(heard(&ask(&lab, &keyed(&demoted, "order-1", BODY))), forbidden());
}

#[test]
fn a_workflow_that_wants_a_key_starts_nothing_without_one() {
    let mut lab = lab();
    let text = include_str!("../../../../access.toml");
    let wants = text.replace("[workflows.payment]", "[workflows.payment]\nidempotency = \"required\"");
    lab.policy = AccessPolicy::parse("access.toml", &wants).unwrap();
    let answer = ask(&lab, &start_event());
    let detail = "send an Idempotency-Key: this workflow starts nothing without one";
    assert_eq!(heard(&answer), problem(400, "Bad Request", detail));
    assert_eq!(logged(&answer)["reasons"], json!([{ "code": "no_idempotency_key", "message": detail }]));
    assert_eq!(lab.outside.calls().len(), 0);
    assert_eq!(heard(&ask(&lab, &keyed(&payload(), "order-1", BODY)))["statusCode"], 202);
}

#[test]
fn nobody_finds_the_name_that_anothers_key_leads_to() {
    // All that a name is made of but the stack's naming key, which was the whole of it once.
    let lab = lab();
    let caller = payload();
    let own = name(&ask(&lab, &keyed(&caller, "order-1", BODY)));
    let parts = [ISSUER, SUBJECT, CLIENT, "payment", "order-1"].map(|part| format!("{}:{part}", part.len()));
    let guessed = Digest::of(parts.concat().as_bytes());
    assert_ne!(guessed.as_str().trim_start_matches("sha256:"), own);
    let answer = ask(&lab, &about("describe", &caller, guessed.as_str().trim_start_matches("sha256:")));
    assert_eq!(heard(&answer), not_there());
    let mut elsewhere = lab_in(|_| {});
    elsewhere.outside.naming_bits = 8;
    assert_ne!(name(&ask(&elsewhere, &keyed(&caller, "order-1", BODY))), own);
}

#[test]
fn a_key_of_another_shape_is_refused() {
    let long = "x".repeat(256);
    for values in [json!([""]), json!(["a", "a"]), json!([long]), json!(["schlüssel"]), json!(["a\tb"])] {
        let lab = lab();
        let event = with(keyed(&payload(), "", BODY), "/multiValueHeaders/Idempotency-Key", values);
        let answer = ask(&lab, &event);
        let detail = "send one Idempotency-Key of 1 to 255 printable ASCII characters, or none";
        assert_eq!(heard(&answer), problem(400, "Bad Request", detail));
        let reasons = json!([{ "code": "malformed_idempotency_key", "message": detail }]);
        assert_eq!(logged(&answer), line("reject", start_point(None), &payload(), reasons));
        assert_eq!(lab.outside.calls().len(), 0);
    }
    let longest = ask(&lab(), &keyed(&payload(), &"x".repeat(255), BODY));
    assert_eq!(heard(&longest)["statusCode"], 202);
}

/// What an execution under the caller's name holds, and why it is not taken for his.
#[track_caller]
fn check_planted(input: impl FnOnce(&str) -> Option<String>, code: &str) {
    let lab = lab();
    let first = ask(&lab, &keyed(&payload(), "order-1", BODY));
    let arn = execution_arn(&name(&first));
    let input = input(&lab.outside.input(&arn));
    lab.outside.plant(&arn, input.as_deref());
    let answer = ask(&lab, &keyed(&payload(), "order-1", BODY));
    assert_eq!(heard(&answer), internal());
    let reason = json!({ "code": code, "message": logged(&answer)["reasons"][0]["message"] });
    assert_eq!(logged(&answer), line("misconfigured", start_point(Some(&name(&first))), &payload(), json!([reason])));
}

#[test]
fn an_execution_whose_statement_does_not_hold_is_nobodys() {
    check_planted(|_| None, "execution_without_input");
    check_planted(|_| Some("{".to_owned()), "execution_with_malformed_input");
    check_planted(|_| Some("{}".to_owned()), "execution_without_transaction_token");
    check_planted(|_| Some(json!({ "transactionToken": 1 }).to_string()), "execution_without_transaction_token");
    let altered = |input: &str| {
        let mut input: Value = serde_json::from_str(input).unwrap();
        let token = input["transactionToken"].as_str().unwrap().replace('.', "x.");
        input["transactionToken"] = json!(token);
        Some(input.to_string())
    };
    check_planted(altered, "execution_with_rejected_transaction_token");
    let of_another_execution = |_: &str| {
        let lab = lab();
        let answer = ask(&lab, &keyed(&payload(), "order-2", BODY));
        Some(lab.outside.input(&execution_arn(&name(&answer))))
    };
    check_planted(of_another_execution, "execution_with_rejected_transaction_token");
}

/// A statement that holds, for whoever the payload speaks of.
fn statement_for(caller: &Value, arn: &str) -> String {
    let (policy, now) = (policy(), UnixTime::from_seconds(NOW).unwrap());
    let Settings { realm, stack, .. } = Settings::from_lookup(&policy, environment).unwrap();
    let keys = RealmKeySet::parse(key_set([realm_key()]).as_bytes()).unwrap();
    let claims = realm.verifier.verify(&AccessToken::parse(&token_of(caller)).unwrap(), &keys, now).unwrap();
    let workflow = WorkflowName::parse("payment").unwrap();
    let Decision::Allow(grant) = policy.decide_start(&claims, &workflow, &serde_json::Map::new()) else { panic!() };
    let binding = Binding { workflow, execution: ExecutionArn::parse(arn).unwrap(), redrive_count: 0 };
    let minting = Minting {
        trust_domain: stack.trust_domain,
        key_id: stack.key_id,
        transaction: TransactionId::parse("planted").unwrap(),
        lifetime: Duration::from_secs(300),
        now,
    };
    let unsigned = UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b""), &minting);
    let signature = kms_key().sign(unsigned.signing_input());
    json!({ "transactionToken": unsigned.seal(&signature).unwrap().as_str() }).to_string()
}

#[test]
fn j11_an_execution_of_another_caller_under_the_same_name_is_not_taken_for_his() {
    let caller = payload();
    let name = name(&ask(&lab(), &keyed(&caller, "order-1", BODY)));
    let arn = execution_arn(&name);
    for other in [other(&["payment:start"]), with(payload(), "/azp", json!("other-app"))] {
        let lab = lab();
        lab.outside.plant(&arn, Some(&statement_for(&other, &arn)));
        let answer = ask(&lab, &keyed(&caller, "order-1", BODY));
        assert_eq!(heard(&answer), internal());
        let message = "the execution of this name is another caller's";
        let reasons = json!([{ "code": "foreign_execution", "message": message }]);
        assert_eq!(logged(&answer), line("misconfigured", start_point(Some(&name)), &caller, reasons));
    }
    let lab = lab();
    lab.outside.plant(&arn, Some(&statement_for(&caller, &arn)));
    assert_eq!(heard(&ask(&lab, &keyed(&caller, "order-1", BODY)))["statusCode"], 409, "his own, for other work");
}

#[test]
fn a_taken_name_that_cannot_be_looked_at_is_undecided() {
    let mut lab = lab();
    let first = ask(&lab, &keyed(&payload(), "order-1", BODY));
    lab.outside.describe_failure = Some(ServiceError::Undecided(Reason::new("service_unavailable", &"busy")));
    let answer = ask(&lab, &keyed(&payload(), "order-1", BODY));
    assert_eq!(heard(&answer), unavailable());
    let reasons = json!([{ "code": "service_unavailable", "message": "busy" }]);
    assert_eq!(logged(&answer), line("undecided", start_point(Some(&name(&first))), &payload(), reasons));
}

#[test]
fn a_start_whose_own_answer_got_lost_is_no_replay() {
    // The SDK sends a start again that got no answer; the emulator then says that the name is taken.
    let lab = lab_in(|world| world.start_twice = true);
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), accepted(&given("01"), &drawn("02")));
}
