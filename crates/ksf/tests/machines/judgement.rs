//! What a machine is worth once it is woven: whether a token leaks, and whether the author's states are handed what they were.

use std::collections::{BTreeMap, BTreeSet};

use claim_guard::access::Workflow;
use serde_json::{Value, json};
use state_machine_interpreter::{Engine, Execution, Stop, execute};

use crate::explorer::{Event, Explorer, Guards, TOKEN};
use crate::made_up;

/// How many different runs a machine has.
const SEEDS: u64 = 24;
/// How many states a run of the author's machine may enter, and one of the woven one, which has more.
const STEPS: u64 = 300;
const WOVEN_STEPS: u64 = 4 * STEPS;

/// What came of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Weave says why not.
    Refused(Vec<String>),
    /// The author's own machine is none that the interpreter takes.
    NotRun(String),
    /// It was woven and run.
    Run {
        /// Where tokens were seen that may not be there.
        leaks: BTreeSet<String>,
        /// Where the woven machine does not do what the author's does.
        faults: BTreeSet<String>,
        /// How many of the author's states were visited, of how many.
        visited: (usize, usize),
    },
}

/// Weaves the machine for that workflow, and runs both many times.
pub fn judge(text: &str, workflow: &Workflow) -> Judgement {
    match ksf::weave::weave(text, workflow) {
        Err(refused) => Judgement::Refused(refused.reasons().to_vec()),
        Ok(woven) => match (serde_json::from_str(text), serde_json::from_str(&woven.machine)) {
            (Ok(plain), Ok(woven)) => compare(&plain, &woven),
            (Err(error), _) => Judgement::NotRun(error.to_string()),
            (Ok(_), Err(error)) => fault(format!("what weave wrote is no JSON: {error}")),
        },
    }
}

fn fault(what: String) -> Judgement {
    Judgement::Run { leaks: BTreeSet::new(), faults: BTreeSet::from([what]), visited: (0, 0) }
}

/// Runs both machines, and looks at the woven one's tokens.
pub fn compare(plain: &Value, woven: &Value) -> Judgement {
    let mut all = Vec::new();
    made_up::states(plain, &mut all);
    let author_s: BTreeMap<String, Vec<String>> =
        all.iter().map(|(name, state)| ((*name).to_owned(), made_up::errors(state))).collect();
    let input = made_up::input(plain);
    let wrapped = json!({ "transactionToken": format!("{TOKEN}0"), "input": input });
    // What differs from run to run cannot be compared.
    let is_random = ["$uuid(", "$millis(", "$now(", "$random("].iter().any(|call| plain.to_string().contains(call));
    let (mut leaks, mut faults, mut visited) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..SEEDS {
        let mut world = Explorer::new(seed, Guards::None, &author_s);
        let end = run(plain, input.clone(), &mut world, STEPS);
        if let Err(Stop::Refused { state, reason }) = end {
            return Judgement::NotRun(format!("state `{state}`: {reason}"));
        }
        let expected = (world.events, end);
        visited.append(&mut world.visited);
        for guards in [Guards::Renewed, Guards::Denied] {
            let mut world = Explorer::new(seed, guards, &author_s);
            let end = run(woven, wrapped.clone(), &mut world, WOVEN_STEPS);
            if guards == Guards::Renewed && !is_random {
                faults.extend(difference(&expected, &(world.events, end.clone())));
            }
            if let Err(Stop::Refused { state, reason }) = end {
                faults.insert(format!("state `{state}`: {reason}"));
            }
            leaks.append(&mut world.leaks);
            faults.append(&mut world.faults);
            visited.append(&mut world.visited);
        }
    }
    let visited = author_s.keys().filter(|name| visited.contains(*name)).count();
    Judgement::Run { leaks, faults, visited: (visited, author_s.len()) }
}

fn run(machine: &Value, input: Value, world: &mut Explorer<'_>, steps: u64) -> Result<Value, Stop> {
    let execution =
        Execution { id: "arn:execution:machine:run".to_owned(), machine: "arn:stateMachine:machine".to_owned(), input };
    execute(machine, execution, world, &Engine::as_documented(steps))
}

type Told = (Vec<Event>, Result<Value, Stop>);

/// The first thing that the woven machine does otherwise.
fn difference(plain: &Told, woven: &Told) -> Option<String> {
    let ((events, end), (woven_events, woven_end)) = (plain, woven);
    for ((state, what, value), woven) in events.iter().zip(woven_events) {
        let (woven_state, woven_what, woven_value) = woven;
        if (state, what) != (woven_state, woven_what) {
            return Some(format!("it goes on with state `{woven_state}` instead of `{state}`"));
        }
        if value != woven_value {
            return Some(format!(
                "the {what} of state `{state}` is {} instead of {}",
                short(woven_value),
                short(value)
            ));
        }
    }
    let is_whole = ![end, woven_end].iter().any(|end| matches!(end, Err(Stop::OutOfSteps)));
    if !is_whole {
        return None;
    }
    if events.len() != woven_events.len() {
        let (longer, word) =
            if events.len() > woven_events.len() { (events, "does not come to") } else { (woven_events, "comes to") };
        let next = longer.get(events.len().min(woven_events.len())).map(|(state, _, _)| state.as_str());
        return Some(format!("it {word} state `{}` and ends: {}", next.unwrap_or_default(), told(woven_end)));
    }
    let (told, woven_told) = (told(end), told(woven_end));
    (told != woven_told).then(|| format!("it ends by {woven_told} instead of {told}"))
}

/// An end without its cause, which tells of states that weave wrote.
fn told(end: &Result<Value, Stop>) -> String {
    match end {
        Ok(output) => short(output),
        Err(Stop::Failed(failure)) => format!("`{}`", failure.error),
        Err(Stop::Refused { state, reason }) => format!("state `{state}`: {reason}"),
        Err(Stop::OutOfSteps) => "no end".to_owned(),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(160).collect();
    if cut == text { format!("`{text}`") } else { format!("`{cut}…`") }
}
