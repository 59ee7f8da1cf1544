//! docs/attacks.md gives the ids in test names their meaning: rows and tests name each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use crate::{cache, test_names};

const HEAD: [&str; 2] = ["| id | attack | answer | held by |", "|---|---|---|---|"];
const DOES_NOT_APPLY: &str = "does not apply: ";

/// `G21`: the letter of what is attacked, and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    group: char,
    number: u32,
}

impl Id {
    fn parse(text: &str) -> Option<Id> {
        let group = text.chars().next().filter(char::is_ascii_uppercase)?;
        let digits = text.strip_prefix(group).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Id { group, number: digits.parse().ok()? })
    }

    /// The ids that a test's name begins with: `a1_…`, or `a1_a2_…` for several.
    fn of_test(name: &str) -> impl Iterator<Item = Id> {
        name.split('_').map_while(|word| Id::parse(&word.to_ascii_uppercase()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.group, self.number)
    }
}

struct Row<'a> {
    /// The letter in the heading above it.
    group: Option<char>,
    id: Id,
    attack: &'a str,
    answer: &'a str,
    held_by: BTreeSet<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(group: Option<char>, line: &'a str) -> Result<Row<'a>, String> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, attack, answer, held_by] = cells[..] else { return Err(format!("four cells are expected: {line}")) };
        let id = Id::parse(id).ok_or_else(|| format!("`{id}` is no id"))?;
        Ok(Row { group, id, attack, answer, held_by: in_backticks(held_by).collect() })
    }

    /// What is wrong with the row by itself.
    fn faults(&self, ships: &impl Fn(&str) -> bool) -> Vec<String> {
        let id = self.id;
        let mut faults = Vec::new();
        if self.group != Some(id.group) {
            faults.push(format!("{id} stands under the heading of another group"));
        }
        if self.attack.is_empty() || self.answer.trim_start_matches(DOES_NOT_APPLY.trim_end()).is_empty() {
            faults.push(format!("{id} lacks the attack or the answer"));
        }
        let unknown = in_backticks(self.answer).filter(|code| is_code(code) && !ships(code));
        faults.extend(unknown.map(|code| format!("{id} is answered by `{code}`, which no source knows")));
        faults
    }

    /// Where the row and the tests of its id do not name each other.
    fn apart(&self, all: &BTreeSet<String>, of_id: &BTreeSet<&str>) -> Vec<String> {
        let id = self.id;
        let gone = self.held_by.iter().filter(|test| !all.contains(**test));
        let mut faults: Vec<String> = gone.map(|test| format!("{id} names `{test}`, which does not exist")).collect();
        if self.answer.starts_with(DOES_NOT_APPLY) {
            faults.extend(of_id.iter().map(|test| format!("{id} does not apply, and `{test}` tests it")));
        } else if of_id.is_empty() {
            faults.push(format!("{id} has neither a test nor a reason"));
        } else {
            let foreign = self.held_by.difference(of_id).filter(|test| all.contains(**test));
            faults.extend(foreign.map(|test| format!("{id} names `{test}`, which does not begin with the id")));
            faults.extend(of_id.difference(&self.held_by).map(|test| format!("{id} does not name `{test}`")));
        }
        faults
    }
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a text in backticks is the name of an answer, such as `too_long` or `ClaimGuard.Denied`.
fn is_code(text: &str) -> bool {
    let snake_case = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.starts_with("ClaimGuard.") || text.bytes().all(snake_case)
}

/// The rows of all tables, and the lines that are none.
fn rows(document: &str) -> Vec<Result<Row<'_>, String>> {
    let mut group = None;
    let mut rows = Vec::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            group = heading.split_once(". ").and_then(|(letter, _)| letter.parse().ok());
        } else if line.starts_with('|') && !HEAD.contains(&line) {
            rows.push(Row::parse(group, line));
        }
    }
    rows
}

/// Everything that keeps the document and the tests apart.
fn faults(document: &str, tests: &BTreeSet<String>, ships: impl Fn(&str) -> bool) -> Vec<String> {
    let mut tested: BTreeMap<Id, BTreeSet<&str>> = BTreeMap::new();
    for test in tests {
        for id in Id::of_test(test) {
            tested.entry(id).or_default().insert(test);
        }
    }
    let mut faults = Vec::new();
    let mut before = None;
    for row in rows(document) {
        match row {
            Ok(row) => {
                if let Some(before) = before.filter(|before| *before >= row.id) {
                    faults.push(format!("{} comes after {before}", row.id));
                }
                faults.extend(row.faults(&ships));
                faults.extend(row.apart(tests, &tested.remove(&row.id).unwrap_or_default()));
                before = Some(row.id);
            }
            Err(fault) => faults.push(fault),
        }
    }
    let without_row = tested.into_iter().flat_map(|(id, tests)| tests.into_iter().map(move |test| (id, test)));
    faults.extend(without_row.map(|(id, test)| format!("{id} has no row, and `{test}` tests it")));
    faults
}

#[test]
fn every_attack_names_its_tests_and_every_id_has_its_row() {
    let repository = cache::repository();
    let document = fs::read_to_string(repository.join("docs/attacks.md")).unwrap();
    let packages = fs::read_dir(repository.join("crates")).unwrap();
    let shipped: String = packages
        .flat_map(|package| test_names::sources(&package.unwrap().path().join("src")))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let ships = |code: &str| shipped.contains(&format!("\"{code}\""));
    assert_eq!(faults(&document, &test_names::of_the_workspace(), ships), Vec::<String>::new());
}

/// Two rows, one with a test and one without, and what is wrong once a line is another and these are the tests.
#[track_caller]
fn check(from: &str, to: &str, tests: &[&str], expected: &[&str]) {
    let document = "# Attacks\n\n## A. Algorithm\n\n\
                    | id | attack | answer | held by |\n|---|---|---|---|\n\
                    | A1 | Signs nothing. | rejected, `unsigned` | `a1_is_rejected` |\n\
                    | A10 | Asks another realm. | does not apply: there is one `Realm` | `realm_is_one` |\n";
    assert!(document.contains(from), "{from}");
    let tests = tests.iter().map(|test| (*test).to_owned()).collect();
    assert_eq!(faults(&document.replace(from, to), &tests, |code| code == "unsigned"), expected);
}

const TESTS: [&str; 3] = ["a1_is_rejected", "realm_is_one", "something_else"];

#[test]
fn rows_and_tests_that_name_each_other_are_in_order() {
    check("", "", &TESTS, &[]);
    // A test of several rows holds each of them.
    let several = "`a1_is_rejected` |\n| A2 | Signs too much. | rejected | `a2_a3_a_is_rejected` |\n\
                   | A3 | Signs too late. | rejected | `a2_a3_a_is_rejected` |";
    check("`a1_is_rejected` |", several, &[&TESTS[..], &["a2_a3_a_is_rejected"]].concat(), &[]);
}

#[test]
fn a_test_that_is_gone_renamed_or_added_is_told() {
    let renamed = ["a1_is_no_more", "realm_is_one"];
    let told = ["A1 names `a1_is_rejected`, which does not exist", "A1 does not name `a1_is_no_more`"];
    check("", "", &renamed, &told);
    let told = ["A1 names `a1_is_rejected`, which does not exist", "A1 has neither a test nor a reason"];
    check("", "", &["realm_is_one"], &told);
    check("", "", &["a1_is_rejected"], &["A10 names `realm_is_one`, which does not exist"]);
    check("", "", &[&TESTS[..], &["a1_again"]].concat(), &["A1 does not name `a1_again`"]);
    let told = ["A10 does not apply, and `a10_is_rejected` tests it"];
    check("", "", &[&TESTS[..], &["a10_is_rejected"]].concat(), &told);
    let told = ["A7 has no row, and `a1_a7_both` tests it", "B2 has no row, and `b2_is_rejected` tests it"];
    check("`a1_is", "`a1_a7_both`, `a1_is", &[&TESTS[..], &["a1_a7_both", "b2_is_rejected"]].concat(), &told);
}

#[test]
fn a_row_that_names_no_test_of_its_own_or_no_reason_is_told() {
    let told = ["A1 names `realm_is_one`, which does not begin with the id", "A1 does not name `a1_is_rejected`"];
    check("`a1_is_rejected`", "`realm_is_one`", &TESTS, &told);
    check("`a1_is_rejected`", "–", &TESTS, &["A1 does not name `a1_is_rejected`"]);
    check("does not apply: there is one `Realm`", "rejected", &TESTS, &["A10 has neither a test nor a reason"]);
    check(
        "there is one `Realm`",
        "",
        &TESTS,
        &["A10 lacks the attack or the answer", "A10 has neither a test nor a reason"],
    );
    check("Signs nothing.", "", &TESTS, &["A1 lacks the attack or the answer"]);
}

#[test]
fn a_row_in_another_place_or_form_is_told() {
    check("| A10 |", "| A1 |", &TESTS, &["A1 comes after A1"]);
    check("| A10 |", "| A0 |", &TESTS, &["A0 comes after A1"]);
    check("| A10 |", "| B10 |", &TESTS, &["B10 stands under the heading of another group"]);
    check("| A10 |", "| A+1 |", &TESTS, &["`A+1` is no id"]);
    check("| A10 |", "| a10 |", &TESTS, &["`a10` is no id"]);
    check(
        "| A10 | Asks another realm. |",
        "| A10 |",
        &TESTS,
        &["four cells are expected: | A10 | does not apply: there is one `Realm` | `realm_is_one` |"],
    );
}

#[test]
fn an_answer_that_no_source_knows_is_told() {
    check("`unsigned`", "`not_signed`", &TESTS, &["A1 is answered by `not_signed`, which no source knows"]);
    check("`unsigned`", "`ClaimGuard.No`", &TESTS, &["A1 is answered by `ClaimGuard.No`, which no source knows"]);
}
