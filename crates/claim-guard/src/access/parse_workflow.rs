//! The part of a policy that says what a workflow is.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::claim_source::AuthenticationClaims;
use crate::access::duration::duration;
use crate::access::fault::wrong;
use crate::access::freshness::{Freshness, MaxIdentityAge, RenewalRule, SessionRule};
use crate::access::idempotency::IdempotencyRule;
use crate::access::known_claim::Evidence;
use crate::access::one_line::one_line;
use crate::access::parse_requirement::{Asked, Decider, Input, read_roles};
use crate::access::requirement::Requirement;
use crate::access::toml_table::{Entry, Findings, Table};
use crate::access::workflow::{GuardedState, Workflow};
use crate::identifier::{IdentifierError, StateName, WorkflowName};

/// The transaction token's lifetime where the policy names none.
const USUAL_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The shortest and the longest duration that a key can have, as written and in seconds.
type Range = [(&'static str, u64); 2];
const LIFETIMES: Range = [("30s", 30), ("1h", 3600)];
/// Beside `0s`. A younger statement could be too old when it arrives.
const IDENTITY_AGES: Range = [("0s` or `10s", 10), ("1h", 3600)];
const RUNS: Range = [("30s", 30), ("365d", 365 * 24 * 3600)];

/// The workflows, and where each stands.
pub(super) fn read_workflows(
    entry: &Entry<'_>,
    of_the_log_in: &AuthenticationClaims,
    findings: &mut Findings<'_>,
) -> BTreeMap<WorkflowName, (usize, Workflow)> {
    let mut workflows = BTreeMap::new();
    let table = entry.table(findings);
    let entries: Vec<Entry<'_>> = table.iter().flat_map(Table::all).collect();
    let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    for entry in &entries {
        if let Some(workflow) = read_workflow(entry, &names, of_the_log_in, findings) {
            workflows.insert(workflow.name.clone(), (entry.offset, workflow));
        }
    }
    workflows
}

fn read_workflow(
    entry: &Entry<'_>,
    workflows: &[&str],
    of_the_log_in: &AuthenticationClaims,
    findings: &mut Findings<'_>,
) -> Option<Workflow> {
    let name = read_name(entry, WorkflowName::parse, findings);
    let table = entry.table(findings)?;
    let [lifetime, max_duration, session, renewal, idempotency, on_denied, describe, stop, start, states, nested] =
        table.entries(
            &[
                "transaction_token_lifetime",
                "max_duration",
                "session",
                "renewal",
                "idempotency",
                "revalidate_on_denied",
                "describe",
                "stop",
                "start",
                "states",
                "nested",
            ],
            findings,
        );
    // How long a run may last, and whether it outlives its session, is nobody's to guess.
    for (name, is_there) in
        [("max_duration", max_duration.is_some()), ("session", session.is_some()), ("start", start.is_some())]
    {
        if !is_there {
            table.missing(name, findings);
        }
    }
    let lifetime = lifetime.map_or(Some(USUAL_LIFETIME), |entry| read_duration(&entry, LIFETIMES, findings));
    let max_duration = max_duration.and_then(|entry| read_duration(&entry, RUNS, findings));
    let session = session.and_then(|entry| entry.choice("`required` or `ignored`", self::session, findings));
    let renewal =
        renewal.map_or(Some(RenewalRule::Live), |entry| entry.choice("`live` or `narrowing`", self::renewal, findings));
    let idempotency = idempotency.map_or(Some(IdempotencyRule::Optional), |entry| {
        entry.choice("`required` or `optional`", self::idempotency, findings)
    });
    let on_denied = on_denied.map_or(Some(true), |entry| entry.boolean(findings));
    let describe = read_roles(describe.as_ref(), findings);
    let stop = read_roles(stop.as_ref(), findings);
    let start = start.and_then(|entry| read_start(&entry, of_the_log_in, findings));
    // Starting is a decision by itself, so a workflow may have no guarded state: its states start executions, or call services.
    let states = states
        .map_or(Some(BTreeMap::new()), |entry| read_states(&entry, on_denied.unwrap_or(true), of_the_log_in, findings));
    let nested = nested.map_or(Some(BTreeMap::new()), |entry| read_nested(&entry, workflows, findings));
    if let (Some(states), Some(nested)) = (&states, &nested) {
        for state in nested.keys().filter(|state| states.contains_key(*state)) {
            let (key, state) = (&entry.key, one_line(state.as_str()));
            findings.add(
                entry.offset,
                format!("state `{state}` stands in `{key}.states` and in `{key}.nested`, expected in one of them"),
            );
        }
    }
    Some(Workflow {
        name: name?,
        transaction_token_lifetime: lifetime?,
        max_duration: max_duration?,
        session: session?,
        renewal: renewal?,
        idempotency: idempotency?,
        start: start?,
        describe: describe?,
        stop: stop?,
        states: states?,
        nested: nested?,
    })
}

fn read_name<T>(
    entry: &Entry<'_>,
    parse: impl FnOnce(&str) -> Result<T, IdentifierError>,
    findings: &mut Findings<'_>,
) -> Option<T> {
    parse(entry.name).map_err(|error| findings.add(entry.offset, format!("key `{}`: {error}", entry.key))).ok()
}

fn read_start(
    entry: &Entry<'_>,
    of_the_log_in: &AuthenticationClaims,
    findings: &mut Findings<'_>,
) -> Option<Requirement> {
    let table = entry.table(findings)?;
    let [roles, any_role, claims, any_caller, actor] =
        table.entries(&["roles", "any_role", "claims", "any_verified_caller", "actor"], findings);
    let decider = Decider { input: Input::Seen, evidence: Evidence::AccessToken, of_the_log_in };
    Asked { table: &table, roles, any_role, claims, any_caller, actor, decider }.read(findings)
}

fn read_states(
    entry: &Entry<'_>,
    on_denied: bool,
    of_the_log_in: &AuthenticationClaims,
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<StateName, GuardedState>> {
    let table = entry.table(findings)?;
    let mut states = BTreeMap::new();
    for entry in table.all() {
        let name = read_name(&entry, StateName::parse, findings);
        states.extend(name.zip(read_state(&entry, on_denied, of_the_log_in, findings)));
    }
    Some(states)
}

fn read_state(
    entry: &Entry<'_>,
    on_denied: bool,
    of_the_log_in: &AuthenticationClaims,
    findings: &mut Findings<'_>,
) -> Option<GuardedState> {
    let table = entry.table(findings)?;
    let [roles, any_role, claims, any_caller, actor, max_age, denied] = table.entries(
        &["roles", "any_role", "claims", "any_verified_caller", "actor", "max_identity_age", "revalidate_on_denied"],
        findings,
    );
    let decider = Decider { input: Input::Seen, evidence: Evidence::Statement, of_the_log_in };
    let asked = Asked { table: &table, roles, any_role, claims, any_caller, actor, decider };
    let requirement = asked.read(findings);
    let max_age = max_age.map_or(Some(MaxIdentityAge::TokenLifetime), |entry| read_max_age(&entry, findings));
    let denied = denied.map_or(Some(on_denied), |entry| entry.boolean(findings));
    let freshness = Freshness { max_identity_age: max_age?, revalidate_on_denied: denied? };
    Some(GuardedState { requirement: requirement?, freshness })
}

fn read_max_age(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<MaxIdentityAge> {
    if entry.as_text() == Some("0s") {
        return Some(MaxIdentityAge::EveryAttempt);
    }
    read_duration(entry, IDENTITY_AGES, findings).map(MaxIdentityAge::AtMost)
}

fn read_nested(
    entry: &Entry<'_>,
    workflows: &[&str],
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<StateName, WorkflowName>> {
    let table = entry.table(findings)?;
    let mut nested = BTreeMap::new();
    for entry in table.all() {
        let state = read_name(&entry, StateName::parse, findings);
        let Some(table) = entry.table(findings) else { continue };
        let [workflow] = table.entries(&["workflow"], findings);
        let Some(workflow) = workflow else {
            table.missing("workflow", findings);
            continue;
        };
        let named = workflow.text(findings).and_then(|text| {
            let known = WorkflowName::parse(text).ok().filter(|name| workflows.contains(&name.as_str()));
            if known.is_none() {
                findings.add(workflow.offset, wrong(&workflow.key, text, "expected a workflow of this policy"));
            }
            known
        });
        nested.extend(state.zip(named));
    }
    Some(nested)
}

fn session(text: &str) -> Option<SessionRule> {
    match text {
        "ignored" => Some(SessionRule::Ignored),
        "required" => Some(SessionRule::Required),
        _ => None,
    }
}

fn renewal(text: &str) -> Option<RenewalRule> {
    match text {
        "live" => Some(RenewalRule::Live),
        "narrowing" => Some(RenewalRule::Narrowing),
        _ => None,
    }
}

fn idempotency(text: &str) -> Option<IdempotencyRule> {
    match text {
        "optional" => Some(IdempotencyRule::Optional),
        "required" => Some(IdempotencyRule::Required),
        _ => None,
    }
}

fn read_duration(entry: &Entry<'_>, range: Range, findings: &mut Findings<'_>) -> Option<Duration> {
    let text = entry.text(findings)?;
    let (key, presented) = (&entry.key, one_line(text));
    let [(shortest, least), (longest, most)] = range;
    match duration(text) {
        None => findings.add(
            entry.offset,
            format!("key `{key}` is `{presented}`, expected a whole number and `s`, `m`, `h` or `d`, like `90s`"),
        ),
        Some(lifetime) if (least..=most).contains(&lifetime.as_secs()) => return Some(lifetime),
        Some(_) => {
            findings.add(entry.offset, format!("key `{key}` is `{presented}`, expected `{shortest}` to `{longest}`"));
        }
    }
    None
}
