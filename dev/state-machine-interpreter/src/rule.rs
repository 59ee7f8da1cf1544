//! Which rule of Retry or Catch takes an error in.

use serde_json::Value;

use crate::engine::Habits;
use crate::stop::{DATA_LIMIT, RUNTIME};

/// The first rule of that list that takes the error in, and its number.
pub(crate) fn rule<'a>(state: &'a Value, list: &str, error: &str, habits: Habits) -> Option<(usize, &'a Value)> {
    let is_parallel = state["Type"] == "Parallel";
    let rules = state[list].as_array()?;
    rules.iter().enumerate().find(|(_, rule)| {
        let mut names = rule["ErrorEquals"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.any(|name| matches(name, error, is_parallel && habits.is_branch_failed_a_wildcard))
    })
}

/// Whether a name in `ErrorEquals` takes an error in.
fn matches(name: &str, error: &str, is_branch_failed_a_wildcard: bool) -> bool {
    if error == RUNTIME {
        return false;
    }
    match name {
        _ if name == error => true,
        "States.ALL" => error != DATA_LIMIT,
        "States.TaskFailed" => ![DATA_LIMIT, "States.Timeout"].contains(&error),
        "States.BranchFailed" => is_branch_failed_a_wildcard && error != DATA_LIMIT,
        // A task that sends no heartbeat has timed out.
        "States.Timeout" => error == "States.HeartbeatTimeout",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_many_errors_take_in_what_aws_says() {
        assert!(matches("States.ALL", "Own.Error", true) && matches("States.TaskFailed", "Own.Error", true));
        assert!(matches("States.ALL", "States.Timeout", true) && !matches("States.TaskFailed", "States.Timeout", true));
        for name in ["States.ALL", "States.TaskFailed", "States.BranchFailed"] {
            assert!(!matches(name, RUNTIME, true) && !matches(name, DATA_LIMIT, true));
        }
        assert!(matches(DATA_LIMIT, DATA_LIMIT, true) && !matches(RUNTIME, RUNTIME, true));
        assert!(
            matches("States.BranchFailed", "Own.Error", true) && !matches("States.BranchFailed", "Own.Error", false)
        );
    }
}
