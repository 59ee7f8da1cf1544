//! KMS, `revalidation` and Step Functions on loopback, as far as one start of an execution needs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_realm::TestKey;

/// The address of all of them.
pub fn start(kms: Arc<TestKey>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let kms = Arc::clone(&kms);
            thread::spawn(move || connection(stream.unwrap(), &kms));
        }
    });
    address
}

fn connection(stream: TcpStream, kms: &TestKey) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (target, asked) = request(&mut reader)?;
        let body = match target.as_str() {
            "trentservice.sign" => json!({
                "KeyId": asked["KeyId"],
                "Signature": STANDARD.encode(kms.sign_digest(&STANDARD.decode(asked["Message"].as_str()?).unwrap())),
                "SigningAlgorithm": asked["SigningAlgorithm"]
            }),
            "trentservice.generatemac" => json!({
                "KeyId": asked["KeyId"],
                "Mac": STANDARD.encode([7; 32]),
                "MacAlgorithm": asked["MacAlgorithm"]
            }),
            "awsstepfunctions.startexecution" => json!({
                "executionArn": "arn:aws:states:eu-central-1:123456789012:execution:payment:run",
                "startDate": 1_767_225_600
            }),
            INVOKE => json!({ "start": "alive" }),
            other => panic!("nobody answers `{other}` here"),
        }
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        reader.get_mut().write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
}

/// What has no target is Lambda's, whose API has paths.
const INVOKE: &str = "";

/// Reads one request; answers its target in lower case, and its body.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let (mut length, mut target) = (0, INVOKE.to_owned());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
        match header.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("x-amz-target", value)) => value.clone_into(&mut target),
            Some(_) => {}
            None if header.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, serde_json::from_slice(&body).unwrap()))
}
