//! Whether the realm stands behind a caller for whom an execution is about to start, as `revalidation` answers it.

use claim_guard::Excerpt;
use claim_guard::audit::Reason;
use minting::{ServiceError, StartAnswer};
use serde::Deserialize;

/// What an invocation of `revalidation` came to: its payload, which is an error's where the function failed.
///
/// # Errors
/// [`ServiceError::Undecided`] if it failed, or answered anything else than a yes or a no. Its own audit line says why, and
/// raises the alarm where somebody has to mend something.
pub(crate) fn heard(has_failed: bool, payload: &[u8]) -> Result<StartAnswer, ServiceError> {
    if has_failed {
        let message = format!("revalidation failed with `{}`", error_name(payload));
        return Err(ServiceError::Undecided(Reason::new("revalidation_failed", &message)));
    }
    StartAnswer::parse(payload)
        .map_err(|fault| ServiceError::Undecided(Reason::new("malformed_revalidation_answer", &fault)))
}

/// Of the rest of the error nothing is kept.
fn error_name(payload: &[u8]) -> Excerpt {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FunctionError {
        error_type: String,
    }
    let name = serde_json::from_slice(payload).map(|FunctionError { error_type }| error_type);
    Excerpt::of(&name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undecided(code: &'static str, message: &str) -> Result<StartAnswer, ServiceError> {
        Err(ServiceError::Undecided(Reason::new(code, &message)))
    }

    #[track_caller]
    fn check(has_failed: bool, payload: &str, expected: Result<StartAnswer, ServiceError>) {
        assert_eq!(heard(has_failed, payload.as_bytes()), expected, "{payload}");
    }

    #[test]
    fn a_yes_and_a_no_are_heard() {
        check(false, r#"{"start":"alive"}"#, Ok(StartAnswer::Alive));
        let reasons = vec![Reason::new("user_disabled", &"user `1` is disabled")];
        let denied = r#"{"start":"denied","reasons":[{"code":"user_disabled","message":"user `1` is disabled"}]}"#;
        check(false, denied, Ok(StartAnswer::Denied { reasons }));
    }

    #[test]
    fn a_function_that_fails_has_answered_neither() {
        for name in ["ClaimGuard.Undecided", "ClaimGuard.Misconfigured", "ClaimGuard.Rejected", "Sandbox.Timedout"] {
            let message = format!("revalidation failed with `{name}`");
            let payload = format!(r#"{{"errorType":"{name}","errorMessage":"see the log"}}"#);
            check(true, &payload, undecided("revalidation_failed", &message));
        }
        // Whatever it says with it.
        for payload in ["", "null", r#"{"start":"alive"}"#, r#"{"errorType":1}"#] {
            check(true, payload, undecided("revalidation_failed", "revalidation failed with ``"));
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_neither() {
        let shape = "the answer of revalidation: expected `start` to be `alive`, or `denied` with `reasons`";
        for payload in ["{}", r#"{"transactionToken":"a.b.c"}"#, r#"{"start":"maybe"}"#, r#"{"start":"denied"}"#] {
            check(false, payload, undecided("malformed_revalidation_answer", shape));
        }
        let cut = "the answer of revalidation: malformed JSON at line `1` column `15`";
        check(false, r#"{"start":"alive"#, undecided("malformed_revalidation_answer", cut));
    }
}
