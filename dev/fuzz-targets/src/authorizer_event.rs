use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use authorizer::{Authorizer, AuthorizerEvent, AuthorizerResponse, KeySource, MAX_ANSWER_BYTES, MethodArn, Setup};
use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditRecord, Reason};
use claim_guard::decision::Decision;
use claim_guard::identifier::KeyId;
use claim_guard::{RealmKeySet, VerifiedClaims};
use serde_json::{Value, json};

use crate::fixture::{ACCESS_TOML, POLICY, REALM_KEYS, VERIFIER, block_on, caller, chosen, lax, now};
use crate::line;
use crate::pattern::{covers, instance};
use crate::reached::reached;

/// What the callers of this target may hold; the first byte of an input says who of them calls.
const ROLES: [&str; 4] = ["payment:start", "payment:audit", "payment:operate", "payment:approve"];

static CALLERS: LazyLock<Vec<(String, VerifiedClaims)>> = LazyLock::new(|| {
    let held =
        |mask: usize| (0..ROLES.len()).filter(move |bit| mask & (1 << bit) != 0).filter_map(|bit| ROLES.get(bit));
    (0..1 << ROLES.len()).map(|mask| caller(&held(mask).copied().collect::<Vec<_>>())).collect()
});

struct Keys;

impl KeySource for Keys {
    async fn key_set(&self, _: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        Ok(Arc::clone(&REALM_KEYS))
    }
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

type Sink = fn(AuditRecord) -> io::Result<()>;

static AUTHORIZER: LazyLock<Authorizer<Keys, Sink>> = LazyLock::new(|| {
    let policy = AccessPolicy::parse("access.toml", ACCESS_TOML).expect("a policy");
    let sink: Sink = |record| {
        LINES.lock().expect("a lock").push(record.to_line());
        Ok(())
    };
    Authorizer::new(Setup::Ready { policy, verifier: VERIFIER.clone(), keys: Keys }, sink)
});

/// Events of API Gateway's TOKEN authorizer: the first byte says who calls, the rest is the event, in which `$TOKEN`
/// stands for the caller's token.
pub fn authorizer_event(bytes: &[u8]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((who, text)) = chosen(bytes) else { return };
    let (token, claims) = CALLERS.get(usize::from(who) % CALLERS.len()).expect("a caller");
    let text = text.replace("$TOKEN", token);
    let event = AuthorizerEvent::parse(text.as_bytes());
    LINES.lock().expect("a lock").clear();
    let answer = block_on(AUTHORIZER.answer(event, Ok(now())));
    let lines = LINES.lock().expect("a lock").clone();
    let [written] = lines.as_slice() else { panic!("one line for each event: {lines:?}") };
    let audit = line::is_audit(written, token);
    match answer {
        Ok(answer) => granted(&answer, claims, &text, &audit, token),
        Err(refusal) => {
            assert_ne!(audit.get("decision"), Some(&json!("allow")), "{written}");
            assert_eq!(refusal.error_message() == "Unauthorized", audit.get("decision") == Some(&json!("reject")));
        }
    }
}

/// What a derived reader takes from an event; like ours it passes over the other members unread.
#[derive(serde::Deserialize)]
struct Called {
    #[serde(rename = "methodArn")]
    method_arn: String,
}

fn granted(answer: &AuthorizerResponse, claims: &VerifiedClaims, event: &str, audit: &Value, token: &str) {
    let text = serde_json::to_string(answer).expect("JSON");
    let called: Called = serde_json::from_str(event).expect("an answered event");
    let called = MethodArn::parse(&called.method_arn).expect("a method ARN");
    assert!(text.len() <= MAX_ANSWER_BYTES);
    // Who writes his token into the path himself cannot be helped: an unrouted path is denied by its name.
    assert!(line::leaks(called.path(), token) || !line::leaks(&text, token), "{text}");
    let statements = Statement::all(&lax(&text), &called);
    let allowed = |decision: Decision| match decision {
        Decision::Allow(_) => true,
        Decision::Deny(_) => false,
    };
    // The policy says of the called path and of one path of each route what is decided on it.
    let expected = allowed(POLICY.decide_request(claims, called.method(), called.path()));
    assert_eq!(grants(&statements, called.stage(), called.method(), called.path()), expected, "{text}");
    reached(if expected { "a caller is allowed" } else { "a caller is denied" });
    assert_eq!(audit.get("decision"), Some(&json!(if expected { "allow" } else { "deny" })));
    for route in POLICY.routes() {
        let (method, path) = (route.method().as_str(), instance(route));
        let expected = allowed(POLICY.decide_request(claims, method, &path));
        // The Deny of an unrouted path is of that path by its name, so it hits no route.
        assert_eq!(grants(&statements, called.stage(), method, &path), expected, "{method} {path}: {text}");
    }
}

struct Statement {
    allow: bool,
    resources: Vec<String>,
}

impl Statement {
    /// The statements of an answer. Each names one action and the called stage, and an Allow's path is a route's.
    fn all(answer: &Value, called: &MethodArn) -> Vec<Self> {
        let document = answer.get("policyDocument").expect("a policy");
        let statements = document.get("Statement").and_then(Value::as_array).expect("statements");
        assert!(!statements.is_empty());
        let patterns: Vec<String> = POLICY
            .routes()
            .iter()
            .map(|route| format!("{}/{}{}", called.stage(), route.method().as_str(), route.path().iam_pattern()))
            .collect();
        let read = |statement: &Value| {
            assert_eq!(statement.get("Action"), Some(&json!("execute-api:Invoke")));
            let allow = match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => true,
                Some("Deny") => false,
                effect => panic!("{effect:?}"),
            };
            let resources: Vec<String> =
                statement.get("Resource").and_then(|all| serde_json::from_value(all.clone()).ok()).expect("resources");
            assert!(!resources.is_empty());
            for resource in &resources {
                assert!(resource.starts_with(&format!("{}/", called.stage())), "{resource}");
                assert!(!allow || patterns.contains(resource), "an Allow of what no route is: {resource}");
            }
            Self { allow, resources }
        };
        statements.iter().map(read).collect()
    }
}

/// IAM's evaluation: an explicit Deny wins, and without an Allow it is no.
fn grants(statements: &[Statement], stage: &str, method: &str, path: &str) -> bool {
    let request = format!("{stage}/{method}{path}");
    let hit = |allow: bool| {
        let mut statements = statements.iter().filter(|statement| statement.allow == allow);
        statements.any(|statement| statement.resources.iter().any(|pattern| covers(pattern, &request)))
    };
    hit(true) && !hit(false)
}
