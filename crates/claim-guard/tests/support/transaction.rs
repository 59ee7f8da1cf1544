//! What the tests of transaction tokens share: one stack, one state machine, one execution of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::decision::Grant;
use claim_guard::identifier::{Digest, ExecutionArn, KeyId, StateName, TransactionId, TrustDomain, WorkflowName};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::{Binding, PresentedAt, TransactionKeySet};
use claim_guard::{Leeway, TransactionToken, TransactionVerifier};
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, key_set};

pub const MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment";
pub const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:one";
pub const DOMAIN: &str = "payments.000000000000.eu-west-1";

pub fn domain() -> TrustDomain {
    TrustDomain::parse(DOMAIN).unwrap()
}

pub fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).unwrap()
}

pub fn state(name: &str) -> StateName {
    StateName::parse(name).unwrap()
}

pub fn execution(arn: &str) -> ExecutionArn {
    ExecutionArn::parse(arn).unwrap()
}

/// A guard of the workflow `payment` in an execution of its own machine.
pub fn at(arn: &str) -> PresentedAt {
    let execution = execution(arn);
    let state_machine = execution.state_machine();
    PresentedAt { workflow: workflow("payment"), execution, state_machine, redrive_count: 0 }
}

pub fn verifier(keys: &[&TestKey]) -> TransactionVerifier {
    let keys = TransactionKeySet::parse(key_set(keys.iter().copied()).as_bytes()).unwrap();
    TransactionVerifier::new(domain(), keys, Leeway::MAX)
}

/// The statement that is made when the grant's subject starts an execution.
pub fn unsigned(key: &TestKey, grant: &Grant, arn: &str) -> UnsignedTransactionToken {
    let binding = Binding { workflow: workflow("payment"), execution: execution(arn), redrive_count: 0 };
    let minting = Minting {
        trust_domain: domain(),
        key_id: KeyId::parse(key.kid()).unwrap(),
        transaction: TransactionId::parse("txn-1").unwrap(),
        lifetime: Duration::from_secs(300),
        now: super::now(),
    };
    UnsignedTransactionToken::at_start(grant, &binding, &Digest::of(b"{}"), &minting)
}

/// The token with the signature of a key of [`TestKey::kms`].
pub fn sealed(key: &TestKey, unsigned: UnsignedTransactionToken) -> TransactionToken {
    let der = key.sign(unsigned.signing_input());
    unsigned.seal(&der).unwrap()
}

/// What a token states that lacks its signature.
pub fn stated(unsigned: &UnsignedTransactionToken) -> Value {
    let (_, payload) = std::str::from_utf8(unsigned.signing_input()).unwrap().split_once('.').unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A key of the stack that signs in the form of JWS: for members that no statement of the stack has.
pub fn forging_key() -> TestKey {
    TestKey::generate("ES256", "kms")
}

/// A token's header and payload as the stack writes them, for forging.
pub fn header(key: &TestKey) -> Value {
    json!({ "typ": "txntoken+jwt", "alg": "ES256", "kid": key.kid() })
}

pub fn payload() -> Value {
    json!({
        "iat": NOW, "exp": NOW + 300, "aud": DOMAIN, "txn": "txn-1", "sub": test_realm::SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": test_realm::ISSUER, "jti": "onrtro:1", "iat": NOW - 10, "sid": "session" },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "started": NOW, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(), "roles": ["workflow-api:payment:approve"],
            "claims": { "project_id": "apollo" },
        },
    })
}

pub fn forged(key: &TestKey, payload: &Value) -> TransactionToken {
    TransactionToken::parse(&key.token_of(&header(key).to_string(), &payload.to_string())).unwrap()
}
