//! The realm's discovery document: only what leads to the keys is read from it.

use std::fmt;

use claim_guard::json::{Document, JsonError, MemberError, Members, Part};

/// Why the discovery document names neither the issuer nor the JWK set that we look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoveryFault {
    /// Not one JSON object with unique members in UTF-8, or nested too deep.
    Malformed(JsonError),
    /// A member is absent or no text.
    Member(MemberError),
}

impl fmt::Display for DiscoveryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Member(error) => error.fmt(f),
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
    /// Reads `issuer` and `jwks_uri`; every other member is passed over (OpenID Connect Discovery 1.0 §3).
    ///
    /// # Errors
    /// [`DiscoveryFault`] if the bytes are not one strict JSON object, or one of the two is absent or no text.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, DiscoveryFault> {
        let document = Document::object(bytes.to_vec()).map_err(DiscoveryFault::Malformed)?;
        let members = Members::new(Part::Discovery, document.members());
        let text = |name| members.text(name).map(str::to_owned).map_err(DiscoveryFault::Member);
        Ok(Self { issuer: text("issuer")?, jwks_uri: text("jwks_uri")? })
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
        let (part, name) = (Part::Discovery, "issuer");
        check(r#"{"jwks_uri":"k"}"#, Err(DiscoveryFault::Member(MemberError::Missing { part, name })));
        let duplicate = |column| Err(DiscoveryFault::Malformed(malformed(column, true)));
        check(r#"{"issuer":"i","issuer":"i","jwks_uri":"k"}"#, duplicate(26));
        check(r#"{"issuer":"i","jwks_uri":"k","jwks_\u0075ri":"l"}"#, duplicate(49));
        for (value, presented) in [
            ("null", "null"),
            ("true", "a boolean"),
            ("1", "an integer"),
            ("[]", "an array"),
            ("{}", "an object"),
            (r#"["i"]"#, "an array"),
        ] {
            let wrong = MemberError::WrongType { part, name, expected: "text", presented };
            check(&format!(r#"{{"issuer":{value},"jwks_uri":"k"}}"#), Err(DiscoveryFault::Member(wrong)));
        }
    }

    fn malformed(column: usize, duplicate_member: bool) -> JsonError {
        JsonError::Malformed { line: 1, column, duplicate_member }
    }

    #[test]
    fn anything_but_one_object_is_malformed() {
        let no_json = |column| Err(DiscoveryFault::Malformed(malformed(column, false)));
        check("", no_json(0));
        check(r#"["i","k"]"#, Err(DiscoveryFault::Malformed(JsonError::NotAnObject)));
        check("<!DOCTYPE html>", no_json(1));
        check(r#"{"issuer":"i","jwks_uri":"k"} {}"#, no_json(31));
        check(r#"{"issuer":"i","jwks_u"#, no_json(21));
    }

    #[test]
    fn nesting_is_bounded() {
        for member in ["issuer", "x"] {
            let nested = format!(r#"{{"{member}":{}"#, "[".repeat(60_000));
            let deepest = 127 + member.len() + 4;
            check(&nested, Err(DiscoveryFault::Malformed(malformed(deepest, false))));
        }
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
