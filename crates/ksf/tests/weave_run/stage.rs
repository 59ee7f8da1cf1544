//! The guards, the revalidation function and other executions, played by a script.

use std::collections::BTreeMap;

use claim_guard::identifier::Digest;
use serde_json::{Value, json};
use state_machine_interpreter::{Call, ExecutionFailure, Place, World};

/// Who is asked, and what they answer.
#[derive(Default)]
pub struct Stage {
    /// What states that call something answer, one attempt after the other, nothing for well; afterwards, and for all others, all is well.
    pub script: BTreeMap<&'static str, Vec<&'static str>>,
    pub tokens: u32,
    pub log: Vec<String>,
    pub inputs: BTreeMap<String, Vec<Value>>,
}

impl World for Stage {
    fn entered(&mut self, place: &Place<'_>, _: &Value) {
        self.log.push(place.state.to_owned());
    }

    fn call(&mut self, called: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let Call { place, resource, arguments, .. } = *called;
        let state = place.state;
        let answer = self.script.get_mut(state).filter(|answers| !answers.is_empty()).map(|answers| answers.remove(0));
        let call =
            if resource.contains(":states:startExecution") { &arguments["Input"] } else { &arguments["Payload"] };
        let line = self.log.last_mut().unwrap();
        if let Some(token) = call["transactionToken"].as_str() {
            *line = format!("{line} {token}");
        }
        if resource.contains(":lambda:invoke") {
            let is_revalidation = arguments["FunctionName"] == "${RevalidationFunctionArn}";
            handed_as_told(call, is_revalidation);
        }
        if let Some(context) = call.get("context") {
            assert_eq!(context["state"], state);
            let execution = context["execution"].as_str().unwrap().split_once('/').map_or("", |(_, child)| child);
            if !execution.is_empty() {
                *line = format!("{line} in {execution}");
            }
            // A state in JSONPath passes the list of what is there.
            let retries = context["retryCount"].as_array().map_or(&context["retryCount"], |found| &found[0]);
            if *retries != 0 {
                *line = format!("{line} again");
            }
        }
        let input = call.get("delegate").unwrap_or(call)["input"].clone();
        self.inputs.entry(state.to_owned()).or_default().push(input);
        if let Some(error) = answer.filter(|answer| !answer.is_empty()) {
            *line = format!("{line} !{error}");
            // Whoever answers a callback names what they like, with a cause or none.
            if let Some(named) = error.strip_prefix("callback: ") {
                let (name, cause) = named.split_once(' ').unwrap_or((named, ""));
                return Err(ExecutionFailure::new(name, cause));
            }
            let name = if error.contains('.') { error.to_owned() } else { format!("ClaimGuard.{error}") };
            let waits = resource.ends_with(".waitForTaskToken");
            let token = Digest::of(call["transactionToken"].as_str().unwrap_or_default().as_bytes());
            let message =
                if waits { format!("told so; the token presented is `{token}`") } else { "told so".to_owned() };
            return Err(ExecutionFailure::new(
                &name,
                &json!({ "errorType": name, "errorMessage": message }).to_string(),
            ));
        }
        if arguments["FunctionName"] == "${RevalidationFunctionArn}" {
            self.tokens += 1;
            let token = format!("t{}", self.tokens);
            let renewed = json!({ "transactionToken": token, "name": format!("run-{token}") });
            return Ok(json!({ "StatusCode": 200, "Payload": renewed }));
        }
        if resource.contains(":states:startExecution") {
            *line = format!("{line} as {}", arguments["Name"].as_str().unwrap());
            // As DescribeExecution tells of it.
            return Ok(json!({
                "ExecutionArn": "arn:nested", "Name": "nested", "StartDate": "then", "StopDate": "now", "Status": "SUCCEEDED",
                "StateMachineArn": "arn:machine", "Input": arguments["Input"], "Output": {},
            }));
        }
        Ok(json!({ "StatusCode": 200, "Payload": { "by": state } }))
    }
}

/// A guard and the revalidation function take these members and no other.
#[track_caller]
fn handed_as_told(payload: &Value, is_revalidation: bool) {
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&payload["context"]), ["execution", "redriveCount", "retryCount", "state", "stateMachine"]);
    let asked: Vec<String> = members(payload)
        .into_iter()
        .filter(|member| !["context", "transactionToken"].contains(&member.as_str()))
        .collect();
    let told: &[&str] = match asked.first().map(String::as_str) {
        Some("renew") => &["cause", "state"],
        Some("delegate") => &["input", "state"],
        Some("adopt") => &[],
        _ => {
            assert_eq!((asked, is_revalidation), (vec!["input".to_owned(), "work".to_owned()], false));
            return;
        }
    };
    assert_eq!(
        (asked.len(), is_revalidation, members(&payload[&asked[0]])),
        (1, true, told.iter().map(|one| (*one).to_owned()).collect())
    );
}
