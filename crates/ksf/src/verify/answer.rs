//! What is said of a token: one JSON object on one line.

use std::io::{self, Write};

use claim_guard::{VerifiedClaims, strict_json_object};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::verify::question::{Question, VerifyRejection};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accepted,
    Rejected,
    Error,
}

/// The members, in the order they are written.
#[derive(Debug, Serialize)]
pub(super) struct VerdictLine<'a> {
    /// Left out where there was no case to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    verdict: Verdict,
    /// Why not; null if the token is accepted.
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Map<String, Value>>,
}

impl<'a> VerdictLine<'a> {
    /// The answer to the one question of a command, with everything that there is to say.
    pub(super) fn to_one(question: &Question<'_>, verdict: &Result<VerifiedClaims, VerifyRejection<'_>>) -> Self {
        let (verdict, reason, message) = match verdict {
            Ok(verified) => (Verdict::Accepted, None, accepted(question, verified)),
            Err(refusal) => (Verdict::Rejected, Some(refusal.code()), refusal.to_string()),
        };
        let claims = if verdict == Verdict::Accepted { claims(question) } else { None };
        Self { id: None, verdict, reason, message: Some(message), claims }
    }

    /// The answer to one case of many.
    pub(super) fn to_case(
        id: &'a RawValue,
        question: &Question<'_>,
        verdict: &Result<VerifiedClaims, VerifyRejection<'_>>,
        with_claims: bool,
    ) -> Self {
        match verdict {
            Ok(_) => {
                let claims = if with_claims { claims(question) } else { None };
                Self { id: Some(id), verdict: Verdict::Accepted, reason: None, message: None, claims }
            }
            Err(refusal) => {
                let reason = Some(refusal.code());
                Self { id: Some(id), verdict: Verdict::Rejected, reason, message: None, claims: None }
            }
        }
    }

    /// The answer to a line that is no case.
    pub(super) fn to_malformed(id: &'a RawValue, message: String) -> Self {
        let reason = Some("malformed_case");
        Self { id: Some(id), verdict: Verdict::Error, reason, message: Some(message), claims: None }
    }

    /// Writes the answer and the end of its line.
    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *output, self)?;
        output.write_all(b"\n")
    }
}

fn accepted(question: &Question<'_>, verified: &VerifiedClaims) -> String {
    let client = claim_guard::Excerpt::of(verified.identity().client().as_str());
    match question.expected.clients {
        Some(_) => format!("holds for client `{client}` until `{}`", verified.identity().expires_at()),
        None => format!(
            "holds until `{}`; no `--client` was given, so whether client `{client}` is allowed was not looked at",
            verified.identity().expires_at()
        ),
    }
}

/// The claims of an accepted token: its payload is what was verified.
fn claims(question: &Question<'_>) -> Option<Map<String, Value>> {
    strict_json_object(&question.payload()?).ok()
}
