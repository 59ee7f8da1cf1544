//! What a fetch leaves to be told, whatever becomes of the request that began it.

use std::collections::BTreeSet;
use std::fmt;

use claim_guard::identifier::KeyId;
use claim_guard::jws::{KeyFault, SkippedKey};
use claim_guard::{Excerpt, RealmKeySet};
use serde::Serialize;

use crate::unavailable::KeysUnavailable;

/// A notice's format and version, its first member.
pub const NOTICE_FORMAT: &str = "realm-keys/1";

/// The most keys that one notice names.
const MOST_NAMED: usize = 10;

/// What no caller hears: requests are served from the keys that stand.
///
/// A fetch makes at most one of each kind, and fetches begin at least 30 seconds apart while a set stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyNotice {
    /// The set was not renewed. While the last good one stands, it is served.
    RenewalFailed {
        /// Why.
        cause: KeysUnavailable,
    },
    /// Keys of the set cannot be used, so tokens that they sign are rejected. Keys for encryption are not among them.
    KeysSkipped {
        /// The keys, at least one.
        skipped: Vec<SkippedKey>,
    },
    /// The set has other keys than the one before. Rotations look so; two servers that share no keys look so again and again.
    KeysChanged {
        /// Keys that were not there before.
        added: Vec<KeyId>,
        /// Keys that are there no more.
        gone: Vec<KeyId>,
    },
}

impl KeyNotice {
    /// What a fetch that has ended leaves to be told, beside the set before it.
    pub(crate) fn of(before: Option<&RealmKeySet>, outcome: &Result<RealmKeySet, KeysUnavailable>) -> Vec<Self> {
        let keys = match outcome {
            Ok(keys) => keys,
            Err(cause) => return vec![Self::RenewalFailed { cause: cause.clone() }],
        };
        [before.and_then(|before| Self::changed(before, keys)), Self::skipped(keys)].into_iter().flatten().collect()
    }

    fn changed(before: &RealmKeySet, now: &RealmKeySet) -> Option<Self> {
        let names = |keys: &RealmKeySet| keys.key_ids().cloned().collect::<BTreeSet<KeyId>>();
        let (before, now) = (names(before), names(now));
        let added: Vec<KeyId> = now.difference(&before).cloned().collect();
        let gone: Vec<KeyId> = before.difference(&now).cloned().collect();
        (!added.is_empty() || !gone.is_empty()).then_some(Self::KeysChanged { added, gone })
    }

    /// Keycloak publishes its keys for encryption in the same set: that they verify nothing is no news.
    fn skipped(keys: &RealmKeySet) -> Option<Self> {
        let is_news = |key: &&SkippedKey| !matches!(key.fault, KeyFault::OtherUse { .. });
        let skipped: Vec<SkippedKey> = keys.skipped().iter().filter(is_news).cloned().collect();
        (!skipped.is_empty()).then_some(Self::KeysSkipped { skipped })
    }

    /// A fixed name of the kind, for metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RenewalFailed { .. } => "renewal_failed",
            Self::KeysSkipped { .. } => "keys_skipped",
            Self::KeysChanged { .. } => "keys_changed",
        }
    }

    /// One line of JSON without its line feed: `{"notice": "realm-keys/1", "code": …, "message": …}`.
    pub fn to_line(&self) -> String {
        let line = Line { notice: NOTICE_FORMAT, code: self.code(), message: self.to_string() };
        // Serializing three texts into a string cannot fail; a line that says so is still better than none.
        serde_json::to_string(&line)
            .unwrap_or_else(|error| format!("{{\"notice\":\"{NOTICE_FORMAT}\",\"lost\":\"{error}\"}}"))
    }
}

#[derive(Serialize)]
struct Line {
    notice: &'static str,
    code: &'static str,
    message: String,
}

impl fmt::Display for KeyNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |keys: &[KeyId]| {
            let named: Vec<&str> = keys.iter().take(MOST_NAMED).map(KeyId::as_str).collect();
            Excerpt::of(&named.join(" ")).to_string()
        };
        match self {
            Self::RenewalFailed { cause } => write!(f, "the realm's keys were not renewed: {cause}"),
            Self::KeysSkipped { skipped } => {
                write!(f, "`{}` of the realm's keys cannot be used", skipped.len())?;
                skipped.iter().take(MOST_NAMED).try_for_each(|key| write!(f, "; {key}"))
            }
            Self::KeysChanged { added, gone } => {
                write!(f, "the realm's keys have changed: added `{}`, gone `{}`", names(added), names(gone))
            }
        }
    }
}
