//! Why no new statement is made.

use std::fmt;
use std::time::Duration;

use crate::decision::Unmet;
use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, SessionId, StateName, Subject};
use crate::revalidation::lapse::Lapse;
use crate::transaction::CarryError;
use crate::unix_time::UnixTime;

/// One thing that stands against a new statement: what the policy says first, then what Step Functions says, then what the
/// realm says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// The policy knows no such state, or no start of another workflow there.
    NoState {
        /// The state that asks.
        presented: StateName,
    },
    /// The run has taken as long as the policy allows.
    RunTooLong {
        /// When it was started.
        started_at: UnixTime,
        /// The longest run.
        limit: Duration,
        /// The clock.
        now: UnixTime,
    },
    /// The policy says that a denial of this state is final.
    NotReconsidered {
        /// The state.
        state: StateName,
    },
    /// The state has denied a statement that was made for it just now: the realm's answer would be the same.
    DeniedAgain {
        /// The state.
        state: StateName,
        /// When the statement was made.
        issued_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
    /// The state was given statement upon statement and took none, so it is stopped.
    AskedTooOften {
        /// The state.
        state: StateName,
        /// How many statements it was given in quick succession.
        rounds: u32,
    },
    /// The execution that it is presented in does not live, or is another.
    Lapsed(Lapse),
    /// The realm's tokens of that time are withdrawn.
    RealmNotBefore {
        /// The realm's `tokens-not-before`.
        not_before: UnixTime,
        /// The access token's `iat`.
        issued_at: UnixTime,
    },
    /// The realm has no such client any more.
    ClientDeleted {
        /// The client.
        client: ClientId,
    },
    /// The client may not ask for tokens any more.
    ClientDisabled {
        /// The client.
        client: ClientId,
    },
    /// The client's tokens of that time are withdrawn.
    ClientNotBefore {
        /// The client's `notBefore`.
        not_before: UnixTime,
        /// The access token's `iat`.
        issued_at: UnixTime,
    },
    /// The realm has no such user any more.
    UserDeleted {
        /// The subject.
        subject: Subject,
    },
    /// The user is disabled.
    UserDisabled {
        /// The subject.
        subject: Subject,
    },
    /// The user's tokens of that time are withdrawn: an administrator has logged the user out.
    UserNotBefore {
        /// The user's `notBefore`.
        not_before: UnixTime,
        /// The access token's `iat`.
        issued_at: UnixTime,
    },
    /// The policy requires a session, and the access token was issued without one.
    SessionAbsent,
    /// The session that the access token was issued in is over.
    SessionEnded {
        /// The session.
        session: SessionId,
    },
    /// The session was begun anew since: its access tokens of before are worth nothing to the realm.
    SessionRestarted {
        /// The session.
        session: SessionId,
        /// When it was begun.
        started_at: UnixTime,
        /// The access token's `iat`.
        issued_at: UnixTime,
    },
    /// The session goes on without the client: its refresh token was revoked, or the client was logged out of it.
    ClientSessionEnded {
        /// The session.
        session: SessionId,
        /// The client.
        client: ClientId,
    },
    /// The client needs the subject's consent and has it no more.
    ConsentWithdrawn {
        /// The client.
        client: ClientId,
    },
    /// The client is none of the stack's any more: a caller by it would be turned away.
    ClientForbidden {
        /// The client.
        client: ClientId,
    },
    /// An access token of now would not be for us: the subject has lost every role that made it so.
    AudienceWithdrawn {
        /// Whom it would be for.
        presented: Excerpt,
    },
    /// What the statement would say fits into no transaction token.
    NotCarried(CarryError),
    /// The subject may not start the other workflow.
    StartUnmet(Unmet),
}

impl Withdrawal {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoState { .. } => "no_state",
            Self::RunTooLong { .. } => "run_too_long",
            Self::NotReconsidered { .. } => "not_reconsidered",
            Self::DeniedAgain { .. } => "denied_again",
            Self::AskedTooOften { .. } => "asked_too_often",
            Self::Lapsed(lapse) => lapse.code(),
            Self::RealmNotBefore { .. } => "realm_not_before",
            Self::ClientDeleted { .. } => "client_deleted",
            Self::ClientDisabled { .. } => "client_disabled",
            Self::ClientNotBefore { .. } => "client_not_before",
            Self::UserDeleted { .. } => "user_deleted",
            Self::UserDisabled { .. } => "user_disabled",
            Self::UserNotBefore { .. } => "user_not_before",
            Self::SessionAbsent => "session_absent",
            Self::SessionEnded { .. } => "session_ended",
            Self::SessionRestarted { .. } => "session_restarted",
            Self::ClientSessionEnded { .. } => "client_session_ended",
            Self::ConsentWithdrawn { .. } => "consent_withdrawn",
            Self::ClientForbidden { .. } => "client_forbidden",
            Self::AudienceWithdrawn { .. } => "audience_withdrawn",
            Self::NotCarried(error) => error.code(),
            Self::StartUnmet(unmet) => unmet.code(),
        }
    }
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoState { presented } => {
                write!(f, "the policy asks nothing of state `{}`", Excerpt::of(presented.as_str()))
            }
            Self::RunTooLong { started_at, limit, now } => {
                write!(f, "started at `{started_at}`, expected at most `{}` seconds before `{now}`", limit.as_secs())
            }
            Self::NotReconsidered { state } => write!(f, "a denial of state `{state}` is final"),
            Self::DeniedAgain { state, issued_at, now } => {
                write!(
                    f,
                    "state `{state}` has denied the statement that was made for it at `{issued_at}`, now is `{now}`"
                )
            }
            Self::AskedTooOften { state, rounds } => {
                write!(f, "state `{state}` was given `{rounds}` statements in quick succession and took none")
            }
            Self::Lapsed(lapse) => write!(f, "{lapse}"),
            Self::RealmNotBefore { not_before, issued_at } => older(f, "realm", *not_before, *issued_at),
            Self::ClientDeleted { client } => write!(f, "client `{}` is deleted", Excerpt::of(client.as_str())),
            Self::ClientDisabled { client } => write!(f, "client `{}` is disabled", Excerpt::of(client.as_str())),
            Self::ClientNotBefore { not_before, issued_at } => older(f, "client", *not_before, *issued_at),
            Self::UserDeleted { subject } => write!(f, "user `{}` is deleted", Excerpt::of(subject.as_str())),
            Self::UserDisabled { subject } => write!(f, "user `{}` is disabled", Excerpt::of(subject.as_str())),
            Self::UserNotBefore { not_before, issued_at } => older(f, "user", *not_before, *issued_at),
            Self::SessionAbsent => f.write_str("a session is required, the access token was issued without one"),
            Self::SessionEnded { session } => write!(f, "session `{}` is over", Excerpt::of(session.as_str())),
            Self::SessionRestarted { session, started_at, issued_at } => {
                let session = Excerpt::of(session.as_str());
                write!(f, "session `{session}` was begun anew at `{started_at}`, the access token is of `{issued_at}`")
            }
            Self::ClientSessionEnded { session, client } => {
                let (session, client) = (Excerpt::of(session.as_str()), Excerpt::of(client.as_str()));
                write!(f, "session `{session}` is without client `{client}`, which the access token was issued to")
            }
            Self::ConsentWithdrawn { client } => {
                let client = Excerpt::of(client.as_str());
                write!(f, "client `{client}` needs the user's consent and has it no more")
            }
            Self::ClientForbidden { client } => {
                write!(f, "client `{}` is none of the clients of this stack any more", Excerpt::of(client.as_str()))
            }
            Self::AudienceWithdrawn { presented } => {
                write!(f, "an access token of now would be for `{presented}`, not for us")
            }
            Self::NotCarried(error) => write!(f, "{error}"),
            Self::StartUnmet(unmet) => write!(f, "{unmet}"),
        }
    }
}

fn older(f: &mut fmt::Formatter<'_>, whose: &str, not_before: UnixTime, issued_at: UnixTime) -> fmt::Result {
    write!(f, "the {whose}'s tokens from before `{not_before}` are withdrawn, this one is of `{issued_at}`")
}

/// Everything that stands against a new statement; at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawals(Vec<Withdrawal>);

impl Withdrawals {
    /// Nothing if there is nothing.
    pub(super) fn of(all: Vec<Withdrawal>) -> Result<(), Self> {
        if all.is_empty() { Ok(()) } else { Err(Self(all)) }
    }

    /// The withdrawal of a statement that no execution could carry.
    pub fn not_carried(error: CarryError) -> Self {
        Self::one(Withdrawal::NotCarried(error))
    }

    pub(super) fn one(withdrawal: Withdrawal) -> Self {
        Self(vec![withdrawal])
    }

    /// All of it, in the order of [`Withdrawal`]'s variants.
    pub fn all(&self) -> &[Withdrawal] {
        &self.0
    }
}
