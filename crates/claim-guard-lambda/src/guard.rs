//! The guard of one state: event → decision, with the audit record of it.

use claim_guard::access::GuardedState;
use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord, Reason};
use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::{Digest, WorkflowName};
use claim_guard::transaction::{
    Attempt, PresentedAt, StaleTransaction, TransactionFailure, TransactionRejection, TransactionToken,
    VerifiedTransaction,
};
use claim_guard::unix_time::{ClockError, UnixTime};
use claim_guard::{Excerpt, Identity};
use lambda_shell::caught_at_once;
use serde_json::{Map, Value};

use crate::environment::{BrokenConfiguration, Configuration, ConfigurationFault};
use crate::event::{Event, EventError};
use crate::guard_error::GuardError;

/// Decides whether the state that it guards may act, event by event.
///
/// It changes nothing and remembers nothing, so one guard serves any number of invocations at once.
#[derive(Debug)]
pub struct Guard {
    state: String,
    configuration: Result<Configuration, BrokenConfiguration>,
}

/// What came of one event: the record that must be written before anything else happens, and the verdict.
#[derive(Debug)]
pub struct Ruling {
    /// The record of this decision; each event makes exactly one.
    pub audit: AuditRecord,
    /// Leave to act, or the no that the state machine hears.
    pub verdict: Result<Granted, GuardError>,
}

/// Leave to act, and what on.
#[derive(Debug)]
pub struct Granted {
    /// On whose behalf.
    pub grant: Grant,
    /// The input that the decision has looked at.
    pub input: Value,
}

impl Guard {
    /// A guard for the state that `main` names, under the policy that it embeds, in the environment of `lookup`.
    ///
    /// There always is one: a guard whose configuration is broken refuses every event as misconfigured, so that the
    /// fault is seen in the execution and in the audit log, and not as a function that does not start.
    pub fn new(state: &str, access_toml: &str, lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self { state: state.to_owned(), configuration: Configuration::parse(state, access_toml, lookup) }
    }

    /// Everything that is wrong with the guard's configuration; nothing where it can decide.
    pub fn faults(&self) -> &[ConfigurationFault] {
        self.configuration.as_ref().err().map_or(&[], |broken| &broken.faults)
    }

    /// Decides on an event, whatever bytes it is made of. `now` is the caller's clock, or that it cannot be read.
    pub fn decide(&self, event: &[u8], now: Result<UnixTime, ClockError>) -> Ruling {
        let event = match caught_at_once(|| Event::parse(event)) {
            Ok(event) => event,
            Err(panicked) => return undecided(self.context(None, now.ok()), panicked.reason()),
        };
        let context = self.context(event.as_ref().ok(), now.ok());
        ruled(context, |context| self.decide_on_event(event, context, now))
    }

    fn decide_on_event(
        &self,
        event: Result<Event, EventError>,
        context: AuditContext,
        now: Result<UnixTime, ClockError>,
    ) -> Ruling {
        let configuration = match &self.configuration {
            Ok(configuration) => configuration,
            Err(broken) => {
                return misconfigured(context, broken.faults.iter().map(ConfigurationFault::reason).collect());
            }
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => return misconfigured(context, vec![of_event(&error)]),
        };
        if event.context.state != configuration.state {
            return misconfigured(context, vec![other_state(configuration, &event)]);
        }
        match now {
            Ok(now) => configuration.decide(event, context, now),
            Err(error) => undecided(context, Reason::new("clock_out_of_range", &error)),
        }
    }

    fn context(&self, event: Option<&Event>, now: Option<UnixTime>) -> AuditContext {
        let (workflow, policy) = self.names();
        AuditContext {
            point: AuditPoint::State {
                workflow: workflow.map(ToString::to_string).unwrap_or_default(),
                execution: event.map(|event| event.context.execution.to_string()).unwrap_or_default(),
                state: self.state.clone(),
                work: event.map(|event| event.work.to_string()).unwrap_or_default(),
                redrive: event.map_or(0, |event| event.context.redrive_count),
                attempt: event.map_or(0, |event| event.context.retry_count),
            },
            policy: policy.cloned(),
            now,
        }
    }

    fn names(&self) -> (Option<&WorkflowName>, Option<&Digest>) {
        match &self.configuration {
            Ok(configuration) => (Some(&configuration.workflow), Some(configuration.policy.digest())),
            Err(broken) => (broken.workflow.as_ref(), broken.policy.as_ref()),
        }
    }
}

impl Configuration {
    fn decide(&self, event: Event, context: AuditContext, now: UnixTime) -> Ruling {
        let token = match event.token {
            Ok(token) => token,
            Err(rejection) => return rejected(context, None, rejection),
        };
        let at = PresentedAt {
            workflow: self.workflow.clone(),
            execution: event.context.execution,
            state_machine: event.context.state_machine,
            redrive_count: event.context.redrive_count,
        };
        let Some(freshness) = self
            .policy
            .workflow(&self.workflow)
            .and_then(|found| found.guarded(&self.state))
            .map(GuardedState::freshness)
        else {
            let (workflow, state) = (self.workflow.clone(), self.state.clone());
            return misconfigured(context, vec![ConfigurationFault::NoRequirement { workflow, state }.reason()]);
        };
        let (state, retry_count) = (&self.state, event.context.retry_count);
        let attempt = Attempt { state, retry_count, work: &event.work, freshness };
        match self.verifier.verify(&token, &at, &attempt, now) {
            Ok(transaction) => self.decide_on(&transaction, event.input, context),
            Err(TransactionFailure::Rejected(rejection)) => rejected(context, Some(&token), rejection),
            Err(
                failure @ (TransactionFailure::IssuedInFuture { .. }
                | TransactionFailure::Expired { .. }
                | TransactionFailure::Redriven { .. }
                | TransactionFailure::NotForThisAttempt { .. }
                | TransactionFailure::TooOld { .. }),
            ) => {
                // Its signature and its binding hold, so the audit line can say whose statement has grown old.
                match self.verifier.verify_whatever_age(&token, &at, now) {
                    Ok(aged) => expired(context, &aged, &failure),
                    Err(rejection) => rejected(context, Some(&token), rejection),
                }
            }
        }
    }

    fn decide_on(&self, transaction: &VerifiedTransaction, input: Value, context: AuditContext) -> Ruling {
        // An input that is no object has no members, so it meets no condition that names one.
        let empty = Map::new();
        let members = input.as_object().unwrap_or(&empty);
        let decision = self.policy.decide_state(transaction, &self.workflow, &self.state, members);
        let audit = AuditRecord::decided(context, transaction.identity(), &decision);
        let verdict = match decision {
            Decision::Allow(grant) => Ok(Granted { grant, input }),
            Decision::Deny(_) => Err(GuardError::Denied { transaction: name(transaction.identity()) }),
        };
        Ruling { audit, verdict }
    }
}

fn rejected(context: AuditContext, token: Option<&TransactionToken>, rejection: TransactionRejection) -> Ruling {
    let audit = AuditRecord::failed(context, token, &TransactionFailure::Rejected(rejection));
    Ruling { audit, verdict: Err(GuardError::Rejected) }
}

fn expired(context: AuditContext, aged: &StaleTransaction, failure: &TransactionFailure) -> Ruling {
    let audit = AuditRecord::failed(context, None, failure).about(aged.identity());
    Ruling { audit, verdict: Err(GuardError::IdentityExpired { transaction: name(aged.identity()) }) }
}

/// How messages name a transaction.
fn name(identity: &Identity) -> String {
    identity.transaction().map(|transaction| Excerpt::of(transaction.as_str()).to_string()).unwrap_or_default()
}

/// The ruling that comes of a context, or that the guard has panicked there.
fn ruled(context: AuditContext, decide: impl FnOnce(AuditContext) -> Ruling) -> Ruling {
    let spare = context.clone();
    caught_at_once(|| decide(context)).unwrap_or_else(|panicked| undecided(spare, panicked.reason()))
}

fn undecided(context: AuditContext, reason: Reason) -> Ruling {
    Ruling { audit: AuditRecord::undecided(context, reason), verdict: Err(GuardError::Undecided) }
}

fn misconfigured(context: AuditContext, reasons: Vec<Reason>) -> Ruling {
    Ruling { audit: AuditRecord::misconfigured(context, reasons), verdict: Err(GuardError::Misconfigured) }
}

fn of_event(error: &EventError) -> Reason {
    Reason::new(error.code(), error)
}

/// A state that calls another state's function would act under the wrong requirement.
fn other_state(configuration: &Configuration, event: &Event) -> Reason {
    let presented = Excerpt::of(event.context.state.as_str());
    Reason::new("other_state", &format_args!("state: expected `{}`, presented `{presented}`", configuration.state))
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_deciding_is_undecided_and_quotes_nothing() {
        let guard = Guard::new("ApprovePayment", "", |_| None);
        let context = guard.context(None, UnixTime::from_seconds(1));
        let ruling = ruled(context.clone(), |_| panic!("alice@example.com"));
        let reason = Reason::new("panicked", &"the function panicked: its log says where");
        assert_eq!(ruling.audit, AuditRecord::undecided(context, reason));
        assert_eq!(ruling.verdict.err(), Some(GuardError::Undecided));
    }
}
