//! One invocation: the ruling, its audit line, and then, only on a grant, the task.

use std::future::Future;
use std::io;

use claim_guard::audit::AuditRecord;
use claim_guard::decision::Grant;
use claim_guard::identifier::Digest;
use claim_guard::unix_time::{ClockError, UnixTime};
use lambda_runtime::Diagnostic;
use lambda_shell::{Panicked, caught, caught_at_once};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error_names;
use crate::event::Event;
use crate::guard::{Granted, Guard};
use crate::guard_error::GuardError;
use crate::task_error::TaskError;

/// Why an invocation answers with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvocationError {
    /// The guard said no; the task was not called.
    Refused {
        /// What it said.
        refusal: GuardError,
        /// The digest of the transaction token that was presented; none if there was no such token.
        ///
        /// Whoever answers a callback in place of the function may name any error. He does not know the token, so the state
        /// machine knows the guard's own word by this.
        presented: Option<Digest>,
    },
    /// The task, or what stands around it, failed under a grant.
    Task(TaskError),
}

impl From<InvocationError> for Diagnostic {
    fn from(failure: InvocationError) -> Self {
        let (name, message) = match &failure {
            InvocationError::Refused { refusal, presented: Some(token) } => {
                (refusal.error_name(), format!("{refusal}; the token presented is `{token}`"))
            }
            InvocationError::Refused { refusal, presented: None } => (refusal.error_name(), refusal.to_string()),
            InvocationError::Task(error) => (error.name(), error.message().to_owned()),
        };
        Self { error_type: name.to_owned(), error_message: message }
    }
}

impl Guard {
    /// Serves one event: decides, writes the audit line, and on a grant calls the task with it and the input.
    ///
    /// # Errors
    /// [`InvocationError`] is what the state machine hears. Without a written audit line nothing is allowed: the answer is
    /// undecided then. A panic of the guard is undecided too, one of the task is the task's; neither says what was presented.
    pub async fn serve<T, F, I, O>(
        &self,
        event: &[u8],
        now: Result<UnixTime, ClockError>,
        write_audit: impl FnOnce(AuditRecord) -> io::Result<()>,
        task: T,
    ) -> Result<Value, InvocationError>
    where
        T: FnOnce(Grant, I) -> F,
        F: Future<Output = Result<O, TaskError>>,
        I: DeserializeOwned,
        O: Serialize,
    {
        let ruling = self.decide(event, now);
        let written = caught_at_once(|| write_audit(ruling.audit));
        let refused = |refusal| InvocationError::Refused { refusal, presented: digest_of_token(event) };
        let granted = ruling.verdict.map_err(refused)?;
        match written {
            Ok(Ok(())) => work(granted, task).await.map_err(InvocationError::Task),
            Ok(Err(_)) | Err(Panicked) => Err(refused(GuardError::Undecided)),
        }
    }
}

fn digest_of_token(event: &[u8]) -> Option<Digest> {
    let token = Event::parse(event).ok()?.token.ok()?;
    Some(Digest::of(token.as_str().as_bytes()))
}

async fn work<T, F, I, O>(granted: Granted, task: T) -> Result<Value, TaskError>
where
    T: FnOnce(Grant, I) -> F,
    F: Future<Output = Result<O, TaskError>>,
    I: DeserializeOwned,
    O: Serialize,
{
    let Granted { grant, input } = granted;
    // serde's messages quote what they could not read, and an input's content belongs into no error.
    let input = caught_at_once(|| I::deserialize(input))
        .map_err(panicked)?
        .map_err(|_| TaskError::internal(error_names::INVALID_INPUT, "the input is not what the task reads"))?;
    let output = caught(async move { task(grant, input).await }).await.map_err(panicked)??;
    caught_at_once(|| serde_json::to_value(output))
        .map_err(panicked)?
        .map_err(|_| TaskError::internal(error_names::INVALID_OUTPUT, "the output cannot be written as JSON"))
}

/// Where it panicked is in the function's log; what the panic says is nowhere, because it may quote the input.
fn panicked(_: Panicked) -> TaskError {
    TaskError::internal(error_names::PANICKED, "the task panicked: see its log")
}
