//! What a caller hears when he does not get what he asked for: a problem document (RFC 9457) that says what he can do.

use claim_guard::JsonError;
use claim_guard::audit::Reason;
use serde_json::{Map, Value, json};

use crate::response::Response;

/// For how long an undecided caller is asked to stay away.
const UNDECIDED_RETRY_SECONDS: i64 = 2;

/// Why there is nothing else to answer. What the policy asked for, and what the caller lacks, is in none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The token proves nothing.
    Rejected,
    /// We know the caller; he may not.
    Denied,
    /// `access.toml` names no such workflow.
    UnknownWorkflow,
    /// No execution of that name in this workflow.
    UnknownExecution,
    /// The body is over the payload budget.
    BodyTooLarge {
        /// The most bytes of one.
        most: usize,
    },
    /// Another content type, none, or several.
    NotJson,
    /// API Gateway's event announces base64 and holds something else.
    BodyNotBase64,
    /// The body is nested deeper than what is around it leaves room for.
    BodyTooDeep {
        /// The most levels of objects and lists.
        most: usize,
    },
    /// The body is not one JSON object with unique members.
    MalformedBody(JsonError),
    /// The body holds what may be a transaction token.
    TokenInBody,
    /// Step Functions does not take the body as input.
    InputRefused,
    /// No key, and the workflow wants one.
    IdempotencyKeyAbsent,
    /// Several keys, an empty one, one that is too long or not printable ASCII.
    MalformedIdempotencyKey {
        /// The most characters of one.
        most: usize,
    },
    /// The caller has used this key for other work.
    OtherBody,
    /// The caller has started as much as he may in a minute.
    StartsUsedUp {
        /// In how many seconds he may start again.
        seconds: i64,
    },
    /// As many of the caller's executions run as may at once.
    AllRunning {
        /// For how many seconds he is asked to stay away.
        seconds: i64,
    },
    /// The execution is over.
    AlreadyEnded,
    /// We could not tell.
    Undecided,
    /// This function broke down over the request.
    Panicked,
    /// This function's configuration is broken.
    Misconfigured,
}

impl Problem {
    fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Rejected => (401, "Unauthorized"),
            Self::Denied => (403, "Forbidden"),
            Self::UnknownWorkflow | Self::UnknownExecution => (404, "Not Found"),
            Self::BodyTooLarge { .. } => (413, "Content Too Large"),
            Self::NotJson => (415, "Unsupported Media Type"),
            Self::BodyNotBase64
            | Self::BodyTooDeep { .. }
            | Self::MalformedBody(_)
            | Self::TokenInBody
            | Self::InputRefused
            | Self::IdempotencyKeyAbsent
            | Self::MalformedIdempotencyKey { .. } => (400, "Bad Request"),
            Self::OtherBody | Self::AlreadyEnded => (409, "Conflict"),
            Self::StartsUsedUp { .. } | Self::AllRunning { .. } => (429, "Too Many Requests"),
            Self::Undecided => (503, "Service Unavailable"),
            Self::Panicked | Self::Misconfigured => (500, "Internal Server Error"),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Rejected => "present a valid access token".to_owned(),
            Self::Denied => "ask an administrator for access".to_owned(),
            Self::UnknownWorkflow => "there is no such workflow: correct its name".to_owned(),
            // Also to whoever may not see it: that somebody else's execution exists is his own affair.
            Self::UnknownExecution => {
                "there is no such execution for you: correct its name, or ask an administrator for access".to_owned()
            }
            Self::BodyTooLarge { most } => format!("send a body of at most {most} bytes"),
            Self::NotJson => "send the body as application/json".to_owned(),
            Self::BodyNotBase64 => "send one JSON object".to_owned(),
            Self::BodyTooDeep { most } => format!("send one JSON object of at most {most} levels"),
            Self::MalformedBody(error) => format!("send one JSON object: {error}"),
            Self::TokenInBody => "send a body without a transaction token".to_owned(),
            Self::InputRefused => "send a body that Step Functions takes as input".to_owned(),
            Self::IdempotencyKeyAbsent => {
                "send an Idempotency-Key: this workflow starts nothing without one".to_owned()
            }
            Self::MalformedIdempotencyKey { most } => {
                format!("send one Idempotency-Key of 1 to {most} printable ASCII characters, or none")
            }
            Self::OtherBody => "this Idempotency-Key has begun other work: choose a new one".to_owned(),
            Self::StartsUsedUp { seconds } => {
                format!("you have started as many executions as you may in a minute: try again in {seconds} seconds")
            }
            Self::AllRunning { .. } => {
                "as many of your executions run as you may have running: wait for one to end, or stop one".to_owned()
            }
            Self::AlreadyEnded => "the execution has ended: there is nothing to stop".to_owned(),
            Self::Undecided => {
                "try again later; with the same Idempotency-Key nothing is started a second time".to_owned()
            }
            Self::Panicked => {
                "try once more; with the same Idempotency-Key nothing is started a second time; then tell the \
                               operator of this service, and quote the instance"
                    .to_owned()
            }
            Self::Misconfigured => "tell the operator of this service, and quote the instance".to_owned(),
        }
    }

    /// The problem for an audit line.
    pub(crate) fn reason(&self) -> Reason {
        Reason::new(self.code(), &self.detail())
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Denied => "denied",
            Self::UnknownWorkflow => "unknown_workflow",
            Self::UnknownExecution => "unknown_execution",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::NotJson => "body_not_json",
            Self::BodyNotBase64 => "body_not_base64",
            Self::BodyTooDeep { .. } => "body_too_deep",
            Self::MalformedBody(_) => "malformed_body",
            Self::TokenInBody => "transaction_token_in_body",
            Self::InputRefused => "input_refused",
            Self::IdempotencyKeyAbsent => "no_idempotency_key",
            Self::MalformedIdempotencyKey { .. } => "malformed_idempotency_key",
            Self::OtherBody => "other_body",
            Self::StartsUsedUp { .. } => "starts_used_up",
            Self::AllRunning { .. } => "all_running",
            Self::AlreadyEnded => "already_ended",
            Self::Undecided => "undecided",
            Self::Panicked => "panicked",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// The problem as an answer to the request of that name.
    pub(crate) fn response(&self, request_id: Option<&str>) -> Response {
        let (status, title) = self.status();
        let mut document = Map::new();
        document.insert("type".to_owned(), json!("about:blank"));
        document.insert("title".to_owned(), json!(title));
        document.insert("status".to_owned(), json!(status));
        document.insert("detail".to_owned(), json!(self.detail()));
        if let Some(id) = request_id {
            document.insert("instance".to_owned(), json!(format!("urn:request:{id}")));
        }
        let response = Response::new(status, "application/problem+json", Value::Object(document).to_string());
        match self {
            // Off-spec: RFC 9110 §15.5.2 wants a challenge with every 401. API Gateway renames a function's `WWW-Authenticate`
            // to `x-amzn-Remapped-WWW-Authenticate`, which challenges nobody, so it is left to the API's own response to
            // what its authorizer rejects. A 401 from here is the rare one: a token that has expired behind a cached answer.
            Self::Rejected => response,
            Self::Undecided => response.retry_after(UNDECIDED_RETRY_SECONDS),
            Self::StartsUsedUp { seconds } | Self::AllRunning { seconds } => response.retry_after(*seconds),
            Self::Denied
            | Self::UnknownWorkflow
            | Self::UnknownExecution
            | Self::BodyTooLarge { .. }
            | Self::NotJson
            | Self::BodyNotBase64
            | Self::BodyTooDeep { .. }
            | Self::MalformedBody(_)
            | Self::TokenInBody
            | Self::InputRefused
            | Self::IdempotencyKeyAbsent
            | Self::MalformedIdempotencyKey { .. }
            | Self::OtherBody
            | Self::AlreadyEnded
            | Self::Panicked
            | Self::Misconfigured => response,
        }
    }
}
