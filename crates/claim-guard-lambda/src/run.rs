//! The wiring: Lambda's runtime, the clock, the environment, standard error.

use std::future::Future;
use std::sync::Arc;

use claim_guard::audit::{AuditRecord, Invocation};
use claim_guard::decision::Grant;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{AuditLog, Environment, RawEvent, silence_panics};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::guard::Guard;
use crate::task_error::TaskError;

/// Runs a task as the Lambda function of the state that it is named for.
///
/// `state` is the state's name, as in the state machine and in `access.toml`; `access_toml` is the text of that file,
/// embedded with `include_str!`. The environment holds [`TRUST_DOMAIN`](crate::TRUST_DOMAIN),
/// [`TRANSACTION_KEYS`](crate::TRANSACTION_KEYS) and [`WORKFLOW`](crate::WORKFLOW); where any of this is wrong, the
/// function still starts, and refuses every event as misconfigured.
///
/// The task is called once for each event that is allowed, after its audit line has been written; calls may overlap. A
/// panic of the task is an error of its one invocation. What a panic says is printed nowhere, because it may quote the input; where it
/// happened is on standard error.
///
/// # Errors
/// Only if Lambda's runtime API is out of reach.
pub async fn run<T, F, I, O>(state: &str, access_toml: &str, task: T) -> Result<(), Error>
where
    T: Fn(Grant, I) -> F + Send + Sync + 'static,
    F: Future<Output = Result<O, TaskError>> + Send + 'static,
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
{
    silence_panics();
    let environment = Environment::of_process();
    let guard = Guard::new(state, access_toml, |name| environment.get(name));
    let shared = Arc::new((guard, AuditLog::standard_error(environment.digest()), task));
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<RawEvent>| {
        let shared = Arc::clone(&shared);
        async move {
            let (guard, log, task) = &*shared;
            let invocation = Invocation::new(&event.context.request_id, event.context.xray_trace_id.as_deref());
            let write = |record: AuditRecord| log.write(record.of_invocation(invocation));
            guard.serve(event.payload.bytes(), clock::now(), write, task).await
        }
    }))
    .await
}
