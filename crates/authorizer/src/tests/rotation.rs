//! Tokens of keys that come, stay and go.

use super::answers::START;
use super::*;

/// What an authorizer that has these keys says about a token: the decision, and the first reason's code.
fn said(keys: &[&TestKey], token: &str) -> (Value, Value, bool) {
    let keys = RealmKeySet::parse(key_set(keys.iter().copied()).as_bytes()).expect("a key set");
    let outcome = outcome(setup(policy(SHIPPED), Keys(Ok(Arc::new(keys)))), &event(&format!("Bearer {token}"), START));
    let line = outcome.line();
    (line["decision"].clone(), line["reasons"][0]["code"].clone(), outcome.answer == unauthorized())
}

fn allowed() -> (Value, Value, bool) {
    (json!("allow"), Value::Null, false)
}

fn rejected(code: &str) -> (Value, Value, bool) {
    (json!("reject"), json!(code), true)
}

#[test]
fn g33_g37_a_key_that_signs_no_more_counts_while_it_is_published_and_not_after() {
    let next = TestKey::generate("ES256", "next-key");
    let token = KEY.token(&access_token_payload(NOW));
    let token_of_next = next.token(&access_token_payload(NOW));
    assert_eq!(said(&[&KEY], &token_of_next), rejected("unknown_key"));
    for key_set in [[&*KEY, &next], [&next, &*KEY]] {
        assert_eq!((said(&key_set, &token), said(&key_set, &token_of_next)), (allowed(), allowed()));
    }
    assert_eq!((said(&[&next], &token), said(&[&next], &token_of_next)), (rejected("unknown_key"), allowed()));
}

#[test]
fn g34_a_key_replaced_under_the_same_name_takes_its_tokens_with_it() {
    let (old, new) = (&*KEY, &*FORGED_KEY);
    let [of_old, of_new] = [old, new].map(|key| key.token(&access_token_payload(NOW)));
    assert_eq!((said(&[old], &of_old), said(&[old], &of_new)), (allowed(), rejected("bad_signature")));
    assert_eq!((said(&[new], &of_old), said(&[new], &of_new)), (rejected("bad_signature"), allowed()));
    // Both at once under one name are neither.
    let both = RealmKeySet::parse(key_set([old, new, &TestKey::generate("ES256", "next-key")]).as_bytes());
    assert!(!both.expect("a key set").contains(&KeyId::parse("realm-key").expect("a key id")));
}
