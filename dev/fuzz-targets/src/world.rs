use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{ExecutionArn, KeyId, StateMachineReference};
use claim_guard::unix_time::ClockError;
use claim_guard::{RealmKeySet, TransactionToken, UnixTime};
use executions::{
    Admission, Callers, Claim, Counted, Counter, Execution, KeySource, Machine, NamingKey, NamingKeySource, NoRandom,
    PlaceTaken, Places, Randomness, ServiceError, Signer, StartAnswer, StartTable, Started, StartingParty, Status,
    Stopped, TableName,
};

use crate::fixture::{KMS_KEY, REALM_KEYS, now};

/// The realm, KMS and Step Functions in memory.
#[derive(Clone, Default)]
pub(crate) struct World {
    /// The input of each execution, by its ARN.
    inputs: Arc<Mutex<BTreeMap<String, String>>>,
    draws: Arc<AtomicU64>,
}

impl World {
    /// Every execution's input, by the execution's ARN.
    pub(crate) fn inputs(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySource for World {
    async fn key_set(&self, _: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        Ok(Arc::clone(&REALM_KEYS))
    }
}

impl Signer for World {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Ok(KMS_KEY.sign(message))
    }
}

/// The stack's naming key.
pub(crate) fn naming_key() -> NamingKey {
    NamingKey::new(&[7; 32])
}

impl NamingKeySource for World {
    async fn naming_key(&self) -> Result<NamingKey, ServiceError> {
        Ok(naming_key())
    }
}

/// There is room for everything.
impl StartTable for World {
    async fn count(&self, _: &TableName, _: &Counter, _: u16, _: u16) -> Result<Counted, ServiceError> {
        Ok(Counted::Within)
    }

    async fn take_place(&self, _: &TableName, _: &Claim) -> Result<PlaceTaken, ServiceError> {
        Ok(PlaceTaken::Yes)
    }

    async fn give_places_back(&self, _: &TableName, _: &StartingParty, _: &Places) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// The realm stands behind whoever starts something.
impl Callers for World {
    async fn ask_before_start(&self, _: &ExecutionArn, _: &TransactionToken) -> Result<StartAnswer, ServiceError> {
        Ok(StartAnswer::Alive)
    }
}

impl Machine for World {
    async fn start(
        &self,
        machine: &StateMachineReference,
        admission: &Admission,
        input: &str,
    ) -> Result<Started, ServiceError> {
        let arn = machine.machine().execution(admission.name().as_str()).expect("an execution's name").to_string();
        let mut inputs = self.inputs();
        if inputs.contains_key(&arn) {
            return Ok(Started::NameTaken);
        }
        inputs.insert(arn, input.to_owned());
        Ok(Started::Now)
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<Option<Execution>, ServiceError> {
        let running = |input: &String| Execution {
            status: Status::Running,
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            stopped_at: None,
            input: Some(input.clone()),
            output: None,
            error: None,
        };
        Ok(self.inputs().get(execution.as_str()).map(running))
    }

    async fn stop(&self, _: &Grant, _: &ExecutionArn) -> Result<Stopped, ServiceError> {
        Ok(Stopped::Now)
    }
}

impl Randomness for World {
    fn now(&self) -> Result<UnixTime, ClockError> {
        Ok(now())
    }

    fn random(&self) -> Result<[u8; 16], NoRandom> {
        Ok(u128::from(self.draws.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
    }
}
