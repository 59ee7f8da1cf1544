//! Stops an execution.

use claim_guard::UnixTime;
use claim_guard::decision::Decision;

use crate::answer::{Answer, Ended, Exchange};
use crate::attribution::Statement;
use crate::executions::Executions;
use crate::outside::{Outside, Stopped};
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;

impl<O: Outside> Executions<O> {
    pub(crate) async fn stop(
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
            Statement::Proven(statement) => self.policy.decide_stop(&claims, name, &statement.starter()),
            // Whoever may stop it by what it claims could not have been kept from it by whoever made the claim.
            Statement::Untrusted(untrusted) => {
                self.policy.decide_stop_on_claim(&claims, name, &untrusted.claimed_starter())
            }
        };
        let Decision::Allow(grant) = &decision else { return Err(exchange.denied(caller, &decision)) };
        let stopped = if found.execution.status.is_over() {
            Stopped::AlreadyEnded
        } else {
            self.outside.stop(grant, &arn).await.map_err(|failure| exchange.failed(caller, failure))?
        };
        match stopped {
            Stopped::Now => Ok(exchange.done(Response::empty(204), caller, &decision, None)),
            Stopped::AlreadyEnded => Err(exchange.in_conflict(&Problem::AlreadyEnded, caller, &decision, None)),
        }
    }
}
