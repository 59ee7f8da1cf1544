//! What the catalogue's tests share: one realm, one policy, one stack.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::access::{AccessPolicy, Condition};
use claim_guard::decision::{Decision, Grant, Unmet};
use claim_guard::identifier::KeyId;
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::JwsError;
use claim_guard::mint::UnsignedTransactionToken;
use claim_guard::token::RequiredClaim;
use claim_guard::transaction::{Attempt, PresentedAt, TransactionFailure, WorkPath};
use claim_guard::{
    AccessToken, Excerpt, JsonError, RealmKeySet, Rejection, Role, TransactionToken, UnixTime, VerifiedClaims,
    VerifiedTransaction,
};
use serde_json::{Map, Value};
use test_realm::{CLIENT, NOW, TestKey, access_token_payload};

use crate::support;
pub use crate::support::time;
pub use crate::support::transaction::{
    EXECUTION, at, header as transaction_header, payload as transaction_payload, verifier as transaction_verifier,
    workflow,
};
use crate::support::transaction::{sealed, state};

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

[workflows.payment]
session = "ignored"
max_duration = "365d"
[workflows.payment.start]
roles = ["workflow-api:payment:start"]
[workflows.payment.states.Approve]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true"]
[workflows.payment.states.Execute]
claims = ["project_id = input.project_id"]
"#;

/// The key that the tests' tokens are signed with, where the algorithm does not matter.
pub fn key() -> TestKey {
    TestKey::generate("ES256", "realm-key")
}

pub fn payload() -> Value {
    access_token_payload(NOW)
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
    rejected(JwsError::Member(MemberError::WrongType { part: Part::Payload, name, expected, presented }))
}

pub fn missing(part: Part, name: &'static str) -> Result<(), Rejection> {
    rejected(JwsError::Member(MemberError::Missing { part, name }))
}

/// A required claim is absent from a token of the sample's client.
pub fn no_claim(claim: RequiredClaim) -> Result<(), Rejection> {
    Err(Rejection::NoClaim { claim, client: Some(Excerpt::of(CLIENT)) })
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

pub fn start(payload: &Value) -> Grant {
    match policy().decide_start(&support::claims(payload), &workflow("payment"), &Map::new()) {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

pub fn unsigned(key: &TestKey, payload: &Value, execution: &str) -> UnsignedTransactionToken {
    support::transaction::unsigned(key, &start(payload), execution)
}

pub fn mint_at(key: &TestKey, payload: &Value, execution: &str) -> TransactionToken {
    sealed(key, unsigned(key, payload, execution))
}

pub fn mint(key: &TestKey) -> TransactionToken {
    mint_at(key, &payload(), EXECUTION)
}

/// A state that asks nothing of a statement's age.
const WITHOUT_FRESHNESS: &str = "workflows.payment = { session = \"ignored\", max_duration = \"365d\", start.any_verified_caller = true, states.Any.any_verified_caller = true }";

pub fn present(
    text: &str,
    keys: &[&TestKey],
    at: &PresentedAt,
    seconds: i64,
) -> Result<VerifiedTransaction, TransactionFailure> {
    let token = TransactionToken::parse(text)?;
    let policy = AccessPolicy::parse("access.toml", WITHOUT_FRESHNESS).unwrap();
    let state = state("Any");
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    transaction_verifier(keys).verify(&token, at, &attempt, time(seconds))
}

/// What is unmet at a state, on behalf of the payload's subject.
pub fn at_state(payload: &Value, state: &str, input: &Value) -> Vec<Unmet> {
    let key = TestKey::kms();
    let text = mint_at(&key, payload, EXECUTION);
    let transaction = present(text.as_str(), &[&key], &at(EXECUTION), 0).unwrap();
    decide_state(&policy(), &transaction, state, input)
}

pub fn decide_state(policy: &AccessPolicy, transaction: &VerifiedTransaction, name: &str, input: &Value) -> Vec<Unmet> {
    unmet(&policy.decide_state(transaction, &workflow("payment"), &state(name), input.as_object().unwrap()))
}
