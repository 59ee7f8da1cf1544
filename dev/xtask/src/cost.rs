//! What a revalidation costs: requests to Keycloak, and time.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;

/// How many invocations are measured.
const INVOCATIONS: usize = 50;
/// So many before that, for the function to be warm and to have an access token.
const WARM_UP: usize = 3;
const STARTS: &str = "/workflows/payment/executions";
const PAYMENT: &str = r#"{"project_id":"apollo","amount":1,"currency":"EUR","parties":["payer-1"],"hold_seconds":600}"#;
/// Keycloak writes its access log a moment after its answers.
const LOGS_WITHIN: Duration = Duration::from_secs(2);

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The requests that Keycloak answered, each kind with how often, for all measured invocations.
    pub requests: Vec<(String, usize)>,
    /// How long a call of `revalidation` took, sorted.
    pub revalidation: Vec<Duration>,
    /// How long a call of a guarded task took, which asks nobody: what the emulator and the Lambda runtime take, sorted.
    pub guard: Vec<Duration>,
}

/// Measures it on a lab that is up: the deployed functions are invoked one call after the other.
///
/// # Errors
/// The lab is not up, or an invocation fails.
pub fn measure(lab: &Lab) -> Result<Cost, Failure> {
    let token = lab.token("alice")?;
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let answer = lab.request("POST", STARTS, &headers, Some(PAYMENT))?;
    let name = answer.header("location").and_then(|location| location.rsplit('/').next()).unwrap_or_default();
    let told = measure_on(lab, name);
    lab.request("DELETE", &format!("{STARTS}/{name}"), &headers, None)?;
    told
}

fn measure_on(lab: &Lab, name: &str) -> Result<Cost, Failure> {
    let machine = lab.physical_ids("AWS::StepFunctions::StateMachine").into_iter().next().unwrap_or_default();
    let execution = format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"));
    let description = lab.execution(&execution)?;
    let input = description.get("input").and_then(Value::as_str).unwrap_or_default();
    let input: Value = serde_json::from_str(input).or_failure("read the execution's input", "see the API's log")?;
    let event = |state: &str, member: &str, value: Value| {
        json!({
            "transactionToken": input.get("transactionToken"),
            "context": {
                "execution": execution, "stateMachine": machine, "state": state, "redriveCount": 0, "retryCount": 0,
            },
            member: value,
        })
    };
    let renewal = event("Revalidate ApprovePayment", "renew", json!({"state": "ApprovePayment", "cause": "expired"}));
    let payment = json!({"project_id": "apollo", "amount": 1, "currency": "EUR", "parties": [], "screenings": []});
    let mut guarded = event("ApprovePayment", "input", payment);
    if let Some(members) = guarded.as_object_mut() {
        members.insert("work".to_owned(), "".into());
    }
    calls(lab, "Revalidation", &renewal, WARM_UP)?;
    calls(lab, "ApprovePayment", &guarded, WARM_UP)?;
    thread::sleep(LOGS_WITHIN);
    let before = lab.keycloak().requests()?.len();
    let revalidation = calls(lab, "Revalidation", &renewal, INVOCATIONS)?;
    thread::sleep(LOGS_WITHIN);
    let requests = by_kind(lab.keycloak().requests()?.iter().skip(before));
    Ok(Cost { requests, revalidation, guard: calls(lab, "ApprovePayment", &guarded, INVOCATIONS)? })
}

/// How long each of `count` calls took, sorted.
fn calls(lab: &Lab, function: &str, event: &Value, count: usize) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let invocation = lab.invoke(function, event)?;
        took.push(began.elapsed());
        if invocation.failed {
            let what = format!("{function} answered {}", invocation.payload);
            return Err(Failure::new(what, "read the audit line in the function's log"));
        }
    }
    took.sort_unstable();
    Ok(took)
}

/// Requests without what differs from one to the next, with how often each was made.
fn by_kind<'a>(requests: impl Iterator<Item = &'a String>) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for request in requests {
        let path = request.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
        let words = path.split('/').map(|part| if is_uuid(part) { "…" } else { part });
        let kind = words.collect::<Vec<_>>().join("/");
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => kinds.push((kind, 1)),
        }
    }
    kinds.sort();
    kinds
}

fn is_uuid(part: &str) -> bool {
    part.len() == 36 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The value in the middle of sorted ones, or nearer to the end.
fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let place = sorted.len().saturating_mul(hundredths).div_euclid(100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.requests.iter().map(|(_, count)| count).sum();
        writeln!(f, "{} revalidations, {all} requests to Keycloak:", self.revalidation.len())?;
        for (kind, count) in &self.requests {
            writeln!(f, "  {count:>4}  {kind}")?;
        }
        let line = |sorted: &[Duration]| {
            let of = |hundredths| percentile(sorted, hundredths).as_secs_f64() * 1000.0;
            format!("p50 {:.1} ms, p95 {:.1} ms", of(50), of(95))
        };
        writeln!(f, "a call of revalidation        {}", line(&self.revalidation))?;
        write!(f, "a call of a guarded task      {} (asks nobody: the emulator's share)", line(&self.guard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind() {
        let user = "7d481f23-5c4f-4bf2-8f3e-ca2a2e652975";
        let requests = [
            format!("GET /admin/realms/r/users/{user} HTTP/2"),
            format!("GET /admin/realms/r/clients/{user}/evaluate?userId={user}&scope= HTTP/2"),
            format!("GET /admin/realms/r/users/{} HTTP/2", user.replace('7', "8")),
        ];
        let told = [("GET /admin/realms/r/clients/…/evaluate", 1), ("GET /admin/realms/r/users/…", 2)];
        assert_eq!(by_kind(requests.iter()), told.map(|(kind, count)| (kind.to_owned(), count)));
    }

    #[test]
    fn the_middle_is_the_middle() {
        let sorted: Vec<Duration> = (1..=5).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_millis(3));
        assert_eq!(percentile(&sorted, 100), Duration::from_millis(5));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
