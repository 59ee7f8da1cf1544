//! Revalidation as a process of Lambda: the built program against a runtime interface that serves it events.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use claim_guard::access::AccessPolicy;
use serde_json::{Map, Value, json};
use test_realm::{TestKey, key_set};

/// A request to the runtime interface.
struct Request {
    target: String,
    body: String,
    stream: TcpStream,
}

impl Request {
    fn read(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let length = |line: &String| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
        let mut body = vec![0; lines.iter().find_map(length).unwrap_or_default()];
        reader.read_exact(&mut body).unwrap();
        let target = lines.first().and_then(|line| line.rsplit_once(' ')).expect("a request line").0.to_owned();
        Self { target, body: String::from_utf8(body).unwrap(), stream }
    }

    fn answer(mut self, head: &str, body: &str) {
        let length = body.len();
        write!(self.stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    }
}

/// The program, which is ended when the test ends, however it ends.
struct Revalidation {
    child: Child,
    listener: TcpListener,
    errors: Option<JoinHandle<String>>,
}

impl Revalidation {
    fn start(environment: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_revalidation"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_LAMBDA_FUNCTION_NAME", "revalidation")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("RUST_LOG", "trace")
            .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            // The program has ended: a test that still waits for its request gets an empty one.
            let _ = TcpStream::connect(address);
            text
        });
        Self { child, listener, errors: Some(errors) }
    }

    /// Serves one event; answers where the program sent what.
    fn invoke(&self, event: &str) -> (String, Value) {
        let next = Request::read(&self.listener);
        assert_eq!(next.target, "GET /2018-06-01/runtime/invocation/next");
        let headers = "200 OK\r\nLambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Deadline-Ms: 32503680000000\r\n\
                       Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:revalidation";
        next.answer(headers, event);
        let sent = Request::read(&self.listener);
        let (target, body) = (sent.target.clone(), serde_json::from_str(&sent.body).unwrap());
        sent.answer("202 Accepted", "{}");
        (target, body)
    }

    /// Ends the program; answers everything that it wrote, standard output first.
    fn end(mut self) -> (String, String) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (out, self.errors.take().unwrap().join().unwrap())
    }
}

impl Drop for Revalidation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What each audit line decided, and every reason for it.
fn decisions(lines: &str) -> Vec<Value> {
    let decision = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no audit line: {line}"));
        assert_eq!(line["audit"], json!("claim-guard/1"));
        let codes = line["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].clone());
        json!([line["decision"], codes.collect::<Vec<_>>()])
    };
    lines.lines().map(decision).collect()
}

fn machine(workflow: &str) -> String {
    format!("arn:aws:states:eu-central-1:111122223333:stateMachine:payments-{workflow}")
}

/// A whole environment, whose realm is on port 9 of this machine, where nobody listens.
fn environment() -> Vec<(&'static str, String)> {
    let key = TestKey::kms();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml")).unwrap();
    let workflows = policy.workflows().map(|workflow| workflow.name().as_str());
    let machines: Map<String, Value> = workflows.map(|name| (name.to_owned(), json!(machine(name)))).collect();
    vec![
        ("REALM_ISSUER", "https://127.0.0.1:9/realms/workflows".to_owned()),
        ("REALM_AUDIENCE", "workflow-api".to_owned()),
        ("REALM_CLIENTS", "payment-app".to_owned()),
        ("REVALIDATION_CLIENT", "workflow-revalidation".to_owned()),
        ("TRUST_DOMAIN", "payments.111122223333.eu-central-1".to_owned()),
        ("TRANSACTION_KEYS", key_set([&key])),
        ("TRANSACTION_KEY_ID", key.kid().to_owned()),
        ("TRANSACTION_SIGNING_KEY", "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333".to_owned()),
        ("WORKFLOW_STATE_MACHINES", Value::Object(machines).to_string()),
    ]
}

fn event(token: &str) -> String {
    json!({
        "transactionToken": token,
        "context": {
            "execution": "arn:aws:states:eu-central-1:111122223333:execution:payments-payment:run-1",
            "stateMachine": machine("payment"),
            "state": "Revalidate ApprovePayment",
        },
        "renew": { "state": "ApprovePayment", "cause": "expired" },
    })
    .to_string()
}

fn refused(name: &str) -> (String, Value) {
    let message = format!("{}: see the audit line in the log of revalidation", name.to_lowercase());
    let body = json!({ "errorType": format!("ClaimGuard.{name}"), "errorMessage": message });
    ("POST /2018-06-01/runtime/invocation/r-1/error".to_owned(), body)
}

#[test]
fn the_state_machine_sees_error_names_and_the_log_one_audit_line_for_each_event() {
    let revalidation = Revalidation::start(&environment());
    assert_eq!(revalidation.invoke(&event("hushhush.hushhush.hushhush")), refused("Rejected"));
    assert_eq!(revalidation.invoke("{\"transactionToken\":hush"), refused("Misconfigured"));
    assert_eq!(revalidation.invoke("[\"hush\"]"), refused("Misconfigured"));
    let (out, err) = revalidation.end();
    assert_eq!(out, "");
    assert!(!err.contains("hush"), "{err}");
    assert_eq!(
        decisions(&err),
        [
            json!(["reject", ["malformed_json"]]),
            json!(["misconfigured", ["malformed_event"]]),
            json!(["misconfigured", ["malformed_event"]]),
        ]
    );
}

#[test]
fn a_broken_environment_does_not_end_the_process_and_is_told_whole() {
    let broken: Vec<_> = environment().into_iter().filter(|(name, _)| !name.starts_with("REALM_")).collect();
    let revalidation = Revalidation::start(&broken);
    for _ in 0..2 {
        assert_eq!(revalidation.invoke(&event("hush")), refused("Misconfigured"));
    }
    let (out, err) = revalidation.end();
    assert_eq!(out, "");
    assert!(!err.contains("hush"), "{err}");
    let told = json!(["misconfigured", ["malformed_environment", "malformed_environment", "malformed_environment"]]);
    assert_eq!(decisions(&err), [told.clone(), told]);
}

#[test]
fn an_issuer_that_is_no_realm_of_keycloak_is_told_as_a_broken_environment() {
    let elsewhere = environment().into_iter().map(|(name, value)| match name {
        "REALM_ISSUER" => (name, "https://127.0.0.1:9/tenants/workflows".to_owned()),
        _ => (name, value),
    });
    let revalidation = Revalidation::start(&elsewhere.collect::<Vec<_>>());
    assert_eq!(revalidation.invoke(&event("hush")), refused("Misconfigured"));
    assert_eq!(decisions(&revalidation.end().1), [json!(["misconfigured", ["malformed_environment"]])]);
}

#[test]
fn a_panic_prints_where_it_happened_and_not_what_it_says() {
    // The runtime panics without the variables that Lambda sets.
    let output = Command::new(env!("CARGO_BIN_EXE_revalidation")).env_clear().output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("panicked at ") && err.lines().count() == 1 && !err.contains("AWS_LAMBDA"), "{err}");
    assert_eq!(output.status.code(), Some(101));
}
