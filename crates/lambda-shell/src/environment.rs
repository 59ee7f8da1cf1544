//! The process's environment, and a digest of what was read of it.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use claim_guard::identifier::Digest;

/// What no function looks up and what may all the same say whose code runs, or whom it calls.
const READ_BY_OTHERS: [&str; 10] = [
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_SFN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_LAMBDA_EXEC_WRAPPER",
    "HTTPS_PROXY",
    "LD_AUDIT",
    "LD_PRELOAD",
    "https_proxy",
];

/// The environment that a process was started with. It remembers what it was asked for.
///
/// The rest of it is not the function's configuration: Lambda puts credentials and names of the process there, which are
/// others each time.
#[derive(Debug)]
pub struct Environment {
    variable: fn(&str) -> Option<String>,
    /// In the order of their names. A vector and no map, whose code would be in each function that ships.
    read: Mutex<Vec<(String, Option<String>)>>,
}

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: fn(&str) -> Option<String>) -> Self {
        let environment = Self { variable, read: Mutex::default() };
        for name in READ_BY_OTHERS {
            environment.get(name);
        }
        environment
    }

    /// A variable's value by its name.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let place = read.partition_point(|(known, _)| known.as_str() < name);
        if read.get(place).is_none_or(|(known, _)| known != name) {
            read.insert(place, (name.to_owned(), value.clone()));
        }
        value
    }

    /// The digest of every name that was asked for until now, with its value. A function asks for its whole configuration
    /// once, at its start; two that are configured alike have the same digest. An empty value counts as absent here, as it
    /// does for whoever reads it.
    pub fn digest(&self) -> Digest {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, value) in read.iter() {
            let value = value.as_deref().unwrap_or_default();
            // With its length in front no value can pass for another variable. Writing into a string cannot fail.
            let _ = writeln!(text, "{name} {}:{value}", value.len());
        }
        Digest::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(variable: fn(&str) -> Option<String>, names: &[&str]) -> Digest {
        let environment = Environment::of(variable);
        names.iter().for_each(|name| drop(environment.get(name)));
        environment.digest()
    }

    fn sample(name: &str) -> Option<String> {
        match name {
            "A" => Some("1".to_owned()),
            "B" => Some("x\nC 1:y".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn other(name: &str) -> Option<String> {
        if name == "A" { Some("2".to_owned()) } else { sample(name) }
    }

    fn preloaded(name: &str) -> Option<String> {
        if name == "LD_PRELOAD" { Some("/opt/x.so".to_owned()) } else { sample(name) }
    }

    fn split(name: &str) -> Option<String> {
        match name {
            "B" => Some("x".to_owned()),
            "C" => Some("y".to_owned()),
            name => sample(name),
        }
    }

    #[test]
    fn a_value_is_handed_through() {
        let environment = Environment::of(sample);
        assert_eq!(
            ["A", "EMPTY", "D"].map(|name| environment.get(name)),
            [Some("1".into()), Some(String::new()), None]
        );
    }

    #[test]
    fn a_digest_of_everything_that_was_read_and_nothing_else() {
        let base = digest(sample, &["A", "B", "C"]);
        assert_eq!(digest(sample, &["C", "B", "A", "A"]), base, "the order is nobody's configuration");
        assert_eq!(digest(other, &["B"]), digest(sample, &["B"]), "what is not read is not told");
        assert_eq!(digest(sample, &["EMPTY"]), digest(|_| None, &["EMPTY"]), "an empty value is an absent one");
        for changed in [
            digest(other, &["A", "B", "C"]),
            digest(split, &["A", "B", "C"]),
            digest(preloaded, &["A", "B", "C"]),
            digest(sample, &["A", "B"]),
        ] {
            assert_ne!(changed, base);
        }
    }
}
