//! The wiring: Lambda's runtime, the clock, the environment, standard error.

use std::future::Future;
use std::io::{self, Write as _};
use std::sync::Arc;

use claim_guard::decision::Grant;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::RawEvent;
use crate::guard::Guard;
use crate::task_error::TaskError;

/// Runs a task as the Lambda function of the state that it is named for.
///
/// `state` is the state's name, as in the state machine and in `access.toml`; `access_toml` is the text of that file,
/// embedded with `include_str!`. The environment holds [`TRUST_DOMAIN`](crate::TRUST_DOMAIN),
/// [`TRANSACTION_KEYS`](crate::TRANSACTION_KEYS) and [`WORKFLOW`](crate::WORKFLOW); where any of this is wrong, the
/// function still starts, and refuses every event as misconfigured.
///
/// The task is called once for each event that is allowed, after its audit line has been written; calls may overlap.
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
    let guard = Guard::new(state, access_toml, |name| std::env::var(name).ok());
    let shared = Arc::new((guard, task));
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<RawEvent>| {
        let shared = Arc::clone(&shared);
        async move {
            let (guard, task) = &*shared;
            guard.serve(event.payload.bytes(), clock::now(), write_to_stderr, task).await
        }
    }))
    .await
}

/// One write, so that lines of concurrent invocations do not mix.
fn write_to_stderr(line: &str) -> io::Result<()> {
    io::stderr().lock().write_all(format!("{line}\n").as_bytes())
}
