//! Rules that are met one after another: the route before the start, the start before each state and each nested start.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::condition::{Condition, Operator};
use crate::access::fault::PolicyFaultCause as Cause;
use crate::access::known_claim::{Evidence, Seen};
use crate::access::operand::Operand;
use crate::access::policy::AccessPolicy;
use crate::access::requirement::Requirement;
use crate::access::together::{contradict, contradicted};
use crate::access::toml_table::Findings;
use crate::access::workflow::Workflow;
use crate::identifier::WorkflowName;

/// Who the subject is does not change on the way from start to end, no more than what the log-in said.
const OF_THE_SUBJECT: [&str; 3] = ["azp", "iss", "sub"];

/// Rules that have been met, and one that is looked at after them.
struct Way<'a> {
    before: Vec<Met<'a>>,
    after: &'a Requirement,
    key: String,
    evidence: Evidence,
}

/// A rule that has been met.
#[derive(Clone)]
struct Met<'a> {
    name: String,
    rule: &'a Requirement,
    /// Whether it was of the same token, so that all of it holds still.
    is_of_this_token: bool,
}

/// Reports every rule that nobody can meet who has met those before it. Each rule alone can be met.
pub(super) fn report_unreachable(
    policy: &AccessPolicy,
    offsets: &BTreeMap<WorkflowName, usize>,
    findings: &mut Findings<'_>,
) {
    let nested: BTreeSet<&WorkflowName> =
        policy.workflows().flat_map(|workflow| workflow.nested_starts().map(|(_, name)| name)).collect();
    for workflow in policy.workflows() {
        let offset = offsets.get(workflow.name()).copied().unwrap_or_default();
        for way in ways(policy, workflow, nested.contains(workflow.name())) {
            if let Some(cause) = way.fault(&policy.of_the_log_in) {
                findings.add(offset, cause);
            }
        }
    }
}

fn ways<'a>(policy: &'a AccessPolicy, workflow: &'a Workflow, is_nested: bool) -> Vec<Way<'a>> {
    let own = format!("workflows.{}", workflow.name());
    let (start, key) = (workflow.start(), format!("{own}.start"));
    let route = policy.route_for("POST", &format!("/workflows/{}/executions", workflow.name()));
    // Where another workflow starts it too, there is a way past the route.
    let route = route.filter(|_| !is_nested).map(|route| Met {
        name: format!("route `{} {}`", route.method().as_str(), route.path()),
        rule: route.requirement(),
        is_of_this_token: true,
    });
    let by_request = route.clone().map(|route| Way {
        before: vec![route],
        after: start,
        key: key.clone(),
        evidence: Evidence::AccessToken,
    });
    // Another workflow starts it on a statement, which knows less than an access token.
    let by_statement =
        is_nested.then(|| Way { before: Vec::new(), after: start, key: key.clone(), evidence: Evidence::Statement });
    let started = Met { name: format!("`{key}`"), rule: start, is_of_this_token: false };
    let before: Vec<Met<'_>> =
        route.map(|route| Met { is_of_this_token: false, ..route }).into_iter().chain([started]).collect();
    let after_start = |after, key| Way { before: before.clone(), after, key, evidence: Evidence::Statement };
    let states = workflow.states().map(|(state, asked)| after_start(asked, format!("{own}.states.{state}")));
    let starts = workflow
        .nested_starts()
        .filter_map(|(state, name)| Some(after_start(policy.workflow(name)?.start(), format!("{own}.nested.{state}"))));
    by_request.into_iter().chain(by_statement).chain(states).chain(starts).collect()
}

impl Way<'_> {
    fn fault(&self, of_the_log_in: &AuthenticationClaims) -> Option<Cause> {
        let actors = self.before.iter().map(|met| met.rule.actor()).chain([self.after.actor()]);
        let actor =
            if actors.into_iter().all(|actor| actor == ActorRule::Any) { ActorRule::Any } else { ActorRule::None };
        let seen = Seen { actor, evidence: self.evidence, of_the_log_in };
        let after = self.after.conditions();
        let alone = after.iter().find_map(|condition| Some((condition, condition.unmeetable(&seen)?.to_string())));
        let (condition, reason) = alone.or_else(|| self.contradiction(&seen))?;
        let names: Vec<&str> = self.before.iter().map(|met| met.name.as_str()).collect();
        let before = if names.is_empty() { "another workflow's rules".to_owned() } else { names.join(" and ") };
        Some(Cause::NeverAfter { key: self.key.clone(), condition: condition.clone(), before, reason })
    }

    /// The first condition that cannot be met beside those before it in the list and what lasts of the rules before.
    fn contradiction(&self, seen: &Seen<'_>) -> Option<(&Condition, String)> {
        let lasting = self.before.iter().flat_map(|met| {
            let lasts = |condition: &&Condition| met.is_of_this_token || is_lasting(condition, seen.of_the_log_in);
            met.rule.conditions().iter().filter(lasts)
        });
        let lasting: Vec<&Condition> = lasting.collect();
        let after = self.after.conditions();
        if !contradict(lasting.iter().copied().chain(after), seen) {
            return None;
        }
        after.iter().enumerate().find_map(|(place, condition)| {
            let earlier: Vec<&Condition> = lasting.iter().copied().chain(after.iter().take(place)).collect();
            let core = contradicted(&earlier, condition, seen)?;
            let core: Vec<String> = core.iter().map(|condition| format!("`{condition}`")).collect();
            Some((condition, format!("it is asked for {} too", core.join(" and "))))
        })
    }
}

/// Whether it says of every later statement what it says of this one: nothing that changes with time, the realm or the input.
fn is_lasting(condition: &Condition, of_the_log_in: &AuthenticationClaims) -> bool {
    let name = condition.claim().segments().first().map_or("", String::as_str);
    let stays = match of_the_log_in.source_of(name) {
        ClaimSource::Stated | ClaimSource::Authentication => true,
        ClaimSource::Realm => OF_THE_SUBJECT.contains(&name),
        ClaimSource::AccessToken | ClaimSource::Unclassified => false,
    };
    // What was so long ago at the start is so long ago later.
    let only_ages = matches!((condition.operator(), condition.operand()), (Operator::AtMost, Operand::Now { .. }));
    stays && (only_ages || matches!(condition.operand(), Operand::Literal(_)))
}
