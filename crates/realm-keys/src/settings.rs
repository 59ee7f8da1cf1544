//! The environment that every Lambda which verifies access tokens shares.

use std::fmt;

use claim_guard::identifier::{Audience, ClientId, IdentifierError, Issuer};
use claim_guard::{AccessTokenVerifier, ClientList, Leeway};

use crate::authority::RealmCa;
use crate::cache::RealmKeys;
use crate::endpoint::{KeyUri, RealmEndpoint};
use crate::endpoint_error::EndpointError;

/// One fault of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// A required variable is absent or empty.
    #[error("{variable} is absent")]
    Absent {
        /// Its name.
        variable: &'static str,
    },
    /// A variable, or one entry of its list, is no identifier.
    #[error("{variable}: {error}")]
    Malformed {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// A variable does not lead to the realm.
    #[error("{variable}: {error}")]
    Endpoint {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        error: EndpointError,
    },
}

/// Every fault of the environment, at least one, in the order of the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFaults(Vec<SettingsFault>);

impl SettingsFaults {
    /// The faults.
    pub fn faults(&self) -> &[SettingsFault] {
        &self.0
    }
}

impl fmt::Display for SettingsFaults {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for fault in &self.0 {
            write!(f, "{separator}{fault}")?;
            separator = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for SettingsFaults {}

/// What a Lambda needs to verify access tokens: what to expect of them, and the keys to verify them with.
#[derive(Debug)]
pub struct RealmSettings {
    /// Expects the configured issuer, audience and clients, with a leeway of 5 seconds.
    pub verifier: AccessTokenVerifier,
    /// The keys of the configured issuer; nothing is fetched yet.
    pub keys: RealmKeys,
}

/// The leeway of [`RealmSettings::verifier`] is not for a deployment to choose.
const LEEWAY: Leeway = Leeway::MAX;

const ISSUER: &str = "REALM_ISSUER";
const AUDIENCE: &str = "REALM_AUDIENCE";
const CLIENTS: &str = "REALM_CLIENTS";
const CA: &str = "REALM_CA";
const JWKS_URI: &str = "REALM_JWKS_URI";

impl RealmSettings {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// Beside the variables of [`RealmTrust::from_lookup`]:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `REALM_JWKS_URI` | optional: the exact address of the JWK set, where it is on another origin |
    ///
    /// # Errors
    /// [`SettingsFaults`] names every fault at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsFaults> {
        let mut reader = Reader { lookup, faults: Vec::new() };
        let Trusted { issuer, audience, clients, ca } = reader.trusted();
        let key_uri = reader.optional(JWKS_URI, |text| located(JWKS_URI, KeyUri::parse(text)));
        let endpoint = issuer
            .clone()
            .map(|issuer| RealmEndpoint::new(issuer, ca, key_uri))
            .and_then(|endpoint| reader.kept(located(ISSUER, endpoint)));
        let (true, Some(issuer), Some(audience), Some(clients), Some(endpoint)) =
            (reader.faults.is_empty(), issuer, audience, clients, endpoint)
        else {
            return Err(SettingsFaults(reader.faults));
        };
        let verifier = AccessTokenVerifier::new(issuer, audience, clients, LEEWAY);
        let keys = located(CA, RealmKeys::new(endpoint)).map_err(SettingsFaults)?;
        Ok(Self { verifier, keys })
    }
}

/// What a Lambda needs to know a realm that it asks itself, without verifying anybody's signature.
#[derive(Debug)]
pub struct RealmTrust {
    /// Expects the configured issuer, audience and clients, with a leeway of 5 seconds.
    pub verifier: AccessTokenVerifier,
    /// The only authority that is trusted about the realm, where one is configured.
    pub ca: Option<RealmCa>,
}

impl RealmTrust {
    /// Reads the settings through `lookup`, which answers a variable's value by its name. An empty value counts as absent.
    ///
    /// | variable | value |
    /// |---|---|
    /// | `REALM_ISSUER` | the realm's issuer: `https://HOST[:PORT]/realms/REALM` |
    /// | `REALM_AUDIENCE` | what `aud` has to name |
    /// | `REALM_CLIENTS` | client ids, separated by commas: which `azp` may ask |
    /// | `REALM_CA` | optional: one DER certificate as base64, then the only authority that is trusted |
    ///
    /// # Errors
    /// [`SettingsFaults`] names every fault at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsFaults> {
        let mut reader = Reader { lookup, faults: Vec::new() };
        match (reader.trusted(), reader.faults.is_empty()) {
            (Trusted { issuer: Some(issuer), audience: Some(audience), clients: Some(clients), ca }, true) => {
                Ok(Self { verifier: AccessTokenVerifier::new(issuer, audience, clients, LEEWAY), ca })
            }
            _ => Err(SettingsFaults(reader.faults)),
        }
    }
}

/// What was read of the variables that all share; none where a variable has a fault.
struct Trusted {
    issuer: Option<Issuer>,
    audience: Option<Audience>,
    clients: Option<ClientList>,
    ca: Option<RealmCa>,
}

struct Reader<L> {
    lookup: L,
    faults: Vec<SettingsFault>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn trusted(&mut self) -> Trusted {
        Trusted {
            issuer: self.required(ISSUER, |text| identified(ISSUER, Issuer::parse(text))),
            audience: self.required(AUDIENCE, |text| identified(AUDIENCE, Audience::parse(text))),
            clients: self.required(CLIENTS, clients),
            ca: self.optional(CA, |text| located(CA, RealmCa::from_base64(text))),
        }
    }

    fn required<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Vec<SettingsFault>>,
    ) -> Option<T> {
        match (self.lookup)(variable).filter(|text| !text.is_empty()) {
            Some(text) => self.kept(parse(&text)),
            None => self.kept(Err(vec![SettingsFault::Absent { variable }])),
        }
    }

    fn optional<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Vec<SettingsFault>>,
    ) -> Option<T> {
        (self.lookup)(variable).filter(|text| !text.is_empty()).and_then(|text| self.kept(parse(&text)))
    }

    fn kept<T>(&mut self, parsed: Result<T, Vec<SettingsFault>>) -> Option<T> {
        parsed.map_err(|faults| self.faults.extend(faults)).ok()
    }
}

fn identified<T>(variable: &'static str, parsed: Result<T, IdentifierError>) -> Result<T, Vec<SettingsFault>> {
    parsed.map_err(|error| vec![SettingsFault::Malformed { variable, error }])
}

fn located<T>(variable: &'static str, parsed: Result<T, EndpointError>) -> Result<T, Vec<SettingsFault>> {
    parsed.map_err(|error| vec![SettingsFault::Endpoint { variable, error }])
}

fn clients(text: &str) -> Result<ClientList, Vec<SettingsFault>> {
    let mut faults = Vec::new();
    let mut clients = Vec::new();
    for entry in text.split(',') {
        match ClientId::parse(entry.trim_matches(' ')) {
            Ok(client) => clients.push(client),
            Err(error) => faults.push(SettingsFault::Malformed { variable: CLIENTS, error }),
        }
    }
    match ClientList::new(clients) {
        Some(list) if faults.is_empty() => Ok(list),
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use claim_guard::Excerpt;

    use super::*;

    const GOOD: [(&str, &str); 3] =
        [(ISSUER, "https://id.example/realms/w"), (AUDIENCE, "workflow-api"), (CLIENTS, "payment-app, ops:console")];

    fn read(variables: &[(&str, &str)]) -> Result<(), SettingsFaults> {
        let lookup = |name: &str| {
            // The last one counts, so that a test can replace a good value.
            variables.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        RealmSettings::from_lookup(lookup).map(|_| ())
    }

    #[track_caller]
    fn check(variable: &'static str, value: &str, fault: SettingsFault) {
        let variables = [GOOD.as_slice(), &[(variable, value)]].concat();
        assert_eq!(read(&variables), Err(SettingsFaults(vec![fault])), "{variable} = `{value}`");
    }

    #[test]
    fn three_variables_suffice_and_five_are_read() {
        assert_eq!(read(&GOOD), Ok(()));
        let der = rcgen::generate_simple_self_signed(vec!["id.example".to_owned()]).unwrap().cert.der().to_vec();
        let (ca, uri) = (STANDARD.encode(der), "https://keys.example/w");
        assert_eq!(read(&[GOOD.as_slice(), &[(CA, &ca), (JWKS_URI, uri)]].concat()), Ok(()));
        assert_eq!(read(&[GOOD.as_slice(), &[(CA, ""), (JWKS_URI, "")]].concat()), Ok(()));
    }

    #[test]
    fn each_variable_has_its_own_fault() {
        for variable in [ISSUER, AUDIENCE, CLIENTS] {
            check(variable, "", SettingsFault::Absent { variable });
        }
        let shape = |variable, kind, expected| SettingsFault::Malformed {
            variable,
            error: IdentifierError::WrongShape { kind, expected },
        };
        for text in ["http://id.example/realms/w", "https://id.example/realms/w/", "https://u@id.example/realms/w"] {
            check(ISSUER, text, shape(ISSUER, "issuer", "https://HOST[:PORT]/realms/REALM"));
        }
        let control = |variable, kind| SettingsFault::Malformed {
            variable,
            error: IdentifierError::ForbiddenCharacter { kind, character: '\n' },
        };
        check(AUDIENCE, "workflow-api\n", control(AUDIENCE, "audience"));
        check(CLIENTS, "payment-app,b\n", control(CLIENTS, "client id"));
        let empty = SettingsFault::Malformed { variable: CLIENTS, error: IdentifierError::Empty { kind: "client id" } };
        for text in ["payment-app,", ",payment-app", "payment-app, ,b", " "] {
            check(CLIENTS, text, empty.clone());
        }
        let endpoint = |variable, error| SettingsFault::Endpoint { variable, error };
        check(CA, "?", endpoint(CA, EndpointError::CertificateNotBase64));
        let reason = Excerpt::of("invalid peer certificate: BadEncoding");
        check(CA, "AAAA", endpoint(CA, EndpointError::NotACertificate { reason }));
        let presented = Excerpt::of("http://keys.example/w");
        check(JWKS_URI, "http://keys.example/w", endpoint(JWKS_URI, EndpointError::NotAKeyUri { presented }));
        let port = "https://id.example:99999/realms/w";
        check(ISSUER, port, endpoint(ISSUER, EndpointError::IssuerNotAUrl { presented: Excerpt::of(port) }));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let faults = read(&[(ISSUER, "id.example"), (CLIENTS, ",\t"), (CA, "?"), (JWKS_URI, "/k")]).unwrap_err();
        assert_eq!(
            faults.to_string(),
            "REALM_ISSUER: issuer is not of the shape `https://HOST[:PORT]/realms/REALM`\n\
             REALM_AUDIENCE is absent\n\
             REALM_CLIENTS: client id is empty\n\
             REALM_CLIENTS: client id holds the forbidden character `\\t`\n\
             REALM_CA: not base64: give one DER certificate as padded base64 on one line\n\
             REALM_JWKS_URI: `/k` is not of the shape `https://HOST[:PORT]/PATH` without user and fragment"
        );
    }

    #[test]
    fn who_asks_the_realm_itself_reads_the_same_without_the_keys() {
        let trust = |variables: &[(&'static str, &'static str)]| {
            let variables = variables.to_vec();
            RealmTrust::from_lookup(move |name: &str| {
                variables.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let settings = trust(&[GOOD.as_slice(), &[(JWKS_URI, "no address")]].concat()).unwrap();
        assert_eq!((settings.verifier.issuer().as_str(), settings.ca), ("https://id.example/realms/w", None));
        let faults = trust(&[(ISSUER, "id.example"), (CA, "?")]).unwrap_err();
        assert_eq!(
            faults.to_string(),
            "REALM_ISSUER: issuer is not of the shape `https://HOST[:PORT]/realms/REALM`\n\
             REALM_AUDIENCE is absent\n\
             REALM_CLIENTS is absent\n\
             REALM_CA: not base64: give one DER certificate as padded base64 on one line"
        );
    }
}
