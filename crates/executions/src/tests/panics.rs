//! A panic anywhere is one undecided request: one audit line, the fixed answer, and nothing of what was presented.

use std::cell::RefCell;
use std::io;

use claim_guard::UnixTime;
use claim_guard::audit::AuditRecord;
use serde_json::{Value, json};
use test_realm::{NOW, without};

use super::limits::limited;
use super::world::{HUSH, Part, World, lab, lab_in, lab_with};
use super::*;
use crate::executions::Service;

/// The answer to an event, and the lines that were written.
fn served(world: World, event: &Value) -> (Value, Vec<Value>) {
    served_by(lab_in(|made| *made = world), event, |_| {})
}

fn served_by(mut lab: Executions<World>, event: &Value, change: impl FnOnce(&mut World)) -> (Value, Vec<Value>) {
    change(&mut lab.outside);
    let lines = RefCell::new(Vec::new());
    let write = |record: AuditRecord| {
        lines.borrow_mut().push(serde_json::from_str(&record.to_line()).unwrap());
        Ok(())
    };
    let service = Service::Ready(Box::new(lab));
    let response = block_on(service.serve(&event.to_string(), UnixTime::from_seconds(NOW), write));
    (heard_of(&response), lines.into_inner())
}

fn broken_down() -> Value {
    let detail = "try once more; with the same Idempotency-Key nothing is started a second time; then tell the operator \
                  of this service, and quote the instance";
    problem(500, "Internal Server Error", detail)
}

fn panicked(point: Value) -> Value {
    let reasons = json!([{ "code": "panicked", "message": "the function panicked: its log says where" }]);
    nameless_line("undecided", point, json!({}), reasons)
}

fn asked(kind: &str) -> Value {
    json!({ "kind": kind, "workflow": "payment", "execution": given("01") })
}

#[test]
fn a_panic_anywhere_is_undecided_and_makes_one_audit_line_that_quotes_nothing() {
    for part in [Part::Keys, Part::Naming, Part::Random, Part::Signer, Part::SignerLater, Part::Callers, Part::Start] {
        let mut world = lab().outside;
        world.panics = Some(part);
        let seen = served(world, &start_event());
        assert_eq!(seen, (broken_down(), vec![panicked(start_point(None))]), "{part:?}");
    }
    let seen = served_by(lab_with(&limited), &start_event(), |world| world.panics = Some(Part::Table));
    assert_eq!(seen, (broken_down(), vec![panicked(start_point(None))]));
    for (kind, part) in [("describe", Part::Describe), ("stop", Part::Describe), ("stop", Part::Stop)] {
        let mut lab = lab();
        ask(&lab, &start_event());
        lab.outside.panics = Some(part);
        let seen = served(lab.outside, &about(kind, &payload(), &given("01")));
        assert_eq!(seen, (broken_down(), vec![panicked(asked(kind))]), "{kind} {part:?}");
    }
}

#[test]
fn a_clock_that_panics_is_a_clock_that_cannot_be_read() {
    let mut world = lab().outside;
    world.panics = Some(Part::Clock);
    let seen = served(world, &start_event());
    assert_eq!(seen, (broken_down(), vec![without(panicked(start_point(None)), "/at")]));
}

#[test]
fn a_log_that_fails_or_panics_gives_an_answer_that_says_nothing() {
    let full = |_: AuditRecord| Err(io::Error::other(HUSH));
    let broken = |_: AuditRecord| -> io::Result<()> { panic!("{HUSH}") };
    let service = || Service::Ready(Box::new(lab()));
    let event = start_event().to_string();
    let first = heard_of(&block_on(service().serve(&event, None, full)));
    let second = heard_of(&block_on(service().serve(&event, None, broken)));
    let expected = without(unavailable(), "/body/instance");
    assert_eq!((first, second), (expected.clone(), expected));
}
