//! The first statement of a run, as `executions` would mint it.

use claim_guard::access::AccessPolicy;
use claim_guard::decision::Decision;
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, TransactionId, TrustDomain, WorkflowName};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::Binding;
use claim_guard::{AccessToken, RealmKeySet, UnixTime};
use serde_json::{Map, Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set, with};

use super::keys::{access_tokens, kms_key, realm_key};

pub(super) const ACCESS_TOML: &str = include_str!("access.toml");
pub(super) const DOMAIN: &str = "lab.111122223333.eu-central-1";
pub(super) const TRANSACTION: &str = "txn-1";

pub(super) fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", ACCESS_TOML).unwrap()
}

pub(super) fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds).unwrap()
}

pub(super) fn execution(workflow: &str, name: &str) -> String {
    format!("arn:aws:states:eu-central-1:111122223333:execution:payments-{workflow}:{name}")
}

/// What the statement of a run is minted from.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) access_token: Value,
    pub(super) workflow: &'static str,
    pub(super) execution: String,
    pub(super) trust_domain: &'static str,
    pub(super) at: i64,
}

impl Start {
    /// The sample run, `run-1`, begun at [`NOW`].
    pub(super) fn usual() -> Self {
        Self {
            access_token: access_token_payload(NOW),
            workflow: "payment",
            execution: execution("payment", "run-1"),
            trust_domain: DOMAIN,
            at: NOW,
        }
    }

    pub(super) fn of(workflow: &'static str) -> Self {
        Self { workflow, execution: execution(workflow, "run-1"), ..Self::usual() }
    }

    /// By a caller with these roles of `workflow-api`.
    pub(super) fn with_roles(roles: &[&str]) -> Self {
        let access_token = with(access_token_payload(NOW), "/resource_access/workflow-api/roles", json!(roles));
        Self { access_token, ..Self::usual() }
    }

    /// The token that `executions` would mint.
    pub(super) fn token(&self) -> String {
        self.token_by(kms_key())
    }

    pub(super) fn token_by(&self, key: &TestKey) -> String {
        let keys = RealmKeySet::parse(key_set([realm_key()]).as_bytes()).unwrap();
        let token = AccessToken::parse(&realm_key().token(&self.access_token)).unwrap();
        let claims = access_tokens().verify(&token, &keys, time(self.at)).unwrap();
        let workflow = WorkflowName::parse(self.workflow).unwrap();
        let input = Map::from_iter([("project_id".to_owned(), json!("apollo"))]);
        let Decision::Allow(grant) = policy().decide_start(&claims, &workflow, &input) else {
            panic!("the start is denied")
        };
        let lifetime = policy().workflow(&workflow).unwrap().transaction_token_lifetime();
        let execution = ExecutionArn::parse(&self.execution).unwrap();
        let binding = Binding { workflow, execution, redrive_count: 0 };
        let minting = Minting {
            trust_domain: TrustDomain::parse(self.trust_domain).unwrap(),
            key_id: KeyId::parse(key.kid()).unwrap(),
            transaction: TransactionId::parse(TRANSACTION).unwrap(),
            lifetime,
            now: time(self.at),
        };
        let unsigned = UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting);
        let signature = key.sign(unsigned.signing_input());
        unsigned.seal(&signature).unwrap().as_str().to_owned()
    }
}
