//! One run of one workflow, and a realm that stands behind it.

use std::sync::Arc;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{Issuer, KeyId, Scope, Subject};
use claim_guard::mint::UnsignedTransactionToken;
use claim_guard::revalidation::{
    AnswerFault, Cause, ClientAnswer, ConsentsAnswer, Inquiry, LiveIdentity, Question, RealmAnswer, RealmAnswers,
    RenewedStatement, SaidOfUser, SessionsAnswer, Standing, UserAnswer, Withdrawal, Withdrawals,
};
use claim_guard::transaction::StaleTransaction;
use serde_json::{Value, json};
use test_realm::{CLIENT, ISSUER, NOW, SUBJECT, TestKey, with};

use crate::support;
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{EXECUTION, at, domain, forged, forging_key, payload, state, verifier};

pub const POLICY: &str = r#"
[workflows.payment]
max_duration = "1h"
session = "ignored"
start.roles = ["workflow-api:payment:start"]
nested.Settle.workflow = "settlement"
[workflows.payment.states.Approve]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true"]
[workflows.payment.states.Execute]
claims = ["project_id = input.project_id"]
max_identity_age = "0s"
[workflows.payment.states.Sign]
any_verified_caller = true
revalidate_on_denied = false
[workflows.payment.states.Short]
any_verified_caller = true
max_identity_age = "10s"
[workflows.payment.states.Young]
any_verified_caller = true
max_identity_age = "31s"
[workflows.payment.states.Old]
any_verified_caller = true
max_identity_age = "1h"

[workflows.settlement]
max_duration = "365d"
transaction_token_lifetime = "1m"
session = "ignored"
start = { roles = ["workflow-api:payment:execute"], claims = ["project_id = input.project_id"] }
[workflows.settlement.states.Book]
any_role = ["workflow-api:payment:screen", "workflow-api:settlement:book"]
claims = ["compliance.kyc_level >= 2"]
"#;

/// The session of the statements here.
pub const SESSION: &str = "session";
/// What the realm calls the client.
pub const CLIENT_UUID: &str = "7f6f6c2e-0a3a-4f0e-9d21-6a1e7c9d0b11";

pub fn parsed(text: &str) -> AccessPolicy {
    AccessPolicy::parse("access.toml", text).unwrap()
}

pub fn policy() -> AccessPolicy {
    parsed(POLICY)
}

/// The same policy, where a run of `payment` ends with its starter's session.
pub fn policy_with_session() -> AccessPolicy {
    parsed(&POLICY.replacen("\"ignored\"", "\"required\"", 1))
}

/// The same policy without the workflow `payment`, or what a later deployment has left of it.
pub fn policy_without_payment() -> AccessPolicy {
    parsed(&POLICY.replace("workflows.payment", "workflows.refund"))
}

/// The statement that the run goes about with: of the start, made from an access token of ten seconds before.
pub fn statement() -> Value {
    payload()
}

/// The same statement, renewed for a state.
pub fn renewed_for(state: &str, rounds: u32) -> Value {
    with(statement(), "/tctx/renewed", json!({ "state": state, "rounds": rounds }))
}

/// The statement as it is presented in its own run, signed by the stack.
pub fn aged(statement: &Value) -> Arc<StaleTransaction> {
    aged_at(statement, EXECUTION)
}

pub fn aged_at(statement: &Value, execution: &str) -> Arc<StaleTransaction> {
    let key = forging_key();
    verifier(&[&key]).verify_whatever_age(&forged(&key, statement), &at(execution), time(0)).unwrap().into()
}

/// The question for the state `Approve`, whose statement is too old.
pub fn question_of(policy: &AccessPolicy, statement: &Value) -> Question {
    policy.question_of_state(aged(statement), &state("Approve"), Cause::Expired, 0, time(20)).map(alive).unwrap()
}

pub fn question() -> Question {
    question_of(&policy(), &statement())
}

/// `GET /realms/workflows`
pub fn realm() -> Value {
    json!({
        "realm": "workflows", "public_key": "MIIB", "token-service": format!("{ISSUER}/protocol/openid-connect"),
        "account-service": format!("{ISSUER}/account"), "tokens-not-before": 0,
    })
}

/// `GET /admin/realms/workflows/clients?clientId=payment-app`
pub fn client() -> Value {
    json!([{
        "id": CLIENT_UUID, "clientId": CLIENT, "enabled": true, "notBefore": 0, "secret": "hush",
        "consentRequired": false,
        "access": { "view": true },
    }])
}

/// `GET /admin/realms/workflows/users/SUBJECT`
pub fn user() -> Value {
    json!({
        "id": SUBJECT, "username": "alice", "email": "alice@example.com", "enabled": true,
        "attributes": { "kyc": ["true"] }, "notBefore": 0,
    })
}

/// One of `GET /admin/realms/workflows/users/SUBJECT/sessions`
pub fn session(id: &str) -> Value {
    json!({
        "id": id, "username": "alice", "userId": SUBJECT, "ipAddress": "127.0.0.1",
        "start": (NOW - 10) * 1000, "clients": { CLIENT_UUID: CLIENT }, "transientUser": false,
    })
}

/// One of `GET /admin/realms/workflows/users/SUBJECT/consents`
pub fn consent(client: &str) -> Value {
    json!({
        "clientId": client, "grantedClientScopes": ["roles"], "createdDate": NOW * 1000, "lastUpdatedDate": NOW * 1000,
        "additionalGrants": [],
    })
}

/// `GET …/evaluate-scopes/generate-example-access-token`: token and session are nobody's, new with each answer.
pub fn evaluation(issued_at: i64) -> Value {
    let claims = test_realm::access_token_payload(NOW + issued_at);
    let claims = with(claims, "/jti", json!("onrtna:1c8fa82c-0000-4000-8000-000000000000"));
    with(with(claims, "/sid", json!("transient")), "/scope", json!("openid profile"))
}

pub fn parse_realm(answer: &Value, inquiry: &Inquiry) -> Result<RealmAnswer, AnswerFault> {
    RealmAnswer::parse(answer.to_string().as_bytes(), inquiry)
}

pub fn parse_client(answer: &Value, inquiry: &Inquiry) -> Result<ClientAnswer, AnswerFault> {
    ClientAnswer::parse(answer.to_string().as_bytes(), inquiry)
}

/// The realm says the same of the user however it is asked.
pub fn parse_user(answer: &Value, inquiry: &Inquiry) -> Result<UserAnswer, AnswerFault> {
    match UserAnswer::parse(answer.to_string().as_bytes(), inquiry)? {
        SaidOfUser::Settled(user) => Ok(user),
        SaidOfUser::Disabled(user) => user.confirmed(json!([answer]).to_string().as_bytes(), inquiry),
    }
}

pub fn parse_sessions(answer: &Value, inquiry: &Inquiry) -> Result<SessionsAnswer, AnswerFault> {
    SessionsAnswer::parse(answer.to_string().as_bytes(), inquiry)
}

pub fn parse_consents(answer: &Value) -> Result<ConsentsAnswer, AnswerFault> {
    ConsentsAnswer::parse(answer.to_string().as_bytes())
}

/// What a realm answers that stands behind everything.
pub fn answers(inquiry: &Inquiry) -> RealmAnswers {
    RealmAnswers {
        realm: parse_realm(&realm(), inquiry).unwrap(),
        client: parse_client(&client(), inquiry).unwrap(),
        user: parse_user(&user(), inquiry).unwrap(),
        sessions: Some(parse_sessions(&json!([session(SESSION)]), inquiry).unwrap()),
        consents: None,
    }
}

/// A realm that stands behind everything.
pub fn standing(question: &Question) -> Standing<'_> {
    question.standing(&answers(question.inquiry())).unwrap()
}

/// What the realm's claims of now come to.
pub fn evaluated<'q>(claims: &Value, question: &'q Question, seconds: i64) -> Result<LiveIdentity<'q>, AnswerFault> {
    let claims = claims.to_string();
    standing(question).evaluated(claims.as_bytes(), &support::verifier(), time(seconds))
}

/// What follows from the realm's claims of now.
pub fn answered(
    policy: &AccessPolicy,
    question: Question,
    claims: &Value,
    seconds: i64,
) -> Result<RenewedStatement, Vec<Withdrawal>> {
    let live = evaluated(claims, &question, seconds).unwrap();
    live.statement(policy, time(seconds)).map_err(|withdrawals| withdrawals.all().to_vec())
}

/// The renewed statement, lacking its signature.
pub fn unsigned(key: &TestKey, statement: &RenewedStatement) -> UnsignedTransactionToken {
    UnsignedTransactionToken::renewed(statement, &domain(), &KeyId::parse(key.kid()).unwrap())
}

/// What the renewed statement will say.
pub fn stated(statement: &RenewedStatement) -> Value {
    support::transaction::stated(&unsigned(&TestKey::kms(), statement))
}

/// What stands against a question.
pub fn against<T>(asked: Result<T, Withdrawals>) -> Vec<Withdrawal> {
    asked.map_or_else(|withdrawals| withdrawals.all().to_vec(), |_| Vec::new())
}

pub fn issuer() -> Issuer {
    Issuer::parse(ISSUER).unwrap()
}

pub fn subject() -> Subject {
    Subject::parse(SUBJECT).unwrap()
}

pub fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}
