//! Invocations of processes that run: half of them are answered within the p50, all but a hundredth within the p99.

use bench::{Row, Sample};

use crate::fixture::budget;
use crate::functions::{Function, Process, World};

/// Of each function; in chunks taken in turn.
const INVOCATIONS: usize = 10_000;
const CHUNKS: usize = 20;
/// Before the first that counts.
const WARM_UP: usize = 200;

pub fn run() {
    let world = World::new();
    let mut functions = world.functions();
    functions.retain(|function| !["key-publisher", "revalidation"].contains(&function.name));
    let processes: Vec<Process> = functions.iter().map(Function::start).collect();
    for (function, process) in functions.iter().zip(&processes) {
        function.answers(process, WARM_UP).iter().for_each(|answer| function.expect(answer));
    }
    // A short run for a look has fewer.
    let share = (budget().as_secs_f64() / 4.0).min(1.0);
    let chunk = ((INVOCATIONS / CHUNKS) as f64 * share).ceil() as usize;
    let mut samples: Vec<Vec<f64>> = functions.iter().map(|_| Vec::new()).collect();
    let mut chunks: Vec<Vec<(f64, f64)>> = functions.iter().map(|_| Vec::new()).collect();
    for _ in 0..CHUNKS {
        for (index, function) in functions.iter().enumerate() {
            let answers = function.answers(&processes[index], chunk);
            function.expect(&answers[0]);
            let times: Vec<f64> = answers.iter().map(|answer| answer.took.as_secs_f64()).collect();
            let sample = Sample::new("", times.clone());
            chunks[index].push((sample.quantile(0.5), sample.quantile(0.99)));
            samples[index].extend(times);
        }
    }
    for (index, function) in functions.iter().enumerate() {
        let at = |quantile: fn(&(f64, f64)) -> f64, index: usize| {
            Sample::new(functions[index].name, chunks[index].iter().map(quantile).collect())
        };
        let whole = Sample::new(function.name, samples[index].clone());
        for (name, share, quantile) in
            [("p50", 0.5, (|both| both.0) as fn(&(f64, f64)) -> f64), ("p99", 0.99, |both| both.1)]
        {
            Row::of(format!("warm-invoke/{}/{name}", function.name), &at(quantile, index), &at(quantile, 0))
                .detailed(format!("{:.0} µs", whole.quantile(share) * 1e6))
                .print();
        }
    }
}
