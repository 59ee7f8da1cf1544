//! The environment's variables → settings, parsed once; every fault is named at once.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use claim_guard::Excerpt;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::{KeyId, StateMachineReference, TrustDomain, WorkflowName};
use claim_guard::transaction::TransactionKeySet;
use http::HeaderValue;
use minting::{MintFault, MintSettings, NamingKeyArn, SigningKeyArn};
use realm_keys::{RealmSettings, SettingsFault};

use crate::function_arn::FunctionArn;
use crate::limits::{LimitFault, StartLimits};

const CORS_ORIGIN: &str = "CORS_ORIGIN";
const EXECUTION_NAMING_KEY: &str = "EXECUTION_NAMING_KEY";
const REVALIDATION_FUNCTION: &str = "REVALIDATION_FUNCTION";

/// One fault of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fault of the part that every verifier of access tokens shares.
    #[error("{0}")]
    Realm(SettingsFault),
    /// A fault of the part that every minter of transaction tokens shares.
    #[error("{0}")]
    Mint(MintFault),
    /// `EXECUTION_NAMING_KEY` is absent or empty.
    #[error("{EXECUTION_NAMING_KEY} is absent")]
    NoNamingKey,
    /// `EXECUTION_NAMING_KEY` is not the ARN of a KMS key.
    #[error("{EXECUTION_NAMING_KEY}: expected the ARN of a KMS key, presented `{presented}`")]
    NotAKeyArn {
        /// What was presented.
        presented: Excerpt,
    },
    /// A fault of the limits on starts.
    #[error("{0}")]
    Limits(LimitFault),
    /// `REVALIDATION_FUNCTION` is absent or empty.
    #[error("{REVALIDATION_FUNCTION} is absent")]
    NoRevalidationFunction,
    /// `REVALIDATION_FUNCTION` is not the ARN of a function.
    #[error("{REVALIDATION_FUNCTION}: expected the ARN of a Lambda function, presented `{presented}`")]
    NotAFunctionArn {
        /// What was presented.
        presented: Excerpt,
    },
    /// `CORS_ORIGIN` is not `SCHEME://HOST[:PORT]`.
    #[error("{CORS_ORIGIN}: expected `https://HOST[:PORT]`, or `http` on this machine, presented `{presented}`")]
    NotAnOrigin {
        /// What was presented.
        presented: Excerpt,
    },
}

impl Fault {
    /// The fault for an audit line.
    pub fn reason(&self) -> Reason {
        Reason::new("malformed_environment", self)
    }
}

/// The one web origin whose scripts may read answers: `SCHEME://HOST[:PORT]`, no wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(HeaderValue);

impl CorsOrigin {
    /// Reads the origin alone; none is configured where `CORS_ORIGIN` is absent or empty.
    ///
    /// # Errors
    /// [`Fault::NotAnOrigin`] for any other shape.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Fault> {
        lookup(CORS_ORIGIN).filter(|text| !text.is_empty()).map(|text| Self::parse(&text)).transpose()
    }

    /// A browser writes the host of its `Origin` in lower case (RFC 6454 §6.1) and compares the answer's text with that, so
    /// another spelling would be an origin that nobody has.
    fn parse(text: &str) -> Result<Self, Fault> {
        let plain = text.strip_prefix("http://").filter(|authority| is_of_this_machine(authority));
        let authority = text.strip_prefix("https://").or(plain).unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address are inside of its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        let value = HeaderValue::from_str(text).ok().filter(|_| is_host(host) && port.is_none_or(is_port));
        value.map(Self).ok_or_else(|| Fault::NotAnOrigin { presented: Excerpt::of(text) })
    }

    /// The origin, as a browser writes it.
    pub fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

/// What a script gets without TLS, others on its way can read and change; between a browser and its own machine is nobody.
fn is_of_this_machine(authority: &str) -> bool {
    ["localhost", "127.0.0.1"]
        .iter()
        .any(|host| authority.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
}

fn is_host(text: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok() && !address.bytes().any(|byte| byte.is_ascii_uppercase()),
        None => text.split('.').all(|label| !label.is_empty() && label.bytes().all(|byte| lower(byte) || byte == b'-')),
    }
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
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
    pub state_machines: BTreeMap<WorkflowName, StateMachineReference>,
    /// How much one party may start; none is off.
    pub limits: Option<StartLimits>,
    /// Whose scripts may read answers.
    pub cors_origin: Option<CorsOrigin>,
}

/// The keys that KMS holds for this function.
#[derive(Debug, Clone)]
pub struct KmsKeys {
    /// The one that signs transaction tokens.
    pub signing: SigningKeyArn,
    /// The one that execution names are made with.
    pub naming: NamingKeyArn,
}

/// Everything that the environment says.
#[derive(Debug)]
pub struct Settings {
    /// The realm: what tokens have to be, and the keys to verify them with.
    pub realm: RealmSettings,
    /// This stack.
    pub stack: Stack,
    /// The keys in KMS.
    pub keys: KmsKeys,
    /// What asks the realm before a start.
    pub revalidation: FunctionArn,
}

impl Settings {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// Beside the variables of [`RealmSettings::from_lookup`], [`MintSettings::from_lookup`] and [`StartLimits::from_lookup`]:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `EXECUTION_NAMING_KEY` | the ARN of the KMS key that execution names are made with |
    /// | `REVALIDATION_FUNCTION` | the ARN of the function `revalidation`, with or without an alias |
    /// | `CORS_ORIGIN` | optional: the one web origin whose scripts may read answers |
    ///
    /// # Errors
    /// Every [`Fault`] at once, in the order of the variables.
    pub fn from_lookup(policy: &AccessPolicy, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Fault>> {
        let realm = RealmSettings::from_lookup(&lookup);
        let minting = MintSettings::from_lookup(policy, &lookup);
        let limits = StartLimits::from_lookup(&lookup);
        let (naming, revalidation) = (naming_key(&lookup), revalidation(&lookup));
        match (realm, minting, naming, revalidation, limits, CorsOrigin::from_lookup(&lookup)) {
            (Ok(realm), Ok(minting), Ok(naming), Ok(revalidation), Ok(limits), Ok(cors_origin)) => {
                let MintSettings { trust_domain, transaction_keys, key_id, signing_key, state_machines } = minting;
                let stack = Stack { trust_domain, transaction_keys, key_id, state_machines, limits, cors_origin };
                Ok(Self { realm, stack, keys: KmsKeys { signing: signing_key, naming }, revalidation })
            }
            (realm, minting, naming, revalidation, limits, cors_origin) => {
                let realm = realm.err().map(|faults| faults.faults().to_vec()).unwrap_or_default();
                let minting = minting.err().unwrap_or_default();
                let faults = realm.into_iter().map(Fault::Realm).chain(minting.into_iter().map(Fault::Mint));
                let faults = faults.chain(naming.err()).chain(revalidation.err());
                let limits = limits.err().unwrap_or_default().into_iter().map(Fault::Limits);
                Err(faults.chain(limits).chain(cors_origin.err()).collect())
            }
        }
    }
}

fn naming_key(lookup: impl Fn(&str) -> Option<String>) -> Result<NamingKeyArn, Fault> {
    let text = lookup(EXECUTION_NAMING_KEY).filter(|text| !text.is_empty()).ok_or(Fault::NoNamingKey)?;
    NamingKeyArn::parse(&text).map_err(|presented| Fault::NotAKeyArn { presented })
}

fn revalidation(lookup: impl Fn(&str) -> Option<String>) -> Result<FunctionArn, Fault> {
    let text = lookup(REVALIDATION_FUNCTION).filter(|text| !text.is_empty()).ok_or(Fault::NoRevalidationFunction)?;
    FunctionArn::parse(&text).map_err(|presented| Fault::NotAFunctionArn { presented })
}
