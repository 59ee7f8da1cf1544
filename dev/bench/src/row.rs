//! One row of the table.

use std::io::Write as _;

use serde_json::json;

use crate::interleaved::Sample;

/// The least noise that a row of times tells, as a share of its ratio: two runs of one program differ by where its code and
/// data come to lie.
pub const LEAST_NOISE: f64 = 0.02;

/// How far a ratio of times strays from host to host, as a share, where a processor's speed moves both of its parts alike.
pub const HOSTS: f64 = 0.1;

/// Where a ratio holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// On another host as well, so that `--check` looks at it.
    Anywhere,
    /// On the host where it was measured: how fast its processor checks signatures, or its kernel starts processes, moves it.
    Here,
}

impl Holds {
    fn name(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::Here => "here",
        }
    }
}

/// What was measured, as a ratio to a baseline of the same run. Lower is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    name: String,
    ratio: f64,
    noise: f64,
    baseline: String,
    holds: Holds,
    detail: String,
    goal: Option<f64>,
}

impl Row {
    /// What `own` took beside what `baseline` took, on this host.
    pub fn of(name: impl Into<String>, own: &Sample, baseline: &Sample) -> Self {
        let ratio = own.ratio_to(baseline);
        Self {
            name: name.into(),
            ratio,
            noise: own.noise_to(baseline).max(LEAST_NOISE * ratio),
            baseline: baseline.name.clone(),
            holds: Holds::Here,
            detail: format!("{} ÷ {}", duration(own.median()), duration(baseline.median())),
            goal: None,
        }
    }

    /// A ratio of what was counted, which is the same on any host.
    pub fn counted(name: impl Into<String>, ratio: f64, noise: f64, baseline: impl Into<String>) -> Self {
        let (baseline, holds) = (baseline.into(), Holds::Anywhere);
        Self { name: name.into(), ratio, noise, baseline, holds, detail: String::new(), goal: None }
    }

    /// A ratio of times that are not of rounds, on this host.
    pub fn timed(name: impl Into<String>, ratio: f64, noise: f64, baseline: impl Into<String>) -> Self {
        Self { holds: Holds::Here, ..Self::counted(name, ratio, noise, baseline) }
    }

    /// The same row, whose ratio also holds on another host, give or take that share of it.
    #[must_use]
    pub fn held_anywhere_within(mut self, share: f64) -> Self {
        self.noise = self.noise.max(share * self.ratio);
        self.holds = Holds::Anywhere;
        self
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
            "holds": self.holds.name(),
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

    #[test]
    fn a_ratio_of_times_is_of_this_host_unless_it_is_said_to_hold_anywhere() {
        let sample = Sample::new("s", vec![3e-5; 8]);
        let times = Row::of("a", &sample, &sample);
        assert_eq!((times.holds, Row::timed("a", 1.0, 0.0, "b").holds), (Holds::Here, Holds::Here));
        assert_eq!(Row::counted("a", 1.0, 0.0, "b").holds, Holds::Anywhere);
        let held = times.held_anywhere_within(HOSTS);
        assert_eq!((held.holds, held.noise), (Holds::Anywhere, 0.1));
    }
}
