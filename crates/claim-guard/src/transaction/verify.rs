//! Transaction token → verified transaction.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::claims::{ClaimTree, Identity, Role};
use crate::excerpt::Excerpt;
use crate::identifier::{
    ClientId, Digest, ExecutionArn, Issuer, KeyId, SessionId, StateMachineArn, Subject, TokenId, TransactionId,
    TrustDomain, WorkflowName,
};
use crate::jws::{Algorithm, JwsError, KeySet, KeySetError, Members, Part};
use crate::token::Leeway;
use crate::transaction::binding::{Binding, PresentedAt};
use crate::transaction::failure::{TransactionFailure, TransactionRejection};
use crate::transaction::token::{TRANSACTION_TOKEN_TYPES, TransactionToken};
use crate::unix_time::UnixTime;

const PAYLOAD_MEMBERS: [&str; 9] = ["iat", "exp", "aud", "txn", "sub", "scope", "req_wl", "rctx", "tctx"];
const REQUESTER_MEMBERS: [&str; 3] = ["iss", "jti", "sid"];
const CONTEXT_MEMBERS: [&str; 7] = ["execution", "state_machine", "epoch", "redrive", "input", "roles", "claims"];

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
}

impl VerifiedTransaction {
    fn assertion(aged: AgedTransaction) -> Self {
        Self { identity: aged.identity, workflow: aged.binding.workflow }
    }

    /// Whom the token speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The workflow that the token is for.
    pub fn workflow(&self) -> &WorkflowName {
        &self.workflow
    }
}

/// A transaction token whose signature holds, of whatever age and from wherever it was read. It says who started an
/// execution; it lets nobody act.
///
/// ```compile_fail
/// fn young(aged: claim_guard::transaction::AgedTransaction) -> claim_guard::VerifiedTransaction {
///     aged.into()
/// }
/// ```
#[derive(Debug)]
pub struct AgedTransaction {
    identity: Identity,
    binding: Binding,
    state_machine: StateMachineArn,
    epoch: u32,
    input_digest: Digest,
}

impl AgedTransaction {
    /// Whom the token speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the token is bound to.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// How often the statement was renewed: 0 at the start.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The SHA-256 of the input that the execution was started with.
    pub fn input_digest(&self) -> &Digest {
        &self.input_digest
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

    /// Verifies that the token was minted by this stack for this execution, and still holds.
    ///
    /// # Errors
    /// The first cause, in the order of [`TransactionRejection`]'s variants; those that a new statement heals come last.
    pub fn verify(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
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
        Ok(VerifiedTransaction::assertion(aged))
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
    ) -> Result<AgedTransaction, TransactionRejection> {
        let payload = token.compact()?.verified_payload(&self.keys.0, TRANSACTION_TOKEN_TYPES)?;
        let aged = self.read(payload, now)?;
        verify_binding(&aged, at)?;
        let presented = aged.identity.expires_at().seconds_since(aged.identity.issued_at());
        if presented < 1 {
            return Err(TransactionRejection::WrongLifetime { presented });
        }
        Ok(aged)
    }

    fn read(&self, mut payload: Map<String, Value>, now: UnixTime) -> Result<AgedTransaction, TransactionRejection> {
        let claims = take_claims(&mut payload)?;
        let members = Members::new(Part::Payload, &payload);
        let requester = members.object("rctx")?;
        let context = members.object("tctx")?;
        known_members(&payload, &PAYLOAD_MEMBERS)?;
        known_members(requester, &REQUESTER_MEMBERS)?;
        known_members(context, &CONTEXT_MEMBERS)?;
        self.verify_trust_domain(members.text("aud")?)?;
        let (requester, context) = (Members::new(Part::Payload, requester), Members::new(Part::Payload, context));
        let identity = Identity {
            issuer: requester.identifier("iss", Issuer::parse)?,
            subject: members.identifier("sub", Subject::parse)?,
            client: members.identifier("req_wl", ClientId::parse)?,
            token_id: requester.identifier("jti", TokenId::parse)?,
            session_id: requester.has("sid").then(|| requester.identifier("sid", SessionId::parse)).transpose()?,
            transaction: Some(members.identifier("txn", TransactionId::parse)?),
            issued_at: members.time("iat")?,
            expires_at: members.time("exp")?,
            verified_at: now,
            roles: roles(&context)?,
            claims: ClaimTree::assertion(claims),
        };
        let binding = Binding {
            workflow: members.identifier("scope", WorkflowName::parse)?,
            execution: context.identifier("execution", ExecutionArn::parse)?,
            redrive_count: context.count("redrive")?,
        };
        Ok(AgedTransaction {
            identity,
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
fn verify_binding(aged: &AgedTransaction, at: &PresentedAt) -> Result<(), TransactionRejection> {
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

fn known_members(presented: &Map<String, Value>, known: &[&str]) -> Result<(), TransactionRejection> {
    match presented.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(TransactionRejection::UnknownMember { presented: Excerpt::of(name) }),
        None => Ok(()),
    }
}

fn take_claims(payload: &mut Map<String, Value>) -> Result<Map<String, Value>, JwsError> {
    let context = Members::new(Part::Payload, payload).object("tctx")?;
    Members::new(Part::Payload, context).object("claims")?;
    let context = payload.get_mut("tctx").and_then(Value::as_object_mut);
    match context.and_then(|context| context.remove("claims")) {
        Some(Value::Object(claims)) => Ok(claims),
        Some(_) | None => Err(JwsError::Missing { part: Part::Payload, name: "claims" }),
    }
}

fn roles(context: &Members<'_>) -> Result<BTreeSet<Role>, TransactionRejection> {
    let malformed = |text| TransactionRejection::MalformedRole { presented: Excerpt::of(text) };
    context.texts("roles")?.into_iter().map(|text| Role::parse(text).map_err(|_| malformed(text))).collect()
}
