//! Machines of strangers, woven and run: no token may be where the author's states, calls or logs can see it, and each of the
//! author's states is handed what it would be without weaving.
//!
//! `cargo xtask machines DIR` has a directory of them judged; without it the fixtures of this crate are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod explorer;
#[path = "../support/failures.rs"]
mod failures;
mod judgement;
mod made_up;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use judgement::{Judgement, compare, judge};
use serde_json::{Value, json};

/// Names the directory whose machines are judged.
const VARIABLE: &str = "KSF_MACHINES";

/// The files of a directory that end like this, in their order.
fn files(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.to_str().is_some_and(|path| ends.iter().any(|end| path.ends_with(end)));
    all.filter(is_one).collect::<BTreeSet<_>>().into_iter().collect()
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

fn workflow_name(name: &str) -> WorkflowName {
    WorkflowName::parse(name).unwrap()
}

/// The machine of that text, with every call of a function guarded.
fn judge_text(text: &str) -> Judgement {
    // What is no JSON is for weave to refuse, whatever the policy is.
    let machine = serde_json::from_str(text).unwrap_or_default();
    let anything = json!({ "States": { "S": { "Resource": ":states:::lambda:invoke" } } });
    let policy = made_up::policy(if machine == Value::Null { &anything } else { &machine });
    match policy {
        Ok(policy) => judge(text, policy.workflow(&workflow_name(made_up::WORKFLOW)).unwrap()),
        Err(faults) => Judgement::Refused(vec![format!("no policy: {faults}")]),
    }
}

#[test]
fn every_machine_of_the_directory_is_refused_or_runs_as_its_author_wrote_it() {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return };
    let (mut woven, mut refused, mut not_run, mut leaking, mut faulty) = (0, 0, 0, 0, 0);
    let mut told = Vec::new();
    let all = files(&folder, &[".json"]);
    for file in &all {
        let name = name(file);
        match judge_text(&std::fs::read_to_string(file).unwrap()) {
            Judgement::Refused(reasons) => {
                refused += 1;
                told.extend(
                    reasons.iter().map(|reason| format!("machine {name}: refused: {}", reason.replace('\n', " "))),
                );
            }
            Judgement::NotRun(reason) => {
                not_run += 1;
                told.push(format!("machine {name}: not run: {reason}"));
            }
            Judgement::Run { leaks, faults, visited: (visited, of) } => {
                woven += 1;
                leaking += usize::from(!leaks.is_empty());
                faulty += usize::from(!faults.is_empty());
                told.push(format!("machine {name}: woven, {visited} of {of} states visited"));
                told.extend(leaks.iter().map(|leak| format!("machine {name}: leak: {leak}")));
                told.extend(faults.iter().map(|fault| format!("machine {name}: fault: {fault}")));
            }
        }
    }
    let skipped = files(&folder, &[".yaml", ".yml"]);
    told.extend(skipped.iter().map(|file| format!("machine {}: skipped: YAML", name(file))));
    let mut output = std::io::stdout();
    for line in told {
        writeln!(output, "{line}").unwrap();
    }
    let skipped = skipped.len();
    writeln!(output, "machines: {woven} woven, {refused} refused, {not_run} not run, {skipped} skipped, {leaking} leak, {faulty} at fault").unwrap();
    assert_eq!((leaking, faulty), (0, 0));
}

/// The fixtures of this crate, woven for the workflows of their own policy.
#[test]
fn fixtures_leak_no_token_and_run_as_their_authors_wrote_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weave");
    let policy = std::fs::read_to_string(folder.join("access.toml")).unwrap();
    let policy = AccessPolicy::parse("access.toml", &policy).unwrap();
    let fixtures = files(&folder, &[".plain.asl.json"]);
    assert!(!fixtures.is_empty());
    let mut wrong = Vec::new();
    for file in fixtures {
        let name = name(&file).strip_suffix(".plain.asl.json").unwrap().to_owned();
        let workflow = policy.workflow(&workflow_name(&name)).unwrap();
        match judge(&std::fs::read_to_string(&file).unwrap(), workflow) {
            Judgement::Run { leaks, faults, visited: (visited, of) }
                if leaks.is_empty() && faults.is_empty() && visited * 4 >= of * 3 => {}
            other @ (Judgement::Refused(_) | Judgement::NotRun(_) | Judgement::Run { .. }) => wrong.push((name, other)),
        }
    }
    assert_eq!(wrong, []);
}

/// What the woven machine does to that of the author.
#[track_caller]
fn check(plain: Value, woven: Value, leaks: &[&str], faults: &[&str]) {
    let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let judgement = compare(&plain, &woven);
    let Judgement::Run { leaks: found, faults: found_faults, .. } = judgement else { panic!("{judgement:?}") };
    assert_eq!((found, found_faults), (all(leaks), all(faults)));
}

#[test]
fn machine_that_leaks_is_seen() {
    let tells = |message: &str| {
        json!({ "Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": true,
        "Parameters": { "Message.$": message } })
    };
    let plain = json!({ "StartAt": "Tell", "States": { "Tell": tells("$$.Execution.Input.text") } });
    let woven = |message: &str, output: Value| {
        let receive = json!({ "Type": "Pass", "QueryLanguage": "JSONata", "Comment": "Woven: by hand", "Output": output,
            "Assign": { "transactionToken": "{% $states.input.transactionToken %}" }, "Next": "Tell" });
        json!({ "StartAt": "ReceiveIdentity", "States": { "ReceiveIdentity": receive, "Tell": tells(message) } })
    };
    let input = json!("{% $states.input.input %}");
    check(plain.clone(), woven("$$.Execution.Input.input.text", input.clone()), &[], &[]);
    let other =
        "the arguments of state `Tell` is `{\"Message\":\"made up\"}` instead of `{\"Message\":\"made up: text\"}`";
    check(plain.clone(), woven("$$.Execution.Input.text", input.clone()), &[], &[other]);
    let whole = "the arguments of state `Tell`";
    let handed = "the arguments of state `Tell` is \
        `{\"Message\":{\"input\":{\"made\":\"up\",\"text\":\"made up: text\"},\"transactionToken\":\"TRANSACTION-TOKEN-0\"}}` \
        instead of `{\"Message\":\"made up: text\"}`";
    check(plain.clone(), woven("$$.Execution.Input", input), &[whole], &[handed]);
    let passed = "the input of state `Tell` is `{\"input\":{\"made\":\"up\",\"text\":\"made up: text\"},\"transactionToken\":\"TRANSACTION-TOKEN-0\"}` \
        instead of `{\"made\":\"up\",\"text\":\"made up: text\"}`";
    let all = ["the input of state `Tell`", "the output of state `ReceiveIdentity`"];
    check(plain, woven("$$.Execution.Input.input.text", json!("{% $states.input %}")), &all, &[passed]);
}
