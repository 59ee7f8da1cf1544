use std::collections::BTreeMap;

use claim_guard::RealmKeySet;
use claim_guard::jws::{KeySetError, MAX_KEYS};
use claim_guard::transaction::TransactionKeySet;
use serde_json::value::RawValue;

use crate::line;
use crate::reached::reached;

/// JWK sets, as a realm publishes them and as a stack hands them to its guards.
pub fn jwk_set(bytes: &[u8]) {
    let set = RealmKeySet::parse(bytes);
    match &set {
        Ok(set) => {
            let names: Vec<&str> = set.key_ids().map(|key_id| key_id.as_str()).collect();
            assert!(!names.is_empty() && names.len() + set.skipped().len() <= MAX_KEYS);
            assert!(names.iter().all(|name| name.len() <= 256 && name.bytes().all(|byte| byte.is_ascii_graphic())));
            assert!(set.key_ids().all(|key_id| set.contains(key_id)));
            assert!(set.skipped().is_sorted_by(|one, next| one.index < next.index), "{:?}", set.skipped());
            set.skipped().iter().for_each(|key| line::is_message(&key.to_string()));
            reached("a key set in any order");
            the_same_in_any_order(bytes, set);
        }
        Err(error) => {
            line::is_message(&error.to_string());
            if let KeySetError::NoUsableKey { skipped } = error {
                skipped.iter().for_each(|key| line::is_message(&key.to_string()));
            }
        }
    }
    if let Err(error) = TransactionKeySet::parse(bytes) {
        return line::is_message(&error.to_string());
    }
    reached("a stack's key set");
    let set = set.expect("a stack's keys are usable keys");
    assert_eq!(set.skipped(), [], "none of a stack's keys is left out");
}

/// Which keys are usable is no matter of their order.
fn the_same_in_any_order(bytes: &[u8], set: &RealmKeySet) {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(bytes).expect("a set is an object");
    let keys: Vec<&RawValue> =
        members.get("keys").and_then(|keys| serde_json::from_str(keys.get()).ok()).expect("keys");
    let listed = set.key_ids().count() + set.skipped().len();
    assert_eq!(listed, keys.len(), "each key is usable under its own name, or left out with a reason");
    let reversed: Vec<&str> = keys.iter().rev().map(|key| key.get()).collect();
    let reversed = format!("{{\"keys\":[{}]}}", reversed.join(","));
    let reversed = RealmKeySet::parse(reversed.as_bytes()).expect("the same keys");
    assert!(reversed.key_ids().eq(set.key_ids()));
    assert_eq!(reversed.skipped().len(), set.skipped().len());
}
