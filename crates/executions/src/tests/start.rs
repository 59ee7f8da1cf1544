//! Starting.

use claim_guard::audit::Reason;
use claim_guard::identifier::{Digest, ExecutionArn, StateMachineArn, StateName, TrustDomain, WorkflowName};
use claim_guard::transaction::{Attempt, PresentedAt, TransactionKeySet, WorkPath};
use claim_guard::{Leeway, TransactionToken, TransactionVerifier, UnixTime};
use minting::ServiceError;
use serde_json::{Value, json};
use test_realm::{NOW, key_set, with, without};

use super::world::{World, environment, foreign_key, kms_key, lab, lab_in, lab_with};
use super::*;
use crate::body::MAX_BODY_BYTES;

#[test]
fn a_caller_who_may_starts_an_execution() {
    let lab = lab();
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), accepted(&given("01"), &drawn("02")));
    let allow = line("allow", start_point(Some(&given("01"))), &payload(), json!([]));
    assert_eq!(logged(&answer), with(allow, "/token/txn", json!(drawn("02"))));
    assert_eq!(lab.outside.calls(), ["sign", "ask", "start"]);
}

#[test]
fn what_enters_is_the_input_and_a_transaction_token_for_this_execution_alone() {
    let lab = lab();
    ask(&lab, &start_event());
    let arn = execution_arn(&given("01"));
    let entered: Value = serde_json::from_str(&lab.outside.input(&arn)).unwrap();
    let input = json!({ "project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": ["payer-1", "payee-1"] });
    let token = entered["transactionToken"].as_str().unwrap();
    // As old as the access token is what it said.
    assert_eq!(entered, json!({ "transactionToken": token, "saidAt": NOW - 10, "input": input }));

    let keys = TransactionKeySet::parse(key_set([kms_key()]).as_bytes()).unwrap();
    let domain = TrustDomain::parse("lab.111122223333.eu-central-1").unwrap();
    let guard = TransactionVerifier::new(domain, keys, Leeway::NONE);
    let at = PresentedAt {
        workflow: WorkflowName::parse("payment").unwrap(),
        execution: ExecutionArn::parse(&arn).unwrap(),
        state_machine: StateMachineArn::parse(MACHINE).unwrap(),
        redrive_count: 0,
    };
    let token = TransactionToken::parse(token).unwrap();
    let now = |seconds| UnixTime::from_seconds(seconds).unwrap();
    let (policy, state) = (policy(), StateName::parse("ApprovePayment").unwrap());
    let freshness = policy.workflow(&at.workflow).unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    let verified = guard.verify(&token, &at, &attempt, now(NOW)).unwrap();
    assert_eq!(verified.identity().subject().as_str(), payload()["sub"]);
    assert_eq!(verified.identity().expires_at(), now(NOW + 300), "the lifetime of the policy");
    let aged = guard.verify_whatever_age(&token, &at, now(NOW)).unwrap();
    assert_eq!(*aged.input_digest(), Digest::of(input.to_string().as_bytes()));
}

#[test]
fn an_alias_starts_executions_of_its_machine() {
    let lab = lab_with(&|variable| match variable {
        "WORKFLOW_STATE_MACHINES" => Some(json!({ "payment": format!("{MACHINE}:live") }).to_string()),
        _ => environment(variable),
    });
    assert_eq!(heard(&ask(&lab, &start_event())), accepted(&given("01"), &drawn("02")));
    assert_eq!(lab.outside.started_of(), [format!("{MACHINE}:live")]);
    // The statement is bound to an execution of the machine: that is what Step Functions calls it.
    assert!(lab.outside.input(&execution_arn(&given("01"))).contains("transactionToken"));
}

#[test]
fn base64_and_lower_case_headers_make_no_difference() {
    for name in ["start-base64", "start-lower-case-headers"] {
        let lab = lab();
        let answer = ask(&lab, &event(name, &token_of(&payload())));
        assert_eq!(heard(&answer), accepted(&given("01"), &drawn("02")), "{name}");
    }
}

#[test]
fn i32_l11_a_caller_without_the_start_role_is_denied_and_hears_no_reason() {
    let lab = lab();
    let caller = other(&["payment:approve", "payment:audit"]);
    let answer = ask(&lab, &event("start", &token_of(&caller)));
    assert_eq!(heard(&answer), forbidden());
    let reason = json!({ "code": "missing_role", "message": logged(&answer)["reasons"][0]["message"] });
    assert_eq!(logged(&answer), line("deny", start_point(None), &caller, json!([reason])));
    assert!(reason["message"].as_str().unwrap().contains("workflow-api:payment:start"), "{reason}");
    assert_eq!(lab.outside.calls(), [""; 0]);
}

#[track_caller]
fn check_refused(event: &Value, code: &str, expected: Value) {
    let lab = lab();
    let answer = ask(&lab, event);
    assert_eq!(heard(&answer), expected);
    let reasons = json!([{ "code": code, "message": expected["body"]["detail"] }]);
    let asked = event["pathParameters"]["workflow"].clone();
    let point = with(start_point(None), "/workflow", asked);
    assert_eq!(logged(&answer), line("reject", point, &payload(), reasons));
    assert_eq!(lab.outside.calls(), [""; 0]);
}

#[test]
fn an_unknown_workflow_is_not_found_by_a_verified_caller_only() {
    let not_found = problem(404, "Not Found", "there is no such workflow: correct its name");
    let event = event("start-unknown-workflow", &token_of(&payload()));
    check_refused(&event, "unknown_workflow", not_found.clone());
    check_refused(&with(event, "/pathParameters/workflow", json!("../payment")), "unknown_workflow", not_found);
    let stranger = super::event("start-unknown-workflow", "header.payload.signature");
    assert_eq!(heard(&ask(&lab(), &stranger)), unauthorized());
}

#[test]
fn a_body_over_the_budget_is_refused_before_anything_starts() {
    let too_large = problem(413, "Content Too Large", "send a body of at most 245760 bytes");
    let body = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
    check_refused(&start_with(&body(MAX_BODY_BYTES + 1)), "body_too_large", too_large.clone());
    // Written back, each number is longer than the caller's: 18 bytes for 4.
    let grows = format!(r#"{{"a":[{}1]}}"#, "1e15,".repeat(40_000));
    assert!(grows.len() < MAX_BODY_BYTES);
    check_refused(&start_with(&grows), "body_too_large", too_large.clone());
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(body(MAX_BODY_BYTES + 1));
    check_refused(&with(start_with(&encoded), "/isBase64Encoded", json!(true)), "body_too_large", too_large);

    let lab = lab();
    assert_eq!(heard(&ask(&lab, &start_with(&body(MAX_BODY_BYTES))))["statusCode"], 202);
    let entered = lab.outside.input(&execution_arn(&given("01"))).len();
    assert!(entered <= 256 * 1024, "{entered}");
}

#[test]
fn a_body_of_another_type_is_refused() {
    let expected = || problem(415, "Unsupported Media Type", "send the body as application/json");
    check_refused(&event("start-without-body", &token_of(&payload())), "body_not_json", expected());
    let content_type = |values: Value| with(start_event(), "/multiValueHeaders/Content-Type", values);
    for values in [json!(["text/plain"]), json!(["application/jsonp"]), json!(["application/json", "application/json"])]
    {
        check_refused(&content_type(values), "body_not_json", expected());
    }
    for value in ["application/json;charset=utf-8", "Application/JSON ; charset=utf-8"] {
        assert_eq!(heard(&ask(&lab(), &content_type(json!([value]))))["statusCode"], 202, "{value}");
    }
}

#[test]
fn a_body_that_is_not_one_strict_object_is_refused() {
    let expected = |cause: &str| problem(400, "Bad Request", &format!("send one JSON object: {cause}"));
    let malformed = event("start-malformed-body", &token_of(&payload()));
    check_refused(&malformed, "malformed_body", expected("malformed JSON at line `1` column `23`"));
    check_refused(&start_with(""), "malformed_body", expected("malformed JSON at line `1` column `0`"));
    check_refused(
        &with(start_event(), "/body", Value::Null),
        "malformed_body",
        expected("malformed JSON at line `1` column `0`"),
    );
    check_refused(&start_with("[]"), "malformed_body", expected("JSON, but not an object"));
    check_refused(
        &start_with(r#"{"project_id":"apollo","project_id":"gemini"}"#),
        "malformed_body",
        expected("duplicate member at line `1` column `45`"),
    );
    let not_base64 = with(start_with("{}"), "/isBase64Encoded", json!(true));
    check_refused(&not_base64, "body_not_base64", problem(400, "Bad Request", "send one JSON object"));
}

#[track_caller]
fn check_failure(change: impl FnOnce(&mut World), decision: &str, code: &'static str, message: &str, calls: &[&str]) {
    let lab = lab_in(change);
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), if decision == "undecided" { unavailable() } else { internal() });
    let reasons = json!([{ "code": code, "message": message }]);
    assert_eq!(logged(&answer), line(decision, start_point(Some(&given("01"))), &payload(), reasons));
    assert_eq!(lab.outside.calls(), calls);
}

#[test]
fn what_aws_does_not_do_is_undecided_or_misconfigured_and_never_a_denial() {
    let undecided = || ServiceError::Undecided(Reason::new("service_unavailable", &"busy"));
    let misconfigured = || ServiceError::Misconfigured(Reason::new("service_refused", &"no"));
    check_failure(|w| w.signature = Err(undecided()), "undecided", "service_unavailable", "busy", &["sign"]);
    check_failure(|w| w.signature = Err(misconfigured()), "misconfigured", "service_refused", "no", &["sign"]);
    let both = ["sign", "ask", "start"];
    check_failure(|w| w.start_failure = Some(undecided()), "undecided", "service_unavailable", "busy", &both);
    check_failure(|w| w.start_failure = Some(misconfigured()), "misconfigured", "service_refused", "no", &both);
}

#[test]
fn a_key_that_is_not_the_published_one_starts_nothing() {
    let lab = lab_in(|world| world.signature = Ok(foreign_key()));
    let answer = ask(&lab, &start_event());
    assert_eq!(heard(&answer), internal());
    assert_eq!(logged(&answer)["reasons"][0]["code"], "minted_token_rejected");
    assert_eq!(lab.outside.calls(), ["sign"]);
}

#[test]
fn a_claim_that_does_not_fit_into_a_transaction_token_starts_nothing() {
    let regions: Vec<String> = (0..400).map(|n| format!("region-{n}")).collect();
    let caller = with(payload(), "/compliance/regions", json!(regions));
    let lab = lab();
    let answer = ask(&lab, &event("start", &token_of(&caller)));
    assert_eq!(heard(&answer)["statusCode"], 403);
    assert_eq!(logged(&answer)["reasons"][0]["code"], "transaction_token_too_large");
    // Nobody has signed it.
    assert_eq!(lab.outside.calls(), [""; 0]);
}

#[test]
fn a_request_id_that_is_none_is_not_quoted() {
    let event = with(start_event(), "/requestContext/requestId", json!("\"><script>"));
    let event = without(event, "/multiValueHeaders/Content-Type");
    let event = without(event, "/headers/Content-Type");
    let body = heard(&ask(&lab(), &event))["body"].clone();
    assert_eq!(body.get("instance"), None);
}
