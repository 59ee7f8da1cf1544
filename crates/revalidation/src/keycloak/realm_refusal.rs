//! What Keycloak says when it gives nothing.

use std::fmt;

use claim_guard::{Excerpt, strict_json_object};
use serde_json::Value;

/// What Keycloak 26.7 says of a user that it does not have.
const NO_USER: &str = "User not found";

/// An error in Keycloak's own words: a JSON object with `error` and nothing that is no text. Whatever stands between it and
/// us, a gateway or a firewall, has other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmRefusal {
    error: Excerpt,
    description: Option<Excerpt>,
}

impl RealmRefusal {
    /// Reads an error's body; none if it is not Keycloak's.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let object = strict_json_object(bytes).ok()?;
        let text = |value: &Value| value.as_str().map(Excerpt::of);
        let description = match object.get("error_description") {
            Some(value) => Some(text(value)?),
            None => None,
        };
        Some(Self { error: text(object.get("error")?)?, description })
    }

    /// Whether it says that the user is not there, and nothing else.
    pub(super) fn is_no_user(&self) -> bool {
        self.error.as_str() == NO_USER && self.description.is_none()
    }
}

impl fmt::Display for RealmRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) => write!(f, "`{}`, `{description}`", self.error),
            None => write!(f, "`{}`", self.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<(&str, bool)>) {
        let refusal = RealmRefusal::parse(body.as_bytes());
        let presented = refusal.map(|refusal| (refusal.to_string(), refusal.is_no_user()));
        assert_eq!(presented, expected.map(|(text, no_user)| (text.to_owned(), no_user)), "{body}");
    }

    #[test]
    fn keycloaks_own_words_are_told_from_others() {
        check(r#"{"error":"User not found"}"#, Some(("`User not found`", true)));
        check(r#"{"error":"HTTP 403 Forbidden"}"#, Some(("`HTTP 403 Forbidden`", false)));
        check(r#"{"error":"Realm not found."}"#, Some(("`Realm not found.`", false)));
        check(
            r#"{"error":"invalid_client","error_description":"Token reuse detected"}"#,
            Some(("`invalid_client`, `Token reuse detected`", false)),
        );
        check(r#"{"error":"User not found","error_description":"x"}"#, Some(("`User not found`, `x`", false)));
        for foreign in [
            "",
            "User not found",
            "<html><title>404 Not Found</title></html>",
            "[]",
            "{}",
            r#"{"error":404}"#,
            r#"{"error":{"message":"User not found"}}"#,
            r#"{"message":"User not found"}"#,
            r#"{"error":"User not found","error":"User not found"}"#,
            r#"{"error":"User not fo"#,
            r#"{"error":"x","error_description":1}"#,
        ] {
            check(foreign, None);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_are_no_users_absence(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(!RealmRefusal::parse(&bytes).is_some_and(|refusal| refusal.is_no_user()));
        }
    }
}
