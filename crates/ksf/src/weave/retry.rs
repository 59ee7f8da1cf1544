//! How often a rule of Retry tries again, and how long it waits between two attempts
//! (<https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>).

use std::time::Duration;

use crate::weave::json::{Json, Object};

/// What a rule means that says nothing.
const USUAL_ATTEMPTS: f64 = 3.0;
const USUAL_INTERVAL: f64 = 1.0;
const USUAL_BACKOFF: f64 = 2.0;

/// The most seconds that Step Functions takes.
const MOST_SECONDS: f64 = 99_999_999.0;

/// More doublings lead nowhere: the wait is beyond every identity's age.
const MOST_DOUBLINGS: f64 = 64.0;

/// How many attempts follow the first. What only the deployment knows counts as some.
pub(super) fn attempts(rule: &Object) -> u32 {
    let attempts = number(rule, "MaxAttempts").unwrap_or(USUAL_ATTEMPTS);
    if attempts < 1.0 { 0 } else { 1 }
}

/// The longest wait between two attempts; none where there is no second one.
pub(super) fn longest_wait(rule: &Object) -> Duration {
    let attempts = number(rule, "MaxAttempts").unwrap_or(USUAL_ATTEMPTS);
    if attempts < 1.0 {
        return Duration::ZERO;
    }
    let interval = number(rule, "IntervalSeconds").unwrap_or(USUAL_INTERVAL);
    let backoff = number(rule, "BackoffRate").unwrap_or(USUAL_BACKOFF).max(1.0);
    let longest = interval * backoff.powf((attempts - 1.0).min(MOST_DOUBLINGS));
    let longest = number(rule, "MaxDelaySeconds").map_or(longest, |most| longest.min(most));
    Duration::try_from_secs_f64(longest.min(MOST_SECONDS)).unwrap_or_default()
}

/// A number that is written out.
fn number(rule: &Object, member: &str) -> Option<f64> {
    match rule.get(member)? {
        Json::Number(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::Placeholder(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_before_the_last_attempt() {
        let rule = |members: &[(&str, &str)]| {
            let mut rule = Object::default();
            members.iter().for_each(|(name, value)| rule.set(name, Json::Number((*value).to_owned())));
            rule
        };
        let seconds = |members: &[(&str, &str)]| longest_wait(&rule(members)).as_secs();
        assert_eq!(seconds(&[]), 4);
        assert_eq!(seconds(&[("IntervalSeconds", "60"), ("MaxAttempts", "5")]), 960);
        assert_eq!(seconds(&[("IntervalSeconds", "60"), ("MaxAttempts", "5"), ("MaxDelaySeconds", "100")]), 100);
        assert_eq!(seconds(&[("IntervalSeconds", "400"), ("MaxAttempts", "1")]), 400);
        assert_eq!(seconds(&[("IntervalSeconds", "10"), ("BackoffRate", "1.5"), ("MaxAttempts", "3")]), 22);
        assert_eq!(seconds(&[("IntervalSeconds", "400"), ("MaxAttempts", "0")]), 0);
        assert_eq!(longest_wait(&rule(&[("MaxAttempts", "99999999")])), Duration::from_secs(99_999_999));
        assert_eq!([attempts(&rule(&[])), attempts(&rule(&[("MaxAttempts", "0")]))], [1, 0]);
    }
}
