//! Why an answer of the realm is none.

use std::fmt;

use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, Subject};
use crate::json::{JsonError, MemberError};
use crate::token::Rejection;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// About the realm.
    Realm,
    /// About the client that the access token was issued to.
    Client,
    /// About the subject.
    User,
    /// About those of the subject's name who are disabled.
    DisabledUsers,
    /// About the subject's sessions.
    Sessions,
    /// About what the subject has granted to clients.
    Consents,
    /// The claims that the subject would get now.
    Evaluation,
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => "realm",
            Self::Client => "client",
            Self::User => "user",
            Self::DisabledUsers => "disabled users",
            Self::Sessions => "sessions",
            Self::Consents => "consents",
            Self::Evaluation => "evaluation",
        })
    }
}

/// What is wrong with an answer. Nothing follows from it: whoever asked has to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerFault {
    /// Not strict JSON of the expected kind.
    MalformedJson {
        /// Which answer.
        kind: AnswerKind,
        /// What is wrong with it.
        error: JsonError,
    },
    /// Not an array of objects.
    NotAList {
        /// Which answer.
        kind: AnswerKind,
    },
    /// A member is absent or of another type.
    Member {
        /// Which answer.
        kind: AnswerKind,
        /// What is wrong with it.
        error: MemberError,
    },
    /// Another realm answers.
    AnotherRealm {
        /// The realm that was asked about.
        expected: String,
        /// The realm that the answer names.
        presented: Excerpt,
    },
    /// An answer about another client, or about several.
    AnotherClient {
        /// Which answer.
        kind: AnswerKind,
        /// The client that was asked about.
        expected: ClientId,
        /// The client that the answer names.
        presented: Excerpt,
    },
    /// An answer about another user.
    AnotherUser {
        /// Which answer.
        kind: AnswerKind,
        /// The subject that was asked about.
        expected: Subject,
        /// The subject that the answer names.
        presented: Excerpt,
    },
    /// The user is answered as disabled, and is not among those who are: he is locked out for a while, or was read while
    /// others read him.
    LockedOut {
        /// The subject.
        subject: Subject,
    },
    /// Claims that no access token of this realm could hold.
    Evaluation(Rejection),
}

impl AnswerFault {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } | Self::NotAList { .. } => "malformed_answer",
            Self::Member { .. } => "malformed_answer_member",
            Self::AnotherRealm { .. } => "answer_of_another_realm",
            Self::AnotherClient { .. } => "answer_about_another_client",
            Self::AnotherUser { .. } => "answer_about_another_user",
            Self::LockedOut { .. } => "user_locked_out",
            Self::Evaluation(_) => "malformed_evaluation",
        }
    }
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedJson { kind, error } => write!(f, "{kind}: {error}"),
            Self::NotAList { kind } => write!(f, "{kind}: expected an array of objects"),
            Self::Member { kind, error } => write!(f, "{kind}: {error}"),
            Self::AnotherRealm { expected, presented } => {
                write!(f, "realm: expected `{}`, presented `{presented}`", Excerpt::of(expected))
            }
            Self::AnotherClient { kind, expected, presented } => {
                write!(f, "{kind}: expected client `{}`, presented `{presented}`", Excerpt::of(expected.as_str()))
            }
            Self::AnotherUser { kind, expected, presented } => {
                write!(f, "{kind}: expected user `{}`, presented `{presented}`", Excerpt::of(expected.as_str()))
            }
            Self::LockedOut { subject } => {
                let subject = Excerpt::of(subject.as_str());
                write!(f, "user `{subject}` is answered as disabled, and is not among the users who are disabled")
            }
            Self::Evaluation(rejection) => write!(f, "evaluation: {rejection}"),
        }
    }
}

impl std::error::Error for AnswerFault {}
