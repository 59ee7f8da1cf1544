//! What the end-to-end tests share: the lab, one test at a time, and what may be asked of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(dead_code, reason = "no test program uses all of it")]

pub mod yaml;

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::Digest;
use serde_json::{Map, Value, json};
use xtask::calls::Answer;
use xtask::keycloak::{ADMINISTRATOR, CLIENT};
use xtask::lab::Lab;

/// Where executions are started.
pub const STARTS: &str = "/workflows/payment/executions";
/// An execution of the sample workflow takes a few seconds at most.
pub const EXECUTION_WITHIN: Duration = Duration::from_secs(60);
/// Logs arrive a moment after the answer that they tell about.
const LOGS_WITHIN: Duration = Duration::from_secs(10);

static TURN: Mutex<()> = Mutex::new(());

/// The lab, for one test at a time: tests count executions and audit lines, and some take parts of the lab away.
pub struct Turn {
    lab: Lab,
    seen: Vec<Value>,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Turn {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Lab {
        &mut self.lab
    }
}

/// Waits for this test's turn.
pub fn turn() -> Turn {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = Lab::for_tests().unwrap();
    let seen = settled(&lab);
    Turn { lab, seen, _turn: turn }
}

/// The audit lines, once no new one has arrived for a moment: a test that failed may have left an execution behind.
fn settled(lab: &Lab) -> Vec<Value> {
    let mut lines = lab.audit_lines().unwrap();
    loop {
        thread::sleep(Duration::from_millis(150));
        let later = lab.audit_lines().unwrap();
        if later.len() == lines.len() {
            return later;
        }
        lines = later;
    }
}

impl Turn {
    /// The audit lines since the last call, of which there have to be exactly `told`.
    #[track_caller]
    pub fn audit(&mut self, told: usize) -> Vec<Value> {
        let deadline = Instant::now() + LOGS_WITHIN;
        while self.lab.audit_lines().unwrap().len() < self.seen.len() + told && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        // One line too many would come as late as the last one.
        let all = settled(&self.lab);
        let mut before = self.seen.clone();
        let fresh: Vec<Value> = all
            .iter()
            .filter(|line| match before.iter().position(|known| known == *line) {
                Some(known) => {
                    before.swap_remove(known);
                    false
                }
                None => true,
            })
            .cloned()
            .collect();
        assert_eq!(fresh.len(), told, "audit lines: {fresh:#?}");
        self.seen = all;
        fresh
    }

    /// The decisions since the last call, each as `POINT DECISION REASONS`, in alphabetical order.
    #[track_caller]
    pub fn expect_audit(&mut self, told: &[&str]) -> Vec<Value> {
        let lines = self.audit(told.len());
        let mut seen: Vec<String> = lines.iter().map(decision).collect();
        let mut told: Vec<String> = told.iter().map(|line| (*line).to_owned()).collect();
        seen.sort();
        told.sort();
        assert_eq!(seen, told, "{lines:#?}");
        lines
    }

    /// Calls the API as the bearer of a token.
    #[track_caller]
    pub fn call(&self, token: &str, method: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        self.request(method, path, &[("authorization", &authorization)], None).unwrap()
    }

    /// Starts a workflow with a body and further headers.
    #[track_caller]
    pub fn start(&self, token: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut all = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        all.extend(headers);
        self.request("POST", STARTS, &all, Some(body)).unwrap()
    }

    /// Starts the usual payment, which has to be accepted.
    #[track_caller]
    pub fn started(&self, token: &str) -> Execution {
        let answer = self.start(token, &[], &payment().to_string());
        assert_eq!(answer.status, 202, "{answer:?}");
        self.execution_of(&answer)
    }

    /// The execution that an answer's `Location` names.
    #[track_caller]
    pub fn execution_of(&self, answer: &Answer) -> Execution {
        let location = answer.header("location").unwrap_or_else(|| panic!("no location: {answer:?}"));
        let name = location.rsplit('/').next().unwrap().to_owned();
        let path = format!("{STARTS}/{name}");
        // In front of it stands what the API is mounted on; without that it is relative to the request's own address.
        assert!(location.ends_with(&path) || path.ends_with(location), "{location}");
        Execution { arn: format!("{}:{name}", self.machine().replace(":stateMachine:", ":execution:")), name, path }
    }

    /// The sample workflow's state machine.
    pub fn machine(&self) -> String {
        self.physical_ids("AWS::StepFunctions::StateMachine").remove(0)
    }

    /// The status and, where it failed, the error of an execution that runs no more.
    #[track_caller]
    pub fn ended(&self, execution: &str) -> String {
        let description = self.outcome(execution, EXECUTION_WITHIN).unwrap();
        let text = |name: &str| description[name].as_str().unwrap_or_default();
        format!("{} {}", text("status"), text("error")).trim_end().to_owned()
    }

    /// Stops, as `caller`, a payment of `starter` that is under way: twenty parties, screened by fresh processes. Should it
    /// have ended before the request was there, it is done again.
    #[track_caller]
    pub fn stop_under_way(&self, starter: &str, caller: &str) -> (Answer, Execution) {
        let parties: Vec<String> = (0..20).map(|number| format!("party-{number}")).collect();
        let body = and(&payment(), "parties", json!(parties)).to_string();
        for _ in 0..5 {
            self.cold_start("ScreenPayment").unwrap();
            let execution = self.execution_of(&self.start(starter, &[], &body));
            let answer = self.call(caller, "DELETE", &execution.path);
            if answer.status != 409 {
                return (answer, execution);
            }
        }
        panic!("every execution ended before it was to be stopped");
    }

    /// All of Keycloak's tokens for a user: access, ID and refresh token.
    pub fn all_tokens(&self, user: &str) -> [String; 3] {
        let password = self.password(user).unwrap();
        let answer = self.login("workflows", &[("client_id", CLIENT), ("scope", "openid")], user, &password);
        ["access_token", "id_token", "refresh_token"].map(|name| answer[name].as_str().unwrap().to_owned())
    }

    /// A password grant.
    #[track_caller]
    pub fn login(&self, realm: &str, form: &[(&str, &str)], user: &str, password: &str) -> Value {
        let mut all = vec![("grant_type", "password"), ("username", user), ("password", password)];
        all.extend(form);
        self.granted(realm, &all, &[])
    }

    /// Where the realm hands tokens out.
    pub fn token_endpoint(&self, realm: &str) -> String {
        format!("{}/realms/{realm}/protocol/openid-connect/token", self.keycloak().url())
    }

    /// The tokens that Keycloak grants.
    #[track_caller]
    pub fn granted(&self, realm: &str, form: &[(&str, &str)], headers: &[(&'static str, &str)]) -> Value {
        let mut request = self.keycloak().client().unwrap().post(self.token_endpoint(realm)).form(form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().unwrap();
        let answer: Value = answer.json().unwrap();
        for name in ["access_token", "id_token", "refresh_token"] {
            if let Some(token) = answer[name].as_str() {
                self.note_token(token).unwrap();
            }
        }
        assert!(answer["access_token"].is_string(), "{answer}");
        answer
    }

    /// A token of Keycloak's administrator, who belongs to the realm `master`.
    pub fn administrator_token(&self) -> String {
        let answer = self.login("master", &[("client_id", "admin-cli")], ADMINISTRATOR, &self.administrator_password());
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Calls Keycloak's admin API on the realm.
    #[track_caller]
    pub fn administer(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/admin/realms/workflows/{path}", self.keycloak().url());
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        let client = self.keycloak().client().unwrap();
        let mut request = client.request(method, url).bearer_auth(self.administrator_token());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// A token of somebody new, who holds `roles` of the client `workflow-api` and is in the project apollo.
    pub fn token_of_somebody_with(&self, roles: &[&str]) -> String {
        let name = format!("somebody-{}", unique());
        let password = format!("Password-{name}");
        let user = json!({
            "username": name, "enabled": true, "emailVerified": true, "email": format!("{name}@example.com"),
            "firstName": "Some", "lastName": "Body", "attributes": {"project_id": ["apollo"]},
            "credentials": [{"type": "password", "value": password, "temporary": false}],
        });
        self.administer("POST", "users", Some(&user));
        let found = self.administer("GET", &format!("users?exact=true&username={name}"), None);
        let api = self.administer("GET", "clients?clientId=workflow-api", None);
        let (user, api) = (found[0]["id"].as_str().unwrap(), api[0]["id"].as_str().unwrap());
        let known = self.administer("GET", &format!("clients/{api}/roles"), None);
        let granted: Vec<&Value> =
            known.as_array().unwrap().iter().filter(|role| roles.contains(&role["name"].as_str().unwrap())).collect();
        assert_eq!(granted.len(), roles.len());
        self.administer("POST", &format!("users/{user}/role-mappings/clients/{api}"), Some(&json!(granted)));
        let answer = self.login("workflows", &[("client_id", CLIENT)], &name, &password);
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// An execution that the API has started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its path in the API.
    pub path: String,
}

/// The usual payment.
pub fn payment() -> Value {
    json!({"project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": ["payer-1", "payee-1"]})
}

/// A text that no earlier call has given, in this program or another one.
pub fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{:x}-{:x}", std::process::id(), now.as_nanos())
}

/// What a token says, without asking whether it is true.
pub fn payload(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// What a token's header says.
pub fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The token with another payload under the same header and signature.
pub fn with_payload(token: &str, payload: &Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(payload.to_string()), parts[2])
}

/// A JSON value with one member more, or another one.
pub fn and(value: &Value, name: &str, member: Value) -> Value {
    let mut members: Map<String, Value> = value.as_object().unwrap().clone();
    members.insert(name.to_owned(), member);
    Value::Object(members)
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The digest of `access.toml`, as audit lines name it.
pub fn policy_digest() -> String {
    Digest::of(&std::fs::read(repository().join("access.toml")).unwrap()).to_string()
}

/// An audit line in short, as the demo tells it: `door allow`, `ApprovePayment deny claim_unmet`.
pub fn decision(line: &Value) -> String {
    assert!(line["reasons"].is_array(), "{line}");
    xtask::demo::decision(line)
}

/// The codes of an audit line's reasons.
pub fn codes(line: &Value) -> Vec<&str> {
    line["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

/// An answer that says what the caller can do, and not a word of what the log says about why.
#[track_caller]
pub fn expect_refusal(answer: &Answer, status: u16, lines: &[Value]) {
    assert_eq!(answer.status, status, "{answer:?}");
    let told = format!("{} {:?}", answer.body, answer.headers).to_ascii_lowercase();
    let mut secrets: BTreeSet<String> =
        ["compliance", "kyc", "signature", "expire", "issuer", "audience", "payment:", "policy"]
            .map(str::to_owned)
            .into();
    for line in lines {
        for reason in line["reasons"].as_array().unwrap() {
            secrets.insert(reason["code"].as_str().unwrap().to_owned());
            secrets.insert(reason["message"].as_str().unwrap().to_ascii_lowercase());
        }
    }
    for secret in secrets {
        assert!(!told.contains(&secret), "the answer says `{secret}`: {answer:?}");
    }
}
