//! A requirement against an identity.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::access::{ActorRule, Bound, Condition, Effect, Operand, Plain, Requirement, Test};
use crate::claims::{Actor, ClaimPath, Identity, Role, at};
use crate::decision::unmet::{Shape, Unmet};
use crate::json::Json;
use crate::unix_time::UnixTime;

/// Everything of the requirement that the identity does not meet, in the requirement's order.
pub(crate) fn unmet(identity: &Identity, requirement: &Requirement, input: &Map<String, Value>) -> Vec<Unmet> {
    each_unmet(identity, requirement, input).collect()
}

/// What the decision on the requirement comes to; nothing is collected for it.
pub(super) fn effect(identity: &Identity, requirement: &Requirement, input: &Map<String, Value>) -> Effect {
    match each_unmet(identity, requirement, input).next() {
        None => Effect::Allow,
        Some(_) => Effect::Deny,
    }
}

fn each_unmet<'a>(
    identity: &'a Identity,
    requirement: &'a Requirement,
    input: &'a Map<String, Value>,
) -> impl Iterator<Item = Unmet> + use<'a> {
    let actor = identity.actor().filter(|_| requirement.actor() == ActorRule::None).map(forbidden);
    let missing = move |role: &&Role| !identity.has(role);
    let roles = requirement.roles().iter().filter(missing).map(|role| Unmet::MissingRole { expected: role.clone() });
    let any_role = Some(requirement.any_role()).filter(|roles| !roles.is_empty());
    let any_role = any_role.and_then(|roles| none_of(identity, roles));
    let conditions = requirement.conditions().iter().filter_map(move |condition| unmet_by(identity, condition, input));
    actor.into_iter().chain(roles).chain(any_role).chain(conditions)
}

/// The cause where the subject has to act himself.
pub(super) fn forbidden(actor: &Actor) -> Unmet {
    Unmet::ActorPresent { expected: ActorRule::None, presented: actor.clone() }
}

/// The cause if the identity has none of the roles, so also if there are none.
pub(super) fn none_of(identity: &Identity, roles: &[Role]) -> Option<Unmet> {
    let held = roles.iter().any(|role| identity.has(role));
    (!held).then(|| Unmet::NoneOfRoles { expected: roles.to_vec() })
}

/// The first cause for which the identity's claim does not meet the condition.
fn unmet_by(identity: &Identity, condition: &Condition, input: &Map<String, Value>) -> Option<Unmet> {
    let Some(claim) = identity.claim(condition.claim()) else {
        return Some(Unmet::ClaimAbsent { condition: condition.clone() });
    };
    compared(condition, claim, input, identity.verified_at()).err().map(|unmet| *unmet)
}

fn compared(
    condition: &Condition,
    claim: Json<'_>,
    input: &Map<String, Value>,
    now: UnixTime,
) -> Result<(), Box<Unmet>> {
    let is_of = |expected: Shape| {
        let presented = Shape::of(claim);
        let wrong = || Unmet::ClaimOfWrongType { condition: condition.clone(), expected, presented };
        if presented == expected { Ok(()) } else { Err(Box::new(wrong())) }
    };
    let holds = |is_met: bool, expected: Cow<'_, Plain>| {
        let unmet =
            |expected| Unmet::ClaimUnmet { condition: condition.clone(), expected, presented: claim.to_value() };
        if is_met { Ok(()) } else { Err(Box::new(unmet(expected.into_owned()))) }
    };
    match condition.test() {
        Test::Equals(operand) => {
            let value = value(condition, operand, input)?;
            is_of(Shape::of_plain(&value))?;
            holds(value.is(claim), value)
        }
        Test::Contains(operand) if condition.looks_at_scope() => {
            let word = value(condition, operand, input)?;
            is_of(Shape::Text)?;
            holds(claim.text().is_some_and(|scope| has_word(scope, &word)), word)
        }
        Test::Contains(operand) => {
            let item = value(condition, operand, input)?;
            is_of(Shape::Array)?;
            holds(claim.array().is_some_and(|items| items.iter().any(|of| item.is(of))), item)
        }
        Test::AtLeast(bound) => {
            let least = integer(condition, bound, input, now)?;
            is_of(Shape::Integer)?;
            holds(claim.integer().is_some_and(|claim| claim >= least), Cow::Owned(Plain::Integer(least)))
        }
        Test::AtMost(bound) => {
            let most = integer(condition, bound, input, now)?;
            is_of(Shape::Integer)?;
            holds(claim.integer().is_some_and(|claim| claim <= most), Cow::Owned(Plain::Integer(most)))
        }
    }
}

/// Whether the operand is one of the scope's words (RFC 6749 §3.3).
fn has_word(scope: &str, operand: &Plain) -> bool {
    scope.split(' ').filter(|word| !word.is_empty()).any(|word| operand.is(Json::Text(word)))
}

/// The operand's value, taken from the input where the condition says so.
fn value<'c>(
    condition: &Condition,
    operand: &'c Operand,
    input: &Map<String, Value>,
) -> Result<Cow<'c, Plain>, Box<Unmet>> {
    match operand {
        Operand::Literal(value) => Ok(Cow::Borrowed(value)),
        Operand::Input(path) => of_input(condition, path, input, Shape::Plain, Plain::of).map(Cow::Owned),
    }
}

/// The bound's value, taken from the input or the clock where the condition says so.
fn integer(
    condition: &Condition,
    bound: &Bound,
    input: &Map<String, Value>,
    now: UnixTime,
) -> Result<i128, Box<Unmet>> {
    match bound {
        Bound::Literal(value) => Ok(*value),
        Bound::Ago(ago) => Ok(i128::from(now.seconds()) - i128::from(ago.as_secs())),
        Bound::Input(path) => of_input(condition, path, input, Shape::Integer, |value| Plain::of(value)?.integer()),
    }
}

fn of_input<T>(
    condition: &Condition,
    path: &ClaimPath,
    input: &Map<String, Value>,
    expected: Shape,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, Box<Unmet>> {
    let value = at(input, path).ok_or_else(|| Box::new(Unmet::InputAbsent { condition: condition.clone() }))?;
    let presented = Shape::of_value(value);
    read(value).ok_or_else(|| Box::new(Unmet::InputOfWrongType { condition: condition.clone(), expected, presented }))
}
