//! A requirement against an identity.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::access::{ActorRule, Condition, Operand, Operator, Plain, Requirement};
use crate::claims::{Actor, Identity, Role, at};
use crate::decision::unmet::{Shape, Unmet};
use crate::document::Json;
use crate::unix_time::UnixTime;

/// Everything of the requirement that the identity does not meet, in the requirement's order.
pub(crate) fn unmet(identity: &Identity, requirement: &Requirement, input: &Map<String, Value>) -> Vec<Unmet> {
    each_unmet(identity, requirement, input).collect()
}

/// Whether the identity meets all of the requirement.
pub(super) fn is_met(identity: &Identity, requirement: &Requirement, input: &Map<String, Value>) -> bool {
    each_unmet(identity, requirement, input).next().is_none()
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
    let operand = match resolved(condition, input, identity.verified_at()) {
        Ok(operand) => operand,
        Err(unmet) => return Some(*unmet),
    };
    let expected = match condition.operator() {
        Operator::Equals | Operator::AtLeast | Operator::AtMost => Shape::of_plain(&operand),
        Operator::Contains if condition.looks_at_scope() => Shape::Text,
        Operator::Contains => Shape::Array,
    };
    let presented = Shape::of(claim);
    if presented != expected {
        return Some(Unmet::ClaimOfWrongType { condition: condition.clone(), expected, presented });
    }
    let met = match condition.operator() {
        Operator::Equals => operand.is(claim),
        Operator::AtLeast => claim.integer().zip(operand.integer()).is_some_and(|(claim, least)| claim >= least),
        Operator::AtMost => claim.integer().zip(operand.integer()).is_some_and(|(claim, most)| claim <= most),
        Operator::Contains if condition.looks_at_scope() => claim.text().is_some_and(|scope| has_word(scope, &operand)),
        Operator::Contains => claim.array().is_some_and(|items| items.iter().any(|item| operand.is(item))),
    };
    (!met).then(|| {
        let presented = claim.to_value();
        Unmet::ClaimUnmet { condition: condition.clone(), expected: operand.into_owned(), presented }
    })
}

/// Whether the operand is one of the scope's words (RFC 6749 §3.3).
fn has_word(scope: &str, operand: &Plain) -> bool {
    scope.split(' ').filter(|word| !word.is_empty()).any(|word| operand.is(Json::Text(word)))
}

/// What the claim is compared with, taken from the input or the clock where the condition says so.
fn resolved<'c>(
    condition: &'c Condition,
    input: &Map<String, Value>,
    now: UnixTime,
) -> Result<Cow<'c, Plain>, Box<Unmet>> {
    let path = match condition.operand() {
        Operand::Literal(value) => return Ok(Cow::Borrowed(value)),
        Operand::Now { before } => {
            return Ok(Cow::Owned(Plain::Integer(i128::from(now.seconds()) - i128::from(before.as_secs()))));
        }
        Operand::Input(path) => path,
    };
    let value = at(input, path).ok_or_else(|| Box::new(Unmet::InputAbsent { condition: condition.clone() }))?;
    let (expected, operand) = match condition.operator() {
        Operator::Equals | Operator::Contains => (Shape::Plain, Plain::of(value)),
        Operator::AtLeast | Operator::AtMost => (Shape::Integer, integer(value).map(Plain::Integer)),
    };
    let presented = Shape::of_value(value);
    operand
        .map(Cow::Owned)
        .ok_or_else(|| Box::new(Unmet::InputOfWrongType { condition: condition.clone(), expected, presented }))
}

fn integer(value: &Value) -> Option<i128> {
    Plain::of(value)?.integer()
}
