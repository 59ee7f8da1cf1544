//! What API Gateway is answered.

use std::borrow::Cow;

use claim_guard::Identity;
use claim_guard::identifier::Digest;
use lambda_runtime::Diagnostic;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Whom the policy is about, the policy, and what the API's backend is told: written once, because it may not be long.
///
/// It is the response format of an API Gateway Lambda authorizer.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct AuthorizerResponse(Box<RawValue>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parts<'a, P> {
    principal_id: &'a str,
    policy_document: &'a P,
    context: Context<'a>,
}

/// API Gateway takes texts, numbers and booleans here, and fails on anything nested.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    subject: &'a str,
    client: Cow<'a, str>,
    token_id: Cow<'a, str>,
    policy_digest: &'a str,
}

impl AuthorizerResponse {
    /// The answer about a caller, decided under the policy of that digest; none if it cannot be written.
    pub(crate) fn of(identity: &Identity, policy: &Digest, policy_document: &impl Serialize) -> Option<Self> {
        let subject = &plain(identity.subject().as_str());
        let context = Context {
            subject,
            client: plain(identity.client().as_str()),
            token_id: plain(identity.token_id().as_str()),
            policy_digest: policy.as_str(),
        };
        to_raw_value(&Parts { principal_id: subject, policy_document, context }).ok().map(Self)
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> usize {
        self.0.get().len()
    }
}

/// What is no ASCII, is not printed or ends a JSON string, and what tells encoded text apart from plain text.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'\\').add(b'%');

/// Percent-encoded (RFC 3986 §2.1) where it may not stand for itself.
///
/// API Gateway puts these values into headers, mapping templates and access logs by plain substitution.
fn plain(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ENCODED).into()
}

/// Why there is no policy. The reasons stand in the audit line; here is only what the answer's reader may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizerError {
    /// The event or its token proves nothing.
    Rejected,
    /// It could not be told; another try may.
    Undecided,
    /// This authorizer is set up wrongly.
    Misconfigured,
}

impl AuthorizerError {
    /// The error's name.
    pub fn error_name(self) -> &'static str {
        match self {
            Self::Rejected => "ClaimGuard.Rejected",
            Self::Undecided => "ClaimGuard.Undecided",
            Self::Misconfigured => "ClaimGuard.Misconfigured",
        }
    }

    /// The error's text.
    ///
    /// API Gateway answers 401 to the text `Unauthorized`, exactly so, and 500 to any other.
    pub fn error_message(self) -> &'static str {
        match self {
            Self::Rejected => "Unauthorized",
            Self::Undecided => "undecided: see the audit line",
            Self::Misconfigured => "misconfigured: see the audit line",
        }
    }
}

impl From<AuthorizerError> for Diagnostic {
    fn from(refusal: AuthorizerError) -> Self {
        Self { error_type: refusal.error_name().to_owned(), error_message: refusal.error_message().to_owned() }
    }
}
