//! Revalidation in this process, with a policy of the drill's own and a key of its own beside the stack's. Keycloak is the lab's.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use claim_guard::UnixTime;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::AuditRecord;
use claim_guard::identifier::{Digest, ExecutionArn, MapRunArn};
use claim_guard::revalidation::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen};
use minting::{ServiceError, Signer};
use revalidation::keycloak::Keycloak;
use revalidation::{Engine, Service, Services};
use serde_json::{Value, json};
use test_realm::{TestKey, key_set};
use xtask::keycloak::REVALIDATION_CLIENT;
use xtask::lab::Lab;

/// Of the sample's client.
pub const ROLES: [&str; 3] = ["payment:approve", "payment:execute", "payment:start"];

pub const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:workflows-payment";
pub const EXECUTION: &str = "arn:aws:states:us-east-1:000000000000:execution:workflows-payment:of-a-service-account";

/// Keycloak knows one set of keys of the client, so one drill at a time adds a key of its own.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The client's keys with one of this process, at Keycloak until this is dropped; and the one that signs statements here.
pub struct Registered<'a> {
    _alone: MutexGuard<'static, ()>,
    lab: &'a Lab,
    client_key: TestKey,
    pub key: TestKey,
}

impl<'a> Registered<'a> {
    pub fn new(lab: &'a Lab) -> Registered<'a> {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let client_key = TestKey::generate("ES256", "drill");
        let mut keys: Value = serde_json::from_str(lab.stack().client_keys().unwrap()).unwrap();
        keys["keys"].as_array_mut().unwrap().push(client_key.jwk());
        lab.admin().unwrap().register_keys(REVALIDATION_CLIENT, &keys.to_string()).unwrap();
        Registered { _alone: alone, lab, client_key, key: TestKey::generate("ES256", "statements") }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.lab.register_client().unwrap();
    }
}

struct LocalSigner<'a>(&'a TestKey);

impl Signer for LocalSigner<'_> {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Ok(der(&self.0.sign(message)))
    }
}

/// A signature's two numbers as KMS writes them: DER's integers.
fn der(numbers: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        let mut digits = number[start..].to_vec();
        if digits[0] >= 0x80 {
            digits.insert(0, 0);
        }
        [&[0x02, u8::try_from(digits.len()).unwrap()], digits.as_slice()].concat()
    };
    let (first, second) = numbers.split_at(32);
    let both = [integer(first), integer(second)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], both.as_slice()].concat()
}

/// The statement that `executions` makes of that access token, an hour ago.
pub fn statement(lab: &Lab, key: &TestKey, claims: &Value) -> String {
    let now = claims["iat"].as_i64().unwrap();
    let roles: Vec<String> = ROLES.iter().map(|role| format!("workflow-api:{role}")).collect();
    let said = |name: &str| claims.get(name).map(|value| (name.to_owned(), value.clone()));
    let authentication: serde_json::Map<String, Value> = ["acr", "auth_time"].into_iter().filter_map(said).collect();
    let mut payload = json!({
        "iat": now - 3600, "exp": now - 3300, "aud": lab.stack().outputs["TrustDomain"],
        "txn": "0123456789abcdef0123456789abcdef", "sub": claims["sub"], "scope": "payment", "req_wl": claims["azp"],
        "rctx": {
            "iss": claims["iss"], "jti": claims["jti"], "iat": now, "authentication": authentication,
        },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "started": now - 3600, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(), "roles": roles,
            "claims": {"project_id": claims["project_id"], "compliance": claims["compliance"]},
        },
    });
    if let Some(session) = claims.get("sid") {
        payload["rctx"]["sid"] = session.clone();
    }
    let header = json!({"typ": "txntoken+jwt", "alg": "ES256", "kid": key.kid()});
    key.token_of(&header.to_string(), &payload.to_string())
}

/// An execution that was started an hour ago with that token, and runs.
struct Runs<'a>(&'a str);

impl Engine for Runs<'_> {
    async fn execution(&self, execution: &ExecutionArn) -> Result<Option<ExecutionSeen>, ServiceError> {
        let payload = crate::support::payload(self.0);
        let started_at = UnixTime::from_seconds(payload["tctx"]["started"].as_i64().unwrap()).unwrap();
        Ok(Some(ExecutionSeen {
            execution: execution.clone(),
            state_machine: execution.state_machine(),
            status: ExecutionStatus::Running,
            redrive_count: 0,
            started_at,
            input: Some(InputSeen(json!({"transactionToken": self.0, "input": {}}).to_string())),
            map_run: None,
        }))
    }

    async fn map_run(&self, _: &MapRunArn) -> Result<Option<MapRunSeen>, ServiceError> {
        Ok(None)
    }

    async fn stopped_at(&self, _: &ExecutionArn) -> Result<Option<UnixTime>, ServiceError> {
        Ok(None)
    }
}

/// The sample's policy.
pub fn sample() -> String {
    std::fs::read_to_string(crate::support::repository().join("access.toml")).unwrap()
}

/// What revalidation answers a caller of that client, as the decision with its reasons, and the new statement if there is one.
pub fn revalidated(of: &Registered<'_>, client: &str, policy: &str, token: &str) -> (String, Option<String>) {
    let Registered { lab, client_key, key, .. } = of;
    let environment = lab.configuration("Revalidation").unwrap()["Environment"]["Variables"].clone();
    let lookup = |name: &str| match name {
        "TRANSACTION_KEYS" => Some(key_set([key])),
        "TRANSACTION_KEY_ID" => Some(key.kid().to_owned()),
        "CLIENT_KEY_ID" => Some(client_key.kid().to_owned()),
        "REALM_CLIENTS" => Some(client.to_owned()),
        _ => environment[name].as_str().map(str::to_owned),
    };
    let event = json!({
        "transactionToken": token,
        "context": {
            "execution": EXECUTION, "stateMachine": MACHINE, "state": "Revalidate ApprovePayment",
            "redriveCount": 0, "retryCount": 0,
        },
        "renew": {"state": "ApprovePayment", "cause": "expired"},
    });
    let line = Mutex::new(String::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let service =
            Service::from_lookup(AccessPolicy::parse("access.toml", policy), lookup, async |realm, client, _| {
                Ok(Services {
                    realm: Keycloak::new(realm, client.id, LocalSigner(client_key)).unwrap(),
                    signer: LocalSigner(key),
                    chance: minting::random,
                    engine: Runs(token),
                })
            })
            .await;
        let write = |record: AuditRecord| {
            line.lock().unwrap().push_str(&record.to_line());
            Ok(())
        };
        service.serve(event.to_string().as_bytes(), UnixTime::from_system_time(SystemTime::now()), write).await
    });
    let line: Value = serde_json::from_str(&line.into_inner().unwrap()).unwrap();
    let new = answer.ok().map(|renewed| serde_json::to_value(&renewed).unwrap());
    let new = new.map(|new| new["transactionToken"].as_str().unwrap().to_owned());
    (crate::support::decision(&line), new)
}
