//! One request and what comes of it: an answer for API Gateway, and one audit line.

use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord, Reason};
use claim_guard::decision::Decision;
use claim_guard::identifier::{ExecutionArn, TransactionId};
use claim_guard::{AccessToken, Identity, Rejection};
use lambda_shell::Panicked;
use minting::ServiceError;

use crate::problem::Problem;
use crate::response::Response;
use crate::settings::CorsOrigin;

/// What API Gateway hears, and what the log does.
#[derive(Debug, PartialEq, Eq)]
pub struct RecordedResponse {
    /// For API Gateway.
    pub response: Response,
    /// For the log.
    pub record: AuditRecord,
}

/// An answer that ends the request early.
pub(crate) type Ended = Box<RecordedResponse>;

/// One request: what every answer to it needs.
#[derive(Clone)]
pub(crate) struct Exchange<'a> {
    pub(crate) origin: Option<&'a CorsOrigin>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) context: AuditContext,
    /// What the audit line has to say beside the decision's own reasons.
    pub(crate) note: Option<Reason>,
}

impl Exchange<'_> {
    /// From now on the request is about that execution.
    pub(crate) fn concerns(&mut self, arn: &ExecutionArn) {
        match &mut self.context.point {
            AuditPoint::Start { execution, .. } => *execution = Some(arn.to_string()),
            AuditPoint::Describe { execution, .. } | AuditPoint::Stop { execution, .. } => *execution = arn.to_string(),
            AuditPoint::Route { .. } | AuditPoint::State { .. } | AuditPoint::Revalidation { .. } => {}
        }
    }

    /// A verified caller asked for nothing that could be decided on.
    pub(crate) fn refused(&self, caller: &Identity, problem: &Problem) -> Ended {
        let record = AuditRecord::refused(self.context.clone(), problem.reason());
        self.problem(problem, record.about(caller))
    }

    /// A verified caller asked for an execution that is not there. Why that is so stands in the line alone.
    pub(crate) fn absent(&self, caller: &Identity, reason: Reason) -> Ended {
        let record = AuditRecord::refused(self.context.clone(), reason);
        self.problem(&Problem::UnknownExecution, record.about(caller))
    }

    /// The token proves nothing.
    pub(crate) fn rejected(&self, token: Option<&AccessToken>, rejection: &Rejection) -> Ended {
        self.problem(&Problem::Rejected, AuditRecord::rejected(self.context.clone(), token, rejection))
    }

    /// The policy said no.
    pub(crate) fn denied(&self, caller: &Identity, decision: &Decision) -> Ended {
        self.problem(&Problem::Denied, self.record(caller, decision, None))
    }

    /// The policy said yes, and the realm does not stand behind the caller any more.
    pub(crate) fn without_standing(
        &self,
        caller: &Identity,
        reasons: Vec<Reason>,
        transaction: &TransactionId,
    ) -> Ended {
        let record = AuditRecord::without_standing(self.context.clone(), caller, reasons);
        self.problem(&Problem::Denied, record.beginning(transaction))
    }

    /// The policy said no, and that there is such an execution is not for the caller to know.
    pub(crate) fn hidden(&self, caller: &Identity, decision: &Decision) -> Ended {
        self.problem(&Problem::UnknownExecution, self.record(caller, decision, None))
    }

    /// The policy said yes, and there is another reason not to do it.
    pub(crate) fn in_conflict(
        &self,
        problem: &Problem,
        caller: &Identity,
        decision: &Decision,
        transaction: Option<&TransactionId>,
    ) -> Ended {
        self.problem(problem, self.record(caller, decision, transaction))
    }

    /// The policy said yes, and it is done.
    pub(crate) fn done(
        &self,
        response: Response,
        caller: &Identity,
        decision: &Decision,
        transaction: Option<&TransactionId>,
    ) -> RecordedResponse {
        self.answer(response, self.record(caller, decision, transaction))
    }

    /// We could not tell.
    pub(crate) fn undecided(&self, caller: Option<&Identity>, reason: Reason) -> Ended {
        self.problem(&Problem::Undecided, about(AuditRecord::undecided(self.context.clone(), reason), caller))
    }

    /// We broke down over it. What was asked for may have been done, so the caller is told how to ask again.
    pub(crate) fn panicked(&self, panicked: Panicked) -> Ended {
        self.problem(&Problem::Panicked, AuditRecord::undecided(self.context.clone(), panicked.reason()))
    }

    /// Somebody has to mend something.
    pub(crate) fn misconfigured(&self, caller: Option<&Identity>, reasons: Vec<Reason>) -> Ended {
        self.problem(&Problem::Misconfigured, about(AuditRecord::misconfigured(self.context.clone(), reasons), caller))
    }

    /// KMS or Step Functions did not do what they were asked for.
    pub(crate) fn failed(&self, caller: &Identity, failure: ServiceError) -> Ended {
        match failure {
            ServiceError::Undecided(reason) => self.undecided(Some(caller), reason),
            ServiceError::Misconfigured(reason) => self.misconfigured(Some(caller), vec![reason]),
        }
    }

    fn record(&self, caller: &Identity, decision: &Decision, transaction: Option<&TransactionId>) -> AuditRecord {
        let record = AuditRecord::decided(self.context.clone(), caller, decision);
        let record = self.note.iter().cloned().fold(record, AuditRecord::noting);
        match transaction {
            Some(transaction) => record.beginning(transaction),
            None => record,
        }
    }

    fn problem(&self, problem: &Problem, record: AuditRecord) -> Ended {
        Box::new(self.answer(problem.response(self.request_id), record))
    }

    fn answer(&self, response: Response, record: AuditRecord) -> RecordedResponse {
        let record = match self.request_id {
            Some(id) => record.of_request(id),
            None => record,
        };
        RecordedResponse { response: response.for_origin(self.origin), record }
    }
}

fn about(record: AuditRecord, caller: Option<&Identity>) -> AuditRecord {
    match caller {
        Some(caller) => record.about(caller),
        None => record,
    }
}
