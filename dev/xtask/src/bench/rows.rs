//! Rows: a ratio each, to a baseline of the same run.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cache;
use crate::failure::{Failure, OrFailure};

/// What was measured, as a ratio to a baseline; lower is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The group and what of it, such as `verify/rs256-2048`.
    pub name: String,
    /// The ratio to the baseline.
    pub ratio: f64,
    /// How far the ratio strays from run to run.
    pub noise: f64,
    /// What it is a ratio to.
    pub baseline: String,
    /// Where the ratio holds.
    #[serde(default)]
    pub holds: Holds,
    /// What the ratio is made of, for people.
    #[serde(default, skip_serializing)]
    pub detail: String,
    /// The ratio that is promised.
    #[serde(default, skip_serializing)]
    pub goal: Option<f64>,
}

/// Where a ratio holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// On another host as well: counts, and times of which the processor moves both parts alike.
    Anywhere,
    /// On the host where it was measured: how fast its processor checks signatures, or its kernel starts processes, moves it.
    #[default]
    Here,
}

/// The rows of a run, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// The rows of a file that [`Rows::write`] wrote.
    ///
    /// # Errors
    /// It cannot be read or is no array of rows.
    pub fn read(path: &Path) -> Result<Rows, Failure> {
        let remedy = "write one with `cargo xtask bench --json FILE`";
        let activity = || format!("read {}", path.display());
        let text = fs::read(path).or_failure(activity(), remedy)?;
        serde_json::from_slice(&text).map(Rows).or_failure(activity(), remedy)
    }

    /// Writes the rows as an array of name, ratio, noise, baseline and where it holds, one row a line.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let activity = || format!("write {}", path.display());
        let lines: Result<Vec<String>, _> = self.0.iter().map(|row| serde_json::to_string(&row.rounded())).collect();
        let lines = lines.or_failure(activity(), "run it again")?;
        let text = format!("[\n  {}\n]\n", lines.join(",\n  "));
        if let Some(directory) = path.parent() {
            cache::make(directory)?;
        }
        fs::write(path, text).or_failure(activity(), "see that the directory can be written")
    }

    /// Adds rows.
    pub fn extend(&mut self, rows: Vec<Row>) {
        self.0.extend(rows);
    }

    /// One line for each row that is worse than the row of its name by more than that one's noise, and for each that no
    /// row of the baseline is for. Rows that hold on their host alone are told and not looked at, nor are groups that were not
    /// measured.
    pub fn worse_than(&self, baseline: &Rows) -> Vec<String> {
        let mut worse = Vec::new();
        for row in self.0.iter().filter(|row| row.holds == Holds::Anywhere) {
            match baseline.0.iter().find(|known| known.name == row.name) {
                None => worse.push(format!("{}: the baseline has no such row", row.name)),
                // A ratio that is no number is worse than any: it stands behind all in the total order.
                Some(known) if row.ratio.total_cmp(&(known.ratio + known.noise)).is_gt() => worse.push(format!(
                    "{}: {:.3}, expected at most {:.3} (+ {:.3}) × {}",
                    row.name, row.ratio, known.ratio, known.noise, known.baseline
                )),
                Some(_) => {}
            }
        }
        worse
    }
}

impl Holds {
    fn name(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::Here => "here",
        }
    }
}

impl Row {
    /// With as many digits as mean something. Noise is rounded up: a row without any could never be met again.
    fn rounded(&self) -> Row {
        Row { ratio: (self.ratio * 1e4).round() / 1e4, noise: (self.noise * 1e4).ceil() / 1e4, ..self.clone() }
    }

    fn goal_told(&self) -> String {
        match self.goal {
            Some(goal) if self.ratio <= goal => format!("✔ ≤ {goal:.2}"),
            Some(goal) => format!("✘ ≤ {goal:.2}"),
            None => String::new(),
        }
    }
}

impl fmt::Display for Rows {
    /// One table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> &str, least: usize| {
            self.0.iter().map(|row| of(row).chars().count()).max().unwrap_or_default().max(least)
        };
        let (name, baseline) = (width(|row| &row.name, 4), width(|row| &row.baseline, 10));
        writeln!(
            f,
            "{:name$}  {:>8}  {:>7}  {:8}  {:9}  {:baseline$}  measured",
            "what", "ratio", "± noise", "holds", "goal", "× baseline"
        )?;
        for row in &self.0 {
            writeln!(
                f,
                "{:name$}  {:>8.3}  {:>7.3}  {:8}  {:9}  {:baseline$}  {}",
                row.name,
                row.ratio,
                row.noise,
                row.holds.name(),
                row.goal_told(),
                row.baseline,
                row.detail
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ratio: f64) -> Row {
        let baseline = "bare aws-lc-rs signature".to_owned();
        let holds = Holds::Anywhere;
        Row { name: name.to_owned(), ratio, noise: 0.02, baseline, holds, detail: String::new(), goal: None }
    }

    #[test]
    fn a_ratio_is_worse_only_beyond_the_baselines_noise() {
        let baseline = Rows(vec![row("verify/rs256-2048", 1.18), row("verify/es256", 1.05)]);
        let check = |ratio, expected: &[&str]| {
            assert_eq!(Rows(vec![row("verify/rs256-2048", ratio)]).worse_than(&baseline), expected, "{ratio}");
        };
        check(0.9, &[]);
        check(1.199, &[]);
        check(1.25, &["verify/rs256-2048: 1.250, expected at most 1.180 (+ 0.020) × bare aws-lc-rs signature"]);
        check(f64::NAN, &["verify/rs256-2048: NaN, expected at most 1.180 (+ 0.020) × bare aws-lc-rs signature"]);
        let here = Rows(vec![Row { holds: Holds::Here, ..row("verify/rs256-2048", 9.0) }]);
        assert_eq!(here.worse_than(&baseline), [""; 0], "another processor's");
        let unknown = Rows(vec![row("verify/new", 1.0)]).worse_than(&baseline);
        assert_eq!(unknown, ["verify/new: the baseline has no such row"]);
    }

    #[test]
    fn a_file_of_rows_is_read_as_it_was_written_and_holds_five_members() {
        let path = std::env::temp_dir().join(format!("xtask-rows-{}.json", std::process::id()));
        let told =
            Row { detail: "31 µs ÷ 26 µs".to_owned(), goal: Some(1.2), ..row("verify/rs256-2048", 1.180_049) };
        Rows(vec![told, row("verify/es256", 1.05)]).write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().nth(1),
            Some(
                r#"  {"name":"verify/rs256-2048","ratio":1.18,"noise":0.02,"baseline":"bare aws-lc-rs signature","holds":"anywhere"},"#
            )
        );
        assert_eq!(Rows::read(&path).unwrap(), Rows(vec![row("verify/rs256-2048", 1.18), row("verify/es256", 1.05)]));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_table_says_whether_a_goal_is_met() {
        let met = Row { goal: Some(1.2), ..row("a", 1.2) };
        let missed = Row { goal: Some(1.2), ..row("b", 1.3) };
        assert_eq!((met.goal_told(), missed.goal_told()), ("✔ ≤ 1.20".to_owned(), "✘ ≤ 1.20".to_owned()));
    }
}
