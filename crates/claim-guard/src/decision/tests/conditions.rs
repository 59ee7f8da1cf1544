//! Each operator against each type on both sides: nothing is coerced.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::access::{ActorRule, Condition, Plain, Requirement};
use crate::decision::decide::unmet;
use crate::decision::test_identity::{identity, object};
use crate::decision::unmet::{Shape, Unmet};

fn condition(text: &str) -> Condition {
    Condition::parse(text).expect("a condition")
}

fn causes(text: &str, claims: Value, input: Value) -> Vec<Unmet> {
    let requirement = Requirement::all_of(Vec::new(), Vec::new(), vec![condition(text)], ActorRule::None)
        .expect("a condition is asked");
    unmet(&identity(&[], claims), &requirement, &object(input))
}

#[track_caller]
fn met(text: &str, claim: Value) {
    assert_eq!(causes(text, json!({ "c": claim }), json!({})), [], "{text} {claim}");
}

#[track_caller]
fn other_value(text: &str, expected: Plain, claim: Value) {
    let cause = Unmet::ClaimUnmet { condition: condition(text), expected, presented: claim.clone() };
    assert_eq!(causes(text, json!({ "c": claim }), json!({})), [cause], "{text} {claim}");
}

#[track_caller]
fn other_type(text: &str, expected: Shape, claim: Value, presented: Shape) {
    let cause = Unmet::ClaimOfWrongType { condition: condition(text), expected, presented };
    assert_eq!(causes(text, json!({ "c": claim }), json!({})), [cause], "{text} {claim}");
}

/// One claim of each type, and what the type is.
fn every_type() -> Vec<(Value, Shape)> {
    vec![
        (Value::Null, Shape::Null),
        (json!(true), Shape::Boolean),
        (json!(false), Shape::Boolean),
        (json!(0), Shape::Integer),
        (json!(1), Shape::Integer),
        (json!(-1), Shape::Integer),
        (json!(u64::MAX), Shape::Integer),
        (json!(1.0), Shape::Fraction),
        (json!(1e300), Shape::Fraction),
        (json!(""), Shape::Text),
        (json!("true"), Shape::Text),
        (json!("1"), Shape::Text),
        (json!("eu"), Shape::Text),
        (json!([]), Shape::Array),
        (json!([true]), Shape::Array),
        (json!([1]), Shape::Array),
        (json!(["eu"]), Shape::Array),
        (json!([null]), Shape::NestedArray),
        (json!([1.0]), Shape::NestedArray),
        (json!([["eu"]]), Shape::NestedArray),
        (json!(["eu", {}]), Shape::NestedArray),
        (json!({}), Shape::Object),
        (json!({ "eu": true }), Shape::Object),
    ]
}

#[test]
fn a_claim_of_another_type_is_unmet_whatever_its_value() {
    let conditions = [
        ("c = true", Shape::Boolean),
        ("c = false", Shape::Boolean),
        ("c = 1", Shape::Integer),
        ("c >= 1", Shape::Integer),
        ("c <= 1", Shape::Integer),
        ("c = \"eu\"", Shape::Text),
        ("c = \"\"", Shape::Text),
        ("c contains \"eu\"", Shape::Array),
        ("c contains true", Shape::Array),
        ("c contains 1", Shape::Array),
    ];
    for (text, expected) in conditions {
        for (claim, presented) in every_type().into_iter().filter(|(_, shape)| *shape != expected) {
            other_type(text, expected, claim, presented);
        }
    }
}

#[test]
fn equals_is_met_by_the_same_value_only() {
    met("c = true", json!(true));
    met("c = false", json!(false));
    met("c = 1", json!(1));
    met("c = -9223372036854775808", json!(i64::MIN));
    met("c = \"eu\"", json!("eu"));
    met("c = \"\"", json!(""));
    other_value("c = true", Plain::Boolean(true), json!(false));
    other_value("c = false", Plain::Boolean(false), json!(true));
    other_value("c = 1", Plain::Integer(1), json!(2));
    other_value("c = -1", Plain::Integer(-1), json!(u64::MAX));
    for claim in ["EU", "eu ", "e", "eu\u{0}", "\u{435}u"] {
        other_value("c = \"eu\"", Plain::Text("eu".to_owned()), json!(claim));
    }
}

#[test]
fn at_least_and_at_most_include_their_bound() {
    for claim in [json!(2), json!(3), json!(u64::MAX)] {
        met("c >= 2", claim);
    }
    for claim in [json!(1), json!(0), json!(-2), json!(i64::MIN)] {
        other_value("c >= 2", Plain::Integer(2), claim);
    }
    for claim in [json!(2), json!(1), json!(i64::MIN)] {
        met("c <= 2", claim);
    }
    for claim in [json!(3), json!(u64::MAX)] {
        other_value("c <= 2", Plain::Integer(2), claim);
    }
}

#[test]
fn contains_is_met_by_an_element_of_the_same_type_and_value() {
    met("c contains \"eu\"", json!(["us", "eu"]));
    met("c contains \"eu\"", json!([true, 1, "eu"]));
    met("c contains 1", json!(["1", 1]));
    met("c contains true", json!([false, true]));
    for claim in [json!([]), json!(["EU"]), json!(["europe"]), json!([1, true, "us"])] {
        other_value("c contains \"eu\"", Plain::Text("eu".to_owned()), claim);
    }
    other_value("c contains 1", Plain::Integer(1), json!(["1", true, 2]));
    other_value("c contains true", Plain::Boolean(true), json!(["true", 1, false]));
}

#[test]
fn an_absent_claim_is_unmet() {
    let absent = |text: &str| Unmet::ClaimAbsent { condition: condition(text) };
    for claims in
        [json!({}), json!({ "C": true }), json!({ "c.d": true }), json!({ "c": true }), json!({ "c": [true] })]
    {
        assert_eq!(causes("c.d = true", claims.clone(), json!({})), [absent("c.d = true")], "{claims}");
    }
    assert_eq!(causes("c = false", json!({}), json!({ "c": false })), [absent("c = false")]);
    assert_eq!(causes("c.d = true", json!({ "c": { "d": true } }), json!({})), []);
    assert_eq!(causes("\"c.d\" = true", json!({ "c.d": true }), json!({})), []);
}

#[test]
fn an_operand_of_the_input_is_compared_with_its_own_type() {
    let text = "project = input.work.project";
    let input = |value: Value| json!({ "work": { "project": value } });
    for value in [json!("apollo"), json!(7), json!(true), json!(u64::MAX)] {
        assert_eq!(causes(text, json!({ "project": value }), input(value.clone())), [], "{value}");
    }
    assert_eq!(
        causes(text, json!({ "project": "apollo" }), input(json!("gemini"))),
        [Unmet::ClaimUnmet {
            condition: condition(text),
            expected: Plain::Text("gemini".to_owned()),
            presented: json!("apollo")
        }]
    );
    assert_eq!(
        causes(text, json!({ "project": "7" }), input(json!(7))),
        [Unmet::ClaimOfWrongType { condition: condition(text), expected: Shape::Integer, presented: Shape::Text }]
    );
    assert_eq!(causes("c contains input.r", json!({ "c": ["eu", 1] }), json!({ "r": 1 })), []);
    assert_eq!(causes("c >= input.n", json!({ "c": 2 }), json!({ "n": 2 })), []);
    assert_eq!(
        causes("c >= input.n", json!({ "c": 2 }), json!({ "n": 3 })),
        [Unmet::ClaimUnmet { condition: condition("c >= input.n"), expected: Plain::Integer(3), presented: json!(2) }]
    );
    assert_eq!(causes("c <= input.n", json!({ "c": 2 }), json!({ "n": u64::MAX })), []);
}

#[test]
fn an_input_without_a_plain_value_at_the_path_is_unmet() {
    let text = "c = input.x";
    let claims = || json!({ "c": "a" });
    for input in [json!({}), json!({ "X": "a" }), json!({ "y": { "x": "a" } })] {
        assert_eq!(causes(text, claims(), input), [Unmet::InputAbsent { condition: condition(text) }]);
    }
    // Even where both sides are alike.
    for (value, presented) in every_type() {
        let cause = |expected| Unmet::InputOfWrongType { condition: condition(text), expected, presented };
        let unmet = causes(text, json!({ "c": value }), json!({ "x": value }));
        match presented {
            Shape::Boolean | Shape::Integer | Shape::Text => assert_eq!(unmet, [], "{value}"),
            Shape::Null | Shape::Fraction | Shape::Plain | Shape::Array | Shape::NestedArray | Shape::Object => {
                assert_eq!(unmet, [cause(Shape::Plain)], "{value}");
            }
        }
    }
    for text in ["c >= input.x", "c <= input.x"] {
        for (value, presented) in every_type().into_iter().filter(|(_, shape)| *shape != Shape::Integer) {
            let expected = Shape::Integer;
            assert_eq!(
                causes(text, json!({ "c": 1 }), json!({ "x": value })),
                [Unmet::InputOfWrongType { condition: condition(text), expected, presented }]
            );
        }
    }
}

#[test]
fn a_scope_contains_its_words() {
    let causes = |text: &str, scope: Value, input: Value| causes(text, json!({ "scope": scope }), input);
    let payments = "scope contains \"payments\"";
    for scope in ["payments", "openid payments", "payments email", "openid payments email"] {
        assert_eq!(causes(payments, json!(scope), json!({})), [], "{scope}");
    }
    let expected = Plain::Text("payments".to_owned());
    // No word is no scope.
    let absent = Unmet::ClaimAbsent { condition: condition(payments) };
    assert_eq!(causes(payments, json!(""), json!({})), [absent]);
    for scope in ["openid", "Payments", "payments.read", "pay ments", "openid payment"] {
        let unmet =
            Unmet::ClaimUnmet { condition: condition(payments), expected: expected.clone(), presented: json!(scope) };
        assert_eq!(causes(payments, json!(scope), json!({})), [unmet], "{scope}");
    }
    let of_input = "scope contains input.x";
    assert_eq!(causes(of_input, json!("openid payments"), json!({ "x": "payments" })), []);
    for x in ["", " ", "openid payments", "pay"] {
        let expected = Plain::Text(x.to_owned());
        let presented = json!("openid payments");
        let unmet = Unmet::ClaimUnmet { condition: condition(of_input), expected, presented: presented.clone() };
        assert_eq!(causes(of_input, presented, json!({ "x": x })), [unmet], "{x:?}");
    }
    // A claim of that name elsewhere is the realm's own.
    met("c contains \"payments\"", json!(["payments"]));
    other_type("c contains \"payments\"", Shape::Array, json!("payments"), Shape::Text);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(every_type()).prop_map(|(value, _)| value);
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::hash_map("[abx]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn members() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::hash_map("[abx]", value(), 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    /// Taking a role or a claim away never turns a denial into a grant.
    #[test]
    fn whoever_has_less_is_not_allowed_more(
        conditions in prop::collection::vec(
            "[abx](\\.[abx])? (= (true|1|\"eu\"|input\\.[abx])|(>=|<=) (1|input\\.[abx])|contains (true|1|\"eu\"))", 0..3),
        roles in prop::collection::vec("realm:[a-d]", 0..2),
        any_role in prop::collection::vec("realm:[a-d]", 0..3),
        held in prop::collection::btree_set("realm:[a-d]", 0..4),
        lost in "realm:[a-d]",
        claims in members(),
        gone in "[abx]",
        input in members(),
    ) {
        let read = |texts: &[String]| texts.iter().map(|text| crate::claims::Role::parse(text).expect("a role")).collect();
        let conditions = conditions.iter().map(|text| condition(text)).collect();
        let requirement = Requirement::all_of(read(&roles), read(&any_role), conditions, ActorRule::None);
        let requirement = requirement.unwrap_or_else(|| Requirement::any_verified_caller(ActorRule::None));
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        let fewer: Vec<&str> = held.iter().copied().filter(|role| *role != lost).collect();
        let mut less = claims.clone();
        less.remove(&gone);
        let before = unmet(&identity(&held, Value::Object(claims)), &requirement, &input);
        let after = unmet(&identity(&fewer, Value::Object(less)), &requirement, &input);
        prop_assert!(before.is_empty() || !after.is_empty(), "{:?}", before);
        prop_assert!(before.len() <= after.len());
    }

    /// What a grant keeps of an identity decides as the whole identity does.
    #[test]
    fn what_a_grant_keeps_is_enough_for_its_requirement(
        conditions in prop::collection::vec("[abx](\\.[abx])? (= (true|1|\"eu\")|(>=|<=) 1|contains (true|1|\"eu\"))", 1..4),
        claims in members(),
    ) {
        let conditions = conditions.iter().map(|text| condition(text)).collect();
        let requirement = Requirement::all_of(Vec::new(), Vec::new(), conditions, ActorRule::None).expect("conditions are asked");
        let whole = identity(&[], Value::Object(claims));
        let mut kept = identity(&[], json!({}));
        kept.claims = whole.claims().pruned(requirement.named_claims());
        let (input, none) = (Map::new(), Vec::new());
        prop_assert_eq!(unmet(&whole, &requirement, &input) == none, unmet(&kept, &requirement, &input) == none);
    }
}
