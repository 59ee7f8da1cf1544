//! An outside in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{ExecutionArn, KeyId, StateMachineReference};
use claim_guard::unix_time::ClockError;
use claim_guard::{RealmKeySet, TransactionToken, UnixTime};
use minting::{NamingKey, NamingKeySource, NoRandom, ServiceError, Signer, StartAnswer, start_question};
use serde_json::json;
use test_realm::{AUDIENCE, ISSUER, NOW, TestKey, key_set};

use super::table::{Chances, FakeTable};
use crate::admission::Admission;
use crate::executions::Executions;
use crate::limits::TableName;
use crate::services::{
    Callers, Counted, Execution, KeySource, Machine, PlaceTaken, Randomness, StartTable, Started, Status, Stopped,
};
use crate::settings::Settings;
use crate::tally::{Claim, Counter, Places, StartingParty};

pub(super) const MACHINE: &str = "arn:aws:states:eu-central-1:111122223333:stateMachine:lab-payment";
pub(super) const ORIGIN: &str = "https://payments.example.com";

pub(super) fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", include_str!("../../../../access.toml")).unwrap()
}

/// The realm's key.
pub(super) fn realm_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::generate("ES256", "realm-1"))
}

/// The stack's key.
pub(super) fn kms_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

/// A key of another stack.
pub(super) fn foreign_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::kms)
}

pub(super) const STARTED_AT: &str = "2026-01-01T00:00:00Z";

/// What stands outside, what it fails with, and what it was asked for.
pub(super) struct World {
    pub(super) keys: Result<Arc<RealmKeySet>, Reason>,
    pub(super) signature: Result<&'static TestKey, ServiceError>,
    pub(super) naming_failure: Option<ServiceError>,
    /// What the naming key is made of.
    pub(super) naming_bits: u8,
    /// How often KMS was asked for the naming key.
    pub(super) namings: AtomicUsize,
    /// What the realm says of the caller before a start.
    pub(super) standing: Result<StartAnswer, ServiceError>,
    pub(super) start_failure: Option<ServiceError>,
    pub(super) describe_failure: Option<ServiceError>,
    pub(super) stop_failure: Option<ServiceError>,
    /// Whether Step Functions refuses every input.
    pub(super) refuses_input: bool,
    /// Whether a start is carried out and then answered as if it was the second of its name.
    pub(super) start_twice: bool,
    pub(super) now: Result<i64, ClockError>,
    /// How many seconds have gone by since.
    pub(super) passed: AtomicI64,
    pub(super) table: FakeTable,
    /// How the turns of requests at the same time fall, if not one after the other.
    pub(super) chances: Option<Chances>,
    /// Which part of the outside panics, if one does.
    pub(super) panics: Option<Part>,
    pub(super) executions: Mutex<BTreeMap<String, Execution>>,
    pub(super) calls: Mutex<Vec<String>>,
    started_of: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
    draws: AtomicU8,
}

/// A part of the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Keys,
    Naming,
    Table,
    Signer,
    /// The signer, after it has let others have their turn.
    SignerLater,
    Callers,
    Start,
    Describe,
    Stop,
    Clock,
    Random,
}

/// What may fail by chance.
#[derive(Debug, Clone, Copy)]
enum Failing {
    Start,
    Sign,
    Never,
}

/// The table of the stacks that have limits.
pub(super) const TABLE: &str = "lab-starts";

/// What a panic says: a text that was presented.
pub(super) const HUSH: &str = "hush: eyJ, alice@example.com";

impl World {
    fn reached(&self, part: Part) {
        assert_ne!(self.panics, Some(part), "{HUSH}");
    }

    fn new() -> Self {
        let keys = RealmKeySet::parse(key_set([realm_key()]).as_bytes()).unwrap();
        Self {
            keys: Ok(Arc::new(keys)),
            signature: Ok(kms_key()),
            naming_failure: None,
            naming_bits: 7,
            namings: AtomicUsize::new(0),
            standing: Ok(StartAnswer::Alive),
            start_failure: None,
            describe_failure: None,
            stop_failure: None,
            refuses_input: false,
            start_twice: false,
            now: Ok(NOW),
            passed: AtomicI64::new(0),
            table: FakeTable::default(),
            chances: None,
            panics: None,
            executions: Mutex::default(),
            calls: Mutex::default(),
            started_of: Mutex::default(),
            asked: Mutex::default(),
            draws: AtomicU8::new(1),
        }
    }

    /// Lets others have their turn, and fails, as chance has it. Whether what comes is done, and its answer lost.
    async fn turn(&self, failing: Failing) -> Result<bool, ServiceError> {
        let Some(chances) = &self.chances else { return Ok(false) };
        for _ in 0..chances.below(4) {
            tokio::task::yield_now().await;
        }
        let failed = || ServiceError::Undecided(Reason::new("service_unavailable", &"by chance"));
        match (failing, chances.below(8)) {
            (Failing::Start | Failing::Sign, 0) => Err(failed()),
            (Failing::Start, 1) => Ok(true),
            (Failing::Start | Failing::Sign | Failing::Never, _) => Ok(false),
        }
    }

    async fn asked_of_the_table(&self, table: &TableName, call: &str) -> Result<(), ServiceError> {
        assert_eq!(table.as_str(), TABLE);
        self.called(call);
        self.reached(Part::Table);
        self.turn(Failing::Never).await?;
        self.table.answered(call).await
    }

    fn called(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }

    /// What was asked of KMS and Step Functions, in order.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// What executions were started of, in order.
    pub(super) fn started_of(&self) -> Vec<String> {
        self.started_of.lock().unwrap().clone()
    }

    /// What `revalidation` was asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn input(&self, arn: &str) -> String {
        self.executions.lock().unwrap()[arn].input.clone().unwrap()
    }

    /// Changes an execution, as its workflow would.
    pub(super) fn change(&self, arn: &str, change: impl FnOnce(&mut Execution)) {
        change(self.executions.lock().unwrap().get_mut(arn).unwrap());
    }

    /// Puts an execution there that was not started here.
    pub(super) fn plant(&self, arn: &str, input: Option<&str>) {
        let execution = running(input);
        self.executions.lock().unwrap().insert(arn.to_owned(), execution);
    }
}

fn running(input: Option<&str>) -> Execution {
    Execution {
        status: Status::Running,
        started_at: STARTED_AT.to_owned(),
        stopped_at: None,
        input: input.map(str::to_owned),
        output: None,
        error: None,
    }
}

pub(super) fn environment(variable: &str) -> Option<String> {
    Some(match variable {
        "REALM_ISSUER" => ISSUER.to_owned(),
        "REALM_AUDIENCE" => AUDIENCE.to_owned(),
        "REALM_CLIENTS" => "payment-app,other-app".to_owned(),
        "TRUST_DOMAIN" => "lab.111122223333.eu-central-1".to_owned(),
        "TRANSACTION_KEYS" => key_set([kms_key()]),
        "TRANSACTION_KEY_ID" => kms_key().kid().to_owned(),
        "TRANSACTION_SIGNING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333".to_owned(),
        "WORKFLOW_STATE_MACHINES" => json!({ "payment": MACHINE }).to_string(),
        "EXECUTION_NAMING_KEY" => "arn:aws:kms:eu-central-1:111122223333:key/44444444-5555-6666".to_owned(),
        "REVALIDATION_FUNCTION" => "arn:aws:lambda:eu-central-1:111122223333:function:payments-revalidation".to_owned(),
        "CORS_ORIGIN" => ORIGIN.to_owned(),
        _ => return None,
    })
}

/// The function of the sample policy, in another environment.
pub(super) fn lab_with(environment: &dyn Fn(&str) -> Option<String>) -> Executions<World> {
    let Settings { realm, stack, .. } = Settings::from_lookup(&policy(), environment).unwrap();
    Executions::new(policy(), realm.verifier, stack, World::new())
}

/// The function of the sample policy, in a world that was changed.
pub(super) fn lab_in(change: impl FnOnce(&mut World)) -> Executions<World> {
    lab_of(policy(), change)
}

/// The function of another policy.
pub(super) fn lab_of(policy: AccessPolicy, change: impl FnOnce(&mut World)) -> Executions<World> {
    let mut world = World::new();
    change(&mut world);
    let Settings { realm, stack, .. } = Settings::from_lookup(&policy, environment).unwrap();
    Executions::new(policy, realm.verifier, stack, world)
}

pub(super) fn lab() -> Executions<World> {
    lab_in(|_| {})
}

impl KeySource for World {
    async fn key_set(&self, _key_id: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        self.reached(Part::Keys);
        self.keys.clone()
    }
}

impl Signer for World {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.called("sign");
        self.reached(Part::Signer);
        // Others get their turn here, as they do while KMS is asked.
        tokio::task::yield_now().await;
        self.reached(Part::SignerLater);
        self.turn(Failing::Sign).await?;
        self.signature.as_ref().map(|key| key.sign(message)).map_err(Clone::clone)
    }
}

impl NamingKeySource for World {
    async fn naming_key(&self) -> Result<NamingKey, ServiceError> {
        self.namings.fetch_add(1, Ordering::Relaxed);
        self.reached(Part::Naming);
        self.naming_failure.clone().map_or_else(|| Ok(NamingKey::new(&[self.naming_bits; 32])), Err)
    }
}

impl StartTable for World {
    async fn count(&self, table: &TableName, counter: &Counter, more: u16, most: u16) -> Result<Counted, ServiceError> {
        self.asked_of_the_table(table, "count").await?;
        Ok(self.table.count(counter, more, most))
    }

    async fn take_place(&self, table: &TableName, claim: &Claim) -> Result<PlaceTaken, ServiceError> {
        self.asked_of_the_table(table, "take place").await?;
        Ok(self.table.take_place(claim))
    }

    async fn give_places_back(
        &self,
        table: &TableName,
        party: &StartingParty,
        places: &Places,
    ) -> Result<(), ServiceError> {
        self.asked_of_the_table(table, "give back").await?;
        self.table.give_places_back(party, places);
        Ok(())
    }
}

impl Callers for World {
    async fn ask_before_start(
        &self,
        execution: &ExecutionArn,
        first: &TransactionToken,
    ) -> Result<StartAnswer, ServiceError> {
        self.called("ask");
        self.asked.lock().unwrap().push(start_question(execution, first));
        self.reached(Part::Callers);
        tokio::task::yield_now().await;
        self.standing.clone()
    }
}

impl Machine for World {
    async fn start(
        &self,
        state_machine: &StateMachineReference,
        admission: &Admission,
        input: &str,
    ) -> Result<Started, ServiceError> {
        self.called("start");
        self.reached(Part::Start);
        let lost = self.turn(Failing::Start).await?;
        let name = admission.name();
        self.started_of.lock().unwrap().push(state_machine.as_str().to_owned());
        if let Some(failure) = &self.start_failure {
            return Err(failure.clone());
        }
        if self.refuses_input {
            return Ok(Started::InputRefused);
        }
        let arn = state_machine.machine().execution(name.as_str()).unwrap().to_string();
        let mut executions = self.executions.lock().unwrap();
        if executions.contains_key(&arn) {
            return Ok(Started::NameTaken);
        }
        executions.insert(arn.clone(), running(Some(input)));
        if let Some(chances) = &self.chances {
            chances.started(&arn, &executions);
        }
        if lost {
            return Err(ServiceError::Undecided(Reason::new("service_unreachable", &"the answer is lost")));
        }
        Ok(if self.start_twice { Started::NameTaken } else { Started::Now })
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<Option<Execution>, ServiceError> {
        self.called("describe");
        self.reached(Part::Describe);
        self.turn(Failing::Never).await?;
        if self.chances.as_ref().is_some_and(|chances| chances.hides(execution.as_str())) {
            return Ok(None);
        }
        match &self.describe_failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.executions.lock().unwrap().get(execution.as_str()).cloned()),
        }
    }

    async fn stop(&self, grant: &Grant, execution: &ExecutionArn) -> Result<Stopped, ServiceError> {
        self.called(&format!("stop for {}", grant.subject()));
        self.reached(Part::Stop);
        if let Some(failure) = &self.stop_failure {
            return Err(failure.clone());
        }
        self.change(execution.as_str(), |execution| execution.status = Status::Aborted);
        Ok(Stopped::Now)
    }
}

impl Randomness for World {
    fn now(&self) -> Result<UnixTime, ClockError> {
        self.reached(Part::Clock);
        let passed = self.passed.load(Ordering::Relaxed);
        self.now.map(|now| UnixTime::from_seconds(now + passed).unwrap())
    }

    fn random(&self) -> Result<[u8; 16], NoRandom> {
        self.reached(Part::Random);
        Ok([self.draws.fetch_add(1, Ordering::Relaxed); 16])
    }
}
