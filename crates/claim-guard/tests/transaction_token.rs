//! Transaction tokens: minted from a grant, bound to one execution, worthless elsewhere.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::access::AccessPolicy;
use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, StateMachineArn, TransactionId, TrustDomain, WorkflowName};
use claim_guard::jws::{JwsError, KeySetError, Part};
use claim_guard::transaction::{
    Binding, DerError, MintError, Minting, PresentedAt, TransactionFailure, TransactionKeySet, TransactionRejection,
    UnsignedTransactionToken,
};
use claim_guard::{Excerpt, Leeway, TransactionToken, TransactionVerifier, UnixTime, VerifiedTransaction};
use serde_json::{Map, Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set, with, without};

mod support;

const POLICY: &str = r#"
[workflows.payment.start]
roles = ["workflow-api:payment:start"]
[workflows.payment.states.ApprovePayment]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true", "project_id = input.project_id"]
[workflows.refund.start]
roles = ["workflow-api:payment:start"]
[workflows.refund.states.Refund]
roles = ["workflow-api:payment:approve"]
"#;
const MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment";
const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:one";
const DOMAIN: &str = "payments.000000000000.eu-west-1";

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).unwrap()
}

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).unwrap()
}

fn grant(payload: &Value) -> Grant {
    match policy().decide_start(&support::claims(payload), &workflow("payment"), &Map::new()) {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

fn binding() -> Binding {
    Binding { workflow: workflow("payment"), execution: ExecutionArn::parse(EXECUTION).unwrap(), redrive_count: 0 }
}

fn minting(key: &TestKey) -> Minting {
    Minting {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        key_id: KeyId::parse(key.kid()).unwrap(),
        transaction: TransactionId::parse("txn-1").unwrap(),
        lifetime: Duration::from_secs(300),
        now: support::now(),
    }
}

fn unsigned(key: &TestKey, payload: &Value) -> UnsignedTransactionToken {
    UnsignedTransactionToken::at_start(&grant(payload), &binding(), &Digest::of(b"{}"), &minting(key))
}

fn mint(key: &TestKey) -> TransactionToken {
    let unsigned = unsigned(key, &access_token_payload(NOW));
    let der = key.sign(unsigned.signing_input());
    unsigned.seal(&der).unwrap()
}

fn at() -> PresentedAt {
    PresentedAt {
        workflow: workflow("payment"),
        execution: ExecutionArn::parse(EXECUTION).unwrap(),
        state_machine: StateMachineArn::parse(MACHINE).unwrap(),
        redrive_count: 0,
    }
}

fn verifier(key: &TestKey) -> TransactionVerifier {
    let keys = TransactionKeySet::parse(key_set([key]).as_bytes()).unwrap();
    TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX)
}

fn verify_at(
    key: &TestKey,
    token: &TransactionToken,
    at: &PresentedAt,
    seconds: i64,
) -> Result<VerifiedTransaction, TransactionFailure> {
    verifier(key).verify(token, at, UnixTime::from_seconds(NOW + seconds).unwrap())
}

/// A KMS key, and a key of the same name that signs in the form of JWS, for forging members of a token.
fn header(key: &TestKey) -> Value {
    json!({ "typ": "txntoken+jwt", "alg": "ES256", "kid": key.kid() })
}

fn payload() -> Value {
    json!({
        "iat": NOW, "exp": NOW + 300, "aud": DOMAIN, "txn": "txn-1", "sub": test_realm::SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": test_realm::ISSUER, "jti": "onrtro:1", "sid": "session" },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(), "roles": ["workflow-api:payment:approve"], "claims": { "project_id": "apollo" },
        },
    })
}

#[track_caller]
fn check_forged(
    header: impl Fn(Value) -> Value,
    payload_of: impl Fn(Value) -> Value,
    expected: Result<(), TransactionRejection>,
) {
    let key = TestKey::generate("ES256", "kms");
    let text = key.token_of(&header(self::header(&key)).to_string(), &payload_of(payload()).to_string());
    let verified = TransactionToken::parse(&text)
        .map_err(TransactionFailure::from)
        .and_then(|token| verify_at(&key, &token, &at(), 0))
        .map(|_| ());
    assert_eq!(verified, expected.map_err(TransactionFailure::Rejected));
}

#[test]
fn minted_token_verifies_at_its_own_execution_until_it_expires() {
    let key = TestKey::kms();
    let token = mint(&key);
    for seconds in [-5, 0, 299] {
        let verified = verify_at(&key, &token, &at(), seconds).unwrap();
        assert_eq!(verified.workflow().as_str(), "payment");
        assert_eq!(verified.identity().subject().as_str(), test_realm::SUBJECT);
        assert_eq!(verified.identity().transaction().map(|txn| txn.as_str()), Some("txn-1"));
        assert_eq!(verified.identity().client().as_str(), "payment-app");
        assert_eq!(verified.identity().issuer().as_str(), test_realm::ISSUER);
    }
    let time = |seconds| UnixTime::from_seconds(NOW + seconds).unwrap();
    let expired = TransactionFailure::Expired { expired_at: time(300), now: time(300) };
    assert_eq!(verify_at(&key, &token, &at(), 300).map(|_| ()), Err(expired));
    let future = TransactionFailure::IssuedInFuture { issued_at: time(0), now: time(-6) };
    assert_eq!(verify_at(&key, &token, &at(), -6).map(|_| ()), Err(future));
}

#[test]
fn minted_token_carries_what_the_workflow_names_and_nothing_personal() {
    let key = TestKey::kms();
    let personal = [("/email", "a@example.com"), ("/name", "Alice"), ("/preferred_username", "alice")]
        .into_iter()
        .fold(access_token_payload(NOW), |payload, (pointer, value)| with(payload, pointer, json!(value)));
    let unsigned = unsigned(&key, &personal);
    let encoded = std::str::from_utf8(unsigned.signing_input()).unwrap().split_once('.').unwrap().1.to_owned();
    let stated: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    let expected = json!({
        "iat": NOW, "exp": NOW + 300, "aud": DOMAIN, "txn": "txn-1", "sub": test_realm::SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": test_realm::ISSUER, "jti": personal["jti"], "sid": personal["sid"] },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(),
            "roles": ["workflow-api:payment:approve", "workflow-api:payment:start"],
            "claims": { "compliance": { "kyc": true }, "project_id": "apollo" },
        },
    });
    assert_eq!(stated, expected);
}

#[test]
fn token_presented_elsewhere_is_rejected_with_its_own_cause() {
    let key = TestKey::kms();
    let token = mint(&key);
    let other_execution = ExecutionArn::parse(&EXECUTION.replace(":one", ":two")).unwrap();
    let other_machine = StateMachineArn::parse(&MACHINE.replace(":payment", ":refund")).unwrap();
    let check = |at: PresentedAt, expected: TransactionRejection| {
        assert_eq!(verify_at(&key, &token, &at, 0).map(|_| ()), Err(expected.into()));
    };
    check(
        PresentedAt { workflow: workflow("refund"), ..at() },
        TransactionRejection::OtherWorkflow { expected: workflow("refund"), presented: workflow("payment") },
    );
    check(
        PresentedAt { state_machine: other_machine.clone(), ..at() },
        TransactionRejection::OtherStateMachine { expected: other_machine, presented: at().state_machine },
    );
    check(
        PresentedAt { execution: other_execution.clone(), ..at() },
        TransactionRejection::OtherExecution { expected: other_execution, presented: at().execution },
    );
    let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let elsewhere = TrustDomain::parse("other.stack").unwrap();
    let verified = TransactionVerifier::new(elsewhere.clone(), keys, Leeway::MAX).verify(&token, &at(), support::now());
    let expected = TransactionRejection::OtherTrustDomain { expected: elsewhere, presented: Excerpt::of(DOMAIN) };
    assert_eq!(verified.map(|_| ()), Err(expected.into()));
}

#[test]
fn redriven_execution_needs_a_new_statement() {
    let key = TestKey::kms();
    let at = PresentedAt { redrive_count: 1, ..at() };
    let expected = TransactionFailure::Redriven { stated: 0, presented: 1 };
    assert_eq!(verify_at(&key, &mint(&key), &at, 0).map(|_| ()), Err(expected));
}

#[test]
fn execution_of_another_machine_than_the_token_s_own_is_rejected() {
    let foreign = EXECUTION.replace("execution:payment", "execution:refund");
    let key = TestKey::generate("ES256", "kms");
    let stated = with(payload(), "/tctx/execution", json!(foreign));
    let token = TransactionToken::parse(&key.token_of(&header(&key).to_string(), &stated.to_string())).unwrap();
    let at = PresentedAt { execution: ExecutionArn::parse(&foreign).unwrap(), ..at() };
    let (expected, presented) = (at.state_machine.clone(), at.execution.clone());
    let expected = TransactionRejection::ForeignExecution { expected, presented };
    assert_eq!(verify_at(&key, &token, &at, 0).map(|_| ()), Err(expected.into()));
}

#[test]
fn altered_token_and_unknown_key_are_rejected() {
    let (key, other) = (TestKey::kms(), TestKey::kms());
    let token = mint(&key);
    let unknown = JwsError::UnknownKey { key_id: KeyId::parse(key.kid()).unwrap() };
    assert_eq!(verify_at(&other, &token, &at(), 0).map(|_| ()), Err(TransactionRejection::Jws(unknown).into()));
    let [header, payload, signature]: [&str; 3] = token.as_str().split('.').collect::<Vec<_>>().try_into().unwrap();
    let stated = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    for (from, to) in [("apollo", "gemini"), ("payment:start", "payment:audit"), ("\"epoch\":0", "\"epoch\":1")] {
        let altered = stated.replace(from, to);
        assert_ne!(altered, stated);
        let text = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(altered));
        let token = TransactionToken::parse(&text).unwrap();
        let bad = JwsError::BadSignature { key_id: KeyId::parse(key.kid()).unwrap() };
        assert_eq!(verify_at(&key, &token, &at(), 0).map(|_| ()), Err(TransactionRejection::Jws(bad).into()));
    }
}

#[test]
fn members_are_those_that_are_minted_and_no_others() {
    check_forged(|header| header, |payload| payload, Ok(()));
    check_forged(|header| header, |payload| without(payload, "/rctx/sid"), Ok(()));
    for member in ["/extra", "/rctx/email", "/tctx/admin"] {
        let name = Excerpt::of(member.rsplit('/').next().unwrap());
        let expected = Err(TransactionRejection::UnknownMember { presented: name });
        check_forged(|header| header, |payload| with(payload, member, json!("x")), expected);
    }
    let part = Part::Payload;
    for (member, name) in [
        ("/iat", "iat"),
        ("/exp", "exp"),
        ("/aud", "aud"),
        ("/txn", "txn"),
        ("/sub", "sub"),
        ("/scope", "scope"),
        ("/req_wl", "req_wl"),
        ("/rctx", "rctx"),
        ("/tctx", "tctx"),
        ("/rctx/iss", "iss"),
        ("/rctx/jti", "jti"),
        ("/tctx/execution", "execution"),
        ("/tctx/state_machine", "state_machine"),
        ("/tctx/epoch", "epoch"),
        ("/tctx/redrive", "redrive"),
        ("/tctx/input", "input"),
        ("/tctx/roles", "roles"),
        ("/tctx/claims", "claims"),
    ] {
        let expected = Err(JwsError::Missing { part, name }.into());
        check_forged(|header| header, |payload| without(payload, member), expected);
    }
    let wrong = |name, expected, presented| Err(JwsError::WrongType { part, name, expected, presented }.into());
    let of = |pointer: &'static str, value: Value| move |payload| with(payload, pointer, value.clone());
    check_forged(|header| header, of("/aud", json!([DOMAIN])), wrong("aud", "text", "an array"));
    check_forged(|header| header, of("/tctx/epoch", json!(-1)), wrong("epoch", "a count", "an integer"));
    check_forged(
        |header| header,
        of("/tctx/redrive", json!(4_294_967_296_u64)),
        wrong("redrive", "a count", "an integer"),
    );
    check_forged(|header| header, of("/tctx/roles", json!("x")), wrong("roles", "an array of text", "text"));
    check_forged(|header| header, of("/rctx/sid", json!(null)), wrong("sid", "text", "null"));
    let malformed = Err(TransactionRejection::MalformedRole { presented: Excerpt::of("approve") });
    check_forged(|header| header, of("/tctx/roles", json!(["approve"])), malformed);
    check_forged(|header| header, of("/exp", json!(NOW)), Err(TransactionRejection::WrongLifetime { presented: 0 }));
}

#[test]
fn other_kinds_of_token_are_rejected() {
    let expected = "txntoken+jwt";
    let wrong = |presented| Err(JwsError::WrongTokenType { expected, presented: Excerpt::of(presented) }.into());
    check_forged(|header| with(header, "/typ", json!("JWT")), |payload| payload, wrong("JWT"));
    check_forged(|header| with(header, "/typ", json!("at+jwt")), |payload| payload, wrong("at+jwt"));
    let missing = Err(JwsError::Missing { part: Part::Header, name: "typ" }.into());
    check_forged(|header| without(header, "/typ"), |payload| payload, missing);
}

#[test]
fn aged_token_says_who_started_an_execution() {
    let key = TestKey::kms();
    let later = UnixTime::from_seconds(NOW + 86_400 * 30).unwrap();
    let aged = verifier(&key).verify_whatever_age(&mint(&key), &at(), later).unwrap();
    assert_eq!(aged.identity().subject().as_str(), test_realm::SUBJECT);
    assert_eq!((aged.epoch(), aged.input_digest()), (0, &Digest::of(b"{}")));
    assert_eq!(aged.binding(), &binding());
    let at = PresentedAt { execution: ExecutionArn::parse(&EXECUTION.replace(":one", ":two")).unwrap(), ..at() };
    let (expected, presented) = (at.execution.clone(), binding().execution);
    let other = TransactionRejection::OtherExecution { expected, presented };
    assert_eq!(verifier(&key).verify_whatever_age(&mint(&key), &at, later).map(|_| ()), Err(other));
}

#[test]
fn renewed_statement_of_one_second_is_read_as_stated() {
    let key = TestKey::generate("ES256", "kms");
    let stated = with(with(payload(), "/tctx/epoch", json!(7)), "/exp", json!(NOW + 1));
    let token = TransactionToken::parse(&key.token_of(&header(&key).to_string(), &stated.to_string())).unwrap();
    let aged = verifier(&key).verify_whatever_age(&token, &at(), support::now()).unwrap();
    assert_eq!((aged.epoch(), aged.identity().expires_at().seconds()), (7, NOW + 1));
}

#[test]
fn token_that_would_burden_every_state_is_not_minted() {
    let key = TestKey::kms();
    let wide = with(access_token_payload(NOW), "/project_id", json!("x".repeat(2000)));
    let unsigned = unsigned(&key, &wide);
    let der = key.sign(unsigned.signing_input());
    let presented = unsigned.signing_input().len() + 1 + 86;
    assert_eq!(unsigned.seal(&der).unwrap_err(), MintError::TooLarge { limit: 2048, presented });
    assert!(mint(&key).as_str().len() < 1300, "{}", mint(&key).as_str().len());
}

#[test]
fn signer_that_answers_nonsense_mints_nothing() {
    let key = TestKey::kms();
    for der in [&b""[..], b"<html>", &[0x30, 0x00]] {
        let sealed = unsigned(&key, &access_token_payload(NOW)).seal(der);
        assert_eq!(sealed.unwrap_err(), MintError::MalformedSignature(DerError));
    }
}

#[test]
fn key_set_of_the_stack_holds_es256_keys_and_no_others() {
    let (old, new) = (TestKey::kms(), TestKey::kms());
    assert_eq!(TransactionKeySet::parse(key_set([&old, &new]).as_bytes()).map(|_| ()), Ok(()));
    let both = TransactionKeySet::parse(key_set([&old, &new]).as_bytes()).unwrap();
    assert!([&old, &new].iter().all(|key| both.contains(&KeyId::parse(key.kid()).unwrap())));
    assert!(!both.contains(&KeyId::parse("other").unwrap()));
    let foreign = TestKey::generate("EdDSA", "key");
    let refused = TransactionKeySet::parse(key_set([&old, &foreign]).as_bytes()).map(|_| ());
    assert_eq!(refused, Err(KeySetError::NoUsableKey { skipped: Vec::new() }));
    let mut unusable = old.jwk();
    unusable["use"] = json!("enc");
    let text = json!({ "keys": [new.jwk(), unusable] }).to_string();
    assert!(
        matches!(TransactionKeySet::parse(text.as_bytes()), Err(KeySetError::NoUsableKey { skipped }) if skipped.len() == 1)
    );
}

#[test]
fn transaction_tokens_never_print() {
    assert_eq!(format!("{:?}", mint(&TestKey::kms())), "TransactionToken(…)");
}
