//! What API Gateway asks of a TOKEN authorizer.

use std::fmt;

use claim_guard::Excerpt;
use claim_guard::{AccessToken, Rejection};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::method_arn::{MethodArn, MethodArnError};

/// An event as it came, read at once into its parts. It never prints the token.
///
/// Deserializing one does not fail: what is wrong with an event is for the authorizer to answer and to record, and an
/// error of the runtime would be neither `Unauthorized` nor in the audit log.
#[derive(Debug)]
pub struct AuthorizerEvent(pub(crate) Result<TokenRequest, EventError>);

/// The parts of an event of type `TOKEN`, each for itself.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) token: Result<AccessToken, Rejection>,
    pub(crate) method_arn: Result<MethodArn, MethodArnError>,
}

/// Why something is no event of a TOKEN authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventError {
    /// Not one JSON object in UTF-8, or nested too deep.
    NotAnObject,
    /// A member stands there twice, so readers differ on its value.
    Duplicate {
        /// Its name.
        member: &'static str,
    },
    /// A member that has to be there is not.
    Absent {
        /// Its name.
        member: &'static str,
    },
    /// A member is not a string.
    NotText {
        /// Its name.
        member: &'static str,
    },
    /// The event of another kind of authorizer.
    WrongType {
        /// The event's `type`; `TOKEN` was expected.
        presented: Excerpt,
    },
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the event is no JSON object"),
            Self::Duplicate { member } => write!(f, "`{member}` is there twice"),
            Self::Absent { member } => write!(f, "`{member}` is absent"),
            Self::NotText { member } => write!(f, "`{member}` is no string"),
            Self::WrongType { presented } => write!(f, "type: expected `TOKEN`, presented `{presented}`"),
        }
    }
}

impl std::error::Error for EventError {}

impl AuthorizerEvent {
    /// Reads an event, whatever bytes it is made of.
    pub fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or(Self(Err(EventError::NotAnObject)))
    }
}

impl<'de> Deserialize<'de> for AuthorizerEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(MembersVisitor);
        Ok(Self(members.map_err(|_| EventError::NotAnObject).and_then(Members::read)))
    }
}

const TYPE: &str = "type";
const TOKEN: &str = "authorizationToken";
const METHOD_ARN: &str = "methodArn";

#[derive(Default)]
struct Members {
    kind: Member,
    token: Member,
    method_arn: Member,
}

impl Members {
    fn read(self) -> Result<TokenRequest, EventError> {
        let kind = self.kind.text(TYPE)?.ok_or(EventError::Absent { member: TYPE })?;
        if kind != "TOKEN" {
            return Err(EventError::WrongType { presented: Excerpt::of(&kind) });
        }
        let token = self.token.text(TOKEN)?.unwrap_or_default();
        let method_arn = self.method_arn.text(METHOD_ARN)?.ok_or(EventError::Absent { member: METHOD_ARN })?;
        Ok(TokenRequest {
            token: AccessToken::from_authorization_header(&token),
            method_arn: MethodArn::parse(&method_arn),
        })
    }
}

#[derive(Default)]
enum Member {
    #[default]
    Absent,
    Once(Value),
    Twice,
}

impl Member {
    fn seen(&mut self, value: Value) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Twice => Self::Twice,
        };
    }

    /// The text; none if the member is absent or `null`.
    fn text(self, member: &'static str) -> Result<Option<String>, EventError> {
        match self {
            Self::Absent | Self::Once(Value::Null) => Ok(None),
            Self::Once(Value::String(text)) => Ok(Some(text)),
            Self::Once(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(EventError::NotText { member })
            }
            Self::Twice => Err(EventError::Duplicate { member }),
        }
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    // Members that we do not know are passed over: API Gateway may add some.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = entries.next_key::<String>()? {
            match name.as_str() {
                TYPE => members.kind.seen(entries.next_value()?),
                TOKEN => members.token.seen(entries.next_value()?),
                METHOD_ARN => members.method_arn.seen(entries.next_value()?),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(members)
    }
}
