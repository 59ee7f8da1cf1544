//! The outside for real: Keycloak's keys, KMS, DynamoDB, `revalidation`, Step Functions, the system's clock and random bytes.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_sdk_sfn::error::ProvideErrorMetadata as _;
use aws_sdk_sfn::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sfn::types::ExecutionStatus;
use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{ExecutionArn, KeyId, StateMachineReference};
use claim_guard::unix_time::ClockError;
use claim_guard::{Excerpt, RealmKeySet, TransactionToken, UnixTime};
use minting::{
    KmsNamingKey, KmsSigner, NamingKey, NamingKeySource, NoRandom, ServiceError, Signer, StartAnswer, start_question,
};
use realm_keys::RealmKeys;

use crate::admission::Admission;
use crate::before_start::heard;
use crate::function_arn::FunctionArn;
use crate::limits::TableName;
use crate::services::{
    Callers, Counted, Execution, KeySource, Machine, PlaceTaken, Randomness, StartTable, Started, Status, Stopped,
};
use crate::settings::KmsKeys;
use crate::tally::{Claim, Counter, Places, StartingParty};

/// How long the realm may take to be asked before a start: 3 seconds are its own, the rest is for a process of `revalidation`
/// that has to start first. It is asked once, so that a slow realm is not asked more.
const BEFORE_START: Duration = Duration::from_millis(4500);

/// The clients, made once.
#[derive(Debug)]
pub struct Aws {
    realm: RealmKeys,
    signer: KmsSigner,
    naming: KmsNamingKey,
    dynamodb: aws_sdk_dynamodb::Client,
    lambda: aws_sdk_lambda::Client,
    revalidation: FunctionArn,
    sfn: aws_sdk_sfn::Client,
}

impl Aws {
    /// Clients for the region, the endpoint and the role that Lambda's environment names. Nothing is asked yet.
    pub async fn from_environment(realm: RealmKeys, keys: KmsKeys, revalidation: FunctionArn) -> Self {
        let config = minting::aws_config().await;
        let once = aws_sdk_lambda::config::Builder::from(&config)
            .timeout_config(TimeoutConfig::builder().operation_timeout(BEFORE_START).build())
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            realm,
            signer: KmsSigner::new(&config, keys.signing),
            naming: KmsNamingKey::new(&config, keys.naming),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            lambda: aws_sdk_lambda::Client::from_conf(once),
            revalidation,
            sfn: aws_sdk_sfn::Client::new(&config),
        }
    }
}

impl KeySource for Aws {
    async fn key_set(&self, key_id: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        let keys = self.realm.key_set(key_id).await;
        keys.map_err(|unavailable| Reason::new(unavailable.code(), &unavailable))
    }
}

impl Signer for Aws {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.signer.sign(message).await
    }
}

impl NamingKeySource for Aws {
    async fn naming_key(&self) -> Result<NamingKey, ServiceError> {
        self.naming.naming_key().await
    }
}

impl StartTable for Aws {
    async fn count(&self, table: &TableName, counter: &Counter, more: u16, most: u16) -> Result<Counted, ServiceError> {
        self.dynamodb.count(table, counter, more, most).await
    }

    async fn take_place(&self, table: &TableName, claim: &Claim) -> Result<PlaceTaken, ServiceError> {
        self.dynamodb.take_place(table, claim).await
    }

    async fn give_places_back(
        &self,
        table: &TableName,
        party: &StartingParty,
        places: &Places,
    ) -> Result<(), ServiceError> {
        self.dynamodb.give_places_back(table, party, places).await
    }
}

impl Callers for Aws {
    async fn ask_before_start(
        &self,
        execution: &ExecutionArn,
        first: &TransactionToken,
    ) -> Result<StartAnswer, ServiceError> {
        let question = Blob::new(start_question(execution, first));
        let request = self.lambda.invoke().function_name(self.revalidation.as_str()).payload(question);
        let sent = request.invocation_type(InvocationType::RequestResponse).send().await;
        let answer = sent.map_err(|error| ServiceError::of("Invoke", &error))?;
        heard(answer.function_error.is_some(), answer.payload.as_ref().map_or(&[], AsRef::as_ref))
    }
}

impl Machine for Aws {
    async fn start(
        &self,
        state_machine: &StateMachineReference,
        admission: &Admission,
        input: &str,
    ) -> Result<Started, ServiceError> {
        let request = self.sfn.start_execution().state_machine_arn(state_machine.as_str());
        match request.name(admission.name().as_str()).input(input).send().await {
            Ok(_) => Ok(Started::Now),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(Started::NameTaken),
            // All but the caller's part of the input is the same for everybody.
            Err(error) if error.code() == Some("InvalidExecutionInput") => Ok(Started::InputRefused),
            Err(error) => Err(ServiceError::of("StartExecution", &error)),
        }
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<Option<Execution>, ServiceError> {
        let answer = match self.sfn.describe_execution().execution_arn(execution.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => return Ok(None),
            Err(error) => return Err(ServiceError::of("DescribeExecution", &error)),
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

    async fn stop(&self, grant: &Grant, execution: &ExecutionArn) -> Result<Stopped, ServiceError> {
        // The subject's id is no name: it says who to whoever may ask Keycloak, and nothing to others.
        let cause = format!("stopped by subject {}", grant.subject());
        let request = self.sfn.stop_execution().execution_arn(execution.as_str()).error("Stopped").cause(cause);
        match request.send().await {
            Ok(_) => Ok(Stopped::Now),
            // It ended after it was described.
            Err(error) if matches!(error.code(), Some("ValidationException" | "ExecutionDoesNotExist")) => {
                Ok(Stopped::AlreadyEnded)
            }
            Err(error) => Err(ServiceError::of("StopExecution", &error)),
        }
    }
}

impl Randomness for Aws {
    fn now(&self) -> Result<UnixTime, ClockError> {
        clock::now()
    }

    fn random(&self) -> Result<[u8; 16], NoRandom> {
        minting::random()
    }
}

fn status(presented: &ExecutionStatus) -> Result<Status, ServiceError> {
    match presented.as_str() {
        "RUNNING" => Ok(Status::Running),
        "SUCCEEDED" => Ok(Status::Succeeded),
        "FAILED" => Ok(Status::Failed),
        "TIMED_OUT" => Ok(Status::TimedOut),
        "ABORTED" => Ok(Status::Aborted),
        "PENDING_REDRIVE" => Ok(Status::PendingRedrive),
        other => {
            let message = format!("`DescribeExecution` answered the status `{}`", Excerpt::of(other));
            Err(ServiceError::Misconfigured(Reason::new("unknown_status", &message)))
        }
    }
}

fn written(time: DateTime) -> Result<String, ServiceError> {
    let time = DateTime::from_secs(time.secs());
    time.fmt(DateTimeFormat::DateTime).map_err(|_| {
        ServiceError::Undecided(Reason::new(
            "malformed_time",
            &"`DescribeExecution` answered a time outside of all reason",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let expected = ServiceError::Misconfigured(Reason::new("unknown_status", &unknown));
        assert_eq!(super::status(&ExecutionStatus::from("RESTING")), Err(expected));
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let time = DateTime::from_secs_and_nanos(1_767_225_600, 999_000_000);
        assert_eq!(written(time), Ok("2026-01-01T00:00:00Z".to_owned()));
    }
}
