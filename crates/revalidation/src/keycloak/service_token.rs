//! The answer of the token endpoint → the service account's access token.

use std::fmt;
use std::time::Duration;

use claim_guard::{Excerpt, JsonError, strict_json_object};
use serde_json::{Map, Value};

/// The most bytes of an access token that is sent in a header.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What is wrong with the answer of a token endpoint. Nothing of the token is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceTokenFault {
    /// Not one strict JSON object.
    #[error("{0}")]
    Malformed(JsonError),
    /// A member is not there.
    #[error("`{member}` is absent")]
    Absent {
        /// Its name.
        member: &'static str,
    },
    /// A member is of another type than RFC 6749 §5.1 says.
    #[error("`{member}` is no {expected}")]
    WrongType {
        /// Its name.
        member: &'static str,
        /// The expected type.
        expected: &'static str,
    },
    /// The token is of another type than can be shown in a header.
    #[error("`token_type` is `{presented}`, expected `Bearer`")]
    WrongTokenType {
        /// The type presented; `Bearer` was expected.
        presented: Excerpt,
    },
    /// The token is empty, too long, or holds a character that no token has (RFC 6750 §2.1).
    #[error("`access_token` is no token in its `{bytes}` bytes")]
    NotAToken {
        /// How many bytes it has.
        bytes: usize,
    },
}

/// The access token of our service account. Who has it may read the realm's users and clients, so it does not print, and it
/// leaves this process in the header of a request only.
#[derive(PartialEq, Eq)]
pub(super) struct ServiceToken {
    text: String,
    lifetime: Duration,
}

impl ServiceToken {
    /// Reads a successful answer (RFC 6749 §5.1); members that are not named there are passed over.
    ///
    /// # Errors
    /// [`ServiceTokenFault`] says what keeps it from being one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ServiceTokenFault> {
        let answer = strict_json_object(bytes).map_err(ServiceTokenFault::Malformed)?;
        let token_type = text(&answer, "token_type")?;
        // RFC 6749 §7.1: compared without regard to case.
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(ServiceTokenFault::WrongTokenType { presented: Excerpt::of(token_type) });
        }
        let expires_in = match answer.get("expires_in") {
            Some(value) => value
                .as_u64()
                .filter(|seconds| *seconds > 0)
                .ok_or(ServiceTokenFault::WrongType { member: "expires_in", expected: "positive integer" })?,
            None => return Err(ServiceTokenFault::Absent { member: "expires_in" }),
        };
        let token = text(&answer, "access_token")?;
        let fits = (1..=MAX_TOKEN_BYTES).contains(&token.len());
        if !fits || !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err(ServiceTokenFault::NotAToken { bytes: token.len() });
        }
        Ok(Self { text: token.to_owned(), lifetime: Duration::from_secs(expires_in) })
    }

    /// The text, for a request's header.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is good for from when it was issued, as the realm says.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceToken(…)")
    }
}

fn text<'a>(answer: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, ServiceTokenFault> {
    let value = answer.get(member).ok_or(ServiceTokenFault::Absent { member })?;
    value.as_str().ok_or(ServiceTokenFault::WrongType { member, expected: "string" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use test_realm::{with, without};

    use super::*;

    /// As Keycloak 26.7 answers.
    fn good() -> Value {
        json!({
            "access_token": "eyJ.eyJ.AbC-_", "expires_in": 300, "refresh_expires_in": 0, "token_type": "Bearer",
            "not-before-policy": 0, "scope": "profile email",
        })
    }

    #[track_caller]
    fn check(answer: &Value, expected: Result<(&str, u64), ServiceTokenFault>) {
        let parsed = ServiceToken::parse(answer.to_string().as_bytes());
        let expected = expected
            .map(|(text, seconds)| ServiceToken { text: text.to_owned(), lifetime: Duration::from_secs(seconds) });
        assert_eq!(parsed, expected, "{answer}");
    }

    #[test]
    fn an_answer_as_keycloak_gives_it_is_a_token() {
        check(&good(), Ok(("eyJ.eyJ.AbC-_", 300)));
        for token_type in ["bearer", "BEARER"] {
            check(&with(good(), "/token_type", json!(token_type)), Ok(("eyJ.eyJ.AbC-_", 300)));
        }
        let longest = "x".repeat(MAX_TOKEN_BYTES);
        check(&with(good(), "/access_token", json!(longest)), Ok((&longest, 300)));
    }

    #[test]
    fn k14_an_answer_without_a_token_of_a_known_type_and_end_is_none() {
        for member in ["access_token", "expires_in", "token_type"] {
            check(&without(good(), &format!("/{member}")), Err(ServiceTokenFault::Absent { member }));
        }
        for token_type in ["DPoP", "N_A", "", "Bearer "] {
            let presented = Excerpt::of(token_type);
            check(
                &with(good(), "/token_type", json!(token_type)),
                Err(ServiceTokenFault::WrongTokenType { presented }),
            );
        }
        let number = ServiceTokenFault::WrongType { member: "expires_in", expected: "positive integer" };
        for expires_in in [json!(-1), json!(0), json!("300"), json!(300.5), json!(1e30), json!(null), json!([300])] {
            check(&with(good(), "/expires_in", expires_in), Err(number.clone()));
        }
        for member in ["access_token", "token_type"] {
            let fault = ServiceTokenFault::WrongType { member, expected: "string" };
            for value in [json!(null), json!(1), json!(["Bearer"]), json!({})] {
                check(&with(good(), &format!("/{member}"), value), Err(fault.clone()));
            }
        }
    }

    #[test]
    fn k14_a_text_that_would_break_a_header_is_no_token() {
        for token in ["", "a b", "a\r\nX: y", "a\u{0}", "ä", "a,b", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
            let fault = ServiceTokenFault::NotAToken { bytes: token.len() };
            check(&with(good(), "/access_token", json!(token)), Err(fault));
        }
    }

    #[test]
    fn k14_anything_but_one_object_with_unique_members_is_no_answer() {
        for text in ["", "[]", "<html>", r#"{"access_token":"a"#, r#"{"access_token":"a","access_token":"b"}"#] {
            let fault = strict_json_object(text.as_bytes()).map(|_| ()).unwrap_err();
            assert_eq!(ServiceToken::parse(text.as_bytes()), Err(ServiceTokenFault::Malformed(fault)));
        }
    }

    #[test]
    fn k18_a_service_token_does_not_print() {
        let token = ServiceToken::parse(good().to_string().as_bytes()).unwrap();
        assert_eq!(format!("{token:?}"), "ServiceToken(…)");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = ServiceToken::parse(&bytes);
        }

        #[test]
        fn altered_answers_never_panic_and_never_make_a_token_that_breaks_a_header(at in 0_usize..999, byte in any::<u8>()) {
            let mut bytes = good().to_string().into_bytes();
            let place = at % bytes.len();
            bytes[place] = byte;
            if let Ok(token) = ServiceToken::parse(&bytes) {
                prop_assert!(token.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(token.lifetime() > Duration::ZERO);
            }
        }
    }
}
