//! What has to hold in every world, looked up in the realm's own history: nothing here asks the core.

use std::collections::BTreeMap;

use claim_guard::revalidation::Cause;

use crate::machine::BACK_OFF;
use crate::plan::{Plan, Step, Task};
use crate::realm::Facts;
use crate::states::{STATES, State};
use crate::story::{End, Event, Outcome, Story, Verdict, Visit};

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A state has acted, and within its contract there was no moment at which the realm would have said this.
    ActedWithout { state: &'static str, at: i64, fact: &'static str },
    /// A state has acted longer after a withdrawal that stands than its contract allows, or after a redrive since.
    ActedAfterWithdrawal { state: &'static str, at: i64, withdrawn_at: i64 },
    /// A state has acted in a run that was over.
    ActedTooLate { state: &'static str, at: i64 },
    /// The realm would have allowed every step at every moment, and the run was stopped.
    StoppedWithoutReason { end: End },
    /// A question was given up before it was asked as often as it should have been, or while the realm answered.
    GivenUpEarly,
    /// The realm was asked about one visit of a state more often than anything calls for.
    AskedTooOften { state: &'static str, statements: usize, allowed: usize },
    /// A state that had denied what was made for its denial led to another question.
    AskedAfterTheLastNo { state: &'static str },
    /// The run has no end, or one that no honest run has.
    WrongEnd { end: End },
}

/// A state that asks for every attempt is stopped after so many, each so few seconds after the one before, whatever the
/// realm says: nobody can tell it from one that takes none.
const BOUND: (usize, i64) = (100, 20);

/// Something that the realm has to say before a state may act.
type Fact = (&'static str, fn(&Facts, &Plan, State) -> bool);

const STANDING: [Fact; 6] = [
    ("user", |facts, _, _| facts.user_exists && facts.user_enabled),
    ("client", |facts, _, _| facts.client_enabled),
    ("session", |facts, plan, _| facts.session_alive || !plan.terms.session_required),
    ("realm's notBefore", |facts, plan, _| survives(facts.realm_not_before, plan)),
    ("client's notBefore", |facts, plan, _| survives(facts.client_not_before, plan)),
    ("user's notBefore", |facts, plan, _| survives(facts.user_not_before, plan)),
];

const CLAIMS: [Fact; 3] = [
    ("role", |facts, _, state| facts.roles.contains(&state)),
    ("flag", |facts, _, state| facts.flags.contains(&state)),
    // Nothing that happens afterwards makes a log-in another one.
    ("log-in", |_, plan, state| plan.is_strong || !plan.terms.contracts[state].asks_strong),
];

fn survives(not_before: Option<i64>, plan: &Plan) -> bool {
    not_before.is_none_or(|not_before| -plan.access_token_age >= not_before)
}

/// Everything that was not kept.
pub fn violations(plan: &Plan, story: &Story) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut redriven_at = None;
    for event in &story.events {
        match *event {
            Event::Redriven { at } => redriven_at = Some(at),
            Event::Decided { state, at, verdict: Verdict::Acts, .. } => {
                found.extend(acted(plan, state, at, redriven_at));
            }
            Event::Decided { verdict: Verdict::Denied | Verdict::Expired | Verdict::Rejected, .. }
            | Event::Asked { .. }
            | Event::Failed { .. } => {}
        }
    }
    found.extend(stopped(plan, story));
    found.extend(visits(story).values().flat_map(|events| asked(plan, events)));
    if matches!(story.end, End::Rejected | End::Endless) {
        found.push(Violation::WrongEnd { end: story.end });
    }
    found
}

/// What a state may rely on when it acts: what was so at some moment that its contract reaches back to.
fn acted(plan: &Plan, state: State, at: i64, redriven_at: Option<i64>) -> Vec<Violation> {
    let (name, limit) = (STATES[state], plan.terms.limit(state));
    let earliest = redriven_at.map_or(at - limit, |redriven_at| redriven_at.max(at - limit));
    let moments = || {
        let since = plan.realm.changes.iter().map(|(changed_at, _)| *changed_at);
        std::iter::once(earliest).chain(since.filter(move |changed_at| (earliest..=at).contains(changed_at)))
    };
    // The first statement holds for the token's lifetime. It says what the access token said, and is as old as that.
    let is_young = match plan.terms.contracts[state].max_age {
        None => true,
        Some(0) => false,
        Some(most) => at + plan.access_token_age <= i64::from(most),
    };
    let is_first = redriven_at.is_none() && is_young && at <= limit;
    let at_start = is_first.then(|| plan.realm.at(-plan.access_token_age));
    let mut found = Vec::new();
    for (fact, holds) in STANDING.into_iter().chain(CLAIMS) {
        let held = moments().any(|moment| holds(&plan.realm.at(moment), plan, state));
        if !held && !at_start.as_ref().is_some_and(|facts| holds(facts, plan, state)) {
            found.push(Violation::ActedWithout { state: name, at, fact });
        }
    }
    if let Some(withdrawn_at) = withdrawn_for_good(plan)
        && (at > withdrawn_at + limit || redriven_at.is_some_and(|redriven_at| redriven_at > withdrawn_at))
        // What is withdrawn before the start is not known to the first statement.
        && (withdrawn_at > 0 || !is_first)
        && at > withdrawn_at
    {
        found.push(Violation::ActedAfterWithdrawal { state: name, at, withdrawn_at });
    }
    if plan.terms.max_duration.is_some_and(|longest| at >= i64::from(longest)) {
        found.push(Violation::ActedTooLate { state: name, at });
    }
    found
}

/// Since when the realm does not stand behind the access token, and never again.
fn withdrawn_for_good(plan: &Plan) -> Option<i64> {
    let stands = |facts: &Facts| STANDING.iter().all(|(_, holds)| holds(facts, plan, 0));
    let last = plan.realm.changes.last().map(|(at, _)| *at)?;
    if stands(&plan.realm.at(last)) {
        return None;
    }
    let stood_last = plan.realm.changes.iter().rev().map(|(at, _)| *at).take_while(|at| !stands(&plan.realm.at(*at)));
    stood_last.last()
}

/// A run that nobody objects to comes to its end, unless the work itself fails or the realm stays away for too long.
fn stopped(plan: &Plan, story: &Story) -> Option<Violation> {
    if story.end == End::Undecided && !gave_up_rightly(plan, story) {
        return Some(Violation::GivenUpEarly);
    }
    let in_time = plan.terms.max_duration.is_none_or(|longest| story.ended_at < i64::from(longest));
    let begun = -plan.access_token_age;
    let moments = plan.realm.changes.iter().map(|(at, _)| *at).filter(|at| *at > begun).chain([begun]);
    let allows = |facts: &Facts| {
        STANDING.iter().all(|(_, holds)| holds(facts, plan, 0))
            && needed(plan).all(|state| CLAIMS.iter().all(|(_, holds)| holds(facts, plan, state)))
    };
    let welcome = in_time && moments.into_iter().all(|moment| allows(&plan.realm.at(moment)));
    let stopped = (story.end == End::Denied && !is_bounded(plan, story))
        || matches!(story.end, End::Rejected | End::Endless)
        || (story.end == End::TaskFailed && tasks(plan).all(|task| task.failures <= task.attempts));
    (welcome && stopped).then_some(Violation::StoppedWithoutReason { end: story.end })
}

/// The last statement that was asked for would have been one too many.
fn is_bounded(plan: &Plan, story: &Story) -> bool {
    let mut asked = story.events.iter().rev().filter_map(|event| match *event {
        Event::Asked { state, at, outcome, .. } if outcome != Outcome::Unanswered => Some((state, at)),
        Event::Asked { .. } | Event::Decided { .. } | Event::Failed { .. } | Event::Redriven { .. } => None,
    });
    let Some((state, mut next)) = asked.next() else { return false };
    if plan.terms.contracts[state].max_age != Some(0) {
        return false;
    }
    let (statements, seconds) = BOUND;
    let earlier = asked.take_while(|(other, at)| {
        let is_quick = *other == state && next - at < seconds;
        next = *at;
        is_quick
    });
    earlier.count() >= statements
}

fn tasks(plan: &Plan) -> impl Iterator<Item = &Task> {
    plan.steps.iter().filter_map(|step| match step {
        Step::Wait(_) => None,
        Step::Guarded(task) | Step::Branches { task, .. } => Some(task),
    })
}

fn needed(plan: &Plan) -> impl Iterator<Item = State> {
    tasks(plan).map(|task| task.state)
}

/// Some visit ended in as many questions as there are attempts, and each met an outage.
fn gave_up_rightly(plan: &Plan, story: &Story) -> bool {
    let longest_call = 2 * plan.delays.iter().copied().max().unwrap_or_default();
    let met_outage = |at: i64| {
        let deleted = |moment| !plan.realm.at(moment).user_exists;
        (at..=at + longest_call).any(|moment| plan.realm.outage_at(moment).is_some() || deleted(moment))
    };
    visits(story).values().any(|events| {
        let last = events.iter().rev().map_while(|event| match *event {
            Event::Asked { at, outcome: Outcome::Unanswered, .. } => Some(at),
            Event::Asked { outcome: Outcome::Answered | Outcome::Withdrawn, .. }
            | Event::Decided { .. }
            | Event::Failed { .. }
            | Event::Redriven { .. } => None,
        });
        let last: Vec<i64> = last.collect();
        last.len() > BACK_OFF.len() && last.iter().all(|at| met_outage(*at))
    })
}

/// The events of each visit, in their order.
fn visits(story: &Story) -> BTreeMap<Visit, Vec<Event>> {
    let mut visits: BTreeMap<Visit, Vec<Event>> = BTreeMap::new();
    for event in &story.events {
        match *event {
            Event::Asked { visit, .. } | Event::Decided { visit, .. } | Event::Failed { visit } => {
                visits.entry(visit).or_default().push(*event);
            }
            Event::Redriven { .. } => {}
        }
    }
    visits
}

/// A visit asks for one statement when it begins, one after each failure of the work or slow hand-over, and one for a
/// denial.
fn asked(plan: &Plan, events: &[Event]) -> Vec<Violation> {
    let mut found = Vec::new();
    let (mut statements, mut failures, mut denied_after_answer, mut reconsidered) = (0, 0, false, false);
    let mut name = "";
    for event in events {
        match *event {
            Event::Asked { state, cause, outcome, .. } => {
                name = STATES[state];
                if denied_after_answer && outcome != Outcome::Withdrawn {
                    found.push(Violation::AskedAfterTheLastNo { state: name });
                }
                if outcome == Outcome::Answered {
                    statements += 1;
                    reconsidered |= cause == Cause::Denied;
                }
            }
            Event::Decided { verdict, .. } => denied_after_answer |= verdict == Verdict::Denied && reconsidered,
            Event::Failed { .. } => failures += 1,
            Event::Redriven { .. } => {}
        }
    }
    // One when it begins, one where a branch is an execution of its own, one for a denial.
    let allowed = 3 + failures + plan.slow.len();
    if statements > allowed {
        found.push(Violation::AskedTooOften { state: name, statements, allowed });
    }
    found
}
