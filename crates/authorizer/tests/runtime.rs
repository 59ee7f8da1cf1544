//! The authorizer as a process of Lambda: the built program against a runtime interface that serves it events.
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

use serde_json::{Value, json};

const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/GET/workflows/a/executions/b";

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
struct Authorizer {
    child: Child,
    listener: TcpListener,
    errors: Option<JoinHandle<String>>,
}

impl Authorizer {
    fn start(environment: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_authorizer"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("RUST_LOG", "trace")
            .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
            .envs(environment.iter().copied())
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
                       Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:authorizer";
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

impl Drop for Authorizer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What each audit line decided, and why.
fn decisions(lines: &str) -> Vec<Value> {
    let decision = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no audit line: {line}"));
        assert_eq!(line["audit"], json!("claim-guard/1"));
        json!([line["decision"], line["reasons"][0]["code"]])
    };
    lines.lines().map(decision).collect()
}

const ERROR: &str = "POST /2018-06-01/runtime/invocation/r-1/error";

#[test]
fn api_gateway_sees_unauthorized_and_the_log_one_audit_line_for_each_event() {
    // Port 9 of this machine, where nobody listens.
    let authorizer = Authorizer::start(&[
        ("REALM_ISSUER", "https://127.0.0.1:9/realms/workflows"),
        ("REALM_AUDIENCE", "workflow-api"),
        ("REALM_CLIENTS", "payment-app"),
    ]);
    let unauthorized = json!({ "errorType": "ClaimGuard.Rejected", "errorMessage": "Unauthorized" });
    let undecided = json!({ "errorType": "ClaimGuard.Undecided", "errorMessage": "undecided: see the audit line" });
    let event = |header: &str| json!({ "type": "TOKEN", "authorizationToken": header, "methodArn": ARN }).to_string();
    // {"alg":"ES256","kid":"k"} and {}: well-formed, and of a key that would have to be fetched.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.c2lnbmF0dXJl";

    assert_eq!(
        authorizer.invoke(&event("Bearer hushhush.hushhush.hushhush")),
        (ERROR.to_owned(), unauthorized.clone())
    );
    assert_eq!(
        authorizer.invoke("{\"type\":\"TOKEN\",\"authorizationToken\":hush"),
        (ERROR.to_owned(), unauthorized.clone())
    );
    assert_eq!(authorizer.invoke("[]"), (ERROR.to_owned(), unauthorized));
    assert_eq!(authorizer.invoke(&event(&format!("Bearer {token}"))), (ERROR.to_owned(), undecided));

    let (out, err) = authorizer.end();
    assert_eq!(out, "");
    assert!(!err.contains("hush") && !err.contains(token), "{err}");
    assert_eq!(
        decisions(&err),
        [
            json!(["reject", "malformed_json"]),
            json!(["reject", "malformed_event"]),
            json!(["reject", "malformed_event"]),
            json!(["undecided", "keys_unreachable"]),
        ]
    );
}

#[test]
fn a_broken_environment_does_not_end_the_process() {
    let authorizer = Authorizer::start(&[("REALM_ISSUER", "http://keycloak.example.com/realms/workflows")]);
    let event = json!({ "type": "TOKEN", "authorizationToken": "Bearer hush", "methodArn": ARN }).to_string();
    let misconfigured =
        json!({ "errorType": "ClaimGuard.Misconfigured", "errorMessage": "misconfigured: see the audit line" });
    for _ in 0..2 {
        assert_eq!(authorizer.invoke(&event), (ERROR.to_owned(), misconfigured.clone()));
    }
    let (out, err) = authorizer.end();
    assert_eq!(out, "");
    assert!(!err.contains("hush"), "{err}");
    assert_eq!(
        decisions(&err),
        [json!(["misconfigured", "malformed_environment"]), json!(["misconfigured", "malformed_environment"])]
    );
}

#[test]
fn a_panic_prints_where_it_happened_and_not_what_it_says() {
    // The runtime panics without the variables that Lambda sets.
    let output = Command::new(env!("CARGO_BIN_EXE_authorizer")).env_clear().output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("panicked at ") && err.lines().count() == 1 && !err.contains("AWS_LAMBDA"), "{err}");
    assert_eq!(output.status.code(), Some(101));
}
