//! A stack that exists only in tests: it mints as `executions` does, from an access token that was verified.

use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::decision::Decision;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, StateName, TransactionId, TrustDomain, WorkflowName,
};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::revalidation::{
    Cause, ClientAnswer, ExecutionSeen, ExecutionStatus, InputSeen, Look, RealmAnswer, RealmAnswers, SaidOfUser,
    SessionsAnswer, UserAnswer,
};
use claim_guard::transaction::{Binding, PresentedAt, TransactionKeySet};
use claim_guard::{
    AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, TransactionToken, TransactionVerifier, UnixTime,
};
use serde_json::{Map, Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, SUBJECT, TestKey, access_token_payload, key_set};

pub const ACCESS_TOML: &str = include_str!("../../../../access.toml");
pub const TRUST_DOMAIN: &str = "payments.123456789012.eu-central-1";
pub const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:payment";

pub struct Stack {
    realm: TestKey,
    pub kms: TestKey,
}

/// What a transaction token is minted for.
pub struct Mint<'a> {
    pub trust_domain: &'a str,
    pub execution: &'a str,
    pub redrive_count: u32,
    pub transaction: &'a str,
    pub now: i64,
}

impl Stack {
    pub fn new() -> Self {
        Self { realm: TestKey::generate("ES256", "realm-key"), kms: TestKey::kms() }
    }

    /// The environment of a task of this stack.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let keys = key_set([&self.kms]);
        [("TRUST_DOMAIN", TRUST_DOMAIN.to_owned()), ("TRANSACTION_KEYS", keys), ("WORKFLOW", "payment".to_owned())]
    }

    /// The transaction token of an execution that the subject of this access token has started.
    pub fn token(&self, access_token: &Value, mint: &Mint<'_>) -> String {
        let now = UnixTime::from_seconds(mint.now).unwrap();
        let keys = RealmKeySet::parse(key_set([&self.realm]).as_bytes()).unwrap();
        let token = AccessToken::parse(&self.realm.token(access_token)).unwrap();
        let claims = verifier().verify(&token, &keys, now).unwrap();
        let policy = policy();
        let workflow = WorkflowName::parse("payment").unwrap();
        let Decision::Allow(grant) = policy.decide_start(&claims, &workflow, &Map::new()) else {
            panic!("the start is denied")
        };
        let execution = ExecutionArn::parse(mint.execution).unwrap();
        let binding = Binding { workflow, execution, redrive_count: mint.redrive_count };
        let minting = Minting {
            trust_domain: TrustDomain::parse(mint.trust_domain).unwrap(),
            key_id: KeyId::parse(self.kms.kid()).unwrap(),
            transaction: TransactionId::parse(mint.transaction).unwrap(),
            lifetime: Duration::from_secs(300),
            now,
        };
        self.sealed(UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting))
    }

    /// The same transaction's token, renewed for a state by a realm to which nothing has changed.
    pub fn renewed(&self, token: &str, mint: &Mint<'_>, state: &str, now: i64) -> String {
        let (issued_at, now) = (now, UnixTime::from_seconds(now).unwrap());
        let domain = TrustDomain::parse(mint.trust_domain).unwrap();
        let keys = TransactionKeySet::parse(key_set([&self.kms]).as_bytes()).unwrap();
        let execution = ExecutionArn::parse(mint.execution).unwrap();
        let at = PresentedAt {
            workflow: WorkflowName::parse("payment").unwrap(),
            state_machine: execution.state_machine(),
            execution,
            redrive_count: mint.redrive_count,
        };
        let token = TransactionToken::parse(token).unwrap();
        let transactions = TransactionVerifier::new(domain.clone(), keys, Leeway::NONE);
        let old = transactions.verify_whatever_age(&token, &at, now).unwrap();
        let (policy, state) = (policy(), StateName::parse(state).unwrap());
        let presumed = policy.question_of_state(old.into(), &state, Cause::Expired, mint.redrive_count, now).unwrap();
        let running = ExecutionSeen {
            execution: at.execution,
            state_machine: at.state_machine,
            status: ExecutionStatus::Running,
            redrive_count: mint.redrive_count,
            started_at: presumed.statement().run().started_at,
            input: Some(InputSeen(json!({ "transactionToken": token.as_str(), "input": {} }).to_string())),
            map_run: None,
        };
        let Look::Alive(question) = presumed.seen(Some(&running), &transactions, now).unwrap() else {
            panic!("nothing is left to ask")
        };
        let realm = json!({ "realm": "workflows", "tokens-not-before": 0 }).to_string();
        let inquiry = question.inquiry();
        let realm = RealmAnswer::parse(realm.as_bytes(), inquiry).unwrap();
        let client =
            json!([{ "id": "uuid", "clientId": CLIENT, "enabled": true, "notBefore": 0, "consentRequired": false }]);
        let client = ClientAnswer::parse(client.to_string().as_bytes(), inquiry).unwrap();
        let user = json!({ "id": SUBJECT, "enabled": true, "notBefore": 0 }).to_string();
        let SaidOfUser::Settled(user) = UserAnswer::parse(user.as_bytes(), inquiry).unwrap() else {
            panic!("the user is enabled");
        };
        let sessions = inquiry
            .session()
            .map(|id| json!({ "id": id.as_str(), "userId": SUBJECT, "start": 0, "clients": { "uuid": CLIENT } }));
        let sessions = json!(sessions.as_slice()).to_string();
        let sessions = SessionsAnswer::parse(sessions.as_bytes(), inquiry).unwrap();
        let answers = RealmAnswers { realm, client, user, sessions: Some(sessions), consents: None };
        let standing = question.standing(&answers).unwrap();
        let claims = access_token_payload(issued_at).to_string();
        let live = standing.evaluated(claims.as_bytes(), &verifier(), now).unwrap();
        let statement = live.statement(&policy, now).unwrap();
        let key_id = KeyId::parse(self.kms.kid()).unwrap();
        self.sealed(UnsignedTransactionToken::renewed(&statement, &domain, &key_id))
    }

    fn sealed(&self, unsigned: UnsignedTransactionToken) -> String {
        let signature = self.kms.sign(unsigned.signing_input());
        unsigned.seal(&signature).unwrap().as_str().to_owned()
    }
}

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", ACCESS_TOML).unwrap()
}

fn verifier() -> AccessTokenVerifier {
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let (issuer, audience) = (Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap());
    AccessTokenVerifier::new(issuer, audience, clients, Leeway::NONE)
}

/// The ARN of an execution of the stack's machine.
pub fn execution(name: &str) -> String {
    format!("{}:{name}", MACHINE.replace(":stateMachine:", ":execution:"))
}

/// What the state machine passes to a guarded state.
pub fn event(token: &str, execution: &str, state: &str, input: &Value) -> Value {
    json!({
        "transactionToken": token,
        "context": {
            "execution": execution,
            "stateMachine": MACHINE,
            "state": state,
            "redriveCount": 0,
            "retryCount": 0
        },
        "work": "",
        "input": input
    })
}
