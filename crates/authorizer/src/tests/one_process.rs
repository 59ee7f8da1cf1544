//! Many events in one process: none leaves anything behind for the next.

use std::sync::atomic::{AtomicBool, Ordering};

use test_realm::{SUBJECT, with};

use super::answers::{START, shipped};
use super::*;

const DESCRIBE: &str = "GET/workflows/payment/executions/e-1";

/// Answers one event after the other, each with its audit line's decision.
fn answers<K: KeySource>(
    setup: Setup<K>,
    events: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = (Value, Value)> {
    let line = Arc::new(Mutex::new(String::new()));
    let authorizer = Authorizer::new(setup, {
        let line = Arc::clone(&line);
        move |written: AuditRecord| {
            *line.lock().expect("a lock") = written.to_line();
            io::Result::Ok(())
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    events.into_iter().map(move |event| {
        let now = UnixTime::from_seconds(NOW).ok_or(claim_guard::unix_time::ClockError);
        let answer = match runtime.block_on(authorizer.answer(read(event.to_string().as_bytes()), now)) {
            Ok(answer) => serde_json::to_value(answer),
            Err(refusal) => serde_json::to_value(Diagnostic::from(refusal)),
        };
        let line: Value = serde_json::from_str(&line.lock().expect("a lock")).expect("JSON");
        (answer.expect("JSON"), line["decision"].clone())
    })
}

/// Panics once, and then answers.
struct RecoveringKeys(AtomicBool);

impl KeySource for RecoveringKeys {
    async fn key_set(&self, key_id: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        assert!(self.0.swap(true, Ordering::SeqCst), "Unauthorized");
        realm_keys().key_set(key_id).await
    }
}

#[test]
fn h12_a_panic_allows_nothing_and_harms_no_later_event() {
    let event = event(&caller(&["payment:audit"]), DESCRIBE);
    let keys = RecoveringKeys(AtomicBool::new(false));
    let seen: Vec<_> = answers(setup(policy(SHIPPED), keys), [event.clone(), event.clone()]).collect();
    assert_eq!(seen[0], (undecided(), json!("undecided")));
    assert_eq!(seen[1], (outcome(shipped(), &event).answer, json!("allow")));
}

/// A token like every other, but for what tells its bearer apart: every second one holds the role.
fn bearer_of(number: usize) -> (Value, bool) {
    let may = number.is_multiple_of(2);
    let roles = json!({ AUDIENCE: { "roles": if may { vec!["payment:audit"] } else { vec![] } } });
    let payload = with(access_token_payload(NOW), "/resource_access", roles);
    // Three of four share the subject, so that neither it nor the key's name nor the audience tells them apart.
    let subject = if number % 4 == 3 { format!("subject-{number}") } else { SUBJECT.to_owned() };
    let payload = with(with(payload, "/sub", json!(subject)), "/x", json!(number));
    (payload, may)
}

#[test]
fn i20_i21_no_token_gets_the_answer_of_another() {
    const TOKENS: usize = 10_000;
    let event_of = |number| event(&bearer(&bearer_of(number).0), DESCRIBE);
    for (number, (answer, decision)) in answers(shipped(), (0..TOKENS).map(event_of)).enumerate() {
        let (payload, may) = bearer_of(number);
        assert_eq!((&answer["principalId"], decision), (&payload["sub"], json!(if may { "allow" } else { "deny" })));
    }
}

#[test]
fn i20_a_token_that_begins_or_ends_like_a_good_one_is_not_taken_for_it() {
    let good = caller(&["payment:audit"]);
    let (begin, signature) = good.rsplit_once('.').expect("three parts");
    let (_, other_signature) = bearer(&access_token_payload(NOW))
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("three parts");
    let forged = [
        format!("{begin}.{other_signature}"),
        format!("{begin}."),
        format!("{good}A"),
        format!("{}.{signature}", bearer(&access_token_payload(NOW)).rsplit_once('.').expect("three parts").0),
    ];
    for header in forged {
        let events = [&good, &header, &good].map(|header| event(header, DESCRIBE));
        let decisions: Vec<Value> = answers(shipped(), events).map(|(_, decision)| decision).collect();
        assert_eq!(decisions, ["allow", "reject", "allow"], "{header}");
    }
}

#[test]
fn i22_a_caller_who_has_lost_a_role_is_denied_with_his_next_token() {
    let events =
        [&["payment:start", "payment:audit"][..], &["payment:audit"], &[]].map(|roles| event(&caller(roles), START));
    let decisions: Vec<Value> = answers(shipped(), events).map(|(_, decision)| decision).collect();
    assert_eq!(decisions, ["allow", "deny", "deny"]);
}
