//! The part of a policy that says what is asked: roles, conditions on claims, whoever may act.

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::AuthenticationClaims;
use crate::access::condition::Condition;
use crate::access::fault::wrong;
use crate::access::known_claim::{Evidence, Seen};
use crate::access::requirement::Requirement;
use crate::access::together::{contradict, contradicted};
use crate::access::toml_table::{Entry, Findings, Table};
use crate::claims::Role;

/// The most conditions of one list.
const MAX_CONDITIONS: usize = 64;

/// Whether the one who decides sees the work's input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Seen,
    Unseen,
}

/// What the one who decides sees.
#[derive(Clone, Copy)]
pub(super) struct Decider<'a> {
    pub(super) input: Input,
    pub(super) evidence: Evidence,
    pub(super) of_the_log_in: &'a AuthenticationClaims,
}

/// The parts of a requirement, not yet read.
pub(super) struct Asked<'t, 'e> {
    pub(super) table: &'e Table<'t>,
    pub(super) roles: Option<Entry<'t>>,
    pub(super) any_role: Option<Entry<'t>>,
    pub(super) claims: Option<Entry<'t>>,
    pub(super) any_caller: Option<Entry<'t>>,
    pub(super) actor: Option<Entry<'t>>,
    pub(super) decider: Decider<'e>,
}

impl Asked<'_, '_> {
    pub(super) fn read(self, findings: &mut Findings<'_>) -> Option<Requirement> {
        let roles = read_roles(self.roles.as_ref(), findings);
        let any_role = read_roles(self.any_role.as_ref(), findings);
        if let (Some(entry), Some([])) = (&self.any_role, any_role.as_deref()) {
            findings
                .add(entry.offset, format!("key `{}` is empty, so no caller could have one of its roles", entry.key));
            return None;
        }
        let actor = self
            .actor
            .map_or(Some(ActorRule::None), |entry| entry.choice("`none` or `any`", ActorRule::parse, findings));
        let conditions = read_conditions(self.claims.as_ref(), self.decider, actor, findings);
        match self.any_caller {
            None => {
                let requirement = Requirement::all_of(roles?, any_role?, conditions?, actor?);
                if requirement.is_none() {
                    let message = format!(
                        "`{}` asks for nothing, expected `roles`, `any_role` or `claims`, or `any_verified_caller = true`",
                        self.table.key
                    );
                    findings.add(self.table.offset, message);
                }
                requirement
            }
            Some(entry) => {
                let asked = self.roles.is_some() || self.any_role.is_some() || self.claims.is_some();
                let key = &entry.key;
                match entry.boolean(findings)? {
                    false => {
                        findings.add(entry.offset, format!("key `{key}` is `false`, expected `true` or no such key"))
                    }
                    true if asked => findings.add(
                        entry.offset,
                        format!("key `{key}` stands beside `roles`, `any_role` or `claims`, expected one or the other"),
                    ),
                    true => return actor.map(Requirement::any_verified_caller),
                }
                None
            }
        }
    }
}

/// The roles of a list; none at all if there is no list, `None` if one of them is no role.
pub(super) fn read_roles(entry: Option<&Entry<'_>>, findings: &mut Findings<'_>) -> Option<Vec<Role>> {
    let Some(entry) = entry else { return Some(Vec::new()) };
    let mut roles = Some(Vec::new());
    for entry in entry.array(findings)? {
        match (read_role(&entry, findings), &mut roles) {
            (Some(role), Some(read)) if read.contains(&role) => {
                findings.add(entry.offset, wrong(&entry.key, &role.to_string(), "the list has this role already"));
            }
            (Some(role), Some(read)) => read.push(role),
            (Some(_), None) => {}
            (None, _) => roles = None,
        }
    }
    roles
}

fn read_role(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<Role> {
    let text = entry.text(findings)?;
    match Role::parse(text) {
        Err(error) => findings.add(entry.offset, wrong(&entry.key, text, error)),
        // Unicode TR39: letters of other scripts look like ours, and a reviewer could not tell such a role from the
        // one that Keycloak grants.
        Ok(_) if !text.is_ascii() => {
            let presented = text.escape_default();
            findings.add(entry.offset, format!("key `{}` is `{presented}`: a role in a policy is ASCII", entry.key));
        }
        Ok(role) => return Some(role),
    }
    None
}

/// The conditions of a list; none at all if there is no list, `None` if one of them is no condition.
fn read_conditions(
    entry: Option<&Entry<'_>>,
    decider: Decider<'_>,
    actor: Option<ActorRule>,
    findings: &mut Findings<'_>,
) -> Option<Vec<Condition>> {
    let Some(entry) = entry else { return Some(Vec::new()) };
    let entries = entry.array(findings)?;
    if entries.len() > MAX_CONDITIONS {
        let (key, presented) = (&entry.key, entries.len());
        findings.add(
            entry.offset,
            format!("key `{key}` has `{presented}` conditions, expected at most `{MAX_CONDITIONS}`"),
        );
        return None;
    }
    let conditions: Vec<_> = entries.iter().map(|entry| read_condition(entry, decider.input, findings)).collect();
    // What a malformed rule means is not known.
    let Decider { evidence, of_the_log_in, .. } = decider;
    let seen = Seen { actor: actor.unwrap_or(ActorRule::Any), evidence, of_the_log_in };
    report_unmeetable(&entries, &conditions, &seen, findings);
    conditions.into_iter().collect()
}

fn report_unmeetable(
    entries: &[Entry<'_>],
    conditions: &[Option<Condition>],
    seen: &Seen<'_>,
    findings: &mut Findings<'_>,
) {
    let mut possible: Vec<&Condition> = Vec::new();
    let alone = |condition: &&Condition| condition.unmeetable(seen).is_none();
    // As a rule there is nothing to find, so what each condition has to do with it is asked only where there is.
    let is_possible = !contradict(conditions.iter().flatten().filter(alone), seen);
    for (entry, condition) in entries.iter().zip(conditions) {
        let Some(condition) = condition else { continue };
        let key = &entry.key;
        if let Some(reason) = condition.unmeetable(seen) {
            findings.add(entry.offset, format!("key `{key}` is `{condition}`, which can never be met: {reason}"));
        } else if is_possible {
            continue;
        } else if let Some(earlier) = contradicted(&possible, condition, seen) {
            let earlier: Vec<String> = earlier.iter().map(|condition| format!("`{condition}`")).collect();
            let earlier = earlier.join(" and ");
            findings.add(
                entry.offset,
                format!("key `{key}` is `{condition}`, which can never be met beside {earlier} of the same list"),
            );
        } else {
            possible.push(condition);
        }
    }
}

fn read_condition(entry: &Entry<'_>, input: Input, findings: &mut Findings<'_>) -> Option<Condition> {
    let text = entry.text(findings)?;
    let key = &entry.key;
    match Condition::parse(text) {
        Err(error) => findings.add(entry.offset, wrong(key, text, error)),
        Ok(condition) if input == Input::Unseen && condition.test().input().is_some() => findings.add(
            entry.offset,
            format!("key `{key}` is `{condition}`: a route cannot look at the input, a start rule or a state can"),
        ),
        Ok(condition) => return Some(condition),
    }
    None
}
