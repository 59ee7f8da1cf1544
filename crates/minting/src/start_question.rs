//! What `executions` asks `revalidation` before an execution starts, and what it hears.
//!
//! The first asks and cannot sign itself in at Keycloak; the second can, and is told no more than it can verify: the first
//! statement of the execution that is about to start. It signs nothing in answer.

use claim_guard::TransactionToken;
use claim_guard::audit::Reason;
use claim_guard::identifier::ExecutionArn;
use claim_guard::json::{self, JsonError};
use claim_guard::revalidation::Withdrawals;
use serde::Serialize;
use serde_json::{Value, json};

const START: &str = "start";
const ALIVE: &str = "alive";
const DENIED: &str = "denied";
const REASONS: &str = "reasons";

/// The most reasons of one no. The realm has seven.
const MAX_REASONS: usize = 16;

/// The payload of the question: whether the realm stands behind the caller for whom that execution is about to start. It
/// holds the transaction token, so it is for `revalidation` alone.
pub fn start_question(execution: &ExecutionArn, first: &TransactionToken) -> String {
    json!({ "transactionToken": first.as_str(), START: { "execution": execution.as_str() } }).to_string()
}

/// What the realm says of the caller. That it cannot tell is no answer: the function fails then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum StartAnswer {
    /// It stands behind him.
    Alive,
    /// It does not.
    Denied {
        /// Everything that stands against it, at least one.
        reasons: Vec<Reason>,
    },
}

/// Why bytes are no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartAnswerFault {
    /// Not one JSON object with unique members.
    #[error("the answer of revalidation: {0}")]
    MalformedJson(JsonError),
    /// Neither a yes nor a no, or more than that.
    #[error("the answer of revalidation: expected `{START}` to be `{ALIVE}`, or `{DENIED}` with `{REASONS}`")]
    NeitherYesNorNo,
    /// A no without a reason, or with too many.
    #[error("the answer of revalidation: expected 1 to `{MAX_REASONS}` reasons, presented `{presented}`")]
    WrongNumberOfReasons {
        /// How many there are.
        presented: usize,
    },
    /// A reason that is not in the form of one.
    #[error("the answer of revalidation: a reason is not in the form of one")]
    MalformedReason,
}

impl From<&Withdrawals> for StartAnswer {
    fn from(withdrawals: &Withdrawals) -> Self {
        let reason = |withdrawal: &claim_guard::revalidation::Withdrawal| Reason::new(withdrawal.code(), withdrawal);
        Self::Denied { reasons: withdrawals.all().iter().map(reason).collect() }
    }
}

impl StartAnswer {
    /// Reads the bytes of an answer.
    ///
    /// # Errors
    /// [`StartAnswerFault`] if they are anything else. Then nothing is decided.
    pub fn parse(bytes: &[u8]) -> Result<Self, StartAnswerFault> {
        let members = json::object(bytes).map_err(StartAnswerFault::MalformedJson)?;
        match (members.get(START).and_then(Value::as_str), members.get(REASONS), members.len()) {
            (Some(ALIVE), None, 1) => Ok(Self::Alive),
            (Some(DENIED), Some(Value::Array(told)), 2) => {
                if !(1..=MAX_REASONS).contains(&told.len()) {
                    return Err(StartAnswerFault::WrongNumberOfReasons { presented: told.len() });
                }
                let reasons: Option<Vec<Reason>> = told.iter().map(reason).collect();
                Ok(Self::Denied { reasons: reasons.ok_or(StartAnswerFault::MalformedReason)? })
            }
            (_, _, _) => Err(StartAnswerFault::NeitherYesNorNo),
        }
    }
}

fn reason(told: &Value) -> Option<Reason> {
    let members = told.as_object().filter(|members| members.len() == 2)?;
    let text = |name| members.get(name).and_then(Value::as_str);
    Reason::reported(text("code")?, text("message")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &Value, expected: Result<StartAnswer, StartAnswerFault>) {
        assert_eq!(StartAnswer::parse(answer.to_string().as_bytes()), expected, "{answer}");
    }

    fn denied(reasons: usize) -> StartAnswer {
        let reason = |n| Reason::new("session_ended", &format!("session `{n}` has ended"));
        StartAnswer::Denied { reasons: (0..reasons).map(reason).collect() }
    }

    #[test]
    fn answer_is_read_as_it_is_written() {
        for answer in [StartAnswer::Alive, denied(1), denied(7), denied(MAX_REASONS)] {
            let written = serde_json::to_value(&answer).unwrap();
            check(&written, Ok(answer));
        }
        check(&json!({ "start": "alive" }), Ok(StartAnswer::Alive));
        let told = json!([{ "code": "session_ended", "message": "session `0` has ended" }]);
        check(&json!({ "start": "denied", "reasons": told }), Ok(denied(1)));
    }

    #[test]
    fn whatever_is_not_clearly_a_yes_or_a_no_is_neither() {
        let reasons = || json!([{ "code": "session_ended", "message": "over" }]);
        for answer in [
            json!({}),
            json!({ "start": true }),
            json!({ "start": null }),
            json!({ "start": "Alive" }),
            json!({ "start": "alive", "reasons": [] }),
            json!({ "start": "alive", "reasons": reasons() }),
            json!({ "start": "alive", "more": 1 }),
            json!({ "start": "denied" }),
            json!({ "start": "denied", "reasons": null }),
            json!({ "start": "denied", "reasons": reasons(), "more": 1 }),
            json!({ "alive": true }),
            json!({ "transactionToken": "a.b.c" }),
            json!({ "errorType": "ClaimGuard.Undecided", "errorMessage": "undecided" }),
        ] {
            check(&answer, Err(StartAnswerFault::NeitherYesNorNo));
        }
        let no_object = StartAnswerFault::MalformedJson(JsonError::NotAnObject);
        for answer in [json!(null), json!("alive"), json!([{ "start": "alive" }])] {
            check(&answer, Err(no_object.clone()));
        }
        let twice = JsonError::Malformed { line: 1, column: 34, duplicate_member: true };
        let twice = Err(StartAnswerFault::MalformedJson(twice));
        assert_eq!(StartAnswer::parse(br#"{"start":"denied","start":"alive"}"#), twice);
    }

    #[test]
    fn a_no_has_reasons_and_each_is_in_the_form_of_one() {
        let with = |reasons: Value| json!({ "start": "denied", "reasons": reasons });
        for (presented, reasons) in [(0, denied(0)), (MAX_REASONS + 1, denied(MAX_REASONS + 1))] {
            let written = serde_json::to_value(&reasons).unwrap();
            check(&written, Err(StartAnswerFault::WrongNumberOfReasons { presented }));
        }
        for reason in [
            json!("session_ended"),
            json!({ "code": "session_ended" }),
            json!({ "code": "session_ended", "message": "over", "more": 1 }),
            json!({ "code": "", "message": "over" }),
            json!({ "code": "Session ended", "message": "over" }),
            json!({ "code": "a".repeat(65), "message": "over" }),
            json!({ "code": "session_ended", "message": "" }),
            json!({ "code": "session_ended", "message": "two\nlines" }),
            json!({ "code": "session_ended", "message": "x".repeat(1025) }),
            json!({ "code": "session_ended", "message": 1 }),
        ] {
            check(&with(json!([reason])), Err(StartAnswerFault::MalformedReason));
        }
    }

    #[test]
    fn question_is_the_event_file_that_revalidation_is_tested_with() {
        let path = format!("{}/../../events/revalidation/start.json", env!("CARGO_MANIFEST_DIR"));
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let execution = ExecutionArn::parse(file["start"]["execution"].as_str().unwrap()).unwrap();
        let token = TransactionToken::parse(&test_realm::TestKey::kms().token(&json!({}))).unwrap();
        let asked: Value = serde_json::from_str(&start_question(&execution, &token)).unwrap();
        let expected = json!({ "transactionToken": token.as_str(), "start": file["start"] });
        assert_eq!(asked, expected);
    }
}
