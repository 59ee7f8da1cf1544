//! What is known of a claim before any token is seen, whatever the realm.
//!
//! A verified token has claims that are looked at by the verifier, or whose type Keycloak itself fixes. A condition that
//! none of them could meet denies everybody, so it is a fault of the policy and no denial.

use std::time::Duration;

use crate::access::actor_rule::ActorRule;
use crate::access::kinds::Kinds;
use crate::access::operand::Plain;
use crate::claims::{ClaimPath, MAX_PARTIES};
use crate::identifier::{Issuer, Subject};
use crate::token::{Leeway, MAX_LIFETIME_SECONDS, is_of_another_kind};
use crate::unix_time::UnixTime;

/// The oldest statement that a start or a state acts on: the longest lifetime of a transaction token, and what clocks may differ.
const OLDEST_STATEMENT: Duration = Duration::from_secs(3600 + 60);

/// The longest lifetime of an access token.
const LONGEST_LIFETIME: Duration = Duration::from_secs(MAX_LIFETIME_SECONDS.unsigned_abs());

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// An access token, at a route.
    AccessToken,
    /// What a token said when a statement was made of it.
    Statement,
}

impl Evidence {
    /// How long ago the access token may have expired.
    fn held_before(self) -> Duration {
        match self {
            // It is rejected where it expired as long ago as the leeway.
            Self::AccessToken => Leeway::MAX.duration().saturating_sub(Duration::from_secs(1)),
            Self::Statement => OLDEST_STATEMENT,
        }
    }
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
    /// Seconds since 1970, not longer before the token expired than that.
    Time(Option<Duration>),
    /// One audience or several.
    Audience,
    /// Words (RFC 6749 §3.3).
    Scope,
    /// A list of names.
    Names,
    /// An object of other claims.
    Object,
}

impl KnownClaim {
    /// What is known of the claim at that path; none if it is the realm's own.
    pub(super) fn at(path: &ClaimPath, actor: ActorRule) -> Option<Self> {
        let names: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        let (first, below) = names.split_first()?;
        match *first {
            "iss" => Some(Self::whole(Self::Issuer, below)),
            "typ" => Some(Self::whole(Self::Bearer, below)),
            "sub" | "azp" | "jti" | "sid" => Some(Self::whole(Self::Identifier, below)),
            // OpenID Connect Core §2, and Keycloak writes no other type whatever a mapper is told.
            "acr" => Some(Self::whole(Self::Text, below)),
            "exp" => Some(Self::whole(Self::Time(Some(Duration::ZERO)), below)),
            "iat" => Some(Self::whole(Self::Time(Some(LONGEST_LIFETIME)), below)),
            "nbf" | "auth_time" => Some(Self::whole(Self::Time(None), below)),
            "aud" => Some(Self::whole(Self::Audience, below)),
            "scope" => Some(Self::whole(Self::Scope, below)),
            "realm_access" => Self::access(below),
            "resource_access" => match below.split_first() {
                None => Some(Self::Object),
                Some((_, of_client)) => Self::access(of_client),
            },
            "cnf" => Some(Self::NeverThere("a token that is bound to a key is rejected")),
            "act" | "impersonator" if actor == ActorRule::None => Some(Self::NeverThere(
                "nobody may act in the subject's place here, expected `actor = \"any\"` beside it",
            )),
            "act" if names.iter().take_while(|name| **name == "act").count() > MAX_PARTIES => {
                Some(Self::NeverThere("so many do not act one for the other"))
            }
            "act" => Self::actor(below),
            "impersonator" => match below {
                [] => Some(Self::Object),
                ["id", inside @ ..] => Some(Self::whole(Self::Identifier, inside)),
                [_, ..] => None,
            },
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
            Self::Object => Kinds::OBJECT,
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
            | Self::Object => Kinds::NONE,
        }
    }

    /// Whether the claim, or an item of it, could be that value.
    pub(super) fn can_be(self, value: &Plain) -> bool {
        match (self, value) {
            (Self::Issuer, Plain::Text(text)) => Issuer::parse(text).is_ok(),
            (Self::Bearer, Plain::Text(text)) => text.eq_ignore_ascii_case("bearer"),
            // One rule for all of them.
            (Self::Identifier, Plain::Text(text)) => Subject::parse(text).is_ok(),
            (Self::Scope, Plain::Text(text)) => is_scope_word(text),
            (Self::Text | Self::Audience | Self::Names, Plain::Text(_)) => true,
            (Self::Time(_), Plain::Integer(seconds)) => self.can_be_within(*seconds, *seconds),
            (_, Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_)) => false,
        }
    }

    /// Whether the claim could be an integer from `least` to `most`.
    pub(super) fn can_be_within(self, least: i128, most: i128) -> bool {
        !matches!(self, Self::Time(_)) || (least <= i128::from(UnixTime::LAST.seconds()) && most >= 0)
    }

    /// Whether the claim could be a time so long before a decision, or earlier.
    pub(super) fn can_be_so_old(self, before: Duration, evidence: Evidence) -> bool {
        !matches!(self, Self::Time(Some(lifetime)) if before > lifetime.saturating_add(evidence.held_before()))
    }

    /// What it is, for a message.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::NeverThere(reason) => reason,
            Self::Issuer => "it is the `https` address of a realm",
            Self::Bearer => "it is `Bearer`",
            Self::Identifier => "it is a text of `1` to `256` printable bytes",
            Self::Text => "it is a text",
            Self::Time(_) => "it is whole seconds since 1970, before the year 10000",
            Self::Audience => "it is a text or an array of texts",
            Self::Scope => "it is a list of words without spaces, compared with `contains \"WORD\"`",
            Self::Names => "it is an array of texts",
            Self::Object => "it is an object",
        }
    }

    /// A claim that is no object, so that nothing is below it.
    fn whole(claim: Self, below: &[&str]) -> Self {
        if below.is_empty() { claim } else { Self::NeverThere("nothing is below a claim that is no object") }
    }

    fn access(below: &[&str]) -> Option<Self> {
        match below {
            [] => Some(Self::Object),
            ["roles", inside @ ..] => Some(Self::whole(Self::Names, inside)),
            [_, ..] => None,
        }
    }

    fn actor(below: &[&str]) -> Option<Self> {
        match below {
            [] => Some(Self::Object),
            ["sub" | "azp" | "client_id", inside @ ..] => Some(Self::whole(Self::Identifier, inside)),
            ["iss", inside @ ..] => Some(Self::whole(Self::Issuer, inside)),
            ["act", before @ ..] => Self::actor(before),
            [_, ..] => None,
        }
    }
}

/// RFC 6749 §3.3.
fn is_scope_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
