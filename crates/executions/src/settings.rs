//! The environment's variables → settings, parsed once; every fault is named at once.

use std::collections::BTreeMap;
use std::fmt;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::{IdentifierError, KeyId, StateMachineArn, TrustDomain, WorkflowName};
use claim_guard::jws::KeySetError;
use claim_guard::transaction::TransactionKeySet;
use claim_guard::{Excerpt, JsonError, strict_json_object};
use realm_keys::{RealmSettings, SettingsFault};

const TRUST_DOMAIN: &str = "TRUST_DOMAIN";
const TRANSACTION_KEYS: &str = "TRANSACTION_KEYS";
const TRANSACTION_KEY_ID: &str = "TRANSACTION_KEY_ID";
const TRANSACTION_SIGNING_KEY: &str = "TRANSACTION_SIGNING_KEY";
const WORKFLOW_STATE_MACHINES: &str = "WORKFLOW_STATE_MACHINES";
const CORS_ORIGIN: &str = "CORS_ORIGIN";

/// One fault of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A fault of the part that every verifier of access tokens shares.
    Realm(SettingsFault),
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
    /// A state machine is not named by its ARN, without version or alias.
    NotAStateMachine {
        /// The workflow.
        workflow: Excerpt,
        /// What is wrong with it; none if it is no text at all.
        error: Option<IdentifierError>,
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
    /// `CORS_ORIGIN` is not `SCHEME://HOST[:PORT]`.
    NotAnOrigin {
        /// What was presented.
        presented: Excerpt,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Realm(fault) => write!(f, "{fault}"),
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
            Self::WorkflowWithoutMachine { expected } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{expected}` of access.toml is absent")
            }
            Self::MachineWithoutWorkflow { presented } => {
                write!(f, "{WORKFLOW_STATE_MACHINES}: workflow `{presented}` is not in access.toml")
            }
            Self::NotAnOrigin { presented } => {
                write!(f, "{CORS_ORIGIN}: expected `SCHEME://HOST[:PORT]`, presented `{presented}`")
            }
        }
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// The fault for an audit line.
    pub fn reason(&self) -> Reason {
        Reason::new("malformed_environment", self)
    }
}

/// The ARN of the KMS key that signs: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyArn(String);

impl SigningKeyArn {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fields: Vec<&str> = text.split(':').collect();
        let shaped = match fields.as_slice() {
            ["arn", partition, "kms", region, account, key] => {
                let id = key.strip_prefix("key/").unwrap_or_default();
                [*partition, *region, *account, id].iter().all(|part| !part.is_empty() && part.bytes().all(is_plain))
            }
            _ => false,
        };
        if shaped { Ok(Self(text.to_owned())) } else { Err(Fault::NotAKeyArn { presented: Excerpt::of(text) }) }
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The one web origin whose scripts may read answers: `SCHEME://HOST[:PORT]`, no wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(String);

impl CorsOrigin {
    /// Reads the origin alone; none is configured where `CORS_ORIGIN` is absent or empty.
    ///
    /// # Errors
    /// [`Fault::NotAnOrigin`] for any other shape.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Fault> {
        lookup(CORS_ORIGIN).filter(|text| !text.is_empty()).map(|text| Self::parse(&text)).transpose()
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let plain = host.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b':' | b'[' | b']'));
        if plain && !host.is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Fault::NotAnOrigin { presented: Excerpt::of(text) })
        }
    }

    /// The origin, as a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What this stack is: its name in transaction tokens, its keys, its state machines.
#[derive(Debug)]
pub struct Stack {
    /// The `aud` of transaction tokens.
    pub trust_domain: TrustDomain,
    /// The keys that transaction tokens are verified with.
    pub transaction_keys: TransactionKeySet,
    /// Which of them signs now.
    pub key_id: KeyId,
    /// The state machine of each workflow of `access.toml`.
    pub state_machines: BTreeMap<WorkflowName, StateMachineArn>,
    /// Whose scripts may read answers.
    pub cors_origin: Option<CorsOrigin>,
}

/// Everything that the environment says.
#[derive(Debug)]
pub struct Settings {
    /// The realm: what tokens have to be, and the keys to verify them with.
    pub realm: RealmSettings,
    /// This stack.
    pub stack: Stack,
    /// The key that signs transaction tokens.
    pub signing_key: SigningKeyArn,
}

impl Settings {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// Beside the variables of [`RealmSettings::from_lookup`]:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `TRUST_DOMAIN` | the `aud` of transaction tokens: one deployed stack |
    /// | `TRANSACTION_KEYS` | a JWK set: the keys that transaction tokens are verified with |
    /// | `TRANSACTION_KEY_ID` | the `kid` of the one that signs now |
    /// | `TRANSACTION_SIGNING_KEY` | the ARN of its KMS key |
    /// | `WORKFLOW_STATE_MACHINES` | a JSON object: the state machine's ARN for each workflow of `access.toml`, and no other |
    /// | `CORS_ORIGIN` | optional: the one web origin whose scripts may read answers |
    ///
    /// # Errors
    /// Every [`Fault`] at once, in the order of the variables.
    pub fn from_lookup(policy: &AccessPolicy, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader { lookup: &lookup, faults: Vec::new() };
        let realm = RealmSettings::from_lookup(&lookup);
        let realm = reader.kept(realm.map_err(|faults| faults.faults().iter().cloned().map(Fault::Realm).collect()));
        let trust_domain = reader.required(TRUST_DOMAIN, |text| identified(TRUST_DOMAIN, TrustDomain::parse(text)));
        let keys = reader
            .required(TRANSACTION_KEYS, |text| one(TransactionKeySet::parse(text.as_bytes()).map_err(Fault::Keys)));
        let key_id = reader.required(TRANSACTION_KEY_ID, |text| identified(TRANSACTION_KEY_ID, KeyId::parse(text)));
        if let (Some(keys), Some(key_id)) = (&keys, &key_id)
            && !keys.contains(key_id)
        {
            reader.faults.push(Fault::SigningKeyNotInSet { presented: key_id.clone() });
        }
        let signing_key = reader.required(TRANSACTION_SIGNING_KEY, |text| one(SigningKeyArn::parse(text)));
        let state_machines = reader.required(WORKFLOW_STATE_MACHINES, |text| state_machines(text, policy));
        let cors_origin = reader.kept(one(CorsOrigin::from_lookup(&lookup))).flatten();
        match (realm, trust_domain, keys, key_id, signing_key, state_machines) {
            (
                Some(realm),
                Some(trust_domain),
                Some(transaction_keys),
                Some(key_id),
                Some(signing_key),
                Some(state_machines),
            ) if reader.faults.is_empty() => {
                let stack = Stack { trust_domain, transaction_keys, key_id, state_machines, cors_origin };
                Ok(Self { realm, stack, signing_key })
            }
            _ => Err(reader.faults),
        }
    }
}

/// The state machines of exactly the policy's workflows.
fn state_machines(text: &str, policy: &AccessPolicy) -> Result<BTreeMap<WorkflowName, StateMachineArn>, Vec<Fault>> {
    let object = strict_json_object(text.as_bytes()).map_err(|error| vec![Fault::NotAnObject(error)])?;
    let (mut machines, mut faults) = (BTreeMap::new(), Vec::new());
    for (name, value) in &object {
        let workflow = Excerpt::of(name);
        let known = WorkflowName::parse(name).ok().filter(|name| policy.workflow(name).is_some());
        let arn = value.as_str().map(StateMachineArn::parse);
        match (known, arn) {
            (None, _) => faults.push(Fault::MachineWithoutWorkflow { presented: workflow }),
            (Some(_), None) => faults.push(Fault::NotAStateMachine { workflow, error: None }),
            (Some(_), Some(Err(error))) => faults.push(Fault::NotAStateMachine { workflow, error: Some(error) }),
            (Some(name), Some(Ok(arn))) => {
                machines.insert(name, arn);
            }
        }
    }
    let absent = policy.workflows().map(|workflow| workflow.name()).filter(|name| !object.contains_key(name.as_str()));
    faults.extend(absent.map(|name| Fault::WorkflowWithoutMachine { expected: name.clone() }));
    if faults.is_empty() { Ok(machines) } else { Err(faults) }
}

struct Reader<'a, L> {
    lookup: &'a L,
    faults: Vec<Fault>,
}

impl<L: Fn(&str) -> Option<String>> Reader<'_, L> {
    fn required<T>(&mut self, variable: &'static str, parse: impl FnOnce(&str) -> Result<T, Vec<Fault>>) -> Option<T> {
        match (self.lookup)(variable).filter(|text| !text.is_empty()) {
            Some(text) => self.kept(parse(&text)),
            None => self.kept(one(Err(Fault::Absent { variable }))),
        }
    }

    fn kept<T>(&mut self, parsed: Result<T, Vec<Fault>>) -> Option<T> {
        parsed.map_err(|faults| self.faults.extend(faults)).ok()
    }
}

fn one<T>(parsed: Result<T, Fault>) -> Result<T, Vec<Fault>> {
    parsed.map_err(|fault| vec![fault])
}

fn identified<T>(variable: &'static str, parsed: Result<T, IdentifierError>) -> Result<T, Vec<Fault>> {
    one(parsed.map_err(|error| Fault::Malformed { variable, error }))
}
