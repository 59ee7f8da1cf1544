use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use claim_guard::TransactionToken;
use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{KeyId, StateMachineReference, TrustDomain};
use claim_guard::mint::MAX_MINTED_BYTES;
use claim_guard::transaction::TransactionKeySet;
use executions::settings::Stack;
use executions::{ExecutionName, Executions, RecordedResponse};
use serde_json::{Value, json};

use crate::fixture::{
    ACCESS_TOML, KMS_KEY, MACHINE, STACK_KEYS, TRANSACTIONS, TRUST_DOMAIN, VERIFIER, any_attempt, block_on, everyman,
    lax, minted, now, payment, presented_at,
};
use crate::line;
use crate::reached::reached;
use crate::world::{World, naming_key};

/// What stands in an event for the name of an execution of the caller's that is there before any event.
const NAMED: &str = "7d0a3f9e5b1c4d2e8f60a1b2c3d4e5f6";

static THERE_NAME: LazyLock<ExecutionName> =
    LazyLock::new(|| ExecutionName::random([0x7d; 16], everyman().1.identity(), &naming_key()));

static THERE: LazyLock<String> =
    LazyLock::new(|| format!("arn:aws:states:eu-central-1:123456789012:execution:payment:{}", *THERE_NAME));

/// Step Functions takes this much as an execution's input.
const MAX_INPUT_BYTES: usize = 256 * 1024;

static THERE_INPUT: LazyLock<String> =
    LazyLock::new(|| json!({ "transactionToken": minted(&THERE), "input": {} }).to_string());

static WORLD: LazyLock<World> = LazyLock::new(World::default);

static EXECUTIONS: LazyLock<Executions<World>> = LazyLock::new(|| {
    let policy = AccessPolicy::parse("access.toml", ACCESS_TOML).expect("a policy");
    let stack = Stack {
        trust_domain: TrustDomain::parse(TRUST_DOMAIN).expect("a trust domain"),
        transaction_keys: TransactionKeySet::parse(STACK_KEYS.as_bytes()).expect("a key set"),
        key_id: KeyId::parse(KMS_KEY.kid()).expect("a key id"),
        state_machines: BTreeMap::from([(payment(), StateMachineReference::parse(MACHINE).expect("a state machine"))]),
        limits: None,
        cors_origin: None,
    };
    Executions::new(policy, VERIFIER.clone(), stack, WORLD.clone())
});

/// Events of the API behind the authorizer, in which `$TOKEN` stands for a caller's token. Each comes twice.
pub fn executions_event(bytes: &[u8]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let token = everyman().0.as_str();
    let event = String::from_utf8_lossy(bytes).replace("$TOKEN", token).replace(NAMED, THERE_NAME.as_str());
    *WORLD.inputs() = BTreeMap::from([(THERE.clone(), THERE_INPUT.clone())]);
    let first = answered(&event, token);
    let second = answered(&event, token);
    assert_eq!(first.status, second.status, "the same event, twice");
    let started = WORLD.inputs().clone();
    for (arn, input) in started.iter().filter(|(arn, _)| **arn != *THERE) {
        entered(arn, input, &event, token);
    }
    match (first.status, started.len() - 1) {
        (202, 1) => {
            reached("a repeated start");
            assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
            assert_eq!((first.header("Location"), &first.body), (second.header("Location"), &second.body));
        }
        (202, 2) => assert_ne!(first.header("Location"), second.header("Location")),
        (200, 0) => reached("an execution described"),
        (204, 0) => reached("an execution stopped"),
        (_, 0) => {}
        (status, executions) => panic!("answered `{status}`, and began {executions} executions"),
    }
}

struct Heard {
    status: u64,
    headers: Value,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name.to_ascii_lowercase()).and_then(Value::as_str)
    }
}

/// One answer with what holds for every one: a known status, bounded plain headers, JSON, no token; so does its line.
fn answered(event: &str, token: &str) -> Heard {
    let RecordedResponse { response, record } = block_on(EXECUTIONS.answer(event));
    let text = serde_json::to_string(&response).expect("JSON");
    assert!(!line::leaks(&text, token), "{text}");
    let json = lax(&text);
    let heard = Heard {
        status: json.get("statusCode").and_then(Value::as_u64).expect("a status"),
        headers: json.get("headers").cloned().expect("headers"),
        body: json.get("body").and_then(Value::as_str).expect("a body").to_owned(),
    };
    assert!([200, 202, 204, 400, 401, 403, 404, 409, 413, 415, 500, 503].contains(&heard.status), "{text}");
    assert!(heard.body.len() <= 4096 && (heard.body.is_empty() || lax(&heard.body).is_object()), "{text}");
    assert_eq!(heard.header("Cache-Control"), Some("no-store"));
    for value in heard.headers.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
        assert!(value.len() <= 1024 && value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
    }
    let line = line::is_audit(&record.to_line(), token);
    let decision = line.get("decision").and_then(Value::as_str).expect("a decision");
    let expected: &[&str] = match heard.status {
        200 | 202 | 204 | 409 => &["allow"],
        403 => &["deny"],
        404 => &["deny", "reject"],
        500 => &["misconfigured"],
        503 => &["undecided"],
        _ => &["reject"],
    };
    assert!(expected.contains(&decision), "{decision:?}: {text}");
    heard
}

/// What entered an execution: the caller's input and a statement that holds there, and no access token.
fn entered(arn: &str, input: &str, event: &str, token: &str) {
    assert!(input.len() <= MAX_INPUT_BYTES);
    let body = lax(event).get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
    // Who writes his token into the body himself cannot be helped.
    assert!(line::leaks(&body, token) || !line::leaks(input, token), "{input}");
    reached("a statement entered");
    let input = lax(input);
    assert!(input.get("input").is_some_and(Value::is_object), "{input}");
    let statement = input.get("transactionToken").and_then(Value::as_str).expect("a transaction token");
    assert!(statement.len() <= MAX_MINTED_BYTES);
    let statement = TransactionToken::parse(statement).expect("a transaction token");
    let held = TRANSACTIONS.verify(&statement, &presented_at(arn), &any_attempt(), now()).map(|_| ());
    assert_eq!(held, Ok(()), "the statement holds in its execution");
}
