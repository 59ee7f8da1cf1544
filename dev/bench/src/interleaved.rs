//! Times taken in turn: each subject once in every round, so that whatever else the machine does falls on all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one subject is timed within a round. Shorter than a scheduler's time slice, longer than the clock's error.
const SLICE: Duration = Duration::from_micros(400);
/// Rounds before the first that counts.
const WARM_UP: usize = 20;
/// How many blocks the rounds are cut into to see how far their medians stand apart.
const BLOCKS: usize = 8;

/// Something that is timed.
pub struct Subject<'a> {
    name: String,
    call: Box<dyn FnMut() + 'a>,
}

impl<'a> Subject<'a> {
    /// A call under a name. What it returns is kept from the optimizer.
    pub fn new<T>(name: impl Into<String>, mut call: impl FnMut() -> T + 'a) -> Self {
        let call = move || {
            black_box(call());
        };
        Self { name: name.into(), call: Box::new(call) }
    }

    fn time(&mut self, calls: u32) -> f64 {
        let begin = Instant::now();
        for _ in 0..calls {
            (self.call)();
        }
        begin.elapsed().as_secs_f64() / f64::from(calls)
    }
}

/// What one subject took: seconds a call, round by round.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The subject's name.
    pub name: String,
    seconds: Vec<f64>,
}

impl Sample {
    /// A sample of times that were taken otherwise; one of each round.
    pub fn new(name: impl Into<String>, seconds: Vec<f64>) -> Self {
        Self { name: name.into(), seconds }
    }

    /// The median, in seconds.
    pub fn median(&self) -> f64 {
        median(&self.seconds)
    }

    /// The value that a share of the times is below.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.seconds, share)
    }

    /// The median of the rounds' ratios to another subject's times.
    pub fn ratio_to(&self, baseline: &Self) -> f64 {
        median(&self.ratios(baseline))
    }

    /// How far the ratio strays: half of what the medians of blocks of rounds span, the least and the greatest left out, since
    /// one block may be another program's doing.
    pub fn noise_to(&self, baseline: &Self) -> f64 {
        let ratios = self.ratios(baseline);
        let block = ratios.len().div_ceil(BLOCKS).max(1);
        let medians: Vec<f64> = ratios.chunks(block).map(median).collect();
        let outermost = 1.0 / (BLOCKS - 1) as f64;
        (quantile(&medians, 1.0 - outermost) - quantile(&medians, outermost)) / 2.0
    }

    fn ratios(&self, baseline: &Self) -> Vec<f64> {
        self.seconds.iter().zip(&baseline.seconds).map(|(own, other)| own / other).collect()
    }
}

/// Times all subjects in turn for about that long; answers a sample for each, in their order.
pub fn interleaved(subjects: &mut [Subject<'_>], budget: Duration) -> Vec<Sample> {
    let calls: Vec<u32> = subjects.iter_mut().map(calls_in_a_slice).collect();
    let mut seconds = vec![Vec::new(); subjects.len()];
    let begin = Instant::now();
    let mut round = 0;
    while round < WARM_UP + BLOCKS || begin.elapsed() < budget {
        for ((subject, calls), seconds) in subjects.iter_mut().zip(&calls).zip(&mut seconds) {
            let time = subject.time(*calls);
            if round >= WARM_UP {
                seconds.push(time);
            }
        }
        round += 1;
    }
    let named = subjects.iter().zip(seconds);
    named.map(|(subject, seconds)| Sample { name: subject.name.clone(), seconds }).collect()
}

fn calls_in_a_slice(subject: &mut Subject<'_>) -> u32 {
    let mut calls = 1;
    loop {
        let whole = subject.time(calls) * f64::from(calls);
        if whole >= SLICE.as_secs_f64() || calls >= 1 << 20 {
            return calls;
        }
        calls *= 2;
    }
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The nearest rank; NaN of nothing.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    // The product stands between 0 and the last index.
    let rank = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_rounds_so_one_bad_round_does_not_move_it() {
        let own = Sample::new("own", vec![2.0, 2.2, 80.0, 2.0, 2.0]);
        let baseline = Sample::new("baseline", vec![1.0, 1.1, 1.0, 1.0, 1.0]);
        assert_eq!((own.ratio_to(&baseline), own.median()), (2.0, 2.0));
    }

    #[test]
    fn noise_is_half_of_what_the_blocks_medians_span() {
        let seconds: Vec<f64> = (0..80).map(|round| if round < 40 { 2.0 } else { 2.5 }).collect();
        let baseline = Sample::new("baseline", vec![1.0; 80]);
        assert_eq!(Sample::new("own", seconds).noise_to(&baseline), 0.25);
        assert_eq!(Sample::new("own", vec![2.0; 80]).noise_to(&baseline), 0.0);
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let sample = Sample::new("own", (1..=101).map(f64::from).collect());
        assert_eq!((sample.quantile(0.0), sample.quantile(0.99), sample.quantile(1.0)), (1.0, 100.0, 101.0));
    }

    #[test]
    fn every_subject_is_called_in_every_round() {
        let mut subjects = [Subject::new("a", || 1), Subject::new("b", || 2)];
        let samples = interleaved(&mut subjects, Duration::ZERO);
        let seen: Vec<(&str, usize)> =
            samples.iter().map(|sample| (sample.name.as_str(), sample.seconds.len())).collect();
        assert_eq!(seen, [("a", BLOCKS), ("b", BLOCKS)]);
    }
}
