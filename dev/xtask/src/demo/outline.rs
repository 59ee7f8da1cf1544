//! An execution's history in outline: which states it entered, which errors it met, how it ended.

use serde_json::Value;

/// What precedes an error's name.
pub(super) const ERROR: &str = "✘ ";

/// The names of the states in the order in which the execution entered them, each error under the state that met it, and
/// the end.
///
/// The emulator does not tell which states a Map's items enter, only the errors that they meet. How often a function that
/// could not tell was asked again is a matter of time, so that error stands once for each state.
pub(super) fn outline(history: &[Value]) -> Vec<String> {
    let mut outline: Vec<String> = Vec::new();
    for event in history {
        let Some(line) = line(event) else { continue };
        let again = line.ends_with(".Undecided") && outline.last() == Some(&line);
        if !again {
            outline.push(line);
        }
    }
    outline
}

fn line(event: &Value) -> Option<String> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let kind = text("/type")?;
    let failed = |details: &str| text(&format!("/{details}/error")).unwrap_or("an error without a name");
    match kind {
        "TaskFailed" => Some(format!("{ERROR}{}", failed("taskFailedEventDetails"))),
        "TaskTimedOut" => Some(format!("{ERROR}{}", failed("taskTimedOutEventDetails"))),
        "ExecutionSucceeded" => Some("SUCCEEDED".to_owned()),
        "ExecutionFailed" => Some(format!("FAILED {}", failed("executionFailedEventDetails"))),
        "ExecutionTimedOut" => Some("TIMED_OUT".to_owned()),
        "ExecutionAborted" => Some("ABORTED".to_owned()),
        kind if kind.ends_with("StateEntered") => text("/stateEnteredEventDetails/name").map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn states_errors_and_the_end_are_told_in_their_order() {
        let entered = |name: &str| json!({"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}});
        let failed = |error: &str| json!({"type": "TaskFailed", "taskFailedEventDetails": {"error": error}});
        let history = [
            json!({"type": "ExecutionStarted"}),
            entered("Approve"),
            json!({"type": "TaskScheduled"}),
            failed("ClaimGuard.Undecided"),
            json!({"type": "TaskScheduled"}),
            failed("ClaimGuard.Undecided"),
            failed("ClaimGuard.Denied"),
            entered("Reconsider Approve"),
            json!({"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "ClaimGuard.Denied"}}),
        ];
        assert_eq!(
            outline(&history),
            [
                "Approve",
                "✘ ClaimGuard.Undecided",
                "✘ ClaimGuard.Denied",
                "Reconsider Approve",
                "FAILED ClaimGuard.Denied"
            ]
        );
    }
}
