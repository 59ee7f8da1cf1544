use std::sync::Arc;

use claim_guard_lambda::Grant;
use serde_json::{Value, json};
use test_realm::{NOW, access_token_payload, with};

use crate::stack::{Mint, Stack, event, execution};
use crate::support::{guard, mint, now, serve_with};

const EXECUTIONS: usize = 200;

/// Many executions of many callers, all in flight at once: each task waits until every other one has begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_identity_crosses_between_concurrent_invocations() {
    let stack = Stack::new();
    let guard = Arc::new(guard(&stack, "ApprovePayment"));
    let denied = |index: usize| index.is_multiple_of(5);
    let acting = (0..EXECUTIONS).filter(|index| !denied(*index)).count();
    let all_acting = Arc::new(tokio::sync::Barrier::new(acting));
    let mut invocations = Vec::new();
    for index in 0..EXECUTIONS {
        let (subject, run) = (format!("subject-{index}"), execution(&format!("run-{index}")));
        let transaction = format!("txn-{index}");
        let identity = with(access_token_payload(NOW), "/sub", json!(subject));
        let identity = with(identity, "/compliance/kyc", json!(!denied(index)));
        let token = stack.token(&identity, &Mint { execution: &run, transaction: &transaction, ..mint() });
        let event = event(&token, &run, "ApprovePayment", &json!({ "index": index })).to_string();
        let (guard, all_acting) = (Arc::clone(&guard), Arc::clone(&all_acting));
        invocations.push(tokio::spawn(async move {
            let task = |grant: Grant, input: Value| async move {
                all_acting.wait().await;
                let transaction = grant.transaction().map(ToString::to_string);
                Ok(json!({ "subject": grant.subject().as_str(), "transaction": transaction, "input": input }))
            };
            serve_with(&guard, event.as_bytes(), now(), task).await
        }));
    }
    for (index, invocation) in invocations.into_iter().enumerate() {
        let served = invocation.await.unwrap();
        let (subject, transaction) = (format!("subject-{index}"), format!("txn-{index}"));
        let expected = if denied(index) {
            let message = format!("denied: see the audit line of transaction `{transaction}`");
            Err(("ClaimGuard.Denied".to_owned(), message))
        } else {
            Ok(json!({ "subject": subject, "transaction": transaction, "input": { "index": index } }))
        };
        assert_eq!(served.answer, expected);
        let lines: Vec<_> = served
            .audit
            .iter()
            .map(|line| (&line["subject"], &line["token"]["txn"], &line["point"]["execution"]))
            .collect();
        assert_eq!(lines, [(&json!(subject), &json!(transaction), &json!(execution(&format!("run-{index}"))))]);
    }
}
