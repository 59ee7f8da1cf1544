//! A JWK set (RFC 7517 §5), imported key by key.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::json::{self, Document, raw_members};
use crate::jws::key::{KeyFault, VerificationKey};

/// The most bytes that a set may have.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// The most keys that a set may hold.
pub const MAX_KEYS: usize = 100;

/// Why a whole set is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySetError {
    /// More than [`MAX_KEY_SET_BYTES`].
    TooLong {
        /// The bytes presented.
        presented: usize,
    },
    /// Not a JSON object with one member `keys` that is an array.
    NotAKeySet,
    /// More than [`MAX_KEYS`].
    TooManyKeys {
        /// The keys presented.
        presented: usize,
    },
    /// No key of the set can verify a signature.
    NoUsableKey {
        /// Every key, with the reason.
        skipped: Vec<SkippedKey>,
    },
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { presented } => {
                write!(f, "key set: expected at most `{MAX_KEY_SET_BYTES}` bytes, presented `{presented}`")
            }
            Self::NotAKeySet => f.write_str("key set: expected a JSON object with an array `keys`"),
            Self::TooManyKeys { presented } => {
                write!(f, "key set: expected at most `{MAX_KEYS}` keys, presented `{presented}`")
            }
            Self::NoUsableKey { skipped } => {
                f.write_str("key set: no usable key")?;
                skipped.iter().take(3).try_for_each(|key| write!(f, "; {key}"))
            }
        }
    }
}

impl std::error::Error for KeySetError {}

/// A key that was left out of a set, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Its name, where it has one.
    pub key_id: Option<Excerpt>,
    /// Why it was left out.
    pub fault: KeyFault,
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key_id {
            Some(key_id) => write!(f, "key `{key_id}`: {}", self.fault),
            None => write!(f, "key at index `{}`: {}", self.index, self.fault),
        }
    }
}

/// Usable keys by name; never empty.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: BTreeMap<KeyId, VerificationKey>,
    skipped: Vec<SkippedKey>,
}

/// The elements of a set's `keys`, each unread; none if it is no set. A bad key spoils only itself, so it is read later;
/// every other member is read strictly now.
fn elements(bytes: &[u8]) -> Option<Vec<&RawValue>> {
    let mut members = raw_members(bytes).ok()?;
    let keys = members.remove("keys")?;
    let strict = members.values().all(|value| Document::read(value.get().as_bytes().to_vec()).is_ok());
    serde_json::from_str(keys.get()).ok().filter(|_| strict)
}

impl KeySet {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong { presented: bytes.len() });
        }
        let keys = elements(bytes).ok_or(KeySetError::NotAKeySet)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys { presented: keys.len() });
        }
        let set = Self::import(keys.iter().map(|raw| raw.get()));
        if set.keys.is_empty() { Err(KeySetError::NoUsableKey { skipped: set.skipped }) } else { Ok(set) }
    }

    fn import<'a>(jwks: impl Iterator<Item = &'a str>) -> Self {
        let mut skipped = Vec::new();
        let mut usable = Vec::new();
        for (index, jwk) in jwks.enumerate() {
            match import_one(index, jwk) {
                Ok(key) => usable.push(key),
                Err(key) => skipped.push(key),
            }
        }
        // Compared before any is left out, so that of each pair both are.
        let faults: Vec<Option<KeyFault>> = usable.iter().map(|key| key.fault_among(&usable)).collect();
        let mut keys = BTreeMap::new();
        for (Candidate { index, key_id, key }, fault) in usable.into_iter().zip(faults) {
            match fault {
                None => {
                    keys.insert(key_id, key);
                }
                Some(fault) => skipped.push(SkippedKey { index, key_id: Some(Excerpt::of(key_id.as_str())), fault }),
            }
        }
        skipped.sort_by_key(|key| key.index);
        Self { keys, skipped }
    }

    pub(crate) fn get(&self, key_id: &KeyId) -> Option<&VerificationKey> {
        self.keys.get(key_id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&KeyId, &VerificationKey)> {
        self.keys.iter()
    }

    pub(crate) fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }
}

/// A key that is usable by itself.
struct Candidate {
    index: usize,
    key_id: KeyId,
    key: VerificationKey,
}

impl Candidate {
    /// What another usable key of the set makes wrong with this one.
    fn fault_among(&self, usable: &[Self]) -> Option<KeyFault> {
        let mut others = usable.iter().filter(|other| other.index != self.index);
        if others.clone().any(|other| other.key_id == self.key_id) {
            return Some(KeyFault::Ambiguous);
        }
        // RFC 8725 §3.1: one key, one algorithm.
        let shared = |other: &Self| other.key.is_same_key(&self.key) && other.key.algorithm() != self.key.algorithm();
        others.any(shared).then_some(KeyFault::SharedByAlgorithms)
    }
}

fn import_one(index: usize, jwk: &str) -> Result<Candidate, SkippedKey> {
    let members = json::object(jwk.as_bytes()).map_err(|error| SkippedKey {
        index,
        key_id: None,
        fault: KeyFault::Malformed { error },
    })?;
    match VerificationKey::import(&members) {
        Ok((key_id, key)) => Ok(Candidate { index, key_id, key }),
        Err(fault) => {
            let key_id = members.get("kid").and_then(serde_json::Value::as_str).map(Excerpt::of);
            Err(SkippedKey { index, key_id, fault })
        }
    }
}
