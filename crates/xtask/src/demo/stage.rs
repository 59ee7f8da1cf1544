//! What a scene does and sees. Each step prints itself and, when it is not what was told, the difference.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::calls::Answer;
use crate::failure::Failure;
use crate::lab::Lab;
use crate::progress::tell;
use crate::report::PAYMENT;

const STARTS: &str = "/workflows/payment/executions";
/// An execution of the sample workflow takes a few seconds at most.
const EXECUTION_WITHIN: Duration = Duration::from_secs(60);
/// Logs arrive a moment after the answer that they tell about.
const LOGS_WITHIN: Duration = Duration::from_secs(5);

/// One scene under way.
pub struct Stage<'a> {
    /// The lab that it plays on.
    pub lab: &'a Lab,
    audited_before: usize,
    differences: usize,
}

impl<'a> Stage<'a> {
    /// An empty stage: what was logged until now belongs to earlier scenes.
    pub fn new(lab: &'a Lab) -> Result<Stage<'a>, Failure> {
        Ok(Stage { lab, audited_before: lab.audit_lines()?.len(), differences: 0 })
    }

    /// Whether nothing differed from what was told.
    pub fn went_as_told(&self) -> bool {
        self.differences == 0
    }

    /// Says what happens next.
    pub fn say(&self, text: &str) {
        tell!("\n  {text}");
    }

    /// Starts a payment with `token`, which `whose` describes, and expects an answer.
    pub fn start_payment(&mut self, whose: &str, token: &str, told: u16) -> Result<Answer, Failure> {
        tell!("\n  POST {STARTS}\n       Authorization: Bearer ({whose})\n       {PAYMENT}");
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let answer = self.lab.request("POST", STARTS, &headers, Some(PAYMENT))?;
        tell!("  → {}", answer.status);
        if let Some(location) = answer.header("location") {
            tell!("    Location: {location}");
        }
        if !answer.body.is_empty() {
            tell!("    {}", answer.body.trim_end());
        }
        self.compare("the answer", &answer.status.to_string(), &told.to_string());
        Ok(answer)
    }

    /// Waits for the execution that an answer names and expects its outcome: a status, and an error name where it failed.
    pub fn outcome(&mut self, answer: &Answer, told: &str) -> Result<(), Failure> {
        let Some(arn) = execution_arn(self.lab, answer) else {
            self.compare("the execution", "none was started", told);
            return Ok(());
        };
        let execution = self.lab.outcome(&arn, EXECUTION_WITHIN)?;
        let text = |name: &str| execution.get(name).and_then(Value::as_str).unwrap_or_default();
        let outcome = format!("{} {}", text("status"), text("error"));
        tell!("\n  execution {}\n  → {}", arn.rsplit(':').next().unwrap_or_default(), outcome.trim_end());
        for detail in ["cause", "output"].into_iter().map(text).filter(|detail| !detail.is_empty()) {
            tell!("    {detail}");
        }
        self.compare("the execution's outcome", outcome.trim_end(), told);
        Ok(())
    }

    /// Shows the scene's audit lines and expects exactly these decisions, in any order, each as `POINT DECISION REASONS`.
    pub fn audit(&mut self, told: &[&str]) -> Result<(), Failure> {
        let deadline = Instant::now() + LOGS_WITHIN;
        let lines = loop {
            let mut lines = self.lab.audit_lines()?;
            let lines = lines.split_off(self.audited_before.min(lines.len()));
            if lines.len() >= told.len() || Instant::now() >= deadline {
                break lines;
            }
            thread::sleep(Duration::from_millis(100));
        };
        tell!("\n  audit ({}); the last line as it stands in the log", lines.len());
        for line in &lines {
            tell!("    {}", summary(line));
        }
        if let Some(last) = lines.last() {
            tell!("    {last}");
        }
        let mut seen: Vec<String> = lines.iter().map(decision).collect();
        let mut told: Vec<String> = told.iter().map(|line| (*line).to_owned()).collect();
        seen.sort();
        told.sort();
        self.compare("the decisions", &seen.join("; "), &told.join("; "));
        self.audited_before += lines.len();
        Ok(())
    }

    /// Notes a difference between what was seen and what was told.
    pub fn compare(&mut self, what: &str, seen: &str, told: &str) {
        if seen != told {
            self.differences += 1;
            tell!("  ✘ {what}: told  {told}\n    {:width$}  seen  {seen}", "", width = what.chars().count());
        }
    }
}

/// The ARN of the execution that a `Location` header names.
fn execution_arn(lab: &Lab, answer: &Answer) -> Option<String> {
    let id = answer.header("location")?.rsplit('/').next()?;
    let machines = lab.physical_ids("AWS::StepFunctions::StateMachine");
    let machine = machines.first()?;
    Some(format!("{}:{id}", machine.replace(":stateMachine:", ":execution:")))
}

/// An audit line in short: `door allow`, `start deny missing_role`, `ApprovePayment deny claim_unmet`.
pub fn decision(line: &Value) -> String {
    let mut words = vec![point(line), text(line, "/decision")];
    words.extend(reasons(line).iter().map(|reason| text(reason, "/code")));
    words.join(" ")
}

/// An audit line for a person: where, what, who, in which transaction, and why not.
fn summary(line: &Value) -> String {
    let mut summary = format!(
        "{:<15} {:<10} subject {:.8}  token {:.15}  transaction {:.8}",
        point(line),
        text(line, "/decision"),
        text(line, "/subject"),
        text(line, "/token/jti"),
        text(line, "/token/txn"),
    );
    for reason in reasons(line) {
        summary.push_str(&format!("\n      {}", text(reason, "/message")));
    }
    summary
}

fn point(line: &Value) -> &str {
    match text(line, "/point/kind") {
        "route" => "door",
        "state" => text(line, "/point/state"),
        kind => kind,
    }
}

fn reasons(line: &Value) -> &[Value] {
    line.get("reasons").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_audit_line_in_short_names_point_decision_and_reasons() {
        let line = json!({
            "audit": "claim-guard/1", "decision": "deny",
            "point": {"kind": "state", "workflow": "payment", "state": "ApprovePayment"},
            "reasons": [{"code": "claim_unmet"}],
        });
        assert_eq!(decision(&line), "ApprovePayment deny claim_unmet");
        let line = json!({"decision": "allow", "point": {"kind": "route"}, "reasons": []});
        assert_eq!(decision(&line), "door allow");
    }
}
