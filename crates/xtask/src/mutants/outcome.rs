//! What became of each mutant, read from the tool's `outcomes.json`, and whether what was missed is explained.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::core::Source;
use crate::failure::{Failure, OrFailure};

const EXPLAINED: &str = "mutants/explained.toml";

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A test failed.
    Caught,
    /// Every test passed.
    Missed,
    /// The tests did not end in time.
    Timeout,
    /// It does not compile.
    Unviable,
}

/// What tells one mutant from another without a line's number, which changes with every edit above it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Path in the repository.
    pub file: String,
    /// What was replaced with what, and in which function.
    pub mutant: String,
    /// The line that was changed.
    pub line: String,
}

impl Name {
    /// The entry of `mutants/explained.toml` that would explain it, but for the reason.
    pub fn entry(&self) -> String {
        let Name { file, mutant, line } = self;
        let quoted = [file, mutant, line].map(|text| toml_string(text));
        let [file, mutant, line] = quoted;
        format!("[[mutant]]\nfile = {file}\nmutant = {mutant}\nline = {line}\nreason = \"\"\n")
    }
}

/// A TOML string: literal where it can be, for what is quoted is code.
fn toml_string(text: &str) -> String {
    if text.contains('\'') || text.chars().any(char::is_control) {
        // The escapes of JSON are also TOML's.
        return serde_json::Value::from(text).to_string();
    }
    format!("'{text}'")
}

/// A mutant and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// Which one.
    pub name: Name,
    /// What became of it.
    pub fate: Fate,
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Described),
}

#[derive(Deserialize)]
struct Described {
    name: String,
    file: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
}

/// The mutants of a run that came to its end.
///
/// # Errors
/// It did not, or what it wrote is not understood.
pub fn read(json: &[u8], core: &[Source]) -> Result<Vec<Mutant>, Failure> {
    let broken = |what: String| Failure::new(what, "read the tool's log");
    let run: Outcomes =
        serde_json::from_slice(json).or_failure("read the mutants' outcomes", "see that the tool has its version")?;
    if run.end_time.is_none() {
        return Err(broken("the mutants' run was broken off".to_owned()));
    }
    let mut mutants = Vec::new();
    for outcome in run.outcomes {
        match (outcome.scenario, outcome.summary.as_str()) {
            (Scenario::Baseline, "Success") => {}
            (Scenario::Baseline, summary) => {
                return Err(broken(format!("the tests of the unchanged core ended with `{summary}`")));
            }
            (Scenario::Mutant(mutant), summary) => {
                let fate = match summary {
                    "CaughtMutant" => Fate::Caught,
                    "MissedMutant" => Fate::Missed,
                    "Timeout" => Fate::Timeout,
                    "Unviable" => Fate::Unviable,
                    unknown => return Err(broken(format!("`{}` ended with `{unknown}`", mutant.name))),
                };
                mutants.push(Mutant { name: named(mutant, core), fate });
            }
        }
    }
    Ok(mutants)
}

fn named(mutant: Described, core: &[Source]) -> Name {
    let source = core.iter().find(|source| source.path == mutant.file);
    // The tool's name is `file:line:column: what`.
    let what = mutant.name.split_once(": ").map_or(mutant.name.as_str(), |(_, what)| what);
    Name {
        mutant: what.to_owned(),
        line: source.map(|source| source.line(mutant.span.start.line)).unwrap_or_default().to_owned(),
        file: mutant.file,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explained {
    #[serde(default)]
    mutant: Vec<Explanation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    file: String,
    mutant: String,
    line: String,
    reason: String,
}

/// The mutants that `mutants/explained.toml` explains, one for each entry.
///
/// # Errors
/// It cannot be read, or an entry has no reason.
pub fn explained(repository: &Path) -> Result<Vec<Name>, Failure> {
    let remedy = "correct mutants/explained.toml";
    let text = fs::read_to_string(repository.join(EXPLAINED)).or_failure(format!("read {EXPLAINED}"), remedy)?;
    let explained: Explained = toml::from_str(&text).or_failure(format!("read {EXPLAINED}"), remedy)?;
    explained
        .mutant
        .into_iter()
        .map(|Explanation { file, mutant, line, reason }| {
            if reason.trim().is_empty() {
                return Err(Failure::new(format!("{EXPLAINED}: `{mutant}` has no reason"), remedy));
            }
            Ok(Name { file, mutant, line })
        })
        .collect()
}

/// Where mutants and explanations do not agree.
#[derive(Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Missed, or not decided in time, and without an explanation.
    pub unexplained: Vec<Name>,
    /// Explained, but caught or no longer there.
    pub needless: Vec<Name>,
}

impl Disagreement {
    /// Compares one by one: two mutants that read alike need two explanations.
    pub fn between(mutants: &[Mutant], explained: &[Name]) -> Disagreement {
        let mut left: BTreeMap<&Name, usize> = BTreeMap::new();
        for name in explained {
            *left.entry(name).or_default() += 1;
        }
        let mut unexplained = Vec::new();
        for mutant in mutants.iter().filter(|mutant| matches!(mutant.fate, Fate::Missed | Fate::Timeout)) {
            match left.get_mut(&mutant.name) {
                Some(count) if *count > 0 => *count -= 1,
                Some(_) | None => unexplained.push(mutant.name.clone()),
            }
        }
        let needless = left.into_iter().flat_map(|(name, count)| std::iter::repeat_n(name.clone(), count)).collect();
        Disagreement { unexplained, needless }
    }

    /// Whether they agree.
    pub fn is_none(&self) -> bool {
        self.unexplained.is_empty() && self.needless.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/claim-guard/src/decision/mod.rs";

    fn name(mutant: &str) -> Name {
        Name { file: FILE.to_owned(), mutant: mutant.to_owned(), line: "if now < then {".to_owned() }
    }

    fn mutant(text: &str, fate: Fate) -> Mutant {
        Mutant { name: name(text), fate }
    }

    fn run(baseline: &str, end_time: &str) -> String {
        format!(
            r#"{{"outcomes": [
                {{"scenario": "Baseline", "summary": "{baseline}"}},
                {{"scenario": {{"Mutant": {{"name": "{FILE}:2:9: replace < with <= in late", "file": "{FILE}",
                   "span": {{"start": {{"line": 2, "column": 9}}}}, "replacement": "<="}}}}, "summary": "MissedMutant"}}
            ], "end_time": {end_time}}}"#
        )
    }

    #[test]
    fn a_mutant_is_named_by_its_line_and_not_by_the_line_s_number() {
        let core = [Source { path: FILE.to_owned(), text: "fn late() {\n    if now < then {\n".to_owned() }];
        assert_eq!(
            read(run("Success", "\"2026-01-01T00:00:00Z\"").as_bytes(), &core),
            Ok(vec![mutant("replace < with <= in late", Fate::Missed)])
        );
    }

    #[test]
    fn a_run_that_was_broken_off_or_began_with_failing_tests_says_nothing() {
        let remedy = "read the tool's log";
        assert_eq!(
            read(run("Success", "null").as_bytes(), &[]),
            Err(Failure::new("the mutants' run was broken off", remedy))
        );
        assert_eq!(
            read(run("Failure", "\"2026-01-01T00:00:00Z\"").as_bytes(), &[]),
            Err(Failure::new("the tests of the unchanged core ended with `Failure`", remedy))
        );
    }

    #[test]
    fn every_missed_mutant_needs_an_explanation_of_its_own() {
        let mutants = [
            mutant("a", Fate::Caught),
            mutant("b", Fate::Missed),
            mutant("b", Fate::Missed),
            mutant("c", Fate::Timeout),
            mutant("d", Fate::Unviable),
        ];
        assert_eq!(
            Disagreement::between(&mutants, &[name("b"), name("c")]),
            Disagreement { unexplained: vec![name("b")], needless: Vec::new() }
        );
    }

    #[test]
    fn an_explanation_of_what_is_caught_or_gone_is_needless() {
        assert_eq!(
            Disagreement::between(&[mutant("a", Fate::Caught)], &[name("a"), name("gone")]),
            Disagreement { unexplained: Vec::new(), needless: vec![name("a"), name("gone")] }
        );
    }

    #[test]
    fn a_printed_entry_reads_back_as_the_mutant_that_it_explains() {
        for line in ["plain", "let c = 'c';", r#"text == "\u{1}" {"#] {
            let name = Name { line: line.to_owned(), ..name("replace \"x\" with String::new()") };
            let entry = name.entry().replace("reason = \"\"", "reason = \"it is equivalent\"");
            let read: Explained = toml::from_str(&entry).unwrap();
            let read: Vec<Name> =
                read.mutant.into_iter().map(|e| Name { file: e.file, mutant: e.mutant, line: e.line }).collect();
            assert_eq!(read, [name]);
        }
    }
}
