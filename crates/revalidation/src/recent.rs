//! What Step Functions said a moment ago. The account has a few descriptions a second for all of its executions, and the
//! children of one ask together.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use claim_guard::UnixTime;

/// For how many seconds an answer counts.
const SECONDS: i64 = 3;
/// The most answers that are kept; an execution's holds its input, of at most 256 KB.
const CAPACITY: usize = 16;

/// Answers of a few seconds, by what they are about.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(Mutex<VecDeque<(UnixTime, K, V)>>);

impl<K: PartialEq, V: Clone> Recent<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// What was answered within the last seconds about `key`.
    pub(crate) fn get(&self, key: &K, now: UnixTime) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |asked_at: UnixTime| (0..=SECONDS).contains(&now.seconds_since(asked_at));
        let found = kept.iter().rev().find(|(asked_at, about, _)| about == key && counts(*asked_at));
        found.map(|(_, _, answer)| answer.clone())
    }

    /// Keeps an answer to what was asked at `now`, and forgets the oldest for it.
    pub(crate) fn keep(&self, key: K, answer: V, now: UnixTime) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, about, _)| *about != key);
        if kept.len() >= CAPACITY {
            kept.pop_front();
        }
        kept.push_back((now, key, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(1_767_225_600 + seconds).unwrap()
    }

    #[track_caller]
    fn check(recent: &Recent<usize, &'static str>, key: usize, seconds: i64, expected: Option<&str>) {
        assert_eq!(recent.get(&key, time(seconds)), expected);
    }

    #[test]
    fn an_answer_counts_for_three_seconds_and_for_what_it_is_about() {
        let recent = Recent::new();
        recent.keep(1, "runs", time(0));
        check(&recent, 1, 0, Some("runs"));
        check(&recent, 1, 3, Some("runs"));
        check(&recent, 1, 4, None);
        check(&recent, 2, 0, None);
        // A clock that was set back makes an answer no younger.
        check(&recent, 1, -1, None);
    }

    #[test]
    fn the_last_answer_counts() {
        let recent = Recent::new();
        recent.keep(1, "runs", time(0));
        recent.keep(1, "runs still", time(2));
        check(&recent, 1, 2, Some("runs still"));
        check(&recent, 1, 5, Some("runs still"));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let recent = Recent::new();
        for key in 0..=CAPACITY {
            recent.keep(key, "runs", time(0));
        }
        check(&recent, 0, 0, None);
        check(&recent, 1, 0, Some("runs"));
        check(&recent, CAPACITY, 0, Some("runs"));
    }
}
