//! Invocations of processes that run: half of them are answered within the p50, all but a hundredth within the p99.

use bench::{LEAST_NOISE, Row, Sample};

use crate::fixture::budget;
use crate::functions::{FLOOR, Function, Process, World};

/// Of each function; in chunks taken in turn.
const INVOCATIONS: usize = 10_000;
const CHUNKS: usize = 20;
/// The chunks are dealt to so many blocks, one after the other.
const BLOCKS: usize = 4;
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
    let mut blocks: Vec<[Vec<f64>; BLOCKS]> = functions.iter().map(|_| Default::default()).collect();
    for number in 0..CHUNKS {
        for (index, function) in functions.iter().enumerate() {
            let answers = function.answers(&processes[index], chunk);
            function.expect(&answers[0]);
            blocks[index][number % BLOCKS].extend(answers.iter().map(|answer| answer.took.as_secs_f64()));
        }
    }
    for (function, own) in functions.iter().zip(&blocks) {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            row(format!("warm-invoke/{}/{name}", function.name), share, own, &blocks[0]).print();
        }
    }
}

/// A quantile of all invocations beside the floor's; how far the blocks' ratios stand apart is the noise. No quantile of a
/// chunk is used: a process answers a whole chunk at half the speed when its threads come to lie badly on the cores.
fn row(name: String, share: f64, own: &[Vec<f64>; BLOCKS], floor: &[Vec<f64>; BLOCKS]) -> Row {
    let quantile = |times: Vec<f64>| Sample::new(FLOOR, times).quantile(share);
    let of_blocks = |blocks: &[Vec<f64>; BLOCKS]| Sample::new(FLOOR, blocks.iter().cloned().map(quantile).collect());
    let [whole, whole_floor] = [own, floor].map(|blocks| quantile(blocks.concat()));
    let ratio = whole / whole_floor;
    let noise = of_blocks(own).noise_to(&of_blocks(floor)).max(LEAST_NOISE * ratio);
    Row::timed(name, ratio, noise, FLOOR).detailed(format!("{:.0} µs ÷ {:.0} µs", whole * 1e6, whole_floor * 1e6))
}
