//! Starts, describes and stops executions on behalf of a verified caller: the Lambda behind the API.
//!
//! | request | answer |
//! |---|---|
//! | `POST /workflows/{workflow}/executions` | decides the start rule, mints the transaction token, asks about the session, starts: 202 with `Location` |
//! | `GET /workflows/{workflow}/executions/{execution}` | for the starter or a `describe` role: 200 |
//! | `DELETE /workflows/{workflow}/executions/{execution}` | for the starter or a `stop` role: 204 |
//!
//! What may be relied on:
//!
//! - Every request's access token is verified here, whatever the authorizer in front has said.
//! - The access token never enters an execution, an answer or a log. What enters is a transaction token that is bound to
//!   that one execution.
//! - Where the workflow requires the caller's session, Keycloak is asked about user, client and session before anything starts. This
//!   function cannot sign itself in there: it asks `revalidation`, with the transaction token that it has just minted.
//! - Each request makes exactly one audit line: a decision, or why none was made. That is a rejected token, an undecided question, a
//!   broken configuration, or a verified caller's request for what does not exist (404) or cannot be read (400, 413, 415).
//! - Step Functions is asked about an execution only if its name was given here, and only for a caller who may have started it or has a
//!   role for it. To anybody else it is not there (404), whether it is or not.
//! - Whatever body is accepted, its execution can be described, stopped and asked for again.
//! - Where the stack has limits on starts, nothing starts that was not counted, and nothing while the table does not answer. What is
//!   refused then is 429.
//! - A start that was answered with 503 may have begun all the same. Asked again with the same `Idempotency-Key`, it leads to
//!   that execution; without a key it begins another one.
//! - An answer that says no tells the caller what to do (RFC 9457), never why the policy said no.

// In reading order: from the event over the decision to the answer.

/// The environment's variables → settings.
pub mod settings;

/// API Gateway's event → request.
mod request;

/// The request's body → input of an execution.
mod body;

/// `Idempotency-Key`.
mod idempotency;

/// What an execution is called.
mod execution_name;

/// The three things that a caller may ask for.
mod executions;
mod start;

mod admission;
mod admit;
/// How much one party may start, what is counted for that, and whether it leaves room for one more.
mod limits;
mod tally;

/// Where an execution is found.
mod location;

mod describe;
mod stop;

/// Which execution is asked for, and who started it.
mod find;

/// Grant → transaction token.
mod mint;

/// Whether the realm stands behind the caller.
mod before_start;
mod function_arn;

/// Execution → who started it.
mod attribution;

/// Whether a text gives a transaction token away.
mod leak;

/// The seams to the outside: the realm, KMS, `revalidation`, Step Functions, time and chance.
mod services;

/// The outside for real.
pub mod aws;
mod start_table;

/// What a caller hears when he does not get what he asked for.
mod problem;

/// What API Gateway hears, and the log.
mod answer;
mod response;

pub use admission::Admission;
pub use answer::RecordedResponse;
pub use execution_name::ExecutionName;
pub use executions::{Executions, Misconfigured, Service};
pub use function_arn::FunctionArn;
pub use limits::{LimitFault, StartLimits, TableName};
pub use minting::{NamingKey, NamingKeySource, NoRandom, ServiceError, Signer, StartAnswer};
pub use response::Response;
pub use services::{
    Callers, Counted, Execution, KeySource, Machine, PlaceTaken, Randomness, Services, StartTable, Started, Status,
    Stopped,
};
pub use tally::{Claim, Counter, Place, Places, START_SHOWS_WITHIN, StartingParty};

#[cfg(test)]
mod tests;
