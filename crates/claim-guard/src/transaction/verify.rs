//! Transaction token → verified transaction.

use std::time::Duration;

use crate::access::MaxIdentityAge;
use crate::claims::{Actor, ClaimTree, Identity, Role, Roles};
use crate::excerpt::Excerpt;
use crate::identifier::{
    ClientId, Digest, ExecutionArn, Issuer, KeyId, Scope, SessionId, StateMachineArn, StateName, Subject, TokenId,
    TransactionId, TrustDomain, WorkflowName,
};
use crate::json::{Document, Object};
use crate::json::{Members, Part};
use crate::jws::{Algorithm, JwsError, KeySet, KeySetError};
use crate::token::Leeway;
use crate::transaction::acting::{Acting, StatementMark};
use crate::transaction::binding::{Attempt, Binding, PresentedAt, Renewed, Run};
use crate::transaction::failure::{TransactionFailure, TransactionRejection};
use crate::transaction::token::{TRANSACTION_TOKEN_TYPES, TransactionToken};
use crate::unix_time::UnixTime;

const PAYLOAD_MEMBERS: [&str; 9] = ["iat", "exp", "aud", "txn", "sub", "scope", "req_wl", "rctx", "tctx"];
const REQUESTER_MEMBERS: [&str; 7] = ["iss", "jti", "iat", "sid", "scope", "act", "authentication"];
const CONTEXT_MEMBERS: [&str; 9] =
    ["execution", "state_machine", "started", "epoch", "renewed", "redrive", "input", "roles", "claims"];
const RENEWED_MEMBERS: [&str; 2] = ["state", "rounds"];

/// How old a statement may be at the attempt that it was made for, where a state asks for one per attempt. Between the
/// two lie a transition of the state machine and at worst a cold start.
pub const HAND_OVER: Duration = Duration::from_secs(10);

/// The public keys that transaction tokens are signed with: ES256, and only usable ones.
#[derive(Debug)]
pub struct TransactionKeySet(KeySet);

impl TransactionKeySet {
    /// Imports the JWK set that the stack hands to its guards. One bad key in it is a fault of the stack, so none is
    /// left out.
    ///
    /// # Errors
    /// [`KeySetError`] for bytes that are no JWK set, or if a key is not usable for ES256.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let set = KeySet::parse(bytes)?;
        let foreign = set.keys().any(|(_, key)| key.algorithm() != Algorithm::Es256);
        if foreign || !set.skipped().is_empty() {
            return Err(KeySetError::NoUsableKey { skipped: set.skipped().to_vec() });
        }
        Ok(Self(set))
    }

    /// Whether a key of that name is in the set.
    pub fn contains(&self, key_id: &KeyId) -> bool {
        self.0.get(key_id).is_some()
    }
}

/// A transaction token that holds at the state where it was presented.
///
/// Only [`TransactionVerifier::verify`] makes one:
///
/// ```compile_fail
/// let transaction: claim_guard::VerifiedTransaction = Default::default();
/// ```
/// ```compile_fail
/// fn copy(transaction: &claim_guard::VerifiedTransaction) -> claim_guard::VerifiedTransaction {
///     Clone::clone(transaction)
/// }
/// ```
/// ```compile_fail
/// let transaction: claim_guard::VerifiedTransaction = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Debug)]
pub struct VerifiedTransaction {
    identity: Identity,
    workflow: WorkflowName,
    acting: Acting,
}

impl VerifiedTransaction {
    fn assertion(aged: StaleTransaction, attempt: &Attempt<'_>, trust_domain: &TrustDomain) -> Self {
        let Binding { workflow, execution, redrive_count } = aged.binding;
        let acting = Acting {
            trust_domain: trust_domain.clone(),
            transaction: aged.transaction,
            execution,
            redrive_count,
            state: attempt.state.clone(),
            work: attempt.work.clone(),
            statement: aged.mark,
        };
        Self { identity: aged.identity, workflow, acting }
    }

    /// Whom the token speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The workflow that the token is for.
    pub fn workflow(&self) -> &WorkflowName {
        &self.workflow
    }

    /// Which attempt of which state acts on it.
    pub(crate) fn acting(&self) -> &Acting {
        &self.acting
    }
}

/// A transaction token whose signature holds, of whatever age and from wherever it was read. It says who started an
/// execution; it lets nobody act.
///
/// ```compile_fail
/// fn young(aged: claim_guard::transaction::StaleTransaction) -> claim_guard::VerifiedTransaction {
///     aged.into()
/// }
/// ```
#[derive(Debug)]
pub struct StaleTransaction {
    identity: Identity,
    transaction: TransactionId,
    binding: Binding,
    state_machine: StateMachineArn,
    epoch: u32,
    input_digest: Digest,
    run: Run,
    renewed: Option<Renewed>,
    mark: StatementMark,
}

impl StaleTransaction {
    /// Whom the token speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the token is bound to.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Since when the realm has said what the statement says: the first one of a run says what its access token did, and one
    /// that was renewed what the realm answered.
    pub fn said_at(&self) -> UnixTime {
        if self.epoch == 0 { self.run.access_token_issued_at } else { self.identity.issued_at() }
    }

    /// How often the realm was asked for it: 0 for the first statement, which is made of an access token.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The SHA-256 of the input that the execution was started with.
    pub fn input_digest(&self) -> &Digest {
        &self.input_digest
    }

    /// What stays the same through every renewal.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// For which state the statement was renewed; none at the start.
    pub fn renewed(&self) -> Option<&Renewed> {
        self.renewed.as_ref()
    }
}

/// Verifies transaction tokens of one stack.
#[derive(Debug)]
pub struct TransactionVerifier {
    trust_domain: TrustDomain,
    keys: TransactionKeySet,
    leeway: Leeway,
}

impl TransactionVerifier {
    /// A verifier. The leeway is for the minter's clock being ahead; an expiry has none.
    pub fn new(trust_domain: TrustDomain, keys: TransactionKeySet, leeway: Leeway) -> Self {
        Self { trust_domain, keys, leeway }
    }

    /// Verifies that the token was minted by this stack for this execution, still holds, and is as fresh as the state asks.
    ///
    /// # Errors
    /// The first cause, in the order of [`TransactionRejection`]'s variants; those that a new statement heals come last.
    pub fn verify(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<VerifiedTransaction, TransactionFailure> {
        let aged = self.verify_whatever_age(token, at, now)?;
        let (issued_at, expired_at) = (aged.identity.issued_at(), aged.identity.expires_at());
        if issued_at > now.plus(self.leeway.duration()) {
            return Err(TransactionFailure::IssuedInFuture { issued_at, now });
        }
        if now >= expired_at {
            return Err(TransactionFailure::Expired { expired_at, now });
        }
        let stated = aged.binding.redrive_count;
        if at.redrive_count != stated {
            return Err(TransactionFailure::Redriven { stated, presented: at.redrive_count });
        }
        verify_freshness(&aged, attempt, now)?;
        Ok(VerifiedTransaction::assertion(aged, attempt, &self.trust_domain))
    }

    /// Verifies that the token was minted by this stack for this execution; its time may be another.
    ///
    /// # Errors
    /// The first cause, in the order of [`TransactionRejection`]'s variants.
    pub fn verify_whatever_age(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
        now: UnixTime,
    ) -> Result<StaleTransaction, TransactionRejection> {
        let aged = self.verify_signed(token, now)?;
        verify_binding(&aged, at)?;
        verify_lifetime(aged)
    }

    /// Verifies that the token was minted by this stack for the run whose distributed Map has started the execution that
    /// it is presented at; its time may be another.
    ///
    /// Step Functions runs the children of a distributed Map on `MACHINE/LABEL`, which nobody else can start an execution
    /// of.
    ///
    /// # Errors
    /// The first cause, in the order of [`TransactionRejection`]'s variants.
    pub fn verify_of_parent_run(
        &self,
        token: &TransactionToken,
        child: &PresentedAt,
        now: UnixTime,
    ) -> Result<StaleTransaction, TransactionRejection> {
        let aged = self.verify_signed(token, now)?;
        let (presented, parent) = (child.execution.state_machine(), aged.state_machine.clone());
        if presented != child.state_machine {
            let (expected, presented) = (child.state_machine.clone(), child.execution.clone());
            return Err(TransactionRejection::ForeignExecution { expected, presented });
        }
        let label = presented.as_str().strip_prefix(parent.as_str()).and_then(|rest| rest.strip_prefix('/'));
        if label.is_none_or(|label| label.is_empty() || label.contains('/')) {
            return Err(TransactionRejection::OtherStateMachine { expected: presented, presented: parent });
        }
        let own = PresentedAt {
            workflow: child.workflow.clone(),
            execution: aged.binding.execution.clone(),
            state_machine: parent,
            redrive_count: child.redrive_count,
        };
        verify_binding(&aged, &own)?;
        verify_lifetime(aged)
    }

    fn verify_signed(&self, token: &TransactionToken, now: UnixTime) -> Result<StaleTransaction, TransactionRejection> {
        let compact = token.compact()?;
        let header = compact.untrusted_header(TRANSACTION_TOKEN_TYPES)?;
        let payload = compact.verified_payload(&self.keys.0, &header)?;
        let mark = StatementMark::of(compact.signature()).ok_or(JwsError::NotBase64Url { part: Part::Signature })?;
        self.read(&payload, mark, now)
    }

    /// Whether one of the stack's keys could have signed under that name.
    pub(super) fn knows(&self, key_id: &KeyId) -> bool {
        self.keys.contains(key_id)
    }

    pub(super) fn read(
        &self,
        payload: &Document,
        mark: StatementMark,
        now: UnixTime,
    ) -> Result<StaleTransaction, TransactionRejection> {
        let members = Members::new(Part::Payload, payload.members());
        let context = members.object("tctx")?;
        let claims = Members::new(Part::Payload, context).object("claims")?;
        let requester = members.object("rctx")?;
        known_members(payload.members(), &PAYLOAD_MEMBERS)?;
        known_members(requester, &REQUESTER_MEMBERS)?;
        known_members(context, &CONTEXT_MEMBERS)?;
        self.verify_trust_domain(members.text("aud")?)?;
        let (requester, context) = (Members::new(Part::Payload, requester), Members::new(Part::Payload, context));
        let authentication = requester.optional_object("authentication")?.unwrap_or_default();
        let transaction = members.identifier("txn", TransactionId::parse)?;
        let identity = Identity {
            issuer: requester.identifier("iss", Issuer::parse)?,
            subject: members.identifier("sub", Subject::parse)?,
            client: members.identifier("req_wl", ClientId::parse)?,
            actor: Actor::stated(&requester).map_err(|error| TransactionRejection::MalformedActor { error })?,
            token_id: requester.identifier("jti", TokenId::parse)?,
            session_id: requester.optional_identifier("sid", SessionId::parse)?,
            scope: requester.optional_identifier("scope", Scope::parse)?,
            transaction: Some(transaction.clone()),
            issued_at: members.time("iat")?,
            expires_at: members.time("exp")?,
            verified_at: now,
            roles: roles(&context)?,
            claims: ClaimTree::assertion(Document::of(claims)),
            authentication: Some(ClaimTree::assertion(Document::of(authentication))),
        };
        let binding = Binding {
            workflow: members.identifier("scope", WorkflowName::parse)?,
            execution: context.identifier("execution", ExecutionArn::parse)?,
            redrive_count: context.count("redrive")?,
        };
        let run = Run { started_at: context.time("started")?, access_token_issued_at: requester.time("iat")? };
        Ok(StaleTransaction {
            run,
            mark,
            renewed: renewed(&context)?,
            identity,
            transaction,
            binding,
            state_machine: context.identifier("state_machine", StateMachineArn::parse)?,
            epoch: context.count("epoch")?,
            input_digest: context.identifier("input", Digest::parse)?,
        })
    }

    fn verify_trust_domain(&self, presented: &str) -> Result<(), TransactionRejection> {
        if presented == self.trust_domain.as_str() {
            return Ok(());
        }
        let presented = Excerpt::of(presented);
        Err(TransactionRejection::OtherTrustDomain { expected: self.trust_domain.clone(), presented })
    }
}

/// The binding: the token's execution is the one that runs.
pub(super) fn verify_binding(aged: &StaleTransaction, at: &PresentedAt) -> Result<(), TransactionRejection> {
    let Binding { workflow, execution, .. } = &aged.binding;
    if *workflow != at.workflow {
        let (expected, presented) = (at.workflow.clone(), workflow.clone());
        return Err(TransactionRejection::OtherWorkflow { expected, presented });
    }
    if aged.state_machine != at.state_machine {
        let (expected, presented) = (at.state_machine.clone(), aged.state_machine.clone());
        return Err(TransactionRejection::OtherStateMachine { expected, presented });
    }
    if *execution != at.execution {
        let (expected, presented) = (at.execution.clone(), execution.clone());
        return Err(TransactionRejection::OtherExecution { expected, presented });
    }
    if execution.state_machine() != at.state_machine {
        let (expected, presented) = (at.state_machine.clone(), execution.clone());
        return Err(TransactionRejection::ForeignExecution { expected, presented });
    }
    Ok(())
}

pub(super) fn verify_lifetime(aged: StaleTransaction) -> Result<StaleTransaction, TransactionRejection> {
    let presented = aged.identity.expires_at().seconds_since(aged.identity.issued_at());
    if presented < 1 { Err(TransactionRejection::WrongLifetime { presented }) } else { Ok(aged) }
}

/// The contract of the state with whoever vouches for the subject.
fn verify_freshness(aged: &StaleTransaction, attempt: &Attempt<'_>, now: UnixTime) -> Result<(), TransactionFailure> {
    let limit = match attempt.freshness.max_identity_age() {
        MaxIdentityAge::TokenLifetime => return Ok(()),
        MaxIdentityAge::AtMost(limit) => limit,
        MaxIdentityAge::EveryAttempt => {
            let stated = aged.renewed.as_ref().map(|renewed| renewed.state.clone());
            // A state that is retried counts its retries; one that is come back to after a revalidation begins at 0.
            if stated.as_ref() != Some(attempt.state) || attempt.retry_count > 0 {
                let (expected, retry_count) = (attempt.state.clone(), attempt.retry_count);
                return Err(TransactionFailure::NotForThisAttempt { expected, stated, retry_count });
            }
            HAND_OVER
        }
    };
    let said_at = aged.said_at();
    if now > said_at.plus(limit) {
        return Err(TransactionFailure::TooOld { said_at, limit, now });
    }
    Ok(())
}

fn renewed(context: &Members<'_>) -> Result<Option<Renewed>, TransactionRejection> {
    let Some(renewed) = context.optional_object("renewed")? else { return Ok(None) };
    known_members(renewed, &RENEWED_MEMBERS)?;
    let renewed = Members::new(Part::Payload, renewed);
    Ok(Some(Renewed { state: renewed.identifier("state", StateName::parse)?, rounds: renewed.count("rounds")? }))
}

/// Of several that are unknown the least is named.
fn known_members(presented: Object<'_>, known: &[&str]) -> Result<(), TransactionRejection> {
    match presented.iter().map(|(name, _)| name).filter(|name| !known.contains(name)).min() {
        Some(name) => Err(TransactionRejection::UnknownMember { presented: Excerpt::of(name) }),
        None => Ok(()),
    }
}

fn roles(context: &Members<'_>) -> Result<Roles, TransactionRejection> {
    let malformed = |text| TransactionRejection::MalformedRole { presented: Excerpt::of(text) };
    context.texts("roles")?.map(|text| Role::parse(text).map_err(|_| malformed(text))).collect()
}
