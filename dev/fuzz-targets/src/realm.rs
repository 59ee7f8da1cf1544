use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::{ExecutionArn, KeyId, MapRunArn, StateMachineReference, TrustDomain};
use claim_guard::revalidation::{
    AnswerFault, ClientAnswer, ConsentsAnswer, ExecutionSeen, ExecutionStatus, InputSeen, Inquiry, MapRunSeen,
    MapRunStatus, Question, RealmAnswer, RealmAnswers, SaidOfUser, SessionsAnswer, StartQuestion, UserAnswer,
};
use claim_guard::transaction::TransactionKeySet;
use claim_guard::{UnixTime, strict_json_object};
use minting::{MintSettings, NoRandom, ServiceError, Signer, SigningKeyArn};
use revalidation::{Answered, Engine, Randomness, Realm, Revalidation, Services, Stood, Unanswered};
use serde_json::json;
use test_realm::{CLIENT, NOW, SUBJECT, access_token_payload};

use crate::fixture::{EXECUTION, KMS_KEY, MACHINE, STACK_KEYS, TRUST_DOMAIN, VERIFIER, minted, now, payment};
use crate::line;

/// What a realm answers, byte by byte.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) realm: Vec<u8>,
    pub(crate) clients: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) sessions: Vec<u8>,
    pub(crate) consents: Vec<u8>,
    pub(crate) evaluation: Vec<u8>,
}

/// What the realm calls the client.
const CLIENT_UUID: &str = "0d5f8c1e-7a55-4d4a-9a53-000000000001";

/// What it answers of a user and a client in good standing.
pub(crate) static GOOD: LazyLock<Answers> = LazyLock::new(|| {
    let payload = access_token_payload(NOW);
    let user = json!({ "id": SUBJECT, "username": "alice", "enabled": true, "notBefore": 0 });
    let client =
        json!({ "id": CLIENT_UUID, "clientId": CLIENT, "enabled": true, "notBefore": 0, "consentRequired": true });
    let session =
        json!({ "id": payload.get("sid"), "userId": SUBJECT, "start": 0, "clients": { CLIENT_UUID: CLIENT } });
    Answers {
        realm: json!({ "realm": "workflows", "tokens-not-before": 0 }).to_string().into_bytes(),
        clients: json!([client]).to_string().into_bytes(),
        user: user.to_string().into_bytes(),
        sessions: json!([session]).to_string().into_bytes(),
        consents: json!([{ "clientId": CLIENT }]).to_string().into_bytes(),
        evaluation: payload.to_string().into_bytes(),
    }
});

/// A realm whose answers change from one question to the next.
#[derive(Clone)]
pub(crate) struct RecordedAnswers(Arc<Mutex<Answers>>);

impl RecordedAnswers {
    pub(crate) fn new(answers: Answers) -> Self {
        Self(Arc::new(Mutex::new(answers)))
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stack's key, and the name of every execution that is about to start.
#[derive(Clone, Copy)]
pub(crate) struct Stack;

/// Revalidation under that policy, of a realm that answers so.
pub(crate) fn revalidation(
    access_toml: &str,
    told: RecordedAnswers,
) -> Revalidation<RecordedAnswers, Stack, Stack, Stack> {
    let policy = AccessPolicy::parse("access.toml", access_toml).expect("a policy");
    let arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333";
    let minting = MintSettings {
        trust_domain: TrustDomain::parse(TRUST_DOMAIN).expect("a trust domain"),
        transaction_keys: TransactionKeySet::parse(STACK_KEYS.as_bytes()).expect("a key set"),
        key_id: KeyId::parse(KMS_KEY.kid()).expect("a key id"),
        signing_key: SigningKeyArn::parse(arn).expect("a key's ARN"),
        state_machines: [(payment(), StateMachineReference::parse(MACHINE).expect("a state machine"))].into(),
    };
    Revalidation::new(policy, minting, Services { realm: told, signer: Stack, chance: Stack, engine: Stack })
}

fn unreadable(fault: AnswerFault) -> ServiceError {
    line::is_message(&fault.to_string());
    ServiceError::Undecided(Reason::new(fault.code(), &fault))
}

impl Realm for RecordedAnswers {
    async fn ask<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, Unanswered> {
        self.answers().asked(question, now)
    }

    async fn ask_before_start(&self, question: &StartQuestion, _: UnixTime) -> Result<Stood, Unanswered> {
        Ok(question.standing(&self.answers().of(question.inquiry())?))
    }
}

impl Answers {
    fn of(&self, inquiry: &Inquiry) -> Result<RealmAnswers, Unanswered> {
        let realm = RealmAnswer::parse(&self.realm, inquiry).map_err(unreadable)?;
        let client = ClientAnswer::parse(&self.clients, inquiry).map_err(unreadable)?;
        let user = match UserAnswer::parse(&self.user, inquiry).map_err(unreadable)? {
            SaidOfUser::Settled(user) => user,
            SaidOfUser::Disabled(user) => {
                let found = [b"[", self.user.as_slice(), b"]"].concat();
                user.confirmed(&found, inquiry).map_err(unreadable)?
            }
        };
        let sessions = inquiry.session().map(|_| SessionsAnswer::parse(&self.sessions, inquiry));
        let sessions = sessions.transpose().map_err(unreadable)?;
        let consents = client.requires_consent().then(|| ConsentsAnswer::parse(&self.consents));
        let consents = consents.transpose().map_err(unreadable)?;
        Ok(RealmAnswers { realm, client, user, sessions, consents })
    }

    fn asked<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, Unanswered> {
        let standing = match question.standing(&self.of(question.inquiry())?) {
            Ok(standing) => standing,
            Err(withdrawals) => return Ok(Err(withdrawals)),
        };
        let live = standing.evaluated(&self.evaluation, &VERIFIER, now).map_err(unreadable)?;
        assert!(strict_json_object(&self.evaluation).is_ok());
        Ok(Ok(live))
    }
}

/// Every execution runs, as it is stated.
impl Engine for Stack {
    async fn execution(&self, execution: &ExecutionArn) -> Result<Option<ExecutionSeen>, ServiceError> {
        let input = json!({ "transactionToken": minted(execution.as_str()), "input": {} });
        Ok(Some(ExecutionSeen {
            execution: execution.clone(),
            state_machine: execution.state_machine(),
            status: ExecutionStatus::Running,
            redrive_count: 0,
            started_at: now(),
            input: Some(InputSeen(input.to_string())),
            map_run: MapRunArn::parse("arn:aws:states:eu-central-1:123456789012:mapRun:payment/Parties:1").ok(),
        }))
    }

    async fn map_run(&self, _: &MapRunArn) -> Result<Option<MapRunSeen>, ServiceError> {
        let parent = ExecutionArn::parse(EXECUTION).expect("an execution");
        Ok(Some(MapRunSeen { parent, status: MapRunStatus::Running }))
    }

    async fn stopped_at(&self, _: &ExecutionArn) -> Result<Option<UnixTime>, ServiceError> {
        Ok(None)
    }
}

impl Signer for Stack {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Ok(KMS_KEY.sign(message))
    }
}

impl Randomness for Stack {
    fn random(&self) -> Result<[u8; 16], NoRandom> {
        Ok([0xab; 16])
    }
}
