//! The verifiers of other libraries: child processes that read cases and answer a word for each.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use xtask::tools::Verifiers;

/// Their names, in the order in which verdicts are listed.
pub const NAMES: [&str; 4] = ["pyjwt", "joserfc", "jose", "aws-jwt-verify"];

/// Cases that are sent at once. Their answers fit into a pipe (64 KiB), so that nobody waits for nobody.
pub const ROUND: usize = 4096;

/// One verifier at work.
pub struct Verifier {
    rounds: SyncSender<Arc<Vec<String>>>,
    verdicts: Receiver<Vec<bool>>,
}

impl Verifier {
    /// Starts one and tells it what all cases share: lines that get no answer.
    pub fn start(name: &'static str, tools: &Verifiers, preamble: &[String]) -> Self {
        let mut child =
            command(name, tools).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{name} does not start ({error}): run `cargo xtask tools`, which installs it")
            });
        let mut input = BufWriter::new(child.stdin.take().unwrap());
        let output = BufReader::new(child.stdout.take().unwrap());
        write_lines(name, &mut input, preamble);
        let (rounds, to_decide) = sync_channel(2);
        let (decided, verdicts) = sync_channel(2);
        thread::spawn(move || decide(name, child, input, output, &to_decide, &decided));
        Self { rounds, verdicts }
    }

    /// Gives it a round of cases to decide; waits while two others are before it.
    pub fn send(&self, round: &Arc<Vec<String>>) {
        self.rounds.send(Arc::clone(round)).expect("the verifier ended, see above");
    }

    /// Which cases of the oldest round without an answer it accepts.
    pub fn verdicts(&self) -> Vec<bool> {
        self.verdicts.recv().expect("the verifier ended, see above")
    }
}

fn command(name: &str, tools: &Verifiers) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential");
    let script = |extension: &str| scripts.join(format!("{}_verifier.{extension}", name.replace('-', "_")));
    if matches!(name, "pyjwt" | "joserfc") {
        let mut python = Command::new(&tools.python);
        python.args(["-B", "-W", "ignore"]).arg(script("py"));
        python
    } else {
        let mut node = Command::new("node");
        node.arg(script("mjs")).arg(&tools.node_modules);
        node
    }
}

fn decide(
    name: &str,
    mut child: Child,
    mut input: BufWriter<ChildStdin>,
    mut output: BufReader<ChildStdout>,
    rounds: &Receiver<Arc<Vec<String>>>,
    verdicts: &SyncSender<Vec<bool>>,
) {
    while let Ok(round) = rounds.recv() {
        write_lines(name, &mut input, &round);
        let accepted = round.iter().map(|_| answer(name, &mut output)).collect();
        if verdicts.send(accepted).is_err() {
            break;
        }
    }
    drop(input);
    let status = child.wait().unwrap();
    assert!(status.success(), "{name} ended with {status}");
}

fn write_lines(name: &str, input: &mut BufWriter<ChildStdin>, lines: &[String]) {
    let written = lines.iter().try_for_each(|line| writeln!(input, "{line}"));
    written.and_then(|()| input.flush()).unwrap_or_else(|error| panic!("{name} does not read ({error}), see above"));
}

fn answer(name: &str, output: &mut BufReader<ChildStdout>) -> bool {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    match line.as_str() {
        "accept\n" => true,
        "reject\n" => false,
        other => panic!("{name} answered {other:?}, see above"),
    }
}
