//! Lambda's runtime API, as far as a function sees it: it hands out events and takes answers. Other crates' tests of their
//! functions include this file too.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What a function did with its events.
#[derive(Debug)]
pub struct Invoked {
    /// One answer for each event, in the order of the events.
    pub answers: Vec<Answer>,
    /// The lines on standard error.
    pub log: Vec<String>,
    /// What else was printed: standard output.
    pub out: String,
}

/// What a function answered to an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Output(Value),
    Error(Value),
}

type Queue = Arc<Mutex<VecDeque<(usize, Vec<u8>)>>>;

/// Starts the function with that environment and nothing else, and gives it these events.
pub fn invoke(binary: &str, environment: &[(&str, String)], events: &[Vec<u8>]) -> Invoked {
    let queue: Queue = Arc::new(Mutex::new(events.iter().cloned().enumerate().collect()));
    let (address, answers) = serve(&queue);
    let mut function = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_LAMBDA_FUNCTION_NAME", "task")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        // Whatever is logged at all is asked for, so that what is held back is held back by the function itself.
        .env("RUST_LOG", "trace")
        .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut received: Vec<(usize, Answer)> = Vec::new();
    for _ in events {
        match answers.recv_timeout(Duration::from_secs(30)) {
            Ok(answer) => received.push(answer),
            Err(_) => break,
        }
    }
    function.kill().unwrap();
    let output = function.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let log: Vec<String> = String::from_utf8(output.stderr).unwrap().lines().map(ToOwned::to_owned).collect();
    received.sort_by_key(|(index, _)| *index);
    let order: Vec<usize> = received.iter().map(|(index, _)| *index).collect();
    assert_eq!(order, (0..events.len()).collect::<Vec<_>>(), "not every event was answered once: {log:?}");
    Invoked { answers: received.into_iter().map(|(_, answer)| answer).collect(), log, out }
}

fn serve(queue: &Queue) -> (SocketAddr, Receiver<(usize, Answer)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (queue, sender) = (Arc::clone(&queue), sender.clone());
            thread::spawn(move || connection(stream.unwrap(), &queue, &sender));
        }
    });
    (address, receiver)
}

/// Serves one connection until the function closes it, or asks for an event when there is none: Lambda lets it wait.
fn connection(stream: TcpStream, queue: &Queue, answers: &Sender<(usize, Answer)>) {
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = request(&mut reader) {
        let response = if path.ends_with("/invocation/next") {
            let Some((index, event)) = queue.lock().unwrap().pop_front() else { break };
            [next(index, event.len()).as_bytes(), &event].concat()
        } else {
            let mut segments = path.rsplit('/');
            let kind = segments.next().unwrap();
            let index = segments.next().unwrap().trim_start_matches("request-").parse().unwrap();
            let body = serde_json::from_slice(&body).unwrap();
            let answer = if kind == "response" { Answer::Output(body) } else { Answer::Error(body) };
            // Nobody listens once every event is answered.
            let _ = answers.send((index, answer));
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec()
        };
        if reader.get_mut().write_all(&response).is_err() {
            return;
        }
    }
    // Held open until the function ends.
    let _ = reader.read(&mut [0]);
}

fn next(index: usize, length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         lambda-runtime-aws-request-id: request-{index}\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:task\r\n\r\n"
    )
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}
