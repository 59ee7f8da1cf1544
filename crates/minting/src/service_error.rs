//! What AWS answers when it gives nothing.

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use claim_guard::Excerpt;
use claim_guard::audit::Reason;

/// The reason's code in the audit line of a decision that a service's throttling has kept open.
pub const THROTTLED: &str = "service_throttled";

/// Why a service did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceError {
    /// Out of reach, too slow, too busy: it heals.
    Undecided(Reason),
    /// It said no, or does not know what it was asked about: somebody has to act.
    Misconfigured(Reason),
}

impl ServiceError {
    /// What a service's refusal of an operation means. Of its message nothing is kept, since it may quote what was sent.
    pub fn of<E: ProvideErrorMetadata>(operation: &str, error: &SdkError<E>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match (error.code(), status) {
            (Some(code), Some(status)) => {
                let message = format!("`{operation}` answered `{status}` with `{}`", Excerpt::of(code));
                if throttles(code, status) {
                    Self::Undecided(Reason::new(THROTTLED, &message))
                } else if heals(code, status) {
                    Self::Undecided(Reason::new("service_unavailable", &message))
                } else {
                    Self::Misconfigured(Reason::new("service_refused", &message))
                }
            }
            (_, Some(status)) => {
                let message = format!("`{operation}` answered `{status}` without an error code");
                Self::Undecided(Reason::new("service_unavailable", &message))
            }
            (_, None) => {
                let message = format!("`{operation}` has no answer: {}", cause(error));
                Self::Undecided(Reason::new("service_unreachable", &message))
            }
        }
    }
}

/// Whether an account's quota is used up: somebody has to ask less, or for more.
fn throttles(code: &str, status: u16) -> bool {
    const THROTTLING: [&str; 9] = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "ExecutionLimitExceeded",
        "KmsThrottlingException",
        "ProvisionedThroughputExceededException",
    ];
    status == 429 || THROTTLING.contains(&code)
}

/// Whether another refusal passes by itself. AWS answers nearly every one with 400, so the code has to say it.
fn heals(code: &str, status: u16) -> bool {
    const PASSING: [&str; 4] =
        ["KeyUnavailableException", "DependencyTimeoutException", "ExpiredTokenException", "RequestExpired"];
    status >= 500 || PASSING.contains(&code)
}

fn cause<E>(error: &SdkError<E>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "it took too long",
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => "it took too long",
        SdkError::DispatchFailure(_) => "no connection, or no credentials",
        SdkError::ResponseError(_) => "the answer could not be read",
        SdkError::ConstructionFailure(_) | SdkError::ServiceError(_) => "the request could not be sent",
        _ => "the reason is unknown",
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::http::HttpResponse;
    use aws_sdk_kms::error::ErrorMetadata;
    use aws_sdk_kms::operation::sign::SignError;

    use super::*;

    fn answered(status: u16, code: Option<&str>) -> SdkError<SignError> {
        let mut metadata = ErrorMetadata::builder().message("quotes what was sent");
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        SdkError::service_error(SignError::generic(metadata.build()), response)
    }

    #[track_caller]
    fn check(error: &SdkError<SignError>, expected: ServiceError) {
        assert_eq!(ServiceError::of("Sign", error), expected);
    }

    fn unavailable(message: &str) -> ServiceError {
        ServiceError::Undecided(Reason::new("service_unavailable", &message))
    }

    #[test]
    fn what_passes_by_itself_is_undecided() {
        let unavailable_key = "`Sign` answered `400` with `KeyUnavailableException`";
        check(&answered(400, Some("KeyUnavailableException")), unavailable(unavailable_key));
        check(&answered(500, Some("Other")), unavailable("`Sign` answered `500` with `Other`"));
        check(&answered(400, None), unavailable("`Sign` answered `400` without an error code"));
        let late =
            ServiceError::Undecided(Reason::new("service_unreachable", &"`Sign` has no answer: it took too long"));
        check(&SdkError::timeout_error("late"), late);
    }

    #[test]
    fn a_quota_that_is_used_up_is_told_apart() {
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "ExecutionLimitExceeded"),
            (400, "ProvisionedThroughputExceededException"),
            (429, "Other"),
        ] {
            let message = format!("`Sign` answered `{status}` with `{code}`");
            check(&answered(status, Some(code)), ServiceError::Undecided(Reason::new(THROTTLED, &message)));
        }
    }

    #[test]
    fn what_somebody_has_to_mend_is_misconfigured() {
        for code in ["AccessDeniedException", "NotFoundException", "DisabledException", "StateMachineDoesNotExist"] {
            let message = format!("`Sign` answered `400` with `{code}`");
            check(&answered(400, Some(code)), ServiceError::Misconfigured(Reason::new("service_refused", &message)));
        }
    }
}
