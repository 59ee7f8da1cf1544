//! The functions as processes: what each is configured with, and an event that it answers well.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_realm::{TestKey, key_set};

use crate::fixture::{authorizer_event, now};
use crate::guard::transaction_token;
use crate::realm::Realm;
use crate::runtime_api::{Answered, RuntimeApi};
use crate::stack::{MACHINE, Stack, TRUST_DOMAIN, event, execution};

/// The floor's name.
pub const FLOOR: &str = "echo";

/// One function of the stack.
pub struct Function<'a> {
    pub name: &'static str,
    environment: Vec<(String, String)>,
    /// Made anew for every process and every chunk: some states take a statement of the last seconds only.
    event: Box<dyn Fn() -> Vec<u8> + 'a>,
    /// Whether the event is answered with an output; an error otherwise.
    is_served: bool,
}

/// A function's process and its runtime API.
pub struct Process {
    pub api: RuntimeApi,
    /// When it was started.
    pub began: Instant,
    /// How long it took the system to start it.
    pub exec: Duration,
    child: Child,
}

/// Where everything stands that the functions call.
pub struct World {
    stack: Stack,
    kms: Arc<TestKey>,
    realm: Realm,
}

impl World {
    pub fn new() -> Self {
        Self { stack: Stack::new(), kms: Arc::new(TestKey::kms()), realm: Realm::start() }
    }

    /// The floor, then every function that is built.
    pub fn functions(&self) -> Vec<Function<'_>> {
        let mut all =
            vec![Function { name: FLOOR, environment: Vec::new(), event: Box::new(nothing), is_served: true }];
        for (name, state) in [
            ("screen-payment", "ScreenPayment"),
            ("approve-payment", "ApprovePayment"),
            ("execute-payment", "ExecutePayment"),
        ] {
            all.push(self.task(name, state));
        }
        all.push(self.authorizer());
        all.push(self.executions());
        // Of these two the event is one that they refuse before they call anything.
        let mut environment = self.minting_environment();
        environment.push(("REVALIDATION_CLIENT".to_owned(), "workflow-revalidation".to_owned()));
        for (name, environment) in [("revalidation", environment), ("key-publisher", Vec::new())] {
            all.push(Function { name, environment, event: Box::new(nothing), is_served: false });
        }
        all.retain(|function| function.binary().exists());
        all
    }

    /// How long a new client takes to fetch the realm's keys, in a process whose cryptography is set up.
    pub fn fetch_keys(&self) -> Duration {
        self.realm.fetch_keys()
    }

    fn task(&self, name: &'static str, state: &'static str) -> Function<'_> {
        let input = sample(&format!("{name}/state.json"))["input"].clone();
        let environment = self.stack.environment().map(|(name, value)| (name.to_owned(), value)).to_vec();
        let event = move || {
            // The state that moves the money takes a statement that was made for it and no other.
            let renewed_for = (state == "ExecutePayment").then_some(state);
            let token = transaction_token(&self.stack, renewed_for, now());
            event(&token, &execution("run"), state, &input).to_string().into_bytes()
        };
        Function { name, environment, event: Box::new(event), is_served: true }
    }

    fn authorizer(&self) -> Function<'_> {
        let event = || authorizer_event(&self.realm.signed.token, "/workflows/payment/executions");
        Function { name: "authorizer", environment: self.realm.environment(), event: Box::new(event), is_served: true }
    }

    fn executions(&self) -> Function<'_> {
        let mut event = sample("executions/start.json");
        let bearer = format!("Bearer {}", self.realm.signed.token);
        event["headers"]["Authorization"] = json!(bearer);
        event["multiValueHeaders"]["Authorization"] = json!([bearer]);
        let event = move || event.to_string().into_bytes();
        Function {
            name: "executions",
            environment: self.minting_environment(),
            event: Box::new(event),
            is_served: true,
        }
    }

    /// What a function is configured with that verifies access tokens and mints transaction tokens.
    fn minting_environment(&self) -> Vec<(String, String)> {
        let aws = crate::aws::start(Arc::clone(&self.kms));
        let mut environment = self.realm.environment();
        for (name, value) in [
            ("TRUST_DOMAIN", TRUST_DOMAIN.to_owned()),
            ("TRANSACTION_KEYS", key_set([&*self.kms])),
            ("TRANSACTION_KEY_ID", self.kms.kid().to_owned()),
            ("TRANSACTION_SIGNING_KEY", "arn:aws:kms:eu-central-1:123456789012:key/k".to_owned()),
            ("EXECUTION_NAMING_KEY", "arn:aws:kms:eu-central-1:123456789012:key/n".to_owned()),
            ("REVALIDATION_FUNCTION", "arn:aws:lambda:eu-central-1:123456789012:function:r".to_owned()),
            ("WORKFLOW_STATE_MACHINES", json!({ "payment": MACHINE }).to_string()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "example".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{aws}")),
        ] {
            environment.push((name.to_owned(), value));
        }
        environment
    }
}

/// Their logs are read by nobody, unless `BENCH_LOG` asks for them.
fn log() -> Stdio {
    if std::env::var_os("BENCH_LOG").is_some() { Stdio::inherit() } else { Stdio::null() }
}

fn nothing() -> Vec<u8> {
    b"{}".to_vec()
}

fn sample(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(path);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

impl Function<'_> {
    pub fn binary(&self) -> PathBuf {
        let directory =
            std::env::var("BENCH_FUNCTIONS").expect("BENCH_FUNCTIONS: the directory of the built functions");
        Path::new(&directory).join(self.name)
    }

    /// Starts it, with its environment and nothing else.
    pub fn start(&self) -> Process {
        let api = RuntimeApi::start((self.event)());
        let mut command = Command::new(self.binary());
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log());
        let began = Instant::now();
        let child = command.spawn().unwrap();
        Process { api, began, exec: began.elapsed(), child }
    }

    /// A process's next answers to the event as it is now.
    pub fn answers(&self, process: &Process, count: usize) -> Vec<Answered> {
        process.api.hand_out((self.event)());
        process.api.answers(count)
    }

    /// Sees that an answer is the one that the event should get.
    #[track_caller]
    pub fn expect(&self, answer: &Answered) {
        let body = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.is_output, self.is_served, "{}: {body}", self.name);
        // `executions` answers every request with an output, also one that it refuses.
        assert!(!body.contains("\"statusCode\":4") && !body.contains("\"statusCode\":5"), "{}: {body}", self.name);
    }
}

impl Process {
    /// The most memory that it has had in use so far, in bytes; none where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
