//! An old statement and the policy → a question, of an execution that is presumed to live.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::access::{AccessPolicy, Freshness, MaxIdentityAge, SessionRule, Workflow};
use crate::identifier::{ExecutionArn, StateName};
use crate::revalidation::presumed::PresumedQuestion;
use crate::revalidation::question::{Purpose, Question, no_workflow, too_long};
use crate::revalidation::withdrawal::{Withdrawal, Withdrawals};
use crate::transaction::{HAND_OVER, Renewed, StaleTransaction};
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

impl AccessPolicy {
    /// What to ask before a state gets a new statement in place of `aged`, which is shared: whatever comes of the question,
    /// the audit line says whose it was.
    ///
    /// # Errors
    /// [`Withdrawals`] if the policy says that there is nothing to ask: the run is too long, the denial is final, or the
    /// state has been answered already.
    pub fn question_of_state(
        &self,
        aged: Arc<StaleTransaction>,
        state: &StateName,
        cause: Cause,
        redrive_count: u32,
        now: UnixTime,
    ) -> Result<PresumedQuestion, Withdrawals> {
        let no_state = || Withdrawals::one(Withdrawal::NoState { presented: state.clone() });
        let workflow = self.workflow(&aged.binding().workflow).ok_or_else(no_state)?;
        let freshness = workflow.guarded(state).ok_or_else(no_state)?.freshness();
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
        parent: Arc<StaleTransaction>,
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
        parent: Arc<StaleTransaction>,
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

/// How long a statement is good for at a state.
fn good_for(workflow: &Workflow, freshness: &Freshness) -> Duration {
    let lifetime = workflow.transaction_token_lifetime();
    match freshness.max_identity_age() {
        MaxIdentityAge::TokenLifetime => lifetime,
        MaxIdentityAge::AtMost(limit) => limit.min(lifetime),
        MaxIdentityAge::EveryAttempt => HAND_OVER,
    }
}

/// Within which time a statement is asked for again although the last one cannot have grown old, which is how a statement
/// that is not taken looks; and how often that may happen in a row.
fn succession(workflow: &Workflow, freshness: &Freshness) -> (Duration, u32) {
    let good_for = good_for(workflow, freshness);
    match freshness.max_identity_age() {
        MaxIdentityAge::TokenLifetime => (good_for / 2, MAX_ROUNDS),
        MaxIdentityAge::AtMost(_) => ((good_for / 2).max(HAND_OVER), MAX_ROUNDS),
        // Such a state is given a statement whenever it is entered, so a loop of the author's looks the same.
        MaxIdentityAge::EveryAttempt => (2 * HAND_OVER, MAX_ROUNDS_OF_EVERY_ATTEMPT),
    }
}

fn within(seconds: i64, duration: Duration) -> bool {
    seconds < i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
