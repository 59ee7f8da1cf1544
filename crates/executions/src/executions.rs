//! The function: from an event to an answer.

use std::collections::BTreeMap;
use std::io;

use claim_guard::access::{AccessPolicy, PolicyFaults, Workflow};
use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord, Reason};
use claim_guard::identifier::{Digest, KeyId, StateMachineReference, TrustDomain, WorkflowName};
use claim_guard::{AccessToken, AccessTokenVerifier, Leeway, Rejection, TransactionVerifier, UnixTime, VerifiedClaims};
use lambda_shell::{Panicked, caught, caught_at_once};
use minting::NamingKey;
use realm_keys::RealmKeys;
use tokio::sync::OnceCell;

use crate::answer::{Ended, Exchange, RecordedResponse};
use crate::function_arn::FunctionArn;
use crate::limits::StartLimits;
use crate::problem::Problem;
use crate::request::{EventFault, Operation, Request};
use crate::response::Response;
use crate::services::Services;
use crate::settings::{CorsOrigin, Fault, KmsKeys, Settings, Stack};

/// Starts, describes and stops executions on behalf of verified callers.
pub struct Executions<O> {
    pub(crate) policy: AccessPolicy,
    verifier: AccessTokenVerifier,
    pub(crate) trust_domain: TrustDomain,
    pub(crate) key_id: KeyId,
    pub(crate) transactions: TransactionVerifier,
    pub(crate) state_machines: BTreeMap<WorkflowName, StateMachineReference>,
    pub(crate) limits: Option<StartLimits>,
    origin: Option<CorsOrigin>,
    naming: OnceCell<NamingKey>,
    pub(crate) outside: O,
}

/// A workflow that the policy names, with the state machine that runs it.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'a> {
    pub(crate) rules: &'a Workflow,
    pub(crate) state_machine: &'a StateMachineReference,
}

impl<O: Services> Executions<O> {
    /// The function of one stack.
    pub fn new(policy: AccessPolicy, verifier: AccessTokenVerifier, stack: Stack, outside: O) -> Self {
        let Stack { trust_domain, transaction_keys, key_id, state_machines, limits, cors_origin } = stack;
        let transactions = TransactionVerifier::new(trust_domain.clone(), transaction_keys, Leeway::MAX);
        Self {
            policy,
            verifier,
            trust_domain,
            key_id,
            transactions,
            state_machines,
            limits,
            origin: cors_origin,
            naming: OnceCell::new(),
            outside,
        }
    }

    /// Answers an event of API Gateway (REST, proxy integration), given as JSON. Whatever the event is, and whatever panics
    /// on its way, there is an answer.
    pub async fn answer(&self, event: &str) -> RecordedResponse {
        let origin = self.origin.as_ref();
        let now = caught_at_once(|| self.outside.now());
        let context = |point| {
            let now = now.ok().and_then(Result::ok);
            AuditContext { point, policy: Some(self.policy.digest().clone()), now }
        };
        let request = match caught_at_once(|| Request::parse(event)) {
            Ok(Ok(request)) => request,
            Ok(Err(fault)) => return not_a_request(&fault, context(nowhere(&fault)), origin),
            Err(panicked) => {
                return *Exchange { origin, request_id: None, context: context(unread()), note: None }
                    .panicked(panicked);
            }
        };
        let exchange =
            Exchange { origin, request_id: request.id.as_deref(), context: context(request.ask.point()), note: None };
        let spare = exchange.clone();
        let answered = caught(async {
            let now = match now {
                Ok(Ok(now)) => now,
                Ok(Err(error)) => return Err(exchange.undecided(None, Reason::new("clock", &error))),
                Err(panicked) => return Err(exchange.panicked(panicked)),
            };
            match &request.ask {
                Operation::Start { workflow } => self.start(exchange, &request, workflow, now).await,
                Operation::Describe { workflow, execution } => {
                    self.describe(exchange, &request, workflow, execution, now).await
                }
                Operation::Stop { workflow, execution } => {
                    self.stop(exchange, &request, workflow, execution, now).await
                }
            }
        });
        let answered = answered.await.unwrap_or_else(|panicked| Err(spare.panicked(panicked)));
        answered.unwrap_or_else(|ended| *ended)
    }

    /// Verifies the request's access token. What the authorizer in front has found is not looked at.
    pub(crate) async fn verified(
        &self,
        exchange: &Exchange<'_>,
        request: &Request,
        now: UnixTime,
    ) -> Result<VerifiedClaims, Ended> {
        // RFC 9110 §5.3: `Authorization` is no list, so a second value is another request's, or an attempt.
        let token = match request.authorization.as_slice() {
            [value] => AccessToken::from_authorization_header(value),
            [] | [_, _, ..] => Err(Rejection::NoBearerToken),
        };
        let token = token.map_err(|rejection| exchange.rejected(None, &rejection))?;
        let rejected = |rejection| exchange.rejected(Some(&token), &rejection);
        let key_id = token.untrusted_key_id().map_err(rejected)?;
        let keys = self.outside.key_set(&key_id).await.map_err(|reason| exchange.undecided(None, reason))?;
        self.verifier.verify(&token, &keys, now).map_err(rejected)
    }

    /// The workflow of that name, for a verified caller.
    pub(crate) fn workflow(
        &self,
        exchange: &Exchange<'_>,
        claims: &VerifiedClaims,
        asked: &str,
    ) -> Result<Declared<'_>, Ended> {
        let unknown = || exchange.refused(claims.identity(), &Problem::UnknownWorkflow);
        let name = WorkflowName::parse(asked).map_err(|_| unknown())?;
        let rules = self.policy.workflow(&name).ok_or_else(unknown)?;
        // The settings hold exactly the policy's workflows.
        let state_machine = self.state_machines.get(&name).ok_or_else(unknown)?;
        Ok(Declared { rules, state_machine })
    }

    /// What names are given and recognised with. KMS is asked for it once; what it does not answer is asked for again.
    pub(crate) async fn naming_key(
        &self,
        exchange: &Exchange<'_>,
        claims: &VerifiedClaims,
    ) -> Result<&NamingKey, Ended> {
        let key = self.naming.get_or_try_init(|| self.outside.naming_key()).await;
        key.map_err(|failure| exchange.failed(claims.identity(), failure))
    }
}

/// Where an event stands that asks for nothing of ours.
fn nowhere(fault: &EventFault) -> AuditPoint {
    match fault {
        EventFault::UnknownRoute { method, resource } => {
            AuditPoint::Route { method: method.to_string(), path: resource.to_string() }
        }
        EventFault::Malformed(_) | EventFault::Member(_) => unread(),
    }
}

/// Where an event stands of which nothing is known.
fn unread() -> AuditPoint {
    AuditPoint::Route { method: String::new(), path: String::new() }
}

/// API Gateway sends requests for the three routes of the template; another event means that the two do not fit.
fn not_a_request(fault: &EventFault, context: AuditContext, origin: Option<&CorsOrigin>) -> RecordedResponse {
    let exchange = Exchange { origin, request_id: None, context, note: None };
    *exchange.misconfigured(None, vec![Reason::new(fault.code(), fault)])
}

/// The function of a stack whose configuration is broken.
///
/// It does not end the process: Lambda would start it again and again, and nothing would say why. Each request is answered
/// with 500 instead, and its audit line names every fault.
pub struct Misconfigured {
    /// The digest of `access.toml`, where that parses.
    pub policy: Option<Digest>,
    /// Every fault, at least one.
    pub reasons: Vec<Reason>,
    /// Whose scripts may read answers, where that can be told.
    pub origin: Option<CorsOrigin>,
}

impl Misconfigured {
    fn answer(&self, event: &str, now: Option<UnixTime>) -> RecordedResponse {
        let request = Request::parse(event);
        let point = match &request {
            Ok(request) => request.ask.point(),
            Err(fault) => nowhere(fault),
        };
        let request_id = request.as_ref().ok().and_then(|request| request.id.as_deref());
        let context = AuditContext { point, policy: self.policy.clone(), now };
        let exchange = Exchange { origin: self.origin.as_ref(), request_id, context, note: None };
        *exchange.misconfigured(None, self.reasons.clone())
    }
}

/// The function, or what stands in its place.
pub enum Service<O> {
    /// It answers.
    Ready(Box<Executions<O>>),
    /// It says that it cannot.
    Misconfigured(Misconfigured),
}

impl<O: Services> Service<O> {
    /// The function of a policy and an environment; `lookup` answers a variable's value by its name, and `outside` makes
    /// the outside from the realm's keys, those in KMS and what asks the realm before a start. The variables are those of [`Settings::from_lookup`].
    pub async fn from_lookup(
        policy: Result<AccessPolicy, PolicyFaults>,
        lookup: impl Fn(&str) -> Option<String>,
        outside: impl AsyncFnOnce(RealmKeys, KmsKeys, FunctionArn) -> O,
    ) -> Self {
        let origin = CorsOrigin::from_lookup(&lookup).ok().flatten();
        let policy = match policy {
            Ok(policy) => policy,
            Err(faults) => {
                return Self::Misconfigured(Misconfigured {
                    policy: None,
                    reasons: Reason::of_policy(&faults),
                    origin,
                });
            }
        };
        match Settings::from_lookup(&policy, lookup) {
            Ok(Settings { realm, stack, keys, revalidation }) => {
                let outside = outside(realm.keys, keys, revalidation).await;
                Self::Ready(Box::new(Executions::new(policy, realm.verifier, stack, outside)))
            }
            Err(faults) => {
                let reasons = faults.iter().map(Fault::reason).collect();
                Self::Misconfigured(Misconfigured { policy: Some(policy.digest().clone()), reasons, origin })
            }
        }
    }

    /// Serves an event: decides, writes the audit line, and only then answers; `now` is for a record of what `outside` has no
    /// part in. Without a written audit line the answer is that nothing could be told.
    pub async fn serve(
        &self,
        event: &str,
        now: Option<UnixTime>,
        write_audit: impl FnOnce(AuditRecord) -> io::Result<()>,
    ) -> Response {
        let answer = caught(self.answer(event, now)).await;
        let RecordedResponse { response, record } = answer.unwrap_or_else(|panicked| self.panicked(panicked, now));
        match caught_at_once(|| write_audit(record)) {
            Ok(Ok(())) => response,
            Ok(Err(_)) | Err(Panicked) => Problem::Undecided.response(None).for_origin(self.origin()),
        }
    }

    /// Answers an event.
    pub async fn answer(&self, event: &str, now: Option<UnixTime>) -> RecordedResponse {
        match self {
            Self::Ready(executions) => executions.answer(event).await,
            Self::Misconfigured(misconfigured) => misconfigured.answer(event, now),
        }
    }

    fn panicked(&self, panicked: Panicked, now: Option<UnixTime>) -> RecordedResponse {
        let policy = match self {
            Self::Ready(executions) => Some(executions.policy.digest().clone()),
            Self::Misconfigured(misconfigured) => misconfigured.policy.clone(),
        };
        let context = AuditContext { point: unread(), policy, now };
        *Exchange { origin: self.origin(), request_id: None, context, note: None }.panicked(panicked)
    }

    fn origin(&self) -> Option<&CorsOrigin> {
        match self {
            Self::Ready(executions) => executions.origin.as_ref(),
            Self::Misconfigured(misconfigured) => misconfigured.origin.as_ref(),
        }
    }
}
