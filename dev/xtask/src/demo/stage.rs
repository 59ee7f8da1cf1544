//! What a scene does and sees. Each step prints itself and, when it is not what was told, the difference.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::outline::{ERROR, outline};
use crate::browser::Browser;
use crate::calls::Answer;
use crate::certificates::random_password;
use crate::failure::Failure;
use crate::keycloak::{CLIENT, Tokens};
use crate::lab::Lab;
use crate::progress::tell;
use crate::report::PAYMENT;
use crate::users;

const STARTS: &str = "/workflows/payment/executions";
/// An execution of the sample workflow takes a few seconds at most, and as long again as its input has it held.
const EXECUTION_WITHIN: Duration = Duration::from_secs(180);
/// Logs arrive a moment after the answer that they tell about.
const LOGS_WITHIN: Duration = Duration::from_secs(5);
/// How soon a payment is where its input has it held.
const HELD_WITHIN: Duration = Duration::from_secs(30);
const HELD: &str = "HoldPayment";

/// One scene under way.
pub struct Stage<'a> {
    /// The lab that it plays on.
    pub lab: &'a Lab,
    audited_before: usize,
    /// What could not be decided and has been told: it is asked again, and again not decided, until it can be.
    undecided: BTreeSet<String>,
    differences: usize,
}

/// A user whom a scene makes for itself.
#[derive(Debug, Clone)]
pub struct Somebody {
    /// The user's id, which is `sub`.
    pub id: String,
    /// What he logged in to.
    pub tokens: Tokens,
    /// What he is called in the realm.
    pub name: String,
}

impl<'a> Stage<'a> {
    /// An empty stage: what was logged until now belongs to earlier scenes.
    pub fn new(lab: &'a Lab) -> Result<Stage<'a>, Failure> {
        let audited_before = lab.audit_lines()?.len();
        Ok(Stage { lab, audited_before, undecided: BTreeSet::new(), differences: 0 })
    }

    /// Whether nothing differed from what was told.
    pub fn went_as_told(&self) -> bool {
        self.differences == 0
    }

    /// Says what happens next.
    pub fn say(&self, text: &str) {
        tell!("\n  {text}");
    }

    /// Makes a user who is known as alice is, has her roles but `missing`, and logs in.
    pub fn somebody(&self, name: &str, missing: &[&str]) -> Result<Somebody, Failure> {
        let log_in = |lab: &Lab, name: &str, password: &str| lab.keycloak().log_in(name, password);
        self.somebody_who(name, missing, "logs in", log_in)
    }

    /// Makes such a user with every role, who logs in to the client in a browser, and then, in the same session, to
    /// another one.
    pub fn somebody_in_two_clients(&self, name: &str, another: &str) -> Result<Somebody, Failure> {
        self.lab.admin()?.create_sibling(another)?;
        self.somebody_who(name, &[], &format!("logs in, and to {another} too"), |lab, name, password| {
            let mut browser = Browser::new(lab.keycloak())?;
            let tokens = browser.log_in_to(CLIENT, name, password)?;
            browser.log_in_to(another, name, password)?;
            Ok(tokens)
        })
    }

    fn somebody_who(
        &self,
        name: &str,
        missing: &[&str],
        does: &str,
        log_in: impl FnOnce(&Lab, &str, &str) -> Result<Tokens, Failure>,
    ) -> Result<Somebody, Failure> {
        let alice = users::people().swap_remove(0);
        let roles: Vec<&str> = alice.roles().iter().copied().filter(|role| !missing.contains(role)).collect();
        let password = random_password()?;
        // A scene may be played more than once on a lab.
        let suffix: String = random_password()?.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let name = format!("{name}-{}", suffix.to_ascii_lowercase());
        let id = self.lab.admin()?.create_user(&name, &password, &alice.attributes(), &roles)?;
        let tokens = log_in(self.lab, &name, &password)?;
        self.lab.note_token(&tokens.access)?;
        self.lab.note_token(&tokens.refresh)?;
        match missing {
            [] => self.say(&format!("{name} holds every role and flag, and {does}.")),
            missing => self.say(&format!("{name} holds every role but {}, and {does}.", missing.join(", "))),
        }
        Ok(Somebody { id, tokens, name })
    }

    /// Starts a payment with `token`, which `whose` describes, and expects an answer.
    pub fn start_payment(&mut self, whose: &str, token: &str, told: u16) -> Result<Answer, Failure> {
        self.start(whose, token, PAYMENT, told)
    }

    /// Starts a payment to `parties` that is held for some seconds, and answers the execution's ARN.
    pub fn start_held(&mut self, somebody: &Somebody, parties: usize, seconds: u64) -> Result<String, Failure> {
        self.hold(&format!("token of {}", somebody.name), &somebody.tokens.access, parties, seconds)
    }

    /// The same with `token`, which `whose` describes.
    pub fn hold(&mut self, whose: &str, token: &str, parties: usize, seconds: u64) -> Result<String, Failure> {
        let parties: Vec<String> = (1..=parties).map(|number| format!("party-{number}")).collect();
        let body = json!({
            "project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": parties, "hold_seconds": seconds,
        });
        let answer = self.start(whose, token, &body.to_string(), 202)?;
        execution_arn(self.lab, &answer)
            .ok_or_else(|| Failure::new("no payment was started", "read the answer above and the authorizer's log"))
    }

    /// The same under an `Idempotency-Key`.
    pub fn start_keyed(&mut self, whose: &str, token: &str, key: &str, told: u16) -> Result<Answer, Failure> {
        self.start_with(whose, token, &[("idempotency-key", key)], PAYMENT, told)
    }

    fn start(&mut self, whose: &str, token: &str, body: &str, told: u16) -> Result<Answer, Failure> {
        self.start_with(whose, token, &[], body, told)
    }

    fn start_with(
        &mut self,
        whose: &str,
        token: &str,
        others: &[(&str, &str)],
        body: &str,
        told: u16,
    ) -> Result<Answer, Failure> {
        tell!("\n  POST {STARTS}\n       Authorization: Bearer ({whose})\n       {body}");
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        headers.extend(others);
        let answer = self.lab.request("POST", STARTS, &headers, Some(body))?;
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

    /// Does something while a payment is held, and sees that it was held still when that was done.
    pub fn while_held(
        &mut self,
        execution: &str,
        what: &str,
        act: impl FnOnce(&Lab) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + HELD_WITHIN;
        while self.last_state(execution)?.as_deref() != Some(HELD) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(100));
        }
        self.say(&format!("While the payment is held: {what}."));
        act(self.lab)?;
        let now = self.last_state(execution)?.unwrap_or_default();
        self.compare("where the payment is when that is done", &now, HELD);
        Ok(())
    }

    /// Waits until an execution has met an error of that name.
    pub fn until_error(&self, execution: &str, error: &str) -> Result<(), Failure> {
        let line = format!("{ERROR}{error}");
        let deadline = Instant::now() + EXECUTION_WITHIN;
        while Instant::now() < deadline {
            if outline(&self.lab.history(execution)?).contains(&line) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::new(format!("{execution} meets no {error}"), "read the execution's history"))
    }

    fn last_state(&self, execution: &str) -> Result<Option<String>, Failure> {
        Ok(outline(&self.lab.history(execution)?).pop())
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

    /// The ARN of the execution that an answer names.
    pub fn execution(&self, answer: &Answer) -> Option<String> {
        execution_arn(self.lab, answer)
    }

    /// Waits for an execution's end, shows its history in outline, and expects exactly this one.
    pub fn history(&mut self, execution: &str, told: &[&str]) -> Result<(), Failure> {
        self.lab.outcome(execution, EXECUTION_WITHIN)?;
        let seen = outline(&self.lab.history(execution)?);
        tell!("\n  execution {}", execution.rsplit(':').next().unwrap_or_default());
        for line in &seen {
            tell!("    {}{line}", if line.starts_with(ERROR) { "  " } else { "" });
        }
        self.compare("the history", &seen.join(" → "), &told.join(" → "));
        Ok(())
    }

    /// Waits for an execution's end, and expects it to have succeeded and nobody to have said no. How often it had to be
    /// asked again, because nothing could be told, is left to chance.
    pub fn never_denied(&mut self, execution: &str) -> Result<(), Failure> {
        let known = ["ScreenPayment identity_expired too_old", "Revalidate ScreenPayment undecided user_locked_out"];
        self.ends_well(execution, &known)
    }

    /// Expects the execution to succeed, and nothing in its audit lines but what allows and what is known.
    pub fn ends_well(&mut self, execution: &str, known: &[&str]) -> Result<(), Failure> {
        let ended = self.lab.outcome(execution, EXECUTION_WITHIN)?;
        self.compare("the execution's outcome", text(&ended, "/status"), "SUCCEEDED");
        let mut lines = self.lab.audit_lines()?;
        lines.retain(|line| text(line, "/point/execution") == execution && text(line, "/decision") != "allow");
        show(&lines);
        let mut others: Vec<String> = lines.iter().map(decision).collect();
        others.retain(|line| !known.contains(&line.as_str()));
        self.compare("whoever said something else", &others.join("; "), "");
        Ok(())
    }

    /// Shows the audit lines about an execution and expects exactly these decisions, in any order.
    pub fn audit_of(&mut self, execution: &str, told: &[&str]) -> Result<(), Failure> {
        let deadline = Instant::now() + LOGS_WITHIN;
        let (lines, seen) = loop {
            let mut lines = self.lab.audit_lines()?;
            lines.retain(|line| text(line, "/point/execution") == execution);
            let mut seen: Vec<String> = lines.iter().map(decision).collect();
            seen.sort();
            once_if_undecided(&mut seen);
            if seen.len() >= told.len() || Instant::now() >= deadline {
                break (lines, seen);
            }
            thread::sleep(Duration::from_millis(100));
        };
        show(&lines);
        self.compare("the decisions", &seen.join("; "), &sorted(told));
        Ok(())
    }

    /// Shows the audit lines about everything that somebody has tried to start, expects exactly these decisions, in any
    /// order, and answers the executions that they name.
    pub fn starts_of(&mut self, somebody: &Somebody, told: &[&str]) -> Result<BTreeSet<String>, Failure> {
        let deadline = Instant::now() + LOGS_WITHIN;
        let lines = loop {
            let mut lines = self.lab.audit_lines()?;
            lines.retain(|line| {
                let is_start = text(line, "/point/kind") == "start" || text(line, "/point/cause") == "start";
                is_start && text(line, "/subject") == somebody.id
            });
            if lines.len() >= told.len() || Instant::now() >= deadline {
                break lines;
            }
            thread::sleep(Duration::from_millis(100));
        };
        show(&lines);
        let seen: Vec<String> = lines.iter().map(decision).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        self.compare("the decisions", &sorted(&seen), &sorted(told));
        Ok(lines.iter().map(|line| text(line, "/point/execution").to_owned()).collect())
    }

    /// Shows the scene's audit lines and expects exactly these decisions, in any order, each as `POINT DECISION REASONS`.
    pub fn audit(&mut self, told: &[&str]) -> Result<(), Failure> {
        let deadline = Instant::now() + LOGS_WITHIN;
        let (all, lines) = loop {
            let mut lines = self.lab.audit_lines()?;
            let all = lines.len();
            let mut lines = lines.split_off(self.audited_before.min(lines.len()));
            let mut undecided = self.undecided.clone();
            lines.retain(|line| text(line, "/decision") != "undecided" || undecided.insert(identified(line)));
            if lines.len() >= told.len() || Instant::now() >= deadline {
                self.undecided = undecided;
                break (all, lines);
            }
            thread::sleep(Duration::from_millis(100));
        };
        show(&lines);
        let seen: Vec<String> = lines.iter().map(decision).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        self.compare("the decisions", &sorted(&seen), &sorted(told));
        self.audited_before = all;
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

fn show(lines: &[Value]) {
    tell!("\n  audit ({}); the last line as it stands in the log", lines.len());
    for line in lines {
        tell!("    {}", summary(line));
    }
    if let Some(last) = lines.last() {
        tell!("    {last}");
    }
}

fn sorted(decisions: &[&str]) -> String {
    let mut decisions = decisions.to_vec();
    decisions.sort_unstable();
    decisions.join("; ")
}

/// How often something that could not be decided was asked again is a matter of time.
fn once_if_undecided(sorted: &mut Vec<String>) {
    sorted.dedup_by(|one, other| one == other && one.contains(" undecided"));
}

/// A decision and where it was made.
fn identified(line: &Value) -> String {
    format!("{} {}", decision(line), text(line, "/point/execution"))
}

/// The ARN of the execution that a `Location` header names.
fn execution_arn(lab: &Lab, answer: &Answer) -> Option<String> {
    let id = answer.header("location")?.rsplit('/').next()?;
    let machines = lab.physical_ids("AWS::StepFunctions::StateMachine");
    let machine = machines.first()?;
    Some(format!("{}:{id}", machine.replace(":stateMachine:", ":execution:")))
}

/// An audit line in short: `door allow`, `start deny missing_role`, `Revalidate ExecutePayment deny user_disabled`.
pub fn decision(line: &Value) -> String {
    let mut words = vec![point(line), text(line, "/decision").to_owned()];
    words.extend(reasons(line).iter().map(|reason| text(reason, "/code").to_owned()));
    words.join(" ")
}

/// An audit line for a person: where, what, who, in which transaction, and why not.
fn summary(line: &Value) -> String {
    let mut summary = format!(
        "{:<25} {:<16} subject {:.8}  token {:.15}  transaction {:.8}",
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

/// Where a decision was made. A revalidation is called as the state that asks for it is in the woven state machine, and where
/// none asks, by what comes after it.
fn point(line: &Value) -> String {
    let state = text(line, "/point/state");
    match (text(line, "/point/kind"), text(line, "/point/cause")) {
        ("route", _) => "door".to_owned(),
        ("state", _) => state.to_owned(),
        ("revalidation", "expired") => format!("Revalidate {state}"),
        ("revalidation", "denied") => format!("Reconsider {state}"),
        ("revalidation", "child") => "Adopt identity".to_owned(),
        ("revalidation", "nested") => format!("Delegate {state}"),
        ("revalidation", "start") => "Before start".to_owned(),
        (kind, _) => kind.to_owned(),
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

    #[test]
    fn a_revalidation_is_called_as_its_state_is() {
        for (cause, told) in [("expired", "Revalidate Pay allow"), ("denied", "Reconsider Pay allow")] {
            let line = json!({"decision": "allow", "point": {"kind": "revalidation", "state": "Pay", "cause": cause}});
            assert_eq!(decision(&line), told);
        }
        let line = json!({"decision": "allow", "point": {"kind": "revalidation", "state": "", "cause": "start"}});
        assert_eq!(decision(&line), "Before start allow");
    }

    #[test]
    fn what_could_not_be_decided_is_told_once() {
        let mut seen = ["A allow", "A allow", "B undecided slow", "B undecided slow"].map(str::to_owned).to_vec();
        once_if_undecided(&mut seen);
        assert_eq!(seen, ["A allow", "A allow", "B undecided slow"]);
    }
}
