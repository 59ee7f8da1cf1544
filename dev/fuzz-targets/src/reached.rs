/// Notes that an input came to a place where something is accepted, so that a test can tell whether the corpus does.
#[cfg(not(test))]
pub(crate) fn reached(_: &'static str) {}

/// Notes that an input came to a place where something is accepted.
#[cfg(test)]
pub(crate) fn reached(place: &'static str) {
    PLACES.lock().unwrap().insert(place);
}

#[cfg(test)]
static PLACES: std::sync::Mutex<std::collections::BTreeSet<&str>> =
    std::sync::Mutex::new(std::collections::BTreeSet::new());

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::PLACES;
    use crate::TARGETS;

    #[test]
    fn the_corpus_reaches_all_that_is_accepted() {
        for (name, target) in TARGETS {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
            for input in std::fs::read_dir(corpus).unwrap() {
                target(&std::fs::read(input.unwrap().path()).unwrap());
            }
        }
        let places: Vec<&str> = PLACES.lock().unwrap().iter().copied().collect();
        let expected = [
            "a caller is allowed",
            "a client",
            "a consent",
            "a realm",
            "a session",
            "a statement adopted",
            "a statement renewed",
            "a user",
            "an environment of revalidation",
            "an evaluation",
            "a caller is denied",
            "a digest of a configuration",
            "a key set in any order",
            "a policy",
            "a published key set",
            "a stack's key set",
            "a start answered",
            "a state acts",
            "a statement entered",
            "a verified access token",
            "a verified transaction token",
            "an authorizer's environment",
            "an environment of executions",
            "an execution described",
            "an execution stopped",
            "a guard's environment",
            "a method ARN",
            "keys by name",
            "keys on the issuer's origin",
            "a repeated start",
        ];
        assert_eq!(places, std::collections::BTreeSet::from(expected).into_iter().collect::<Vec<_>>());
    }
}
