//! How fresh an identity has to be, as `access.toml` says of the sample's states.

use claim_guard::unix_time::UnixTime;
use serde_json::{Value, json};
use test_realm::{NOW, SUBJECT, with};

use crate::stack::{Stack, event, execution};
use crate::support::{Served, audit, guard, mint, serve, token};

/// An attempt of a state, so many seconds after [`NOW`].
struct Attempt {
    state: &'static str,
    retry_count: u32,
    seconds: i64,
}

impl Attempt {
    async fn served(&self, stack: &Stack, token: &str) -> Served {
        let event = event(token, &execution("run-1"), self.state, &json!({ "project_id": "apollo" }));
        let event = with(event, "/context/retryCount", json!(self.retry_count)).to_string();
        let now = UnixTime::from_seconds(NOW + self.seconds).unwrap();
        serve(&guard(stack, self.state), event.as_bytes(), Ok(now)).await
    }

    fn audit(&self, decision: &str, reasons: Value, age: i64) -> Value {
        let audit = with(audit(decision, reasons), "/at", json!(NOW + self.seconds));
        let audit = with(with(audit, "/identity_age", json!(age)), "/point/state", json!(self.state));
        with(audit, "/point/attempt", json!(self.retry_count))
    }

    fn allowed(&self, age: i64) -> Served {
        let answer = json!({ "for": SUBJECT, "on": { "project_id": "apollo" } });
        Served::allowed(answer, self.audit("allow", json!([]), age))
    }

    fn expired(&self, code: &str, message: &str, age: i64) -> Served {
        let reasons = json!([{ "code": code, "message": message }]);
        Served::refused(
            "ClaimGuard.IdentityExpired",
            "identity expired: see the audit line of transaction `txn-1`",
            self.audit("identity_expired", reasons, age),
        )
    }
}

fn screen(retry_count: u32, seconds: i64) -> Attempt {
    Attempt { state: "ScreenPayment", retry_count, seconds }
}

fn execute(retry_count: u32, seconds: i64) -> Attempt {
    Attempt { state: "ExecutePayment", retry_count, seconds }
}

#[tokio::test]
async fn a_state_that_names_an_age_acts_on_no_older_statement() {
    let stack = Stack::new();
    let token = token(&stack);
    for attempt in [screen(0, 0), screen(0, 30), screen(2, 30)] {
        assert_eq!(attempt.served(&stack, &token).await, attempt.allowed(attempt.seconds));
    }
    for (seconds, retry_count) in [(31, 0), (299, 1)] {
        let attempt = screen(retry_count, seconds);
        let message = format!("said at `{NOW}`, expected at most `30` seconds before `{}`", NOW + seconds);
        assert_eq!(attempt.served(&stack, &token).await, attempt.expired("too_old", &message, seconds));
    }
}

#[tokio::test]
async fn a_renewed_statement_is_as_old_as_its_renewal() {
    let stack = Stack::new();
    let renewed = stack.renewed(&token(&stack), &mint(), "ScreenPayment", NOW + 100);
    assert_eq!(screen(0, 130).served(&stack, &renewed).await, screen(0, 130).allowed(30));
    let message = format!("said at `{}`, expected at most `30` seconds before `{}`", NOW + 100, NOW + 131);
    assert_eq!(screen(0, 131).served(&stack, &renewed).await, screen(0, 131).expired("too_old", &message, 31));
}

#[tokio::test]
async fn a_state_that_asks_for_each_attempt_does_not_act_on_another_s_statement() {
    let stack = Stack::new();
    let of_the_start = token(&stack);
    let message = "stated for `the start`, expected for the first attempt of `ExecutePayment`, after `0` retries";
    let attempt = execute(0, 0);
    assert_eq!(attempt.served(&stack, &of_the_start).await, attempt.expired("not_for_this_attempt", message, 0));
    let of_another = stack.renewed(&of_the_start, &mint(), "ApprovePayment", NOW);
    let message = "stated for `ApprovePayment`, expected for the first attempt of `ExecutePayment`, after `0` retries";
    assert_eq!(attempt.served(&stack, &of_another).await, attempt.expired("not_for_this_attempt", message, 0));
}

#[tokio::test]
async fn a_state_that_asks_for_each_attempt_acts_on_its_own_statement_at_once_and_only_once() {
    let stack = Stack::new();
    let renewed = stack.renewed(&token(&stack), &mint(), "ExecutePayment", NOW);
    for attempt in [execute(0, 0), execute(0, 10)] {
        assert_eq!(attempt.served(&stack, &renewed).await, attempt.allowed(attempt.seconds));
    }
    let late = execute(0, 11);
    let message = format!("said at `{NOW}`, expected at most `10` seconds before `{}`", NOW + 11);
    assert_eq!(late.served(&stack, &renewed).await, late.expired("too_old", &message, 11));
    let retried = execute(1, 1);
    let message = "stated for `ExecutePayment`, expected for the first attempt of `ExecutePayment`, after `1` retries";
    assert_eq!(retried.served(&stack, &renewed).await, retried.expired("not_for_this_attempt", message, 1));
}

#[tokio::test]
async fn a_state_that_names_no_age_acts_on_a_statement_made_for_another_until_it_expires() {
    let stack = Stack::new();
    let renewed = stack.renewed(&token(&stack), &mint(), "ExecutePayment", NOW + 100);
    let attempt = |seconds| Attempt { state: "ApprovePayment", retry_count: 3, seconds };
    assert_eq!(attempt(399).served(&stack, &renewed).await, attempt(399).allowed(299));
    let message = format!("expired at `{}`, now is `{}`", NOW + 400, NOW + 400);
    assert_eq!(attempt(400).served(&stack, &renewed).await, attempt(400).expired("expired", &message, 300));
}
