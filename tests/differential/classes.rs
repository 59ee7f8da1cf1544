//! Why others may accept what is rejected here: `classes.toml`.

use std::collections::BTreeMap;

use claim_guard::json::MemberError;
use claim_guard::jws::{JwsError, KeyFault, KeySetError, SkippedKey};
use claim_guard::{JsonError, RealmKeySet, Rejection};

/// The classes of disagreement, and what a verifier cannot decide at all.
pub struct Classes {
    /// The class of each rejection.
    by_rejection: BTreeMap<String, String>,
    /// The reason of each class.
    pub reasons: BTreeMap<String, String>,
    /// Verifiers with the algorithms that they do not know.
    unknown_algorithms: Vec<(String, Vec<String>)>,
}

impl Classes {
    pub fn read() -> Self {
        let file: toml::Table = include_str!("classes.toml").parse().unwrap();
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let texts = |value: &toml::Value| value.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
        let mut classes =
            Self { by_rejection: BTreeMap::new(), reasons: BTreeMap::new(), unknown_algorithms: Vec::new() };
        for (name, class) in file["class"].as_table().unwrap() {
            classes.reasons.insert(name.clone(), text(&class["reason"]));
            for rejection in texts(&class["rejections"]) {
                let other = classes.by_rejection.insert(rejection.clone(), name.clone());
                assert_eq!(other, None, "classes.toml names `{rejection}` twice");
            }
        }
        for (verifier, limit) in file["limit"].as_table().unwrap() {
            classes.unknown_algorithms.push((verifier.clone(), texts(&limit["algorithms"])));
        }
        classes
    }

    /// The class that a rejection belongs to.
    pub fn of(&self, rejection: &str) -> Option<&str> {
        self.by_rejection.get(rejection).map(String::as_str)
    }

    /// Every rejection that is named.
    pub fn rejections(&self) -> impl Iterator<Item = &String> {
        self.by_rejection.keys()
    }

    /// Whether the verifier knows the algorithm at all.
    pub fn knows(&self, verifier: &str, algorithm: &str) -> bool {
        let without =
            |(name, unknown): &(String, Vec<String>)| name == verifier && unknown.iter().any(|own| own == algorithm);
        !self.unknown_algorithms.iter().any(without)
    }
}

/// A rejection's code, with what tells one cause of that code from another.
pub fn of_token(rejection: &Rejection, keys: &RealmKeySet) -> String {
    let code = rejection.code();
    match rejection {
        Rejection::Jws(
            JwsError::Member(MemberError::Missing { part, name })
            | JwsError::Member(MemberError::WrongType { part, name, .. }),
        ) => {
            format!("{code} {part} {name}")
        }
        Rejection::Jws(
            JwsError::Member(MemberError::MalformedIdentifier { name, .. }) | JwsError::ForbiddenHeaderMember { name },
        ) => {
            format!("{code} {name}")
        }
        Rejection::Jws(JwsError::NotBase64Url { part }) => format!("{code} {part}"),
        Rejection::Jws(JwsError::MalformedJson { part, error }) => format!("{code} {part} {}", json_fault(error)),
        Rejection::Jws(JwsError::UnknownKey { key_id }) => {
            let named =
                |skipped: &&SkippedKey| skipped.key_id.as_ref().is_some_and(|own| own.to_string() == key_id.as_str());
            match keys.skipped().iter().find(named) {
                Some(skipped) => format!("{code} {}", variant(&skipped.fault)),
                // A key that is not even one JSON object is left out without a name.
                None => match keys.skipped().iter().find(|skipped| matches!(skipped.fault, KeyFault::Malformed { .. }))
                {
                    Some(_) => format!("{code} Malformed"),
                    None => code.to_owned(),
                },
            }
        }
        Rejection::ForeignClaim { name } => format!("{code} {name}"),
        _ => code.to_owned(),
    }
}

/// The refusal of a whole key set, with the fault of its first key where it is refused for its keys.
pub fn of_key_set(error: &KeySetError) -> String {
    match error {
        KeySetError::NoUsableKey { skipped } => {
            let fault = skipped.first().map_or("empty".to_owned(), |key| variant(&key.fault));
            format!("key_set NoUsableKey {fault}")
        }
        _ => format!("key_set {}", variant(error)),
    }
}

fn json_fault(error: &JsonError) -> &'static str {
    match error {
        JsonError::Malformed { duplicate_member: true, .. } => "duplicate",
        JsonError::Malformed { duplicate_member: false, .. } => "syntax",
        JsonError::NotAnObject => "not_an_object",
    }
}

fn variant(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}
