use std::sync::{LazyLock, Mutex, PoisonError};

use minting::StartAnswer;
use revalidation::{Revalidation, RevalidationResponse};
use serde_json::{Value, json};

use crate::fixture::{ACCESS_TOML, EXECUTION, MACHINE, lax};
use crate::reached::reached;
use crate::realm::{Answers, GOOD, RecordedAnswers, Stack, revalidation};
use crate::revalidation_event::{TOKEN, read, ruled};

/// The policy that asks for all that a realm can answer.
static DEMANDING: LazyLock<(Revalidation<RecordedAnswers, Stack, Stack, Stack>, RecordedAnswers)> =
    LazyLock::new(|| {
        let told = RecordedAnswers::new(GOOD.clone());
        let access_toml = ACCESS_TOML.replace("session = \"ignored\"", "session = \"required\"");
        (revalidation(&access_toml, told.clone()), told)
    });

/// One answer of the realm: the first byte says in the place of which, the others are as they should be.
pub fn realm_answer(bytes: &[u8]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((which, answer)) = bytes.split_first() else { return };
    let answer = answer.to_vec();
    let good = GOOD.clone();
    let (answers, place) = match which {
        b'r' => (Answers { realm: answer, ..good }, "a realm"),
        b'c' => (Answers { clients: answer, ..good }, "a client"),
        b'u' => (Answers { user: answer, ..good }, "a user"),
        b's' => (Answers { sessions: answer, ..good }, "a session"),
        b'k' => (Answers { consents: answer, ..good }, "a consent"),
        _ => (Answers { evaluation: answer, ..good }, "an evaluation"),
    };
    let event = json!({
        "transactionToken": TOKEN.as_str(),
        "context": { "execution": EXECUTION, "stateMachine": MACHINE, "state": "Revalidate ApprovePayment" },
        "renew": { "state": "ApprovePayment", "cause": "denied" },
    });
    let said = |text: &[u8]| lax(&String::from_utf8_lossy(text));
    let (evaluation, user, client) = (said(&answers.evaluation), said(&answers.user), said(&answers.clients));
    let (revalidation, told) = &*DEMANDING;
    *told.answers() = answers;
    let (decision, renewed) = ruled(revalidation, &event.to_string());
    assert!(["allow", "deny", "undecided"].contains(&decision.as_str()), "{decision}");
    let start = json!({ "transactionToken": TOKEN.as_str(), "start": { "execution": EXECUTION } });
    let (_, before_start) = ruled(revalidation, &start.to_string());
    let renewed = match renewed {
        Some(RevalidationResponse::Renewed(renewed)) => renewed,
        Some(RevalidationResponse::Start(_)) => panic!("a renewal was asked for"),
        None => return,
    };
    // Before a start the realm is asked the same, less what a token of now would say.
    let Some(RevalidationResponse::Start(StartAnswer::Alive)) = before_start else {
        panic!("renewed, and could not have started")
    };
    reached(place);
    let statement = read(&renewed, &event);
    let subject = Some(json!(statement.identity().subject().as_str()));
    // To a lax reader too, the answers are about the subject and the client, and nothing stands against them.
    assert_eq!((evaluation.get("sub").cloned(), user.get("id").cloned()), (subject.clone(), subject));
    assert_eq!(evaluation.get("azp"), Some(&json!(statement.identity().client().as_str())));
    assert_eq!((user.get("enabled"), client.pointer("/0/enabled")), (Some(&json!(true)), Some(&json!(true))));
    let granted = granted(&evaluation);
    assert!(
        statement.identity().roles().iter().all(|role| granted.contains(&role.to_string())),
        "a role that the evaluation does not hold"
    );
}

/// The roles that an evaluation holds, each with its client's name before it where it is of one.
fn granted(evaluation: &Value) -> Vec<String> {
    let named = |roles: Option<&Value>| -> Vec<String> {
        let roles = roles.and_then(|access| access.get("roles")).and_then(Value::as_array);
        roles.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let clients = evaluation.get("resource_access").and_then(Value::as_object);
    let of_clients = clients
        .into_iter()
        .flatten()
        .flat_map(|(client, access)| named(Some(access)).into_iter().map(move |role| format!("{client}:{role}")));
    named(evaluation.get("realm_access")).into_iter().map(|role| format!("realm:{role}")).chain(of_clients).collect()
}
