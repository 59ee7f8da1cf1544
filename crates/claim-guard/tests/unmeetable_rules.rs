//! Rules of `access.toml` that nobody can meet, in one place or one after another, and those that somebody can.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use claim_guard::access::AccessPolicy;

const RUN: &str = "max_duration = \"1h\"\nsession = \"ignored\"\n";

/// A route, a start and a state, each a list of conditions, or any verified caller where there are none.
fn text(route: &[&str], start: &[&str], state: &[&str]) -> String {
    text_with("", route, start, state)
}

fn text_with(actor: &str, route: &[&str], start: &[&str], state: &[&str]) -> String {
    let asked = |conditions: &[&str]| {
        if conditions.is_empty() { "any_verified_caller = true".to_owned() } else { format!("claims = {conditions:?}") }
    };
    format!(
        "[[routes]]\nmethod = \"POST\"\npath = \"/workflows/w/executions\"\n{}\n[workflows.w]\n{RUN}[workflows.w.start]\n{}\n{actor}\n[workflows.w.states.S]\n{}\n{actor}\n",
        asked(route),
        asked(start),
        asked(state)
    )
}

#[track_caller]
fn check(text: &str, accepted: bool) {
    let read = AccessPolicy::parse("access.toml", text);
    assert_eq!(read.is_ok(), accepted, "{text}\n{}", read.err().map(|f| f.to_string()).unwrap_or_default());
}

#[test]
fn a_state_that_contradicts_the_route_is_a_fault() {
    check(&text(&["sub = \"alice\""], &[], &["sub = \"bob\""]), false);
}

#[test]
fn a_state_that_asks_for_an_actor_whom_the_route_forbids_is_a_fault() {
    check(&text_with("actor = \"any\"", &[], &[], &["act.sub = \"admin\""]), false);
}

#[test]
fn a_workflow_that_only_others_start_is_held_to_what_they_ask() {
    let starts = |who: &str| format!("start.claims = ['sub = \"{who}\"']\nnested.N.workflow = \"w\"\n");
    let w = format!("[workflows.w]\n{RUN}start.any_verified_caller = true\nstates.S.claims = ['sub = \"bob\"']\n");
    let by = |parents: &[&str]| {
        let parents = parents.iter().enumerate();
        let parents: String = parents.map(|(n, who)| format!("[workflows.v{n}]\n{RUN}{}", starts(who))).collect();
        format!("{parents}{w}")
    };
    check(&by(&["alice"]), false);
    check(&by(&["alice", "carol"]), false);
    check(&by(&["alice", "bob"]), true);
    let round = format!(
        "[workflows.v]\n{RUN}{}[workflows.w]\n{RUN}start.any_verified_caller = true\nnested.N.workflow = \"v\"\n",
        starts("alice")
    );
    check(&round, true);
}

#[test]
fn several_conditions_of_a_state_that_contradict_the_start_together_are_a_fault() {
    check(&text(&[], &["sub = \"alice\"", "azp = \"app\""], &["sub = input.x", "azp = input.x"]), false);
}

#[test]
fn an_old_log_in_is_never_young_again_at_a_state() {
    check(&text(&[], &["auth_time <= 1000000000"], &["auth_time >= now - 15m"]), false);
}

#[test]
fn a_log_in_that_was_old_at_the_start_is_not_young_at_a_state() {
    check(&text(&[], &["auth_time <= now - 1h"], &["auth_time >= now - 15m"]), false);
}

#[test]
fn a_young_log_in_at_the_start_is_not_one_of_2001_at_a_state() {
    check(&text(&[], &["auth_time >= now - 15m"], &["auth_time <= 1000000000"]), false);
    check(&text(&[], &["auth_time >= now - 15m"], &["auth_time <= 1900000000"]), true);
}

#[test]
fn a_log_in_ages_between_start_and_state() {
    check(&text(&[], &["auth_time >= now - 15m"], &["auth_time <= now - 1h"]), true);
}

#[test]
fn words_that_make_a_scope_longer_than_any_are_a_fault() {
    let words = ["a", "b", "c"].map(|letter| format!("scope contains \"{}\"", letter.repeat(200)));
    check(&text(&[], &[&words[0], &words[1], &words[2]], &[]), false);
}

#[test]
fn a_token_that_expires_before_it_is_issued_is_a_fault() {
    check(&text(&[], &["exp <= 1900000000", "iat >= 1900000000"], &[]), false);
    check(&text(&[], &["exp <= input.x", "iat >= input.x"], &[]), false);
}

#[test]
fn a_token_that_lives_longer_than_any_is_a_fault() {
    check(&text(&[], &["exp >= 1900100000", "iat <= 1900000000"], &[]), false);
}

#[test]
fn a_kind_that_is_the_issuer_is_a_fault() {
    check(&text(&[], &["typ = input.x", "iss = input.x"], &[]), false);
}

#[test]
fn a_list_has_so_many_conditions_that_they_can_be_held_against_each_other() {
    let conditions: Vec<String> = (0..65).map(|number| format!("a{number} >= input.b{number}")).collect();
    let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
    check(&text(&[], &conditions[..64], &[]), true);
    let faults = AccessPolicy::parse("access.toml", &text(&[], &conditions, &[])).map(|_| ()).unwrap_err();
    let expected = "access.toml:9: key `workflows.w.start.claims` has `65` conditions, expected at most `64`";
    assert_eq!(faults.to_string(), expected);
}
