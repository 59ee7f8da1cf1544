//! An outside in memory: an engine, a realm with one client and one user, a key, and chance that always falls the same way.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use claim_guard::UnixTime;
use claim_guard::audit::Reason;
use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{
    AnswerFault, ClientAnswer, ConsentsAnswer, ExecutionSeen, Inquiry, MapRunSeen, Question, RealmAnswer, RealmAnswers,
    SaidOfUser, SessionsAnswer, StartQuestion, UserAnswer,
};
use minting::{NoRandom, ServiceError, Signer};
use serde_json::{Value, json};
use test_realm::{CLIENT, NOW, SUBJECT, TestKey, access_token_payload, with};

use super::engine::Executions;
use super::keys::{access_tokens, kms_key};
use crate::engine::Engine;
use crate::randomness::Randomness;
use crate::realm::{Answered, Realm, Stood, Unanswered};

/// What the realm answers, as JSON; each of them may be changed to anything.
pub(super) struct World {
    pub(super) realm: Value,
    pub(super) clients: Value,
    /// None where the realm says itself that there is no such user.
    pub(super) user: Option<Value>,
    pub(super) sessions: Value,
    pub(super) consents: Value,
    /// Whether a user who is said to be disabled is not stored as disabled.
    pub(super) locked_out: bool,
    pub(super) evaluation: Value,
    pub(super) executions: Executions,
    /// Why nothing is answered at all.
    pub(super) outage: Option<ServiceError>,
    pub(super) signature: Result<&'static TestKey, ServiceError>,
    pub(super) bits: Result<[u8; 16], NoRandom>,
    /// How long the realm takes to answer, and KMS to sign.
    pub(super) slow: [Duration; 2],
    /// Which part of the outside panics, if one does.
    pub(super) panics: Option<Part>,
    asked: AtomicU32,
    evaluated: AtomicU32,
    signed: AtomicU32,
}

/// A part of the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Realm,
    /// The realm, after it has let others have their turn.
    RealmLater,
    Signer,
    Randomness,
    Engine,
}

/// What a panic says: a text that was presented.
pub(super) const HUSH: &str = "hush: eyJ, alice@example.com";

impl World {
    /// A realm in which everything is as it was when the access token was issued.
    pub(super) fn new() -> Self {
        Self {
            realm: json!({ "realm": "workflows", "public_key": "MII", "tokens-not-before": 0 }),
            clients: json!([{ "id": "client-uuid", "clientId": CLIENT, "enabled": true, "notBefore": 0, "consentRequired": false }]),
            user: Some(json!({ "id": SUBJECT, "username": "ann", "enabled": true, "notBefore": 0 })),
            sessions: json!([{
                "id": "kZ0VtqGmXJt0tBoQb1x2y3z4", "userId": SUBJECT, "username": "ann", "start": NOW * 1000,
                "clients": { "client-uuid": CLIENT },
            }]),
            consents: json!([]),
            locked_out: false,
            evaluation: access_token_payload(NOW),
            executions: Executions::new(),
            outage: None,
            signature: Ok(kms_key()),
            bits: Ok([0xab; 16]),
            slow: [Duration::ZERO; 2],
            panics: None,
            asked: AtomicU32::new(0),
            evaluated: AtomicU32::new(0),
            signed: AtomicU32::new(0),
        }
    }

    fn reached(&self, part: Part) {
        assert_ne!(self.panics, Some(part), "{HUSH}");
    }

    /// How often the realm was asked what a token of now would say.
    pub(super) fn evaluations(&self) -> u32 {
        self.evaluated.load(Ordering::Relaxed)
    }

    /// How often the realm was asked and KMS has signed.
    pub(super) fn calls(&self) -> (u32, u32) {
        (self.asked.load(Ordering::Relaxed), self.signed.load(Ordering::Relaxed))
    }
}

fn unreadable(fault: AnswerFault) -> ServiceError {
    ServiceError::Undecided(Reason::new(fault.code(), &fault))
}

fn bytes(answer: &Value) -> Vec<u8> {
    answer.to_string().into_bytes()
}

/// An example token is of the second in which it is asked for, whatever else it says.
fn evaluated_at(evaluation: Value, now: UnixTime) -> Value {
    match (evaluation.get("iat"), evaluation.get("exp")) {
        (Some(Value::Number(_)), Some(Value::Number(_))) => {
            with(with(evaluation, "/iat", json!(now.seconds())), "/exp", json!(now.seconds() + 300))
        }
        _ => evaluation,
    }
}

impl World {
    async fn answers(&self, inquiry: &Inquiry) -> Result<RealmAnswers, Unanswered> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.reached(Part::Realm);
        tokio::task::yield_now().await;
        tokio::time::sleep(self.slow[0]).await;
        self.reached(Part::RealmLater);
        if let Some(failure) = &self.outage {
            return Err(failure.clone());
        }
        let realm = RealmAnswer::parse(&bytes(&self.realm), inquiry).map_err(unreadable)?;
        let client = ClientAnswer::parse(&bytes(&self.clients), inquiry).map_err(unreadable)?;
        let user = match &self.user {
            Some(user) => match UserAnswer::parse(&bytes(user), inquiry).map_err(unreadable)? {
                SaidOfUser::Settled(user) => user,
                SaidOfUser::Disabled(said) => {
                    let found = if self.locked_out { json!([]) } else { json!([user]) };
                    said.confirmed(&bytes(&found), inquiry).map_err(unreadable)?
                }
            },
            None => UserAnswer::absent(),
        };
        let sessions = inquiry.session().map(|_| SessionsAnswer::parse(&bytes(&self.sessions), inquiry));
        let sessions = sessions.transpose().map_err(unreadable)?;
        let consents = client.requires_consent().then(|| ConsentsAnswer::parse(&bytes(&self.consents)));
        let consents = consents.transpose().map_err(unreadable)?;
        Ok(RealmAnswers { realm, client, user, sessions, consents })
    }
}

impl Realm for &World {
    async fn ask<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, Unanswered> {
        let standing = match question.standing(&self.answers(question.inquiry()).await?) {
            Ok(standing) => standing,
            Err(withdrawals) => return Ok(Err(withdrawals)),
        };
        self.evaluated.fetch_add(1, Ordering::Relaxed);
        let evaluation = bytes(&evaluated_at(self.evaluation.clone(), now));
        let live = standing.evaluated(&evaluation, &access_tokens(), now);
        live.map(Ok).map_err(unreadable)
    }

    async fn ask_before_start(&self, question: &StartQuestion, _: UnixTime) -> Result<Stood, Unanswered> {
        Ok(question.standing(&self.answers(question.inquiry()).await?))
    }
}

impl Engine for &World {
    async fn execution(&self, execution: &ExecutionArn) -> Result<Option<ExecutionSeen>, ServiceError> {
        self.reached(Part::Engine);
        self.executions.execution(execution)
    }

    async fn map_run(&self, _: &MapRunArn) -> Result<Option<MapRunSeen>, ServiceError> {
        self.executions.map_run()
    }

    async fn stopped_at(&self, _: &ExecutionArn) -> Result<Option<UnixTime>, ServiceError> {
        self.executions.stopped_at()
    }
}

impl Signer for World {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.signed.fetch_add(1, Ordering::Relaxed);
        self.reached(Part::Signer);
        // Others get their turn here, as they do while KMS is asked.
        tokio::task::yield_now().await;
        tokio::time::sleep(self.slow[1]).await;
        self.signature.as_ref().map(|key| key.sign(message)).map_err(Clone::clone)
    }
}

impl Randomness for &World {
    fn random(&self) -> Result<[u8; 16], NoRandom> {
        self.reached(Part::Randomness);
        self.bits
    }
}
