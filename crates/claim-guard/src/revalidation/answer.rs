//! What the realm says of itself, a client, a user and their sessions.
//!
//! Only the few members that something follows from are read and kept. The rest of an answer may hold names, addresses
//! and secrets, and is dropped.

use crate::document::{Document, Object};
use crate::excerpt::Excerpt;
use crate::identifier::SessionId;
use crate::jws::{JwsError, Members, Part};
use crate::revalidation::answer_fault::{AnswerFault, AnswerKind};
use crate::revalidation::question::Question;
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
    pub fn parse(bytes: &[u8], question: &Question) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Realm;
        let realm = object(bytes, kind)?;
        let members = Members::new(Part::Answer, realm.members());
        let presented = of(kind, members.text("realm"))?;
        if presented != question.realm() {
            let presented = Excerpt::of(presented);
            return Err(AnswerFault::AnotherRealm { expected: question.realm().to_owned(), presented });
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
}

impl ClientAnswer {
    /// Reads the answer's bytes: an array of the client alone, or an empty one.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no such array, or about another client.
    pub fn parse(bytes: &[u8], question: &Question) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Client;
        let answer = document(bytes, kind)?;
        let clients = list(&answer, kind)?;
        let another = |presented: &str| AnswerFault::AnotherClient {
            kind,
            expected: question.client().clone(),
            presented: Excerpt::of(presented),
        };
        match clients.as_slice() {
            [] => Ok(Self(None)),
            [client] => {
                let members = Members::new(Part::Answer, *client);
                let presented = of(kind, members.text("clientId"))?;
                if presented != question.client().as_str() {
                    return Err(another(presented));
                }
                Ok(Self(Some(Client {
                    uuid: of(kind, members.text("id"))?.to_owned(),
                    enabled: of(kind, members.boolean("enabled"))?,
                    not_before: of(kind, members.time("notBefore"))?,
                })))
            }
            [_, _, ..] => Err(another(&format!("{} clients", clients.len()))),
        }
    }
}

/// `GET /admin/realms/REALM/users/SUBJECT`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAnswer(pub(super) Option<User>);

/// A user that the realm has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) enabled: bool,
    pub(super) not_before: UnixTime,
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
    pub fn parse(bytes: &[u8], question: &Question) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::User;
        let user = object(bytes, kind)?;
        let members = Members::new(Part::Answer, user.members());
        about_the_subject(of(kind, members.text("id"))?, kind, question)?;
        Ok(Self(Some(User {
            enabled: of(kind, members.boolean("enabled"))?,
            not_before: of(kind, members.time("notBefore"))?,
        })))
    }
}

/// `GET /admin/realms/REALM/users/SUBJECT/sessions`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionsAnswer(Vec<String>);

impl SessionsAnswer {
    /// Reads the answer's bytes: an array of sessions, each of the subject.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are no such array, or one of the sessions is another user's.
    pub fn parse(bytes: &[u8], question: &Question) -> Result<Self, AnswerFault> {
        let kind = AnswerKind::Sessions;
        let mut sessions = Vec::new();
        for session in list(&document(bytes, kind)?, kind)? {
            let members = Members::new(Part::Answer, session);
            about_the_subject(of(kind, members.text("userId"))?, kind, question)?;
            sessions.push(of(kind, members.text("id"))?.to_owned());
        }
        Ok(Self(sessions))
    }

    pub(super) fn holds(&self, session: &SessionId) -> bool {
        self.0.iter().any(|id| id == session.as_str())
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

pub(super) fn of<T>(kind: AnswerKind, read: Result<T, JwsError>) -> Result<T, AnswerFault> {
    read.map_err(|error| AnswerFault::Member { kind, error })
}

pub(super) fn about_the_subject(presented: &str, kind: AnswerKind, question: &Question) -> Result<(), AnswerFault> {
    if presented == question.subject().as_str() {
        return Ok(());
    }
    let (expected, presented) = (question.subject().clone(), Excerpt::of(presented));
    Err(AnswerFault::AnotherUser { kind, expected, presented })
}
