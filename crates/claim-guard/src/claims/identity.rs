//! Whom a verified statement speaks of.

use std::collections::BTreeSet;

use crate::claims::actor::Actor;
use crate::claims::claim_tree::ClaimTree;
use crate::claims::role::Role;
use crate::claims::roles::Roles;
use crate::identifier::{ClientId, Issuer, Scope, SessionId, Subject, TokenId, TransactionId};
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
    pub(crate) actor: Option<Actor>,
    pub(crate) token_id: TokenId,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) scope: Option<Scope>,
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) issued_at: UnixTime,
    pub(crate) expires_at: UnixTime,
    pub(crate) verified_at: UnixTime,
    pub(crate) roles: Roles,
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

    /// Who acts in the subject's place; none where the subject acts himself. Whoever acts is part of who it is.
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The access token's `jti`.
    pub fn token_id(&self) -> &TokenId {
        &self.token_id
    }

    /// The Keycloak session, absent for a service account.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session_id.as_ref()
    }

    /// What the access token was asked for with; absent where it says nothing, or more than an identifier may hold.
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
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
        self.roles.all(&self.claims)
    }

    /// Whether the role is one of the subject's.
    pub(crate) fn has(&self, role: &Role) -> bool {
        self.roles.contains(role, &self.claims)
    }

    /// The subject's claims.
    pub fn claims(&self) -> &ClaimTree {
        &self.claims
    }
}
