//! API Gateway's event (REST, proxy integration) → request.

use std::fmt;

use claim_guard::Excerpt;
use claim_guard::audit::AuditPoint;
use claim_guard::json::{Document, JsonError, MemberError, Members, Object, Part};

use crate::location::Mount;

const START: &str = "/workflows/{workflow}/executions";
const EXECUTION: &str = "/workflows/{workflow}/executions/{execution}";

/// Why an event is no request: it does not come from the API of this stack's template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventFault {
    /// Not one JSON object.
    Malformed(JsonError),
    /// A member is not what API Gateway sends.
    Member(MemberError),
    /// A route that this function does not serve.
    UnknownRoute {
        /// The method.
        method: Excerpt,
        /// The route's template.
        resource: Excerpt,
    },
}

impl EventFault {
    /// A fixed name of the cause.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Member(_) => "malformed_event",
            Self::UnknownRoute { .. } => "unknown_route",
        }
    }
}

impl fmt::Display for EventFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "event: {error}"),
            Self::Member(error) => error.fmt(f),
            Self::UnknownRoute { method, resource } => write!(f, "no route `{method} {resource}` is served here"),
        }
    }
}

impl From<MemberError> for EventFault {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

/// What is asked for. The names are the caller's own texts, not looked at yet.
pub(crate) enum Operation {
    Start { workflow: String },
    Describe { workflow: String, execution: String },
    Stop { workflow: String, execution: String },
}

impl Operation {
    /// Where the decision will stand, in words fit for a log line.
    pub(crate) fn point(&self) -> AuditPoint {
        let excerpt = |text: &str| Excerpt::of(text).to_string();
        match self {
            Self::Start { workflow } => AuditPoint::Start { workflow: excerpt(workflow), execution: None },
            Self::Describe { workflow, execution } => {
                AuditPoint::Describe { workflow: excerpt(workflow), execution: excerpt(execution) }
            }
            Self::Stop { workflow, execution } => {
                AuditPoint::Stop { workflow: excerpt(workflow), execution: excerpt(execution) }
            }
        }
    }
}

/// One request. It holds the bearer token, so it does not print.
pub(crate) struct Request {
    pub(crate) ask: Operation,
    /// Every value of `Authorization`.
    pub(crate) authorization: Vec<String>,
    /// Every value of `Content-Type`.
    pub(crate) content_type: Vec<String>,
    /// Every value of `Idempotency-Key`.
    pub(crate) idempotency_key: Vec<String>,
    pub(crate) body: Option<String>,
    pub(crate) body_is_base64: bool,
    /// What the caller's address of the API begins with, where that is told.
    pub(crate) mount: Option<Mount>,
    /// API Gateway's name for this request, where it is one.
    pub(crate) id: Option<String>,
}

impl Request {
    /// Reads an event. Of everything in it, only what stands in this type is looked at; `requestContext.authorizer` is not.
    ///
    /// # Errors
    /// The first [`EventFault`] that is met.
    pub(crate) fn parse(event: &str) -> Result<Self, EventFault> {
        let event = Document::object(event.as_bytes().to_vec()).map_err(EventFault::Malformed)?;
        let event = Members::new(Part::Event, event.members());
        let context = Members::new(Part::Event, event.object("requestContext")?);
        let headers = Headers::read(&event)?;
        Ok(Self {
            ask: ask(&event)?,
            authorization: headers.values("authorization"),
            content_type: headers.values("content-type"),
            idempotency_key: headers.values("idempotency-key"),
            body: event.given("body", Members::text)?.map(str::to_owned),
            body_is_base64: event.given("isBase64Encoded", Members::boolean)?.unwrap_or_default(),
            // Not the stage: it is in no address behind a custom domain, and the console's Test button sends none.
            mount: context.given("path", Members::text)?.and_then(Mount::of_start),
            id: context.given("requestId", Members::text)?.filter(|id| is_request_id(id)).map(str::to_owned),
        })
    }
}

fn ask(event: &Members<'_>) -> Result<Operation, EventFault> {
    let (method, resource) = (event.text("httpMethod")?, event.text("resource")?);
    let parameters = Members::new(Part::Event, event.object("pathParameters")?);
    let parameter = |name| parameters.text(name).map(str::to_owned);
    match (method, resource) {
        ("POST", START) => Ok(Operation::Start { workflow: parameter("workflow")? }),
        ("GET", EXECUTION) => {
            Ok(Operation::Describe { workflow: parameter("workflow")?, execution: parameter("execution")? })
        }
        ("DELETE", EXECUTION) => {
            Ok(Operation::Stop { workflow: parameter("workflow")?, execution: parameter("execution")? })
        }
        (method, resource) => {
            Err(EventFault::UnknownRoute { method: Excerpt::of(method), resource: Excerpt::of(resource) })
        }
    }
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Header lines: name in lower case and value.
struct Headers(Vec<(String, String)>);

impl Headers {
    /// `multiValueHeaders` has every line; `headers` only the last of each name, so it is read for names that the former
    /// does not have.
    fn read(event: &Members<'_>) -> Result<Self, MemberError> {
        let mut lines = Vec::new();
        for (name, values) in event.given("multiValueHeaders", Members::object)?.into_iter().flat_map(Object::iter) {
            let values = event.texts_of("multiValueHeaders", values)?;
            lines.extend(values.map(|value| (name.to_ascii_lowercase(), value.to_owned())));
        }
        let mut others = Vec::new();
        for (name, value) in event.given("headers", Members::object)?.into_iter().flat_map(Object::iter) {
            let value = value.text().ok_or_else(|| event.wrong_type("headers", "texts", value))?;
            let name = name.to_ascii_lowercase();
            if lines.iter().all(|(known, _)| *known != name) {
                others.push((name, value.to_owned()));
            }
        }
        lines.append(&mut others);
        Ok(Self(lines))
    }

    fn values(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }
}
