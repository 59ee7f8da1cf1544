//! Freshness, in every world that chance thinks of: what a state acts on is as fresh as its contract asks, and nobody is
//! stopped whom the realm would let through.
//!
//! The core is the real one, and so are its tokens; what is made up is a realm whose whole history is known, and a
//! model of the states that weaving writes. The properties are looked up in that history. Each way of getting the
//! pattern wrong that `Pattern` names is caught by one of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

// In reading order: the realm → what is planned → the state machine → what happened → what has to hold.

/// The guarded states, and what they ask.
mod states;

/// A realm whose whole history is known.
mod realm;

/// What happens in a world.
mod plan;

/// The woven pattern, and ways of getting it wrong.
mod machine;

/// The real core, with keys of its own.
mod stack;

/// What happened in a world.
mod story;

/// What has to hold in every world.
mod contract;

/// Worlds that are written down.
mod examples;

use std::collections::BTreeSet;

use proptest::prelude::{ProptestConfig, Strategy};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

use crate::contract::violations;
use crate::machine::{Pattern, run};
use crate::plan::{Plan, any_plan, welcome_plan};
use crate::story::{Event, Outcome, Verdict};

/// How many worlds of a kind are looked at; `KSF_FRESHNESS_WORLDS` says another number.
fn worlds() -> u32 {
    std::env::var("KSF_FRESHNESS_WORLDS").map_or(400, |worlds| worlds.parse().unwrap())
}

/// Every promise is kept in every world of a kind.
fn check(plans: impl Strategy<Value = Plan>) {
    let config = ProptestConfig { cases: worlds(), failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&plans, |plan| {
        let story = run(&plan, Pattern::Woven);
        let found = violations(&plan, &story);
        if found.is_empty() { Ok(()) } else { Err(TestCaseError::fail(format!("{found:?}\n{story:#?}"))) }
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{reason}\nin the world {plan:#?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn no_step_acts_on_an_identity_older_than_its_contract() {
    check(any_plan());
}

#[test]
fn no_run_that_the_realm_would_allow_throughout_is_stopped() {
    check(welcome_plan());
}

/// Chance comes to everything that a run can come to, so the properties hold of something.
#[test]
fn the_worlds_reach_every_verdict_every_outcome_and_every_end() {
    let outcomes = [Outcome::Answered, Outcome::Withdrawn, Outcome::Unanswered];
    let asked = outcomes.iter().flat_map(|outcome| [format!("Expired {outcome:?}"), format!("Denied {outcome:?}")]);
    let verdicts = [Verdict::Acts, Verdict::Denied, Verdict::Expired];
    let decided = verdicts.iter().flat_map(|verdict| [format!("{verdict:?}"), format!("{verdict:?} after a redrive")]);
    let others = ["Succeeded", "Denied", "Undecided", "TaskFailed", "Failed", "Redriven"].map(str::to_owned);
    let mut missing: BTreeSet<String> = asked.chain(decided).chain(others).collect();
    let mut runner = TestRunner::deterministic();
    for _ in 0..4000 {
        let plan = any_plan().new_tree(&mut runner).unwrap().current();
        for place in places(&plan) {
            missing.remove(&place);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never reached: {missing:?}");
}

fn places(plan: &Plan) -> Vec<String> {
    let story = run(plan, Pattern::Woven);
    let mut after = "";
    let mut places = vec![format!("{:?}", story.end)];
    for event in &story.events {
        places.push(match event {
            Event::Asked { cause, outcome, .. } => format!("{cause:?} {outcome:?}"),
            Event::Decided { verdict, .. } => format!("{verdict:?}{after}"),
            Event::Failed { .. } => "Failed".to_owned(),
            Event::Redriven { .. } => {
                after = " after a redrive";
                "Redriven".to_owned()
            }
        });
    }
    places
}
