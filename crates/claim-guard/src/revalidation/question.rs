//! An old statement → what to ask the realm.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::access::{AccessPolicy, Freshness, MaxIdentityAge, SessionRule, Workflow};
use crate::claims::Identity;
use crate::identifier::{ClientId, ExecutionArn, Issuer, SessionId, StateName, Subject, WorkflowName};
use crate::revalidation::presumed::PresumedQuestion;
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};
use crate::transaction::{AgedTransaction, HAND_OVER, Renewed};
use crate::unix_time::UnixTime;

/// How long the realm's answer to a state's denial stands: within it, the same state's next denial is final.
const SETTLED_FOR: Duration = Duration::from_secs(30);

/// So many statements in quick succession are the most for one state, and so many for one that takes each only once.
const MAX_ROUNDS: u32 = 10;
const MAX_ROUNDS_OF_EVERY_ATTEMPT: u32 = 100;

/// Why a state asks for a new statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The statement that it has is too old for it.
    Expired,
    /// It has denied the statement that it has.
    Denied,
}

impl Cause {
    /// The cause of that name; none for another text than `expired` or `denied`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Expired, Self::Denied].into_iter().find(|cause| cause.as_str() == text)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Denied => "denied",
        }
    }
}

/// Asking and signing took longer than they may, so nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSlow {
    /// How long they took.
    pub took: Duration,
    /// How long they may take.
    pub limit: Duration,
}

impl TooSlow {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        "too_slow"
    }
}

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (took, limit) = (self.took.as_millis(), self.limit.as_millis());
        write!(f, "asking the realm and signing took `{took}` ms, expected at most `{limit}`")
    }
}

impl std::error::Error for TooSlow {}

/// What a new statement is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The same execution goes on, at this state.
    Renew(Renewed),
    /// An execution that a distributed Map has started.
    Child(ExecutionArn),
    /// An execution of another workflow that is about to start.
    Nested { workflow: WorkflowName, execution: ExecutionArn, input: Map<String, Value> },
}

/// Whom the realm has to be asked about, and what for.
#[derive(Debug)]
pub struct Question {
    pub(super) aged: Arc<AgedTransaction>,
    pub(super) purpose: Purpose,
    pub(super) redrive_count: u32,
    session: SessionRule,
    answer_within: Duration,
    realm: String,
}

impl AccessPolicy {
    /// What to ask before a state gets a new statement in place of `aged`, which is shared: whatever comes of the question,
    /// the audit line says whose it was.
    ///
    /// # Errors
    /// [`Withdrawals`] if the policy says that there is nothing to ask: the run is too long, the denial is final, or the
    /// state has been answered already.
    pub fn question_of_state(
        &self,
        aged: Arc<AgedTransaction>,
        state: &StateName,
        cause: Cause,
        redrive_count: u32,
        now: UnixTime,
    ) -> Result<PresumedQuestion, Withdrawals> {
        let no_state = || Withdrawals::one(Withdrawal::NoState { presented: state.clone() });
        let workflow = self.workflow(&aged.binding().workflow).ok_or_else(no_state)?;
        let freshness = workflow.freshness(state).ok_or_else(no_state)?;
        let mut against: Vec<Withdrawal> = too_long(workflow, &aged, now).into_iter().collect();
        let issued_at = aged.identity().issued_at();
        let earlier = aged.renewed().filter(|renewed| renewed.state == *state);
        let since = now.seconds_since(issued_at);
        match cause {
            Cause::Denied if !freshness.revalidate_on_denied() => {
                against.push(Withdrawal::NotReconsidered { state: state.clone() });
            }
            Cause::Denied if earlier.is_some() && within(since, SETTLED_FOR) => {
                against.push(Withdrawal::DeniedAgain { state: state.clone(), issued_at, now });
            }
            Cause::Denied | Cause::Expired => {}
        }
        let (quick, most) = succession(workflow, freshness);
        let untaken = earlier.filter(|_| within(since, quick) && aged.binding().redrive_count == redrive_count);
        let earlier_rounds = untaken.map_or(0, |renewed| renewed.rounds);
        if earlier_rounds >= most {
            against.push(Withdrawal::AskedTooOften { state: state.clone(), rounds: earlier_rounds });
        }
        Withdrawals::of(against)?;
        let renewed = Renewed { state: state.clone(), rounds: earlier_rounds.saturating_add(1) };
        let answer_within = good_for(workflow, freshness) / 2;
        let question = Question::new(aged, Purpose::Renew(renewed), redrive_count, workflow.session(), answer_within);
        Ok(PresumedQuestion::assertion(question, redrive_count))
    }

    /// What to ask before an execution that a distributed Map of `parent`'s run has started gets a statement of its own.
    ///
    /// # Errors
    /// [`Withdrawals`] if the run is too long.
    pub fn question_of_child(
        &self,
        parent: Arc<AgedTransaction>,
        child: &ExecutionArn,
        redrive_count: u32,
        now: UnixTime,
    ) -> Result<PresumedQuestion, Withdrawals> {
        let Some(workflow) = self.workflow(&parent.binding().workflow) else {
            return Err(Withdrawals::one(Withdrawal::StartUnmet(no_workflow(&parent.binding().workflow))));
        };
        Withdrawals::of(too_long(workflow, &parent, now).into_iter().collect())?;
        let answer_within = workflow.transaction_token_lifetime() / 2;
        let purpose = Purpose::Child(child.clone());
        let question = Question::new(parent, purpose, redrive_count, workflow.session(), answer_within);
        Ok(PresumedQuestion::assertion(question, redrive_count))
    }

    /// What to ask before a state of `parent`'s run starts an execution of another workflow, on that input. `redrive_count`
    /// is of the run that starts it.
    ///
    /// # Errors
    /// [`Withdrawals`] if the run is too long, or the policy says of this state that it starts nothing.
    pub fn question_of_nested_start(
        &self,
        parent: Arc<AgedTransaction>,
        state: &StateName,
        execution: &ExecutionArn,
        input: Map<String, Value>,
        redrive_count: u32,
        now: UnixTime,
    ) -> Result<PresumedQuestion, Withdrawals> {
        let no_state = || Withdrawals::one(Withdrawal::NoState { presented: state.clone() });
        let workflow = self.workflow(&parent.binding().workflow).ok_or_else(no_state)?;
        let nested = workflow.nested(state).and_then(|name| self.workflow(name)).ok_or_else(no_state)?;
        Withdrawals::of(too_long(workflow, &parent, now).into_iter().collect())?;
        let session = match (workflow.session(), nested.session()) {
            (SessionRule::Ignored, SessionRule::Ignored) => SessionRule::Ignored,
            (SessionRule::Required, _) | (_, SessionRule::Required) => SessionRule::Required,
        };
        let purpose = Purpose::Nested { workflow: nested.name().clone(), execution: execution.clone(), input };
        let question = Question::new(parent, purpose, 0, session, nested.transaction_token_lifetime() / 2);
        Ok(PresumedQuestion::assertion(question, redrive_count))
    }
}

pub(super) fn no_workflow(name: &WorkflowName) -> crate::decision::Unmet {
    crate::decision::Unmet::NoWorkflow { presented: name.clone() }
}

pub(super) fn too_long(workflow: &Workflow, aged: &AgedTransaction, now: UnixTime) -> Option<Withdrawal> {
    let started_at = aged.run().started_at;
    let limit = workflow.max_duration();
    (now >= started_at.plus(limit)).then_some(Withdrawal::RunTooLong { started_at, limit, now })
}

/// How long a statement is good for at a state.
fn good_for(workflow: &Workflow, freshness: &Freshness) -> Duration {
    let lifetime = workflow.transaction_token_lifetime();
    match freshness.max_identity_age() {
        None => lifetime,
        Some(MaxIdentityAge::AtMost(limit)) => limit.min(lifetime),
        Some(MaxIdentityAge::EveryAttempt) => HAND_OVER,
    }
}

/// Within which time a statement is asked for again although the last one cannot have grown old, which is how a statement
/// that is not taken looks; and how often that may happen in a row.
fn succession(workflow: &Workflow, freshness: &Freshness) -> (Duration, u32) {
    let good_for = good_for(workflow, freshness);
    match freshness.max_identity_age() {
        None => (good_for / 2, MAX_ROUNDS),
        Some(MaxIdentityAge::AtMost(_)) => ((good_for / 2).max(HAND_OVER), MAX_ROUNDS),
        // Such a state is given a statement whenever it is entered, so a loop of the author's looks the same.
        Some(MaxIdentityAge::EveryAttempt) => (2 * HAND_OVER, MAX_ROUNDS_OF_EVERY_ATTEMPT),
    }
}

fn within(seconds: i64, duration: Duration) -> bool {
    seconds < i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl Question {
    fn new(
        aged: Arc<AgedTransaction>,
        purpose: Purpose,
        redrive_count: u32,
        session: SessionRule,
        answer_within: Duration,
    ) -> Self {
        let realm = aged.identity().issuer().realm();
        Self { aged, purpose, redrive_count, session, answer_within, realm }
    }

    /// Whether a statement would still be of use after so long a time of asking and signing. Its age counts from before
    /// the realm was asked, so the time for that is taken from the state's. Half of it is for the way to the state, which
    /// is a transition of the state machine and at worst a cold start.
    ///
    /// # Errors
    /// [`TooSlow`] if it would not: handed out all the same it would be too old on arrival, and be asked for again at once.
    pub fn in_time(&self, took: Duration) -> Result<(), TooSlow> {
        let limit = self.answer_within;
        if took <= limit { Ok(()) } else { Err(TooSlow { took, limit }) }
    }

    /// Whom the old statement speaks of.
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

    /// What the access token was asked for with, less what the realm has taken back since; empty where it did not say.
    pub fn scope(&self) -> &str {
        self.aged.identity().scope().map_or("", |scope| scope.as_str())
    }

    /// How often the statement was renewed: the epoch of the new one is the next.
    pub fn epoch(&self) -> u32 {
        self.aged.epoch()
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
