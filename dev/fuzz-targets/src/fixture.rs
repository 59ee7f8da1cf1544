use std::sync::{Arc, LazyLock};
use std::time::Duration;

use claim_guard::access::{AccessPolicy, GuardedState};
use claim_guard::audit::{AuditContext, AuditPoint};
use claim_guard::decision::Decision;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, StateMachineArn, StateName, TransactionId, TrustDomain,
    WorkflowName,
};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::{Attempt, Binding, PresentedAt, TransactionKeySet, TransactionVerifier, WorkPath};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, UnixTime, VerifiedClaims};
use serde_json::{Map, Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, access_token_payload, key_set, with};

/// The policy that the product ships.
pub(crate) const ACCESS_TOML: &str = include_str!("../../../access.toml");
pub(crate) const TRUST_DOMAIN: &str = "payments.123456789012.eu-central-1";
pub(crate) const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:payment";
pub(crate) const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:payment:run-1";

/// The key that the realm signs with.
pub(crate) static REALM_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate("ES256", "realm-key"));
/// Another one of another algorithm.
pub(crate) static EDWARDS_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate("EdDSA", "edwards-key"));
/// What the realm publishes.
pub(crate) static REALM_KEYS: LazyLock<Arc<RealmKeySet>> = LazyLock::new(|| {
    Arc::new(RealmKeySet::parse(key_set([&*REALM_KEY, &*EDWARDS_KEY]).as_bytes()).expect("a key set"))
});

/// The stack's key in KMS.
pub(crate) static KMS_KEY: LazyLock<TestKey> = LazyLock::new(TestKey::kms);
/// Another key of the stack, with which the targets sign statements of their own.
pub(crate) static STATEMENT_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::generate("ES256", "statement-key"));
/// The stack's public keys.
pub(crate) static STACK_KEYS: LazyLock<String> = LazyLock::new(|| key_set([&*KMS_KEY, &*STATEMENT_KEY]));

/// The shipped policy, parsed.
pub(crate) static POLICY: LazyLock<AccessPolicy> =
    LazyLock::new(|| AccessPolicy::parse("access.toml", ACCESS_TOML).expect("a policy"));

/// The realm's verifier.
pub(crate) static VERIFIER: LazyLock<AccessTokenVerifier> = LazyLock::new(|| {
    let clients = ClientList::new([ClientId::parse(CLIENT).expect("a client")]).expect("a list");
    let (issuer, audience) =
        (Issuer::parse(ISSUER).expect("an issuer"), Audience::parse(AUDIENCE).expect("an audience"));
    AccessTokenVerifier::new(issuer, audience, clients, Leeway::MAX)
});

/// The guards' verifier.
pub(crate) static TRANSACTIONS: LazyLock<TransactionVerifier> = LazyLock::new(|| {
    let keys = TransactionKeySet::parse(STACK_KEYS.as_bytes()).expect("a key set");
    TransactionVerifier::new(TrustDomain::parse(TRUST_DOMAIN).expect("a trust domain"), keys, Leeway::MAX)
});

/// [`NOW`].
pub(crate) fn now() -> UnixTime {
    UnixTime::from_seconds(NOW).expect("a time")
}

/// The sample's workflow.
pub(crate) fn payment() -> WorkflowName {
    WorkflowName::parse("payment").expect("a workflow")
}

/// At that execution of the sample's state machine.
pub(crate) fn presented_at(execution: &str) -> PresentedAt {
    PresentedAt {
        workflow: payment(),
        execution: ExecutionArn::parse(execution).expect("an execution"),
        state_machine: StateMachineArn::parse(MACHINE).expect("a state machine"),
        redrive_count: 0,
    }
}

/// The first attempt of a state that asks nothing of a statement's age.
pub(crate) fn any_attempt() -> Attempt<'static> {
    static STATE: LazyLock<StateName> = LazyLock::new(|| StateName::parse("ApprovePayment").expect("a state"));
    let freshness =
        POLICY.workflow(&payment()).and_then(|workflow| workflow.guarded(&STATE)).map(GuardedState::freshness);
    Attempt {
        state: &STATE,
        retry_count: 0,
        work: &WorkPath::OUTERMOST,
        freshness: freshness.expect("a guarded state"),
    }
}

/// A decision somewhere, under the shipped policy.
pub(crate) fn context() -> AuditContext {
    let point = AuditPoint::Route { method: "GET".to_owned(), path: "/".to_owned() };
    AuditContext { point, policy: Some(POLICY.digest().clone()), now: Some(now()) }
}

/// A caller with these client roles of the API: the token, and what it says.
pub(crate) fn caller(roles: &[&str]) -> (String, VerifiedClaims) {
    let access = json!({ AUDIENCE: { "roles": roles } });
    let text = REALM_KEY.token(&with(access_token_payload(NOW), "/resource_access", access));
    let token = AccessToken::parse(&text).expect("a token");
    let claims = VERIFIER.verify(&token, &REALM_KEYS, now()).expect("verified claims");
    (text, claims)
}

/// A caller who may do everything in the sample.
pub(crate) fn everyman() -> &'static (String, VerifiedClaims) {
    static CALLER: LazyLock<(String, VerifiedClaims)> =
        LazyLock::new(|| caller(&["payment:start", "payment:screen", "payment:approve", "payment:execute"]));
    &CALLER
}

/// The transaction token of an execution that this caller has started.
pub(crate) fn minted(execution: &str) -> String {
    let Decision::Allow(grant) = POLICY.decide_start(&everyman().1, &payment(), &Map::new()) else {
        panic!("the start is denied")
    };
    let execution = ExecutionArn::parse(execution).expect("an execution");
    let binding = Binding { workflow: payment(), execution, redrive_count: 0 };
    let minting = Minting {
        trust_domain: TrustDomain::parse(TRUST_DOMAIN).expect("a trust domain"),
        key_id: KeyId::parse(KMS_KEY.kid()).expect("a key id"),
        transaction: TransactionId::parse("txn-1").expect("a transaction"),
        lifetime: Duration::from_secs(300),
        now: now(),
    };
    let unsigned = UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting);
    let signature = KMS_KEY.sign(unsigned.signing_input());
    unsigned.seal(&signature).expect("a token").as_str().to_owned()
}

/// The text of an input, and the first byte that says how to take it; none for an empty input.
pub(crate) fn chosen(bytes: &[u8]) -> Option<(u8, String)> {
    let (first, rest) = bytes.split_first()?;
    Some((*first, String::from_utf8_lossy(rest).into_owned()))
}

/// The JSON as a lax reader takes it: an independent second opinion.
pub(crate) fn lax(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Runs a future that waits for nothing outside.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
