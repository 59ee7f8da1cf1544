//! What API Gateway asks of a TOKEN authorizer.

use claim_guard::json::{Document, JsonError, MemberError, Members, Part};
use claim_guard::{AccessToken, Excerpt, Rejection};

use crate::method_arn::{MethodArn, MethodArnError};

/// An event as it came, read at once into its parts. It never prints the token.
///
/// Reading one does not fail: what is wrong with an event is for the authorizer to answer and to record.
#[derive(Debug)]
pub struct AuthorizerEvent(pub(crate) Result<TokenRequest, EventError>);

/// The parts of an event of type `TOKEN`, each for itself.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) token: Result<AccessToken, Rejection>,
    pub(crate) method_arn: Result<MethodArn, MethodArnError>,
}

/// Why something is no event of a TOKEN authorizer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not one JSON object with unique members in UTF-8, or nested too deep.
    #[error("event: {0}")]
    Malformed(JsonError),
    /// A member is not what API Gateway sends.
    #[error("{0}")]
    Member(MemberError),
    /// The event of another kind of authorizer.
    #[error("type: expected `TOKEN`, presented `{presented}`")]
    WrongType {
        /// The event's `type`; `TOKEN` was expected.
        presented: Excerpt,
    },
}

impl From<MemberError> for EventError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

impl AuthorizerEvent {
    /// Reads an event, whatever bytes it is made of. Members that are not known are passed over: API Gateway may add some.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(TokenRequest::parse(bytes))
    }
}

impl TokenRequest {
    fn parse(bytes: &[u8]) -> Result<Self, EventError> {
        let event = Document::object(bytes.to_vec()).map_err(EventError::Malformed)?;
        let event = Members::new(Part::Event, event.members());
        let kind = event.text("type")?;
        if kind != "TOKEN" {
            return Err(EventError::WrongType { presented: Excerpt::of(kind) });
        }
        let token = event.given("authorizationToken", Members::text)?.unwrap_or_default();
        let method_arn = event.text("methodArn")?;
        Ok(Self { token: AccessToken::from_authorization_header(token), method_arn: MethodArn::parse(method_arn) })
    }
}
