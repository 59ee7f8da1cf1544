//! The environment's variables → who mints, parsed once; every fault is named at once.

use std::collections::BTreeMap;
use std::fmt;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{IdentifierError, KeyId, StateMachineReference, TrustDomain, WorkflowName};
use claim_guard::jws::KeySetError;
use claim_guard::transaction::TransactionKeySet;
use claim_guard::{Excerpt, JsonError, strict_json_object};

use crate::signing_key::SigningKeyArn;

const TRUST_DOMAIN: &str = "TRUST_DOMAIN";
const TRANSACTION_KEYS: &str = "TRANSACTION_KEYS";
const TRANSACTION_KEY_ID: &str = "TRANSACTION_KEY_ID";
const TRANSACTION_SIGNING_KEY: &str = "TRANSACTION_SIGNING_KEY";
const WORKFLOW_STATE_MACHINES: &str = "WORKFLOW_STATE_MACHINES";

/// One fault of the part of the environment that says who mints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MintFault {
    /// A required variable is absent or empty.
    Absent {
        /// Its name.
        variable: &'static str,
    },
    /// A variable is not the identifier that it should be.
    Malformed {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// `TRANSACTION_KEYS` is not a set of keys for ES256.
    Keys(KeySetError),
    /// The key that signs is not in the set, so no guard would take what it signs.
    SigningKeyNotInSet {
        /// Its name.
        presented: KeyId,
    },
    /// `TRANSACTION_SIGNING_KEY` is not the ARN of a KMS key.
    NotAKeyArn {
        /// What was presented.
        presented: Excerpt,
    },
    /// `WORKFLOW_STATE_MACHINES` is not a JSON object.
    NotAnObject(JsonError),
    /// A state machine is not named by its ARN, or that of one of its versions or aliases.
    NotAStateMachine {
        /// The workflow.
        workflow: Excerpt,
        /// What is wrong with it; none if it is no text at all.
        error: Option<IdentifierError>,
    },
    /// One state machine is given for two workflows, so nothing tells whose executions it runs.
    SharedStateMachine {
        /// The one workflow.
        first: WorkflowName,
        /// The other.
        second: WorkflowName,
    },
    /// `access.toml` names a workflow that has no state machine.
    WorkflowWithoutMachine {
        /// The workflow.
        expected: WorkflowName,
    },
    /// A state machine is given for a workflow that `access.toml` does not name.
    MachineWithoutWorkflow {
        /// The workflow.
        presented: Excerpt,
    },
}

impl fmt::Display for MintFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { variable } => write!(f, "{variable} is absent"),
            Self::Malformed { variable, error } => write!(f, "{variable}: {error}"),
            Self::Keys(error) => write!(f, "{TRANSACTION_KEYS}: {error}"),
            Self::SigningKeyNotInSet { presented } => {
                write!(f, "{TRANSACTION_KEY_ID}: expected a key of {TRANSACTION_KEYS}, presented `{presented}`")
            }
            Self::NotAKeyArn { presented } => {
                write!(f, "{TRANSACTION_SIGNING_KEY}: expected the ARN of a KMS key, presented `{presented}`")
            }
            Self::NotAnObject(error) => write!(f, "{WORKFLOW_STATE_MACHINES}: {error}"),
            Self::NotAStateMachine { workflow, error: Some(error) } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{workflow}`: {error}")
            }
            Self::NotAStateMachine { workflow, error: None } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{workflow}`: the state machine ARN is no text")
            }
            Self::SharedStateMachine { first, second } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflows `{first}` and `{second}` have the same state machine")
            }
            Self::WorkflowWithoutMachine { expected } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{expected}` of access.toml is absent")
            }
            Self::MachineWithoutWorkflow { presented } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{presented}` is not in access.toml")
            }
        }
    }
}

impl std::error::Error for MintFault {}

/// Who mints: the name of the stack in transaction tokens, its keys, its state machines.
#[derive(Debug)]
pub struct MintSettings {
    /// The `aud` of transaction tokens.
    pub trust_domain: TrustDomain,
    /// The keys that transaction tokens are verified with.
    pub transaction_keys: TransactionKeySet,
    /// Which of them signs now.
    pub key_id: KeyId,
    /// That key in KMS.
    pub signing_key: SigningKeyArn,
    /// The state machine of each workflow of `access.toml`.
    pub state_machines: BTreeMap<WorkflowName, StateMachineReference>,
}

impl MintSettings {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// | variable | value |
    /// |---|---|
    /// | `TRUST_DOMAIN` | the `aud` of transaction tokens: one deployed stack |
    /// | `TRANSACTION_KEYS` | a JWK set: the keys that transaction tokens are verified with |
    /// | `TRANSACTION_KEY_ID` | the `kid` of the one that signs now |
    /// | `TRANSACTION_SIGNING_KEY` | the ARN of its KMS key |
    /// | `WORKFLOW_STATE_MACHINES` | a JSON object: the state machine's ARN for each workflow of `access.toml`, and no other |
    ///
    /// # Errors
    /// Every [`MintFault`] at once, in the order of the variables.
    pub fn from_lookup(policy: &AccessPolicy, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<MintFault>> {
        let mut reader = Reader { lookup, faults: Vec::new() };
        let trust_domain = reader.required(TRUST_DOMAIN, |text| identified(TRUST_DOMAIN, TrustDomain::parse(text)));
        let keys = reader
            .required(TRANSACTION_KEYS, |text| one(TransactionKeySet::parse(text.as_bytes()).map_err(MintFault::Keys)));
        let key_id = reader.required(TRANSACTION_KEY_ID, |text| identified(TRANSACTION_KEY_ID, KeyId::parse(text)));
        if let (Some(keys), Some(key_id)) = (&keys, &key_id)
            && !keys.contains(key_id)
        {
            reader.faults.push(MintFault::SigningKeyNotInSet { presented: key_id.clone() });
        }
        let signing_key = reader.required(TRANSACTION_SIGNING_KEY, |text| {
            one(SigningKeyArn::parse(text).map_err(|presented| MintFault::NotAKeyArn { presented }))
        });
        let state_machines = reader.required(WORKFLOW_STATE_MACHINES, |text| state_machines(text, policy));
        match (trust_domain, keys, key_id, signing_key, state_machines) {
            (Some(trust_domain), Some(transaction_keys), Some(key_id), Some(signing_key), Some(state_machines))
                if reader.faults.is_empty() =>
            {
                Ok(Self { trust_domain, transaction_keys, key_id, signing_key, state_machines })
            }
            _ => Err(reader.faults),
        }
    }
}

/// The state machines of exactly the policy's workflows.
fn state_machines(
    text: &str,
    policy: &AccessPolicy,
) -> Result<BTreeMap<WorkflowName, StateMachineReference>, Vec<MintFault>> {
    let object = strict_json_object(text.as_bytes()).map_err(|error| vec![MintFault::NotAnObject(error)])?;
    let mut machines: BTreeMap<WorkflowName, StateMachineReference> = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, value) in &object {
        let workflow = Excerpt::of(name);
        let known = WorkflowName::parse(name).ok().filter(|name| policy.workflow(name).is_some());
        let arn = value.as_str().map(StateMachineReference::parse);
        match (known, arn) {
            (None, _) => faults.push(MintFault::MachineWithoutWorkflow { presented: workflow }),
            (Some(_), None) => faults.push(MintFault::NotAStateMachine { workflow, error: None }),
            (Some(_), Some(Err(error))) => faults.push(MintFault::NotAStateMachine { workflow, error: Some(error) }),
            (Some(name), Some(Ok(arn))) => {
                if let Some((first, _)) = machines.iter().find(|(_, other)| other.machine() == arn.machine()) {
                    faults.push(MintFault::SharedStateMachine {
                        first: WorkflowName::clone(first),
                        second: name.clone(),
                    });
                }
                machines.insert(name, arn);
            }
        }
    }
    let absent = policy.workflows().map(|workflow| workflow.name()).filter(|name| !object.contains_key(name.as_str()));
    faults.extend(absent.map(|name| MintFault::WorkflowWithoutMachine { expected: name.clone() }));
    if faults.is_empty() { Ok(machines) } else { Err(faults) }
}

struct Reader<L> {
    lookup: L,
    faults: Vec<MintFault>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn required<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Vec<MintFault>>,
    ) -> Option<T> {
        match (self.lookup)(variable).filter(|text| !text.is_empty()) {
            Some(text) => self.kept(parse(&text)),
            None => self.kept(one(Err(MintFault::Absent { variable }))),
        }
    }

    fn kept<T>(&mut self, parsed: Result<T, Vec<MintFault>>) -> Option<T> {
        parsed.map_err(|faults| self.faults.extend(faults)).ok()
    }
}

fn one<T>(parsed: Result<T, MintFault>) -> Result<T, Vec<MintFault>> {
    parsed.map_err(|fault| vec![fault])
}

fn identified<T>(variable: &'static str, parsed: Result<T, IdentifierError>) -> Result<T, Vec<MintFault>> {
    one(parsed.map_err(|error| MintFault::Malformed { variable, error }))
}

#[cfg(test)]
mod tests;
