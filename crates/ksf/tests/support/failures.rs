//! How guards and other functions fail, as Lambda tells it.

use claim_guard::identifier::Digest;
use serde_json::json;
use state_machine_interpreter::{Call, ExecutionFailure};

/// A guard's refusal. Where a callback is waited for it names the token that it was presented, as nobody else can.
pub fn refusal(call: &Call<'_>, error: &str) -> ExecutionFailure {
    let token = call.arguments["Payload"]["transactionToken"].as_str().unwrap_or_default();
    let message = if call.resource.ends_with(".waitForTaskToken") {
        format!("told so; the token presented is `{}`", Digest::of(token.as_bytes()))
    } else {
        "told so".to_owned()
    };
    ExecutionFailure::new(error, &json!({ "errorType": error, "errorMessage": message }).to_string())
}

/// An error that a function answers with.
pub fn of_lambda(error: &str) -> ExecutionFailure {
    ExecutionFailure::new(error, &json!({ "errorType": error, "errorMessage": "told so" }).to_string())
}
