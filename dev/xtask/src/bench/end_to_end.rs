//! The sample workflow beside the same one without identity: what the guard costs a workflow.
//!
//! With identity: the authorizer, the start, and every step behind its guard, revalidation included. Without: the machine as its
//! author wrote it, started directly, its functions the floor.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::consumption::{self, Used};
use super::rows::{Holds, Row};
use super::zip;
use crate::cache;
use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;
use crate::progress::Progress;
use crate::report::PAYMENT;
use crate::versions::FUNCTIONS;

/// The floor: a function that does nothing.
pub(crate) const FLOOR: &str = "echo";
/// What the stack of this group is called in the lab.
const NAME: &str = "bench-plain";
/// What the ratios are to.
const BASELINE: &str = "the same machine without identity";
const ROUNDS: usize = 24;
/// Before the first that counts: processes start in these, and Keycloak's code is compiled.
const WARM_UP: usize = 12;
/// How long one execution may take, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

/// Runs both machines in turn on a lab that is up.
///
/// # Errors
/// An execution does not succeed.
pub fn measure(lab: &Lab, floor: &Path, progress: &Progress) -> Result<Vec<Row>, Failure> {
    let step = progress.step("measure end-to-end");
    let plain = Plain::deploy(lab, floor)?;
    let token = lab.token("alice")?;
    let (mut guarded_times, mut plain_times, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut since = 0;
    for round in 0..WARM_UP + ROUNDS {
        if round == WARM_UP {
            since = now_in_milliseconds();
        }
        step.note(&format!("round {round}"));
        let guarded = guarded(lab, &token)?;
        let bare = plain.run(lab)?;
        if round >= WARM_UP {
            guarded_times.push(guarded.whole);
            plain_times.push(bare.whole);
            starts.push(guarded.start);
        }
    }
    let used = consumption::of(&lab.log_lines()?, since);
    plain.remove(lab)?;
    step.done("");
    let mut ratios: Vec<f64> = guarded_times.iter().zip(&plain_times).map(|(with, without)| with / without).collect();
    let milliseconds = |times: &mut [f64]| format!("{:.0} ms", quantile(times, 0.5) * 1e3);
    let detail = format!(
        "{} ÷ {}; the start through the API took {}",
        milliseconds(&mut guarded_times),
        milliseconds(&mut plain_times),
        milliseconds(&mut starts)
    );
    let whole = Row {
        name: "end-to-end/payment".to_owned(),
        ratio: quantile(&mut ratios, 0.5),
        noise: (quantile(&mut ratios, 0.75) - quantile(&mut ratios, 0.25)) / 2.0,
        baseline: BASELINE.to_owned(),
        holds: Holds::Here,
        detail,
        goal: None,
    };
    Ok([whole].into_iter().chain(consumed(&used)).collect())
}

/// What one execution consumed: memory times duration, and bytes of log.
fn consumed(used: &BTreeMap<String, Used>) -> [Row; 2] {
    let is_plain = |group: &str| group.ends_with(NAME);
    let total = |plain| {
        let chosen = used.iter().filter(|(group, _)| is_plain(group) == plain);
        chosen.fold(Used::default(), |sum, (_, used)| sum.plus(*used))
    };
    let (with, without) = (total(false), total(true));
    let each = |of: fn(&Used) -> f64, digits: usize| {
        let functions = used.iter().filter(|(group, used)| !is_plain(group) && used.invocations > 0);
        let told = functions.map(|(group, used)| {
            let name = group.rsplit('/').next().unwrap_or(group);
            format!("{name} {:.2}× {:.digits$}", f64::from(used.invocations) / ROUNDS as f64, of(used) / ROUNDS as f64)
        });
        told.collect::<Vec<_>>().join(", ")
    };
    let row = |name: &str, unit: &str, digits: usize, of: fn(&Used) -> f64| Row {
        name: format!("end-to-end/{name}"),
        ratio: of(&with) / of(&without),
        noise: 0.1 * of(&with) / of(&without),
        baseline: BASELINE.to_owned(),
        holds: Holds::Here,
        detail: format!(
            "{:.digits$} ÷ {:.digits$} {unit} an execution: {}",
            of(&with) / ROUNDS as f64,
            of(&without) / ROUNDS as f64,
            each(of, digits)
        ),
        goal: None,
    };
    [
        row("gb-seconds", "GB·s", 5, |used| used.gigabyte_seconds),
        row("log-bytes", "bytes", 0, |used| used.log_bytes as f64),
    ]
}

fn now_in_milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds from the request to the answer to it, and to the end of the execution.
struct Took {
    start: f64,
    whole: f64,
}

fn guarded(lab: &Lab, token: &str) -> Result<Took, Failure> {
    let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
    let begin = Instant::now();
    let answer = lab.request("POST", "/workflows/payment/executions", &headers, Some(PAYMENT))?;
    let start = begin.elapsed().as_secs_f64();
    let id = answer.header("location").and_then(|location| location.rsplit('/').next());
    let Some(id) = id else {
        let what = format!("the start answered {}: {}", answer.status, answer.body);
        return Err(Failure::new(what, "read the audit lines"));
    };
    let machine = guarded_machine(lab)?;
    succeeded(lab, &format!("{}:{id}", machine.replace(":stateMachine:", ":execution:")))?;
    Ok(Took { start, whole: begin.elapsed().as_secs_f64() })
}

fn guarded_machine(lab: &Lab) -> Result<String, Failure> {
    let machines = lab.physical_ids("AWS::StepFunctions::StateMachine");
    machines.into_iter().next().ok_or_else(|| Failure::new("the stack has no state machine", "bring the lab up anew"))
}

fn succeeded(lab: &Lab, execution: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let described = lab.execution(execution)?;
        match described.get("status").and_then(Value::as_str) {
            Some("SUCCEEDED") => return Ok(()),
            Some("RUNNING") if Instant::now() < deadline => thread::sleep(LOOK),
            _ => return Err(Failure::new(format!("{execution} did not succeed: {described}"), "read its history")),
        }
    }
}

/// The machine without identity, deployed beside the stack.
struct Plain {
    machine: String,
}

impl Plain {
    fn deploy(lab: &Lab, floor: &Path) -> Result<Self, Failure> {
        let function = floor_function(lab, floor)?;
        let path = cache::repository().join("statemachines/payment.plain.asl.json");
        let text = std::fs::read_to_string(&path).or_failure(format!("read {}", path.display()), "restore it")?;
        let definition = ["ScreenPayment", "ApprovePayment", "ExecutePayment"]
            .into_iter()
            .fold(text, |text, state| text.replace(&format!("${{{state}FunctionArn}}"), &function));
        let guarded = guarded_machine(lab)?;
        let states = |operation: &str, request: &Value| lab.aws().json("states", operation, request);
        let described = states("AWSStepFunctions.DescribeStateMachine", &json!({ "stateMachineArn": guarded }))?;
        let request = json!({ "name": NAME, "definition": definition, "roleArn": described.get("roleArn") });
        let made = states("AWSStepFunctions.CreateStateMachine", &request)?;
        Ok(Self { machine: text_of(&made, "stateMachineArn")? })
    }

    fn run(&self, lab: &Lab) -> Result<Took, Failure> {
        let request = json!({ "stateMachineArn": self.machine, "input": PAYMENT });
        let begin = Instant::now();
        let started = lab.aws().json("states", "AWSStepFunctions.StartExecution", &request)?;
        let start = begin.elapsed().as_secs_f64();
        succeeded(lab, &text_of(&started, "executionArn")?)?;
        Ok(Took { start, whole: begin.elapsed().as_secs_f64() })
    }

    fn remove(&self, lab: &Lab) -> Result<(), Failure> {
        let request = json!({ "stateMachineArn": self.machine });
        lab.aws().json("states", "AWSStepFunctions.DeleteStateMachine", &request)?;
        lab.aws().rest("lambda", Method::DELETE, &format!("{FUNCTIONS}/{NAME}"), None)?;
        Ok(())
    }
}

/// The floor as a function of the lab, made like one of the stack's own.
fn floor_function(lab: &Lab, floor: &Path) -> Result<String, Failure> {
    let like = lab.function("ScreenPayment")?;
    let like = lab.aws().rest("lambda", Method::GET, &format!("{FUNCTIONS}/{like}/configuration"), None)?;
    let program = std::fs::read(floor).or_failure(format!("read the {FLOOR}"), "build it again")?;
    let archive = zip::of_program(&program).or_failure(format!("pack the {FLOOR}"), "build it again")?;
    // What an earlier run that broke off has left.
    let _ = lab.aws().rest("lambda", Method::DELETE, &format!("{FUNCTIONS}/{NAME}"), None);
    let request = json!({
        "FunctionName": NAME,
        "Runtime": like.get("Runtime"),
        "Handler": like.get("Handler"),
        "Role": like.get("Role"),
        "Architectures": like.get("Architectures"),
        "MemorySize": like.get("MemorySize"),
        "Timeout": 10,
        "Environment": { "Variables": { "ECHO_LINE": "echo" } },
        "Code": { "ZipFile": STANDARD.encode(archive) },
    });
    text_of(&lab.aws().rest("lambda", Method::POST, FUNCTIONS, Some(&request))?, "FunctionArn")
}

fn text_of(answer: &Value, name: &str) -> Result<String, Failure> {
    let text = answer.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("the emulator answered no `{name}`: {answer}"), "read the emulator's log"))
}

/// The nearest rank; NaN of nothing.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    // The product stands between 0 and the last index.
    let rank = (share * times.len().saturating_sub(1) as f64).round() as usize;
    times.get(rank).copied().unwrap_or(f64::NAN)
}
