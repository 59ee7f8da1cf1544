//! Worlds that are written down: the sample's drills in small, and for each wrong pattern one that shows it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contract::{Violation, violations};
use crate::machine::{BACK_OFF, Pattern, run};
use crate::plan::{Contract, Plan, Step, Task, Terms};
use crate::realm::{Change, Outage, Realm};
use crate::story::{End, Event, Verdict};

/// Screens, with an identity of at most 30 seconds.
const SCREEN: Step = guarded(0);
/// Approves, as long as the statement holds.
const APPROVE: Step = guarded(1);
/// Executes, and asks for every attempt.
const EXECUTE: Step = guarded(2);

const fn guarded(state: usize) -> Step {
    Step::Guarded(Task { state, seconds: 1, failures: 0, attempts: 0, interval: 1 })
}

fn world(steps: impl IntoIterator<Item = Step>, changes: &[(i64, Change)], outages: &[(i64, i64, Outage)]) -> Plan {
    let contract = |max_age| Contract { max_age, revalidate_on_denied: true, asks_strong: false };
    Plan {
        terms: Terms {
            lifetime: 300,
            max_duration: None,
            session_required: false,
            contracts: [contract(Some(30)), contract(None), contract(Some(0))],
        },
        realm: Realm { at_first: BTreeSet::from([0, 1, 2]), changes: changes.to_vec(), outages: outages.to_vec() },
        access_token_age: 5,
        is_strong: true,
        steps: steps.into_iter().collect(),
        redrives: Vec::new(),
        delays: vec![0],
        jitter: vec![100],
        slow: BTreeSet::new(),
    }
}

/// How a plan ends as woven, with no promise broken, and what another pattern breaks.
#[track_caller]
fn check(plan: &Plan, ends: End, pattern: Pattern, breaks: &[Violation]) {
    let story = run(plan, Pattern::Woven);
    assert_eq!((story.end, violations(plan, &story)), (ends, Vec::new()), "{story:#?}");
    let story = run(plan, pattern);
    assert_eq!(violations(plan, &story), breaks, "{story:#?}");
}

#[test]
fn a_role_that_is_granted_while_the_run_waits_is_used() {
    let mut plan = world([Step::Wait(20), APPROVE], &[(10, Change::Grant(1))], &[]);
    plan.realm.at_first = BTreeSet::from([0]);
    plan.realm.changes.push((11, Change::Raise(1)));
    check(&plan, End::Succeeded, Pattern::TakesTheFirstNo, &[]);
    assert_eq!(run(&plan, Pattern::TakesTheFirstNo).end, End::Denied);
}

#[test]
fn a_role_that_is_lost_while_the_run_waits_is_used_no_longer_than_the_contract() {
    let lost = [(10, Change::Remove(0)), (10, Change::Remove(1)), (10, Change::Remove(2))];
    // The access token is five seconds old at the start.
    for (state, until) in [(SCREEN, 25), (APPROVE, 299)] {
        for (wait, ends) in [(until, End::Succeeded), (until + 1, End::Denied)] {
            let plan = world([Step::Wait(wait), state.clone()], &lost, &[]);
            assert_eq!(run(&plan, Pattern::Woven).end, ends);
        }
    }
    let breaks = Violation::ActedWithout { state: "Screen", at: 41, fact: "role" };
    check(&world([Step::Wait(41), SCREEN], &lost, &[]), End::Denied, Pattern::LooksAtNoClock, &[breaks]);
    let breaks = Violation::ActedWithout { state: "Execute", at: 21, fact: "role" };
    check(
        &world([Step::Wait(21), EXECUTE], &lost, &[(0, 60, Outage::OutOfReach)]),
        End::Undecided,
        Pattern::TrustsMemory,
        &[breaks],
    );
}

#[test]
fn a_statement_that_is_not_replaced_is_asked_about_for_ever() {
    let plan = world([Step::Wait(301), APPROVE], &[], &[]);
    let endless = [
        Violation::StoppedWithoutReason { end: End::Endless },
        Violation::AskedTooOften { state: "Approve", statements: 150, allowed: 3 },
        Violation::WrongEnd { end: End::Endless },
    ];
    check(&plan, End::Succeeded, Pattern::KeepsTheOldStatement, &endless);
}

#[test]
fn a_redrive_after_the_user_was_disabled_does_nothing() {
    let failing = Task { state: 1, seconds: 1, failures: 1, attempts: 0, interval: 1 };
    let mut plan = world([Step::Guarded(failing)], &[(10, Change::DisableUser)], &[]);
    plan.redrives = vec![20];
    let breaks = [
        Violation::ActedWithout { state: "Approve", at: 22, fact: "user" },
        Violation::ActedAfterWithdrawal { state: "Approve", at: 22, withdrawn_at: 10 },
    ];
    check(&plan, End::Denied, Pattern::ForgetsRedrives, &breaks);
}

#[test]
fn a_realm_that_is_back_before_the_retries_end_stops_nobody() {
    for how in [
        Outage::OutOfReach,
        Outage::Html,
        Outage::HalfABody,
        Outage::AnotherRealm,
        Outage::AnotherUser,
        Outage::AnotherClient,
    ] {
        let plan = world([EXECUTE], &[], &[(0, 30, how)]);
        check(&plan, End::Succeeded, Pattern::NeverRetries, &[Violation::GivenUpEarly]);
        let plan = world([EXECUTE], &[], &[(0, 31, how)]);
        assert_eq!(run(&plan, Pattern::Woven).end, End::Undecided);
    }
}

#[test]
fn a_denial_that_stands_is_asked_about_once() {
    let plan = world([APPROVE], &[(-3, Change::Lower(1))], &[]);
    let breaks = Violation::AskedTooOften { state: "Approve", statements: 10, allowed: 3 };
    let mut plan = Plan { access_token_age: 2, ..plan };
    check(&plan, End::Denied, Pattern::AsksUntilItLikesTheAnswer, &[breaks]);
    plan.terms.contracts[1].revalidate_on_denied = false;
    let story = run(&plan, Pattern::Woven);
    let decided = Event::Decided { visit: (0, 0, 0), state: 1, at: 0, verdict: Verdict::Denied };
    assert_eq!((story.end, story.events), (End::Denied, vec![decided]));
}

#[test]
fn a_withdrawal_ends_the_run_at_its_next_question() {
    for change in [
        Change::DisableUser,
        Change::DeleteUser,
        Change::EndSession,
        Change::DisableClient,
        Change::WithdrawRealm,
        Change::WithdrawClient,
        Change::WithdrawUser,
    ] {
        let mut plan = world([EXECUTE, Step::Wait(100), SCREEN, EXECUTE], &[(50, change)], &[]);
        plan.terms.session_required = true;
        let story = run(&plan, Pattern::Woven);
        assert_eq!((story.end, violations(&plan, &story)), (End::Denied, Vec::new()), "{change:?}");
        let withdrawn = violations(&plan, &run(&plan, Pattern::LooksAtNoClock));
        assert!(withdrawn.contains(&Violation::ActedAfterWithdrawal { state: "Screen", at: 101, withdrawn_at: 50 }));
    }
}

#[test]
fn a_session_that_the_policy_ignores_may_end() {
    let plan = world([EXECUTE, Step::Wait(100), SCREEN, EXECUTE], &[(50, Change::EndSession)], &[]);
    check(&plan, End::Succeeded, Pattern::Woven, &[]);
}

#[test]
fn branches_that_expire_together_each_get_a_statement_of_their_own() {
    let task = Task { state: 0, seconds: 2, failures: 0, attempts: 0, interval: 1 };
    for distributed in [false, true] {
        let plan = world([Step::Wait(31), Step::Branches { task, branches: 10, distributed }], &[], &[]);
        let story = run(&plan, Pattern::Woven);
        assert_eq!((story.end, violations(&plan, &story)), (End::Succeeded, Vec::new()));
        let asked = story.events.iter().filter(|event| matches!(event, Event::Asked { .. })).count();
        assert_eq!(asked, 10);
    }
}

#[test]
fn a_loop_that_comes_round_soon_and_often_is_not_stopped() {
    for (state, pause, times) in
        [(SCREEN, 4, 200), (SCREEN, 31, 50), (APPROVE, 1, 1000), (EXECUTE, 1, 100), (EXECUTE, 20, 300)]
    {
        let steps = std::iter::repeat_n([state, Step::Wait(pause)], times).flatten();
        check(&world(steps, &[], &[]), End::Succeeded, Pattern::Woven, &[]);
    }
    let steps = std::iter::repeat_n([EXECUTE, Step::Wait(1)], 101).flatten();
    check(&world(steps, &[], &[]), End::Denied, Pattern::Woven, &[]);
}

#[test]
fn a_run_that_has_taken_its_time_is_over() {
    let mut plan = world([Step::Wait(300), APPROVE], &[], &[]);
    plan.terms.max_duration = Some(300);
    let breaks = Violation::ActedTooLate { state: "Approve", at: 300 };
    let story = run(&plan, Pattern::Woven);
    assert_eq!((story.end, violations(&plan, &story)), (End::Denied, Vec::new()));
    assert!(violations(&plan, &run(&plan, Pattern::LooksAtNoClock)).contains(&breaks));
}

/// What the interpreter does is what stands in a woven machine.
#[test]
fn the_interpreter_waits_and_goes_back_as_the_sample_s_machine_does() {
    let machine: Value = serde_json::from_str(include_str!("../../statemachines/payment.asl.json")).unwrap();
    let state = |name: &str| machine["States"][name].clone();
    for (name, back_to) in
        [("Revalidate ApprovePayment", "ApprovePayment"), ("Reconsider ApprovePayment", "ApprovePayment")]
    {
        let state = state(name);
        let retry = &state["Retry"][0];
        let number = |member: &str| retry[member].as_i64().unwrap();
        let attempts = u32::try_from(number("MaxAttempts")).unwrap();
        let longest = number("MaxDelaySeconds");
        let waits = (0..attempts).map(|n| (number("IntervalSeconds") * number("BackoffRate").pow(n)).min(longest));
        assert_eq!(waits.collect::<Vec<_>>(), BACK_OFF, "{name}");
        assert_eq!(
            (&retry["ErrorEquals"], &retry["JitterStrategy"]),
            (&json!(["ClaimGuard.Undecided"]), &json!("FULL"))
        );
        assert_eq!(state["Next"], json!(back_to));
    }
    let caught = |error: &str| {
        let rules = state("ApprovePayment")["Catch"].as_array().unwrap().clone();
        rules.into_iter().find(|rule| rule["ErrorEquals"] == json!([error])).map(|rule| rule["Next"].clone())
    };
    assert_eq!(caught("ClaimGuard.IdentityExpired"), Some(json!("Revalidate ApprovePayment")));
    assert_eq!(caught("ClaimGuard.Denied"), Some(json!("Reconsider ApprovePayment")));
    // A state that asks for every attempt is entered through its question.
    let next = |name: &str| state(name)["Next"].clone();
    assert_eq!(
        (next("ApprovePayment"), next("Revalidate ExecutePayment")),
        (json!("Revalidate ExecutePayment"), json!("ExecutePayment"))
    );
}

#[test]
fn a_log_in_is_as_strong_after_a_renewal_as_it_was() {
    for (is_strong, ends) in [(true, End::Succeeded), (false, End::Denied)] {
        for state in [SCREEN, APPROVE, EXECUTE] {
            let mut plan = world([Step::Wait(400), state], &[], &[]);
            plan.is_strong = is_strong;
            for contract in &mut plan.terms.contracts {
                contract.asks_strong = true;
            }
            let story = run(&plan, Pattern::Woven);
            assert_eq!((story.end, violations(&plan, &story)), (ends, Vec::new()), "{story:#?}");
        }
    }
}
