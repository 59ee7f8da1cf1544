//! Describes an execution.

use claim_guard::UnixTime;
use claim_guard::audit::Reason;
use claim_guard::decision::{Decision, Grant};
use minting::Failure;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Ended, Exchange};
use crate::attribution::{Attributed, Statement};
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
        let name = workflow.rules.name();
        let decision = match &found.statement {
            Statement::Proven(statement) => self.policy.decide_describe(&claims, name, &statement.starter()),
            Statement::Untrusted(untrusted) => {
                self.policy.decide_describe_on_claim(&claims, name, &untrusted.claimed_starter())
            }
        };
        let Decision::Allow(grant) = &decision else { return Err(exchange.denied(caller, &decision)) };
        let mut body = Map::new();
        body.insert("workflow".to_owned(), json!(name.as_str()));
        body.insert("execution".to_owned(), json!(arn.name()));
        body.extend(disclosed(grant, &found).map_err(|failure| exchange.failed(caller, failure))?);
        let response = Response::new(200, "application/json", &Value::Object(body));
        Ok(exchange.done(response, caller, &decision, None))
    }
}

/// What the holder of a grant hears of an execution: of an error the name only, because its cause may say why the policy
/// said no, and no output that a workflow has put its transaction token into.
///
/// Of an execution whose statement nothing proves any more, he hears where it stands: neither its output, which was made for
/// whoever did start it, nor its transaction, which is a claim too.
fn disclosed(_grant: &Grant, found: &Attributed) -> Result<Map<String, Value>, Failure> {
    let Execution { status, started_at, stopped_at, output, error, .. } = &found.execution;
    let mut members = Map::new();
    let is_proven = match &found.statement {
        Statement::Proven(statement) => {
            if let Some(transaction) = statement.identity().transaction() {
                members.insert("transaction".to_owned(), json!(transaction.as_str()));
            }
            true
        }
        Statement::Untrusted(_) => false,
    };
    members.insert("status".to_owned(), json!(status.as_str()));
    members.insert("startedAt".to_owned(), json!(started_at));
    if let Some(stopped_at) = stopped_at {
        members.insert("stoppedAt".to_owned(), json!(stopped_at));
    }
    // Some engines give a failed execution an output as well, with error and cause in it.
    if let (true, Status::Succeeded, Some(output)) = (is_proven, status, output) {
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
