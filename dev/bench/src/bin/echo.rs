//! The floor: a function that answers with its event, of the same runtime, release profile and kind of Tokio runtime.
//!
//! Where the environment has `ECHO_LINE` it writes that line for each event. The emulator waits 50 ms for a function that
//! writes nothing, so a floor without a line would be slower there than what it is the floor of.

use std::io::{Write, stderr};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let line = std::env::var("ECHO_LINE").map(|line| format!("{line}\n")).unwrap_or_default();
    let line = &line;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if !line.is_empty() {
            stderr().lock().write_all(line.as_bytes())?;
        }
        Ok::<Value, Error>(event.payload)
    }))
    .await
}
