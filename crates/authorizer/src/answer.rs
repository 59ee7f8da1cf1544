//! What API Gateway is answered.

use std::collections::BTreeMap;

use claim_guard::Identity;
use claim_guard::identifier::Digest;
use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::iam_policy::PolicyDocument;

/// Whom the policy is about, the policy, and what the API's backend is told.
///
/// It is the response format of an API Gateway Lambda authorizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    principal_id: String,
    policy_document: PolicyDocument,
    /// API Gateway takes texts, numbers and booleans here, and fails on anything nested.
    context: BTreeMap<&'static str, String>,
}

impl Answer {
    /// The answer about a caller, decided under the policy of that digest.
    pub(crate) fn of(identity: &Identity, policy: &Digest, document: PolicyDocument) -> Self {
        let subject = plain(identity.subject().as_str());
        let context = BTreeMap::from([
            ("subject", subject.clone()),
            ("client", plain(identity.client().as_str())),
            ("tokenId", plain(identity.token_id().as_str())),
            ("policyDigest", policy.to_string()),
        ]);
        Self { principal_id: subject, policy_document: document, context }
    }
}

/// Percent-encoded (RFC 3986 §2.1) but for ASCII letters, digits and what cannot end a JSON string.
///
/// API Gateway puts these values into headers, mapping templates and access logs by plain substitution.
fn plain(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'"' | b'\\' | b'%' => format!("%{byte:02X}"),
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// Why there is no policy. The reasons stand in the audit line; here is only what the answer's reader may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The event or its token proves nothing.
    Rejected,
    /// It could not be told; another try may.
    Undecided,
    /// This authorizer is set up wrongly.
    Misconfigured,
}

impl Refusal {
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

impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        Self { error_type: refusal.error_name().to_owned(), error_message: refusal.error_message().to_owned() }
    }
}
