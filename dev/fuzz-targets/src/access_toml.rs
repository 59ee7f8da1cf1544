use std::time::Duration;

use claim_guard::Role;
use claim_guard::access::{AccessPolicy, Condition, Method, PathTemplate, Requirement, Route, RoutePattern, Workflow};
use claim_guard::decision::Decision;
use claim_guard::identifier::{Digest, WorkflowName};
use toml::{Table, Value};

use crate::fixture::everyman;
use crate::pattern::{covers, instance};
use crate::reached::reached;

/// Texts of `access.toml`.
pub fn access_toml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match AccessPolicy::parse("access.toml", &text) {
        Ok(policy) => {
            reached("a policy");
            assert_eq!(policy.digest(), &Digest::of(text.as_bytes()));
            policy.routes().iter().for_each(|route| route_holds(&policy, route));
            policy.workflows().for_each(|workflow| workflow_holds(&policy, workflow));
            // TOML has no other spelling of `true`, and without it no requirement may ask for nothing.
            assert!(asking_nothing(&policy) <= text.matches("true").count(), "{text}");
            nothing_is_lost(&policy, &text);
            one_policy_says_the_same(&policy);
        }
        Err(faults) => {
            assert_ne!(faults.faults(), []);
            assert!(faults.faults().is_sorted_by_key(|fault| fault.line), "{faults}");
            let lines = text.split('\n').count();
            for fault in faults.faults() {
                assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
                let message = &fault.message;
                assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
            }
        }
    }
}

fn route_holds(policy: &AccessPolicy, route: &Route) {
    assert_eq!(Method::parse(route.method().as_str()), Some(route.method()));
    assert_eq!(PathTemplate::parse(&route.path().to_string()).as_ref(), Ok(route.path()));
    assert!(policy.route_for(route.method().as_str(), &instance(route)).is_some());
    requirement_holds(route.requirement());
}

fn workflow_holds(policy: &AccessPolicy, workflow: &Workflow) {
    assert_eq!(policy.workflow(workflow.name()).map(Workflow::name), Some(workflow.name()));
    let lifetime = workflow.transaction_token_lifetime();
    assert!((Duration::from_secs(30)..=Duration::from_secs(3600)).contains(&lifetime), "{lifetime:?}");
    assert_ne!(workflow.states().count(), 0);
    requirement_holds(workflow.start());
    for (state, guarded) in workflow.states() {
        assert_eq!(workflow.guarded(state), Some(guarded));
        let requirement = guarded.requirement();
        requirement_holds(requirement);
        assert!(requirement.named_roles().is_subset(&workflow.named_roles()));
        assert!(requirement.named_claims().is_subset(&workflow.named_claims()));
    }
    workflow.describe().iter().chain(workflow.stop()).for_each(role_holds);
}

/// A requirement asks for something, or says that it asks for nothing; its parts are texts that can be read again.
fn requirement_holds(requirement: &Requirement) {
    let asks = requirement.roles().len() + requirement.any_role().len() + requirement.conditions().len();
    assert_eq!(asks == 0, requirement.is_any_verified_caller());
    requirement.roles().iter().chain(requirement.any_role()).for_each(role_holds);
    for condition in requirement.conditions() {
        assert_eq!(Condition::parse(&condition.to_string()).as_ref(), Ok(condition));
    }
}

/// Every route, workflow and state that another reader finds in the text is in the policy.
fn nothing_is_lost(policy: &AccessPolicy, text: &str) {
    let document: Table = toml::from_str(text).expect("TOML");
    let routes = document.get("routes").and_then(Value::as_array).map_or(0, Vec::len);
    assert_eq!(policy.routes().len(), routes, "{text}");
    let workflows = document.get("workflows").and_then(Value::as_table).cloned().unwrap_or_default();
    assert_eq!(policy.workflows().count(), workflows.len(), "{text}");
    for (name, workflow) in workflows {
        let found = WorkflowName::parse(&name).ok().and_then(|name| policy.workflow(&name)).expect("a workflow");
        let states = workflow.get("states").and_then(Value::as_table).map_or(0, Table::len);
        assert_eq!(found.states().count(), states, "{text}");
    }
}

fn asking_nothing(policy: &AccessPolicy) -> usize {
    let routes = policy.routes().iter().map(Route::requirement);
    let starts = policy.workflows().map(Workflow::start);
    let states = policy.workflows().flat_map(Workflow::states).map(|(_, guarded)| guarded.requirement());
    routes.chain(starts).chain(states).filter(|requirement| requirement.is_any_verified_caller()).count()
}

fn role_holds(role: &Role) {
    assert_eq!(Role::parse(&role.to_string()).as_ref(), Ok(role));
}

/// One IAM policy says of a path of every route what is decided on that route.
fn one_policy_says_the_same(policy: &AccessPolicy) {
    let claims = &everyman().1;
    let allowed = |route: &Route| match policy.decide_route(claims, route) {
        Decision::Allow(_) => true,
        Decision::Deny(_) => false,
    };
    let decided = policy.decide_routes(claims, "GET", "/");
    let patterns = decided.patterns();
    for route in policy.routes() {
        let path = instance(route);
        let found = policy.route_for(route.method().as_str(), &path).expect("a route");
        let hit = |patterns: &[&RoutePattern]| {
            patterns.iter().any(|pattern| pattern.method() == route.method() && covers(pattern.path(), &path))
        };
        assert_eq!(hit(&patterns.allow) && !hit(&patterns.deny), allowed(found), "{} {path}", route.method().as_str());
    }
}
