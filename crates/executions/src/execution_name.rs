//! What an execution is called. The name is chosen before the start, so that its ARN can be signed.
//!
//! Names are recognised without asking Step Functions, whose `DescribeExecution` answers some fifteen times a second for the whole
//! account: whoever could have it asked about names that he made up could keep everybody from stopping anything.

use std::fmt;

use claim_guard::identifier::{ClientId, Issuer, WorkflowName};
use claim_guard::{Actor, Identity};
use minting::{GIVEN_DIGITS, NESTED_DIGITS, NamingKey, hex};

use crate::idempotency::IdempotencyKey;

const SEED_DIGITS: usize = 32;
/// 64 bits of a MAC each. They are only ever tried by asking here, so a forger has no more tries than the API has requests, and
/// gets one look-up for a hit.
const MAC_DIGITS: usize = 16;

/// What the MACs are for.
const SEED: &str = "idempotency key";
const GIVEN: &str = "given";
const STARTER: &str = "starter";

/// A name that was given here: 32 hexadecimal digits by chance or from an idempotency key, 16 that say that it was given here, and
/// 16 that say to whom. An execution that a state of such a one starts has 16 more, by chance.
///
/// Nobody who lacks the stack's naming key can make one up, tell who started the execution, or find the name of somebody
/// else's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExecutionName(String);

impl ExecutionName {
    /// A name by chance, for that caller's execution.
    pub fn random(bits: [u8; 16], caller: &Identity, key: &NamingKey) -> Self {
        Self::of(&hex(&bits), caller, key)
    }

    /// The name that this caller's key always leads to in this workflow, and that no other caller's does.
    pub(crate) fn keyed(
        caller: &Identity,
        workflow: &WorkflowName,
        idempotency: &IdempotencyKey,
        key: &NamingKey,
    ) -> Self {
        let mut parts = vec![
            caller.issuer().as_str(),
            caller.subject().as_str(),
            caller.client().as_str(),
            workflow.as_str(),
            idempotency.as_str(),
        ];
        // Whoever acts in the caller's place is another caller.
        if let Some(actor) = caller.actor().map(Actor::current) {
            parts.push(actor.subject().as_str());
            parts.push(actor.issuer().map_or("", Issuer::as_str));
            parts.push(actor.client().map_or("", ClientId::as_str));
        }
        Self::of(&key.digits(SEED, &parts, SEED_DIGITS), caller, key)
    }

    /// Reads a name that was given here, or that a state gave below such a one. Anything else is no execution of ours.
    pub fn recognise(text: &str, key: &NamingKey) -> Option<Self> {
        let lower_case = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let shaped = lower_case && [GIVEN_DIGITS, GIVEN_DIGITS + NESTED_DIGITS].contains(&text.len());
        let name = Self(text.to_owned());
        (shaped && key.is_of(name.given(), GIVEN, &[name.seed()])).then_some(name)
    }

    /// Whether it was given to that caller, or to whoever acts in his place, or the other way round. If not, whatever the
    /// execution's own statement says, he has not started it.
    pub(crate) fn may_be_of(&self, caller: &Identity, key: &NamingKey) -> bool {
        key.is_of(self.starter(), STARTER, &starter(self.seed(), caller))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(seed: &str, caller: &Identity, key: &NamingKey) -> Self {
        let given = key.digits(GIVEN, &[seed], MAC_DIGITS);
        Self(format!("{seed}{given}{}", key.digits(STARTER, &starter(seed, caller), MAC_DIGITS)))
    }

    fn seed(&self) -> &str {
        self.0.get(..SEED_DIGITS).unwrap_or_default()
    }

    fn given(&self) -> &str {
        self.0.get(SEED_DIGITS..SEED_DIGITS + MAC_DIGITS).unwrap_or_default()
    }

    fn starter(&self) -> &str {
        self.0.get(SEED_DIGITS + MAC_DIGITS..GIVEN_DIGITS).unwrap_or_default()
    }
}

impl fmt::Display for ExecutionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without the actor: the subject may see what is started in his place.
fn starter<'a>(seed: &'a str, caller: &'a Identity) -> [&'a str; 3] {
    [seed, caller.issuer().as_str(), caller.subject().as_str()]
}
