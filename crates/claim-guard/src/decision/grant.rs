//! The value that only an Allow makes.

use std::collections::BTreeSet;

use crate::claims::{Actor, ClaimPath, ClaimTree, Identity, Role};
use crate::identifier::{
    ClientId, Digest, ExecutionArn, Issuer, Scope, SessionId, StateName, Subject, TokenId, TransactionId,
};
use crate::transaction::{Acting, WorkPath};
use crate::unix_time::UnixTime;

/// Leave to do what was asked, on behalf of the identity that it names.
///
/// Work takes a grant as its argument, so there is no work without a decision. Only a decision makes one:
///
/// ```compile_fail,E0451
/// fn forge(identity: Box<claim_guard::Identity>) -> claim_guard::decision::Grant {
///     claim_guard::decision::Grant { identity, acting: None }
/// }
/// ```
///
/// ```compile_fail,E0624
/// fn forge(identity: &claim_guard::Identity) -> claim_guard::decision::Grant {
///     claim_guard::decision::Grant::assertion(identity, [], [], None)
/// }
/// ```
///
/// It cannot be copied for later, made from nothing or read from a text:
///
/// ```compile_fail,E0277
/// fn take<T: Clone>() {}
/// take::<claim_guard::decision::Grant>();
/// ```
///
/// ```compile_fail,E0277
/// fn take<T: Default>() {}
/// take::<claim_guard::decision::Grant>();
/// ```
///
/// ```compile_fail,E0277
/// fn take<T: serde::de::DeserializeOwned>() {}
/// take::<claim_guard::decision::Grant>();
/// ```
///
/// It names no more roles and claims than the requirement that was met; the grant of a start names those that any
/// requirement of the workflow names, because they travel with the execution.
#[derive(Debug)]
pub struct Grant {
    identity: Box<Identity>,
    acting: Option<Acting>,
}

impl Grant {
    /// A grant for an identity whose decision has nothing unmet; of its roles and claims it keeps the named ones, and of the
    /// log-in what is handed over.
    pub(crate) fn assertion<'a>(
        identity: &Identity,
        roles: impl IntoIterator<Item = &'a Role>,
        claims: impl IntoIterator<Item = &'a ClaimPath>,
        authentication: Option<ClaimTree>,
    ) -> Self {
        Self {
            identity: Box::new(Identity {
                issuer: identity.issuer.clone(),
                subject: identity.subject.clone(),
                client: identity.client.clone(),
                actor: identity.actor.clone(),
                token_id: identity.token_id.clone(),
                session_id: identity.session_id.clone(),
                scope: identity.scope.clone(),
                transaction: identity.transaction.clone(),
                issued_at: identity.issued_at,
                expires_at: identity.expires_at,
                verified_at: identity.verified_at,
                roles: roles.into_iter().filter(|role| identity.has(role)).cloned().collect(),
                claims: identity.claims.pruned(claims),
                authentication,
            }),
            acting: None,
        }
    }

    /// The same grant, for one attempt of a state.
    pub(crate) fn at(self, acting: &Acting) -> Self {
        Self { acting: Some(acting.clone()), ..self }
    }

    /// Whom it is for, as a statement about him needs it.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The realm that vouches for the subject.
    pub fn issuer(&self) -> &Issuer {
        self.identity.issuer()
    }

    /// On whose behalf the work is done.
    pub fn subject(&self) -> &Subject {
        self.identity.subject()
    }

    /// The client that the access token was issued to.
    pub fn client(&self) -> &ClientId {
        self.identity.client()
    }

    /// Who acts in the subject's place; none where the subject acts himself.
    pub fn actor(&self) -> Option<&Actor> {
        self.identity.actor()
    }

    /// The access token's `jti`.
    pub fn token_id(&self) -> &TokenId {
        self.identity.token_id()
    }

    /// The Keycloak session, absent for a service account.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.identity.session_id()
    }

    /// What the access token was asked for with, where it says so; less what the realm has taken back since.
    pub fn scope(&self) -> Option<&Scope> {
        self.identity.scope()
    }

    /// The transaction, absent where an access token was decided on.
    pub fn transaction(&self) -> Option<&TransactionId> {
        self.identity.transaction()
    }

    /// The execution that acts, absent where an access token was decided on.
    pub fn execution(&self) -> Option<&ExecutionArn> {
        self.acting.as_ref().map(|acting| &acting.execution)
    }

    /// The state that acts, absent where an access token was decided on.
    pub fn state(&self) -> Option<&StateName> {
        self.acting.as_ref().map(|acting| &acting.state)
    }

    /// How often the execution that acts was redriven, absent where an access token was decided on.
    pub fn redrive(&self) -> Option<u32> {
        self.acting.as_ref().map(|acting| acting.redrive_count)
    }

    /// Which item of which Map, and which round of which loop, is worked on; absent where an access token was decided on.
    pub fn work_path(&self) -> Option<&WorkPath> {
        self.acting.as_ref().map(|acting| &acting.work)
    }

    /// A name for this piece of work, absent where an access token was decided on: the same for each retry, renewed statement
    /// and redrive, another for each execution, state, Map item and round of a loop.
    ///
    /// Hand it on to whatever acts, as its idempotency key ([`Digest::hex`] has 64 letters). A round of a loop is over when its state has succeeded: a `Catch` that
    /// leads back is a retry, so a loop that goes on with something else after an error needs its own name for that beside the key.
    /// A child of a distributed Map and a nested execution are executions of their own; one that is started anew does other work.
    pub fn idempotency_key(&self) -> Option<Digest> {
        self.acting.as_ref().map(Acting::idempotency_key)
    }

    /// A name for this attempt, absent where an access token was decided on: the same whenever the same transaction token is
    /// presented for the same state of the same execution, and another for every other token.
    ///
    /// A guard remembers nothing, so within its time a token can be presented again. Where a state asks for a statement of its
    /// own for every attempt (`max_identity_age = "0s"`), work that keeps this name with what it has done, in one write that
    /// fails if the name is there, does it once for each attempt. It is no name for the work: the next attempt has
    /// another, where [`idempotency_key`](Self::idempotency_key) stays.
    pub fn attempt(&self) -> Option<Digest> {
        self.acting.as_ref().map(Acting::attempt)
    }

    /// When the statement that was decided on was made.
    pub fn issued_at(&self) -> UnixTime {
        self.identity.issued_at()
    }

    /// The first second at which that statement no longer holds.
    pub fn expires_at(&self) -> UnixTime {
        self.identity.expires_at()
    }

    /// The subject's roles, of those that were named.
    pub fn roles(&self) -> &BTreeSet<Role> {
        self.identity.roles()
    }

    /// The subject's claims, of those that were named; in an execution without those of the log-in.
    pub fn claims(&self) -> &ClaimTree {
        self.identity.claims()
    }

    /// What the subject's log-in said, of what the policy names; absent where an access token was decided on. It is as it was
    /// when the execution was started, however often the statement has been renewed.
    pub fn authentication(&self) -> Option<&ClaimTree> {
        self.identity.authentication()
    }
}
