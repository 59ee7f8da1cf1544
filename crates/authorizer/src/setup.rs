//! What the process is set up with, read once.

use claim_guard::AccessTokenVerifier;
use claim_guard::access::{AccessPolicy, PolicyFaults};
use claim_guard::audit::Reason;
use claim_guard::identifier::Digest;
use realm_keys::{KeyNotice, RealmKeys, RealmSettings, SettingsFaults};

/// What every event is decided with; or why none can be.
///
/// A broken set-up does not end the process: Lambda would start it again and again, and nothing would say why. Each event
/// is answered with an error instead, so with 500, and its audit line names every fault. A change of the function's
/// configuration starts new processes, and nothing less can mend this one.
#[derive(Debug)]
pub enum Setup<K> {
    /// Events can be decided.
    Ready {
        /// What the routes ask.
        policy: AccessPolicy,
        /// What a token has to be.
        verifier: AccessTokenVerifier,
        /// What it is verified with.
        keys: K,
    },
    /// No event can be decided.
    Broken {
        /// The digest of the policy, if that can be read.
        policy: Option<Digest>,
        /// Every fault.
        faults: Vec<Reason>,
    },
}

impl Setup<RealmKeys> {
    /// The set-up of a policy and an environment; `lookup` answers a variable's value by its name.
    ///
    /// The variables are those of [`RealmSettings::from_lookup`].
    pub fn from_lookup(policy: Result<AccessPolicy, PolicyFaults>, lookup: impl Fn(&str) -> Option<String>) -> Self {
        match (policy, RealmSettings::from_lookup(lookup)) {
            (Ok(policy), Ok(settings)) => Self::Ready { policy, verifier: settings.verifier, keys: settings.keys },
            (policy, settings) => {
                let faults = policy.as_ref().err().map(Reason::of_policy).into_iter().flatten();
                let faults = faults.chain(settings.err().iter().flat_map(settings_reasons)).collect();
                Self::Broken { policy: policy.ok().map(|policy| policy.digest().clone()), faults }
            }
        }
    }

    /// Begins to fetch the keys, so that the first event need not wait for all of it. What fetches tell goes to `told`.
    pub fn prefetch(&self, told: impl Fn(&KeyNotice) + Send + Sync + 'static) {
        match self {
            Self::Ready { keys, .. } => {
                keys.tell(told);
                keys.prefetch();
            }
            Self::Broken { .. } => {}
        }
    }
}

fn settings_reasons(faults: &SettingsFaults) -> Vec<Reason> {
    faults.faults().iter().map(|fault| Reason::new("malformed_environment", fault)).collect()
}
