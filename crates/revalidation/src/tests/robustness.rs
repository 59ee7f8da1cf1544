//! Whatever the event is, there is one line and one answer, and neither holds the token.

use claim_guard_lambda::error_names;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::with;

use super::world::World;
use super::*;

const NAMES: [&str; 14] = [
    "/transactionToken",
    "/context",
    "/context/execution",
    "/context/stateMachine",
    "/context/state",
    "/context/redriveCount",
    "/context/retryCount",
    "/renew",
    "/renew/state",
    "/renew/cause",
    "/renew/surprise",
    "/adopt",
    "/delegate",
    "/surprise",
];

/// What a realm may answer in the place of each answer.
const ANSWERS: [fn(&mut World, Value); 5] = [
    |world, answer| world.realm = answer,
    |world, answer| world.clients = answer,
    |world, answer| world.user = Some(answer),
    |world, answer| world.sessions = answer,
    |world, answer| world.evaluation = answer,
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

/// One line, an error name of the guard's other than `ClaimGuard.IdentityExpired`, and no part of the token in what is
/// told to anybody but the state machine.
fn check(world: &World, event: &[u8], token: &str) -> Result<Served, TestCaseError> {
    let served = serve_bytes(world, event, Ok(time(LATER)));
    prop_assert_eq!(served.audit.len(), 1);
    let mut told = served.audit[0].to_string();
    if let Err((name, message)) = &served.answer {
        prop_assert!(error_names::GUARD.contains(&name.as_str()), "{}", name);
        prop_assert_ne!(name, error_names::IDENTITY_EXPIRED);
        told.push_str(message);
    }
    for part in token.split('.') {
        prop_assert!(!told.contains(part), "{}", told);
    }
    Ok(served)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_misconfigured_and_never_panic(event in proptest::collection::vec(any::<u8>(), 0..200)) {
        let served = check(&World::new(), &event, "HEADER.PAYLOAD.SIGNATURE")?;
        prop_assert_eq!(served.answer.unwrap_err().0, error_names::MISCONFIGURED);
    }

    #[test]
    fn an_event_with_anything_in_the_place_of_a_member_is_refused_or_the_same(
        name in proptest::sample::select(&NAMES),
        value in any_json(),
    ) {
        let token = Start::usual().token();
        let event = with(renew(&token, "ApprovePayment", "expired"), name, value);
        check(&World::new(), event.to_string().as_bytes(), &token)?;
    }

    #[test]
    fn a_token_with_any_byte_changed_is_rejected(place in any::<proptest::sample::Index>(), byte in 1_u8..127) {
        let token = Start::usual().token();
        let mut bytes = token.clone().into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        let event = renew(&String::from_utf8(bytes).unwrap(), "ApprovePayment", "expired");
        let served = serve(&World::new(), &event, LATER);
        prop_assert_eq!(served.answer.unwrap_err().0, error_names::REJECTED);
    }

    #[test]
    fn whatever_the_realm_answers_in_place_of_an_answer_leads_to_no_token(
        answer in proptest::sample::select(&ANSWERS),
        value in any_json(),
    ) {
        let mut world = World::new();
        answer(&mut world, value);
        let token = Start::of("supervised").token();
        let ask = json!({ "state": "Work", "cause": "expired" });
        let event = event(&token, "supervised", "renew", ask);
        let served = check(&world, event.to_string().as_bytes(), &token)?;
        let (name, _) = served.answer.unwrap_err();
        // An empty array is an answer: no such client, no session.
        let expected = [error_names::UNDECIDED, error_names::DENIED];
        prop_assert!(expected.contains(&name.as_str()), "{}", name);
    }
}
