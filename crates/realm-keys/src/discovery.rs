//! The realm's discovery document: only what leads to the keys is read from it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// Why the discovery document names neither the issuer nor the JWK set that we look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryFault {
    /// Not one JSON object in UTF-8, or nested too deep.
    Malformed {
        /// One-based line.
        line: usize,
        /// One-based column, in bytes.
        column: usize,
    },
    /// A member is not there.
    Absent {
        /// Its name.
        member: &'static str,
    },
    /// A member stands there twice, so readers differ on its value.
    Duplicate {
        /// Its name.
        member: &'static str,
    },
    /// A member is not a string.
    NotText {
        /// Its name.
        member: &'static str,
    },
}

impl fmt::Display for DiscoveryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column } => write!(f, "no JSON object: line `{line}` column `{column}`"),
            Self::Absent { member } => write!(f, "`{member}` is absent"),
            Self::Duplicate { member } => write!(f, "`{member}` is there twice"),
            Self::NotText { member } => write!(f, "`{member}` is no string"),
        }
    }
}

/// What the document says of itself. Nothing of it is trusted before the endpoint has compared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discovery {
    /// Whose document it is.
    pub(crate) issuer: String,
    /// Where the keys are.
    pub(crate) jwks_uri: String,
}

impl Discovery {
    /// Reads `issuer` and `jwks_uri`; every other member is passed over unread (OpenID Connect Discovery 1.0 §3).
    ///
    /// # Errors
    /// [`DiscoveryFault`] if the bytes are not one JSON object or if one of the two is absent, there twice or no string.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, DiscoveryFault> {
        let members: Members = serde_json::from_slice(bytes)
            .map_err(|error| DiscoveryFault::Malformed { line: error.line(), column: error.column() })?;
        Ok(Self { issuer: members.issuer.text("issuer")?, jwks_uri: members.jwks_uri.text("jwks_uri")? })
    }
}

#[derive(Default)]
enum Member {
    #[default]
    Absent,
    Once(Value),
    Twice,
}

impl Member {
    fn seen(&mut self, value: Value) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Twice => Self::Twice,
        };
    }

    fn text(self, member: &'static str) -> Result<String, DiscoveryFault> {
        match self {
            Self::Absent => Err(DiscoveryFault::Absent { member }),
            Self::Twice => Err(DiscoveryFault::Duplicate { member }),
            Self::Once(Value::String(text)) => Ok(text),
            Self::Once(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(DiscoveryFault::NotText { member })
            }
        }
    }
}

#[derive(Default)]
struct Members {
    issuer: Member,
    jwks_uri: Member,
}

impl<'de> Deserialize<'de> for Members {
    // Written by hand: a derived one also takes an array for the object.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = entries.next_key::<String>()? {
            match name.as_str() {
                "issuer" => members.issuer.seen(entries.next_value()?),
                "jwks_uri" => members.jwks_uri.seen(entries.next_value()?),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str), DiscoveryFault>) {
        let expected =
            expected.map(|(issuer, jwks_uri)| Discovery { issuer: issuer.to_owned(), jwks_uri: jwks_uri.to_owned() });
        assert_eq!(Discovery::parse(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn issuer_and_key_uri_are_read_and_the_rest_is_passed_over() {
        check(r#"{"jwks_uri":"k","x":[{"issuer":"no"}],"issuer":"i"}"#, Ok(("i", "k")));
        check(r#"{"\u0069ssuer":"i","jwks_uri":"k"}"#, Ok(("i", "k")));
    }

    #[test]
    fn absent_double_and_mistyped_members_are_told_apart() {
        check(r#"{"jwks_uri":"k"}"#, Err(DiscoveryFault::Absent { member: "issuer" }));
        check(r#"{"issuer":"i"}"#, Err(DiscoveryFault::Absent { member: "jwks_uri" }));
        check(r#"{"issuer":"i","issuer":"i","jwks_uri":"k"}"#, Err(DiscoveryFault::Duplicate { member: "issuer" }));
        check(
            r#"{"issuer":"i","jwks_uri":"k","jwks_\u0075ri":"l"}"#,
            Err(DiscoveryFault::Duplicate { member: "jwks_uri" }),
        );
        for value in ["null", "true", "1", "[]", "{}", r#"["i"]"#] {
            let text = format!(r#"{{"issuer":{value},"jwks_uri":"k"}}"#);
            check(&text, Err(DiscoveryFault::NotText { member: "issuer" }));
        }
    }

    #[test]
    fn anything_but_one_object_is_malformed() {
        let malformed = |line, column| Err(DiscoveryFault::Malformed { line, column });
        check("", malformed(1, 0));
        check(r#"["i","k"]"#, malformed(1, 0));
        check("<!DOCTYPE html>", malformed(1, 1));
        check(r#"{"issuer":"i","jwks_uri":"k"} {}"#, malformed(1, 31));
        check(r#"{"issuer":"i","jwks_u"#, malformed(1, 21));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = format!(r#"{{"issuer":{}"#, "[".repeat(60_000));
        check(&nested, Err(DiscoveryFault::Malformed { line: 1, column: 137 }));
        let passed_over = format!(r#"{{"x":{}"#, "[".repeat(60_000));
        check(&passed_over, Err(DiscoveryFault::Malformed { line: 1, column: 60_005 }));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = Discovery::parse(&bytes);
        }

        #[test]
        fn altered_documents_never_panic(at in 0_usize..80, byte in any::<u8>()) {
            let mut bytes = br#"{"issuer":"https://id.example/realms/w","jwks_uri":"https://id.example/k"}"#.to_vec();
            let place = at % bytes.len();
            bytes[place] = byte;
            let _ = Discovery::parse(&bytes);
        }
    }
}
