//! One row of the table.

use std::io::Write as _;

use serde_json::json;

use crate::interleaved::Sample;

/// The least noise that a row of times tells, as a share of its ratio: two runs of one program differ by where its code and
/// data come to lie.
pub const LEAST_NOISE: f64 = 0.02;

/// What was measured, as a ratio to a baseline of the same run. Lower is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    name: String,
    ratio: f64,
    noise: f64,
    baseline: String,
    detail: String,
    goal: Option<f64>,
}

impl Row {
    /// What `own` took beside what `baseline` took.
    pub fn of(name: impl Into<String>, own: &Sample, baseline: &Sample) -> Self {
        let ratio = own.ratio_to(baseline);
        Self {
            name: name.into(),
            ratio,
            noise: own.noise_to(baseline).max(LEAST_NOISE * ratio),
            baseline: baseline.name.clone(),
            detail: format!("{} ÷ {}", duration(own.median()), duration(baseline.median())),
            goal: None,
        }
    }

    /// A ratio that was not made of the times of rounds.
    pub fn counted(name: impl Into<String>, ratio: f64, noise: f64, baseline: impl Into<String>) -> Self {
        Self { name: name.into(), ratio, noise, baseline: baseline.into(), detail: String::new(), goal: None }
    }

    /// The same row with what it is made of, for people.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same row with the ratio that it may have at most.
    #[must_use]
    pub fn with_goal(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Prints the row as one line of JSON on standard output, where `cargo xtask bench` reads it.
    pub fn print(&self) {
        let line = json!({
            "name": self.name,
            "ratio": self.ratio,
            "noise": self.noise,
            "baseline": self.baseline,
            "detail": self.detail,
            "goal": self.goal,
        });
        // A reader that has gone away has stopped the run.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 1e-3 { format!("{:.2} µs", seconds * 1e6) } else { format!("{:.2} ms", seconds * 1e3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_times_has_some_noise_even_if_none_was_seen() {
        let (own, baseline) = (Sample::new("own", vec![3e-5; 8]), Sample::new("floor", vec![2e-5; 8]));
        let expected = Row::counted("verify/x", 1.5, 0.03, "floor").detailed("30.00 µs ÷ 20.00 µs");
        let row = Row::of("verify/x", &own, &baseline);
        assert_eq!((row.name, row.baseline, row.detail), (expected.name, expected.baseline, expected.detail));
        assert!((row.ratio - 1.5).abs() < 1e-9 && (row.noise - 0.03).abs() < 1e-9);
    }
}
