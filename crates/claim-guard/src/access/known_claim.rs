//! What is known of a claim before any token is seen, whatever the realm.
//!
//! A verified token has claims that are looked at by the verifier, or whose type Keycloak itself fixes. A condition that
//! none of them could meet denies everybody, so it is a fault of the policy and no denial.

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::kinds::Kinds;
use crate::access::range::Range;
use crate::access::test::Plain;
use crate::claims::{ClaimPath, MAX_PARTIES};
use crate::identifier::{Issuer, Subject};
use crate::token::{Leeway, MAX_LIFETIME_SECONDS, is_of_another_kind};
use crate::unix_time::UnixTime;

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// An access token, at a route and at a start.
    AccessToken,
    /// A statement that an execution carries, or is started on by another execution: it is renewed.
    Statement,
}

/// What one who decides looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Whether somebody may act in the subject's place.
    pub(super) actor: ActorRule,
    pub(super) evidence: Evidence,
    pub(super) of_the_log_in: &'a AuthenticationClaims,
}

/// What a claim is in every verified token that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownClaim {
    /// No verified token has it; with the reason.
    NeverThere(&'static str),
    /// The issuer of a realm.
    Issuer,
    /// `Bearer`.
    Bearer,
    /// An identifier: 1 to 256 bytes of printable text.
    Identifier,
    /// Any text.
    Text,
    /// Seconds since 1970.
    Time(Time),
    /// One audience or several.
    Audience,
    /// Words (RFC 6749 §3.3).
    Scope,
    /// A list of names.
    Names,
    /// An object of other claims; with where they stand.
    Object(&'static str),
}

/// Which of a token's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Expiry,
    Issue,
    NotBefore,
    LogIn,
}

impl KnownClaim {
    /// What is known of the claim at that path; none if it is the realm's own.
    pub(super) fn at(path: &ClaimPath, seen: &Seen<'_>) -> Option<Self> {
        let names: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        let (first, below) = names.split_first()?;
        match (seen.evidence, seen.of_the_log_in.source_of(first)) {
            (Evidence::Statement, ClaimSource::AccessToken) => {
                return Some(Self::NeverThere(
                    "it is of one access token, and a statement is renewed; `max_identity_age` bounds its age",
                ));
            }
            (Evidence::Statement, ClaimSource::Unclassified) => {
                return Some(Self::NeverThere(
                    "it is of the log-in, which a renewal does not repeat; name it in `authentication_claims` to carry it",
                ));
            }
            (Evidence::AccessToken | Evidence::Statement, _) => {}
        }
        match *first {
            "iss" => Some(Self::whole(Self::Issuer, below)),
            "typ" => Some(Self::whole(Self::Bearer, below)),
            "sub" | "azp" | "jti" | "sid" => Some(Self::whole(Self::Identifier, below)),
            // OpenID Connect Core §2, and Keycloak writes no other type whatever a mapper is told.
            "acr" => Some(Self::whole(Self::Text, below)),
            "exp" => Some(Self::whole(Self::Time(Time::Expiry), below)),
            "iat" => Some(Self::whole(Self::Time(Time::Issue), below)),
            "nbf" => Some(Self::whole(Self::Time(Time::NotBefore), below)),
            "auth_time" => Some(Self::whole(Self::Time(Time::LogIn), below)),
            "aud" => Some(Self::whole(Self::Audience, below)),
            "scope" => Some(Self::whole(Self::Scope, below)),
            "realm_access" => Self::access(below),
            "resource_access" => match below.split_first() {
                None | Some((&"roles", [])) => {
                    Some(Self::Object("an object: the roles of a client are at `resource_access.CLIENT.roles`"))
                }
                Some((_, of_client)) => Self::access(of_client),
            },
            "cnf" => Some(Self::NeverThere("a token that is bound to a key is rejected")),
            "impersonator" => Some(Self::NeverThere("whoever impersonates is asked for as `act.sub`")),
            "act" if seen.actor == ActorRule::None => Some(Self::NeverThere(
                "nobody may act in the subject's place here, expected `actor = \"any\"` beside it",
            )),
            "act" if names.iter().take_while(|name| **name == "act").count() > MAX_PARTIES => {
                Some(Self::NeverThere("so many do not act one for the other"))
            }
            "act" => Some(Self::actor(below)),
            _ if is_of_another_kind(&names) => Some(Self::NeverThere("a token that has it is of another kind")),
            _ => None,
        }
    }

    /// As what the claim can be compared.
    pub(super) fn kinds(self) -> Kinds {
        match self {
            Self::NeverThere(_) => Kinds::NONE,
            Self::Issuer | Self::Bearer | Self::Identifier | Self::Text => Kinds::TEXT,
            Self::Time(_) => Kinds::INTEGER,
            Self::Audience => Kinds::TEXT.or(Kinds::ARRAY),
            Self::Scope => Kinds::WORDS,
            Self::Names => Kinds::ARRAY,
            Self::Object(_) => Kinds::OBJECT,
        }
    }

    /// What the items of the claim are, where it is a list.
    pub(super) fn items(self) -> Kinds {
        match self {
            Self::Audience | Self::Scope | Self::Names => Kinds::TEXT,
            Self::NeverThere(_)
            | Self::Issuer
            | Self::Bearer
            | Self::Identifier
            | Self::Text
            | Self::Time(_)
            | Self::Object(_) => Kinds::NONE,
        }
    }

    /// Whether the claim, or an item of it, could be that value.
    pub(super) fn can_be(self, value: &Plain) -> bool {
        match (self, value) {
            (Self::Issuer, Plain::Text(text)) => Issuer::parse(text).is_ok(),
            (Self::Bearer, Plain::Text(text)) => text == "Bearer",
            // One rule for all of them.
            (Self::Identifier, Plain::Text(text)) => Subject::parse(text).is_ok(),
            (Self::Scope, Plain::Text(text)) => is_scope_word(text),
            (Self::Names, Plain::Text(text)) => !text.is_empty(),
            (Self::Text | Self::Audience, Plain::Text(_)) => true,
            (Self::Time(_), Plain::Integer(seconds)) => self.can_be_within(*seconds, *seconds),
            (_, Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_)) => false,
        }
    }

    /// Whether the claim could be an integer from `least` to `most`.
    pub(super) fn can_be_within(self, least: i128, most: i128) -> bool {
        !matches!(self, Self::Time(_)) || (least <= i128::from(UnixTime::LAST.seconds()) && most >= 0)
    }

    /// Between what the claim lies, by itself and from the time of the decision.
    pub(super) fn bounds(self, seen: &Seen<'_>) -> [Range; 2] {
        let Self::Time(time) = self else { return [Range::ANY; 2] };
        let alone = Range { least: 0, most: i128::from(UnixTime::LAST.seconds()) };
        let leeway = i128::from(Leeway::MAX.duration().as_secs());
        // A token is rejected where it expired as long ago as the leeway.
        let held_before = leeway - 1;
        let from_now = match (seen.evidence, time) {
            (Evidence::Statement, _) | (_, Time::LogIn) => Range::ANY,
            (Evidence::AccessToken, Time::Expiry) => Range::at_least(-held_before),
            (Evidence::AccessToken, Time::Issue) => {
                Range { least: -(i128::from(MAX_LIFETIME_SECONDS) + held_before), most: leeway }
            }
            (Evidence::AccessToken, Time::NotBefore) => Range::at_most(leeway),
        };
        [alone, from_now]
    }

    /// What it is, for a message.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::NeverThere(reason) => reason,
            Self::Issuer => "the `https` address of a realm",
            Self::Bearer => "`Bearer`",
            Self::Identifier => "a text of `1` to `256` printable bytes",
            Self::Text => "a text",
            Self::Time(_) => "whole seconds since 1970, before the year 10000",
            Self::Audience => "a text or an array of texts",
            Self::Scope => "a list of words without spaces, compared with `contains \"WORD\"`",
            Self::Names => "an array of texts",
            Self::Object(description) => description,
        }
    }

    /// A claim that is no object, so that nothing is below it.
    fn whole(claim: Self, below: &[&str]) -> Self {
        if below.is_empty() { claim } else { Self::NeverThere("nothing is below a claim that is no object") }
    }

    fn access(below: &[&str]) -> Option<Self> {
        match below {
            [] => Some(Self::Object("an object with the member `roles`")),
            ["roles", inside @ ..] => Some(Self::whole(Self::Names, inside)),
            [_, ..] => None,
        }
    }

    fn actor(below: &[&str]) -> Self {
        match below {
            [] => Self::Object("an object"),
            ["sub" | "client_id", inside @ ..] => Self::whole(Self::Identifier, inside),
            ["iss", inside @ ..] => Self::whole(Self::Issuer, inside),
            ["act", before @ ..] => Self::actor(before),
            ["azp", ..] => Self::NeverThere("the client of whoever acts is `client_id` there"),
            [_, ..] => Self::NeverThere("of whoever acts there is `sub`, `iss`, `client_id` and the `act` before"),
        }
    }
}

/// RFC 6749 §3.3.
fn is_scope_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
