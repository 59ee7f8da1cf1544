//! A Step Functions that says of every execution that it lives.

use std::sync::LazyLock;

use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{
    ExecutionSeen, ExecutionStatus, InputSeen, Look, MapRunSeen, MapRunStatus, PresumedQuestion, Question,
};
use claim_guard::transaction::StaleTransaction;
use claim_guard::{TransactionToken, TransactionVerifier};
use serde_json::{Value, json};
use test_realm::{TestKey, with};

use super::time;
use super::transaction::{EXECUTION, execution, forged, forging_key, payload, verifier};

pub const MAP_RUN: &str = "arn:aws:states:eu-west-1:000000000000:mapRun:payment/Screening:1";

static KEY: LazyLock<TestKey> = LazyLock::new(forging_key);

/// What takes the token of [`first`].
pub fn statements() -> TransactionVerifier {
    verifier(&[&KEY])
}

/// What an execution was started with that later presents this statement.
pub fn first(arn: &ExecutionArn, statement: &StaleTransaction) -> Value {
    let identity = statement.identity();
    let first = with(payload(), "/txn", json!(identity.transaction().unwrap().as_str()));
    let first = with(first, "/sub", json!(identity.subject().as_str()));
    let first = with(first, "/req_wl", json!(identity.client().as_str()));
    let first = with(first, "/rctx/iss", json!(identity.issuer().as_str()));
    let first = with(first, "/scope", json!(statement.binding().workflow.as_str()));
    let first = with(first, "/tctx/execution", json!(arn.as_str()));
    let first = with(first, "/tctx/state_machine", json!(arn.state_machine().as_str()));
    match identity.actor() {
        Some(actor) => {
            let party = actor.current();
            let first = with(first, "/rctx/act", json!({ "sub": party.subject().as_str() }));
            party.client().map_or(first.clone(), |client| with(first, "/rctx/act/client_id", json!(client.as_str())))
        }
        None => first,
    }
}

pub fn signed(first: &Value) -> TransactionToken {
    forged(&KEY, first)
}

/// An execution that runs since the statement says so, and was started on `{}`.
pub fn running(arn: &ExecutionArn, redrive_count: u32, statement: &StaleTransaction) -> ExecutionSeen {
    let input = json!({ "transactionToken": signed(&first(arn, statement)).as_str(), "input": {} });
    ExecutionSeen {
        execution: arn.clone(),
        state_machine: arn.state_machine(),
        status: ExecutionStatus::Running,
        redrive_count,
        started_at: statement.run().started_at,
        input: Some(InputSeen(input.to_string())),
        map_run: is_child(arn).then(|| MapRunArn::parse(MAP_RUN).unwrap()),
    }
}

/// The execution whose child presents the statement, or that presents it itself.
pub fn parent(statement: &StaleTransaction) -> ExecutionArn {
    let own = statement.binding().execution.clone();
    if is_child(&own) { execution(EXECUTION) } else { own }
}

/// The question of an execution that lives.
pub fn alive(presumed: PresumedQuestion) -> Question {
    let arn = presumed.execution().clone();
    let seen = running(&arn, presumed.redrive_count(), presumed.statement());
    let parent = running(&parent(presumed.statement()), 0, presumed.statement());
    let mut look = Look::Execution(presumed);
    loop {
        let next = match look {
            Look::Execution(presumed) => presumed.seen(Some(&seen), &statements(), time(0)),
            Look::MapRun(child) => {
                let map_run = MapRunSeen { parent: parent.execution.clone(), status: MapRunStatus::Running };
                child.seen(Some(&map_run))
            }
            Look::Parent(run) => run.seen(Some(&parent), &statements(), time(0)),
            Look::Stops(redriven) => redriven.seen(None),
            Look::Alive(question) => return question,
        };
        look = next.unwrap();
    }
}

fn is_child(arn: &ExecutionArn) -> bool {
    arn.state_machine().as_str().contains('/')
}
