//! The outside for real: Keycloak's keys, KMS, Step Functions, the system's clock and random bytes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::{Blob, DateTime, DateTimeFormat};
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_sdk_sfn::types::ExecutionStatus;
use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{ExecutionArn, KeyId, StateMachineArn};
use claim_guard::unix_time::ClockError;
use claim_guard::{Excerpt, RealmKeySet, UnixTime};
use realm_keys::RealmKeys;

use crate::execution_name::ExecutionName;
use crate::failure::Failure;
use crate::outside::{Chance, Execution, KeySource, Machine, NoRandom, Signer, Started, Status, Stopped};
use crate::settings::SigningKeyArn;

/// The most time for one answer of a service, its retries included. A start asks three of them and the realm, which has 3
/// seconds, and the function's own timeout is 20.
const OPERATION: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 3;

/// The clients, made once.
#[derive(Debug)]
pub struct Aws {
    realm: RealmKeys,
    kms: aws_sdk_kms::Client,
    sfn: aws_sdk_sfn::Client,
    signing_key: SigningKeyArn,
    random: SystemRandom,
}

impl Aws {
    /// Clients for the region, the endpoint and the role that Lambda's environment names. Nothing is asked yet.
    pub async fn from_environment(realm: RealmKeys, signing_key: SigningKeyArn) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .load()
            .await;
        let (kms, sfn) = (aws_sdk_kms::Client::new(&config), aws_sdk_sfn::Client::new(&config));
        Self { realm, kms, sfn, signing_key, random: SystemRandom::new() }
    }
}

impl KeySource for Aws {
    async fn key_set(&self, key_id: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        let keys = self.realm.key_set(key_id).await;
        keys.map_err(|unavailable| Reason::new(unavailable.code(), &unavailable))
    }
}

impl Signer for Aws {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let sent = self
            .kms
            .sign()
            .key_id(self.signing_key.as_str())
            // The digest is taken here: KMS takes no message over 4 KB.
            .message(Blob::new(digest(&SHA256, message).as_ref()))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await;
        let answer = sent.map_err(|error| failure("Sign", &error))?;
        let signature = answer.signature.map(Blob::into_inner);
        signature.ok_or_else(|| Failure::Undecided(Reason::new("signature_absent", &"`Sign` answered no signature")))
    }
}

impl Machine for Aws {
    async fn start(
        &self,
        state_machine: &StateMachineArn,
        name: &ExecutionName,
        input: &str,
    ) -> Result<Started, Failure> {
        let request = self.sfn.start_execution().state_machine_arn(state_machine.as_str());
        match request.name(name.as_str()).input(input).send().await {
            Ok(_) => Ok(Started::Now),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(Started::NameTaken),
            Err(error) => Err(failure("StartExecution", &error)),
        }
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<Option<Execution>, Failure> {
        let answer = match self.sfn.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => return Ok(None),
            Err(error) => return Err(failure("DescribeExecution", &error)),
        };
        Ok(Some(Execution {
            status: status(&answer.status)?,
            started_at: written(answer.start_date)?,
            stopped_at: answer.stop_date.map(written).transpose()?,
            input: answer.input,
            output: answer.output,
            error: answer.error,
        }))
    }

    async fn stop(&self, grant: &Grant, execution: &ExecutionArn) -> Result<Stopped, Failure> {
        // The subject's id is no name: it says who to whoever may ask Keycloak, and nothing to others.
        let cause = format!("stopped by subject {}", grant.subject());
        let request = self.sfn.stop_execution().execution_arn(execution.as_str()).error("Stopped").cause(cause);
        match request.send().await {
            Ok(_) => Ok(Stopped::Now),
            // It ended after it was described.
            Err(error) if matches!(error.code(), Some("ValidationException" | "ExecutionDoesNotExist")) => {
                Ok(Stopped::AlreadyEnded)
            }
            Err(error) => Err(failure("StopExecution", &error)),
        }
    }
}

impl Chance for Aws {
    fn now(&self) -> Result<UnixTime, ClockError> {
        UnixTime::from_system_time(SystemTime::now())
    }

    fn random(&self) -> Result<[u8; 16], NoRandom> {
        let mut bits = [0; 16];
        self.random.fill(&mut bits).map_err(|_| NoRandom)?;
        Ok(bits)
    }
}

fn status(presented: &ExecutionStatus) -> Result<Status, Failure> {
    match presented.as_str() {
        "RUNNING" => Ok(Status::Running),
        "SUCCEEDED" => Ok(Status::Succeeded),
        "FAILED" => Ok(Status::Failed),
        "TIMED_OUT" => Ok(Status::TimedOut),
        "ABORTED" => Ok(Status::Aborted),
        "PENDING_REDRIVE" => Ok(Status::PendingRedrive),
        other => {
            let message = format!("`DescribeExecution` answered the status `{}`", Excerpt::of(other));
            Err(Failure::Misconfigured(Reason::new("unknown_status", &message)))
        }
    }
}

fn written(time: DateTime) -> Result<String, Failure> {
    let time = DateTime::from_secs(time.secs());
    time.fmt(DateTimeFormat::DateTime).map_err(|_| {
        Failure::Undecided(Reason::new("malformed_time", &"`DescribeExecution` answered a time outside of all reason"))
    })
}

/// What a service's refusal means. Of its message nothing is kept, since it may quote what was sent.
fn failure<E: ProvideErrorMetadata>(operation: &str, error: &SdkError<E>) -> Failure {
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (error.code(), status) {
        (Some(code), Some(status)) => {
            let message = format!("`{operation}` answered `{status}` with `{}`", Excerpt::of(code));
            if heals(code, status) {
                Failure::Undecided(Reason::new("service_unavailable", &message))
            } else {
                Failure::Misconfigured(Reason::new("service_refused", &message))
            }
        }
        (_, Some(status)) => {
            let message = format!("`{operation}` answered `{status}` without an error code");
            Failure::Undecided(Reason::new("service_unavailable", &message))
        }
        (_, None) => {
            let message = format!("`{operation}` has no answer: {}", cause(error));
            Failure::Undecided(Reason::new("service_unreachable", &message))
        }
    }
}

/// Whether a refusal passes by itself. AWS answers nearly every one with 400, so the code has to say it.
fn heals(code: &str, status: u16) -> bool {
    const PASSING: [&str; 12] = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "ExecutionLimitExceeded",
        "KmsThrottlingException",
        "KeyUnavailableException",
        "DependencyTimeoutException",
        "ExpiredTokenException",
        "RequestExpired",
    ];
    status == 429 || status >= 500 || PASSING.contains(&code)
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
    fn check(error: &SdkError<SignError>, expected: Failure) {
        assert_eq!(failure("Sign", error), expected);
    }

    fn unavailable(message: &str) -> Failure {
        Failure::Undecided(Reason::new("service_unavailable", &message))
    }

    #[test]
    fn what_passes_by_itself_is_undecided() {
        let throttled = "`Sign` answered `400` with `ThrottlingException`";
        check(&answered(400, Some("ThrottlingException")), unavailable(throttled));
        let unavailable_key = "`Sign` answered `400` with `KeyUnavailableException`";
        check(&answered(400, Some("KeyUnavailableException")), unavailable(unavailable_key));
        check(&answered(500, Some("Other")), unavailable("`Sign` answered `500` with `Other`"));
        check(&answered(429, Some("Other")), unavailable("`Sign` answered `429` with `Other`"));
        check(&answered(400, None), unavailable("`Sign` answered `400` without an error code"));
        let late = Failure::Undecided(Reason::new("service_unreachable", &"`Sign` has no answer: it took too long"));
        check(&SdkError::timeout_error("late"), late);
    }

    #[test]
    fn what_somebody_has_to_mend_is_misconfigured() {
        for code in ["AccessDeniedException", "NotFoundException", "DisabledException", "StateMachineDoesNotExist"] {
            let message = format!("`Sign` answered `400` with `{code}`");
            check(&answered(400, Some(code)), Failure::Misconfigured(Reason::new("service_refused", &message)));
        }
    }

    #[test]
    fn every_status_of_step_functions_is_known() {
        let ours = [
            Status::Running,
            Status::Succeeded,
            Status::Failed,
            Status::TimedOut,
            Status::Aborted,
            Status::PendingRedrive,
        ];
        let known: Vec<&str> = ours.iter().map(|status| status.as_str()).collect();
        let mut theirs = ExecutionStatus::values().to_vec();
        theirs.sort_by_key(|status| known.iter().position(|known| known == status));
        assert_eq!(theirs, known);
        for status in ours {
            assert_eq!(super::status(&ExecutionStatus::from(status.as_str())), Ok(status));
        }
        let unknown = "`DescribeExecution` answered the status `RESTING`";
        let expected = Failure::Misconfigured(Reason::new("unknown_status", &unknown));
        assert_eq!(super::status(&ExecutionStatus::from("RESTING")), Err(expected));
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let time = DateTime::from_secs_and_nanos(1_767_225_600, 999_000_000);
        assert_eq!(written(time), Ok("2026-01-01T00:00:00Z".to_owned()));
    }
}
