//! Who acts in the subject's place.

use std::fmt;

use serde_json::{Map, Value};

use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, Issuer, Subject};
use crate::json::Json;
use crate::json::{MemberError, Members, Part};

/// The most parties that may stand in a chain: who acts now, and who did before.
pub(crate) const MAX_PARTIES: usize = 4;

/// RFC 8693 §4.1, and what Keycloak writes from version 26.8 on for an administrator who impersonates a user.
pub(crate) const ACT: &str = "act";

/// Off-spec: where earlier versions are told to write the impersonator's session notes, the usual name for them.
pub(crate) const IMPERSONATOR: &str = "impersonator";

/// Who acts in the subject's place: an administrator who impersonates him, or a service that he has delegated to.
///
/// It names whoever acts now and, for the record only (RFC 8693 §4.1), those who did before, all of them by identifiers.
/// Whoever impersonates is there while the token is used, so it is he who acts now, also where a service acts for him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    current: Party,
    /// The latest first.
    prior: Vec<Party>,
}

/// One of those who act, or did: nothing but identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    subject: Subject,
    issuer: Option<Issuer>,
    client: Option<ClientId>,
}

/// Why a claim that names an actor names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorError {
    /// The claim is no object, or a member of it is absent or no identifier.
    Member(MemberError),
    /// `azp` and `client_id` name two clients.
    TwoClients {
        /// The `azp`.
        expected: ClientId,
        /// The `client_id`.
        presented: ClientId,
    },
    /// Too many have acted.
    TooDeep {
        /// The most parties of a chain.
        limit: usize,
    },
}

impl Actor {
    /// Who acts now: the one whom a decision is about.
    pub fn current(&self) -> &Party {
        &self.current
    }

    /// Who acts now, and then who did before, the latest first.
    pub fn chain(&self) -> impl Iterator<Item = &Party> {
        std::iter::once(&self.current).chain(&self.prior)
    }

    /// Whoever acts, as an access token's claims say it; none where the subject acts himself.
    ///
    /// `may_act` (RFC 8693 §4.4) says who could act. That is nobody who does, so it is not read.
    ///
    /// # Errors
    /// The claim's name and [`ActorError`], if a claim that names an actor is anything but an actor's.
    pub(crate) fn claimed(members: &Members<'_>) -> Result<Option<Self>, (&'static str, ActorError)> {
        let mut chain = match members.get(ACT) {
            Some(act) => parties(act).map_err(|error| (ACT, error))?,
            None => Vec::new(),
        };
        if let Some(impersonator) = members.get(IMPERSONATOR) {
            let party = impersonator_of(impersonator).map_err(|error| (IMPERSONATOR, error))?;
            let realm = members.get("iss").and_then(Json::text);
            if !chain.first().is_some_and(|current| current.is(&party, realm)) {
                chain.insert(0, party);
            }
            bounded(&chain).map_err(|error| (IMPERSONATOR, error))?;
        }
        Ok(Self::of(chain))
    }

    /// Whoever acts, as a transaction token's requester context says it.
    pub(crate) fn stated(members: &Members<'_>) -> Result<Option<Self>, ActorError> {
        members.get(ACT).map_or(Ok(None), |act| parties(act).map(Self::of))
    }

    /// The chain in the shape of RFC 8693 §4.1.
    pub(crate) fn to_value(&self) -> Value {
        let outermost = self.prior.iter().rev().chain([&self.current]).fold(None, |inner, party| {
            let mut members = party.members();
            if let Some(inner) = inner {
                members.insert(ACT.to_owned(), inner);
            }
            Some(Value::Object(members))
        });
        outermost.unwrap_or_default()
    }

    /// The text at a path below `act`, for conditions on it: what [`Self::to_value`] has there.
    pub(crate) fn find(&self, below: &[String]) -> Option<&str> {
        let before = below.iter().take_while(|name| *name == ACT).count();
        match below.get(before..)? {
            [member] => self.chain().nth(before)?.text(member),
            [] | [_, _, ..] => None,
        }
    }

    fn of(chain: Vec<Party>) -> Option<Self> {
        let mut chain = chain.into_iter();
        chain.next().map(|current| Self { current, prior: chain.collect() })
    }
}

impl Party {
    /// Whom the issuer calls so.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The realm that vouches for the subject, where it is named; else the realm of the token.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The client through which the party acts, where it is named.
    pub fn client(&self) -> Option<&ClientId> {
        self.client.as_ref()
    }

    fn text(&self, member: &str) -> Option<&str> {
        match member {
            "sub" => Some(self.subject.as_str()),
            "iss" => self.issuer.as_ref().map(Issuer::as_str),
            "client_id" => self.client.as_ref().map(ClientId::as_str),
            _ => None,
        }
    }

    fn members(&self) -> Map<String, Value> {
        let texts = ["sub", "iss", "client_id"].into_iter().map(|name| (name, self.text(name)));
        texts.filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))).collect()
    }

    /// Whether both are the same one, the other one named by a subject alone. A party without an issuer is of the token's realm.
    fn is(&self, other: &Self, realm: Option<&str>) -> bool {
        let of_the_realm = self.issuer.as_ref().is_none_or(|issuer| Some(issuer.as_str()) == realm);
        self.subject == other.subject && of_the_realm
    }
}

/// Whoever acts now first. Other members of an actor are passed over: they identify nobody, or hold personal data.
fn parties(act: Json<'_>) -> Result<Vec<Party>, ActorError> {
    let mut chain = Vec::new();
    let mut next = Some(act);
    while let Some(act) = next {
        let members = members_of(act, ACT)?;
        chain.push(party(&members)?);
        bounded(&chain)?;
        next = members.get(ACT);
    }
    Ok(chain)
}

fn bounded(chain: &[Party]) -> Result<(), ActorError> {
    if chain.len() > MAX_PARTIES { Err(ActorError::TooDeep { limit: MAX_PARTIES }) } else { Ok(()) }
}

fn members_of<'a>(value: Json<'a>, name: &'static str) -> Result<Members<'a>, ActorError> {
    let members = Members::new(Part::Actor, value.object().unwrap_or_default());
    match value.object() {
        Some(_) => Ok(members),
        None => Err(members.wrong_type(name, "an object", value).into()),
    }
}

fn party(members: &Members<'_>) -> Result<Party, ActorError> {
    let subject = members.identifier("sub", Subject::parse)?;
    let issuer = members.optional_identifier("iss", Issuer::parse)?;
    let authorized = members.optional_identifier("azp", ClientId::parse)?;
    let client = members.optional_identifier("client_id", ClientId::parse)?;
    match (authorized, client) {
        (Some(expected), Some(presented)) if expected != presented => {
            Err(ActorError::TwoClients { expected, presented })
        }
        (authorized, client) => Ok(Party { subject, issuer, client: authorized.or(client) }),
    }
}

/// Keycloak's session notes `IMPERSONATOR_ID` and `IMPERSONATOR_USERNAME`, mapped to `impersonator.id` and `.username`.
fn impersonator_of(value: Json<'_>) -> Result<Party, ActorError> {
    let subject = members_of(value, IMPERSONATOR)?.identifier("id", Subject::parse)?;
    Ok(Party { subject, issuer: None, client: None })
}

impl From<MemberError> for ActorError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

impl fmt::Display for ActorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(error) => write!(f, "{error}"),
            Self::TwoClients { expected, presented } => write!(
                f,
                "actor `azp` is `{}` and `client_id` is `{}`, expected one client",
                Excerpt::of(expected.as_str()),
                Excerpt::of(presented.as_str())
            ),
            Self::TooDeep { limit } => write!(f, "more than `{limit}` parties have acted"),
        }
    }
}

impl std::error::Error for ActorError {}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current.fmt(f)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.subject)?;
        if let Some(issuer) = &self.issuer {
            write!(f, " of {issuer}")?;
        }
        if let Some(client) = &self.client {
            write!(f, " by {client}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identifier::IdentifierError;
    use crate::json::Document;

    fn claimed(claims: &Value) -> Result<Option<Actor>, (&'static str, ActorError)> {
        let document = Document::object(claims.to_string().into_bytes()).expect("an object");
        Actor::claimed(&Members::new(Part::Payload, document.members()))
    }

    /// The chain that the claims name, as text.
    #[track_caller]
    fn check(claims: Value, expected: &[&str]) {
        let actor = claimed(&claims).expect("an actor or none");
        let chain: Vec<String> = actor.iter().flat_map(Actor::chain).map(ToString::to_string).collect();
        assert_eq!(chain, expected, "{claims}");
        let Some(actor) = actor else { return };
        let stated = json!({ "act": actor.to_value() });
        assert_eq!(claimed(&stated), Ok(Some(actor)), "{stated}");
    }

    #[track_caller]
    fn check_error(claims: Value, claim: &'static str, error: ActorError) {
        assert_eq!(claimed(&claims), Err((claim, error)), "{claims}");
    }

    #[test]
    fn a_chain_names_who_acts_now_first() {
        check(json!({ "sub": "alice" }), &[]);
        check(json!({ "may_act": { "sub": "robot" } }), &[]);
        check(json!({ "may_act": "whatever" }), &[]);
        check(json!({ "act": { "sub": "admin" } }), &["admin"]);
        check(
            json!({ "act": { "sub": "admin", "iss": "https://x/realms/master", "azp": "console", "name": "A", "exp": 1 } }),
            &["admin of https://x/realms/master by console"],
        );
        check(json!({ "act": { "sub": "robot", "client_id": "c", "azp": "c" } }), &["robot by c"]);
        check(
            json!({ "act": { "sub": "a", "act": { "sub": "b", "client_id": "c", "act": { "sub": "d" } } } }),
            &["a", "b by c", "d"],
        );
    }

    #[test]
    fn whoever_impersonates_is_the_one_who_acts_now() {
        check(json!({ "impersonator": { "id": "admin", "username": "root" } }), &["admin"]);
        check(json!({ "act": { "sub": "admin" }, "impersonator": { "id": "admin" } }), &["admin"]);
        check(json!({ "act": { "sub": "admin", "azp": "c" }, "impersonator": { "id": "admin" } }), &["admin by c"]);
        check(json!({ "act": { "sub": "robot" }, "impersonator": { "id": "admin" } }), &["admin", "robot"]);
        let behind = json!({ "act": { "sub": "robot", "act": { "sub": "admin" } }, "impersonator": { "id": "admin" } });
        check(behind, &["admin", "robot", "admin"]);
    }

    #[test]
    fn an_admin_of_another_realm_is_not_the_impersonator_of_the_same_subject() {
        let act = json!({ "sub": "admin", "iss": "https://x/realms/master" });
        let in_realm = |realm: &str| json!({ "iss": realm, "act": act, "impersonator": { "id": "admin" } });
        check(in_realm("https://x/realms/master"), &["admin of https://x/realms/master"]);
        check(in_realm("https://x/realms/other"), &["admin", "admin of https://x/realms/master"]);
    }

    #[test]
    fn what_is_found_below_act_is_what_is_stated() {
        let claims = json!({ "act": { "sub": "robot", "azp": "agent", "name": "R",
            "act": { "sub": "broker", "iss": "https://x/realms/r" } } });
        let actor = claimed(&claims).expect("an actor or none").expect("an actor");
        let found = |path: &str| {
            let below: Vec<String> = path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            actor.find(&below)
        };
        assert_eq!(
            ["sub", "client_id", "act.sub", "act.iss"].map(found),
            [Some("robot"), Some("agent"), Some("broker"), Some("https://x/realms/r")]
        );
        for path in ["", "act", "azp", "name", "iss", "act.client_id", "act.act.sub", "sub.x"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn whatever_identifies_nobody_is_an_error() {
        let wrong = |name, expected, presented| {
            ActorError::Member(MemberError::WrongType { part: Part::Actor, name, expected, presented })
        };
        let lacks = |name| ActorError::Member(MemberError::Missing { part: Part::Actor, name });
        for (value, presented) in [
            (json!(null), "null"),
            (json!("admin"), "text"),
            (json!(true), "a boolean"),
            (json!(7), "an integer"),
            (json!([{ "sub": "admin" }]), "an array"),
        ] {
            check_error(json!({ "act": value }), "act", wrong("act", "an object", presented));
            let impersonator = wrong("impersonator", "an object", presented);
            check_error(json!({ "impersonator": value }), "impersonator", impersonator);
            let nested = json!({ "act": { "sub": "a", "act": value } });
            check_error(nested, "act", wrong("act", "an object", presented));
        }
        check_error(json!({ "act": {} }), "act", lacks("sub"));
        check_error(json!({ "act": { "client_id": "c" } }), "act", lacks("sub"));
        check_error(json!({ "act": { "sub": "a", "act": {} } }), "act", lacks("sub"));
        check_error(json!({ "impersonator": { "username": "root" } }), "impersonator", lacks("id"));
        check_error(json!({ "act": { "sub": 1 } }), "act", wrong("sub", "text", "an integer"));
        check_error(json!({ "act": { "sub": "a", "azp": [] } }), "act", wrong("azp", "text", "an array"));
        let malformed = |name, error| ActorError::Member(MemberError::MalformedIdentifier { name, error });
        let empty = IdentifierError::Empty { kind: "subject" };
        check_error(json!({ "act": { "sub": "" } }), "act", malformed("sub", empty));
        let shape = IdentifierError::WrongShape { kind: "issuer", expected: "https://HOST[:PORT]/realms/REALM" };
        check_error(json!({ "act": { "sub": "a", "iss": "http://x" } }), "act", malformed("iss", shape));
        let client = |text| ClientId::parse(text).expect("a client");
        check_error(
            json!({ "act": { "sub": "a", "azp": "b", "client_id": "c" } }),
            "act",
            ActorError::TwoClients { expected: client("b"), presented: client("c") },
        );
    }

    #[test]
    fn a_chain_is_short() {
        let nested =
            |depth: usize| (1..depth).fold(json!({ "sub": "0" }), |act, n| json!({ "sub": n.to_string(), "act": act }));
        check(json!({ "act": nested(4) }), &["3", "2", "1", "0"]);
        check_error(json!({ "act": nested(5) }), "act", ActorError::TooDeep { limit: 4 });
        let behind = json!({ "act": nested(4), "impersonator": { "id": "admin" } });
        check_error(behind, "impersonator", ActorError::TooDeep { limit: 4 });
    }
}
