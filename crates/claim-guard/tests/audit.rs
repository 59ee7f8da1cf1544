//! Each decision makes one line of JSON, whatever was presented.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditContext, AuditOutcome, AuditPoint, AuditRecord, Reason, Stamp};
use claim_guard::identifier::{Digest, ExecutionArn, StateName, TransactionId, WorkflowName};
use claim_guard::transaction::{TransactionFailure, TransactionRejection, WorkPath};
use claim_guard::{AccessToken, Rejection, TransactionToken, UnixTime};
use serde_json::{Map, Value, json};
use test_realm::{ISSUER, NOW, SUBJECT, TestKey, access_token_payload, with, without};

mod support;

const POLICY: &str = r#"
[workflows.payment]
session = "ignored"
max_duration = "365d"
[workflows.payment.start]
roles = ["workflow-api:payment:start", "realm:approver"]
claims = ["compliance.kyc_level >= 4"]
[workflows.payment.states.ApprovePayment]
any_verified_caller = true
"#;

fn context(point: AuditPoint) -> AuditContext {
    AuditContext { point, policy: Some(Digest::of(POLICY.as_bytes())), now: UnixTime::from_seconds(NOW + 12) }
}

fn start() -> AuditPoint {
    AuditPoint::Start { workflow: "payment".to_owned(), execution: None }
}

#[track_caller]
fn check(record: &AuditRecord, expected: Value) {
    let line = record.to_line();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    assert!(line.starts_with(r#"{"audit":"claim-guard/1","#) && !line.contains('\n'), "{line}");
}

#[test]
fn denial_lists_everything_that_is_unmet() {
    let policy = AccessPolicy::parse("access.toml", POLICY).unwrap();
    let claims = support::claims(&access_token_payload(NOW));
    let decision = policy.decide_start(&claims, &WorkflowName::parse("payment").unwrap(), &Map::new());
    let record = AuditRecord::decided(context(start()), claims.identity(), &decision);
    let line: Value = serde_json::from_str(&record.to_line()).unwrap();
    let codes: Vec<&str> =
        line["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["missing_role", "claim_unmet"]);
    check(
        &record,
        json!({
            "audit": "claim-guard/1", "at": NOW + 12, "decision": "deny",
            "point": { "kind": "start", "workflow": "payment", "execution": null },
            "issuer": ISSUER, "subject": SUBJECT, "client": "payment-app",
            "token": { "jti": "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d", "sid": "kZ0VtqGmXJt0tBoQb1x2y3z4" },
            "reasons": line["reasons"], "policy": Digest::of(POLICY.as_bytes()).as_str(), "identity_age": 12,
        }),
    );
}

#[test]
fn allow_has_no_reason_and_names_the_transaction_that_it_begins() {
    let policy = AccessPolicy::parse("access.toml", POLICY).unwrap();
    let payload = with(access_token_payload(NOW), "/realm_access", json!({ "roles": ["approver"] }));
    let payload = without(with(payload, "/compliance/kyc_level", json!(4)), "/sid");
    let claims = support::claims(&payload);
    let decision = policy.decide_start(&claims, &WorkflowName::parse("payment").unwrap(), &Map::new());
    let record = AuditRecord::decided(context(start()), claims.identity(), &decision)
        .beginning(&TransactionId::parse("txn-1").unwrap());
    check(
        &record,
        json!({
            "audit": "claim-guard/1", "at": NOW + 12, "decision": "allow",
            "point": { "kind": "start", "workflow": "payment", "execution": null },
            "issuer": ISSUER, "subject": SUBJECT, "client": "payment-app",
            "token": { "jti": "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d", "txn": "txn-1" },
            "reasons": [], "policy": Digest::of(POLICY.as_bytes()).as_str(), "identity_age": 12,
        }),
    );
}

#[test]
fn whoever_acts_in_the_subject_s_place_is_named_by_identifiers_alone() {
    let act = json!({
        "sub": "robot", "client_id": "agent", "name": "Robot R.",
        "act": { "sub": "c2f5", "iss": "https://keycloak.example.com/realms/master", "email": "root@example.com" },
    });
    let claims = support::claims(&with(access_token_payload(NOW), "/act", act));
    let policy = AccessPolicy::parse("access.toml", POLICY).unwrap();
    let decision = policy.decide_start(&claims, &WorkflowName::parse("payment").unwrap(), &Map::new());
    let line = AuditRecord::decided(context(start()), claims.identity(), &decision).to_line();
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&record["subject"], &record["reasons"][0]["code"]), (&json!(SUBJECT), &json!("actor_present")));
    assert_eq!(
        record["actor"],
        json!([
            { "subject": "robot", "client": "agent" },
            { "subject": "c2f5", "issuer": "https://keycloak.example.com/realms/master" },
        ])
    );
    assert!(!line.contains("Robot R.") && !line.contains("root@example.com"), "{line}");
}

#[test]
fn rejected_token_is_named_by_what_it_calls_itself_and_never_printed() {
    let text = TestKey::generate("ES256", "key").token(&access_token_payload(NOW));
    let token = AccessToken::parse(&text).unwrap();
    let point = AuditPoint::Route { method: "POST".to_owned(), path: "/workflows/{workflow}/executions".to_owned() };
    let record = AuditRecord::rejected(context(point), Some(&token), &Rejection::IdToken);
    check(
        &record,
        json!({
            "audit": "claim-guard/1", "at": NOW + 12, "decision": "reject",
            "point": { "kind": "route", "method": "POST", "path": "/workflows/{workflow}/executions" },
            "token": { "untrusted_jti": "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d" },
            "reasons": [{ "code": "id_token", "message": "an ID token, expected an access token" }],
            "policy": Digest::of(POLICY.as_bytes()).as_str(),
        }),
    );
    assert!(text.split('.').all(|part| !record.to_line().contains(part)));
}

#[test]
fn old_statement_is_an_outcome_of_its_own() {
    let execution = ExecutionArn::parse("arn:aws:states:eu-west-1:000000000000:execution:payment:one").unwrap();
    let (workflow, state) = (WorkflowName::parse("payment").unwrap(), StateName::parse("ApprovePayment").unwrap());
    let point = AuditPoint::state(&workflow, &execution, &state, &WorkPath::parse("/3").unwrap(), 1, 2);
    let key = TestKey::generate("ES256", "key");
    let token = TransactionToken::parse(&key.token(&json!({ "txn": "txn\n1" }))).unwrap();
    let failure = TransactionFailure::Redriven { stated: 0, presented: 1 };
    check(
        &AuditRecord::failed(context(point), Some(&token), &failure),
        json!({
            "audit": "claim-guard/1", "at": NOW + 12, "decision": "identity_expired",
            "point": { "kind": "state", "workflow": "payment", "execution": execution.as_str(),
                       "state": "ApprovePayment", "work": "/3", "redrive": 1, "attempt": 2 },
            "token": { "untrusted_txn": "txn\\u{a}1" },
            "reasons": [{ "code": "redriven", "message": "redrive count: stated for `0`, presented `1`" }],
            "policy": Digest::of(POLICY.as_bytes()).as_str(),
        }),
    );
}

#[test]
fn only_a_statement_that_a_new_one_heals_is_an_expired_identity() {
    let (issued_at, now) = (support::now(), support::time(31));
    let state = StateName::parse("ApprovePayment").unwrap();
    let old = AuditOutcome::IdentityExpired;
    for (failure, outcome) in [
        (TransactionFailure::Rejected(TransactionRejection::Absent), AuditOutcome::Reject),
        (TransactionFailure::IssuedInFuture { issued_at: now, now: issued_at }, old),
        (TransactionFailure::Expired { expired_at: now, now }, old),
        (TransactionFailure::Redriven { stated: 0, presented: 1 }, old),
        (TransactionFailure::NotForThisAttempt { expected: state, stated: None, retry_count: 0 }, old),
        (TransactionFailure::TooOld { said_at: issued_at, limit: Duration::from_secs(30), now }, old),
    ] {
        assert_eq!(AuditRecord::failed(context(start()), None, &failure).outcome(), outcome, "{failure}");
    }
}

#[test]
fn guard_that_cannot_decide_says_so() {
    let context = AuditContext { point: start(), policy: None, now: None };
    let reason = || Reason::new("keys_unavailable", &"no key set");
    let line = |decision| {
        json!({
            "audit": "claim-guard/1", "decision": decision,
            "point": { "kind": "start", "workflow": "payment", "execution": null },
            "token": {}, "reasons": [{ "code": "keys_unavailable", "message": "no key set" }],
        })
    };
    check(&AuditRecord::undecided(context.clone(), reason()), line("undecided"));
    check(&AuditRecord::misconfigured(context, vec![reason()]), line("misconfigured"));
}

#[test]
fn a_written_line_says_which_one_it_is_beside_what_was_decided() {
    let record = AuditRecord::refused(context(start()), Reason::new("a", &"b"));
    let at = claim_guard::unix_time::UnixMillis::from_milliseconds(NOW * 1000 + 12_034);
    let stamp = Stamp { process: u64::MAX, line: 7, at };
    let stamped = record.clone().configured(&Digest::of(b"a configuration")).stamped(stamp);
    let mut line: Value = serde_json::from_str(&stamped.to_line()).unwrap();
    let configuration = line.as_object_mut().unwrap().remove("configuration");
    assert_eq!(configuration, Some(json!(Digest::of(b"a configuration").as_str())));
    let written = line.as_object_mut().unwrap().remove("written");
    assert_eq!(written, Some(json!({ "process": "ffffffffffffffff", "line": 7, "at_ms": NOW * 1000 + 12_034 })));
    assert_eq!(line, serde_json::from_str::<Value>(&record.to_line()).unwrap());
}
