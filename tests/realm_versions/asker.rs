//! Revalidation's own question about a user who has just logged in, and what Keycloak's answers come to.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, StateMachineArn, StateName, TrustDomain, WorkflowName,
};
use claim_guard::revalidation::{Cause, ExecutionSeen, ExecutionStatus, InputSeen, Look, Question};
use claim_guard::transaction::{PresentedAt, TransactionKeySet};
use claim_guard::{AccessTokenVerifier, ClientList, Leeway, TransactionToken, TransactionVerifier, UnixTime};
use minting::{ServiceError, Signer};
use realm_keys::RealmCa;
use revalidation::keycloak::Keycloak;
use revalidation::settings::RealmAccess;
use serde_json::{Value, json};
use test_realm::{AUDIENCE, TestKey, key_set};
use xtask::keycloak::{CLIENT, REVALIDATION_CLIENT};
use xtask::realm_server::RealmServer;

use crate::signed_in::signed_in;

const POLICY: &str = "[workflows.payment]\nsession = \"required\"\nmax_duration = \"1d\"\nstart.any_verified_caller = true\n\
                      states.Pay.any_verified_caller = true\n";
const DOMAIN: &str = "versions.000000000000.us-east-1";
const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:payment";
const EXECUTION: &str = "arn:aws:states:us-east-1:000000000000:execution:payment:one";

struct Key(TestKey);

impl Signer for Key {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Ok(self.0.sign(message))
    }
}

/// The client that asks, with keys that the realm knows: one that signs as KMS does, and one for the test's own requests.
pub struct Asker {
    keycloak: Keycloak<Key>,
    own_key: TestKey,
    policy: AccessPolicy,
}

impl Asker {
    pub fn of(server: &RealmServer) -> Self {
        let (key, own_key) = (TestKey::kms(), TestKey::generate("ES256", "own"));
        server.admin().unwrap().register_keys(REVALIDATION_CLIENT, &key_set([&key, &own_key])).unwrap();
        let clients =
            ClientList::new([CLIENT, "statement-app"].map(|client| ClientId::parse(client).unwrap())).unwrap();
        let issuer = Issuer::parse(&server.keycloak().issuer()).unwrap();
        let access = RealmAccess {
            verifier: AccessTokenVerifier::new(issuer, Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX),
            ca: Some(RealmCa::from_der(&STANDARD.decode(server.authority().unwrap()).unwrap()).unwrap()),
            admin_url: None,
            client: ClientId::parse(REVALIDATION_CLIENT).unwrap(),
        };
        let key_id = KeyId::parse(key.kid()).unwrap();
        let keycloak = Keycloak::new(access, key_id, Key(key)).unwrap();
        Self { keycloak, own_key, policy: AccessPolicy::parse("access.toml", POLICY).unwrap() }
    }

    /// An access token of the client's, as it asks with.
    pub fn signed_in(&self, server: &RealmServer) -> String {
        signed_in(server.keycloak(), &self.own_key).unwrap()
    }

    /// What comes of a question about whoever has that access token: `renewed`, the codes of all that stands against it,
    /// or why nothing was decided.
    pub fn ask(&self, access_token: &str) -> String {
        let question = self.question(access_token);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.answer(&question))
    }

    async fn answer(&self, question: &Question) -> String {
        let withdrawals = match self.keycloak.answers(question, now()).await {
            Ok(Ok(live)) => match live.statement(&self.policy, now()) {
                Ok(_) => return "renewed".to_owned(),
                Err(withdrawals) => withdrawals,
            },
            Ok(Err(withdrawals)) => withdrawals,
            Err(fault) => return format!("undecided {}", fault.code()),
        };
        withdrawals.all().iter().map(|withdrawal| withdrawal.code()).collect::<Vec<_>>().join(" ")
    }

    fn question(&self, access_token: &str) -> Question {
        let claims: Value = {
            let payload = access_token.split('.').nth(1).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
        };
        let now = now();
        let statement = json!({
            "iat": now.seconds() - 3600, "exp": now.seconds() - 3300, "aud": DOMAIN, "txn": "0123456789abcdef",
            "sub": claims["sub"], "scope": "payment", "req_wl": claims["azp"],
            "rctx": { "iss": claims["iss"], "jti": claims["jti"], "iat": claims["iat"], "sid": claims["sid"] },
            "tctx": {
                "execution": EXECUTION, "state_machine": MACHINE, "started": now.seconds() - 3600, "epoch": 0, "redrive": 0,
                "input": Digest::of(b"{}").as_str(), "roles": [], "claims": {},
            },
        });
        let key = TestKey::generate("ES256", "txn-1");
        let header = json!({ "alg": "ES256", "typ": "txntoken+jwt", "kid": "txn-1" });
        let token = TransactionToken::parse(&key.token_of(&header.to_string(), &statement.to_string())).unwrap();
        let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
        let verifier = TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX);
        let at = PresentedAt {
            workflow: WorkflowName::parse("payment").unwrap(),
            execution: ExecutionArn::parse(EXECUTION).unwrap(),
            state_machine: StateMachineArn::parse(MACHINE).unwrap(),
            redrive_count: 0,
        };
        let aged = verifier.verify_whatever_age(&token, &at, now).unwrap();
        let state = StateName::parse("Pay").unwrap();
        let presumed = self.policy.question_of_state(aged.into(), &state, Cause::Expired, 0, now).unwrap();
        let runs = ExecutionSeen {
            execution: at.execution,
            state_machine: at.state_machine,
            status: ExecutionStatus::Running,
            redrive_count: 0,
            started_at: presumed.statement().run().started_at,
            input: Some(InputSeen(json!({ "transactionToken": token.as_str(), "input": {} }).to_string())),
            map_run: None,
        };
        let Look::Alive(question) = presumed.seen(Some(&runs), &verifier, now).unwrap() else {
            panic!("the execution runs")
        };
        question
    }
}

fn now() -> UnixTime {
    UnixTime::from_system_time(std::time::SystemTime::now()).unwrap()
}
