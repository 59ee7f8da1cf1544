//! Rules that are met one after another: the route before the start, the start before each state and each nested start.

use std::collections::BTreeMap;

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::condition::Condition;
use crate::access::known_claim::{Evidence, Seen};
use crate::access::policy::AccessPolicy;
use crate::access::requirement::Requirement;
use crate::access::test::{Bound, Operand, Test};
use crate::access::together::{EARLIEST_DECISION, contradict, contradicted};
use crate::access::toml_table::Findings;
use crate::access::workflow::Workflow;
use crate::identifier::WorkflowName;

/// Who the subject is does not change on the way from start to end, no more than what the log-in said.
const OF_THE_SUBJECT: [&str; 3] = ["azp", "iss", "sub"];

/// So many ways to a start are followed. Where there are more, one of them is taken to be open.
const MAX_WAYS: usize = 64;

/// A rule, and all ways to it.
struct Rule<'a> {
    ways: Vec<Way<'a>>,
    asked: &'a Requirement,
    key: String,
}

/// The rules that have been met on the way.
#[derive(Clone)]
struct Way<'a> {
    met: Vec<Met<'a>>,
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

/// Reports every rule that nobody can meet who has met those before it, whichever way he came. Each rule alone can be met.
pub(super) fn report_unreachable(
    policy: &AccessPolicy,
    offsets: &BTreeMap<WorkflowName, usize>,
    findings: &mut Findings<'_>,
) {
    for workflow in policy.workflows() {
        let offset = offsets.get(workflow.name()).copied().unwrap_or_default();
        for rule in rules(policy, workflow) {
            if let Some(cause) = rule.fault(&policy.of_the_log_in) {
                findings.add(offset, cause);
            }
        }
    }
}

fn rules<'a>(policy: &'a AccessPolicy, workflow: &'a Workflow) -> Vec<Rule<'a>> {
    let own = format!("workflows.{}", workflow.name());
    let ways = ways_to(policy, workflow, &[]);
    let started: Vec<Way<'_>> = ways.iter().map(|way| way.clone().through(workflow)).collect();
    let start = Rule { ways, asked: workflow.start(), key: format!("{own}.start") };
    let after_start = |asked, key| Rule { ways: started.clone(), asked, key };
    let states =
        workflow.states().map(|(state, guarded)| after_start(guarded.requirement(), format!("{own}.states.{state}")));
    let starts = workflow
        .nested_starts()
        .filter_map(|(state, name)| Some(after_start(policy.workflow(name)?.start(), format!("{own}.nested.{state}"))));
    std::iter::once(start).chain(states).chain(starts).collect()
}

/// The ways to a workflow's start: its route, and each other workflow that starts it. Where the policy has neither, it is not the
/// policy that tells.
fn ways_to<'a>(policy: &'a AccessPolicy, workflow: &'a Workflow, above: &[&WorkflowName]) -> Vec<Way<'a>> {
    let route = policy.route_for("POST", &format!("/workflows/{}/executions", workflow.name())).map(|route| {
        let name = format!("route `{} {}`", route.method().as_str(), route.path());
        let met = vec![Met { name, rule: route.requirement(), is_of_this_token: true }];
        Way { met, evidence: Evidence::AccessToken }
    });
    let above: Vec<&WorkflowName> = above.iter().copied().chain([workflow.name()]).collect();
    let starts_it = |other: &&Workflow| other.nested_starts().any(|(_, name)| name == workflow.name());
    let parents = policy.workflows().filter(starts_it).filter(|other| !above.contains(&other.name()));
    let nested = parents.flat_map(|parent| ways_to(policy, parent, &above).into_iter().map(|way| way.through(parent)));
    let ways: Vec<Way<'_>> = route.into_iter().chain(nested).take(MAX_WAYS + 1).collect();
    let is_open = ways.is_empty() || ways.len() > MAX_WAYS;
    if is_open { vec![Way { met: Vec::new(), evidence: Evidence::AccessToken }] } else { ways }
}

impl<'a> Way<'a> {
    /// The way behind the workflow's start, where a statement is looked at in place of the token.
    fn through(self, workflow: &'a Workflow) -> Self {
        let name = format!("`workflows.{}.start`", workflow.name());
        let start = Met { name, rule: workflow.start(), is_of_this_token: false };
        let before = self.met.into_iter().map(|met| Met { is_of_this_token: false, ..met });
        Self { met: before.chain([start]).collect(), evidence: Evidence::Statement }
    }
}

impl Rule<'_> {
    /// The fault of the first way, if there is one on every way.
    fn fault(&self, of_the_log_in: &AuthenticationClaims) -> Option<String> {
        let faults: Option<Vec<String>> = self.ways.iter().map(|way| self.fault_on(way, of_the_log_in)).collect();
        faults?.into_iter().next()
    }

    fn fault_on(&self, way: &Way<'_>, of_the_log_in: &AuthenticationClaims) -> Option<String> {
        let actors = way.met.iter().map(|met| met.rule.actor()).chain([self.asked.actor()]);
        let actor =
            if actors.into_iter().all(|actor| actor == ActorRule::Any) { ActorRule::Any } else { ActorRule::None };
        let seen = Seen { actor, evidence: way.evidence, of_the_log_in };
        let asked = self.asked.conditions();
        let alone = asked.iter().find_map(|condition| Some((condition, condition.unmeetable(&seen)?.to_string())));
        let (condition, reason) = alone.or_else(|| self.contradiction(way, &seen))?;
        let before = way.met.iter().map(|met| met.name.as_str()).collect::<Vec<_>>().join(" and ");
        let key = &self.key;
        Some(format!("`{key}` asks for `{condition}`, which nobody can meet who has met {before}: {reason}"))
    }

    /// The first condition that cannot be met beside those before it in the list and what lasts of the rules before.
    fn contradiction(&self, way: &Way<'_>, seen: &Seen<'_>) -> Option<(&Condition, String)> {
        let lasting = way.met.iter().flat_map(|met| {
            let lasts = |condition: &Condition| match met.is_of_this_token {
                true => Some(condition.clone()),
                false => lasting(condition, seen.of_the_log_in),
            };
            met.rule.conditions().iter().filter_map(lasts)
        });
        let lasting: Vec<Condition> = lasting.collect();
        let asked = self.asked.conditions();
        if !contradict(lasting.iter().chain(asked), seen) {
            return None;
        }
        asked.iter().enumerate().find_map(|(place, condition)| {
            let earlier: Vec<&Condition> = lasting.iter().chain(asked.iter().take(place)).collect();
            let core = contradicted(&earlier, condition, seen)?;
            let core: Vec<String> = core.iter().map(|condition| format!("`{condition}`")).collect();
            Some((condition, format!("it is asked for {} too", core.join(" and "))))
        })
    }
}

/// What it says of every later statement too, where nothing of it changes with time, the realm or the input.
fn lasting(condition: &Condition, of_the_log_in: &AuthenticationClaims) -> Option<Condition> {
    let name = condition.claim().segments().first().map_or("", String::as_str);
    let stays = match of_the_log_in.source_of(name) {
        ClaimSource::Stated | ClaimSource::Authentication => true,
        ClaimSource::Realm => OF_THE_SUBJECT.contains(&name),
        ClaimSource::AccessToken | ClaimSource::Unclassified => false,
    };
    match condition.test() {
        Test::Equals(Operand::Literal(_))
        | Test::Contains(Operand::Literal(_))
        | Test::AtLeast(Bound::Literal(_))
        | Test::AtMost(Bound::Literal(_)) => Some(condition.clone()),
        // What was so long ago at the start is so long ago later.
        Test::AtMost(Bound::Ago(_)) => Some(condition.clone()),
        // What was not longer ago at the start is still not from before the first decision.
        Test::AtLeast(Bound::Ago(ago)) => {
            let least = EARLIEST_DECISION - i128::from(ago.as_secs());
            Some(Condition::new(condition.claim().clone(), Test::AtLeast(Bound::Literal(least))))
        }
        Test::Equals(Operand::Input(_))
        | Test::Contains(Operand::Input(_))
        | Test::AtLeast(Bound::Input(_))
        | Test::AtMost(Bound::Input(_)) => None,
    }
    .filter(|_| stays)
}
