//! Starts an execution.

use claim_guard::access::{IdempotencyRule, SessionRule};
use claim_guard::audit::Reason;
use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::{Digest, ExecutionArn, TransactionId};
use claim_guard::{Identity, TransactionToken, UnixTime};
use minting::{ServiceError, StartAnswer};
use serde_json::json;

use crate::admission::Admission;
use crate::admit::Candidate;
use crate::answer::{Ended, Exchange, RecordedResponse};
use crate::attribution::{Attributed, attribute};
use crate::body::Body;
use crate::execution_name::ExecutionName;
use crate::executions::{Declared, Executions};
use crate::find::arn_of;
use crate::idempotency::IdempotencyKey;
use crate::location;
use crate::mint::{Minted, Unminted};
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::services::{Execution, Services, Started, Status};

/// A start that the policy allows.
struct Work<'a> {
    exchange: Exchange<'a>,
    request: &'a Request,
    caller: &'a Identity,
    decision: &'a Decision,
    grant: &'a Grant,
    workflow: Declared<'a>,
    admission: Admission,
    execution: ExecutionArn,
    /// Whether the caller's own key leads to it, so that it may be there already.
    is_keyed: bool,
    now: UnixTime,
}

impl<O: Services> Executions<O> {
    pub(crate) async fn start(
        &self,
        mut exchange: Exchange<'_>,
        request: &Request,
        asked: &str,
        now: UnixTime,
    ) -> Result<RecordedResponse, Ended> {
        let claims = self.verified(&exchange, request, now).await?;
        let caller = claims.identity();
        let workflow = self.workflow(&exchange, &claims, asked)?;
        let body = Body::read(request).map_err(|problem| exchange.refused(caller, &problem))?;
        let key =
            IdempotencyKey::read(&request.idempotency_key).map_err(|problem| exchange.refused(caller, &problem))?;
        if let (IdempotencyRule::Required, None) = (workflow.rules.idempotency(), &key) {
            return Err(exchange.refused(caller, &Problem::IdempotencyKeyAbsent));
        }
        let decision = self.policy.decide_start(&claims, workflow.rules.name(), body.members());
        let Decision::Allow(grant) = &decision else { return Err(exchange.denied(caller, &decision)) };
        let naming = self.naming_key(&exchange, &claims).await?;
        let name = match &key {
            Some(key) => ExecutionName::keyed(caller, workflow.rules.name(), key, naming),
            None => ExecutionName::random(self.draw(&exchange, caller)?, caller, naming),
        };
        let execution = arn_of(&exchange, caller, &workflow, &name)?;
        exchange.concerns(&execution);
        let (decision, is_keyed) = (&decision, key.is_some());
        let candidate = Candidate { caller, decision, workflow: workflow.rules.name(), name, naming, now };
        let admission = self.admit(&mut exchange, candidate).await?;
        let work = Work { exchange, request, caller, decision, grant, workflow, admission, execution, is_keyed, now };
        self.begin(work, body).await
    }

    /// Mints the transaction token and starts the execution with it.
    async fn begin(&self, mut work: Work<'_>, body: Body) -> Result<RecordedResponse, Ended> {
        let digest = body.digest().clone();
        let minted = self.mint(work.grant, &work.workflow, &work.execution, &digest, work.now).await;
        let minted = minted.map_err(|unminted| match unminted {
            // His own token says it, so it is a no to him, and nothing that anybody here could mend.
            Unminted::NotCarried(error) => work.exchange.denied(work.caller, &Decision::not_carried(error)),
            Unminted::Failed(failure) => work.exchange.failed(work.caller, failure),
        })?;
        let standing = self.standing(&work, &minted).await;
        match standing.map_err(|failure| work.exchange.failed(work.caller, failure))? {
            StartAnswer::Alive => {}
            StartAnswer::Denied { reasons } => return self.without_standing(work, &minted, &digest, reasons).await,
        }
        // Invariant: the access token is not among this. What enters is worthless in any other execution.
        // Since when the statement is known only tells the machine when to ask anew: a guard goes by the token.
        let said_at = work.grant.issued_at().seconds();
        let input = json!({
            "transactionToken": minted.token.as_str(),
            "saidAt": said_at,
            "input": body.into_members(),
        });
        let input = input.to_string();
        let started = self.outside.start(work.workflow.state_machine, &work.admission, &input).await;
        match started.map_err(|failure| work.exchange.failed(work.caller, failure))? {
            Started::Now => Ok(work.accepted(&minted.transaction, Status::Running, false)),
            Started::NameTaken => self.join(work, &minted.token, &digest).await,
            Started::InputRefused => {
                work.exchange.note = Some(Problem::InputRefused.reason());
                Err(work.exchange.in_conflict(&Problem::InputRefused, work.caller, work.decision, None))
            }
        }
    }

    /// Whether the realm stands behind the caller now, where the workflow requires his session. It is asked last, so that nobody is
    /// asked about what cannot start, and before the start, so that no history holds anything of it.
    async fn standing(&self, work: &Work<'_>, minted: &Minted) -> Result<StartAnswer, ServiceError> {
        match work.workflow.rules.session() {
            SessionRule::Ignored => Ok(StartAnswer::Alive),
            SessionRule::Required => self.outside.ask_before_start(&work.execution, &minted.token).await,
        }
    }

    /// Nothing starts. What the caller's key has begun while the realm still stood behind him is his all the same: a repeat
    /// starts nothing, and its first answer may have been lost. Only then is Step Functions asked for it, whose descriptions are few.
    async fn without_standing(
        &self,
        work: Work<'_>,
        minted: &Minted,
        digest: &Digest,
        reasons: Vec<Reason>,
    ) -> Result<RecordedResponse, Ended> {
        let begun = if work.is_keyed { self.outside.describe(&work.execution).await } else { Ok(None) };
        match begun.map_err(|failure| work.exchange.failed(work.caller, failure))? {
            Some(execution) => self.join_to(work, execution, &minted.token, digest),
            None => Err(work.exchange.without_standing(work.caller, reasons, &minted.transaction)),
        }
    }

    /// Leads the caller to the execution that has the name already, if it is his and does the same work.
    async fn join(
        &self,
        work: Work<'_>,
        minted: &TransactionToken,
        digest: &Digest,
    ) -> Result<RecordedResponse, Ended> {
        let (exchange, caller) = (&work.exchange, work.caller);
        let execution = self.outside.describe(&work.execution).await;
        let execution = execution.map_err(|failure| exchange.failed(caller, failure))?;
        let Some(execution) = execution else {
            let message = "the name is taken, and there is no such execution";
            return Err(exchange.undecided(Some(caller), Reason::new("execution_absent", &message)));
        };
        self.join_to(work, execution, minted, digest)
    }

    fn join_to(
        &self,
        mut work: Work<'_>,
        execution: Execution,
        minted: &TransactionToken,
        digest: &Digest,
    ) -> Result<RecordedResponse, Ended> {
        let (exchange, caller) = (&mut work.exchange, work.caller);
        let name = work.workflow.rules.name();
        let attributed = attribute(execution, name, &work.execution, &self.transactions, work.now);
        let Attributed { execution, token, statement } = attributed
            .map_err(|cause| exchange.misconfigured(Some(caller), vec![Reason::new(cause.code(), &cause)]))?;
        exchange.note = statement.note();
        // The name is derived from the caller and his key, so this differs only if somebody else could choose names.
        let (Some(transaction), true) = (statement.transaction(), statement.is_of(caller)) else {
            let message = "the execution of this name is another caller's";
            return Err(exchange.misconfigured(Some(caller), vec![Reason::new("foreign_execution", &message)]));
        };
        if statement.input_digest() != digest {
            return Err(exchange.in_conflict(&Problem::OtherBody, caller, work.decision, Some(transaction)));
        }
        // The same token is this request's own start, whose first answer got lost between here and Step Functions.
        let replayed = token != *minted;
        Ok(work.accepted(transaction, execution.status, replayed))
    }

    fn draw(&self, exchange: &Exchange<'_>, caller: &Identity) -> Result<[u8; 16], Ended> {
        let bits = self.outside.random();
        bits.map_err(|error| exchange.undecided(Some(caller), Reason::new("no_random", &error)))
    }
}

impl Work<'_> {
    fn accepted(&self, transaction: &TransactionId, status: Status, replayed: bool) -> RecordedResponse {
        let (workflow, execution) = (self.workflow.rules.name(), self.admission.name());
        let body = json!({
            "workflow": workflow.as_str(),
            "execution": execution.as_str(),
            "transaction": transaction.as_str(),
            "status": status.as_str(),
        });
        let location = location::of_execution(self.request.mount.as_ref(), workflow, execution);
        let response = Response::new(202, "application/json", body.to_string()).at(&location);
        let response = if replayed { response.replayed() } else { response };
        self.exchange.done(response, self.caller, self.decision, Some(transaction))
    }
}
