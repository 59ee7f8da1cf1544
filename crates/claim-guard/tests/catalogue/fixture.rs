//! What the catalogue's tests share: one realm, one policy, one stack.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::access::{AccessPolicy, Condition};
use claim_guard::decision::{Decision, Grant, Unmet};
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, StateName, TransactionId, TrustDomain, WorkflowName};
use claim_guard::jws::{JwsError, Part};
use claim_guard::transaction::{
    Binding, Minting, PresentedAt, TransactionFailure, TransactionKeySet, UnsignedTransactionToken,
};
use claim_guard::{
    AccessToken, Excerpt, JsonError, Leeway, RealmKeySet, Rejection, Role, TransactionToken, TransactionVerifier,
    UnixTime, VerifiedClaims, VerifiedTransaction,
};
use serde_json::{Map, Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set};

use crate::support;

pub const POLICY: &str = r#"
[[routes]]
method = "POST"
path = "/payments"
any_role = ["workflow-api:payment:start"]

[[routes]]
method = "POST"
path = "/approvals"
any_role = ["realm:admin"]

[[routes]]
method = "POST"
path = "/assured"
claims = ['acr = "2"']

[[routes]]
method = "POST"
path = "/fresh"
claims = ["auth_time >= now - 15m"]

[[routes]]
method = "POST"
path = "/dated"
claims = ["compliance.kyc_since <= now", "compliance.kyc_until >= now"]

[[routes]]
method = "POST"
path = "/people"
claims = ['account_kind = "person"']

[[routes]]
method = "POST"
path = "/batches"
claims = ['client_id = "batch"']

[[routes]]
method = "POST"
path = "/compliant"
claims = ["compliance.kyc = true"]

[workflows.payment.start]
roles = ["workflow-api:payment:start"]
[workflows.payment.states.Approve]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true"]
[workflows.payment.states.Execute]
claims = ["project_id = input.project_id"]
"#;

pub const MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment";
pub const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:one";
pub const DOMAIN: &str = "payments.000000000000.eu-west-1";

/// The key that the tests' tokens are signed with, where the algorithm does not matter.
pub fn key() -> TestKey {
    TestKey::generate("ES256", "realm-key")
}

pub fn payload() -> Value {
    access_token_payload(NOW)
}

pub fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(NOW + seconds).unwrap()
}

pub fn verify_at(token: &str, keys: &RealmKeySet, now: UnixTime) -> Result<VerifiedClaims, Rejection> {
    AccessToken::parse(token).and_then(|token| support::verifier().verify(&token, keys, now))
}

/// What a token comes to; nothing if it is accepted.
pub fn verdict(token: &str, keys: &[&TestKey]) -> Result<(), Rejection> {
    verify_at(token, &support::keys(keys), support::now()).map(|_| ())
}

/// What a payload comes to, signed by the realm's key.
pub fn of_payload(payload: &Value) -> Result<(), Rejection> {
    let key = key();
    verdict(&key.token(payload), &[&key])
}

/// What a text in the place of the payload comes to, signed by the realm's key.
pub fn of_text(payload: &str) -> Result<(), Rejection> {
    let key = key();
    verdict(&key.token_of(&key.header().to_string(), payload), &[&key])
}

/// What a header's text comes to, signed by the realm's key.
pub fn of_header(header: &str) -> Result<(), Rejection> {
    let key = key();
    verdict(&key.token_of(header, &payload().to_string()), &[&key])
}

/// What bytes in the place of header and payload come to, signed by the realm's key.
pub fn of_bytes(key: &TestKey, header: &[u8], payload: &[u8]) -> Result<(), Rejection> {
    verdict(&signed(key, &format!("{}.{}", encode(header), encode(payload))), &[key])
}

/// A token whose first two parts are exactly this text.
pub fn signed(key: &TestKey, signing_input: &str) -> String {
    format!("{signing_input}.{}", encode(&key.sign(signing_input.as_bytes())))
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub fn parts(token: &str) -> [String; 3] {
    token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

pub fn rejected(error: JwsError) -> Result<(), Rejection> {
    Err(Rejection::Jws(error))
}

pub fn bad_signature(key: &TestKey) -> Result<(), Rejection> {
    rejected(JwsError::BadSignature { key_id: KeyId::parse(key.kid()).unwrap() })
}

pub fn wrong_type(name: &'static str, expected: &'static str, presented: &'static str) -> Result<(), Rejection> {
    rejected(JwsError::WrongType { part: Part::Payload, name, expected, presented })
}

pub fn missing(part: Part, name: &'static str) -> Result<(), Rejection> {
    rejected(JwsError::Missing { part, name })
}

pub fn forbidden_algorithm(presented: &str) -> Result<(), Rejection> {
    rejected(JwsError::ForbiddenAlgorithm { presented: Excerpt::of(presented) })
}

pub fn forbidden_member(name: &'static str) -> Result<(), Rejection> {
    rejected(JwsError::ForbiddenHeaderMember { name })
}

pub fn not_base64url(part: Part) -> Result<(), Rejection> {
    rejected(JwsError::NotBase64Url { part })
}

pub fn malformed(part: Part, column: usize) -> Result<(), Rejection> {
    rejected(JwsError::MalformedJson { part, error: JsonError::Malformed { line: 1, column, duplicate_member: false } })
}

/// A text that ends in an object's second member of one name.
pub fn duplicate(part: Part, column: usize) -> Result<(), Rejection> {
    rejected(JwsError::MalformedJson { part, error: JsonError::Malformed { line: 1, column, duplicate_member: true } })
}

pub fn not_an_object(part: Part) -> Result<(), Rejection> {
    rejected(JwsError::MalformedJson { part, error: JsonError::NotAnObject })
}

pub fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).unwrap()
}

pub fn unmet(decision: &Decision) -> Vec<Unmet> {
    match decision {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => denial.unmet().to_vec(),
    }
}

/// What is unmet when the payload's subject posts to a path of the policy; nothing if that is allowed.
pub fn post(payload: &Value, path: &str) -> Vec<Unmet> {
    unmet(&policy().decide_request(&support::claims(payload), "POST", path))
}

pub fn none_of(role: &str) -> Vec<Unmet> {
    vec![Unmet::NoneOfRoles { expected: vec![Role::parse(role).unwrap()] }]
}

pub fn absent(condition: &str) -> Vec<Unmet> {
    vec![Unmet::ClaimAbsent { condition: Condition::parse(condition).unwrap() }]
}

pub fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).unwrap()
}

pub fn start(payload: &Value) -> Grant {
    match policy().decide_start(&support::claims(payload), &workflow("payment"), &Map::new()) {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

pub fn unsigned(key: &TestKey, payload: &Value, execution: &str) -> UnsignedTransactionToken {
    let execution = ExecutionArn::parse(execution).unwrap();
    let binding = Binding { workflow: workflow("payment"), execution, redrive_count: 0 };
    let minting = Minting {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        key_id: KeyId::parse(key.kid()).unwrap(),
        transaction: TransactionId::parse("txn-1").unwrap(),
        lifetime: Duration::from_secs(300),
        now: support::now(),
    };
    UnsignedTransactionToken::at_start(&start(payload), &binding, &Digest::of(b"{}"), &minting)
}

pub fn mint_at(key: &TestKey, payload: &Value, execution: &str) -> TransactionToken {
    let unsigned = unsigned(key, payload, execution);
    let der = key.sign(unsigned.signing_input());
    unsigned.seal(&der).unwrap()
}

pub fn mint(key: &TestKey) -> TransactionToken {
    mint_at(key, &payload(), EXECUTION)
}

pub fn at(execution: &str) -> PresentedAt {
    let execution = ExecutionArn::parse(execution).unwrap();
    let state_machine = execution.state_machine();
    PresentedAt { workflow: workflow("payment"), execution, state_machine, redrive_count: 0 }
}

pub fn transaction_verifier(keys: &[&TestKey]) -> TransactionVerifier {
    let keys = TransactionKeySet::parse(key_set(keys.iter().copied()).as_bytes()).unwrap();
    TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX)
}

pub fn present(
    text: &str,
    keys: &[&TestKey],
    at: &PresentedAt,
    seconds: i64,
) -> Result<VerifiedTransaction, TransactionFailure> {
    let token = TransactionToken::parse(text)?;
    transaction_verifier(keys).verify(&token, at, time(seconds))
}

/// What is unmet at a state, on behalf of the payload's subject.
pub fn at_state(payload: &Value, state: &str, input: &Value) -> Vec<Unmet> {
    let key = TestKey::kms();
    let text = mint_at(&key, payload, EXECUTION);
    let transaction = present(text.as_str(), &[&key], &at(EXECUTION), 0).unwrap();
    decide_state(&policy(), &transaction, state, input)
}

pub fn decide_state(
    policy: &AccessPolicy,
    transaction: &VerifiedTransaction,
    state: &str,
    input: &Value,
) -> Vec<Unmet> {
    let state = StateName::parse(state).unwrap();
    unmet(&policy.decide_state(transaction, &workflow("payment"), &state, input.as_object().unwrap()))
}

/// A transaction token's header and payload as the stack writes them, for forging.
pub fn transaction_header(key: &TestKey) -> Value {
    json!({ "typ": "txntoken+jwt", "alg": "ES256", "kid": key.kid() })
}

pub fn transaction_payload() -> Value {
    json!({
        "iat": NOW, "exp": NOW + 300, "aud": DOMAIN, "txn": "txn-1", "sub": test_realm::SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": test_realm::ISSUER, "jti": "onrtro:1", "sid": "session" },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(), "roles": ["workflow-api:payment:approve"],
            "claims": { "project_id": "apollo" },
        },
    })
}
