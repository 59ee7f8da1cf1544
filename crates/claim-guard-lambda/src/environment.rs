//! What a guard is configured with: the environment, `access.toml`, and the state that `main` names.

use std::fmt;

use claim_guard::access::{AccessPolicy, PolicyFaults};
use claim_guard::audit::Reason;
use claim_guard::identifier::{Digest, IdentifierError, StateName, TrustDomain, WorkflowName};
use claim_guard::jws::KeySetError;
use claim_guard::token::Leeway;
use claim_guard::transaction::{TransactionKeySet, TransactionVerifier};

/// The environment variable that names the stack whose transaction tokens are accepted.
pub const TRUST_DOMAIN: &str = "TRUST_DOMAIN";
/// The environment variable that holds the JWK set of the keys that sign transaction tokens.
pub const TRANSACTION_KEYS: &str = "TRANSACTION_KEYS";
/// The environment variable that names the workflow of `access.toml` that the task is a part of.
pub const WORKFLOW: &str = "WORKFLOW";

/// What `access.toml` is called in faults; it is embedded, so it has no path here.
const POLICY_FILE: &str = "access.toml";

/// One thing that is wrong with a guard's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationFault {
    /// An environment variable is absent or empty.
    Absent {
        /// Its name.
        name: &'static str,
    },
    /// An environment variable, or the state that `main` names, is no such identifier.
    MalformedIdentifier {
        /// The variable's name, or `state`.
        name: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// The transaction keys are no JWK set, or hold a key that is not usable.
    MalformedKeys(KeySetError),
    /// `access.toml` has faults.
    MalformedPolicy(PolicyFaults),
    /// `access.toml` declares nothing for this state, so nothing could ever allow it.
    NoRequirement {
        /// The workflow of the environment.
        workflow: WorkflowName,
        /// The state that `main` names.
        state: StateName,
    },
}

impl ConfigurationFault {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "absent_configuration",
            Self::MalformedIdentifier { .. } => "malformed_identifier",
            Self::MalformedKeys(_) => "malformed_keys",
            Self::MalformedPolicy(_) => "malformed_policy",
            Self::NoRequirement { .. } => "no_requirement",
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        Reason::new(self.code(), self)
    }
}

impl fmt::Display for ConfigurationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { name } => write!(f, "`{name}` is absent"),
            Self::MalformedIdentifier { name, error } => write!(f, "`{name}`: {error}"),
            Self::MalformedKeys(error) => write!(f, "`{TRANSACTION_KEYS}`: {error}"),
            Self::MalformedPolicy(faults) => f.write_str(&faults.to_string().replace('\n', "; ")),
            Self::NoRequirement { workflow, state } => {
                write!(f, "`{POLICY_FILE}` declares no requirement for state `{state}` of workflow `{workflow}`")
            }
        }
    }
}

impl std::error::Error for ConfigurationFault {}

/// A configuration without faults.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) workflow: WorkflowName,
    pub(crate) state: StateName,
    pub(crate) policy: AccessPolicy,
    pub(crate) verifier: TransactionVerifier,
}

/// Everything that is wrong with a configuration, and as much of it as an audit line can name.
#[derive(Debug)]
pub(crate) struct BrokenConfiguration {
    pub(crate) faults: Vec<ConfigurationFault>,
    pub(crate) workflow: Option<WorkflowName>,
    pub(crate) policy: Option<Digest>,
}

impl Configuration {
    /// Parses all of it once, and names every fault at once. An empty variable is an absent one.
    pub(crate) fn parse(
        state: &str,
        access_toml: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BrokenConfiguration> {
        let mut faults = Vec::new();
        let trust_domain =
            required(TRUST_DOMAIN, &lookup).and_then(|text| identifier(TRUST_DOMAIN, &text, TrustDomain::parse));
        let trust_domain = keep(trust_domain, &mut faults);
        let keys = required(TRANSACTION_KEYS, &lookup)
            .and_then(|text| TransactionKeySet::parse(text.as_bytes()).map_err(ConfigurationFault::MalformedKeys));
        let keys = keep(keys, &mut faults);
        let workflow = required(WORKFLOW, &lookup).and_then(|text| identifier(WORKFLOW, &text, WorkflowName::parse));
        let workflow = keep(workflow, &mut faults);
        let state = keep(identifier("state", state, StateName::parse), &mut faults);
        let policy = AccessPolicy::parse(POLICY_FILE, access_toml).map_err(ConfigurationFault::MalformedPolicy);
        let policy = keep(policy, &mut faults);
        if let (Some(workflow), Some(state), Some(policy)) = (&workflow, &state, &policy)
            && policy.workflow(workflow).and_then(|found| found.guarded(state)).is_none()
        {
            let (workflow, state) = (workflow.clone(), state.clone());
            faults.push(ConfigurationFault::NoRequirement { workflow, state });
        }
        match (trust_domain, keys, workflow, state, policy) {
            (Some(trust_domain), Some(keys), Some(workflow), Some(state), Some(policy)) if faults.is_empty() => {
                // The minter's clock may be ahead of ours by as much as any leeway allows; an expiry has none.
                let verifier = TransactionVerifier::new(trust_domain, keys, Leeway::MAX);
                Ok(Self { workflow, state, policy, verifier })
            }
            (_, _, workflow, _, policy) => {
                let policy = policy.map(|policy| policy.digest().clone());
                Err(BrokenConfiguration { faults, workflow, policy })
            }
        }
    }
}

fn required(name: &'static str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, ConfigurationFault> {
    lookup(name).filter(|text| !text.is_empty()).ok_or(ConfigurationFault::Absent { name })
}

fn identifier<T>(
    name: &'static str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
) -> Result<T, ConfigurationFault> {
    parse(text).map_err(|error| ConfigurationFault::MalformedIdentifier { name, error })
}

fn keep<T>(parsed: Result<T, ConfigurationFault>, faults: &mut Vec<ConfigurationFault>) -> Option<T> {
    parsed.map_err(|fault| faults.push(fault)).ok()
}
