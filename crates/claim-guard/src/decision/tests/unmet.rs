//! What causes say of themselves.

use serde_json::{Value, json};

use crate::access::{Condition, Plain};
use crate::claims::Role;
use crate::decision::test_identity::identity;
use crate::decision::{Shape, Starter, Unmet};
use crate::identifier::{StateName, WorkflowName};

fn condition(text: &str) -> Condition {
    Condition::parse(text).expect("a condition")
}

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).expect("a workflow")
}

#[track_caller]
fn check(unmet: &Unmet, code: &str, expected: Option<&str>, presented: Option<&str>, message: &str) {
    assert_eq!(
        (unmet.code(), unmet.expected().as_deref(), unmet.presented().as_deref(), unmet.to_string().as_str()),
        (code, expected, presented, message)
    );
}

#[test]
fn every_cause_has_a_code_both_sides_and_a_message() {
    check(
        &Unmet::NoRoute { method: "GET".to_owned(), path: "/x".to_owned() },
        "no_route",
        None,
        Some("GET /x"),
        "the policy has no route for `GET /x`",
    );
    check(
        &Unmet::NoWorkflow { presented: workflow("w") },
        "no_workflow",
        None,
        Some("w"),
        "the policy has no workflow `w`",
    );
    check(
        &Unmet::WrongWorkflow { expected: workflow("w"), presented: workflow("v") },
        "wrong_workflow",
        Some("w"),
        Some("v"),
        "the transaction is one of workflow `v`, expected `w`",
    );
    check(
        &Unmet::NoState { workflow: workflow("w"), presented: StateName::parse("S").expect("a state") },
        "no_state",
        None,
        Some("S"),
        "the policy asks nothing of state `S` of workflow `w`",
    );
    let starter = Starter::of(&identity(&[], json!({})));
    let alice = "alice of https://id.example/realms/workflows";
    check(
        &Unmet::NotTheStarter { expected: starter.clone(), presented: starter.clone() },
        "not_the_starter",
        Some(alice),
        Some(alice),
        &format!("the execution was started by `{alice}`, not by `{alice}`"),
    );
    check(
        &Unmet::StartedByAnother { presented: starter },
        "started_by_another",
        None,
        Some(alice),
        &format!("the execution was started by another than `{alice}`"),
    );
    let role = |name: &str| Role::realm(name).expect("a role");
    check(
        &Unmet::MissingRole { expected: role("a") },
        "missing_role",
        Some("realm:a"),
        None,
        "role `realm:a` is missing",
    );
    check(
        &Unmet::NoneOfRoles { expected: vec![role("a"), role("b")] },
        "none_of_roles",
        Some("realm:a realm:b"),
        None,
        "none of the roles `realm:a realm:b` is there",
    );
}

#[test]
fn every_cause_of_a_condition_has_a_code_both_sides_and_a_message() {
    let level = || condition("a.level >= input.x");
    check(
        &Unmet::ClaimAbsent { condition: level() },
        "claim_absent",
        Some("a.level >= input.x"),
        None,
        "claim `a.level` is absent, expected `a.level >= input.x`",
    );
    check(
        &Unmet::InputAbsent { condition: level() },
        "input_absent",
        Some("a.level >= input.x"),
        None,
        "the input has nothing to compare with, expected `a.level >= input.x`",
    );
    check(
        &Unmet::InputOfWrongType { condition: level(), expected: Shape::Integer, presented: Shape::NestedArray },
        "input_of_wrong_type",
        Some("integer"),
        Some("array of other than booleans, integers and texts"),
        "the input of `a.level >= input.x` is of type `array of other than booleans, integers and texts`, \
         expected `integer`",
    );
    check(
        &Unmet::ClaimOfWrongType { condition: level(), expected: Shape::Integer, presented: Shape::Text },
        "claim_of_wrong_type",
        Some("integer"),
        Some("text"),
        "claim `a.level` is of type `text`, expected `integer`",
    );
    check(
        &Unmet::ClaimUnmet { condition: level(), expected: Plain::Integer(2), presented: json!(1) },
        "claim_unmet",
        Some(">= 2"),
        Some("1"),
        "claim `a.level` is `1`, expected `>= 2`",
    );
}

#[test]
fn every_shape_has_a_name() {
    let shapes = [
        Shape::Null,
        Shape::Boolean,
        Shape::Integer,
        Shape::Fraction,
        Shape::Text,
        Shape::Plain,
        Shape::Array,
        Shape::NestedArray,
        Shape::Object,
    ];
    assert_eq!(
        shapes.map(|shape| shape.to_string()),
        [
            "null",
            "boolean",
            "integer",
            "fraction",
            "text",
            "boolean, integer or text",
            "array",
            "array of other than booleans, integers and texts",
            "object"
        ]
    );
}

#[test]
fn what_a_stranger_wrote_is_short_and_printable_in_every_message() {
    let long = format!("\u{202e}`\n\"{}", "\u{e9}".repeat(100_000));
    let causes = [
        Unmet::NoRoute { method: long.clone(), path: long.clone() },
        Unmet::ClaimUnmet {
            condition: condition("c = input.x"),
            expected: Plain::Text(long.clone()),
            presented: Value::String(long.clone()),
        },
        Unmet::ClaimUnmet {
            condition: condition("c contains 1"),
            expected: Plain::Integer(1),
            presented: json!([long.as_str()]),
        },
    ];
    for cause in causes {
        let printable = |text: &str| text.chars().all(|c| matches!(c, ' '..='~'));
        for side in [cause.expected(), cause.presented()].into_iter().flatten() {
            assert!(printable(&side) && side.len() <= 256, "{side}");
        }
        assert!(printable(&cause.to_string()) && cause.to_string().len() < 1024, "{cause}");
    }
}
