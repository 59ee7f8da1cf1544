//! A stack that exists only in tests: it mints as `executions` does, from an access token that was verified.

use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::decision::Decision;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, TransactionId, TrustDomain, WorkflowName,
};
use claim_guard::transaction::{Binding, Minting, UnsignedTransactionToken};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime};
use serde_json::{Map, Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, TestKey, key_set};

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
        let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
        let (issuer, audience) = (Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap());
        let verifier = AccessTokenVerifier::new(issuer, audience, clients, Leeway::NONE);
        let keys = RealmKeySet::parse(key_set([&self.realm]).as_bytes()).unwrap();
        let token = AccessToken::parse(&self.realm.token(access_token)).unwrap();
        let claims = verifier.verify(&token, &keys, now).unwrap();
        let policy = AccessPolicy::parse("access.toml", ACCESS_TOML).unwrap();
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
        let unsigned = UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting);
        let signature = self.kms.sign(unsigned.signing_input());
        unsigned.seal(&signature).unwrap().as_str().to_owned()
    }
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
        "input": input
    })
}
