//! What an execution is called. The name is chosen before the start, so that its ARN can be signed.

use std::fmt;

use claim_guard::identifier::{ClientId, Digest, Issuer, WorkflowName};
use claim_guard::{Actor, Identity};
use minting::hex;

use crate::idempotency::IdempotencyKey;

const RANDOM_DIGITS: usize = 32;
const KEYED_DIGITS: usize = 64;

/// A name that this crate gives: 32 hexadecimal digits by chance, or 64 from an idempotency key.
///
/// Nothing in it tells who started the execution, and nobody can guess it who does not know key and caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExecutionName(String);

impl ExecutionName {
    /// A name by chance.
    pub(crate) fn random(bits: [u8; 16]) -> Self {
        Self(hex(&bits))
    }

    /// The name that this caller's key always leads to in this workflow, and that no other caller's does.
    pub(crate) fn keyed(caller: &Identity, workflow: &WorkflowName, key: &IdempotencyKey) -> Self {
        let mut parts = vec![
            caller.issuer().as_str(),
            caller.subject().as_str(),
            caller.client().as_str(),
            workflow.as_str(),
            key.as_str(),
        ];
        // Whoever acts in the caller's place is another caller.
        if let Some(actor) = caller.actor().map(Actor::current) {
            parts.push(actor.subject().as_str());
            parts.push(actor.issuer().map_or("", Issuer::as_str));
            parts.push(actor.client().map_or("", ClientId::as_str));
        }
        // Each part is preceded by its length: no two lists of parts give the same bytes.
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(part.len().to_string().as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(part.as_bytes());
        }
        let digest = Digest::of(&bytes);
        Self(digest.as_str().trim_start_matches("sha256:").to_owned())
    }

    /// Reads a name of one of the two shapes. Anything else is no execution of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (digits && matches!(text.len(), RANDOM_DIGITS | KEYED_DIGITS)).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExecutionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
