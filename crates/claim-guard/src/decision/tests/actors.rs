//! Decisions on a subject in whose place somebody acts.

use serde_json::{Value, json};

use super::messages;
use crate::access::{AccessPolicy, Workflow};
use crate::claims::{Actor, Identity};
use crate::decision::policy::{
    on_execution, on_execution_of_another, on_execution_of_own_name, on_request, on_start, on_state,
};
use crate::decision::routes::on_routes;
use crate::decision::test_identity::{identity, object};
use crate::decision::{Decision, Starter};
use crate::identifier::{StateName, Subject, WorkflowName};
use crate::json::Document;
use crate::json::{Members, Part};

const POLICY: &str = r#"
[[routes]]
method = "GET"
path = "/own"
any_verified_caller = true

[[routes]]
method = "GET"
path = "/own-by-name"
any_verified_caller = true
actor = "none"

[[routes]]
method = "GET"
path = "/any"
any_verified_caller = true
actor = "any"

[[routes]]
method = "GET"
path = "/support"
roles = ["realm:employee"]
claims = ["act.sub = \"support\""]
actor = "any"

[workflows.own]
session = "ignored"
max_duration = "365d"
describe = ["realm:employee"]
stop = ["realm:employee"]
start.roles = ["realm:employee"]
states.Own.any_verified_caller = true
states.Any = { any_verified_caller = true, actor = "any" }

[workflows.any]
session = "ignored"
max_duration = "365d"
start = { any_verified_caller = true, actor = "any" }
states.Own.any_verified_caller = true
"#;

const ADMIN: &str = "`admin` acts in the subject's place, expected actor `none`";

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).expect("a policy")
}

/// Alice, an employee, in whose place somebody acts.
fn through(act: Value) -> Identity {
    let claims = json!({ "act": act });
    let document = Document::object(claims.to_string().into_bytes()).expect("an object");
    let actor = Actor::claimed(&Members::new(Part::Payload, document.members())).expect("an actor");
    Identity { actor, ..identity(&["realm:employee"], claims) }
}

fn alice() -> Identity {
    identity(&["realm:employee"], json!({}))
}

fn named(name: &str) -> Identity {
    through(json!({ "sub": name }))
}

#[track_caller]
fn check(decision: &Decision, expected: &[&str]) {
    assert_eq!(messages(decision), expected);
}

fn request(who: &Identity, path: &str) -> Decision {
    on_request(&policy(), who, "GET", path)
}

fn start(who: &Identity, name: &str) -> Decision {
    on_start(&policy(), who, &WorkflowName::parse(name).expect("a workflow"), &object(json!({})))
}

fn at(who: &Identity, name: &str) -> Decision {
    let (workflow, state) = (WorkflowName::parse("own").expect("a workflow"), StateName::parse(name).expect("a state"));
    on_state(&policy(), who, &workflow, &workflow, &state, &object(json!({})))
}

#[test]
fn nobody_acts_in_another_s_place_where_the_policy_does_not_say_so() {
    let admin = named("admin");
    for path in ["/own", "/own-by-name"] {
        check(&request(&admin, path), &[ADMIN]);
        check(&request(&alice(), path), &[]);
    }
    check(&request(&admin, "/any"), &[]);
    check(&request(&alice(), "/any"), &[]);
    check(&start(&admin, "own"), &[ADMIN]);
    check(&start(&alice(), "own"), &[]);
    check(&start(&admin, "any"), &[]);
    check(&at(&admin, "Own"), &[ADMIN]);
    check(&at(&alice(), "Own"), &[]);
    check(&at(&admin, "Any"), &[]);
}

#[test]
fn an_actor_is_named_beside_everything_else_that_is_unmet() {
    let stranger = Identity { actor: named("admin").actor, ..identity(&[], json!({})) };
    check(&start(&stranger, "own"), &[ADMIN, "role `realm:employee` is missing"]);
}

#[test]
fn a_decision_is_about_whoever_acts_now() {
    let chain = through(json!({ "sub": "robot", "client_id": "c", "act": { "sub": "admin" } }));
    check(&request(&chain, "/own"), &["`robot by c` acts in the subject's place, expected actor `none`"]);
    check(&request(&named("support"), "/support"), &[]);
    check(&request(&named("admin"), "/support"), &["claim `act.sub` is `\"admin\"`, expected `= \"support\"`"]);
    check(&request(&alice(), "/support"), &["claim `act.sub` is absent, expected `act.sub = \"support\"`"]);
}

#[test]
fn a_grant_names_whoever_acts() {
    let Decision::Allow(grant) = request(&named("admin"), "/any") else { panic!("denied") };
    assert_eq!(grant.actor(), named("admin").actor());
    let Decision::Allow(grant) = request(&alice(), "/any") else { panic!("denied") };
    assert_eq!(grant.actor(), None);
}

#[test]
fn whoever_acts_in_the_starter_s_place_is_not_the_starter() {
    let workflow = WorkflowName::parse("own").expect("a workflow");
    let decide = |who: &Identity, starter: &Identity, roles| {
        on_execution(&policy(), who, &workflow, &Starter::of(starter), roles)
    };
    let realm = "https://id.example/realms/workflows";
    let not = |started: &str, asks: &str| format!("the execution was started by `{started}`, not by `{asks}`");
    let (own, through_admin, through_robot) = (
        format!("alice of {realm}"),
        format!("alice of {realm} through admin"),
        format!("alice of {realm} through robot"),
    );
    for roles in [Workflow::describe, Workflow::stop] {
        // Alice sees what was started in her name, whoever did so.
        check(&decide(&alice(), &alice(), roles), &[]);
        check(&decide(&alice(), &named("admin"), roles), &[]);
        // An actor sees what he started himself, and no role of hers is his.
        check(&decide(&named("admin"), &named("admin"), roles), &[]);
        check(&decide(&named("admin"), &alice(), roles), &[&not(&own, &through_admin), ADMIN]);
        check(&decide(&named("admin"), &named("robot"), roles), &[&not(&through_robot, &through_admin), ADMIN]);
        // Somebody else with the role still may.
        let mut bob = alice();
        bob.subject = Subject::parse("bob").expect("a subject");
        check(&decide(&bob, &named("admin"), roles), &[]);
        // Nor is a role of hers his where it is not known who has started it.
        let another = format!("the execution was started by another than `{through_admin}`");
        check(&on_execution_of_another(&policy(), &named("admin"), &workflow, roles), &[&another, ADMIN]);
        check(&on_execution_of_another(&policy(), &bob, &workflow, roles), &[]);
        // A name that was given to Alice may have been given to whoever acts in her place.
        check(&on_execution_of_own_name(&policy(), &alice(), &workflow, roles), &[]);
        check(&on_execution_of_own_name(&policy(), &named("admin"), &workflow, roles), &[ADMIN]);
    }
}

#[test]
fn one_policy_for_every_route_says_the_same_to_an_actor() {
    let met = |who: &Identity| {
        let policy = policy();
        on_routes(&policy, who, "GET", "/any").patterns().allow.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(met(&named("admin")), ["GET/any"]);
    assert_eq!(met(&named("support")), ["GET/any", "GET/support"]);
    assert_eq!(met(&alice()), ["GET/own", "GET/own-by-name", "GET/any"]);
}
