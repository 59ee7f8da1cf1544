//! Key sets by their content, so that many cases of one realm import its keys once.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::digest::{Digest, SHA256, digest};
use claim_guard::RealmKeySet;
use claim_guard::jws::KeySetError;

/// How many key sets are kept; the one that came first makes room for a new one.
const KEPT: usize = 256;

type Name = [u8; 32];

/// What became of the key sets that were imported last, by the SHA-256 of their text.
#[derive(Default)]
pub(super) struct KeyCache {
    sets: HashMap<Name, Result<RealmKeySet, KeySetError>>,
    order: VecDeque<Name>,
}

impl KeyCache {
    /// The keys of that text, imported unless they are here.
    pub(super) fn get(&mut self, text: &str) -> &Result<RealmKeySet, KeySetError> {
        let name = name_of(&digest(&SHA256, text.as_bytes()));
        if !self.sets.contains_key(&name) {
            if self.order.len() >= KEPT
                && let Some(first) = self.order.pop_front()
            {
                self.sets.remove(&first);
            }
            self.order.push_back(name);
        }
        self.sets.entry(name).or_insert_with(|| RealmKeySet::parse(text.as_bytes()))
    }
}

fn name_of(digest: &Digest) -> Name {
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use test_realm::{TestKey, key_set};

    use super::*;

    #[test]
    fn each_text_has_its_own_keys_and_the_number_of_sets_is_bounded() {
        let mut cache = KeyCache::default();
        let keys: Vec<TestKey> = (0..3).map(|index| TestKey::generate("ES256", &format!("key-{index}"))).collect();
        for key in keys.iter().chain(&keys) {
            let names = |set: &RealmKeySet| set.key_ids().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(cache.get(&key_set([key])).as_ref().map(names), Ok(vec![key.kid().to_owned()]));
        }
        assert_eq!((cache.sets.len(), cache.order.len()), (3, 3));
        for index in 0..2 * KEPT {
            let kept = cache.get(&index.to_string()).as_ref().map(|_| ());
            assert_eq!(kept, Err(&KeySetError::NotAKeySet));
        }
        assert_eq!((cache.sets.len(), cache.order.len()), (KEPT, KEPT));
    }
}
