//! Stops an execution.

use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::ExecutionArn;
use claim_guard::{Identity, UnixTime};

use crate::answer::{Ended, Exchange, RecordedResponse};
use crate::attribution::Statement;
use crate::executions::Executions;
use crate::find::Unseen;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::services::{Services, Stopped};

impl<O: Services> Executions<O> {
    pub(crate) async fn stop(
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
        let by_role = self.policy.decide_stop_of_another(&claims, name);
        if let (false, Decision::Deny(_)) = (named.may_be_callers, &by_role) {
            return Err(exchange.hidden(caller, &by_role));
        }
        let found = match self.find(&mut exchange, &claims, &workflow, arn, now).await {
            Ok(found) => found,
            Err(unseen) => {
                let decision = match by_role {
                    Decision::Deny(_) if named.may_be_callers => self.policy.decide_stop_of_own_name(&claims, name),
                    Decision::Allow(_) | Decision::Deny(_) => by_role,
                };
                return self.stop_unseen(exchange, caller, &decision, arn, unseen).await;
            }
        };
        let decision = match &found.statement {
            Statement::Proven(statement) => self.policy.decide_stop(&claims, name, &statement.starter()),
            // Whoever may stop it by what it claims could not have been kept from it by whoever made the claim.
            Statement::Untrusted(untrusted) => {
                self.policy.decide_stop_on_claim(&claims, name, &untrusted.claimed_starter())
            }
        };
        let Decision::Allow(grant) = &decision else { return Err(exchange.hidden(caller, &decision)) };
        if found.execution.status.is_over() {
            return Err(exchange.in_conflict(&Problem::AlreadyEnded, caller, &decision, None));
        }
        self.stop_now(&exchange, caller, &decision, grant, arn).await
    }

    /// Whoever may stop it by a role may do so whoever started it, and a name that was given to the caller is his own execution's, so
    /// neither need wait until Step Functions can tell.
    async fn stop_unseen(
        &self,
        mut exchange: Exchange<'_>,
        caller: &Identity,
        decision: &Decision,
        arn: &ExecutionArn,
        unseen: Unseen,
    ) -> Result<RecordedResponse, Ended> {
        match (decision, unseen) {
            (Decision::Allow(grant), Unseen::Undecided(reason)) => {
                // The line says why it was not looked at.
                exchange.note = Some(reason);
                self.stop_now(&exchange, caller, decision, grant, arn).await
            }
            (Decision::Allow(_) | Decision::Deny(_), unseen) => Err(unseen.ended(&exchange, caller)),
        }
    }

    async fn stop_now(
        &self,
        exchange: &Exchange<'_>,
        caller: &Identity,
        decision: &Decision,
        grant: &Grant,
        arn: &ExecutionArn,
    ) -> Result<RecordedResponse, Ended> {
        let stopped = self.outside.stop(grant, arn).await.map_err(|failure| exchange.failed(caller, failure))?;
        match stopped {
            Stopped::Now => Ok(exchange.done(Response::empty(204), caller, decision, None)),
            Stopped::AlreadyEnded => Err(exchange.in_conflict(&Problem::AlreadyEnded, caller, decision, None)),
        }
    }
}
