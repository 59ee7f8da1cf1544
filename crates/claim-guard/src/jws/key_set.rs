//! A JWK set (RFC 7517 §5), imported key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::json;
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

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong { presented: bytes.len() });
        }
        // serde would read a struct from an array too.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(KeySetError::NotAKeySet);
        }
        let document: Document<'_> = serde_json::from_slice(bytes).map_err(|_| KeySetError::NotAKeySet)?;
        if document.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys { presented: document.keys.len() });
        }
        let set = Self::import(document.keys.iter().map(|raw| raw.get()));
        if set.keys.is_empty() { Err(KeySetError::NoUsableKey { skipped: set.skipped }) } else { Ok(set) }
    }

    fn import<'a>(jwks: impl Iterator<Item = &'a str>) -> Self {
        let mut keys: BTreeMap<KeyId, (usize, VerificationKey)> = BTreeMap::new();
        let mut ambiguous = BTreeSet::new();
        let mut skipped = Vec::new();
        for (index, jwk) in jwks.enumerate() {
            match import_one(index, jwk) {
                Ok((key_id, key)) => {
                    if keys.insert(key_id.clone(), (index, key)).is_some() {
                        ambiguous.insert(key_id);
                    }
                }
                Err(key) => skipped.push(key),
            }
        }
        for key_id in ambiguous {
            if let Some((index, _)) = keys.remove(&key_id) {
                let key_id = Some(Excerpt::of(key_id.as_str()));
                skipped.push(SkippedKey { index, key_id, fault: KeyFault::Ambiguous });
            }
        }
        Self { keys: keys.into_iter().map(|(key_id, (_, key))| (key_id, key)).collect(), skipped }
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

fn import_one(index: usize, jwk: &str) -> Result<(KeyId, VerificationKey), SkippedKey> {
    let members = json::object(jwk.as_bytes()).map_err(|error| SkippedKey {
        index,
        key_id: None,
        fault: KeyFault::Malformed { error },
    })?;
    VerificationKey::import(&members).map_err(|fault| {
        let key_id = members.get("kid").and_then(serde_json::Value::as_str).map(Excerpt::of);
        SkippedKey { index, key_id, fault }
    })
}
