//! Whom the realm has to be asked about.

use std::sync::Arc;

use crate::access::SessionRule;
use crate::claims::Identity;
use crate::identifier::{ClientId, Issuer, SessionId, Subject};
use crate::transaction::StaleTransaction;

/// Whom the realm has to be asked about: the user, the client and, where the policy requires it, the session that a
/// statement's access token was issued in.
#[derive(Debug)]
pub struct Inquiry {
    pub(super) aged: Arc<StaleTransaction>,
    session: SessionRule,
    realm: String,
}

impl Inquiry {
    pub(super) fn new(aged: Arc<StaleTransaction>, session: SessionRule) -> Self {
        let realm = aged.identity().issuer().realm();
        Self { aged, session, realm }
    }

    /// Whom the statement speaks of.
    pub fn identity(&self) -> &Identity {
        self.aged.identity()
    }

    /// The realm that vouched for the subject.
    pub fn issuer(&self) -> &Issuer {
        self.aged.identity().issuer()
    }

    /// The realm's name, as the realm says it of itself.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whom to ask about.
    pub fn subject(&self) -> &Subject {
        self.aged.identity().subject()
    }

    /// The client that the access token was issued to.
    pub fn client(&self) -> &ClientId {
        self.aged.identity().client()
    }

    /// Whether the session that the access token was issued in has to be alive.
    pub fn requires_session(&self) -> bool {
        self.session == SessionRule::Required
    }

    /// The session to ask for; none if it does not matter, or there is none.
    pub fn session(&self) -> Option<&SessionId> {
        self.aged.identity().session_id().filter(|_| self.requires_session())
    }
}
