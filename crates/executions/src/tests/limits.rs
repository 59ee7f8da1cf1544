//! How much one party may start.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use claim_guard::Excerpt;
use claim_guard::audit::Reason;
use minting::ServiceError;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with};
use tokio::task::LocalSet;

use super::table::Chances;
use super::world::{TABLE, World, environment, lab_in, lab_with};
use super::*;
use crate::limits::{LimitFault, StartLimits};
use crate::services::Status;
use crate::settings::{Fault, Settings};
use crate::tally::{Place, START_SHOWS_WITHIN};

/// The environment of a stack with these limits; an empty one is none.
fn limits(starts: &'static str, running: &'static str) -> impl Fn(&str) -> Option<String> {
    move |variable| match variable {
        "STARTS_PER_MINUTE" => Some(starts.to_owned()),
        "RUNNING_EXECUTIONS" => Some(running.to_owned()),
        "START_LIMITS_TABLE" => Some(TABLE.to_owned()),
        _ => environment(variable),
    }
}

pub(super) fn limited(variable: &str) -> Option<String> {
    limits("3", "2")(variable)
}

fn lab_of(starts: &'static str, running: &'static str, change: impl FnOnce(&mut World)) -> Executions<World> {
    let mut lab = lab_with(&limits(starts, running));
    change(&mut lab.outside);
    lab
}

/// A start by whoever the payload speaks of, at the world's time.
fn start_by(lab: &Executions<World>, payload: &Value) -> RecordedResponse {
    let issued = NOW - 10 + lab.outside.passed.load(Ordering::Relaxed);
    let fresh = access_token_payload(issued);
    let mut payload = payload.clone();
    for claim in ["iat", "exp", "auth_time"] {
        if let Some(value) = fresh.get(claim) {
            payload[claim] = value.clone();
        }
    }
    ask(lab, &event("start", &token_of(&payload)))
}

fn starts(lab: &Executions<World>, count: usize) {
    for _ in 0..count {
        assert_eq!(heard(&start_by(lab, &payload()))["statusCode"], 202);
    }
}

fn end_all(lab: &Executions<World>) {
    for execution in lab.outside.executions.lock().unwrap().values_mut() {
        execution.status = Status::Succeeded;
    }
}

fn pass(lab: &Executions<World>, seconds: i64) {
    lab.outside.passed.fetch_add(seconds, Ordering::Relaxed);
}

fn too_many(seconds: i64, detail: &str) -> Value {
    problem_with(json!({ "Retry-After": seconds.to_string() }), 429, "Too Many Requests", detail)
}

const ALL_RUNNING: &str = "as many of your executions run as you may have running: wait for one to end, or stop one";

#[track_caller]
fn check_refused(lab: &Executions<World>, expected: Value, code: &str, message: &str) {
    let started = lab.outside.executions.lock().unwrap().len();
    let calls = lab.outside.calls().len();
    let answer = start_by(lab, &payload());
    assert_eq!(heard(&answer), expected);
    let line = logged(&answer);
    assert_eq!(line["decision"], "allow");
    assert_eq!(line["reasons"], json!([{ "code": code, "message": message }]));
    assert_eq!(line["point"]["kind"], "start");
    assert!(line["point"]["execution"].is_string(), "{line}");
    assert_eq!(line["token"].get("txn"), None);
    assert_eq!(lab.outside.executions.lock().unwrap().len(), started);
    assert!(!lab.outside.calls()[calls..].iter().any(|call| call == "sign" || call == "start"));
}

#[test]
fn without_limits_nothing_is_counted() {
    let lab = lab_in(|_| {});
    starts(&lab, 30);
    assert!(!lab.outside.calls().iter().any(|call| call == "count" || call == "take place"));
}

#[test]
fn no_more_start_in_a_minute_than_may() {
    let lab = lab_of("3", "", |_| {});
    pass(&lab, 40 - NOW.rem_euclid(60));
    starts(&lab, 3);
    let detail = "you have started as many executions as you may in a minute: try again in 20 seconds";
    let message = "expected at most `3` starts in a minute, presented one after `3`";
    check_refused(&lab, too_many(20, detail), "starts_used_up", message);
    pass(&lab, 19);
    let detail = "you have started as many executions as you may in a minute: try again in 1 seconds";
    check_refused(&lab, too_many(1, detail), "starts_used_up", message);
    pass(&lab, 1);
    starts(&lab, 3);
    assert_eq!(lab.outside.calls().iter().filter(|call| *call == "describe").count(), 0);
}

#[test]
fn no_more_run_at_once_than_may() {
    let lab = lab_of("", "2", |_| {});
    starts(&lab, 2);
    let message = "expected at most `2` running executions, presented one beside `2`";
    check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
    // One of them ends, and makes room for one.
    let first = execution_arn(&given("01"));
    lab.outside.change(&first, |execution| execution.status = Status::Failed);
    starts(&lab, 1);
    check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
    // What will be redriven runs.
    lab.outside.change(&execution_arn(&given("03")), |execution| execution.status = Status::PendingRedrive);
    check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
}

#[test]
fn places_of_ended_executions_are_all_given_back_by_one_look() {
    let lab = lab_of("", "25", |_| {});
    starts(&lab, 25);
    end_all(&lab);
    let before = lab.outside.calls().len();
    starts(&lab, 1);
    let told =
        [vec!["take place", "count"], vec!["describe"; 25], vec!["give back", "take place", "sign", "ask", "start"]];
    assert_eq!(lab.outside.calls()[before..], told.concat());
    starts(&lab, 24);
    assert_eq!(lab.outside.calls().iter().filter(|call| *call == "describe").count(), 25);
}

#[test]
fn starts_in_vain_cost_no_more_looks_than_a_minute_has() {
    let lab = lab_of("", "25", |_| {});
    pass(&lab, 40 - NOW.rem_euclid(60));
    starts(&lab, 25);
    let looks = || lab.outside.calls().iter().filter(|call| *call == "describe").count();
    for _ in 0..4 {
        let message = "expected at most `25` running executions, presented one beside `25`";
        check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
    }
    assert_eq!(looks(), 100);
    let message = "expected at most `25` running executions, presented one beside `25`, which this minute's `100` looks do \
                   not suffice for";
    for _ in 0..3 {
        check_refused(&lab, too_many(20, ALL_RUNNING), "looks_used_up", message);
    }
    assert_eq!(looks(), 100);
    pass(&lab, 20);
    end_all(&lab);
    starts(&lab, 1);
}

#[test]
fn asked_again_under_its_key_an_execution_has_one_place() {
    let lab = lab_of("", "1", |_| {});
    let key = |key: &str| heard(&ask(&lab, &keyed(&payload(), key, "{\"project_id\":\"apollo\",\"amount\":1}")));
    let first = key("order-1");
    assert_eq!(first["statusCode"], 202);
    let again = key("order-1");
    assert_eq!(again["headers"]["idempotency-replayed"], "true");
    assert_eq!(again["body"], first["body"]);
    assert_eq!(key("order-2")["statusCode"], 429);
    assert_eq!(key("order-1")["statusCode"], 202);
}

#[test]
fn each_repetition_is_a_start_to_the_rate() {
    let lab = lab_of("2", "", |_| {});
    let again = || heard(&ask(&lab, &keyed(&payload(), "order-1", "{\"project_id\":\"apollo\",\"amount\":1}")));
    assert_eq!([again()["statusCode"].clone(), again()["statusCode"].clone()], [202, 202]);
    assert_eq!(again()["statusCode"], 429);
}

#[test]
fn each_party_is_counted_by_itself_and_the_one_who_acts_is_the_party() {
    let mut lab = lab_of("1", "", |_| {});
    lab.policy = super::actors::open_to_actors();
    let by = |payload: &Value| heard(&start_by(&lab, payload))["statusCode"].clone();
    assert_eq!([by(&payload()), by(&payload())], [202, 429]);
    // Through another client he is the same.
    assert_eq!(by(&with(payload(), "/azp", json!("other-app"))), 429);
    assert_eq!(by(&other(&["payment:start"])), 202);
    // Who acts in many callers' places is one party, and takes nothing of theirs.
    let acts = |payload: &Value| with(payload.clone(), "/act", json!({ "sub": "c2f5a9d0-admin" }));
    let third = with(payload(), "/sub", json!("9b1f6c1e-0000-4000-8000-0000000000c0"));
    assert_eq!([by(&acts(&payload())), by(&acts(&third)), by(&third)], [202, 429, 202]);
    // An issuer that is not named is the token's.
    let named = json!({ "sub": "c2f5a9d0-admin", "iss": ISSUER });
    assert_eq!(by(&with(third, "/act", named)), 429);
}

#[test]
fn the_table_holds_nobodys_id() {
    let lab = lab_of("3", "2", |_| {});
    starts(&lab, 2);
    check_refused(
        &lab,
        too_many(10, ALL_RUNNING),
        "all_running",
        "expected at most `2` running executions, presented one beside `2`",
    );
    let counters: Vec<String> = lab.outside.table.counters.lock().unwrap().keys().cloned().collect();
    let parties: Vec<String> = lab.outside.table.parties.lock().unwrap().keys().cloned().collect();
    let party = naming_key().digits("start limits", &[ISSUER, SUBJECT], 32);
    let minute = NOW.div_euclid(60);
    assert_eq!(counters, [format!("{party}/looks/{minute}"), format!("{party}/starts/{minute}")]);
    assert_eq!(parties, [format!("{party}/running")]);
    let places = lab.outside.table.parties.lock().unwrap()[&parties[0]].clone();
    let places: Vec<&str> = places.keys().map(|place| place.as_str()).collect();
    assert_eq!(places, [format!("payment/{}", given("01")), format!("payment/{}", given("03"))]);
}

/// A start for which the table fails at that call, once two executions have ended that hold the places.
#[track_caller]
fn check_failing(call: &'static str) {
    let undecided = ServiceError::Undecided(Reason::new("service_throttled", &"busy"));
    let misconfigured = ServiceError::Misconfigured(Reason::new("service_refused", &"no"));
    for (failure, decision, heard_then) in
        [(undecided, "undecided", unavailable()), (misconfigured, "misconfigured", internal())]
    {
        let mut lab = lab_of("9", "2", |_| {});
        starts(&lab, 2);
        end_all(&lab);
        lab.outside.table.failure = Some((call, failure));
        let before = lab.outside.calls().len();
        let answer = start_by(&lab, &payload());
        assert_eq!(heard(&answer), heard_then, "{call}");
        assert_eq!(logged(&answer)["decision"], decision, "{call}");
        assert!(!lab.outside.calls()[before..].iter().any(|call| call == "sign" || call == "start"), "{call}");
        lab.outside.table.failure = None;
        starts(&lab, 1);
    }
}

#[test]
fn while_the_table_does_not_answer_nothing_starts() {
    for call in ["count", "take place", "give back"] {
        check_failing(call);
    }
}

#[test]
fn while_step_functions_does_not_say_what_runs_nothing_more_starts() {
    let mut lab = lab_of("", "1", |_| {});
    starts(&lab, 1);
    end_all(&lab);
    lab.outside.describe_failure = Some(ServiceError::Undecided(Reason::new("service_throttled", &"busy")));
    let answer = start_by(&lab, &payload());
    assert_eq!((heard(&answer), logged(&answer)["decision"].clone()), (unavailable(), json!("undecided")));
    lab.outside.describe_failure = None;
    starts(&lab, 1);
}

#[test]
fn a_table_that_is_too_slow_is_undecided() {
    let lab = lab_of("3", "2", |world| world.table.takes = Duration::from_secs(3));
    let answer = start_by(&lab, &payload());
    assert_eq!(heard(&answer), unavailable());
    let reasons = json!([{ "code": "limits_too_slow", "message": "there is no answer after 4 seconds" }]);
    assert_eq!(logged(&answer)["reasons"], reasons);
    assert_eq!(lab.outside.calls(), ["count", "take place"]);
}

#[test]
fn what_failed_to_start_keeps_its_place_until_it_shows_that_it_did_not() {
    let failure = || ServiceError::Undecided(Reason::new("service_unreachable", &"gone"));
    for change in [
        (|world: &mut World, failure| world.start_failure = Some(failure)) as fn(&mut World, ServiceError),
        |world, failure| world.signature = Err(failure),
        |world, _| world.refuses_input = true,
    ] {
        let mut lab = lab_of("", "1", |world| change(world, failure()));
        assert_ne!(heard(&start_by(&lab, &payload()))["statusCode"], 202);
        lab.outside.start_failure = None;
        lab.outside.signature = Ok(super::world::kms_key());
        lab.outside.refuses_input = false;
        let message = "expected at most `1` running executions, presented one beside `1`";
        check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
        pass(&lab, START_SHOWS_WITHIN);
        check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
        pass(&lab, 1);
        starts(&lab, 1);
    }
}

#[test]
fn what_was_started_and_not_answered_keeps_its_place() {
    let lab = lab_of("", "1", |_| {});
    starts(&lab, 1);
    pass(&lab, 10 * START_SHOWS_WITHIN);
    let message = "expected at most `1` running executions, presented one beside `1`";
    check_refused(&lab, too_many(10, ALL_RUNNING), "all_running", message);
}

#[test]
fn a_place_that_names_no_execution_of_ours_is_given_up() {
    let lab = lab_of("", "2", |_| {});
    starts(&lab, 1);
    let mut parties = lab.outside.table.parties.lock().unwrap();
    let held = parties.values_mut().next().unwrap();
    *held = ["payment-of-before/00", "x"].map(|text| (Place::presented(text.to_owned()), NOW)).into();
    drop(parties);
    starts(&lab, 2);
}

/// Some requests at a time, for some rounds: who fails, whose turn it is and what Step Functions does not show yet is chance.
fn race(seed: u64, most: &'static str, rounds: usize) -> (usize, Rc<Executions<World>>) {
    let lab = Rc::new(lab_of("", most, |world| world.chances = Some(Chances::new(seed))));
    let chances = || lab.outside.chances.as_ref().unwrap();
    for _ in 0..rounds {
        let issued = NOW - 10 + lab.outside.passed.load(Ordering::Relaxed);
        let token = token_of(&access_token_payload(issued));
        let requests = 1 + chances().below(5);
        let events: Vec<String> = (0..requests)
            .map(|_| match chances().below(3) {
                0 => {
                    let key = json!([format!("order-{}", chances().below(4))]);
                    let event = event("start-idempotent", &token);
                    with(event, "/multiValueHeaders/Idempotency-Key", key).to_string()
                }
                _ => event("start", &token).to_string(),
            })
            .collect();
        block_on(async {
            let local = LocalSet::new();
            for event in events {
                let lab = Rc::clone(&lab);
                local.spawn_local(async move { lab.answer(&event).await });
            }
            local.await;
        });
        for execution in lab.outside.executions.lock().unwrap().values_mut() {
            if chances().below(3) == 0 {
                execution.status = Status::Succeeded;
            }
        }
        chances().settle();
        pass(&lab, i64::try_from(chances().below(90)).unwrap());
    }
    let seen = *chances().most.lock().unwrap();
    (seen, lab)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn never_more_run_than_may_whatever_fails_and_whoever_races(seed: u64, bound in 0_usize..3) {
        let (most, text) = [(1, "1"), (2, "2"), (4, "4")][bound];
        let (seen, mut lab) = race(seed, text, 10);
        prop_assert!(seen <= most, "{} ran", seen);
        // Nothing is lost: once all have ended, there is room for as many again.
        end_all(&lab);
        pass(&lab, 2 * START_SHOWS_WITHIN);
        Rc::get_mut(&mut lab).unwrap().outside.chances = None;
        starts(&lab, most);
    }
}

#[test]
fn a_race_comes_to_as_many_as_may_run() {
    assert!((0..32).any(|seed| race(seed, "2", 4).0 == 2));
}

#[track_caller]
fn check_settings(starts: &str, running: &str, table: &str, expected: Result<bool, Vec<LimitFault>>) {
    let lookup = |variable: &str| match variable {
        "STARTS_PER_MINUTE" => Some(starts.to_owned()),
        "RUNNING_EXECUTIONS" => Some(running.to_owned()),
        "START_LIMITS_TABLE" => Some(table.to_owned()),
        _ => environment(variable),
    };
    let limits = StartLimits::from_lookup(lookup);
    assert_eq!(limits.clone().map(|limits| limits.is_some()), expected);
    let faults = limits.err().map(|faults| faults.into_iter().map(Fault::Limits).collect::<Vec<_>>());
    assert_eq!(Settings::from_lookup(&policy(), lookup).map(|_| ()).err(), faults);
}

#[test]
fn limits_are_numbers_with_a_table_to_count_in() {
    check_settings("", "", "", Ok(false));
    for (starts, running) in [("1", ""), ("", "1"), ("999", "25")] {
        check_settings(starts, running, "lab_Starts-1.x", Ok(true));
        check_settings(starts, running, "", Err(vec![LimitFault::NoTable]));
    }
    check_settings("", "", TABLE, Err(vec![LimitFault::NoLimit]));
    let not = |variable, most, text: &str| LimitFault::NotALimit { variable, most, presented: Excerpt::of(text) };
    for text in ["0", "01", "+1", "-1", "1.5", " 1", "1000", "65537", "many"] {
        check_settings(text, "1", TABLE, Err(vec![not("STARTS_PER_MINUTE", 999, text)]));
    }
    for text in ["0", "01", "+1", "26"] {
        check_settings("1", text, TABLE, Err(vec![not("RUNNING_EXECUTIONS", 25, text)]));
    }
    for text in ["ab", "a b", "arn:aws:dynamodb:eu-central-1:111122223333:table/x"] {
        check_settings("1", "", text, Err(vec![LimitFault::NotATable { presented: Excerpt::of(text) }]));
    }
    let all = [
        not("STARTS_PER_MINUTE", 999, "x"),
        not("RUNNING_EXECUTIONS", 25, "y"),
        LimitFault::NotATable { presented: Excerpt::of("/") },
    ];
    check_settings("x", "y", "/", Err(all.into()));
}
