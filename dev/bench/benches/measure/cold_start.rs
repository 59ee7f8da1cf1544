//! Process start → first answer of every function, beside the floor: exec, initialisation, first invocation.

use bench::{HOSTS, Row, Sample};

use crate::fixture::budget;
use crate::functions::{FLOOR, Function, World};

/// The ratio that is promised.
const GOALS: [(&str, f64); 4] =
    [("screen-payment", 1.5), ("approve-payment", 1.5), ("execute-payment", 1.5), (FETCHING, 2.0)];
/// The function that has to fetch keys before its first answer. Twice its baseline is twice the floor and one fetch.
const FETCHING: &str = "authorizer";
/// What a stripped program of these may have, in bytes.
const SIZE_GOAL: f64 = 6e6;

/// The parts of a start, in seconds.
struct Start {
    exec: f64,
    init: f64,
    first_invoke: f64,
    peak: u64,
}

impl Start {
    fn total(&self) -> f64 {
        self.exec + self.init + self.first_invoke
    }
}

pub fn run() {
    let world = World::new();
    let functions = world.functions();
    assert_eq!(functions.first().map(|function| function.name), Some(FLOOR), "the floor is not built");
    // A process lives for some ten milliseconds, so a second of budget buys ten rounds.
    let rounds = (budget().as_secs_f64() * 10.0).clamp(5.0, 200.0) as usize;
    let mut starts: Vec<Vec<Start>> = functions.iter().map(|_| Vec::new()).collect();
    let mut fetches = Vec::new();
    for _ in 0..rounds {
        fetches.push(world.fetch_keys().as_secs_f64());
        for (function, starts) in functions.iter().zip(&mut starts) {
            starts.push(start(function));
        }
    }
    let floor = Summary::of(&functions[0], &starts[0]);
    let fetch = Sample::new("fetch", fetches.clone());
    Row::of("cold-start/key-set-fetch", &fetch, &floor.total).print();
    let with_fetch: Vec<f64> =
        starts[0].iter().zip(&fetches).map(|(start, fetch)| start.total() + fetch / 2.0).collect();
    let with_fetch = Sample::new("echo + half a fetch of keys", with_fetch);
    for (function, starts) in functions.iter().zip(&starts) {
        let baseline = if function.name == FETCHING { &with_fetch } else { &floor.total };
        Summary::of(function, starts).print(&floor, baseline);
    }
}

fn start(function: &Function) -> Start {
    let process = function.start();
    let answer = process.api.answers(1).remove(0);
    function.expect(&answer);
    let asked = process.api.first_asked();
    Start {
        exec: process.exec.as_secs_f64(),
        init: (asked - process.began).saturating_sub(process.exec).as_secs_f64(),
        first_invoke: (answer.at - asked).as_secs_f64(),
        peak: process.peak_memory().unwrap_or_default(),
    }
}

struct Summary {
    name: &'static str,
    total: Sample,
    exec: Sample,
    init: Sample,
    first_invoke: Sample,
    peak: u64,
    size: u64,
}

impl Summary {
    fn of(function: &Function, starts: &[Start]) -> Self {
        let of = |part: fn(&Start) -> f64| Sample::new(function.name, starts.iter().map(part).collect());
        Self {
            name: function.name,
            total: of(Start::total),
            exec: of(|start| start.exec),
            init: of(|start| start.init),
            first_invoke: of(|start| start.first_invoke),
            peak: starts.iter().map(|start| start.peak).max().unwrap_or_default(),
            size: std::fs::metadata(function.binary()).unwrap().len(),
        }
    }

    fn print(&self, floor: &Self, baseline: &Sample) {
        let name = self.name;
        let milliseconds = |sample: &Sample| format!("{:.2}", sample.median() * 1e3);
        let parts = format!(
            "{} ms: exec {} + init {} + first invoke {}",
            milliseconds(&self.total),
            milliseconds(&self.exec),
            milliseconds(&self.init),
            milliseconds(&self.first_invoke)
        );
        let mut row = Row::of(format!("cold-start/{name}"), &self.total, baseline).detailed(parts);
        let goal = GOALS.iter().find(|(known, _)| *known == name).map(|(_, goal)| *goal);
        if let Some(goal) = goal {
            row = row.with_goal(goal);
        }
        row.print();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let size_ratio = self.size as f64 / floor.size as f64;
        let mut size = Row::counted(format!("cold-start/{name}/binary-size"), size_ratio, 0.02 * size_ratio, FLOOR)
            .detailed(format!("{:.2} MB", megabytes(self.size)));
        if goal.is_some() {
            size = size.with_goal(SIZE_GOAL / floor.size as f64);
        }
        size.print();
        let peak_ratio = self.peak as f64 / floor.peak as f64;
        Row::counted(format!("cold-start/{name}/peak-memory"), peak_ratio, HOSTS * peak_ratio, FLOOR)
            .detailed(format!("{:.2} MB", megabytes(self.peak)))
            .print();
    }
}
