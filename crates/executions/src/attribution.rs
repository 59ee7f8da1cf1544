//! Execution → who started it. Only its transaction token says so; Step Functions itself knows one role for all callers.

use std::fmt;

use claim_guard::audit::Reason;
use claim_guard::identifier::{Digest, ExecutionArn, TransactionId, WorkflowName};
use claim_guard::transaction::{PresentedAt, StaleTransaction, TransactionRejection, UntrustedTransaction};
use claim_guard::{Excerpt, Identity, TransactionToken, TransactionVerifier, UnixTime};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::services::Execution;

/// Why an execution is nobody's: it was not started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unattributable {
    /// Step Functions keeps the input to itself.
    NoInput,
    /// The input is not one JSON object with one token at most.
    MalformedInput {
        /// One-based line.
        line: usize,
        /// One-based column, in bytes.
        column: usize,
    },
    /// The input holds no transaction token.
    NoToken,
    /// The input's transaction token proves nothing about this execution.
    Rejected(TransactionRejection),
}

impl Unattributable {
    /// A fixed name of the cause.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoInput => "execution_without_input",
            Self::MalformedInput { .. } => "execution_with_malformed_input",
            Self::NoToken => "execution_without_transaction_token",
            Self::Rejected(_) => "execution_with_rejected_transaction_token",
        }
    }
}

impl fmt::Display for Unattributable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInput => f.write_str("the execution's input cannot be read"),
            Self::MalformedInput { line, column } => {
                write!(f, "the execution's input: malformed JSON at line `{line}` column `{column}`")
            }
            Self::NoToken => f.write_str("the execution's input holds no transaction token"),
            Self::Rejected(rejection) => write!(f, "the execution's transaction token: {rejection}"),
        }
    }
}

/// An execution with what says who started it.
pub(crate) struct Attributed {
    pub(crate) execution: Execution,
    pub(crate) token: TransactionToken,
    pub(crate) statement: Statement,
}

/// What says who started an execution.
pub(crate) enum Statement {
    /// A statement of this stack.
    Proven(StaleTransaction),
    /// One that was this stack's if it is true: its key is forgotten.
    Untrusted(UntrustedTransaction),
}

impl Statement {
    /// What an audit line has to say of the decision's ground; nothing where it is proven.
    pub(crate) fn note(&self) -> Option<Reason> {
        match self {
            Self::Proven(_) => None,
            Self::Untrusted(untrusted) => {
                let key = Excerpt::of(untrusted.key_id().as_str());
                let message =
                    format!("the stack has forgotten key `{key}`: who started the execution is what it claims");
                Some(Reason::new("starter_unproven", &message))
            }
        }
    }

    pub(crate) fn transaction(&self) -> Option<&TransactionId> {
        match self {
            Self::Proven(statement) => statement.identity().transaction(),
            Self::Untrusted(untrusted) => untrusted.claimed_transaction(),
        }
    }

    pub(crate) fn input_digest(&self) -> &Digest {
        match self {
            Self::Proven(statement) => statement.input_digest(),
            Self::Untrusted(untrusted) => untrusted.claimed_input_digest(),
        }
    }

    /// Whether the same caller, by the same client, says to have started it.
    pub(crate) fn is_of(&self, caller: &Identity) -> bool {
        match self {
            Self::Proven(statement) => {
                let who = |identity: &Identity| {
                    let actor = identity.actor().map(|actor| actor.current().clone());
                    (identity.issuer().clone(), identity.subject().clone(), identity.client().clone(), actor)
                };
                who(caller) == who(statement.identity())
            }
            Self::Untrusted(untrusted) => {
                untrusted.claimed_starter().is(caller) && untrusted.claimed_client() == caller.client()
            }
        }
    }
}

/// Verifies the transaction token in an execution's input, of whatever age, against that execution. Where it only lacks a
/// key that the stack still knows, its claim is taken for one.
pub(crate) fn attribute(
    execution: Execution,
    workflow: &WorkflowName,
    arn: &ExecutionArn,
    verifier: &TransactionVerifier,
    now: UnixTime,
) -> Result<Attributed, Unattributable> {
    let input = execution.input.as_deref().ok_or(Unattributable::NoInput)?;
    let token = TransactionToken::parse(&token_of(input)?).map_err(Unattributable::Rejected)?;
    let at = presented(workflow, arn);
    let statement = match verifier.verify_whatever_age(&token, &at, now) {
        Ok(statement) => Statement::Proven(statement),
        Err(rejection) => {
            let untrusted = verifier.untrusted_of_forgotten_key(&token, &at, now);
            Statement::Untrusted(untrusted.ok_or(Unattributable::Rejected(rejection))?)
        }
    };
    Ok(Attributed { execution, token, statement })
}

/// The token in an execution's input. Of all else there only the end is looked for, however deep it goes: it says nothing about who
/// started the execution, and whoever wrote it must not be able to keep others from finding out.
fn token_of(input: &str) -> Result<String, Unattributable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input<'a> {
        #[serde(borrow)]
        transaction_token: Option<&'a RawValue>,
    }
    let malformed =
        |error: serde_json::Error| Unattributable::MalformedInput { line: error.line(), column: error.column() };
    let Input { transaction_token } = serde_json::from_str(input).map_err(malformed)?;
    let text = transaction_token.map(|raw| serde_json::from_str(raw.get()));
    text.and_then(Result::ok).ok_or(Unattributable::NoToken)
}

/// Where a statement is looked at: an execution of the workflow's own state machine.
pub(crate) fn presented(workflow: &WorkflowName, arn: &ExecutionArn) -> PresentedAt {
    PresentedAt {
        workflow: workflow.clone(),
        execution: arn.clone(),
        state_machine: arn.state_machine(),
        redrive_count: 0,
    }
}
