//! From a call to a new statement, or to whether an execution may start, or to everything that stands against that.

use std::collections::BTreeMap;
use std::sync::Arc;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord, Reason};
use claim_guard::identifier::{
    Digest, ExecutionArn, KeyId, StateMachineArn, StateMachineReference, TrustDomain, WorkflowName,
};
use claim_guard::revalidation::{PresumedQuestion, RenewedStatement, TooSlow, Withdrawals};
use claim_guard::transaction::{PresentedAt, StaleTransaction, TransactionFailure, TransactionRejection};
use claim_guard::unix_time::ClockError;
use claim_guard::{Excerpt, Identity, Leeway, TransactionToken, TransactionVerifier, UnixTime};
use lambda_shell::{caught, caught_at_once};
use minting::{MintSettings, ServiceError, Signer, StartAnswer};
use tokio::time::Instant;

use crate::engine::Engine;
use crate::error::RevalidationError;
use crate::event::{Call, Event, EventFault, Purpose};
use crate::randomness::Randomness;
use crate::realm::Realm;
use crate::renewed::Renewed;
use crate::response::RevalidationResponse;
use crate::seen::Seen;

/// Everything outside: the engine and the realm that are asked, the key that signs, and chance.
#[derive(Debug)]
pub struct Services<R, S, C, E> {
    /// The realm.
    pub realm: R,
    /// The key that signs transaction tokens.
    pub signer: S,
    /// What names the executions that are about to start.
    pub chance: C,
    /// What runs the executions.
    pub engine: E,
}

/// What came of one event: the record that has to be written before anything else happens, and the verdict.
#[derive(Debug)]
pub struct Ruling {
    /// The record; each event makes exactly one.
    pub audit: AuditRecord,
    /// What was asked for, or the no that the caller hears.
    pub verdict: Result<RevalidationResponse, RevalidationError>,
}

/// Renews the statements of one stack, and says who may begin with one.
#[derive(Debug)]
pub struct Revalidation<R, S, C, E> {
    policy: AccessPolicy,
    pub(crate) trust_domain: TrustDomain,
    pub(crate) key_id: KeyId,
    pub(crate) transactions: TransactionVerifier,
    state_machines: BTreeMap<WorkflowName, StateMachineReference>,
    pub(crate) seen: Seen,
    pub(crate) outside: Services<R, S, C, E>,
}

/// Why a statement that holds leads to no new one.
pub(crate) enum Unrenewed {
    /// The policy, the engine or the realm says no.
    Withdrawn(Withdrawals),
    /// The engine, the realm or KMS says nothing, or something that somebody has to mend.
    Failed(ServiceError),
}

impl From<Withdrawals> for Unrenewed {
    fn from(withdrawals: Withdrawals) -> Self {
        Self::Withdrawn(withdrawals)
    }
}

impl From<TooSlow> for Unrenewed {
    fn from(slow: TooSlow) -> Self {
        Self::Failed(ServiceError::Undecided(Reason::new(slow.code(), &slow)))
    }
}

impl From<ServiceError> for Unrenewed {
    fn from(failure: ServiceError) -> Self {
        Self::Failed(failure)
    }
}

/// A new statement, signed, and the execution that it is for.
struct Minted {
    statement: RenewedStatement,
    token: TransactionToken,
    /// Whether that execution is about to start under a name of ours.
    is_about_to_start: bool,
}

impl<R: Realm, S: Signer, C: Randomness, E: Engine> Revalidation<R, S, C, E> {
    /// The function of one stack. The key that signs is not `minting`'s to hold: it stands outside.
    pub fn new(policy: AccessPolicy, minting: MintSettings, outside: Services<R, S, C, E>) -> Self {
        let MintSettings { trust_domain, transaction_keys, key_id, signing_key: _, state_machines } = minting;
        // The clock of whoever minted may be ahead of ours.
        let transactions = TransactionVerifier::new(trust_domain.clone(), transaction_keys, Leeway::MAX);
        Self { policy, trust_domain, key_id, transactions, state_machines, seen: Seen::nothing(), outside }
    }

    /// Answers an event, whatever bytes it is made of. `now` is the caller's clock, or that it cannot be read.
    pub async fn answer(&self, event: &[u8], now: Result<UnixTime, ClockError>) -> Ruling {
        let context = |point| AuditContext { point, policy: Some(self.policy.digest().clone()), now: now.ok() };
        let event = match caught_at_once(|| Event::parse(event)) {
            Ok(event) => event,
            Err(panicked) => return undecided(context(point(None, None)), panicked.reason()),
        };
        let workflow = event.as_ref().ok().and_then(|event| self.workflow_of(&event.call.state_machine()));
        let context = context(point(event.as_ref().ok(), workflow));
        let ruled = caught(self.ruled(event, workflow, context.clone(), now)).await;
        ruled.unwrap_or_else(|panicked| undecided(context, panicked.reason()))
    }

    async fn ruled(
        &self,
        event: Result<Event, EventFault>,
        workflow: Option<&WorkflowName>,
        context: AuditContext,
        now: Result<UnixTime, ClockError>,
    ) -> Ruling {
        let event = match event {
            Ok(event) => event,
            Err(fault) => return misconfigured(context, Reason::new(fault.code(), &fault)),
        };
        let Event { token, call } = event;
        let Some(workflow) = workflow else { return misconfigured(context, unknown_machine(&call.state_machine())) };
        let now = match now {
            Ok(now) => now,
            Err(error) => return undecided(context, Reason::new("clock_out_of_range", &error)),
        };
        let token = match token {
            Ok(token) => token,
            Err(rejection) => return rejected(context, None, rejection),
        };
        let at = presented_at(workflow, &call);
        let presented = match self.verified(&token, &call, &at, now) {
            Ok(presented) => Arc::new(presented),
            Err(rejection) => return rejected(context, Some(&token), rejection),
        };
        match call {
            Call::Woven { ask, .. } => self.renewal(presented, ask, &at, context, now).await,
            Call::Start { .. } => self.start(presented, context, now).await,
        }
    }

    async fn renewal(
        &self,
        old: Arc<StaleTransaction>,
        ask: Purpose,
        at: &PresentedAt,
        context: AuditContext,
        now: UnixTime,
    ) -> Ruling {
        match self.minted(Arc::clone(&old), ask, at, now).await {
            Ok(minted) => minted.ruling(context, old.identity()),
            Err(Unrenewed::Withdrawn(withdrawals)) => withdrawn(context, old.identity(), &withdrawals),
            Err(Unrenewed::Failed(failure)) => failed(context, Some(old.identity()), failure),
        }
    }

    /// Whether the realm stands behind the caller for whom an execution is about to start. Step Functions cannot be asked
    /// about that execution yet. Nothing is signed.
    async fn start(&self, first: Arc<StaleTransaction>, context: AuditContext, now: UnixTime) -> Ruling {
        let caller = first.identity();
        let question = match self.policy.question_of_start(Arc::clone(&first), now) {
            Ok(question) => question,
            Err(cause) => {
                let audit = AuditRecord::refused(context, Reason::new(cause.code(), &cause)).about(caller);
                return Ruling { audit, verdict: Err(RevalidationError::Rejected) };
            }
        };
        match self.outside.realm.ask_before_start(&question, now).await {
            Ok(Ok(())) => {
                Ruling { audit: AuditRecord::standing(context, caller), verdict: Ok(StartAnswer::Alive.into()) }
            }
            Ok(Err(withdrawals)) => {
                let answer = StartAnswer::from(&withdrawals);
                Ruling { audit: AuditRecord::withdrawn(context, caller, &withdrawals), verdict: Ok(answer.into()) }
            }
            Err(failure) => failed(context, Some(caller), failure),
        }
    }

    pub(crate) fn policy_digest(&self) -> &Digest {
        self.policy.digest()
    }

    /// The workflow whose state machine that is, or whose distributed Map's.
    fn workflow_of(&self, state_machine: &StateMachineArn) -> Option<&WorkflowName> {
        let runs = |own: &StateMachineReference| {
            let rest = state_machine.as_str().strip_prefix(own.machine().as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('/').is_some_and(is_label))
        };
        self.state_machines.iter().find(|(_, own)| runs(own)).map(|(workflow, _)| workflow)
    }

    /// The presented statement, of whatever age, if it is of the run that it is presented in.
    fn verified(
        &self,
        token: &TransactionToken,
        call: &Call,
        at: &PresentedAt,
        now: UnixTime,
    ) -> Result<StaleTransaction, TransactionRejection> {
        match call {
            Call::Woven { ask: Purpose::Renew { .. } | Purpose::Delegate { .. }, .. } | Call::Start { .. } => {
                self.transactions.verify_whatever_age(token, at, now)
            }
            Call::Woven { ask: Purpose::Adopt, .. } => self.transactions.verify_of_parent_run(token, at, now),
        }
    }

    async fn minted(
        &self,
        old: Arc<StaleTransaction>,
        ask: Purpose,
        at: &PresentedAt,
        now: UnixTime,
    ) -> Result<Minted, Unrenewed> {
        let begun = Instant::now();
        let is_about_to_start = matches!(ask, Purpose::Delegate { .. });
        let presumed = self.question(old, ask, at, now)?;
        let question = self.alive(presumed, now).await?;
        let live = self.outside.realm.ask(&question, now).await??;
        let statement = live.statement(&self.policy, now)?;
        question.in_time(begun.elapsed())?;
        let token = self.signed(&statement, now).await?;
        question.in_time(begun.elapsed())?;
        Ok(Minted { statement, token, is_about_to_start })
    }

    fn question(
        &self,
        old: Arc<StaleTransaction>,
        ask: Purpose,
        at: &PresentedAt,
        now: UnixTime,
    ) -> Result<PresumedQuestion, Unrenewed> {
        Ok(match ask {
            Purpose::Renew { state, cause } => {
                self.policy.question_of_state(old, &state, cause, at.redrive_count, now)?
            }
            Purpose::Adopt => self.policy.question_of_child(old, &at.execution, at.redrive_count, now)?,
            Purpose::Delegate { state, input } => {
                let nested = self.policy.workflow(&at.workflow).and_then(|workflow| workflow.nested(&state));
                // Where there is no such workflow, the question itself says so; its execution is then nobody's.
                let execution = match nested.and_then(|nested| self.state_machines.get(nested)) {
                    Some(reference) => self.execution_to_start(reference.machine(), &at.execution)?,
                    None => at.execution.clone(),
                };
                self.policy.question_of_nested_start(old, &state, &execution, input, at.redrive_count, now)?
            }
        })
    }

    /// The name is chosen before the start, so that the ARN can be signed.
    fn execution_to_start(
        &self,
        machine: &StateMachineArn,
        parent: &ExecutionArn,
    ) -> Result<ExecutionArn, ServiceError> {
        let bits =
            self.outside.chance.random().map_err(|error| ServiceError::Undecided(Reason::new("no_random", &error)))?;
        let misshapen = |error| ServiceError::Misconfigured(Reason::new("malformed_execution_arn", &error));
        machine.execution(&minting::nested_name(parent, bits)).map_err(misshapen)
    }
}

impl Minted {
    fn ruling(self, mut context: AuditContext, old: &Identity) -> Ruling {
        let made_for = &self.statement.binding().execution;
        if let AuditPoint::Revalidation { execution, .. } = &mut context.point {
            *execution = made_for.to_string();
        }
        let name = self.is_about_to_start.then(|| made_for.name().to_owned());
        let audit = AuditRecord::renewed(context, old, &self.statement);
        Ruling { audit, verdict: Ok(Renewed::new(self.token, name).into()) }
    }
}

fn rejected(context: AuditContext, token: Option<&TransactionToken>, rejection: TransactionRejection) -> Ruling {
    let audit = AuditRecord::failed(context, token, &TransactionFailure::Rejected(rejection));
    Ruling { audit, verdict: Err(RevalidationError::Rejected) }
}

fn withdrawn(context: AuditContext, old: &Identity, withdrawals: &Withdrawals) -> Ruling {
    let transaction = old.transaction().map(|transaction| Excerpt::of(transaction.as_str()).to_string());
    let refusal = RevalidationError::Denied { transaction: transaction.unwrap_or_default() };
    Ruling { audit: AuditRecord::withdrawn(context, old, withdrawals), verdict: Err(refusal) }
}

fn failed(context: AuditContext, old: Option<&Identity>, failure: ServiceError) -> Ruling {
    let (audit, refusal) = match failure {
        ServiceError::Undecided(reason) => (AuditRecord::undecided(context, reason), RevalidationError::Undecided),
        ServiceError::Misconfigured(reason) => {
            (AuditRecord::misconfigured(context, vec![reason]), RevalidationError::Misconfigured)
        }
    };
    let audit = match old {
        Some(old) => audit.about(old),
        None => audit,
    };
    Ruling { audit, verdict: Err(refusal) }
}

fn undecided(context: AuditContext, reason: Reason) -> Ruling {
    failed(context, None, ServiceError::Undecided(reason))
}

fn misconfigured(context: AuditContext, reason: Reason) -> Ruling {
    failed(context, None, ServiceError::Misconfigured(reason))
}

/// Where the decision stands, as far as the event says.
pub(crate) fn point(event: Option<&Event>, workflow: Option<&WorkflowName>) -> AuditPoint {
    AuditPoint::Revalidation {
        workflow: workflow.map(ToString::to_string).unwrap_or_default(),
        execution: event.map(|event| event.call.execution().to_string()).unwrap_or_default(),
        state: event.and_then(|event| event.call.state()).map(ToString::to_string).unwrap_or_default(),
        cause: event.map_or("", |event| event.call.cause()),
        redrive: event.map_or(0, |event| event.call.redrive_count()),
        attempt: event.map_or(0, |event| event.call.retry_count()),
    }
}

fn presented_at(workflow: &WorkflowName, call: &Call) -> PresentedAt {
    PresentedAt {
        workflow: workflow.clone(),
        execution: call.execution().clone(),
        state_machine: call.state_machine(),
        redrive_count: call.redrive_count(),
    }
}

fn unknown_machine(state_machine: &StateMachineArn) -> Reason {
    let presented = Excerpt::of(state_machine.as_str());
    let message = format!("no workflow of access.toml runs on state machine `{presented}`");
    Reason::new("unknown_state_machine", &message)
}

/// Step Functions runs the children of a distributed Map on `MACHINE/LABEL`.
fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}
