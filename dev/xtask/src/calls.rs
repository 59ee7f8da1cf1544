//! What can be asked of a lab that is up: its API, its executions, its logs.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::aws::{list, loopback_client};
use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;
use crate::versions::FUNCTIONS;

/// What the API answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// One event of a log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The log group, such as `/aws/lambda/NAME`.
    pub group: String,
    /// When it was written, in milliseconds of Unix time.
    pub at: i64,
    /// The text, without its line end.
    pub text: String,
}

/// What a function answered when it was invoked without the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The function's output, or the error object.
    pub payload: Value,
    /// Whether the function failed.
    pub failed: bool,
}

impl Lab {
    /// The API's URL on the loopback interface; it needs the `Host` header of [`Lab::api_host`].
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.ports.emulator, self.stack.stage)
    }

    /// The `Host` header by which the emulator knows the API.
    pub fn api_host(&self) -> String {
        format!("{}.execute-api.localhost:{}", self.stack.api, self.ports.emulator)
    }

    /// Calls the API. `path` begins with `/` and does not hold the stage.
    ///
    /// # Errors
    /// The emulator is out of reach; an HTTP error status is an answer, not a failure.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, Failure> {
        let activity = format!("{method} {path}");
        let remedy = "see `cargo xtask lab status`; bring the lab up if it is down";
        let method = Method::from_bytes(method.as_bytes()).or_failure(&activity, "use an HTTP method")?;
        let mut request =
            loopback_client()?.request(method, format!("{}{path}", self.api_url())).header("host", self.api_host());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let answer = request.send().or_failure(&activity, remedy)?;
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let answer = Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: answer.text().or_failure(&activity, remedy)?,
        };
        self.note_call(headers, &answer)?;
        Ok(answer)
    }

    /// Step Functions' description of an execution: `status`, `input`, `output`, `error`, `cause`.
    ///
    /// # Errors
    /// There is no such execution.
    pub fn execution(&self, arn: &str) -> Result<Value, Failure> {
        self.aws.json("states", "AWSStepFunctions.DescribeExecution", &json!({"executionArn": arn}))
    }

    /// The description of an execution once it runs no more.
    ///
    /// # Errors
    /// There is no such execution, or it still runs after `patience`.
    pub fn outcome(&self, arn: &str, patience: Duration) -> Result<Value, Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let execution = self.execution(arn)?;
            if execution.get("status").and_then(Value::as_str) != Some("RUNNING") {
                return Ok(execution);
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(
                    format!("{arn} still runs after {} s", patience.as_secs()),
                    "read the execution's history and the emulator's log",
                ));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Every event of an execution's history, oldest first.
    ///
    /// # Errors
    /// There is no such execution.
    pub fn history(&self, arn: &str) -> Result<Vec<Value>, Failure> {
        let request = json!({"executionArn": arn, "maxResults": 1000, "includeExecutionData": true});
        self.pages("AWSStepFunctions.GetExecutionHistory", request, "events")
    }

    /// All pages of an answer of Step Functions, joined.
    fn pages(&self, target: &str, mut request: Value, member: &str) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        loop {
            let page = self.aws.json("states", target, &request)?;
            all.extend(list(&page, member));
            let Some(next) = page.get("nextToken").filter(|token| token.is_string()) else {
                return Ok(all);
            };
            if let Some(fields) = request.as_object_mut() {
                fields.insert("nextToken".into(), next.clone());
            }
        }
    }

    /// The ARNs of all executions of the stack's state machines.
    ///
    /// # Errors
    /// The emulator is out of reach.
    pub fn executions(&self) -> Result<Vec<String>, Failure> {
        let mut arns = Vec::new();
        for machine in self.physical_ids("AWS::StepFunctions::StateMachine") {
            let request = json!({"stateMachineArn": machine, "maxResults": 1000});
            let found = self.pages("AWSStepFunctions.ListExecutions", request, "executions")?;
            arns.extend(found.iter().filter_map(|one| Some(one.get("executionArn")?.as_str()?.to_owned())));
        }
        Ok(arns)
    }

    /// Everything that the stack's functions and state machines logged, oldest first.
    ///
    /// # Errors
    /// The emulator is out of reach.
    pub fn log_lines(&self) -> Result<Vec<LogLine>, Failure> {
        let mut lines = BTreeSet::new();
        for group in self.aws.log_groups()? {
            for (order, event) in self.aws.log_events(&group)?.iter().enumerate() {
                let text = event.get("message").and_then(Value::as_str).unwrap_or_default();
                let at = event.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
                lines.insert((at, group.clone(), order, text.trim_end().to_owned()));
            }
        }
        Ok(lines.into_iter().map(|(at, group, _, text)| LogLine { group, at, text }).collect())
    }

    /// The audit lines among the log lines, oldest first.
    ///
    /// # Errors
    /// The emulator is out of reach.
    pub fn audit_lines(&self) -> Result<Vec<Value>, Failure> {
        let lines = self.log_lines()?;
        let records = lines.iter().filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
        Ok(records.filter(|record| record.get("audit").is_some()).collect())
    }

    /// Invokes what runs of a function directly, named as in [`Lab::function`].
    ///
    /// # Errors
    /// The stack has no such function; a function's own error is an answer.
    pub fn invoke(&self, function: &str, payload: &Value) -> Result<Invocation, Failure> {
        let path = format!("{FUNCTIONS}/{}/invocations", self.running(function)?);
        let payload = self.aws.rest("lambda", Method::POST, &path, Some(payload))?;
        Ok(Invocation { failed: payload.get("errorType").is_some(), payload })
    }

    /// The physical name of a function. `wanted` is its logical id in the template, in any case and without a final `Function`,
    /// or its physical name.
    ///
    /// # Errors
    /// The stack has no such function, or more than one.
    pub fn function(&self, wanted: &str) -> Result<String, Failure> {
        let plain = |name: &str| {
            let name = name.to_ascii_lowercase().replace('-', "");
            name.strip_suffix("function").unwrap_or(&name).to_owned()
        };
        let functions = self.stack.resources.iter().filter(|(_, found)| found.kind == "AWS::Lambda::Function");
        let matching: Vec<&String> = functions
            .filter(|(logical, found)| plain(logical) == plain(wanted) || found.id == wanted)
            .map(|(_, found)| &found.id)
            .collect();
        match matching.as_slice() {
            [one] => Ok((*one).clone()),
            found => Err(Failure::new(
                format!("{} functions of the stack are called `{wanted}`", found.len()),
                format!("use one of {}", self.physical_ids("AWS::Lambda::Function").join(", ")),
            )),
        }
    }

    /// The physical ids of all resources of a type, by order of their logical ids.
    pub fn physical_ids(&self, kind: &str) -> Vec<String> {
        let all = self.stack.resources.values();
        all.filter(|resource| resource.kind == kind).map(|resource| resource.id.clone()).collect()
    }
}
