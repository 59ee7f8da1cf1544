//! Describes an execution.

use claim_guard::UnixTime;
use claim_guard::audit::Reason;
use claim_guard::decision::{Decision, Grant};
use minting::Failure;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Ended, Exchange};
use crate::attribution::Attributed;
use crate::executions::Executions;
use crate::outside::{Execution, Outside, Status};
use crate::request::Request;
use crate::response::Response;

impl<O: Outside> Executions<O> {
    pub(crate) async fn describe(
        &self,
        mut exchange: Exchange<'_>,
        request: &Request,
        asked: &str,
        execution: &str,
        now: UnixTime,
    ) -> Result<Answer, Ended> {
        let claims = self.verified(&exchange, request, now).await?;
        let caller = claims.identity();
        let workflow = self.workflow(&exchange, &claims, asked)?;
        let (arn, found) = self.find(&mut exchange, &claims, &workflow, execution, now).await?;
        let decision = self.policy.decide_describe(&claims, workflow.rules.name(), &found.statement.starter());
        let Decision::Allow(grant) = &decision else { return Err(exchange.denied(caller, &decision)) };
        let mut body = Map::new();
        body.insert("workflow".to_owned(), json!(workflow.rules.name().as_str()));
        body.insert("execution".to_owned(), json!(arn.name()));
        body.extend(disclosed(grant, &found).map_err(|failure| exchange.failed(caller, failure))?);
        let response = Response::new(200, "application/json", &Value::Object(body));
        Ok(exchange.done(response, caller, &decision, None))
    }
}

/// What the holder of a grant hears of an execution: of an error the name only, because its cause may say why the policy
/// said no, and no output that a workflow has put its transaction token into.
fn disclosed(_grant: &Grant, found: &Attributed) -> Result<Map<String, Value>, Failure> {
    let Execution { status, started_at, stopped_at, output, error, .. } = &found.execution;
    let mut members = Map::new();
    if let Some(transaction) = found.statement.identity().transaction() {
        members.insert("transaction".to_owned(), json!(transaction.as_str()));
    }
    members.insert("status".to_owned(), json!(status.as_str()));
    members.insert("startedAt".to_owned(), json!(started_at));
    if let Some(stopped_at) = stopped_at {
        members.insert("stoppedAt".to_owned(), json!(stopped_at));
    }
    // Some engines give a failed execution an output as well, with error and cause in it.
    if let (Status::Succeeded, Some(output)) = (status, output) {
        if output.contains(found.token.as_str()) {
            let message = "the workflow's output holds its transaction token";
            return Err(Failure::Misconfigured(Reason::new("transaction_token_in_output", &message)));
        }
        let malformed = |error| Failure::Undecided(Reason::new("malformed_output", &error));
        members.insert("output".to_owned(), serde_json::from_str(output).map_err(malformed)?);
    }
    if let Some(error) = error {
        members.insert("error".to_owned(), json!(error));
    }
    Ok(members)
}
