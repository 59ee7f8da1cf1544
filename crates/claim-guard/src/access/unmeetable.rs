//! A condition that nobody can ever meet.

use std::fmt;

use crate::access::condition::Condition;
use crate::access::known_claim::{KnownClaim, Seen};
use crate::access::test::{Bound, Operand, Test};
use crate::access::together::contradict;

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
    OfAnotherTime,
}

impl Condition {
    /// Why nothing that is looked at can meet it; none if something can.
    pub(super) fn unmeetable(&self, seen: &Seen<'_>) -> Option<Unmeetable> {
        let claim = KnownClaim::at(self.claim(), seen)?;
        let because = |cause| Some(Unmeetable { cause, claim });
        if let KnownClaim::NeverThere(_) = claim {
            return because(Cause::NeverThere);
        }
        if claim.kinds().excludes(self.kinds()) {
            return because(Cause::OfAnotherType);
        }
        let possible = match self.test() {
            Test::Equals(Operand::Literal(value)) | Test::Contains(Operand::Literal(value)) => claim.can_be(value),
            Test::AtLeast(Bound::Literal(least)) => claim.can_be_within(*least, i128::MAX),
            Test::AtMost(Bound::Literal(most)) => claim.can_be_within(i128::MIN, *most),
            Test::Equals(Operand::Input(_))
            | Test::Contains(Operand::Input(_))
            | Test::AtLeast(Bound::Input(_) | Bound::Ago(_))
            | Test::AtMost(Bound::Input(_) | Bound::Ago(_)) => true,
        };
        if !possible {
            return because(Cause::OfAnotherValue);
        }
        if contradict([self], seen) { because(Cause::OfAnotherTime) } else { None }
    }
}

impl fmt::Display for Unmeetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.claim.description();
        match self.cause {
            Cause::NeverThere => write!(f, "no token has this claim: {description}"),
            Cause::OfAnotherType => write!(f, "the claim is never of this type: it is {description}"),
            Cause::OfAnotherTime => {
                f.write_str("the claim is never of such a time: the token has expired, or is not valid yet")
            }
            Cause::OfAnotherValue => write!(f, "the claim never has this value: it is {description}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ActorRule;
    use crate::access::claim_source::AuthenticationClaims;
    use crate::access::known_claim::Evidence;

    fn reason_at(text: &str, actor: ActorRule, evidence: Evidence) -> Option<String> {
        let of_the_log_in = AuthenticationClaims(["login".to_owned(), "clientHost".to_owned()].into());
        let seen = Seen { actor, evidence, of_the_log_in: &of_the_log_in };
        let condition = Condition::parse(text).expect("a condition");
        condition.unmeetable(&seen).map(|reason| reason.to_string())
    }

    fn reason(text: &str, actor: ActorRule) -> Option<String> {
        reason_at(text, actor, Evidence::AccessToken)
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
        let of_clients = type_of("an object: the roles of a client are at `resource_access.CLIENT.roles`");
        for text in ["resource_access contains \"api\"", "resource_access.roles contains \"admin\""] {
            check(text, &of_clients);
        }
        for text in ["realm_access = true", "resource_access.api = input.x"] {
            check(text, &type_of("an object with the member `roles`"));
        }
    }

    #[test]
    fn a_value_that_a_claim_cannot_have_is_never_met() {
        let value_of = |description: &str| format!("the claim never has this value: it is {description}");
        let words = value_of("a list of words without spaces, compared with `contains \"WORD\"`");
        for text in ["scope contains \"a b\"", "scope contains \"\"", "scope contains 1", "scope contains \"\u{e9}\""] {
            check(text, &words);
        }
        for text in ["typ = \"ID\"", "typ = \"bearer\""] {
            check(text, &value_of("`Bearer`"));
        }
        check("realm_access.roles contains \"\"", &value_of("an array of texts"));
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
    fn a_time_at_which_no_token_is_accepted_is_never_met() {
        for text in [
            "exp <= now - 5s",
            "exp <= now - 1h",
            "exp <= 5",
            "exp = 0",
            "iat <= now - 86405s",
            "iat <= 1000000000",
            "iat = 0",
            "auth_time <= -1",
        ] {
            let reason = reason(text, ActorRule::None).expect(text);
            let never = ["the claim is never of such a time: ", "the claim never has this value: "];
            assert!(never.iter().any(|start| reason.starts_with(start)), "{text}: {reason}");
        }
        for text in [
            "exp <= now - 4s",
            "exp <= now",
            "exp >= 5",
            "iat <= now - 86404s",
            "iat >= now",
            "iat = 2000000000",
            "nbf <= now - 30d",
            "nbf = 0",
            "auth_time <= now - 30d",
            "auth_time = 0",
        ] {
            assert_eq!(reason(text, ActorRule::None), None, "{text}");
        }
    }

    #[test]
    fn what_is_of_one_access_token_is_in_no_statement() {
        let of_the_token = "no token has this claim: it is of one access token, and a statement is renewed; \
                            `max_identity_age` bounds its age";
        for text in [
            "jti = \"x\"",
            "exp >= now",
            "iat >= now - 5m",
            "iat <= now - 1h",
            "nbf <= now",
            "nonce = input.nonce",
            "session_state = \"x\"",
        ] {
            assert_eq!(reason_at(text, ActorRule::None, Evidence::Statement).as_deref(), Some(of_the_token), "{text}");
            assert_eq!(reason(text, ActorRule::None), None, "{text}");
        }
    }

    #[test]
    fn session_note_that_the_policy_does_not_declare_is_in_no_statement() {
        let of_the_log_in = "no token has this claim: it is of the log-in, which a renewal does not repeat; \
                             name it in `authentication_claims` to carry it";
        for text in ["identity_provider = \"google\"", "clientAddress = \"10.0.0.1\"", "client_id = \"x\""] {
            assert_eq!(reason_at(text, ActorRule::None, Evidence::Statement).as_deref(), Some(of_the_log_in), "{text}");
            assert_eq!(reason(text, ActorRule::None), None, "{text}");
        }
        for text in [
            "acr = \"2\"",
            "amr contains \"otp\"",
            "auth_time >= now - 15m",
            "may_act.sub = \"robot\"",
            "sid = input.sid",
        ] {
            assert_eq!(reason_at(text, ActorRule::None, Evidence::Statement), None, "{text}");
        }
        for text in ["login.country = \"de\"", "clientHost = \"build\""] {
            assert_eq!(reason_at(text, ActorRule::None, Evidence::Statement), None, "{text}");
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
        for text in ["act.sub = \"admin\"", "act.x = 1", "act.act.iss = input.x"] {
            assert_eq!(reason(text, ActorRule::None), Some(nobody.clone()), "{text}");
        }
        let any = |text| reason(text, ActorRule::Any);
        for text in ["act.sub = \"admin\"", "act.client_id = input.x", "act.act.act.act.sub = \"admin\""] {
            assert_eq!(any(text), None, "{text}");
        }
        assert_eq!(any("act = \"admin\""), Some("the claim is never of this type: it is an object".to_owned()));
        assert_eq!(any("act.act.act.act.act.sub = \"x\""), Some(absent("so many do not act one for the other")));
        let members = absent("of whoever acts there is `sub`, `iss`, `client_id` and the `act` before");
        assert_eq!(any("act.name = \"A\""), Some(members));
        let client = absent("the client of whoever acts is `client_id` there");
        assert_eq!(any("act.act.azp = \"console\""), Some(client));
        check("impersonator.id = \"admin\"", &absent("whoever impersonates is asked for as `act.sub`"));
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
            "typ = \"Bearer\"",
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
}
