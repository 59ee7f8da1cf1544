//! The context object (<https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html>).

use serde_json::{Value, json};

use crate::engine::{Engine, Execution, RetryCount};

/// Nothing waits, so it is always the same time.
const NOW: &str = "2026-01-01T00:00:00.000Z";

/// The context object of a state.
pub(crate) fn context(
    execution: &Execution,
    state: &str,
    definition: &Value,
    retries: u64,
    item: Option<&Value>,
    engine: &Engine,
) -> Value {
    let last = |arn: &str| arn.rsplit([':', '/']).next().unwrap_or_default().to_owned();
    let mut context = json!({
        "Execution": {
            "Id": execution.id,
            "Input": execution.input,
            "Name": last(&execution.id),
            "RoleArn": "arn:aws:iam::123456789012:role/machine",
            "StartTime": NOW,
        },
        "State": { "EnteredTime": NOW, "Name": state },
        "StateMachine": { "Id": execution.machine, "Name": last(&execution.machine) },
    });
    if let Some(count) = engine.habits().redrive_count {
        set(&mut context, "Execution", "RedriveCount", json!(count));
    }
    if retries > 0 || engine.habits().retry_count == RetryCount::Always {
        set(&mut context, "State", "RetryCount", json!(retries));
    }
    let is_callback = definition["Resource"].as_str().is_some_and(|resource| resource.ends_with(".waitForTaskToken"));
    let more = [
        ("Task", is_callback.then(|| json!({ "Token": "task-token" }))),
        ("Map", item.map(|item| json!({ "Item": item }))),
    ];
    for (name, value) in more {
        if let (Some(value), Some(members)) = (value, context.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
    }
    context
}

fn set(context: &mut Value, object: &str, member: &str, value: Value) {
    if let Some(members) = context.get_mut(object).and_then(Value::as_object_mut) {
        members.insert(member.to_owned(), value);
    }
}
