//! `ksf weave`: an author's state machine, and `access.toml`, make the guarded one.
//!
//! The author's machine says nothing of identity. Weaving is a pure function of that machine and the policy, its text is
//! stable, and weaving a woven machine gives the same text.

// What a machine is made of, in the order of its text.
mod json;
mod json_text;
mod machine;
mod malformed;
mod names;
mod numeral;

// What is asked of it, and what keeps it from being woven.
mod callee;
mod denied_path;
mod dialect;
mod nested_result;
mod plan;
mod refusal;
mod retry;
mod survey;
mod unknown;

// What its states read of the context object.
mod context;
mod evaluated;
mod json_path;
mod jsonata;
mod reads;

// Out with what was woven, in with what is to be.
mod opening;
mod rounds;
mod shapes;
mod source_map;
mod strip;
mod weaver;

// For people.
mod difference;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use claim_guard::access::{AccessPolicy, Workflow};
use claim_guard::identifier::WorkflowName;
use clap::Args;

use crate::outcome::{CommandError, Outcome};
use crate::weave::difference::difference;
use crate::weave::machine::{Language, Scope};
use crate::weave::names::MAX_STATE_NAME;
use crate::weave::plan::Plan;
use crate::weave::refusal::{Cause, Refusal};
use crate::weave::shapes::Shapes;
use crate::weave::source_map::SourceMap;
use crate::weave::strip::strip;
use crate::weave::survey::{MAX_PAYLOAD, ROOM, Survey};
use crate::weave::weaver::Weaver;

/// Write identity into a state machine that says nothing of it
///
/// Reads the author's machine (Amazon States Language, JSONata or JSONPath) from a file, or from
/// standard input where the file is `-`, and writes the guarded one: the token's way through the
/// workflow, what each guarded Task is handed, its Retry and Catch, the states that ask Keycloak
/// again, and where refusals end. Each state that `access.toml` names for the workflow is guarded.
/// A machine that is woven already is woven anew.
///
/// Exit codes: 0 woven; 1 with --check, if the file is not what would be written; 2 refused, with a
/// line for each reason, or not answered.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The policy
    #[arg(long, value_name = "FILE")]
    access: PathBuf,
    /// Which of the policy's workflows the machine is
    #[arg(long, value_name = "NAME", value_parser = WorkflowName::parse)]
    workflow: WorkflowName,
    /// Compare with this file instead of writing
    #[arg(long, value_name = "WOVEN")]
    check: Option<PathBuf>,
    /// Write to this file which of the author's states each state comes from, as JSON
    ///
    /// {STATE: {"from": STATE or null, "scope": JSON POINTER, "because": TEXT}, …}
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The author's machine
    #[arg(value_name = "MACHINE")]
    machine: PathBuf,
}

/// Weaves the machine that the arguments name, and answers on `output`; what is left unguarded is said on `notes`.
///
/// # Errors
/// A file cannot be read or written, or the machine cannot be woven.
pub fn run(
    arguments: &Arguments,
    input: impl Read,
    mut output: impl Write,
    mut notes: impl Write,
) -> Result<Outcome, CommandError> {
    let policy = policy(&arguments.access)?;
    let workflow = policy.workflow(&arguments.workflow).ok_or_else(|| {
        let name = &arguments.workflow;
        CommandError::new(format!("`{}` has no workflow `{name}`", arguments.access.display()))
    })?;
    let author_s = read_machine(&arguments.machine, input)?;
    let woven = weave(&author_s, workflow).map_err(|refused| CommandError::new(refused.to_string()))?;
    for note in &woven.notes {
        writeln!(notes, "note: {note}").map_err(CommandError::during("write a note"))?;
    }
    if let Some(map) = &arguments.map {
        fs::write(map, &woven.source_map).map_err(CommandError::during(&format!("write `{}`", map.display())))?;
    }
    let Some(committed) = &arguments.check else {
        output.write_all(woven.machine.as_bytes()).map_err(CommandError::during("write the machine"))?;
        return Ok(Outcome::Yes);
    };
    let there = read(committed)?;
    if there == woven.machine {
        return Ok(Outcome::Yes);
    }
    let name = committed.display();
    write!(output, "`{name}` is not what weave writes\n--- {name}\n+++ woven\n{}", difference(&there, &woven.machine))
        .map_err(CommandError::during("write the difference"))?;
    Ok(Outcome::No)
}

fn read(file: &Path) -> Result<String, CommandError> {
    let bytes = fs::read(file).map_err(CommandError::during(&format!("read `{}`", file.display())))?;
    text(bytes, &format!("`{}`", file.display()))
}

/// What a file holds, in the one encoding that JSON and TOML have.
fn text(bytes: Vec<u8>, name: &str) -> Result<String, CommandError> {
    // Some editors write two bytes a letter, with a mark in front.
    let is_utf_16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0);
    String::from_utf8(bytes).ok().filter(|_| !is_utf_16).ok_or_else(|| {
        let encoding = if is_utf_16 { "UTF-16" } else { "another encoding" };
        CommandError::new(format!(
            "{name} is in {encoding}, and weave reads UTF-8; convert it, as `iconv -t UTF-8` does"
        ))
    })
}

fn policy(file: &Path) -> Result<AccessPolicy, CommandError> {
    AccessPolicy::parse(&file.display().to_string(), &read(file)?)
        .map_err(|faults| CommandError::new(faults.to_string()))
}

fn read_machine(file: &Path, mut input: impl Read) -> Result<String, CommandError> {
    if file != Path::new("-") {
        return read(file);
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(CommandError::during("read the machine from standard input"))?;
    text(bytes, "standard input")
}

/// A woven machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woven {
    /// Its text: JSON, two blanks a level, members in the author's order, one line end at the end.
    pub machine: String,
    /// For each of its states the author's state, the place and the reason, as JSON text.
    pub source_map: String,
    /// A line for each state that acts without an identity, or leaves too little room for one.
    pub notes: Vec<String>,
}

/// Why a machine was not woven: all reasons, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(Vec<String>);

impl Refused {
    /// Each reason: the state, why, and what to do.
    pub fn reasons(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\nerror: "))
    }
}

impl std::error::Error for Refused {}

/// Weaves a workflow's machine.
///
/// # Errors
/// [`Refused`] names every state that cannot be woven, says why, and what to do. A text that is no JSON has one reason.
pub fn weave(author_s: &str, workflow: &Workflow) -> Result<Woven, Refused> {
    let mut machine =
        json_text::read(author_s).map_err(|malformed| Refused(vec![format!("the machine is no JSON: {malformed}")]))?;
    let Some(object) = machine.as_object_mut() else {
        return Err(Refused(vec!["the machine is no JSON object".to_owned()]));
    };
    // Weave renames members, so what the author wrote is looked at before.
    let faults = dialect::faults(object);
    context::move_out(object);
    strip(object);
    let plan = Plan::of(workflow, object);
    let survey = Survey::of(object, &plan);
    let refusals = [survey.refusals, faults, unknown::placeholders(object), context::move_in(object, &plan)].concat();
    if !refusals.is_empty() {
        return Err(refused(&refusals));
    }
    let partition = survey.partition.as_deref().unwrap_or("aws");
    let shapes = Shapes {
        language: Language::of_machine(object),
        invoke: format!("arn:{partition}:states:::lambda:invoke"),
        has_denied_path: survey.has_denied_path,
    };
    let mut weaver = Weaver { plan: &plan, shapes, map: SourceMap::default(), caught: Vec::new() };
    weaver.machine(object, &Scope::outermost(), None);
    let names = refused_names(&weaver.map);
    if !names.is_empty() {
        return Err(refused(&names));
    }
    let unguarded = survey.unguarded.iter().map(|(state, resource)| {
        format!("state `{state}`: `{resource}` is called without an identity, as the machine's role may")
    });
    let too_large = survey.too_large.iter().map(|(state, bytes)| {
        let most = MAX_PAYLOAD - ROOM;
        format!(
            "state `{state}`: what it hands over has {bytes} bytes of at most {most} beside the identity; it may end in `States.DataLimitExceeded`, which nothing catches"
        )
    });
    let same_key = weaver.caught.iter().map(|state| {
        format!(
            "state `{state}`: after an error its Catch leads back to it, and what it does then has the idempotency key of what has failed; if it is something else, let the task add what tells them apart"
        )
    });
    Ok(Woven {
        machine: json_text::written(&machine),
        source_map: json_text::written(&weaver.map.to_json()),
        notes: unguarded.chain(too_large).chain(same_key).collect(),
    })
}

fn refused(refusals: &[Refusal]) -> Refused {
    Refused(refusals.iter().map(ToString::to_string).collect())
}

/// Names that were written twice, or are longer than Step Functions allows.
fn refused_names(map: &SourceMap) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (number, written) in map.iter().enumerate() {
        let from = written.from.clone();
        let woven = written.state.clone();
        if woven.chars().count() > MAX_STATE_NAME {
            refusals.push(Refusal { state: from.clone(), cause: Cause::WovenNameTooLong { woven: woven.clone() } });
        }
        let others = map.iter().enumerate().filter(|(other, _)| *other != number);
        // Of the two, the one that weave made up is told of.
        let is_told =
            |refusal: &Refusal| refusal.state == from && matches!(refusal.cause, Cause::WovenNameTaken { .. });
        let is_taken = others.into_iter().any(|(_, other)| other.state == woven);
        if from.as_deref() != Some(&woven) && is_taken && !refusals.iter().any(is_told) {
            refusals.push(Refusal { state: from, cause: Cause::WovenNameTaken { woven } });
        }
    }
    refusals
}
