use std::sync::LazyLock;

use claim_guard::identifier::StateName;
use claim_guard::transaction::WorkPath;
use claim_guard_lambda::{Granted, Guard, error_names};
use serde_json::Value;

use crate::fixture::{
    ACCESS_TOML, EXECUTION, MACHINE, POLICY, STACK_KEYS, TRUST_DOMAIN, chosen, everyman, lax, minted, now, payment,
};
use crate::line;
use crate::reached::reached;

const STATES: [&str; 3] = ["ApprovePayment", "ExecutePayment", "ScreenPayment"];

static TOKEN: LazyLock<String> = LazyLock::new(|| minted(EXECUTION));

static GUARDS: LazyLock<[Guard; 3]> = LazyLock::new(|| {
    STATES.map(|state| {
        let guard = Guard::new(state, ACCESS_TOML, |name| match name {
            "TRUST_DOMAIN" => Some(TRUST_DOMAIN.to_owned()),
            "TRANSACTION_KEYS" => Some(STACK_KEYS.clone()),
            "WORKFLOW" => Some("payment".to_owned()),
            _ => None,
        });
        assert_eq!(guard.faults(), []);
        guard
    })
});

/// Events of guarded states: the first byte says which state's function is called, the rest is the event, in which
/// `$TRANSACTION` stands for the execution's token.
pub fn task_event(bytes: &[u8]) {
    let Some((which, text)) = chosen(bytes) else { return };
    let (guard, state) = GUARDS.iter().zip(STATES).cycle().nth(usize::from(which) % 3).expect("a guard");
    let event = text.replace("$TRANSACTION", &TOKEN);
    let ruling = guard.decide(event.as_bytes(), Ok(now()));
    let again = guard.decide(event.as_bytes(), Ok(now()));
    assert_eq!(ruling.audit, again.audit, "the same event, twice");
    let audit = line::is_audit(&ruling.audit.to_line(), &TOKEN);
    let decision = audit.get("decision").and_then(Value::as_str).unwrap_or_default();
    match ruling.verdict {
        Ok(granted) => {
            reached("a state acts");
            assert_eq!(decision, "allow");
            acts(&granted, state, &lax(&event));
        }
        Err(refusal) => {
            assert_ne!(decision, "allow");
            assert!(error_names::GUARD.contains(&refusal.error_name()));
            line::is_message(&refusal.to_string());
            assert!(!line::leaks(&refusal.to_string(), &TOKEN));
        }
    }
}

/// A state acts on what came, on behalf of who started the execution, in that execution and in its own name.
fn acts(granted: &Granted, state: &str, event: &Value) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    assert_eq!(text("/transactionToken"), Some(TOKEN.as_str()));
    assert_eq!(text("/context/execution"), Some(EXECUTION));
    assert_eq!(text("/context/stateMachine"), Some(MACHINE));
    assert_eq!(text("/context/state"), Some(state));
    assert_eq!(text("/work"), granted.grant.work_path().map(WorkPath::as_str));
    assert_eq!(event.get("input").map(ToString::to_string), Some(granted.input.to_string()));
    assert_eq!(granted.grant.subject(), everyman().1.identity().subject());
    let state = StateName::parse(state).expect("a state");
    let requirement =
        POLICY.workflow(&payment()).and_then(|workflow| workflow.guarded(&state)).expect("a requirement").requirement();
    assert!(requirement.roles().iter().all(|role| granted.grant.roles().contains(role)));
    let named = requirement.named_roles();
    assert!(granted.grant.roles().iter().all(|role| named.contains(role)), "no more than the requirement names");
}
