//! What the realm says now → the statement to sign.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::access::{AccessPolicy, ClaimSource, RenewalRule, Workflow};
use crate::claims::{ClaimPath, ClaimTree, Identity, Role};
use crate::decision::unmet_by;
use crate::identifier::{Digest, Scope, TransactionId};
use crate::revalidation::inquiry::Inquiry;
use crate::revalidation::live::LiveIdentity;
use crate::revalidation::question::{Purpose, Question, no_workflow, too_long};
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};
use crate::transaction::{Binding, Renewed, Run, StaleTransaction};
use crate::unix_time::UnixTime;

/// A statement that lacks only its signature: the subject, with the roles and claims of now, in one execution.
///
/// ```compile_fail
/// fn copy(statement: &claim_guard::revalidation::RenewedStatement) -> claim_guard::revalidation::RenewedStatement {
///     Clone::clone(statement)
/// }
/// ```
#[derive(Debug)]
pub struct RenewedStatement {
    pub(crate) identity: Identity,
    pub(crate) transaction: TransactionId,
    pub(crate) binding: Binding,
    pub(crate) run: Run,
    pub(crate) epoch: u32,
    pub(crate) renewed: Option<Renewed>,
    pub(crate) input_digest: Digest,
    pub(crate) lifetime: Duration,
    changes: Vec<Change>,
}

impl RenewedStatement {
    /// Whom it speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The execution that it is for.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// How often the realm was asked on the way to this statement, this time included.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// In what it differs from the old statement, where both are about the same execution.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

/// A difference between the old statement and the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The subject has the role now.
    RoleGained(Role),
    /// The subject has the role no more.
    RoleLost(Role),
    /// The claim says something else, or nothing, or something for the first time.
    ClaimChanged(ClaimPath),
}

impl Change {
    /// A fixed name of the difference, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RoleGained(_) => "role_gained",
            Self::RoleLost(_) => "role_lost",
            Self::ClaimChanged(_) => "claim_changed",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleGained(role) => write!(f, "role `{role}` is granted now"),
            Self::RoleLost(role) => write!(f, "role `{role}` is granted no more"),
            Self::ClaimChanged(path) => write!(f, "claim `{path}` has changed"),
        }
    }
}

impl LiveIdentity<'_> {
    /// The new statement, on what the realm says now: fewer roles or more, flags as they are.
    ///
    /// # Errors
    /// [`Withdrawals`] if an access token of now would not be for us or does not suffice to start the other workflow, or
    /// if the run has taken as long as it may meanwhile.
    pub fn statement(self, policy: &AccessPolicy, now: UnixTime) -> Result<RenewedStatement, Withdrawals> {
        let mut live = self.said.map_err(Withdrawals::one)?;
        let Question { inquiry: Inquiry { aged, .. }, purpose, redrive_count, .. } = self.question;
        // The realm says what the subject may do now. The log-in is over: the realm's example of a token makes one up.
        live.actor = aged.identity().actor().cloned();
        live.session_id = aged.identity().session_id().cloned();
        live.scope = granted_scope(aged.identity(), &live);
        live.claims = live.claims.only(|name| policy.source_of(name) == ClaimSource::Realm);
        live.authentication = Some(aged.identity().authentication_at(policy.authentication_claims()));
        let name = match purpose {
            Purpose::Renew(_) | Purpose::Child(_) => aged.binding().workflow.clone(),
            Purpose::Nested { workflow, .. } => workflow.clone(),
        };
        let unknown = || Withdrawals::one(Withdrawal::StartUnmet(no_workflow(&name)));
        let workflow = policy.workflow(&name).ok_or_else(unknown)?;
        Withdrawals::of(match purpose {
            // The realm may have taken its time.
            Purpose::Renew(_) | Purpose::Child(_) => too_long(workflow, aged, now).into_iter().collect(),
            Purpose::Nested { input, .. } => {
                unmet_by(&live, workflow.start(), input).into_iter().map(Withdrawal::StartUnmet).collect()
            }
        })?;
        let old = aged.identity();
        let transaction = old.transaction().cloned().ok_or_else(unknown)?;
        let started_at = match purpose {
            Purpose::Renew(_) | Purpose::Child(_) => aged.run().started_at,
            Purpose::Nested { .. } => now,
        };
        let lifetime = workflow.lifetime_at(started_at, now);
        let claims = policy.live_claims(workflow);
        let mut identity = of_now(aged, *live, workflow, &claims, now, lifetime);
        match (workflow.renewal(), purpose) {
            (RenewalRule::Narrowing, Purpose::Renew(_) | Purpose::Child(_)) => identity.narrow_to(old, &claims),
            // What starts there has had nothing yet that it could be held to.
            (RenewalRule::Live, _) | (RenewalRule::Narrowing, Purpose::Nested { .. }) => {}
        }
        let run = Run { started_at, ..aged.run().clone() };
        let binding = |execution| Binding { workflow: name.clone(), execution, redrive_count: *redrive_count };
        let epoch = aged.epoch().saturating_add(1);
        let (binding, renewed, input_digest, changes) = match purpose {
            Purpose::Renew(renewed) => {
                let changes = changes(old, &identity, &claims);
                let binding = binding(aged.binding().execution.clone());
                (binding, Some(renewed.clone()), aged.input_digest().clone(), changes)
            }
            Purpose::Child(execution) => (binding(execution.clone()), None, aged.input_digest().clone(), Vec::new()),
            Purpose::Nested { execution, input, .. } => (binding(execution.clone()), None, digest(input), Vec::new()),
        };
        Ok(RenewedStatement { identity, transaction, binding, run, epoch, renewed, input_digest, lifetime, changes })
    }
}

/// The words of the old statement's scope that a token of now would have too.
///
/// What was asked for at the log-in cannot grow afterwards, so a word that is gone stays gone, even if it is all of them.
fn granted_scope(old: &Identity, live: &Identity) -> Option<Scope> {
    let words = |identity: &Identity| identity.scope().map(ToString::to_string).unwrap_or_default();
    let (granted, now) = (words(old), words(live));
    let now: Vec<&str> = now.split(' ').collect();
    let left: Vec<&str> = granted.split(' ').filter(|word| now.contains(word)).collect();
    Scope::parse(&left.join(" ")).ok()
}

/// The subject of the old statement, with those of the roles and claims of now that the workflow names.
fn of_now(
    aged: &StaleTransaction,
    live: Identity,
    workflow: &Workflow,
    claims: &BTreeSet<&ClaimPath>,
    now: UnixTime,
    lifetime: Duration,
) -> Identity {
    let old = aged.identity();
    Identity {
        issuer: old.issuer().clone(),
        subject: old.subject().clone(),
        client: old.client().clone(),
        token_id: old.token_id().clone(),
        transaction: old.transaction().cloned(),
        issued_at: now,
        expires_at: now.plus(lifetime),
        verified_at: now,
        roles: workflow.named_roles().into_iter().filter(|role| live.has(role)).cloned().collect(),
        claims: live.claims().pruned(claims.iter().copied()),
        actor: live.actor,
        session_id: live.session_id,
        scope: live.scope,
        authentication: live.authentication,
    }
}

impl Identity {
    /// Takes away the roles that the old statement has not got, and what of the claims is not as it says.
    fn narrow_to(&mut self, old: &Self, claims: &BTreeSet<&ClaimPath>) {
        self.roles = self.roles().intersection(old.roles()).cloned().collect();
        let kept = claims.iter().filter_map(|path| {
            let kept = narrowed(old.claims.get(path)?, &self.claims.get(path)?)?;
            Some((path.segments(), kept))
        });
        self.claims = ClaimTree::of_paths(kept);
    }
}

/// What of the old value is left: all of it, or of a list the items that are there still, as nothing asks that an item be not there.
fn narrowed(old: Value, now: &Value) -> Option<Value> {
    match (old, now) {
        (Value::Array(items), Value::Array(now)) => {
            Some(Value::Array(items.into_iter().filter(|item| now.contains(item)).collect()))
        }
        (old, now) => (old == *now).then_some(old),
    }
}

fn digest(input: &Map<String, Value>) -> Digest {
    Digest::of(Value::Object(input.clone()).to_string().as_bytes())
}

fn changes(old: &Identity, new: &Identity, named: &BTreeSet<&ClaimPath>) -> Vec<Change> {
    let gained = new.roles().difference(old.roles()).cloned().map(Change::RoleGained);
    let lost = old.roles().difference(new.roles()).cloned().map(Change::RoleLost);
    let changed = named.iter().filter(|path| old.claims().get(path) != new.claims().get(path));
    gained.chain(lost).chain(changed.map(|path| Change::ClaimChanged((*path).clone()))).collect()
}
