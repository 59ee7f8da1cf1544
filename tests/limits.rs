//! Limits on what one subject may start, on the live lab: deployed, reached, out of reach, and taken away again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Turn, and, payment, turn, unique};
use xtask::calls::Answer;

/// Logs arrive a moment after the answer that they tell about.
const LINES_WITHIN: Duration = Duration::from_secs(30);

const ALL_RUNNING: &str = "as many of your executions run as you may have running: wait for one to end, or stop one";

/// Deploys the stack with these limits; `''` is none, as SAM wants an empty value written.
fn limited(lab: &mut Turn, starts: &str, running: &str) {
    let parameters = [("StartsPerMinute", starts.to_owned()), ("RunningExecutions", running.to_owned())];
    lab.redeploy(&parameters).unwrap();
}

fn tables(lab: &Turn) -> usize {
    lab.physical_ids("AWS::DynamoDB::Table").len()
}

#[track_caller]
fn expect_turned_away(answer: &Answer, detail: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().starts_with(detail), "{answer:?}");
    assert!((1..=60).contains(&answer.header("retry-after").unwrap().parse::<u32>().unwrap()), "{answer:?}");
}

/// Waits for the line about a start that was allowed and turned away.
#[track_caller]
fn expect_line(lab: &Turn, code: &str, message: &str) {
    let told = |line: &Value| {
        line["point"]["kind"] == "start"
            && line["decision"] == "allow"
            && line["reasons"] == json!([{"code": code, "message": message}])
    };
    let deadline = Instant::now() + LINES_WITHIN;
    let mut lines = lab.audit_lines().unwrap();
    while !lines.iter().any(told) {
        assert!(Instant::now() < deadline, "no line says {code}: {message}: {lines:#?}");
        thread::sleep(Duration::from_millis(50));
        lines = lab.audit_lines().unwrap();
    }
}

/// Starts, as that user, a payment that takes its time, and another one while the first is under way.
fn two_at_once(lab: &Turn, token: &str) -> Answer {
    let parties: Vec<String> = (0..20).map(|number| format!("party-{number}")).collect();
    let body = and(&payment(), "parties", json!(parties)).to_string();
    for _ in 0..5 {
        lab.cold_start("ScreenPayment").unwrap();
        let first = lab.execution_of(&lab.start(token, &[], &body));
        let second = lab.start(token, &[], &payment().to_string());
        lab.ended(&first.arn);
        if second.status != 202 {
            return second;
        }
        lab.ended(&lab.execution_of(&second).arn);
    }
    panic!("every execution ended before the next one was started");
}

#[test]
fn one_subject_starts_no_more_than_the_stack_lets_him() {
    let mut lab = turn();
    assert_eq!(tables(&lab), 0);
    limited(&mut lab, "20", "1");
    assert_eq!(tables(&lab), 1);
    let (alice, carol) = (lab.token("alice").unwrap(), lab.token("carol").unwrap());

    expect_turned_away(&two_at_once(&lab, &alice), ALL_RUNNING);
    expect_line(&lab, "all_running", "expected at most `1` running executions, presented one beside `1`");
    // It has ended, so there is room; and whoever asks again for what he has started takes none.
    let key = unique();
    let again = |token: &str| lab.start(token, &[("idempotency-key", &key)], &payment().to_string());
    let first = again(&alice);
    let execution = lab.execution_of(&first);
    assert_eq!((first.status, again(&alice).status, lab.ended(&execution.arn).as_str()), (202, 202, "SUCCEEDED"));

    // A minute of the clock may begin in between, and no two.
    let answers: Vec<Answer> = (0..41).map(|_| again(&alice)).collect();
    let turned_away = answers.iter().find(|answer| answer.status != 202).unwrap();
    expect_turned_away(turned_away, "you have started as many executions as you may in a minute: try again in ");
    expect_line(&lab, "starts_used_up", "expected at most `20` starts in a minute, presented one after `20`");
    assert_eq!(lab.start(&carol, &[], &payment().to_string()).status, 202, "another subject");

    // Without the table nothing starts.
    let role = lab.stack().resources["ExecutionsRole"].id.clone();
    let form = |action: &str, document: &str| {
        format!("Action={action}&Version=2010-05-08&RoleName={role}&PolicyName=nothing-is-counted{document}")
    };
    let deny = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A\
                %22dynamodb%3AUpdateItem%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
    lab.aws().query("iam", &form("PutRolePolicy", &format!("&PolicyDocument={deny}"))).unwrap();
    let before = lab.executions().unwrap().len();
    assert_eq!((again(&carol).status, lab.executions().unwrap().len()), (500, before));
    lab.aws().query("iam", &form("DeleteRolePolicy", "")).unwrap();

    limited(&mut lab, "''", "''");
    assert_eq!(tables(&lab), 0);
    for _ in 0..25 {
        assert_eq!(lab.start(&alice, &[("idempotency-key", &key)], &payment().to_string()).status, 202);
    }
}
