//! Whether the realm, the client, the user and the session still stand behind the access token.

use crate::revalidation::answer::{Client, ClientAnswer, RealmAnswer, SessionsAnswer, User, UserAnswer};
use crate::revalidation::question::Question;
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};

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
    /// What follows from the answers. `sessions` is only looked at where the policy requires a session.
    ///
    /// # Errors
    /// [`Withdrawals`] names everything that stands against the access token.
    pub fn standing(
        &self,
        realm: &RealmAnswer,
        client: &ClientAnswer,
        user: &UserAnswer,
        sessions: Option<&SessionsAnswer>,
    ) -> Result<Standing<'_>, Withdrawals> {
        let issued_at = self.aged.run().access_token_issued_at;
        let mut against = Vec::new();
        // Keycloak's own comparison: a token of the same second survives.
        if issued_at < realm.not_before {
            against.push(Withdrawal::RealmNotBefore { not_before: realm.not_before, issued_at });
        }
        let client_uuid = match &client.0 {
            None => {
                against.push(Withdrawal::ClientDeleted { client: self.client().clone() });
                String::new()
            }
            Some(Client { uuid, enabled, not_before }) => {
                if !enabled {
                    against.push(Withdrawal::ClientDisabled { client: self.client().clone() });
                }
                if issued_at < *not_before {
                    against.push(Withdrawal::ClientNotBefore { not_before: *not_before, issued_at });
                }
                uuid.clone()
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
        against.extend(self.session_over(sessions));
        Withdrawals::of(against)?;
        Ok(Standing { question: self, client_uuid })
    }

    fn session_over(&self, sessions: Option<&SessionsAnswer>) -> Option<Withdrawal> {
        if !self.requires_session() {
            return None;
        }
        let Some(session) = self.session() else { return Some(Withdrawal::SessionAbsent) };
        let alive = sessions.is_some_and(|sessions| sessions.holds(session));
        (!alive).then(|| Withdrawal::SessionEnded { session: session.clone() })
    }
}
