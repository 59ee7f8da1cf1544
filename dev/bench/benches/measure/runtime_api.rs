//! Lambda's runtime API on loopback: it hands out one event again and again, and notes when what happened.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A runtime API for one process.
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// One answer of the function.
#[derive(Clone)]
pub struct Answered {
    /// From the event's last byte to the answer's last byte.
    pub took: Duration,
    /// When it was whole.
    pub at: Instant,
    /// Whether it is an output, and not an error.
    pub is_output: bool,
    /// What it is.
    pub body: Vec<u8>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    event: Vec<u8>,
    /// How many events may still be handed out.
    quota: usize,
    /// When the function first asked for an event.
    first_asked: Option<Instant>,
    sent: Option<Instant>,
    answers: Vec<Answered>,
}

impl RuntimeApi {
    /// One that hands out this event, whenever it may.
    pub fn start(event: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { state: Mutex::new(State { event, ..State::default() }), changed: Condvar::new() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = Arc::clone(&serving);
                // The function goes away when it is killed; that is no failure.
                thread::spawn(move || serving.connection(stream.unwrap()));
            }
        });
        Self { address, shared }
    }

    /// `HOST:PORT`
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Hands out this event from now on.
    pub fn hand_out(&self, event: Vec<u8>) {
        self.shared.state.lock().unwrap().event = event;
    }

    /// Lets the function have so many more events, and waits for its answers to them.
    pub fn answers(&self, count: usize) -> Vec<Answered> {
        let mut state = self.shared.state.lock().unwrap();
        state.quota += count;
        self.shared.changed.notify_all();
        let (mut state, timeout) =
            self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.answers.len() < count).unwrap();
        assert!(!timeout.timed_out(), "no answer within `{PATIENCE:?}`");
        std::mem::take(&mut state.answers)
    }

    /// When the function first asked for an event: its initialisation had ended.
    pub fn first_asked(&self) -> Instant {
        let state = self.shared.state.lock().unwrap();
        let (state, timeout) =
            self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.first_asked.is_none()).unwrap();
        assert!(!timeout.timed_out(), "the function asks for no event");
        state.first_asked.unwrap()
    }
}

impl Shared {
    fn connection(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream);
        while let Some((path, body)) = request(&mut reader) {
            let response = if path.ends_with("/invocation/next") { self.next() } else { self.answered(&path, body) };
            reader.get_mut().write_all(&response).ok()?;
        }
        None
    }

    fn next(&self) -> Vec<u8> {
        let mut state = self.state.lock().unwrap();
        if state.first_asked.is_none() {
            state.first_asked = Some(Instant::now());
            self.changed.notify_all();
        }
        let mut state = self.changed.wait_while(state, |state| state.quota == 0).unwrap();
        state.quota -= 1;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             lambda-runtime-aws-request-id: request\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:bench\r\n\r\n",
            state.event.len()
        );
        let response = [head.as_bytes(), &state.event].concat();
        state.sent = Some(Instant::now());
        response
    }

    fn answered(&self, path: &str, body: Vec<u8>) -> Vec<u8> {
        let at = Instant::now();
        let mut state = self.state.lock().unwrap();
        let took = at - state.sent.take().unwrap();
        state.answers.push(Answered { took, at, is_output: path.ends_with("/response"), body });
        // Whoever waits is woken by the last one only: a thread more on the cores would be measured too.
        if state.quota == 0 {
            self.changed.notify_all();
        }
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec()
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("transfer-encoding", _)) => chunked = true,
            Some(_) => {}
            None => break,
        }
    }
    assert!(!chunked, "an answer in chunks is not read here");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}
