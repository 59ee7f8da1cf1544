use std::sync::LazyLock;

use claim_guard::TransactionToken;
use claim_guard::identifier::{ExecutionArn, StateMachineArn};
use claim_guard::transaction::{PresentedAt, StaleTransaction};
use claim_guard_lambda::error_names;
use minting::StartAnswer;
use revalidation::{Renewed, Revalidation, RevalidationResponse, Ruling};
use serde_json::Value;

use crate::fixture::{
    ACCESS_TOML, EXECUTION, POLICY, TRANSACTIONS, block_on, everyman, lax, minted, now, payment, presented_at,
};
use crate::line;
use crate::reached::reached;
use crate::realm::{GOOD, RecordedAnswers, Stack, revalidation};

pub(crate) static TOKEN: LazyLock<String> = LazyLock::new(|| minted(EXECUTION));

static REVALIDATION: LazyLock<Revalidation<RecordedAnswers, Stack, Stack, Stack>> =
    LazyLock::new(|| revalidation(ACCESS_TOML, RecordedAnswers::new(GOOD.clone())));

/// Events of woven states and of starts, in which `$TRANSACTION` stands for the execution's token. The realm says that all is well.
pub fn revalidation_event(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace("$TRANSACTION", &TOKEN);
    let (decision, answer) = ruled(&REVALIDATION, &text);
    let (again, _) = ruled(&REVALIDATION, &text);
    assert_eq!(decision, again, "the same event, twice");
    let Some(answer) = answer else { return };
    let event = lax(&text);
    assert_eq!(event.pointer("/transactionToken").and_then(Value::as_str), Some(TOKEN.as_str()));
    let renewed = match answer {
        RevalidationResponse::Renewed(renewed) => renewed,
        RevalidationResponse::Start(answer) => {
            assert_eq!(answer, StartAnswer::Alive);
            assert_eq!(event.pointer("/start/execution").and_then(Value::as_str), Some(EXECUTION));
            return reached("a start answered");
        }
    };
    let statement = read(&renewed, &event);
    let redrive = event.pointer("/context/redriveCount").and_then(Value::as_u64).unwrap_or_default();
    assert_eq!(u64::from(statement.binding().redrive_count), redrive);
    reached(if event.get("adopt").is_some() { "a statement adopted" } else { "a statement renewed" });
}

/// What came of an event, with what holds for every one.
pub(crate) fn ruled(
    revalidation: &Revalidation<RecordedAnswers, Stack, Stack, Stack>,
    event: &str,
) -> (String, Option<RevalidationResponse>) {
    let Ruling { audit, verdict } = block_on(revalidation.answer(event.as_bytes(), Ok(now())));
    let audit = line::is_audit(&audit.to_line(), &TOKEN);
    let decision = audit.get("decision").and_then(Value::as_str).unwrap_or_default().to_owned();
    let expected = match &verdict {
        Ok(RevalidationResponse::Renewed(_) | RevalidationResponse::Start(StartAnswer::Alive)) => "allow",
        Ok(RevalidationResponse::Start(StartAnswer::Denied { .. })) => "deny",
        Err(refusal) => {
            line::is_message(&refusal.to_string());
            assert!(!line::leaks(&refusal.to_string(), &TOKEN));
            match refusal.error_name() {
                error_names::DENIED => "deny",
                error_names::REJECTED => "reject",
                error_names::UNDECIDED => "undecided",
                name => {
                    assert_eq!(name, error_names::MISCONFIGURED);
                    "misconfigured"
                }
            }
        }
    };
    assert_eq!(decision, expected);
    (decision, verdict.ok())
}

/// The new statement, which holds in the execution of the event, speaks of who started it, and says no more than the
/// workflow names.
pub(crate) fn read(renewed: &Renewed, event: &Value) -> StaleTransaction {
    let answer = serde_json::to_value(renewed).expect("JSON");
    let token = answer.get("transactionToken").and_then(Value::as_str).expect("a token");
    let token = TransactionToken::parse(token).expect("a token");
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let at = PresentedAt {
        execution: ExecutionArn::parse(text("/context/execution")).expect("an execution"),
        state_machine: StateMachineArn::parse(text("/context/stateMachine")).expect("a state machine"),
        ..presented_at(EXECUTION)
    };
    let statement = TRANSACTIONS.verify_whatever_age(&token, &at, now()).expect("a statement that holds");
    let (old, new) = (everyman().1.identity(), statement.identity());
    assert_eq!((old.subject(), old.client(), old.token_id()), (new.subject(), new.client(), new.token_id()));
    assert_eq!(statement.run().started_at, now(), "no run is begun anew");
    let workflow = POLICY.workflow(&payment()).expect("a workflow");
    let named = workflow.named_roles();
    assert!(new.roles().iter().all(|role| named.contains(role)), "no more than the workflow names");
    statement
}
