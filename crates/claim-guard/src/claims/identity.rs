//! Whom a verified statement speaks of.

use std::collections::BTreeSet;

use crate::claims::claim_tree::ClaimTree;
use crate::claims::role::Role;
use crate::identifier::{ClientId, Issuer, SessionId, Subject, TokenId, TransactionId};
use crate::unix_time::UnixTime;

/// What a verified access token or transaction token says of its subject.
///
/// Only this crate makes one, from a statement whose signature it has verified. It cannot be cloned, defaulted or
/// deserialized.
#[derive(Debug)]
pub struct Identity {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    pub(crate) client: ClientId,
    pub(crate) token_id: TokenId,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) issued_at: UnixTime,
    pub(crate) expires_at: UnixTime,
    pub(crate) verified_at: UnixTime,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) claims: ClaimTree,
}

impl Identity {
    /// The realm that vouches for the subject. An identity is the pair of issuer and subject.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whom the statement speaks of, unique within the issuer.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The client that the access token was issued to (`azp`).
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// The access token's `jti`.
    pub fn token_id(&self) -> &TokenId {
        &self.token_id
    }

    /// The Keycloak session, absent for a service account.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session_id.as_ref()
    }

    /// The transaction, absent for an access token.
    pub fn transaction(&self) -> Option<&TransactionId> {
        self.transaction.as_ref()
    }

    /// When the statement was made.
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The first second at which the statement no longer holds.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When the statement was verified, which is the `now` that conditions are decided at.
    pub fn verified_at(&self) -> UnixTime {
        self.verified_at
    }

    /// The subject's roles.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// The subject's claims.
    pub fn claims(&self) -> &ClaimTree {
        &self.claims
    }
}
