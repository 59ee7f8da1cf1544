//! A question whose context nobody has looked at → a question of an execution that lives.
//!
//! A transaction token says which execution it is of, and not that this one still runs: it stands in the history for as
//! long as that is kept. So what is presented is presumed, until Step Functions has said that the execution runs and is the
//! one that the statement was made for. There is no other way to a [`Question`].

use std::time::Duration;

use serde_json::{Map, Value};

use crate::identifier::{Digest, ExecutionArn, MapRunArn, TransactionId};
use crate::json;
use crate::revalidation::lapse::{Lapse, NotShownYet, StartedBy};
use crate::revalidation::not_alive::NotAlive;
use crate::revalidation::question::{Purpose, Question};
use crate::revalidation::sighting::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen, MapRunStatus};
use crate::transaction::{PresentedAt, StaleTransaction, TransactionToken, TransactionVerifier};
use crate::unix_time::UnixTime;

/// A statement is signed before its execution is started: by the API a moment before, by a parent as long before as its
/// author has the start retried. Names are free again only after 90 days.
const STARTED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How far the clock of whoever signed may be ahead of Step Functions'.
const CLOCKS: Duration = Duration::from_secs(60);
/// How old a statement is whose execution Step Functions may not show yet.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// A question whose execution nobody has looked at yet. It leads to no statement.
///
/// ```compile_fail
/// fn ask(presumed: claim_guard::revalidation::PresumedQuestion) -> claim_guard::revalidation::Question {
///     presumed.into()
/// }
/// ```
/// ```compile_fail
/// fn ask(presumed: &claim_guard::revalidation::PresumedQuestion) -> &claim_guard::revalidation::Inquiry {
///     presumed.inquiry()
/// }
/// ```
#[derive(Debug)]
pub struct PresumedQuestion {
    question: Question,
    redrive_count: u32,
}

/// What Step Functions has to be asked next; at the end a question of an execution that lives.
#[derive(Debug)]
pub enum Look {
    /// Where the presented execution stands: `DescribeExecution`.
    Execution(PresumedQuestion),
    /// Whose the child execution's Map run is: `DescribeMapRun`.
    MapRun(ChildRun),
    /// Where the Map run's parent stands: `DescribeExecution`.
    Parent(ParentRun),
    /// Whether the execution was stopped before it was redriven: `GetExecutionHistory`.
    Stops(RedrivenRun),
    /// Nothing: the execution lives, and is the one that the statement is of.
    Alive(Question),
}

/// A child execution that runs. Whose child it is nobody has looked at yet.
#[derive(Debug)]
pub struct ChildRun {
    question: Question,
    map_run: MapRunArn,
    is_redriven: bool,
}

/// A child execution that runs in a Map run that does. Where its parent stands nobody has looked at yet.
#[derive(Debug)]
pub struct ParentRun {
    question: Question,
    parent: ExecutionArn,
    is_redriven: bool,
}

/// An execution that runs, and was redriven since the statement was made. Whether it had been stopped nobody has looked at
/// yet.
#[derive(Debug)]
pub struct RedrivenRun {
    question: Question,
    execution: ExecutionArn,
}

impl PresumedQuestion {
    /// `redrive_count` is the presented context's.
    pub(super) fn assertion(question: Question, redrive_count: u32) -> Self {
        Self { question, redrive_count }
    }

    /// The presented statement.
    pub fn statement(&self) -> &StaleTransaction {
        self.question.aged()
    }

    /// The presented execution: that of the statement, or the child that wants one of its own.
    pub fn execution(&self) -> &ExecutionArn {
        match &self.question.purpose {
            Purpose::Child(execution) => execution,
            Purpose::Renew(_) | Purpose::Nested { .. } => self.question.own_execution(),
        }
    }

    /// How often that was redriven, as it is presented.
    pub fn redrive_count(&self) -> u32 {
        self.redrive_count
    }

    /// What follows from the description of [`Self::execution`]; none if there is no such execution.
    ///
    /// # Errors
    /// [`NotAlive`] if it does not run, is another than the statement's, or is not shown yet.
    pub fn seen(
        self,
        seen: Option<&ExecutionSeen>,
        statements: &TransactionVerifier,
        now: UnixTime,
    ) -> Result<Look, NotAlive> {
        let Self { redrive_count: presented, .. } = self;
        let execution = self.execution().clone();
        let Some(seen) = seen else { return Err(self.absent(now)) };
        about(&execution, seen)?;
        if seen.status != ExecutionStatus::Running {
            let is_next = seen.redrive_count.checked_add(1) == Some(presented);
            let is_due = match seen.status {
                ExecutionStatus::PendingRedrive => true,
                ExecutionStatus::Failed | ExecutionStatus::TimedOut => is_next,
                // What was stopped stays stopped, redriven or not. A child is aborted too when its siblings fail.
                ExecutionStatus::Aborted => is_next && is_child_run(&execution),
                ExecutionStatus::Running | ExecutionStatus::Succeeded => false,
            };
            return Err(if is_due {
                NotShownYet::Redrive { execution, presented, status: seen.status, seen: seen.redrive_count }.into()
            } else {
                Lapse::ExecutionOver { execution, status: seen.status }.into()
            });
        }
        if seen.redrive_count != presented {
            return Err(Lapse::OtherRedrive { execution, presented, seen: seen.redrive_count }.into());
        }
        let is_redriven = !self.question.is_adoption() && self.question.stated_redrive_count() != presented;
        if is_child_run(&execution) {
            let map_run = seen.map_run.clone().ok_or(Lapse::NoMapRun { execution })?;
            return Ok(Look::MapRun(ChildRun { question: self.question, map_run, is_redriven }));
        }
        began_as_stated(&self.question, seen, statements, now)?;
        Ok(alive_unless_stopped(self.question, execution, is_redriven))
    }

    /// A child execution, or one whose first statement is a moment old, may have begun just now.
    fn absent(self, now: UnixTime) -> NotAlive {
        let execution = self.execution().clone();
        let may_be_new = now < self.statement().identity().issued_at().plus(SHOWN_WITHIN);
        if self.question.is_adoption() || may_be_new {
            NotShownYet::Execution { execution }.into()
        } else {
            Lapse::ExecutionAbsent { execution }.into()
        }
    }
}

impl ChildRun {
    /// The Map run that has started the execution.
    pub fn map_run(&self) -> &MapRunArn {
        &self.map_run
    }

    /// What follows from its description; none if there is no such Map run.
    ///
    /// # Errors
    /// [`NotAlive`] if it does not run, is of another execution than the statement, or is not shown yet.
    pub fn seen(self, seen: Option<&MapRunSeen>) -> Result<Look, NotAlive> {
        let Self { question, map_run, is_redriven } = self;
        let Some(MapRunSeen { parent, status }) = seen else { return Err(NotShownYet::MapRun { map_run }.into()) };
        if *status != MapRunStatus::Running {
            return Err(Lapse::MapRunOver { map_run, status: *status }.into());
        }
        // A child's own statement was given to it on its parent's, so only an adoption names the parent.
        if question.is_adoption() && parent != question.own_execution() {
            let (expected, seen) = (question.own_execution().clone(), parent.clone());
            return Err(Lapse::ForeignMapRun { expected, seen }.into());
        }
        Ok(Look::Parent(ParentRun { question, parent: parent.clone(), is_redriven }))
    }
}

impl ParentRun {
    /// The execution whose distributed Map has started the child.
    pub fn execution(&self) -> &ExecutionArn {
        &self.parent
    }

    /// What follows from its description; none if there is no such execution.
    ///
    /// # Errors
    /// [`NotAlive`] if it does not run, or is another than the statement's.
    pub fn seen(
        self,
        seen: Option<&ExecutionSeen>,
        statements: &TransactionVerifier,
        now: UnixTime,
    ) -> Result<Look, NotAlive> {
        let Self { question, parent: execution, is_redriven } = self;
        let Some(seen) = seen else { return Err(Lapse::ExecutionAbsent { execution }.into()) };
        about(&execution, seen)?;
        if seen.status != ExecutionStatus::Running {
            return Err(Lapse::ExecutionOver { execution, status: seen.status }.into());
        }
        began_as_stated(&question, seen, statements, now)?;
        let parent_is = question.is_adoption() && question.stated_redrive_count() != seen.redrive_count;
        Ok(alive_unless_stopped(question, execution, is_redriven || parent_is))
    }
}

impl RedrivenRun {
    /// The execution whose history tells whether it was ever stopped.
    pub fn execution(&self) -> &ExecutionArn {
        &self.execution
    }

    /// What follows from when it was stopped last; none if it never was.
    ///
    /// # Errors
    /// [`NotAlive`] if it was stopped.
    pub fn seen(self, stopped_at: Option<UnixTime>) -> Result<Look, NotAlive> {
        match stopped_at {
            Some(stopped_at) => Err(Lapse::Stopped { execution: self.execution, stopped_at }.into()),
            None => Ok(Look::Alive(self.question)),
        }
    }
}

impl Question {
    /// The execution that the presented statement is of.
    fn own_execution(&self) -> &ExecutionArn {
        &self.aged().binding().execution
    }

    /// How often that had been redriven when the statement was made.
    fn stated_redrive_count(&self) -> u32 {
        self.aged().binding().redrive_count
    }

    fn is_adoption(&self) -> bool {
        match self.purpose {
            Purpose::Child(_) => true,
            Purpose::Renew(_) | Purpose::Nested { .. } => false,
        }
    }
}

/// A statement that was made after a redrive was made after a look at what had been before it.
fn alive_unless_stopped(question: Question, execution: ExecutionArn, is_redriven: bool) -> Look {
    if is_redriven { Look::Stops(RedrivenRun { question, execution }) } else { Look::Alive(question) }
}

fn about(expected: &ExecutionArn, seen: &ExecutionSeen) -> Result<(), NotShownYet> {
    if seen.execution == *expected {
        return Ok(());
    }
    let (expected, presented) = (expected.clone(), seen.execution.clone());
    Err(NotShownYet::AnotherExecution { expected, presented })
}

/// Step Functions runs the children of a distributed Map on `MACHINE/LABEL`.
fn is_child_run(execution: &ExecutionArn) -> bool {
    execution.state_machine().as_str().contains('/')
}

/// An execution that was started of its own accord runs the statement's machine since the stated time, on the stated input,
/// and with a first statement of the same transaction.
fn began_as_stated(
    question: &Question,
    seen: &ExecutionSeen,
    statements: &TransactionVerifier,
    now: UnixTime,
) -> Result<(), Lapse> {
    let expected = seen.execution.state_machine();
    if seen.state_machine != expected {
        return Err(Lapse::OtherMachine { expected, seen: seen.state_machine.clone() });
    }
    let (stated, started_at) = (question.aged().run().started_at, seen.started_at);
    if started_at.plus(CLOCKS) < stated || stated.plus(STARTED_WITHIN) < started_at {
        return Err(Lapse::OtherStart { stated, seen: started_at });
    }
    let InputSeen(input) = seen.input.as_ref().ok_or(Lapse::NoInput)?;
    let input = json::object(input.as_bytes()).map_err(Lapse::MalformedInput)?;
    let first = first_statement(question, &input, seen, statements, now)?;
    let identity = question.inquiry.identity();
    if let Some(expected) = identity.transaction().filter(|expected| first.transaction.as_ref() != Some(expected)) {
        return Err(Lapse::OtherTransaction { expected: expected.clone(), seen: first.transaction });
    }
    let expected = StartedBy::of(identity);
    if first.by != expected {
        return Err(Lapse::OtherStarter { expected: Box::new(expected), seen: Box::new(first.by) });
    }
    let decided_on = Digest::of(input.get("input").unwrap_or(&Value::Null).to_string().as_bytes());
    let expected = question.aged().input_digest();
    if decided_on != *expected {
        return Err(Lapse::OtherInput { expected: expected.clone(), seen: decided_on });
    }
    Ok(())
}

/// What the token says that an execution was started with.
struct First {
    transaction: Option<TransactionId>,
    by: StartedBy,
}

/// The key of an execution's first statement may be forgotten while a renewed one holds. Then its claim is compared: it
/// lets nobody act, and could only have been made up by whoever started an execution of the signed name at the signed time.
fn first_statement(
    question: &Question,
    input: &Map<String, Value>,
    seen: &ExecutionSeen,
    statements: &TransactionVerifier,
    now: UnixTime,
) -> Result<First, Lapse> {
    let text = input.get("transactionToken").and_then(Value::as_str).ok_or(Lapse::InputWithoutToken)?;
    let token = TransactionToken::parse(text).map_err(Lapse::InputRejected)?;
    let at = PresentedAt {
        workflow: question.aged().binding().workflow.clone(),
        execution: seen.execution.clone(),
        state_machine: seen.execution.state_machine(),
        redrive_count: 0,
    };
    match statements.verify_whatever_age(&token, &at, now) {
        Ok(first) => {
            let identity = first.identity();
            Ok(First { transaction: identity.transaction().cloned(), by: StartedBy::of(identity) })
        }
        Err(rejection) => {
            let claimed = statements.untrusted_of_forgotten_key(&token, &at, now);
            let claimed = claimed.ok_or(Lapse::InputRejected(rejection))?;
            Ok(First {
                transaction: claimed.claimed_transaction().cloned(),
                by: StartedBy::of(claimed.claimed_identity()),
            })
        }
    }
}
