//! Callers without a person: a service account has no session, and its user is its client's.
//!
//! The sample's policy requires a session, so revalidation stands here in this process, with the sample's policy but for that
//! one word, and with a key of its own beside the stack's. Keycloak is the lab's.

use std::sync::Mutex;
use std::time::SystemTime;

use claim_guard::UnixTime;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::AuditRecord;
use claim_guard::identifier::{Digest, ExecutionArn, MapRunArn};
use claim_guard::revalidation::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen};
use minting::{Failure, Signer};
use revalidation::keycloak::Keycloak;
use revalidation::{Engine, Outside, Service};
use serde_json::{Value, json};
use test_realm::{TestKey, key_set};
use xtask::admin::{Admin, ServiceAccount};
use xtask::keycloak::REVALIDATION_CLIENT;
use xtask::lab::Lab;
use xtask::users::people;

const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:workflows-payment";
const EXECUTION: &str = "arn:aws:states:us-east-1:000000000000:execution:workflows-payment:of-a-service-account";
const ROLES: [&str; 3] = ["payment:approve", "payment:execute", "payment:start"];

/// The stack's key set with a key of this process, at Keycloak until this is dropped.
struct Registered<'a> {
    lab: &'a Lab,
    key: TestKey,
}

impl<'a> Registered<'a> {
    fn new(lab: &'a Lab) -> Registered<'a> {
        let key = TestKey::generate("ES256", "drill");
        let mut keys: Value = serde_json::from_str(lab.stack().transaction_keys().unwrap()).unwrap();
        keys["keys"].as_array_mut().unwrap().push(key.jwk());
        lab.admin().unwrap().register_keys(REVALIDATION_CLIENT, &keys.to_string()).unwrap();
        Registered { lab, key }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let keys = self.lab.stack().transaction_keys().unwrap();
        self.lab.admin().unwrap().register_keys(REVALIDATION_CLIENT, keys).unwrap();
    }
}

struct LocalSigner<'a>(&'a TestKey);

impl Signer for LocalSigner<'_> {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
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

/// The caller's access token, which has to be one without a session.
fn access_token(lab: &Lab, caller: &ServiceAccount) -> Value {
    let form = [("grant_type", "client_credentials"), ("client_id", &caller.client), ("client_secret", &caller.secret)];
    let url = format!("{}/protocol/openid-connect/token", lab.keycloak().issuer());
    let answer: Value = lab.keycloak().client().unwrap().post(url).form(&form).send().unwrap().json().unwrap();
    let token = answer["access_token"].as_str().unwrap();
    lab.note_token(token).unwrap();
    let claims = crate::support::payload(token);
    assert_eq!(json!([claims["sid"], claims["sub"], claims["azp"]]), json!([null, caller.user, caller.client]));
    claims
}

/// The statement that `executions` makes of that access token, an hour ago.
fn statement(lab: &Lab, key: &TestKey, claims: &Value) -> String {
    let now = claims["iat"].as_i64().unwrap();
    let roles: Vec<String> = ROLES.iter().map(|role| format!("workflow-api:{role}")).collect();
    let payload = json!({
        "iat": now - 3600, "exp": now - 3300, "aud": lab.stack().outputs["TrustDomain"],
        "txn": "0123456789abcdef0123456789abcdef", "sub": claims["sub"], "scope": "payment", "req_wl": claims["azp"],
        "rctx": {"iss": claims["iss"], "jti": claims["jti"], "iat": now - 3600},
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "started": now - 3600, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(), "roles": roles,
            "claims": {"project_id": claims["project_id"], "compliance": claims["compliance"]},
        },
    });
    let header = json!({"typ": "txntoken+jwt", "alg": "ES256", "kid": key.kid()});
    key.token_of(&header.to_string(), &payload.to_string())
}

/// An execution that was started an hour ago with that token, and runs.
struct Runs<'a>(&'a str);

impl Engine for Runs<'_> {
    async fn execution(&self, execution: &ExecutionArn) -> Result<Option<ExecutionSeen>, Failure> {
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

    async fn map_run(&self, _: &MapRunArn) -> Result<Option<MapRunSeen>, Failure> {
        Ok(None)
    }

    async fn stopped_at(&self, _: &ExecutionArn) -> Result<Option<UnixTime>, Failure> {
        Ok(None)
    }
}

/// What revalidation answers under `session`, as the decision with its reasons, and the new statement's payload if there is one.
fn revalidated(lab: &Lab, key: &TestKey, caller: &ServiceAccount, session: &str, token: &str) -> (String, Value) {
    let toml = std::fs::read_to_string(crate::support::repository().join("access.toml")).unwrap();
    let policy = toml.replace("session = \"required\"", &format!("session = \"{session}\""));
    let environment = lab.aws().rest(
        "lambda",
        http::Method::GET,
        &format!("/2015-03-31/functions/{}/configuration", lab.function("Revalidation").unwrap()),
        None,
    );
    let environment = environment.unwrap()["Environment"]["Variables"].clone();
    let lookup = |name: &str| match name {
        "TRANSACTION_KEYS" => Some(key_set([key])),
        "TRANSACTION_KEY_ID" => Some(key.kid().to_owned()),
        "REALM_CLIENTS" => Some(caller.client.clone()),
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
            Service::from_lookup(AccessPolicy::parse("access.toml", &policy), lookup, async |realm, id, _| {
                Ok(Outside {
                    realm: Keycloak::new(realm, id, LocalSigner(key)).unwrap(),
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
    let payload = new.map(|new| crate::support::payload(new["transactionToken"].as_str().unwrap()));
    (crate::support::decision(&line), payload.unwrap_or_default())
}

fn caller(admin: &Admin) -> ServiceAccount {
    let name = format!("batch-{}", crate::support::unique());
    admin.create_service_account(&name, &people()[0].attributes(), &ROLES).unwrap()
}

#[test]
fn a_service_account_that_calls_is_asked_about_like_a_person() {
    let _shared = crate::shared();
    let lab = Lab::for_tests().unwrap();
    let caller = caller(&lab.admin().unwrap());
    let claims = access_token(&lab, &caller);
    let registered = Registered::new(&lab);
    let token = statement(&lab, &registered.key, &claims);
    let ask = |session: &str| revalidated(&lab, &registered.key, &caller, session, &token);

    let (decision, renewed) = ask("ignored");
    assert_eq!(decision, "Revalidate ApprovePayment allow");
    let seen = json!([renewed["sub"], renewed["req_wl"], renewed["rctx"]["sid"], renewed["tctx"]["epoch"]]);
    assert_eq!(seen, json!([caller.user, caller.client, null, 1]));
    let roles: Vec<String> = ROLES.iter().map(|role| format!("workflow-api:{role}")).collect();
    assert_eq!(renewed["tctx"]["roles"], json!(roles));

    // It has no session that could be required of it.
    assert_eq!(ask("required"), ("Revalidate ApprovePayment deny session_absent".to_owned(), Value::Null));

    lab.admin().unwrap().remove(&caller.user, &["payment:execute"]).unwrap();
    let (decision, renewed) = ask("ignored");
    assert_eq!(decision, "Revalidate ApprovePayment allow role_lost");
    assert_eq!(renewed["tctx"]["roles"], json!([roles[0], roles[2]]));

    lab.admin().unwrap().set_client_enabled(&caller.client, false).unwrap();
    assert_eq!(ask("ignored"), ("Revalidate ApprovePayment deny client_disabled".to_owned(), Value::Null));
}
