//! API Gateway TOKEN authorizer: token → claims → decision → policy → audit line.
//!
//! For each event it answers one of four things, and writes one audit line:
//!
//! | what | answer | the client sees | cached by API Gateway |
//! |---|---|---|---|
//! | the token is verified | a policy over every route of `access.toml` | what it asked for, or 403 | for the TTL |
//! | rejected: the token, or the event, proves nothing | the error `Unauthorized` | 401 | no |
//! | undecided: no keys, no clock, a policy too large to send | another error | 500 | no |
//! | misconfigured: environment or policy is broken | another error | 500 | no |
//!
//! What may be relied on:
//! - A policy is made of the route table and the caller's claims, and of nothing else: it is the same whichever route was
//!   called, so a cached one is right on all of them. The one addition is a Deny of the called path by its name, where no
//!   route matches that path.
//! - Nothing that the client wrote stands in an Allow: its resources are the templates of `access.toml`.
//! - A policy speaks of one API and one stage, those of the event's method ARN.
//! - Neither an answer nor an audit line holds a token or personal data.
//! - A panic is an error like any other, and its message, which may quote what was presented, is not printed.

// In reading order: the event comes in, is answered, and is recorded.

/// What API Gateway asks.
mod event;

/// Which method of which API is called.
mod method_arn;

/// From the event to the answer and the audit line.
mod authorizer;

/// What the process is set up with.
mod setup;

/// Where keys come from.
mod key_source;

/// The one place where IAM policies are written.
mod iam_policy;

/// What API Gateway is answered.
mod response;

/// Where audit records go.
mod audit_sink;

pub use audit_sink::AuditSink;
pub use authorizer::Authorizer;
pub use event::{AuthorizerEvent, EventError};
pub use iam_policy::MAX_ANSWER_BYTES;
pub use key_source::KeySource;
pub use method_arn::{ArnPart, MethodArn, MethodArnError};
pub use response::{AuthorizerError, AuthorizerResponse};
pub use setup::Setup;

#[cfg(test)]
mod tests;
