//! The environment's variables → settings, parsed once; every fault is named at once.

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::{ClientId, IdentifierError, KeyId};
use claim_guard::{AccessTokenVerifier, Excerpt};
use minting::{MintFault, MintSettings, SigningKeyArn};
use realm_keys::{RealmCa, RealmTrust, SettingsFault, Url};

const CLIENT: &str = "REVALIDATION_CLIENT";
const CLIENT_KEY_ID: &str = "CLIENT_KEY_ID";
const CLIENT_SIGNING_KEY: &str = "CLIENT_SIGNING_KEY";
const ADMIN_URL: &str = "REALM_ADMIN_URL";

/// One fault of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fault of the part that every function shares which knows the realm.
    #[error("{0}")]
    Realm(SettingsFault),
    /// A fault of the part that every minter of transaction tokens shares.
    #[error("{0}")]
    Mint(MintFault),
    /// A required variable is absent or empty.
    #[error("{variable} is absent")]
    Absent {
        /// Its name.
        variable: &'static str,
    },
    /// A variable is not the identifier that it should be.
    #[error("{variable}: {error}")]
    Malformed {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// `CLIENT_SIGNING_KEY` is not the ARN of a KMS key.
    #[error("{CLIENT_SIGNING_KEY}: expected the ARN of a KMS key, presented `{presented}`")]
    NotAKeyArn {
        /// What was presented.
        presented: Excerpt,
    },
    /// The key that proves us to the realm signs transaction tokens too, or is taken for one that does: whoever may sign the one
    /// could sign the other.
    #[error("{CLIENT_KEY_ID}: expected a key that signs no transaction tokens, presented `{presented}`")]
    KeyWithTwoPowers {
        /// Its name.
        presented: KeyId,
    },
    /// `REALM_ADMIN_URL` is not `https://HOST[:PORT][/PATH]`.
    #[error("{ADMIN_URL}: expected `https://HOST[:PORT][/PATH]`, presented `{presented}`")]
    NotAnAdminUrl {
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

/// Where Keycloak answers administrators, in place of the issuer's own base: `https://HOST[:PORT][/PATH]`, without user,
/// query, fragment or a slash at its end. `/admin/realms/REALM` is put behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUrl(String);

impl AdminUrl {
    /// Reads the address.
    ///
    /// # Errors
    /// An excerpt of a text of any other shape.
    pub fn parse(text: &str) -> Result<Self, Excerpt> {
        let (host, path) =
            text.strip_prefix("https://").map_or(("", ""), |rest| rest.split_once('/').unwrap_or((rest, "")));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let host_is_plain = host.bytes().all(|byte| plain(byte) || matches!(byte, b':' | b'[' | b']'));
        let segments_are_plain = path.is_empty() && !text.ends_with('/')
            || path.split('/').all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(plain));
        let reachable = Url::parse(text).is_ok();
        if !host.is_empty() && host_is_plain && segments_are_plain && reachable {
            Ok(Self(text.to_owned()))
        } else {
            Err(Excerpt::of(text))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the environment says of the realm, and of this function's place in it.
#[derive(Debug)]
pub struct RealmAccess {
    /// What an access token of now has to be; its issuer is the realm.
    pub verifier: AccessTokenVerifier,
    /// The only authority that is trusted about the realm, where one is configured.
    pub ca: Option<RealmCa>,
    /// Where the realm answers administrators; none for the issuer's own base.
    pub admin_url: Option<AdminUrl>,
    /// The client whose service account asks.
    pub client: ClientId,
}

/// The key that proves us to the realm, and nothing to anybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// The `kid` under which the realm finds its public half.
    pub id: KeyId,
    /// The key in KMS.
    pub arn: SigningKeyArn,
}

/// Everything that the environment says.
#[derive(Debug)]
pub struct Settings {
    /// The realm.
    pub realm: RealmAccess,
    /// The key that we sign in with there.
    pub client_key: ClientKey,
    /// Who mints.
    pub minting: MintSettings,
}

impl Settings {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// Beside the variables of [`RealmTrust::from_lookup`] and [`MintSettings::from_lookup`]:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `REVALIDATION_CLIENT` | the client id of the service account that asks the realm |
    /// | `CLIENT_KEY_ID` | the `kid` of the key that it signs in with, which is none of `TRANSACTION_KEYS` |
    /// | `CLIENT_SIGNING_KEY` | the ARN of its KMS key |
    /// | `REALM_ADMIN_URL` | optional: where Keycloak answers administrators, if not on the issuer's own base |
    ///
    /// # Errors
    /// Every [`Fault`] at once, in the order of the variables.
    pub fn from_lookup(policy: &AccessPolicy, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let realm = realm(&lookup, &mut faults);
        let minting = MintSettings::from_lookup(policy, &lookup);
        let minting = minting.map_err(|found| faults.extend(found.into_iter().map(Fault::Mint))).ok();
        let client_key = client_key(&lookup, &mut faults);
        if let (Some(key), Some(minting)) = (&client_key, &minting)
            && (minting.transaction_keys.contains(&key.id) || minting.signing_key == key.arn)
        {
            faults.push(Fault::KeyWithTwoPowers { presented: key.id.clone() });
        }
        match (realm, client_key, minting) {
            (Some(realm), Some(client_key), Some(minting)) if faults.is_empty() => {
                Ok(Self { realm, client_key, minting })
            }
            _ => Err(faults),
        }
    }

    /// The faults of what can be read where there is no policy to read the rest by.
    pub(crate) fn faults_without_policy(lookup: impl Fn(&str) -> Option<String>) -> Vec<Fault> {
        let mut faults = Vec::new();
        realm(&lookup, &mut faults);
        client_key(&lookup, &mut faults);
        faults
    }
}

fn client_key(lookup: &impl Fn(&str) -> Option<String>, faults: &mut Vec<Fault>) -> Option<ClientKey> {
    let required =
        |variable: &'static str| lookup(variable).filter(|text| !text.is_empty()).ok_or(Fault::Absent { variable });
    let id = required(CLIENT_KEY_ID)
        .and_then(|text| KeyId::parse(&text).map_err(|error| Fault::Malformed { variable: CLIENT_KEY_ID, error }));
    let id = id.map_err(|fault| faults.push(fault)).ok();
    let arn = required(CLIENT_SIGNING_KEY)
        .and_then(|text| SigningKeyArn::parse(&text).map_err(|presented| Fault::NotAKeyArn { presented }));
    let arn = arn.map_err(|fault| faults.push(fault)).ok();
    Some(ClientKey { id: id?, arn: arn? })
}

fn realm(lookup: &impl Fn(&str) -> Option<String>, faults: &mut Vec<Fault>) -> Option<RealmAccess> {
    let present = |variable: &'static str| lookup(variable).filter(|text| !text.is_empty());
    let trust = RealmTrust::from_lookup(lookup);
    let trust = trust.map_err(|found| faults.extend(found.faults().iter().cloned().map(Fault::Realm))).ok();
    let client = present(CLIENT)
        .ok_or(Fault::Absent { variable: CLIENT })
        .and_then(|text| ClientId::parse(&text).map_err(|error| Fault::Malformed { variable: CLIENT, error }));
    let client = client.map_err(|fault| faults.push(fault)).ok();
    let admin_url = present(ADMIN_URL).map(|text| AdminUrl::parse(&text)).transpose();
    let admin_url = admin_url.map_err(|presented| faults.push(Fault::NotAnAdminUrl { presented })).ok();
    let RealmTrust { verifier, ca } = trust?;
    Some(RealmAccess { verifier, ca, admin_url: admin_url?, client: client? })
}
