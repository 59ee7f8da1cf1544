//! What a route, a start or a state asks of an identity.

use std::collections::BTreeSet;

use crate::access::actor_rule::ActorRule;
use crate::access::condition::Condition;
use crate::claims::{ClaimPath, Role};

/// All of some roles, one of some roles, and all of some conditions on claims; or nothing but to be verified. In each case
/// it says whether somebody may act in the subject's place.
///
/// It asks for nothing only where the policy says `any_verified_caller = true`: an empty requirement cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    roles: Vec<Role>,
    any_role: Vec<Role>,
    conditions: Vec<Condition>,
    actor: ActorRule,
}

impl Requirement {
    /// Every verified caller meets it who acts himself, or whose actor may.
    pub(crate) fn any_verified_caller(actor: ActorRule) -> Self {
        Self { roles: Vec::new(), any_role: Vec::new(), conditions: Vec::new(), actor }
    }

    /// All of `roles`, one of `any_role` if there are any, and all of `conditions`; none if there is nothing to ask.
    pub(crate) fn all_of(
        roles: Vec<Role>,
        any_role: Vec<Role>,
        conditions: Vec<Condition>,
        actor: ActorRule,
    ) -> Option<Self> {
        let asked = Self { roles, any_role, conditions, actor };
        (!asked.is_any_verified_caller()).then_some(asked)
    }

    /// Whether it asks of the subject nothing but to be verified.
    pub fn is_any_verified_caller(&self) -> bool {
        self.roles.is_empty() && self.any_role.is_empty() && self.conditions.is_empty()
    }

    /// The roles that are needed, all of them, in the policy's order.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The roles of which one is needed, in the policy's order. If there are none, none is needed.
    pub fn any_role(&self) -> &[Role] {
        &self.any_role
    }

    /// The conditions, all of which have to be met, in the policy's order.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether somebody may act in the subject's place.
    pub fn actor(&self) -> ActorRule {
        self.actor
    }

    /// Whether every identity that meets this requirement surely meets the other one too.
    ///
    /// It looks at roles and conditions as they are written, so it may say no where a closer look would say yes.
    pub(super) fn implies(&self, other: &Self) -> bool {
        let any_role = other.any_role.is_empty()
            || self.roles.iter().any(|role| other.any_role.contains(role))
            || (!self.any_role.is_empty() && self.any_role.iter().all(|role| other.any_role.contains(role)));
        let actor = other.actor == ActorRule::Any || self.actor == ActorRule::None;
        actor
            && any_role
            && other.roles.iter().all(|role| self.roles.contains(role))
            && other.conditions.iter().all(|condition| self.conditions.contains(condition))
    }

    /// Every role that is named here.
    pub fn named_roles(&self) -> BTreeSet<&Role> {
        self.roles.iter().chain(&self.any_role).collect()
    }

    /// The path of every claim that is named here.
    pub fn named_claims(&self) -> BTreeSet<&ClaimPath> {
        self.conditions.iter().map(Condition::claim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(roles: &[&str], any_role: &[&str], conditions: &[&str]) -> Requirement {
        let read = |texts: &[&str]| texts.iter().map(|text| Role::realm(text).expect("a role")).collect();
        let conditions = conditions.iter().map(|text| Condition::parse(text).expect("a condition")).collect();
        Requirement { roles: read(roles), any_role: read(any_role), conditions, actor: ActorRule::None }
    }

    #[test]
    fn a_requirement_implies_what_asks_for_no_more() {
        let check = |one: &Requirement, other: &Requirement, expected: bool| {
            assert_eq!(one.implies(other), expected, "{one:?} {other:?}");
        };
        let nothing = Requirement::any_verified_caller(ActorRule::None);
        let whole = requirement(&["a", "b"], &["c"], &["x = 1", "y = 1"]);
        check(&whole, &whole, true);
        check(&whole, &nothing, true);
        check(&nothing, &nothing, true);
        check(&nothing, &whole, false);
        check(&whole, &requirement(&["b"], &[], &[]), true);
        check(&requirement(&["b"], &[], &[]), &requirement(&["a", "b"], &[], &[]), false);
        check(&whole, &requirement(&[], &[], &["y = 1"]), true);
        check(&whole, &requirement(&[], &[], &["y = 2"]), false);
        check(&whole, &requirement(&[], &["c", "d"], &[]), true);
        check(&requirement(&[], &["c", "d"], &[]), &requirement(&[], &["c"], &[]), false);
        check(&requirement(&["d"], &[], &[]), &requirement(&[], &["c", "d"], &[]), true);
        check(&requirement(&["e"], &[], &[]), &requirement(&[], &["c", "d"], &[]), false);
        check(&requirement(&[], &["c"], &[]), &requirement(&["c"], &[], &[]), false);
    }

    #[test]
    fn whoever_may_not_act_for_another_meets_no_more_than_whoever_may() {
        let check = |one: ActorRule, other: ActorRule, expected: bool| {
            let [one, other] = [one, other].map(Requirement::any_verified_caller);
            assert_eq!(one.implies(&other), expected, "{one:?} {other:?}");
        };
        check(ActorRule::None, ActorRule::None, true);
        check(ActorRule::None, ActorRule::Any, true);
        check(ActorRule::Any, ActorRule::Any, true);
        check(ActorRule::Any, ActorRule::None, false);
    }

    #[test]
    fn a_requirement_that_asks_for_nothing_cannot_be_made() {
        assert_eq!(Requirement::all_of(Vec::new(), Vec::new(), Vec::new(), ActorRule::Any), None);
        for asked in [requirement(&["a"], &[], &[]), requirement(&[], &["a"], &[]), requirement(&[], &[], &["x = 1"])] {
            let Requirement { roles, any_role, conditions, actor } = asked.clone();
            assert!(!asked.is_any_verified_caller());
            assert_eq!(Requirement::all_of(roles, any_role, conditions, actor), Some(asked));
        }
    }
}
