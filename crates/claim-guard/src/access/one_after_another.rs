//! Rules that are met one after another: the route before the start, the start before each state and each nested start.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::condition::Condition;
use crate::access::fault::PolicyFaultCause as Cause;
use crate::access::known_claim::{Evidence, Seen};
use crate::access::operand::Operand;
use crate::access::policy::AccessPolicy;
use crate::access::requirement::Requirement;
use crate::access::together::contradicted;
use crate::access::toml_table::Findings;
use crate::access::workflow::Workflow;
use crate::identifier::WorkflowName;

/// Who the subject is does not change on the way from start to end, no more than what the log-in said.
const OF_THE_SUBJECT: [&str; 3] = ["azp", "iss", "sub"];

/// One rule, and one that is looked at after it.
struct Pair<'a> {
    before: &'a Requirement,
    name: String,
    after: &'a Requirement,
    key: String,
    evidence: Evidence,
    /// Whether a condition that was met before still says something later.
    lasts: bool,
}

/// Reports every rule that nobody can meet who has met the one before it. Each rule alone can be met.
pub(super) fn report_unreachable(
    policy: &AccessPolicy,
    offsets: &BTreeMap<WorkflowName, usize>,
    findings: &mut Findings<'_>,
) {
    let nested: BTreeSet<&WorkflowName> =
        policy.workflows().flat_map(|workflow| workflow.nested_starts().map(|(_, name)| name)).collect();
    for workflow in policy.workflows() {
        let offset = offsets.get(workflow.name()).copied().unwrap_or_default();
        for pair in pairs(policy, workflow, nested.contains(workflow.name())) {
            if let Some(cause) = pair.fault(&policy.of_the_log_in) {
                findings.add(offset, cause);
            }
        }
    }
}

fn pairs<'a>(policy: &'a AccessPolicy, workflow: &'a Workflow, is_nested: bool) -> Vec<Pair<'a>> {
    let start = workflow.start();
    let key = format!("workflows.{}.start", workflow.name());
    let after_start = |after, key, evidence| Pair {
        before: start,
        name: format!("`workflows.{}.start`", workflow.name()),
        after,
        key,
        evidence,
        lasts: false,
    };
    let route = policy.route_for("POST", &format!("/workflows/{}/executions", workflow.name()));
    // Where another workflow starts it too, there is a way past the route.
    let by_request = route.filter(|_| !is_nested).map(|route| Pair {
        before: route.requirement(),
        name: format!("route `{} {}`", route.method().as_str(), route.path()),
        after: start,
        key: key.clone(),
        evidence: Evidence::AccessToken,
        lasts: true,
    });
    let as_nested = is_nested.then(|| after_start(start, key, Evidence::Statement));
    let states = workflow.states().map(|(state, asked)| {
        after_start(asked, format!("workflows.{}.states.{state}", workflow.name()), Evidence::Statement)
    });
    let starts = workflow.nested_starts().filter_map(|(state, name)| {
        let key = format!("workflows.{}.nested.{state}", workflow.name());
        Some(after_start(policy.workflow(name)?.start(), key, Evidence::Statement))
    });
    by_request.into_iter().chain(as_nested).chain(states).chain(starts).collect()
}

impl Pair<'_> {
    fn fault(&self, of_the_log_in: &AuthenticationClaims) -> Option<Cause> {
        let actor = match (self.before.actor(), self.after.actor()) {
            (ActorRule::Any, ActorRule::Any) => ActorRule::Any,
            (ActorRule::None, _) | (_, ActorRule::None) => ActorRule::None,
        };
        let seen = Seen { actor, evidence: self.evidence, of_the_log_in };
        let lasting = |condition: &&Condition| self.lasts || is_lasting(condition, of_the_log_in);
        let before: Vec<&Condition> = self.before.conditions().iter().filter(lasting).collect();
        let after = self.after.conditions();
        let alone = after.iter().find_map(|condition| Some((condition, condition.unmeetable(&seen)?.to_string())));
        let (condition, reason) = alone.or_else(|| {
            after.iter().filter(lasting).find_map(|condition| {
                let earlier = contradicted(&before, condition, &seen)?;
                let earlier: Vec<String> = earlier.iter().map(|condition| format!("`{condition}`")).collect();
                Some((condition, format!("it is asked there for {}", earlier.join(" and "))))
            })
        })?;
        let (key, condition, before) = (self.key.clone(), condition.clone(), self.name.clone());
        Some(Cause::NeverAfter { key, condition, before, reason })
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
    stays && matches!(condition.operand(), Operand::Literal(_))
}
