use claim_guard_lambda::error_names;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::with;

use crate::stack::Stack;
use crate::support::{approval_event, guard, now, serve, token};

const NAMES: [&str; 10] = [
    "/transactionToken",
    "/context",
    "/context/execution",
    "/context/stateMachine",
    "/context/state",
    "/context/redriveCount",
    "/context/retryCount",
    "/work",
    "/input",
    "/surprise",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,40}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// Whatever comes in, one line is written, the answer has a name of the guard's, and neither holds the token.
fn check(stack: &Stack, event: &[u8], token: &str) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let served = runtime.block_on(serve(&guard(stack, "ApprovePayment"), event, now()));
    prop_assert_eq!(served.audit.len(), 1);
    if let Err((name, _)) = &served.answer {
        prop_assert!(error_names::GUARD.contains(&name.as_str()), "{}", name);
    }
    let printed = format!("{served:?}");
    for part in token.split('.') {
        prop_assert!(!printed.contains(part), "{}", printed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_misconfigured_and_never_panic(event in proptest::collection::vec(any::<u8>(), 0..200)) {
        let stack = Stack::new();
        check(&stack, &event, &token(&stack))?;
        let ruling = guard(&stack, "ApprovePayment").decide(&event, now());
        prop_assert_eq!(ruling.verdict.map(|_| ()), Err(claim_guard_lambda::GuardError::Misconfigured));
    }

    #[test]
    fn an_event_with_anything_in_the_place_of_a_member_is_refused_or_the_same(
        name in proptest::sample::select(&NAMES),
        value in any_json(),
    ) {
        let stack = Stack::new();
        let token = token(&stack);
        check(&stack, with(approval_event(&token), name, value).to_string().as_bytes(), &token)?;
    }

    #[test]
    fn a_token_with_any_byte_changed_is_rejected(place in any::<proptest::sample::Index>(), byte in 1_u8..127) {
        let stack = Stack::new();
        let token = token(&stack);
        let mut bytes = token.clone().into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        let event = approval_event(&String::from_utf8(bytes).unwrap()).to_string();
        let ruling = guard(&stack, "ApprovePayment").decide(event.as_bytes(), now());
        prop_assert_eq!(ruling.verdict.map(|_| ()), Err(claim_guard_lambda::GuardError::Rejected));
    }

    #[test]
    fn a_truncated_event_is_misconfigured(cut in any::<proptest::sample::Index>()) {
        let stack = Stack::new();
        let event = approval_event(&token(&stack)).to_string();
        let ruling = guard(&stack, "ApprovePayment").decide(&event.as_bytes()[..cut.index(event.len())], now());
        prop_assert_eq!(ruling.verdict.map(|_| ()), Err(claim_guard_lambda::GuardError::Misconfigured));
    }
}
