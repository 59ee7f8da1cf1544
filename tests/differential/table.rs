//! What a run came to, counted and told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::Case;
use crate::classes::Classes;
use crate::verifiers::NAMES;

/// How many examples of a fault are told.
const EXAMPLES: usize = 10;

/// Counts per verifier, in the order of their names.
type Counts = [usize; NAMES.len()];

/// The counts of a run, and its faults.
#[derive(Default)]
pub struct Tally {
    pub tokens: usize,
    pub accepted: usize,
    accepted_by: Counts,
    rejections: BTreeMap<String, usize>,
    disagreements: BTreeMap<String, Counts>,
    examples: BTreeMap<String, String>,
    /// Accepted here and rejected there.
    pub violations: Vec<String>,
    violation_count: usize,
}

impl Tally {
    /// Counts a case with the verdict of each verifier.
    pub fn add(&mut self, case: &Case, verdicts: [bool; NAMES.len()], classes: &Classes) {
        self.tokens += 1;
        for (count, accepted) in self.accepted_by.iter_mut().zip(verdicts) {
            *count += usize::from(accepted);
        }
        match &case.rejection {
            None => {
                self.accepted += 1;
                let knows = |verifier| classes.knows(verifier, case.algorithm);
                let against =
                    NAMES.into_iter().zip(verdicts).filter(|(verifier, accepted)| !accepted && knows(verifier));
                let against: Vec<&str> = against.map(|(verifier, _)| verifier).collect();
                if !against.is_empty() {
                    self.violation_count += 1;
                    if self.violations.len() < EXAMPLES {
                        self.violations.push(format!("{} rejects {}", against.join(", "), case.recipe));
                    }
                }
            }
            Some(rejection) => {
                *self.rejections.entry(rejection.clone()).or_default() += 1;
                if verdicts.contains(&true) {
                    let counts = self.disagreements.entry(rejection.clone()).or_default();
                    for (count, accepted) in counts.iter_mut().zip(verdicts) {
                        *count += usize::from(accepted);
                    }
                    self.examples.entry(rejection.clone()).or_insert_with(|| case.recipe.clone());
                }
            }
        }
    }

    /// Rejections that others accept and no class names, with an example of each.
    pub fn unclassified(&self, classes: &Classes) -> Vec<String> {
        let unnamed = self.disagreements.iter().filter(|(rejection, _)| classes.of(rejection).is_none());
        unnamed.map(|(rejection, counts)| format!("`{rejection}` {counts:?}: {}", self.examples[rejection])).collect()
    }

    /// Rejections that a class names and that no verifier accepted.
    pub fn unused(&self, classes: &Classes) -> Vec<String> {
        classes.rejections().filter(|rejection| !self.disagreements.contains_key(*rejection)).cloned().collect()
    }

    /// The table: totals, then disagreements by class and verifier.
    pub fn told(&self, seed: u64, classes: &Classes) -> String {
        let mut by_class: BTreeMap<&str, Counts> = BTreeMap::new();
        for (rejection, counts) in &self.disagreements {
            let sum = by_class.entry(classes.of(rejection).unwrap_or("(unclassified)")).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        let mut table = String::new();
        let rejected = self.tokens - self.accepted;
        let _ = writeln!(table, "differential test, seed {seed}");
        let _ = writeln!(
            table,
            "tokens {}, accepted {}, rejected {rejected} for {} causes",
            self.tokens,
            self.accepted,
            self.rejections.len()
        );
        let _ = writeln!(table, "accepted here, rejected by a verifier: {}", self.violation_count);
        let _ = writeln!(table, "rejected here, accepted by a verifier, by class:");
        let row = |name: &str, counts: &[String; NAMES.len()]| {
            let cells: String = counts.iter().map(|cell| format!("{cell:>16}")).collect();
            format!("  {name:<28}{cells}\n")
        };
        table.push_str(&row("", &NAMES.map(str::to_owned)));
        for (class, counts) in &by_class {
            table.push_str(&row(class, &counts.map(|count| count.to_string())));
        }
        table.push_str(&row("all that it accepts", &self.accepted_by.map(|count| count.to_string())));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rejection: Option<&str>, algorithm: &'static str, verdicts: [bool; NAMES.len()]) -> Tally {
        let rejection = rejection.map(str::to_owned);
        let case = Case { line: String::new(), recipe: "case 0: plain".to_owned(), algorithm, rejection };
        let mut tally = Tally::default();
        tally.add(&case, verdicts, &Classes::read());
        tally
    }

    #[test]
    fn token_that_is_accepted_here_alone_is_a_violation_and_told_by_its_recipe() {
        assert_eq!(tally(None, "ES256", [true, true, false, true]).violations, ["jose rejects case 0: plain"]);
        assert_eq!(tally(None, "ES256", [true; NAMES.len()]).violations, Vec::<String>::new());
    }

    #[test]
    fn verifier_may_reject_the_algorithm_that_it_does_not_know_and_no_other() {
        assert_eq!(tally(None, "PS256", [true, true, true, false]).violations, Vec::<String>::new());
        assert_eq!(
            tally(None, "RS256", [true, true, true, false]).violations,
            ["aws-jwt-verify rejects case 0: plain"]
        );
        assert_eq!(tally(None, "PS256", [false, true, true, false]).violations, ["pyjwt rejects case 0: plain"]);
    }

    #[test]
    fn rejection_that_another_does_not_share_needs_a_class() {
        let classes = Classes::read();
        let unclassified = |rejection, verdicts| tally(Some(rejection), "ES256", verdicts).unclassified(&classes);
        let told = ["`bad_signature` [0, 1, 0, 0]: case 0: plain"];
        assert_eq!(unclassified("bad_signature", [false, true, false, false]), told);
        assert_eq!(unclassified("bad_signature", [false; NAMES.len()]), Vec::<String>::new());
        assert_eq!(unclassified("forbidden_client", [true; NAMES.len()]), Vec::<String>::new());
    }
}
