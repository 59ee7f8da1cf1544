//! The drills: something happens to an identity while a workflow runs.
//!
//! What each does, and what it tells of the whole history and of every decision, stands in the scene of that name, which
//! `cargo xtask demo --scene NAME` plays too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod client_keys;
mod in_process;
mod log_in;
mod service_account;
#[path = "../support/signed_in.rs"]
mod signed_in;
#[path = "../support/mod.rs"]
mod support;
mod turns;
mod unpublished;

use std::collections::BTreeSet;

use xtask::demo::{Part, play_one, scenes};
use xtask::lab::Lab;

use turns::{ageing, shared, whole};

#[track_caller]
fn play(name: &str) {
    let scene = scenes().find(|scene| scene.name == name).unwrap_or_else(|| panic!("there is no scene `{name}`"));
    let lab = Lab::for_tests().unwrap();
    assert!(play_one(scene, &lab), "`{name}` went otherwise; see above");
}

/// A drill about one user and one execution.
#[track_caller]
fn beside_others(name: &str) {
    let _shared = shared();
    play(name);
}

/// A drill about one user and one execution, whose statement grows old.
#[track_caller]
fn grows_old(name: &str) {
    let _ageing = ageing();
    play(name);
}

/// A drill that needs the whole lab.
#[track_caller]
fn alone(name: &str) {
    let _whole = whole();
    play(name);
}

#[test]
fn a_role_that_is_removed_while_the_run_waits_moves_no_money() {
    beside_others("role-removed");
}

#[test]
fn a_role_that_is_granted_while_the_run_waits_is_denied_first_and_then_passes() {
    beside_others("role-granted");
}

#[test]
fn a_user_who_is_disabled_stops_the_run() {
    beside_others("user-disabled");
}

#[test]
fn a_user_who_is_deleted_stops_the_run() {
    beside_others("user-deleted");
}

#[test]
fn a_user_who_logs_out_stops_a_run_that_requires_the_session() {
    beside_others("logged-out");
}

#[test]
fn a_user_who_has_logged_out_starts_nothing_though_the_access_token_is_still_good() {
    alone("logged-out-before");
}

#[test]
fn a_client_whose_refresh_token_is_revoked_has_no_session_to_go_on_in() {
    beside_others("client-revoked");
}

#[test]
fn a_session_that_is_idle_for_too_long_is_over_before_keycloak_clears_it_away() {
    alone("session-idle");
}

#[test]
fn a_user_who_is_locked_out_for_a_while_is_not_denied() {
    beside_others("locked-out");
}

#[test]
fn a_user_who_is_locked_out_for_good_is_disabled() {
    alone("locked-out-for-good");
}

#[test]
fn ten_branches_that_read_a_user_at_once_do_not_take_him_for_disabled() {
    alone("read-at-once");
}

#[test]
fn a_realm_whose_not_before_is_raised_stops_the_run() {
    alone("realm-not-before");
}

#[test]
fn a_flag_that_turns_false_is_seen_by_the_state_that_asks_for_it() {
    grows_old("flag-false");
}

#[test]
fn a_keycloak_that_is_back_after_a_while_lets_the_run_go_on() {
    alone("keycloak-down");
}

#[test]
fn keys_that_are_rotated_during_the_run_do_not_stop_it() {
    alone("keys-rotated");
}

#[test]
fn a_run_that_was_stopped_and_is_redriven_gets_no_new_identity() {
    beside_others("redriven");
}

#[test]
fn a_token_out_of_a_history_renews_nothing_whether_its_run_ended_was_stopped_or_goes_on() {
    beside_others("out-of-history");
}

#[test]
fn ten_branches_that_expire_together_go_on_and_ask_once_each() {
    grows_old("ten-branches");
}

#[test]
fn a_token_of_yesterday_proves_nothing_in_an_execution_of_today() {
    beside_others("replayed");
}

/// The names of the scenes that a test above plays.
fn tested() -> BTreeSet<&'static str> {
    let lines = include_str!("main.rs").lines().map(str::trim);
    let name = |line: &'static str| {
        let mut calls = ["beside_others", "grows_old", "alone"].into_iter();
        calls.find_map(|call| line.strip_prefix(call)?.strip_prefix("(\"")?.strip_suffix("\");"))
    };
    lines.filter_map(name).collect()
}

#[test]
fn every_drill_is_a_test() {
    let drills: BTreeSet<&str> = scenes().filter(|scene| scene.part != Part::Story).map(|scene| scene.name).collect();
    assert_eq!(tested(), drills);
}
