//! Whether the realm, the client, the user and the session still stand behind the access token.

use crate::revalidation::answer::{
    Client, ClientAnswer, ConsentsAnswer, RealmAnswer, SessionsAnswer, User, UserAnswer,
};
use crate::revalidation::inquiry::Inquiry;
use crate::revalidation::question::Question;
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};

/// What the realm says of everybody and everything that an inquiry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmAnswers {
    /// Of itself.
    pub realm: RealmAnswer,
    /// Of the client.
    pub client: ClientAnswer,
    /// Of the user.
    pub user: UserAnswer,
    /// Of the user's sessions; only looked at where the policy requires one.
    pub sessions: Option<SessionsAnswer>,
    /// Of the user's consents; only looked at where the policy requires a session and the client needs consent.
    pub consents: Option<ConsentsAnswer>,
}

/// The realm stands behind the access token that a question is about, as far as it can be asked without its claims.
///
/// ```compile_fail
/// fn of(question: &claim_guard::revalidation::Question) -> claim_guard::revalidation::Standing<'_> {
///     claim_guard::revalidation::Standing { question, client_uuid: String::new() }
/// }
/// ```
#[derive(Debug)]
pub struct Standing<'q> {
    pub(super) question: &'q Question,
    client_uuid: String,
}

impl Standing<'_> {
    /// What the realm calls the client in its admin API.
    pub fn client_uuid(&self) -> &str {
        &self.client_uuid
    }
}

impl Question {
    /// What follows from the answers.
    ///
    /// # Errors
    /// [`Withdrawals`] names everything that stands against the access token.
    pub fn standing(&self, answers: &RealmAnswers) -> Result<Standing<'_>, Withdrawals> {
        let client_uuid = self.inquiry.client_uuid(answers)?;
        Ok(Standing { question: self, client_uuid })
    }
}

impl Inquiry {
    /// What the realm calls the client, if it stands behind the access token.
    ///
    /// # Errors
    /// [`Withdrawals`] names everything that stands against that.
    pub(super) fn client_uuid(&self, answers: &RealmAnswers) -> Result<String, Withdrawals> {
        let RealmAnswers { realm, client, user, sessions, consents } = answers;
        let issued_at = self.aged.run().access_token_issued_at;
        let mut against = Vec::new();
        // Keycloak's own comparison: a token of the same second survives.
        if issued_at < realm.not_before {
            against.push(Withdrawal::RealmNotBefore { not_before: realm.not_before, issued_at });
        }
        let client_uuid = match &client.0 {
            None => {
                against.push(Withdrawal::ClientDeleted { client: self.client().clone() });
                None
            }
            Some(Client { uuid, enabled, not_before, requires_consent: _ }) => {
                if !enabled {
                    against.push(Withdrawal::ClientDisabled { client: self.client().clone() });
                }
                if issued_at < *not_before {
                    against.push(Withdrawal::ClientNotBefore { not_before: *not_before, issued_at });
                }
                Some(uuid.as_str())
            }
        };
        match &user.0 {
            None => against.push(Withdrawal::UserDeleted { subject: self.subject().clone() }),
            Some(User { enabled, not_before }) => {
                if !enabled {
                    against.push(Withdrawal::UserDisabled { subject: self.subject().clone() });
                }
                if issued_at < *not_before {
                    against.push(Withdrawal::UserNotBefore { not_before: *not_before, issued_at });
                }
            }
        }
        if self.requires_session() {
            against.extend(self.session_over(sessions.as_ref(), client_uuid));
            against.extend(self.consent_withdrawn(client, consents.as_ref()));
        }
        Withdrawals::of(against)?;
        Ok(client_uuid.unwrap_or_default().to_owned())
    }

    /// Why the realm would refresh no token of the session: what its own refresh looks at, in its order.
    fn session_over(&self, sessions: Option<&SessionsAnswer>, client_uuid: Option<&str>) -> Option<Withdrawal> {
        let Some(session) = self.session() else { return Some(Withdrawal::SessionAbsent) };
        let Some(listed) = sessions.and_then(|sessions| sessions.named(session)) else {
            return Some(Withdrawal::SessionEnded { session: session.clone() });
        };
        let (started_at, issued_at) = (listed.started_at, self.aged.run().access_token_issued_at);
        // A session begins in the second in which its first token is issued. One that begins later is another log-in's.
        if started_at > issued_at {
            return Some(Withdrawal::SessionRestarted { session: session.clone(), started_at, issued_at });
        }
        // That a deleted client takes part in nothing follows from its deletion, which is told.
        let left = client_uuid.is_some_and(|uuid| !listed.has(uuid));
        left.then(|| Withdrawal::ClientSessionEnded { session: session.clone(), client: self.client().clone() })
    }

    fn consent_withdrawn(&self, client: &ClientAnswer, consents: Option<&ConsentsAnswer>) -> Option<Withdrawal> {
        let granted = consents.is_some_and(|consents| consents.name(self.client()));
        let withdrawn = client.requires_consent() && !granted;
        withdrawn.then(|| Withdrawal::ConsentWithdrawn { client: self.client().clone() })
    }
}
