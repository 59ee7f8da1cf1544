use std::io;

use claim_guard::audit::AuditRecord;
use claim_guard::identifier::Digest;
use claim_guard_lambda::{Grant, GuardError, InvocationError, TaskError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::stack::{Stack, event, execution};
use crate::support::{Served, approval_event, audit, guard, now, serve_with, token};

#[derive(Debug, Deserialize)]
struct Input {
    #[expect(dead_code, reason = "only its type matters")]
    project_id: u64,
}

async fn check(error: TaskError, name: &str, message: &str) {
    let stack = Stack::new();
    let event = approval_event(&token(&stack)).to_string();
    let presented =
        serve_with(&guard(&stack, "ApprovePayment"), event.as_bytes(), now(), |_: Grant, _| async { Err(error) }).await;
    assert_eq!(presented, Served::refused(name, message, audit("allow", json!([]))));
}

#[tokio::test]
async fn a_task_chooses_the_name_of_its_error() {
    let error = TaskError::named("Payment.LimitExceeded", "the limit is `100`");
    check(error, "Payment.LimitExceeded", "the limit is `100`").await;
}

#[tokio::test]
async fn an_error_without_a_name_is_called_failed() {
    check("x".parse::<u8>().unwrap_err().into(), "Task.Failed", "invalid digit found in string").await;
}

#[tokio::test]
async fn no_task_speaks_for_the_guard_the_engine_or_the_platform() {
    for name in ["ClaimGuard.Denied", "ClaimGuard", "States.ALL", "Lambda.TooManyRequestsException", "", "two words"] {
        let message = format!("no error name of a task: `{name}`: why");
        check(TaskError::named(name, "why"), "Task.InvalidErrorName", &message).await;
    }
    let long = "x".repeat(257);
    assert_eq!(TaskError::named(long, "why").name(), "Task.InvalidErrorName");
    assert_eq!(TaskError::named("x".repeat(256), "why").name(), "x".repeat(256));
}

#[tokio::test]
async fn a_panic_is_an_error_of_one_invocation_and_keeps_its_message_to_itself() {
    let stack = Stack::new();
    let guard = guard(&stack, "ApprovePayment");
    let event = approval_event(&token(&stack)).to_string();
    let secret = "alice@example.com";
    let expected = || Served::refused("Task.Panicked", "the task panicked: see its log", audit("allow", json!([])));
    let at_once = serve_with(&guard, event.as_bytes(), now(), |_, _| -> std::future::Ready<_> { panic!("{secret}") });
    assert_eq!(at_once.await, expected());
    let later = serve_with(&guard, event.as_bytes(), now(), |_, _| async {
        tokio::task::yield_now().await;
        panic!("{secret}")
    });
    assert_eq!(later.await, expected());
}

#[tokio::test]
async fn an_input_that_the_task_does_not_read_is_named_after_the_decision_and_not_quoted() {
    let stack = Stack::new();
    let event = approval_event(&token(&stack)).to_string();
    let mut lines = Vec::new();
    let write = |record: AuditRecord| {
        lines.push(serde_json::from_str::<Value>(&record.to_line()).unwrap());
        Ok(())
    };
    let task = |_: Grant, _: Input| async { Ok(()) };
    let answer = guard(&stack, "ApprovePayment").serve(event.as_bytes(), now(), write, task).await;
    let failure = lambda_runtime::Diagnostic::from(answer.unwrap_err());
    assert_eq!(
        failure,
        lambda_runtime::Diagnostic {
            error_type: "Task.InvalidInput".to_owned(),
            error_message: "the input is not what the task reads".to_owned(),
        }
    );
    assert_eq!(lines, [audit("allow", json!([]))]);
}

#[derive(Serialize)]
struct Output {
    #[serde(serialize_with = "unwritable")]
    member: (),
}

fn unwritable<S: serde::Serializer>(_: &(), _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom("secret"))
}

#[tokio::test]
async fn an_output_that_is_no_json_has_a_name() {
    let stack = Stack::new();
    let event = approval_event(&token(&stack)).to_string();
    let task = |_: Grant, _: Value| async { Ok(Output { member: () }) };
    let answer = guard(&stack, "ApprovePayment").serve(event.as_bytes(), now(), |_| Ok(()), task).await;
    let failure = lambda_runtime::Diagnostic::from(answer.unwrap_err());
    assert_eq!(
        (failure.error_type.as_str(), failure.error_message.as_str()),
        ("Task.InvalidOutput", "the output cannot be written as JSON")
    );
}

#[tokio::test]
async fn j29_without_a_written_audit_line_nothing_is_allowed() {
    let stack = Stack::new();
    let token = token(&stack);
    let event = approval_event(&token).to_string();
    let called = std::cell::Cell::new(false);
    let task = |_: Grant, _: Value| {
        called.set(true);
        async { Ok(()) }
    };
    let full = |_: AuditRecord| Err(io::Error::from(io::ErrorKind::StorageFull));
    let answer = guard(&stack, "ApprovePayment").serve(event.as_bytes(), now(), full, task).await;
    let undecided =
        || InvocationError::Refused { refusal: GuardError::Undecided, presented: Some(Digest::of(token.as_bytes())) };
    assert_eq!((answer, called.get()), (Err(undecided()), false));
    let broken = |_: AuditRecord| -> io::Result<()> { panic!("the line") };
    let answer = guard(&stack, "ApprovePayment").serve(event.as_bytes(), now(), broken, task).await;
    assert_eq!((answer, called.get()), (Err(undecided()), false));
}

#[tokio::test]
async fn a_refusal_says_by_the_token_s_digest_that_it_is_the_guard_s_own() {
    let stack = Stack::new();
    let told = async |event: Value, state: &str| {
        let task = |_: Grant, _: Value| async { Ok(()) };
        let event = event.to_string();
        let refused = guard(&stack, state).serve(event.as_bytes(), now(), |_| Ok(()), task).await;
        lambda_runtime::Diagnostic::from(refused.unwrap_err()).error_message
    };
    let token = token(&stack);
    let about = |token: &str| format!("; the token presented is `{}`", Digest::of(token.as_bytes()));
    // Denied, rejected and misconfigured.
    let ask = |token: &str| event(token, &execution("run-1"), "ExecutePayment", &json!({}));
    assert!(told(ask(&token), "ExecutePayment").await.ends_with(&about(&token)));
    let forged = format!("{token}A");
    assert!(told(approval_event(&forged), "ApprovePayment").await.ends_with(&about(&forged)));
    assert!(told(approval_event(&token), "ExecutePayment").await.ends_with(&about(&token)));
    // Where no token was presented, there is none to name.
    assert_eq!(told(json!({}), "ApprovePayment").await, "misconfigured: see the audit line in the guard's log");
}
