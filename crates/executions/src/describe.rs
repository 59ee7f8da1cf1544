//! Describes an execution.

use claim_guard::UnixTime;
use claim_guard::audit::Reason;
use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::{ExecutionArn, TransactionId, WorkflowName};
use minting::ServiceError;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Ended, Exchange, RecordedResponse};
use crate::attribution::{Attributed, Statement};
use crate::executions::Executions;
use crate::leak::holds_transaction_token;
use crate::request::Request;
use crate::response::Response;
use crate::services::{Services, Status};

impl<O: Services> Executions<O> {
    pub(crate) async fn describe(
        &self,
        mut exchange: Exchange<'_>,
        request: &Request,
        asked: &str,
        execution: &str,
        now: UnixTime,
    ) -> Result<RecordedResponse, Ended> {
        let claims = self.verified(&exchange, request, now).await?;
        let caller = claims.identity();
        let workflow = self.workflow(&exchange, &claims, asked)?;
        let named = self.named(&mut exchange, &claims, &workflow, execution).await?;
        let (arn, name) = (&named.arn, workflow.rules.name());
        if !named.may_be_callers
            && let decision @ Decision::Deny(_) = self.policy.decide_describe_of_another(&claims, name)
        {
            return Err(exchange.hidden(caller, &decision));
        }
        let found = self.find(&mut exchange, &claims, &workflow, arn, now).await;
        let found = found.map_err(|unseen| unseen.ended(&exchange, caller))?;
        let decision = match &found.statement {
            Statement::Proven(statement) => self.policy.decide_describe(&claims, name, &statement.starter()),
            Statement::Untrusted(untrusted) => {
                self.policy.decide_describe_on_claim(&claims, name, &untrusted.claimed_starter())
            }
        };
        let Decision::Allow(grant) = &decision else { return Err(exchange.hidden(caller, &decision)) };
        let described = Described::of(grant, name, arn, &found).map_err(|failure| exchange.failed(caller, failure))?;
        let unwritable = |error| exchange.undecided(Some(caller), Reason::new("unwritable_answer", &error));
        let body = serde_json::to_string(&described).map_err(unwritable)?;
        Ok(exchange.done(Response::new(200, "application/json", body), caller, &decision, None))
    }
}

/// What the holder of a grant hears of an execution: of an error the name only, because its cause may say why the policy
/// said no, and no text that a transaction token stands in, be it this execution's first, a renewed one or a child's.
///
/// Of an execution whose statement nothing proves any more, he hears where it stands: neither its output, which was made for
/// whoever did start it, nor its transaction, which is a claim too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    workflow: &'a str,
    execution: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    status: &'static str,
    started_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<&'a str>,
    /// As the workflow wrote it. Nothing here reads it, so it may be as deep as Step Functions lets it be.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Described<'a> {
    fn of(
        _grant: &Grant,
        workflow: &'a WorkflowName,
        arn: &'a ExecutionArn,
        found: &'a Attributed,
    ) -> Result<Self, ServiceError> {
        let execution = &found.execution;
        let (transaction, is_proven) = match &found.statement {
            Statement::Proven(statement) => (statement.identity().transaction(), true),
            Statement::Untrusted(_) => (None, false),
        };
        // Some engines give a failed execution an output as well, with error and cause in it.
        let is_shown = is_proven && execution.status == Status::Succeeded;
        let output = execution.output.as_deref().filter(|_| is_shown).map(|output| {
            without_token("transaction_token_in_output", "output", output)?;
            let malformed = |error| ServiceError::Undecided(Reason::new("malformed_output", &error));
            serde_json::from_str(output).map_err(malformed)
        });
        let output = output.transpose()?;
        if let Some(error) = &execution.error {
            without_token("transaction_token_in_error", "error", error)?;
        }
        Ok(Self {
            workflow: workflow.as_str(),
            execution: arn.name(),
            transaction: transaction.map(TransactionId::as_str),
            status: execution.status.as_str(),
            started_at: &execution.started_at,
            stopped_at: execution.stopped_at.as_deref(),
            output,
            error: execution.error.as_deref(),
        })
    }
}

fn without_token(code: &'static str, what: &str, text: &str) -> Result<(), ServiceError> {
    if holds_transaction_token(text) {
        let message = format!("the workflow's {what} holds a transaction token");
        return Err(ServiceError::Misconfigured(Reason::new(code, &message)));
    }
    Ok(())
}
