//! Rows of sections F and J that only the realm can answer: what was true at the start is not true any more.

use std::sync::Arc;
use std::time::Duration;

use claim_guard::access::{AccessPolicy, Condition, Plain};
use claim_guard::decision::Unmet;
use claim_guard::identifier::{KeyId, StateName, Subject};
use claim_guard::jws::JwsError;
use claim_guard::mint::UnsignedTransactionToken;
use claim_guard::revalidation::{
    Cause, ClientAnswer, Question, RealmAnswer, RealmAnswers, SaidOfUser, UserAnswer, Withdrawal, Withdrawals,
};
use claim_guard::transaction::{
    Attempt, PresentedAt, StaleTransaction, TransactionFailure, TransactionRejection, WorkPath,
};
use claim_guard::{Excerpt, Role, TransactionToken, VerifiedTransaction};
use serde_json::{Map, Value, json};
use test_realm::{CLIENT, SUBJECT, TestKey, access_token_payload, with};

use crate::fixture::{mint_at, unmet};
use crate::support;
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{
    EXECUTION, at, domain, execution, forged, payload, sealed, state, verifier, workflow,
};

const FRESH: &str = r#"
[workflows.payment]
session = "ignored"
max_duration = "365d"
start.roles = ["workflow-api:payment:start"]
nested.Settle.workflow = "settlement"
[workflows.payment.states.Approve]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true"]
max_identity_age = "30s"
[workflows.settlement]
session = "ignored"
max_duration = "365d"
start.roles = ["workflow-api:payment:execute"]
states.Book.roles = ["workflow-api:payment:execute"]
"#;

const MONTH: i64 = 30 * 24 * 3600;

/// What the realm says of the user now.
struct Realm {
    user: Value,
    claims: Value,
}

impl Realm {
    /// Everything is as it was at the start.
    fn unchanged(seconds: i64) -> Self {
        Self {
            user: json!({ "id": SUBJECT, "username": "alice", "enabled": true, "notBefore": 0 }),
            claims: access_token_payload(test_realm::NOW + seconds),
        }
    }

    fn answer(
        &self,
        policy: &AccessPolicy,
        key: &TestKey,
        question: Question,
        seconds: i64,
    ) -> Result<TransactionToken, Withdrawals> {
        let bytes = |answer: &Value| answer.to_string().into_bytes();
        let realm = json!({ "realm": "workflows", "tokens-not-before": 0 });
        let client = json!([{ "id": "0b7c", "clientId": CLIENT, "enabled": true, "notBefore": 0 }]);
        let inquiry = question.inquiry();
        let answers = RealmAnswers {
            realm: RealmAnswer::parse(&bytes(&realm), inquiry).unwrap(),
            client: ClientAnswer::parse(&bytes(&client), inquiry).unwrap(),
            user: match UserAnswer::parse(&bytes(&self.user), inquiry).unwrap() {
                SaidOfUser::Settled(user) => user,
                SaidOfUser::Disabled(user) => user.confirmed(&bytes(&json!([self.user])), inquiry).unwrap(),
            },
            sessions: None,
            consents: None,
        };
        let standing = question.standing(&answers)?;
        let live = standing.evaluated(&bytes(&self.claims), &support::verifier(), time(seconds)).unwrap();
        let statement = live.statement(policy, time(seconds))?;
        let key_id = KeyId::parse(key.kid()).unwrap();
        Ok(sealed(key, UnsignedTransactionToken::renewed(&statement, &domain(), &key_id)))
    }
}

fn fresh() -> AccessPolicy {
    AccessPolicy::parse("access.toml", FRESH).unwrap()
}

fn approve() -> StateName {
    state("Approve")
}

fn redriven(redrive_count: u32) -> PresentedAt {
    PresentedAt { redrive_count, ..at(EXECUTION) }
}

/// What the guard of `Approve` makes of a token.
fn guarded(
    token: &TransactionToken,
    key: &TestKey,
    at: &PresentedAt,
    seconds: i64,
) -> Result<VerifiedTransaction, TransactionFailure> {
    let (policy, approve) = (fresh(), approve());
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(&approve).unwrap().freshness();
    let attempt = Attempt { state: &approve, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    verifier(&[key]).verify(token, at, &attempt, time(seconds))
}

/// What is unmet at `Approve`.
fn unmet_at_approve(transaction: &VerifiedTransaction) -> Vec<Unmet> {
    unmet(&fresh().decide_state(transaction, &workflow("payment"), &approve(), &Map::new()))
}

fn aged(token: &TransactionToken, key: &TestKey, at: &PresentedAt, seconds: i64) -> Arc<StaleTransaction> {
    verifier(&[key]).verify_whatever_age(token, at, time(seconds)).unwrap().into()
}

/// The new statement for `Approve`, or what stands against it.
fn renewed(
    token: &TransactionToken,
    key: &TestKey,
    at: &PresentedAt,
    seconds: i64,
    realm: &Realm,
) -> Result<TransactionToken, Vec<Withdrawal>> {
    let (policy, old) = (fresh(), aged(token, key, at, seconds));
    policy
        .question_of_state(old, &approve(), Cause::Expired, at.redrive_count, time(seconds))
        .map(alive)
        .and_then(|question| realm.answer(&policy, key, question, seconds))
        .map_err(|withdrawals| withdrawals.all().to_vec())
}

fn too_old(limit: u64, seconds: i64) -> TransactionFailure {
    TransactionFailure::TooOld { said_at: time(0), limit: Duration::from_secs(limit), now: time(seconds) }
}

fn started(key: &TestKey) -> TransactionToken {
    mint_at(key, &access_token_payload(test_realm::NOW), EXECUTION)
}

/// Until the state's limit it acts on what was so at the start; from then on only on what is so now.
#[track_caller]
fn check_withdrawn(change: impl Fn(Value) -> Value, expected: &[Unmet]) {
    let (key, here) = (TestKey::kms(), at(EXECUTION));
    let token = started(&key);
    assert_eq!(guarded(&token, &key, &here, 30).map(|transaction| unmet_at_approve(&transaction)), Ok(Vec::new()));
    assert_eq!(guarded(&token, &key, &here, 31).err(), Some(too_old(30, 31)));
    let unchanged = Realm::unchanged(31);
    let realm = Realm { claims: change(unchanged.claims.clone()), ..Realm::unchanged(31) };
    let asked = |realm| guarded(&renewed(&token, &key, &here, 31, realm).unwrap(), &key, &here, 31).unwrap();
    assert_eq!(unmet_at_approve(&asked(&unchanged)), []);
    assert_eq!(unmet_at_approve(&asked(&realm)), expected);
}

#[test]
fn f12_flag_that_is_false_since_the_start_denies_after_revalidation() {
    let condition = Condition::parse("compliance.kyc = true").unwrap();
    let (expected, presented) = (Plain::Boolean(true), json!(false));
    check_withdrawn(
        |claims| with(claims, "/compliance/kyc", json!(false)),
        &[Unmet::ClaimUnmet { condition, expected, presented }],
    );
}

#[test]
fn f13_role_that_is_gone_since_the_start_denies_after_revalidation_whoever_inherited_it() {
    // Composite and inherited roles stand in a token like any other, and so they do in what the realm evaluates.
    let expected = Role::parse("workflow-api:payment:approve").unwrap();
    check_withdrawn(
        |claims| with(claims, "/resource_access/workflow-api/roles", json!(["payment:start"])),
        &[Unmet::MissingRole { expected }],
    );
}

#[test]
fn j16_token_for_a_nested_execution_is_good_there_and_nowhere_else() {
    let (key, policy) = (TestKey::kms(), fresh());
    let token = started(&key);
    let arn = |name: &str| execution(&EXECUTION.replace(":payment:one", &format!(":settlement:{name}")));
    let question = policy
        .question_of_nested_start(
            aged(&token, &key, &at(EXECUTION), 31),
            &state("Settle"),
            &arn("two"),
            Map::new(),
            0,
            time(31),
        )
        .map(alive)
        .unwrap();
    let delegated = Realm::unchanged(31).answer(&policy, &key, question, 31).unwrap();
    let there = PresentedAt { workflow: workflow("settlement"), ..at(arn("two").as_str()) };
    let verified = |token: &TransactionToken, at: &PresentedAt| {
        let verified = verifier(&[&key]).verify_whatever_age(token, at, time(31));
        verified.map(|aged| aged.identity().transaction().map(ToString::to_string))
    };
    assert_eq!(verified(&delegated, &there), Ok(Some("txn-1".to_owned())));
    let other = |expected, presented| {
        let (expected, presented) = (workflow(expected), workflow(presented));
        Err(TransactionRejection::OtherWorkflow { expected, presented })
    };
    assert_eq!(verified(&delegated, &at(EXECUTION)), other("payment", "settlement"));
    assert_eq!(verified(&token, &there), other("settlement", "payment"));
    let elsewhere = PresentedAt { execution: arn("three"), ..there };
    let rejection = TransactionRejection::OtherExecution { expected: arn("three"), presented: arn("two") };
    assert_eq!(verified(&delegated, &elsewhere), Err(rejection));
}

#[test]
fn j22_redrive_after_the_user_was_disabled_is_denied_by_revalidation() {
    let (key, again) = (TestKey::kms(), redriven(1));
    let token = started(&key);
    let redriven_since = TransactionFailure::Redriven { stated: 0, presented: 1 };
    assert_eq!(guarded(&token, &key, &again, 1).err(), Some(redriven_since));
    let disabled = Realm { user: with(Realm::unchanged(1).user, "/enabled", json!(false)), ..Realm::unchanged(1) };
    let withdrawal = Withdrawal::UserDisabled { subject: Subject::parse(SUBJECT).unwrap() };
    assert_eq!(renewed(&token, &key, &again, 1, &disabled), Err(vec![withdrawal]));
    let new = renewed(&token, &key, &again, 1, &Realm::unchanged(1)).unwrap();
    assert_eq!(guarded(&new, &key, &again, 1).map(|transaction| unmet_at_approve(&transaction)), Ok(Vec::new()));
    let third = TransactionFailure::Redriven { stated: 1, presented: 2 };
    assert_eq!(guarded(&new, &key, &redriven(2), 1).err(), Some(third));
}

#[test]
fn j24_state_after_a_wait_of_a_month_acts_on_what_the_realm_says_then() {
    let (key, here) = (TestKey::kms(), at(EXECUTION));
    let token = started(&key);
    let expired = TransactionFailure::Expired { expired_at: time(300), now: time(MONTH) };
    assert_eq!(guarded(&token, &key, &here, MONTH).err(), Some(expired));
    let new = renewed(&token, &key, &here, MONTH, &Realm::unchanged(MONTH)).unwrap();
    assert_eq!(guarded(&new, &key, &here, MONTH).map(|transaction| unmet_at_approve(&transaction)), Ok(Vec::new()));
    let unchanged = Realm::unchanged(MONTH);
    let logged_out = Realm { user: with(unchanged.user, "/notBefore", json!(test_realm::NOW + 60)), ..unchanged };
    let (not_before, issued_at) = (time(60), time(0));
    let withdrawal = Withdrawal::UserNotBefore { not_before, issued_at };
    assert_eq!(renewed(&token, &key, &here, MONTH, &logged_out), Err(vec![withdrawal]));
}

/// The stack's key signs statements, and who we are to Keycloak (RFC 7523). Neither may pass for the other.
#[test]
fn client_assertion_of_the_stack_is_no_transaction_token() {
    let key = TestKey::generate("ES256", "kms");
    let header = json!({ "alg": "ES256", "kid": key.kid(), "typ": "JWT" });
    let assertion = json!({
        "iss": "workflow-revalidation", "sub": "workflow-revalidation", "aud": test_realm::ISSUER, "jti": "0b7c",
        "iat": test_realm::NOW, "exp": test_realm::NOW + 60,
    });
    let rejection = |token: &str| {
        let token = TransactionToken::parse(token).unwrap();
        verifier(&[&key]).verify_whatever_age(&token, &at(EXECUTION), time(0)).map(|_| ())
    };
    let wrong = JwsError::WrongTokenType { expected: "txntoken+jwt", presented: Excerpt::of("JWT") };
    assert_eq!(rejection(&key.token_of(&header.to_string(), &assertion.to_string())), Err(wrong.clone().into()));
    // Not even if it said all that a statement says.
    assert_eq!(rejection(&key.token_of(&header.to_string(), &payload().to_string())), Err(wrong.into()));
    assert_eq!(rejection(forged(&key, &payload()).as_str()), Ok(()));
}
