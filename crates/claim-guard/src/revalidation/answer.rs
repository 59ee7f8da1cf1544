//! What the realm says of itself, a client, a user and their sessions.
//!
//! Only the few members that something follows from are read and kept. The rest of an answer may hold names, addresses
//! and secrets, and is dropped.

use std::collections::BTreeSet;
use std::fmt;

use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, SessionId};
use crate::json::{Document, MemberError, Object};
use crate::json::{Members, Part};
use crate::revalidation::answer_fault::{AnswerFault, AnswerKind};
use crate::revalidation::inquiry::Inquiry;
use crate::unix_time::UnixTime;

/// `GET /realms/REALM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmAnswer {
    pub(super) not_before: UnixTime,
}

impl RealmAnswer {
    /// Reads the answer's bytes.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no JSON object, or not this realm's.
    pub fn parse(bytes: &[u8], inquiry: &Inquiry) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Realm;
        let realm = object(bytes, kind)?;
        let members = Members::new(Part::Answer, realm.members());
        let presented = of(kind, members.text("realm"))?;
        if presented != inquiry.realm() {
            let presented = Excerpt::of(presented);
            return Err(AnswerFault::AnotherRealm { expected: inquiry.realm().to_owned(), presented });
        }
        Ok(Self { not_before: of(kind, members.time("tokens-not-before"))? })
    }
}

/// `GET /admin/realms/REALM/clients?clientId=CLIENT`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAnswer(pub(super) Option<Client>);

/// A client that the realm has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) uuid: String,
    pub(super) enabled: bool,
    pub(super) not_before: UnixTime,
    pub(super) requires_consent: bool,
}

impl ClientAnswer {
    /// Whether the subject's consents have to be asked for: the policy requires a session, and the realm gives this client
    /// tokens only for users who have consented.
    pub fn requires_consent(&self) -> bool {
        self.0.as_ref().is_some_and(|client| client.requires_consent)
    }

    /// Reads the answer's bytes: an array of the client alone, or an empty one.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no such array, or about another client.
    pub fn parse(bytes: &[u8], inquiry: &Inquiry) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Client;
        let answer = document(bytes, kind)?;
        let clients = list(&answer, kind)?;
        let another = |presented: &str| AnswerFault::AnotherClient {
            kind,
            expected: inquiry.client().clone(),
            presented: Excerpt::of(presented),
        };
        match clients.as_slice() {
            [] => Ok(Self(None)),
            [client] => {
                let members = Members::new(Part::Answer, *client);
                let presented = of(kind, members.text("clientId"))?;
                if presented != inquiry.client().as_str() {
                    return Err(another(presented));
                }
                Ok(Self(Some(Client {
                    uuid: of(kind, members.text("id"))?.to_owned(),
                    enabled: of(kind, members.boolean("enabled"))?,
                    not_before: of(kind, members.time("notBefore"))?,
                    requires_consent: inquiry.requires_session() && of(kind, members.boolean("consentRequired"))?,
                })))
            }
            [_, _, ..] => Err(another(&format!("{} clients", clients.len()))),
        }
    }
}

/// `GET /admin/realms/REALM/users/SUBJECT`, and where that says `enabled: false` what [`DisabledUser`] is confirmed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAnswer(pub(super) Option<User>);

/// A user that the realm has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) enabled: bool,
    pub(super) not_before: UnixTime,
}

/// What the realm says of a user at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidOfUser {
    /// It stands.
    Settled(UserAnswer),
    /// It has to be asked once more.
    Disabled(DisabledUser),
}

impl UserAnswer {
    /// The realm has no such user, and says so itself.
    pub fn absent() -> Self {
        Self(None)
    }

    /// Reads the answer's bytes.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no JSON object, or about another user.
    pub fn parse(bytes: &[u8], inquiry: &Inquiry) -> Result<SaidOfUser, AnswerFault> {
        let kind = AnswerKind::User;
        let user = object(bytes, kind)?;
        let members = Members::new(Part::Answer, user.members());
        about_the_subject(of(kind, members.text("id"))?, kind, inquiry)?;
        let (enabled, not_before) = (of(kind, members.boolean("enabled"))?, of(kind, members.time("notBefore"))?);
        if enabled {
            return Ok(SaidOfUser::Settled(Self(Some(User { enabled, not_before }))));
        }
        let username = of(kind, members.text("username"))?.to_owned();
        Ok(SaidOfUser::Disabled(DisabledUser { username, not_before }))
    }
}

/// A user who is answered with `enabled: false`. Nothing follows from that alone.
///
/// Keycloak also answers so of users whom nobody has disabled: up to 26.2 of one who is locked out for a while, because
/// somebody has tried wrong passwords; and in 26.0 to 26.7 of one who is read several times at once
/// (<https://github.com/keycloak/keycloak/issues/40689>). Neither is stored, so a search among the users who are stored
/// as disabled finds none of them.
///
/// The user's name is for that search and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct DisabledUser {
    username: String,
    not_before: UnixTime,
}

impl fmt::Debug for DisabledUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisabledUser(…)")
    }
}

impl DisabledUser {
    /// Whom to search for.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Reads the answer to the search, `GET /admin/realms/REALM/users?username=NAME&exact=true&enabled=false`: an array of
    /// the user alone.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no array of users, and [`AnswerFault::LockedOut`] if the subject is not among them.
    pub fn confirmed(self, bytes: &[u8], inquiry: &Inquiry) -> Result<UserAnswer, AnswerFault> {
        let kind = AnswerKind::DisabledUsers;
        for user in list(&document(bytes, kind)?, kind)? {
            let members = Members::new(Part::Answer, user);
            let (id, enabled) = (of(kind, members.text("id"))?, of(kind, members.boolean("enabled"))?);
            if id == inquiry.subject().as_str() && !enabled {
                return Ok(UserAnswer(Some(User { enabled, not_before: self.not_before })));
            }
        }
        Err(AnswerFault::LockedOut { subject: inquiry.subject().clone() })
    }
}

/// `GET /admin/realms/REALM/users/SUBJECT/sessions`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionsAnswer(Vec<Session>);

/// A session that the realm keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    id: String,
    pub(super) started_at: UnixTime,
    /// What the realm calls the clients that take part in it.
    clients: BTreeSet<String>,
}

impl Session {
    pub(super) fn has(&self, client_uuid: &str) -> bool {
        self.clients.contains(client_uuid)
    }
}

impl SessionsAnswer {
    /// Reads the answer's bytes: an array of sessions, each of the subject.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no such array, or one of the sessions is another user's.
    pub fn parse(bytes: &[u8], inquiry: &Inquiry) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Sessions;
        let mut sessions = Vec::new();
        for session in list(&document(bytes, kind)?, kind)? {
            let members = Members::new(Part::Answer, session);
            about_the_subject(of(kind, members.text("userId"))?, kind, inquiry)?;
            sessions.push(Session {
                id: of(kind, members.text("id"))?.to_owned(),
                started_at: of(kind, members.time_in_milliseconds("start"))?,
                clients: of(kind, members.object("clients"))?.iter().map(|(uuid, _)| uuid.to_owned()).collect(),
            });
        }
        Ok(Self(sessions))
    }

    pub(super) fn named(&self, session: &SessionId) -> Option<&Session> {
        self.0.iter().find(|listed| listed.id == session.as_str())
    }
}

/// `GET /admin/realms/REALM/users/SUBJECT/consents`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentsAnswer(BTreeSet<String>);

impl ConsentsAnswer {
    /// Reads the answer's bytes: an array of what the subject has granted, client by client. It says of nobody whose
    /// consents they are.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no such array.
    pub fn parse(bytes: &[u8]) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Consents;
        let consent = |consent| of(kind, Members::new(Part::Answer, consent).text("clientId")).map(str::to_owned);
        Ok(Self(list(&document(bytes, kind)?, kind)?.into_iter().map(consent).collect::<Result<_, _>>()?))
    }

    pub(super) fn name(&self, client: &ClientId) -> bool {
        self.0.contains(client.as_str())
    }
}

pub(super) fn object(bytes: &[u8], kind: AnswerKind) -> Result<Document, AnswerFault> {
    Document::object(bytes.to_vec()).map_err(|error| AnswerFault::MalformedJson { kind, error })
}

fn document(bytes: &[u8], kind: AnswerKind) -> Result<Document, AnswerFault> {
    Document::read(bytes.to_vec()).map_err(|error| AnswerFault::MalformedJson { kind, error })
}

/// The objects of a list.
fn list(answer: &Document, kind: AnswerKind) -> Result<Vec<Object<'_>>, AnswerFault> {
    let items = answer.value().array().ok_or(AnswerFault::NotAList { kind })?;
    items.iter().map(|item| item.object().ok_or(AnswerFault::NotAList { kind })).collect()
}

pub(super) fn of<T>(kind: AnswerKind, read: Result<T, MemberError>) -> Result<T, AnswerFault> {
    read.map_err(|error| AnswerFault::Member { kind, error })
}

pub(super) fn about_the_subject(presented: &str, kind: AnswerKind, inquiry: &Inquiry) -> Result<(), AnswerFault> {
    if presented == inquiry.subject().as_str() {
        return Ok(());
    }
    let (expected, presented) = (inquiry.subject().clone(), Excerpt::of(presented));
    Err(AnswerFault::AnotherUser { kind, expected, presented })
}
