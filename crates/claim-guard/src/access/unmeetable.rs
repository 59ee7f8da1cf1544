//! Conditions that nobody can ever meet: one alone, or two of one requirement together.

use std::fmt;

use crate::access::actor_rule::ActorRule;
use crate::access::condition::{Condition, Operator};
use crate::access::kinds::Kinds;
use crate::access::known_claim::{Evidence, KnownClaim};
use crate::access::operand::{Operand, Plain};
use crate::claims::ClaimPath;

/// Why no verified token can meet a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmeetable {
    cause: Cause,
    claim: KnownClaim,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    NeverThere,
    OfAnotherType,
    OfAnotherValue,
    SoOld,
}

impl Condition {
    /// Why no verified token can meet it, where somebody may act in the subject's place or not; none if one can.
    pub(super) fn unmeetable(&self, actor: ActorRule, evidence: Evidence) -> Option<Unmeetable> {
        let claim = KnownClaim::at(self.claim(), actor)?;
        let because = |cause| Some(Unmeetable { cause, claim });
        if let KnownClaim::NeverThere(_) = claim {
            return because(Cause::NeverThere);
        }
        if claim.kinds().excludes(self.kinds()) {
            return because(Cause::OfAnotherType);
        }
        if let (Operator::AtMost, Operand::Now { before }) = (self.operator(), self.operand())
            && !claim.can_be_so_old(*before, evidence)
        {
            return because(Cause::SoOld);
        }
        let possible = match (self.operator(), self.operand()) {
            (Operator::Equals | Operator::Contains, Operand::Literal(value)) => claim.can_be(value),
            (Operator::AtLeast, Operand::Literal(Plain::Integer(least))) => claim.can_be_within(*least, i128::MAX),
            (Operator::AtMost, Operand::Literal(Plain::Integer(most))) => claim.can_be_within(i128::MIN, *most),
            (_, Operand::Literal(_) | Operand::Input(_) | Operand::Now { .. }) => true,
        };
        if possible { None } else { because(Cause::OfAnotherValue) }
    }

    /// Whether no claims and no input meet both this condition and the other one.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let apart = is_inside(self.claim(), other.claim())
            || is_inside(other.claim(), self.claim())
            || self.makes_a_proof_with(other)
            || other.makes_a_proof_with(self);
        let of_one_claim =
            self.claim() == other.claim() && (self.kinds().excludes(other.kinds()) || self.excludes(other));
        apart || of_one_claim || self.wants_another_input_than(other)
    }

    /// Whether a token that meets both is taken for a proof of DPoP.
    fn makes_a_proof_with(&self, other: &Self) -> bool {
        let is_text =
            |condition: &Self, name: &str| condition.claim().segments() == [name] && condition.kinds() == Kinds::TEXT;
        is_text(self, "htm") && is_text(other, "htu")
    }

    /// As what the claim is compared.
    fn kinds(&self) -> Kinds {
        match (self.operator(), self.operand()) {
            (Operator::Equals, Operand::Literal(value)) => of_plain(value),
            (Operator::Equals, Operand::Input(_)) => Kinds::PLAIN,
            (Operator::AtLeast | Operator::AtMost, _) | (Operator::Equals, Operand::Now { .. }) => Kinds::INTEGER,
            (Operator::Contains, _) if self.looks_at_scope() => Kinds::WORDS,
            (Operator::Contains, _) => Kinds::ARRAY,
        }
    }

    /// As what the value of the input is compared.
    fn input_kinds(&self) -> Kinds {
        let claim = KnownClaim::at(self.claim(), ActorRule::Any);
        match self.operator() {
            Operator::AtLeast | Operator::AtMost => Kinds::INTEGER,
            Operator::Equals => claim.map_or(Kinds::PLAIN, KnownClaim::kinds),
            Operator::Contains => claim.map_or(Kinds::PLAIN, KnownClaim::items),
        }
    }

    fn wants_another_input_than(&self, other: &Self) -> bool {
        let (Operand::Input(own), Operand::Input(others)) = (self.operand(), other.operand()) else { return false };
        let apart = is_inside(own, others) || is_inside(others, own);
        apart || (own == others && self.input_kinds().excludes(other.input_kinds()))
    }

    /// Whether no value of the claim that both look at meets both.
    fn excludes(&self, other: &Self) -> bool {
        if let (Operator::Equals, Operand::Literal(own), Operator::Equals, Operand::Literal(others)) =
            (self.operator(), self.operand(), other.operator(), other.operand())
        {
            return own != others;
        }
        self.ends_before(other) || other.ends_before(self)
    }

    /// Whether the most that this condition allows is below the least that the other one does.
    fn ends_before(&self, other: &Self) -> bool {
        if let (Operator::AtMost, Operand::Now { before: most }, Operator::AtLeast, Operand::Now { before: least }) =
            (self.operator(), self.operand(), other.operator(), other.operand())
        {
            return most > least;
        }
        self.most().zip(other.least()).is_some_and(|(most, least)| most < least)
    }

    fn most(&self) -> Option<i128> {
        match self.operator() {
            Operator::Equals | Operator::AtMost => self.literal_integer(),
            Operator::AtLeast | Operator::Contains => None,
        }
    }

    fn least(&self) -> Option<i128> {
        match self.operator() {
            Operator::Equals | Operator::AtLeast => self.literal_integer(),
            Operator::AtMost | Operator::Contains => None,
        }
    }

    fn literal_integer(&self) -> Option<i128> {
        match self.operand() {
            Operand::Literal(value) => value.integer(),
            Operand::Input(_) | Operand::Now { .. } => None,
        }
    }
}

fn of_plain(value: &Plain) -> Kinds {
    match value {
        Plain::Boolean(_) => Kinds::BOOLEAN,
        Plain::Integer(_) => Kinds::INTEGER,
        Plain::Text(_) => Kinds::TEXT,
    }
}

/// Whether the path leads to something inside of what the other one leads to, which would have to be an object.
fn is_inside(path: &ClaimPath, other: &ClaimPath) -> bool {
    path.segments().len() > other.segments().len() && path.segments().starts_with(other.segments())
}

impl fmt::Display for Unmeetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.claim.description();
        match self.cause {
            Cause::NeverThere => write!(f, "no token has this claim: {description}"),
            Cause::OfAnotherType => write!(f, "the claim is never of this type: {description}"),
            Cause::SoOld => f.write_str("the claim is never so old: such a token has expired"),
            Cause::OfAnotherValue => write!(f, "the claim never has this value: {description}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::access::Requirement;
    use crate::decision::test_identity::identity;
    use crate::decision::unmet_by;

    fn condition(text: &str) -> Condition {
        Condition::parse(text).expect("a condition")
    }

    fn reason(text: &str, actor: ActorRule) -> Option<String> {
        condition(text).unmeetable(actor, Evidence::Statement).map(|reason| reason.to_string())
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for actor in ActorRule::ALL {
            assert_eq!(reason(text, actor).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_claim_of_another_type_than_it_can_have_is_never_met() {
        let type_of = |description: &str| format!("the claim is never of this type: it is {description}");
        let words = type_of("a list of words without spaces, compared with `contains \"WORD\"`");
        for text in ["scope = \"openid\"", "scope = true", "scope >= 1", "scope <= now", "scope = input.scope"] {
            check(text, &words);
        }
        let identifier = type_of("a text of `1` to `256` printable bytes");
        for name in ["sub", "azp", "jti", "sid"] {
            for rest in ["= 1", "= true", ">= 1", "<= now", "contains \"x\"", "contains input.x"] {
                check(&format!("{name} {rest}"), &identifier);
            }
        }
        let seconds = type_of("whole seconds since 1970, before the year 10000");
        for name in ["exp", "iat", "nbf", "auth_time"] {
            for rest in ["= \"now\"", "= true", "contains 1"] {
                check(&format!("{name} {rest}"), &seconds);
            }
        }
        check("acr >= 2", &type_of("a text"));
        check("acr = 2", &type_of("a text"));
        check("iss contains \"x\"", &type_of("the `https` address of a realm"));
        check("typ = true", &type_of("`Bearer`"));
        check("aud = 1", &type_of("a text or an array of texts"));
        for text in ["realm_access.roles = \"admin\"", "resource_access.api.roles >= 1"] {
            check(text, &type_of("an array of texts"));
        }
        for text in ["realm_access = true", "resource_access contains \"api\"", "resource_access.api = input.x"] {
            check(text, &type_of("an object"));
        }
    }

    #[test]
    fn a_value_that_a_claim_cannot_have_is_never_met() {
        let value_of = |description: &str| format!("the claim never has this value: it is {description}");
        let words = value_of("a list of words without spaces, compared with `contains \"WORD\"`");
        for text in ["scope contains \"a b\"", "scope contains \"\"", "scope contains 1", "scope contains \"\u{e9}\""] {
            check(text, &words);
        }
        check("typ = \"ID\"", &value_of("`Bearer`"));
        check("iss = \"keycloak\"", &value_of("the `https` address of a realm"));
        check("iss = \"http://keycloak/realms/x\"", &value_of("the `https` address of a realm"));
        check("sub = \"\"", &value_of("a text of `1` to `256` printable bytes"));
        check("aud contains 7", &value_of("a text or an array of texts"));
        check("realm_access.roles contains true", &value_of("an array of texts"));
        let seconds = value_of("whole seconds since 1970, before the year 10000");
        for text in ["exp = -1", "iat <= -1", "nbf >= 253402300800", "auth_time = 253402300800"] {
            check(text, &seconds);
        }
    }

    #[test]
    fn a_token_of_so_long_ago_is_never_met() {
        for text in ["iat <= now - 2d", "iat <= now - 26h", "exp <= now - 2h", "exp <= now - 1d"] {
            check(text, "the claim is never so old: such a token has expired");
        }
        for text in
            ["iat <= now - 25h", "iat >= now - 2d", "exp <= now - 1h", "nbf <= now - 30d", "auth_time <= now - 30d"]
        {
            assert_eq!(reason(text, ActorRule::None), None, "{text}");
        }
        let at_a_route = |text| condition(text).unmeetable(ActorRule::None, Evidence::AccessToken).is_some();
        for text in ["exp <= now - 5s", "exp <= now - 1h", "iat <= now - 86405s"] {
            assert!(at_a_route(text), "{text}");
        }
        for text in ["exp <= now - 4s", "exp <= now", "iat <= now - 86404s", "nbf <= now - 30d"] {
            assert!(!at_a_route(text), "{text}");
        }
    }

    #[test]
    fn a_claim_that_no_verified_token_has_is_never_met() {
        let absent = |reason: &str| format!("no token has this claim: {reason}");
        check("cnf.jkt = \"x\"", &absent("a token that is bound to a key is rejected"));
        for text in [
            "at_hash = \"x\"",
            "c_hash = \"x\"",
            "s_hash.x = 1",
            "authorization.permissions contains \"x\"",
            "events.\"http://schemas.openid.net/event/backchannel-logout\" = true",
            "token_introspection.active = true",
        ] {
            check(text, &absent("a token that has it is of another kind"));
        }
        for text in ["sub.id = 1", "scope.x contains \"y\"", "realm_access.roles.admin = true", "exp.x >= now"] {
            check(text, &absent("nothing is below a claim that is no object"));
        }
        let nobody = absent("nobody may act in the subject's place here, expected `actor = \"any\"` beside it");
        for text in ["act.sub = \"admin\"", "act.x = 1", "impersonator.id = \"admin\""] {
            assert_eq!(reason(text, ActorRule::None), Some(nobody.clone()), "{text}");
            assert_eq!(reason(text, ActorRule::Any), None, "{text}");
        }
        let any = |text| reason(text, ActorRule::Any);
        assert_eq!(any("act = \"admin\""), Some("the claim is never of this type: it is an object".to_owned()));
        assert_eq!(any("act.act.act.act.sub = \"admin\""), None);
        assert_eq!(any("act.act.act.act.act.sub = \"x\""), Some(absent("so many do not act one for the other")));
    }

    #[test]
    fn what_some_realm_may_write_is_left_alone() {
        for text in [
            "scope contains \"payments\"",
            "scope contains \"https://api.example.com/pay.read\"",
            "scope contains input.scope",
            "sub = \"alice\"",
            "sub = input.subject",
            "azp = \"payment-app\"",
            "typ = \"bearer\"",
            "iss = \"https://keycloak.example.com/realms/workflows\"",
            "aud = \"workflow-api\"",
            "aud contains \"other\"",
            "exp >= now",
            "iat >= now - 5m",
            "auth_time = input.at",
            "acr = \"2\"",
            "realm_access.roles contains \"admin\"",
            "realm_access.more = 1",
            "resource_access.api.roles contains \"x\"",
            "resource_access.api.verify_caller = true",
            "events contains \"marathon\"",
            "events.marathon = true",
            "authorization = \"full\"",
            "authorization.level >= 2",
            "htm = \"GET\"",
            "may_act.sub = \"robot\"",
            "compliance.kyc = true",
            "scopes = \"x\"",
        ] {
            assert_eq!(reason(text, ActorRule::None), None, "{text}");
        }
    }

    #[track_caller]
    fn check_pair(one: &str, other: &str, expected: bool) {
        let (one, other) = (condition(one), condition(other));
        assert_eq!([one.contradicts(&other), other.contradicts(&one)], [expected; 2], "{one}, {other}");
    }

    #[test]
    fn two_conditions_that_no_claim_meets_together_contradict_each_other() {
        for (one, other) in [
            ("x = 1", "x = 2"),
            ("x = \"a\"", "x = \"b\""),
            ("x = true", "x = false"),
            ("x = 1", "x = \"1\""),
            ("x = true", "x >= 1"),
            ("x = \"a\"", "x contains \"a\""),
            ("x >= 1", "x contains 1"),
            ("x = input.y", "x contains input.y"),
            ("x >= 3", "x <= 2"),
            ("x = 1", "x >= 2"),
            ("x = 3", "x <= 2"),
            ("x >= now", "x <= now - 1m"),
            ("x >= now - 1m", "x <= now - 1h"),
            ("x >= now", "x = \"a\""),
            ("x = 1", "x.y = 1"),
            ("x.y contains 1", "x.y.z.w >= 2"),
            ("aud = \"a\"", "aud contains \"a\""),
            ("a = input.x", "b = input.x.y"),
            ("a >= input.x", "sub = input.x"),
            ("scope contains input.x", "b <= input.x"),
            ("htm = \"POST\"", "htu = \"https://x\""),
        ] {
            check_pair(one, other, true);
        }
    }

    #[test]
    fn two_conditions_that_some_claim_meets_are_left_alone() {
        for (one, other) in [
            ("x = 1", "x = 1"),
            ("x = 1", "y = 2"),
            ("x >= 2", "x <= 2"),
            ("x = 2", "x >= 2"),
            ("x = 2", "x <= 2"),
            ("x >= 1", "x >= 5"),
            ("x contains 1", "x contains \"a\""),
            ("x = input.y", "x = \"a\""),
            ("x >= input.a", "x <= input.b"),
            ("x >= now - 1h", "x <= now - 1m"),
            ("x >= now", "x <= now"),
            ("x >= now", "x <= 5"),
            ("x.y = 1", "x.z = 1"),
            ("x.y = 1", "xy = 1"),
            ("a = input.x", "b = input.x"),
            ("a = input.x.y", "b = input.x.z"),
            ("scope contains \"a\"", "scope contains \"b\""),
            ("sub = input.x", "scope contains input.x"),
            ("htm = 1", "htu = \"https://x\""),
            ("htm = \"a\"", "x.htu = \"b\""),
        ] {
            check_pair(one, other, false);
        }
    }

    fn members() -> impl Strategy<Value = Map<String, Value>> {
        let plain =
            prop::sample::select(vec![json!(true), json!(0), json!(1), json!(2), json!(3), json!("a"), json!("b")]);
        let list = prop::collection::vec(plain.clone(), 0..4).prop_map(Value::Array);
        let value = prop_oneof![plain, list];
        let inner = prop::collection::hash_map("[ab]", value.clone(), 1..3);
        let inner = inner.prop_map(|members| Value::Object(members.into_iter().collect()));
        prop::collection::hash_map("[ab]", prop_oneof![value, inner], 1..3)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        /// Whatever some claim and some input meet is no contradiction.
        #[test]
        fn two_conditions_that_were_met_together_do_not_contradict_each_other(
            conditions in prop::collection::vec(
                "[ab](\\.[ab])? (= (true|[0-3]|\"[ab]\"|input\\.[ab](\\.a)?)|(>=|<=) ([0-3]|input\\.[ab])|contains ([0-3]|\"[ab]\"))", 2..=2),
            claims in members(),
            input in members(),
        ) {
            let conditions: Vec<Condition> = conditions.iter().map(|text| condition(text)).collect();
            let requirement = Requirement::all_of(vec![], vec![], conditions.clone(), ActorRule::None);
            let requirement = requirement.expect("conditions are asked");
            let met = unmet_by(&identity(&[], Value::Object(claims)), &requirement, &input).is_empty();
            let [one, other] = conditions.as_slice() else { panic!("two conditions") };
            prop_assert!(!met || !one.contradicts(other), "{} {}", one, other);
        }
    }
}
