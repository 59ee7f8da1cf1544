//! From the event to the answer and the audit line.

use claim_guard::Excerpt;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord, Invocation, Reason};
use claim_guard::unix_time::ClockError;
use claim_guard::{AccessToken, Rejection, UnixTime, VerifiedClaims};
use lambda_shell::{Panicked, caught, caught_at_once};

use crate::audit_sink::AuditSink;
use crate::event::{AuthorizerEvent, TokenRequest};
use crate::iam_policy::{self, Inexpressible};
use crate::key_source::KeySource;
use crate::method_arn::MethodArn;
use crate::response::{AuthorizerError, AuthorizerResponse};
use crate::setup::Setup;

/// Answers events, and writes one audit line for each.
#[derive(Debug)]
pub struct Authorizer<K, S> {
    setup: Setup<K>,
    sink: S,
}

/// The line that is written before anything is answered, and the answer.
type Ruling = (AuditRecord, Result<AuthorizerResponse, AuthorizerError>);

/// Why an event gets no policy.
enum NoPolicy<'a> {
    /// A fault of the set-up.
    Misconfigured(&'a [Reason]),
    /// Something else than the token is wrong with the request.
    Refused(Reason, Caller),
    /// The token proves nothing.
    Rejected(Option<&'a AccessToken>, Rejection),
    /// It cannot be told.
    Undecided(Reason, Caller),
}

/// Who calls, once the token is verified.
type Caller = Option<Box<VerifiedClaims>>;

impl<K: KeySource, S: AuditSink> Authorizer<K, S> {
    /// An authorizer that writes its audit lines to `sink`.
    pub fn new(setup: Setup<K>, sink: S) -> Self {
        Self { setup, sink }
    }

    /// Answers an event at a time, the clock as it was read, whatever bytes the event is made of.
    ///
    /// # Errors
    /// Those of [`Self::answer`].
    pub async fn serve(
        &self,
        event: &[u8],
        now: Result<UnixTime, ClockError>,
        invocation: Invocation,
    ) -> Result<AuthorizerResponse, AuthorizerError> {
        let (record, answer) = match caught_at_once(|| AuthorizerEvent::parse(event)) {
            Ok(event) => self.ruled(event, now).await,
            Err(panicked) => undecided(self.context_of(None, now.ok()), panicked),
        };
        self.recorded(record.of_invocation(invocation), answer)
    }

    /// Answers an event that is read already.
    ///
    /// # Errors
    /// [`AuthorizerError`] if there is no policy to answer with; also if the audit line cannot be written, or anything panics.
    pub async fn answer(
        &self,
        event: AuthorizerEvent,
        now: Result<UnixTime, ClockError>,
    ) -> Result<AuthorizerResponse, AuthorizerError> {
        let (record, answer) = self.ruled(event, now).await;
        self.recorded(record, answer)
    }

    async fn ruled(&self, event: AuthorizerEvent, now: Result<UnixTime, ClockError>) -> Ruling {
        let context = match caught_at_once(|| self.context(&event, now.ok())) {
            Ok(context) => context,
            Err(panicked) => return undecided(self.context_of(None, now.ok()), panicked),
        };
        match caught(self.decided(&event, &context, now)).await {
            Ok(Ok((record, answer))) => (record, Ok(answer)),
            Ok(Err(no_policy)) => {
                let (record, refusal) = no_policy.recorded(context);
                (record, Err(refusal))
            }
            Err(panicked) => undecided(context, panicked),
        }
    }

    /// No decision without its line: a policy that nobody can trace is not given.
    fn recorded(
        &self,
        record: AuditRecord,
        answer: Result<AuthorizerResponse, AuthorizerError>,
    ) -> Result<AuthorizerResponse, AuthorizerError> {
        match caught_at_once(|| self.sink.take(record)) {
            Ok(Ok(())) => answer,
            Ok(Err(_)) | Err(Panicked) => Err(AuthorizerError::Undecided),
        }
    }

    async fn decided<'a>(
        &'a self,
        event: &'a AuthorizerEvent,
        context: &AuditContext,
        now: Result<UnixTime, ClockError>,
    ) -> Result<(AuditRecord, AuthorizerResponse), NoPolicy<'a>> {
        let (policy, verifier, keys) = match &self.setup {
            Setup::Ready { policy, verifier, keys } => (policy, verifier, keys),
            Setup::Broken { faults, .. } => return Err(NoPolicy::Misconfigured(faults)),
        };
        let AuthorizerEvent(request) = event;
        let request =
            request.as_ref().map_err(|error| NoPolicy::Refused(Reason::new("malformed_event", error), None))?;
        let called = request.method_arn.as_ref();
        let called = called.map_err(|error| NoPolicy::Refused(Reason::new("malformed_method_arn", error), None))?;

        let token = request.token.as_ref().map_err(|rejection| NoPolicy::Rejected(None, rejection.clone()))?;
        let rejected = |rejection| NoPolicy::Rejected(Some(token), rejection);
        let key_id = token.untrusted_key_id().map_err(rejected)?;
        let now = now.map_err(|error| NoPolicy::Undecided(Reason::new("clock", &error), None))?;
        let keys = keys.key_set(&key_id).await.map_err(|reason| NoPolicy::Undecided(reason, None))?;
        let claims = verifier.verify(token, &keys, now).map_err(rejected)?;

        let decided = policy.decide_routes(&claims, called.method(), called.path());
        match iam_policy::answer(policy, &claims, called, &decided) {
            Ok(answer) => Ok((AuditRecord::decided(context.clone(), claims.identity(), decided.decision()), answer)),
            Err(Inexpressible::AmbiguousPath) => {
                let message = "no route matches the path, and it holds characters that a policy cannot name";
                Err(NoPolicy::Refused(Reason::new("ambiguous_path", &message), Some(Box::new(claims))))
            }
            Err(Inexpressible::TooLarge { presented }) => {
                let limit = iam_policy::MAX_ANSWER_BYTES;
                let message = format!("the policy has `{presented}` bytes, expected at most `{limit}`");
                Err(NoPolicy::Undecided(Reason::new("policy_too_large", &message), Some(Box::new(claims))))
            }
        }
    }

    fn context(&self, event: &AuthorizerEvent, now: Option<UnixTime>) -> AuditContext {
        let called = event.0.as_ref().ok().and_then(|request: &TokenRequest| request.method_arn.as_ref().ok());
        self.context_of(called, now)
    }

    fn context_of(&self, called: Option<&MethodArn>, now: Option<UnixTime>) -> AuditContext {
        let (policy, digest) = match &self.setup {
            Setup::Ready { policy, .. } => (Some(policy), Some(policy.digest().clone())),
            Setup::Broken { policy, .. } => (None, policy.clone()),
        };
        AuditContext { point: point(policy, called), policy: digest, now }
    }
}

fn undecided(context: AuditContext, panicked: Panicked) -> Ruling {
    (AuditRecord::undecided(context, panicked.reason()), Err(AuthorizerError::Undecided))
}

impl NoPolicy<'_> {
    fn recorded(self, context: AuditContext) -> (AuditRecord, AuthorizerError) {
        match self {
            Self::Misconfigured(faults) => {
                (AuditRecord::misconfigured(context, faults.to_vec()), AuthorizerError::Misconfigured)
            }
            Self::Refused(reason, caller) => {
                (about(AuditRecord::refused(context, reason), caller), AuthorizerError::Rejected)
            }
            Self::Rejected(token, rejection) => {
                (AuditRecord::rejected(context, token, &rejection), AuthorizerError::Rejected)
            }
            Self::Undecided(reason, caller) => {
                (about(AuditRecord::undecided(context, reason), caller), AuthorizerError::Undecided)
            }
        }
    }
}

fn about(record: AuditRecord, caller: Caller) -> AuditRecord {
    match caller {
        Some(claims) => record.about(claims.identity()),
        None => record,
    }
}

/// The route that is called: by its template, else by an excerpt of the path, else by nothing.
fn point(policy: Option<&AccessPolicy>, called: Option<&MethodArn>) -> AuditPoint {
    let Some(called) = called else { return AuditPoint::Route { method: String::new(), path: String::new() } };
    let route = policy.and_then(|policy| policy.route_for(called.method(), called.path()));
    let path = route.map_or_else(|| Excerpt::of(called.path()).to_string(), |route| route.path().to_string());
    AuditPoint::Route { method: called.method().to_owned(), path }
}
