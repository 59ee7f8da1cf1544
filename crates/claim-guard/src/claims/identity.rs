//! Whom a verified statement speaks of.

use std::collections::BTreeSet;

use crate::claims::actor::{ACT, Actor};
use crate::claims::claim_path::ClaimPath;
use crate::claims::claim_tree::ClaimTree;
use crate::claims::role::Role;
use crate::claims::roles::Roles;
use crate::identifier::{ClientId, Issuer, Scope, SessionId, Subject, TokenId, TransactionId};
use crate::json::Json;
use crate::unix_time::UnixTime;

/// The claim whose text is a list of words (RFC 8693 §4.2).
pub(crate) const SCOPE: &str = "scope";

/// The session that the access token was issued in.
pub(crate) const SESSION: &str = "sid";

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
    /// What the log-in said; none where it stands among the claims, as in an access token.
    pub(crate) authentication: Option<ClaimTree>,
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

    /// What the access token was asked for with; absent where it says nothing.
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

    /// The subject's claims; those of an access token with what it says of the log-in.
    pub fn claims(&self) -> &ClaimTree {
        &self.claims
    }

    /// What a transaction token says of the log-in; none for an access token.
    pub fn authentication(&self) -> Option<&ClaimTree> {
        self.authentication.as_ref()
    }

    /// The claim at the path, wherever the statement has it. Whoever acts, the session and the scope are what was verified
    /// of them, so a condition on them means the same in an access token and in every statement that follows from it.
    pub(crate) fn claim(&self, path: &ClaimPath) -> Option<Json<'_>> {
        let (name, below) = path.segments().split_first()?;
        let whole = |text| below.is_empty().then_some(Json::Text(text));
        match name.as_str() {
            ACT => self.actor()?.find(below).map(Json::Text),
            SESSION => whole(self.session_id()?.as_str()),
            SCOPE => whole(self.scope()?.as_str()),
            _ => self.authentication().and_then(|claims| claims.find(path)).or_else(|| self.claims.find(path)),
        }
    }

    /// What it says of the log-in at the paths.
    pub(crate) fn authentication_at<'a>(&self, paths: impl IntoIterator<Item = &'a ClaimPath>) -> ClaimTree {
        self.authentication().unwrap_or(&self.claims).pruned(paths)
    }
}
