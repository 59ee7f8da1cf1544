//! A model of the pattern that weaving writes around a guarded state, on a clock of its own and with redrives, which the
//! interpreter of Amazon States Language has not.
//!
//! What it holds against tokens and answers is the core's; what it does about the outcome is the state machine's Retry,
//! Catch and Next. `Pattern` also has the ways of getting that wrong that the properties have to notice.

use std::collections::BTreeMap;

use claim_guard::TransactionToken;
use claim_guard::identifier::{ExecutionArn, StateMachineArn};
use claim_guard::revalidation::{Cause, Question, Withdrawals};
use claim_guard::transaction::PresentedAt;

use crate::plan::{Plan, Step, Task};
use crate::realm::{Realm, Unanswered};
use crate::stack::{EXECUTION, Stack, state_name, time};
use crate::states::State;
use crate::story::{End, Event, Outcome, Story, Verdict, Visit};

const MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:run";
const CHILD_MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:run/Each";
const CHILD_EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:run/Each:child-";

/// The waits between the attempts of a question that nobody answers, before jitter.
pub const BACK_OFF: [i64; 4] = [2, 4, 8, 16];

/// How long a slow call of a guard takes: longer than a hand-over may.
const SLOW: i64 = 12;

/// So many transitions in one visit of a state are a loop.
const ENDLESS: u32 = 300;

/// What a state machine does about the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// What weaving writes.
    Woven,
    /// Whatever the realm says, the old statement is used again.
    KeepsTheOldStatement,
    /// The guards take a statement of any age.
    LooksAtNoClock,
    /// The guards are told of no redrive.
    ForgetsRedrives,
    /// While the realm is not to be asked, what it said at the start is taken for its answer.
    TrustsMemory,
    /// A question that nobody answers is not asked again.
    NeverRetries,
    /// A denial is asked about as if the statement had only grown old.
    AsksUntilItLikesTheAnswer,
    /// A denial is the end, although the policy says to ask once more.
    TakesTheFirstNo,
}

/// Where a run has stopped, and how.
struct Stop {
    end: End,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// In the guarded state itself.
    Guarded,
    /// In the state that asks for a new statement.
    Asking(Cause),
}

/// An execution, or a branch of one: its own clock and its own variable.
#[derive(Debug, Clone)]
struct Thread {
    clock: i64,
    token: TransactionToken,
    execution: ExecutionArn,
    state_machine: StateMachineArn,
    redrives: u32,
}

/// One run in one world.
struct Run<'a> {
    plan: &'a Plan,
    pattern: Pattern,
    stack: Stack,
    events: Vec<Event>,
    delays: usize,
    jitters: usize,
    guard_calls: u32,
    /// How often a task has failed.
    failed: BTreeMap<(usize, u8), u8>,
}

/// Runs a plan to its end, with every redrive that it has.
pub fn run(plan: &Plan, pattern: Pattern) -> Story {
    let mut run = Run::new(plan, pattern);
    let token = run.stack.started(plan);
    let mut thread = Thread {
        clock: 0,
        token,
        execution: ExecutionArn::parse(EXECUTION).unwrap(),
        state_machine: StateMachineArn::parse(MACHINE).unwrap(),
        redrives: 0,
    };
    let (mut step, mut phase) = (0, None);
    let mut redrives = plan.redrives.iter();
    loop {
        let stopped = run.steps(&mut thread, step, phase.take());
        let Some((at_step, stop)) = stopped else { return run.ended(thread.clock, End::Succeeded) };
        // Whoever ended in a Fail state ends there again; only an error that nobody caught can be redriven.
        let redrivable = matches!(stop.end, End::Undecided | End::TaskFailed);
        let Some(after) = redrives.next().filter(|_| redrivable) else { return run.ended(thread.clock, stop.end) };
        thread.clock += after;
        thread.redrives += 1;
        run.events.push(Event::Redriven { at: thread.clock });
        (step, phase) = (at_step, Some(stop.phase));
    }
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, pattern: Pattern) -> Self {
        let (stack, events) = (Stack::new(&plan.terms), Vec::new());
        Self { plan, pattern, stack, events, delays: 0, jitters: 0, guard_calls: 0, failed: BTreeMap::new() }
    }

    fn ended(self, ended_at: i64, end: End) -> Story {
        Story { events: self.events, end, ended_at }
    }

    fn delay(&mut self) -> i64 {
        self.delays += 1;
        self.plan.delays[self.delays % self.plan.delays.len()]
    }

    fn jittered(&mut self, interval: i64) -> i64 {
        self.jitters += 1;
        interval * self.plan.jitter[self.jitters % self.plan.jitter.len()] / 100
    }

    /// Goes through the steps from one on; where it stops and how, if it does.
    fn steps(&mut self, thread: &mut Thread, from: usize, mut phase: Option<Phase>) -> Option<(usize, Stop)> {
        let plan = self.plan;
        for (index, step) in plan.steps.iter().enumerate().skip(from) {
            let done = match step {
                Step::Wait(seconds) => {
                    thread.clock += seconds;
                    Ok(())
                }
                Step::Guarded(task) => {
                    let visit = (index, 0, thread.redrives);
                    self.visit(thread, task, visit, phase.take())
                }
                Step::Branches { task, branches, distributed } => {
                    phase = None;
                    self.branches(thread, task, index, *branches, *distributed)
                }
            };
            if let Err(stop) = done {
                return Some((index, stop));
            }
        }
        None
    }

    /// Every branch with a copy of the variable; the outer one stays as it is.
    fn branches(
        &mut self,
        outer: &mut Thread,
        task: &Task,
        step: usize,
        branches: u8,
        distributed: bool,
    ) -> Result<(), Stop> {
        let (began, mut stopped) = (outer.clone(), None);
        for branch in 0..branches {
            let (mut thread, visit) = (began.clone(), (step, branch, began.redrives));
            let adopted = if distributed { self.adopted(&mut thread, task.state, visit) } else { Ok(()) };
            let done = adopted.and_then(|()| self.visit(&mut thread, task, visit, None));
            outer.clock = outer.clock.max(thread.clock);
            stopped = stopped.or(done.err());
        }
        stopped.map_or(Ok(()), Err)
    }

    /// The first state of a child execution: it asks for a statement of its own.
    fn adopted(&mut self, thread: &mut Thread, state: State, visit: Visit) -> Result<(), Stop> {
        thread.execution = ExecutionArn::parse(&format!("{CHILD_EXECUTION}{}-{}", visit.0, visit.1)).unwrap();
        thread.state_machine = StateMachineArn::parse(CHILD_MACHINE).unwrap();
        self.asked(thread, state, Cause::Expired, visit, |run, thread| {
            let at = run.presented_at(thread);
            let parent = run.stack.transactions.verify_of_parent_run(&thread.token, &at, time(thread.clock)).unwrap();
            let now = time(thread.clock);
            let presumed =
                run.stack.policy.question_of_child(parent.into(), &thread.execution, thread.redrives, now)?;
            Ok(run.stack.alive(presumed, now))
        })
    }

    fn presented_at(&self, thread: &Thread) -> PresentedAt {
        PresentedAt {
            workflow: self.stack.workflow.clone(),
            execution: thread.execution.clone(),
            state_machine: thread.state_machine.clone(),
            redrive_count: if self.pattern == Pattern::ForgetsRedrives { 0 } else { thread.redrives },
        }
    }

    /// A guarded state with what is woven around it.
    fn visit(&mut self, thread: &mut Thread, task: &Task, visit: Visit, from: Option<Phase>) -> Result<(), Stop> {
        let asks_first = self.plan.terms.contracts[task.state].max_age == Some(0);
        let entered = if asks_first { Phase::Asking(Cause::Expired) } else { Phase::Guarded };
        let mut phase = from.unwrap_or(entered);
        for _ in 0..ENDLESS {
            thread.clock += self.delay();
            phase = match phase {
                Phase::Guarded => match self.guarded(thread, task, visit)? {
                    Some(cause) => Phase::Asking(cause),
                    None => return Ok(()),
                },
                Phase::Asking(cause) => {
                    self.renewed(thread, task.state, cause, visit)?;
                    Phase::Guarded
                }
            };
        }
        Err(Stop { end: End::Endless, phase })
    }

    /// The guarded Task with the author's Retry: why a new statement is asked for, or nothing if the work is done.
    fn guarded(&mut self, thread: &mut Thread, task: &Task, visit: Visit) -> Result<Option<Cause>, Stop> {
        let stop = |end| Stop { end, phase: Phase::Guarded };
        let contract = self.plan.terms.contracts[task.state];
        for retry_count in 0..=u32::from(task.attempts) {
            if self.plan.slow.contains(&self.guard_calls) {
                thread.clock += SLOW;
            }
            self.guard_calls += 1;
            let verdict = self.verdict(thread, task.state, retry_count);
            self.events.push(Event::Decided { visit, state: task.state, at: thread.clock, verdict });
            match verdict {
                Verdict::Expired => return Ok(Some(Cause::Expired)),
                Verdict::Denied if !contract.revalidate_on_denied => return Err(stop(End::Denied)),
                Verdict::Denied => match self.pattern {
                    Pattern::AsksUntilItLikesTheAnswer => return Ok(Some(Cause::Expired)),
                    Pattern::TakesTheFirstNo => return Err(stop(End::Denied)),
                    Pattern::Woven
                    | Pattern::KeepsTheOldStatement
                    | Pattern::LooksAtNoClock
                    | Pattern::ForgetsRedrives
                    | Pattern::TrustsMemory
                    | Pattern::NeverRetries => return Ok(Some(Cause::Denied)),
                },
                Verdict::Rejected => return Err(stop(End::Rejected)),
                Verdict::Acts => {
                    thread.clock += task.seconds;
                    let failed = self.failed.entry((visit.0, visit.1)).or_default();
                    if *failed >= task.failures {
                        return Ok(None);
                    }
                    *failed += 1;
                    self.events.push(Event::Failed { visit });
                    thread.clock += task.interval;
                }
            }
        }
        Err(stop(End::TaskFailed))
    }

    fn verdict(&self, thread: &Thread, state: State, retry_count: u32) -> Verdict {
        let at = self.presented_at(thread);
        let verified = if self.pattern == Pattern::LooksAtNoClock {
            self.stack.verified_when_it_was_made(&thread.token, &at, state)
        } else {
            self.stack.verified(&thread.token, &at, state, retry_count, time(thread.clock))
        };
        self.stack.verdict(verified, state)
    }

    /// The state that asks for a new statement and assigns it.
    fn renewed(&mut self, thread: &mut Thread, state: State, cause: Cause, visit: Visit) -> Result<(), Stop> {
        let old = thread.token.clone();
        self.asked(thread, state, cause, visit, |run, thread| {
            let (at, now) = (run.presented_at(thread), time(thread.clock));
            let aged = run.stack.transactions.verify_whatever_age(&thread.token, &at, now).unwrap();
            let name = state_name(state);
            let presumed = run.stack.policy.question_of_state(aged.into(), &name, cause, at.redrive_count, now)?;
            Ok(run.stack.alive(presumed, now))
        })?;
        if self.pattern == Pattern::KeepsTheOldStatement {
            thread.token = old;
        }
        Ok(())
    }

    /// One state that calls the revalidation function, with its Retry.
    fn asked(
        &mut self,
        thread: &mut Thread,
        state: State,
        cause: Cause,
        visit: Visit,
        question: impl Fn(&Self, &Thread) -> Result<Question, Withdrawals>,
    ) -> Result<(), Stop> {
        let stop = |end| Stop { end, phase: Phase::Asking(cause) };
        let back_off: &[i64] = if self.pattern == Pattern::NeverRetries { &[] } else { &BACK_OFF };
        for interval in back_off.iter().copied().map(Some).chain([None]) {
            let at = thread.clock;
            let outcome = match question(self, thread) {
                Err(_) => Ok(None),
                Ok(question) => self.statement(thread, question),
            };
            let (outcome, token) = match outcome {
                Err(Unanswered) => (Outcome::Unanswered, None),
                Ok(None) => (Outcome::Withdrawn, None),
                Ok(Some(token)) => (Outcome::Answered, Some(token)),
            };
            self.events.push(Event::Asked { visit, state, cause, at, outcome });
            match (token, interval) {
                (Some(token), _) => {
                    thread.token = token;
                    return Ok(());
                }
                (None, _) if outcome == Outcome::Withdrawn => return Err(stop(End::Denied)),
                (None, Some(interval)) => thread.clock += self.jittered(interval),
                (None, None) => break,
            }
        }
        Err(stop(End::Undecided))
    }

    /// What the realm answers, signed; nothing if it stands against it.
    fn statement(&mut self, thread: &mut Thread, question: Question) -> Result<Option<TransactionToken>, Unanswered> {
        let (now, first) = (time(thread.clock), thread.clock + self.delay());
        thread.clock = first + self.delay();
        let answered = match self.plan.realm.ask(&question, &self.stack.access_tokens, now, (first, thread.clock)) {
            Err(Unanswered) if self.pattern == Pattern::TrustsMemory => {
                let calm = Realm { outages: Vec::new(), ..self.plan.realm.clone() };
                let then = -self.plan.access_token_age;
                calm.ask(&question, &self.stack.access_tokens, now, (then, then))
            }
            answered => answered,
        };
        let Ok(live) = answered? else { return Ok(None) };
        Ok(self.stack.renewed(live, now))
    }
}
