use claim_guard::unix_time::UnixTime;
use claim_guard_lambda::Guard;
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, access_token_payload, with, without};

use crate::stack::{MACHINE, Mint, Stack, event, execution};
use crate::support::{
    Served, TRANSACTION, approval_event, audit, audit_of_nobody, guard, mint, now, point, serve, token,
};

const REJECTED: &str = "rejected: see the audit line in the guard's log";
const MISCONFIGURED: &str = "misconfigured: see the audit line in the guard's log";

#[track_caller]
fn check(presented: Served, expected: Served) {
    assert_eq!(presented, expected);
}

async fn served(guard: &Guard, event: &Value) -> Served {
    serve(guard, event.to_string().as_bytes(), now()).await
}

fn rejected(run: &str, token: Value, code: &str, message: &str) -> Served {
    let reasons = json!([{ "code": code, "message": message }]);
    Served::refused("ClaimGuard.Rejected", REJECTED, audit_of_nobody("reject", point(run), token, reasons))
}

fn misconfigured(point: Value, code: &str, message: &str) -> Served {
    let reasons = json!([{ "code": code, "message": message }]);
    let audit = audit_of_nobody("misconfigured", point, json!({}), reasons);
    Served::refused("ClaimGuard.Misconfigured", MISCONFIGURED, audit)
}

fn txn() -> Value {
    json!({ "untrusted_txn": TRANSACTION })
}

#[tokio::test]
async fn a_caller_who_holds_everything_is_granted() {
    let stack = Stack::new();
    check(
        served(&guard(&stack, "ApprovePayment"), &approval_event(&token(&stack))).await,
        Served::allowed(
            json!({ "for": test_realm::SUBJECT, "on": { "project_id": "apollo" } }),
            audit("allow", json!([])),
        ),
    );
}

#[tokio::test]
async fn a_denial_lists_all_reasons_in_the_audit_line_and_none_in_the_answer() {
    let stack = Stack::new();
    let identity =
        with(access_token_payload(NOW), "/compliance", json!({ "kyc": false, "kyc_level": 1, "regions": "eu" }));
    let identity = with(identity, "/resource_access/workflow-api/roles", json!(["payment:start"]));
    let reasons = json!([
        { "code": "missing_role", "message": "role `workflow-api:payment:approve` is missing" },
        { "code": "claim_unmet", "message": "claim `compliance.kyc` is `false`, expected `= true`" },
        { "code": "claim_unmet", "message": "claim `compliance.kyc_level` is `1`, expected `>= 2`" },
        {
            "code": "claim_of_wrong_type",
            "message": "claim `compliance.regions` is of type `text`, expected `array`"
        }
    ]);
    check(
        served(&guard(&stack, "ApprovePayment"), &approval_event(&stack.token(&identity, &mint()))).await,
        Served::refused(
            "ClaimGuard.Denied",
            "denied: see the audit line of transaction `txn-1`",
            audit("deny", reasons),
        ),
    );
}

#[tokio::test]
async fn an_input_that_is_no_object_leaves_conditions_on_it_unmet() {
    let stack = Stack::new();
    let renewed = stack.renewed(&token(&stack), &mint(), "ExecutePayment", NOW);
    let event = event(&renewed, &execution("run-1"), "ExecutePayment", &json!(["apollo"]));
    let reasons = json!([{
        "code": "input_absent",
        "message": "the input has nothing to compare with, expected `project_id = input.project_id`"
    }]);
    let audit = with(audit("deny", reasons), "/point/state", json!("ExecutePayment"));
    check(
        served(&guard(&stack, "ExecutePayment"), &event).await,
        Served::refused("ClaimGuard.Denied", "denied: see the audit line of transaction `txn-1`", audit),
    );
}

#[tokio::test]
async fn a_missing_token_is_rejected() {
    let stack = Stack::new();
    let guard = guard(&stack, "ApprovePayment");
    let expected = || rejected("run-1", json!({}), "absent", "no transaction token was presented");
    check(served(&guard, &without(approval_event("x"), "/transactionToken")).await, expected());
    for absent in [json!(null), json!(1), json!({ "token": "x" })] {
        check(served(&guard, &with(approval_event("x"), "/transactionToken", absent)).await, expected());
    }
    let message = "expected `3` parts, presented `1`";
    let expected = rejected("run-1", json!({}), "wrong_part_count", message);
    check(served(&guard, &approval_event("")).await, expected);
}

#[tokio::test]
async fn a_token_of_another_execution_is_rejected() {
    let stack = Stack::new();
    let event = with(approval_event(&token(&stack)), "/context/execution", json!(execution("run-2")));
    let message = format!("execution: expected `{}`, presented `{}`", execution("run-2"), execution("run-1"));
    check(
        served(&guard(&stack, "ApprovePayment"), &event).await,
        rejected("run-2", txn(), "other_execution", &message),
    );
}

#[tokio::test]
async fn a_token_of_another_machine_is_rejected() {
    let stack = Stack::new();
    let other = MACHINE.replace(":payment", ":refund");
    let refund = execution("run-1").replace(":payment:", ":refund:");
    let token = stack.token(&access_token_payload(NOW), &Mint { execution: &refund, ..mint() });
    let message = format!("state machine: expected `{MACHINE}`, presented `{other}`");
    let expected = rejected("run-1", txn(), "other_state_machine", &message);
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&token)).await, expected);
}

#[tokio::test]
async fn a_context_that_contradicts_itself_is_rejected() {
    let stack = Stack::new();
    let other = MACHINE.replace(":payment", ":refund");
    let event = with(approval_event(&token(&stack)), "/context/stateMachine", json!(other));
    let message = format!("state machine: expected `{other}`, presented `{MACHINE}`");
    check(
        served(&guard(&stack, "ApprovePayment"), &event).await,
        rejected("run-1", txn(), "other_state_machine", &message),
    );
}

#[tokio::test]
async fn a_token_of_another_trust_domain_is_rejected() {
    let stack = Stack::new();
    let other = Mint { trust_domain: "staging.123456789012.eu-central-1", ..mint() };
    let message =
        "trust domain: expected `payments.123456789012.eu-central-1`, presented `staging.123456789012.eu-central-1`";
    let token = stack.token(&access_token_payload(NOW), &other);
    let expected = rejected("run-1", txn(), "other_trust_domain", message);
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&token)).await, expected);
}

#[tokio::test]
async fn a_token_from_the_future_is_an_expired_identity() {
    let stack = Stack::new();
    let token = stack.token(&access_token_payload(NOW + 16), &Mint { now: NOW + 16, ..mint() });
    let message = format!("issued at `{}`, now is `{}`", NOW + 16, NOW + 10);
    let audit = audit("identity_expired", json!([{ "code": "issued_in_future", "message": message }]));
    check(
        served(&guard(&stack, "ApprovePayment"), &approval_event(&token)).await,
        Served::refused(
            "ClaimGuard.IdentityExpired",
            "identity expired: see the audit line of transaction `txn-1`",
            with(audit, "/identity_age", json!(-6)),
        ),
    );
}

#[tokio::test]
async fn a_minter_whose_clock_is_five_seconds_ahead_is_believed() {
    let stack = Stack::new();
    let token = stack.token(&access_token_payload(NOW + 15), &Mint { now: NOW + 15, ..mint() });
    let expected = with(audit("allow", json!([])), "/identity_age", json!(-5));
    let answer = json!({ "for": test_realm::SUBJECT, "on": { "project_id": "apollo" } });
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&token)).await, Served::allowed(answer, expected));
}

#[tokio::test]
async fn an_altered_token_is_rejected() {
    let stack = Stack::new();
    let mallory = with(access_token_payload(NOW), "/sub", json!("mallory"));
    let (own, stolen) = (stack.token(&mallory, &mint()), token(&stack));
    let (mut parts, payload) = (own.split('.').collect::<Vec<_>>(), stolen.split('.').nth(1).unwrap());
    parts[1] = payload;
    let message = format!("signature is not by key `{}`", stack.kms.kid());
    let expected = rejected("run-1", txn(), "bad_signature", &message);
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&parts.join("."))).await, expected);
}

#[tokio::test]
async fn a_token_by_an_unknown_key_is_rejected() {
    let (stack, mut other) = (Stack::new(), Stack::new());
    let message = format!("unknown key `{}`", other.kms.kid());
    let expected = rejected("run-1", txn(), "unknown_key", &message);
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&token(&other))).await, expected);
    let kid = stack.kms.kid().to_owned();
    other.kms = TestKey::kms().renamed("ES256", &kid);
    let expected = rejected("run-1", txn(), "bad_signature", &format!("signature is not by key `{kid}`"));
    check(served(&guard(&stack, "ApprovePayment"), &approval_event(&token(&other))).await, expected);
}

#[tokio::test]
async fn an_expired_token_is_an_expired_identity_and_names_whose() {
    let stack = Stack::new();
    let guard = guard(&stack, "ApprovePayment");
    let event = approval_event(&token(&stack)).to_string();
    let last = UnixTime::from_seconds(NOW + 299).unwrap();
    assert_eq!(guard.decide(event.as_bytes(), Ok(last)).verdict.map(|_| ()), Ok(()));
    let expired = UnixTime::from_seconds(NOW + 300).unwrap();
    let message = format!("expired at `{}`, now is `{}`", NOW + 300, NOW + 300);
    let audit = audit("identity_expired", json!([{ "code": "expired", "message": message }]));
    let audit = with(with(audit, "/at", json!(NOW + 300)), "/identity_age", json!(300));
    check(
        serve(&guard, event.as_bytes(), Ok(expired)).await,
        Served::refused(
            "ClaimGuard.IdentityExpired",
            "identity expired: see the audit line of transaction `txn-1`",
            audit,
        ),
    );
}

#[tokio::test]
async fn a_redriven_execution_is_an_expired_identity() {
    let stack = Stack::new();
    let event = with(approval_event(&token(&stack)), "/context/redriveCount", json!(1));
    let message = "redrive count: stated for `0`, presented `1`";
    let audit = audit("identity_expired", json!([{ "code": "redriven", "message": message }]));
    check(
        served(&guard(&stack, "ApprovePayment"), &event).await,
        Served::refused(
            "ClaimGuard.IdentityExpired",
            "identity expired: see the audit line of transaction `txn-1`",
            with(audit, "/point/redrive", json!(1)),
        ),
    );
}

#[tokio::test]
async fn an_expired_token_of_another_execution_is_rejected() {
    let stack = Stack::new();
    let event = with(approval_event(&token(&stack)), "/context/execution", json!(execution("run-2")));
    let late = UnixTime::from_seconds(NOW + 1000).unwrap();
    let message = format!("execution: expected `{}`, presented `{}`", execution("run-2"), execution("run-1"));
    let mut expected = rejected("run-2", txn(), "other_execution", &message);
    expected.audit[0]["at"] = json!(NOW + 1000);
    check(serve(&guard(&stack, "ApprovePayment"), event.to_string().as_bytes(), Ok(late)).await, expected);
}

#[tokio::test]
async fn counts_that_are_absent_or_null_are_zero() {
    let stack = Stack::new();
    let guard = guard(&stack, "ApprovePayment");
    let granted = || {
        Served::allowed(
            json!({ "for": test_realm::SUBJECT, "on": { "project_id": "apollo" } }),
            audit("allow", json!([])),
        )
    };
    let whole = approval_event(&token(&stack));
    let absent = without(without(whole.clone(), "/context/redriveCount"), "/context/retryCount");
    check(served(&guard, &absent).await, granted());
    let null = with(with(whole.clone(), "/context/redriveCount", json!(null)), "/context/retryCount", json!(null));
    check(served(&guard, &null).await, granted());
    // As a state in JSONPath passes them: the list of what is there.
    let lists =
        |found: Value| with(with(whole.clone(), "/context/redriveCount", found.clone()), "/context/retryCount", found);
    for found in [json!([]), json!([null]), json!([0])] {
        check(served(&guard, &lists(found)).await, granted());
    }
    let two = misconfigured(
        json!({ "kind": "state", "workflow": "payment", "execution": "", "state": "ApprovePayment", "work": "", "redrive": 0, "attempt": 0 }),
        "event_member_of_wrong_type",
        "event `redriveCount`: expected a count, presented an array",
    );
    check(served(&guard, &lists(json!([0, 1]))).await, two);
    let mut third = granted();
    third.audit[0]["point"]["attempt"] = json!(2);
    check(served(&guard, &with(whole.clone(), "/context/retryCount", json!([2]))).await, third);
    let mut third = granted();
    third.audit[0]["point"]["attempt"] = json!(2);
    check(served(&guard, &with(whole, "/context/retryCount", json!(2))).await, third);
}

#[tokio::test]
async fn the_piece_of_work_is_in_the_audit_line() {
    let stack = Stack::new();
    let event = with(approval_event(&token(&stack)), "/work", json!("/3~2"));
    let granted = json!({ "for": test_realm::SUBJECT, "on": { "project_id": "apollo" } });
    let mut expected = Served::allowed(granted, audit("allow", json!([])));
    expected.audit[0]["point"]["work"] = json!("/3~2");
    check(served(&guard(&stack, "ApprovePayment"), &event).await, expected);
}

#[tokio::test]
async fn an_execution_of_an_alias_or_a_version_is_its_machine_s() {
    let stack = Stack::new();
    for qualifier in ["live", "3"] {
        let event =
            with(approval_event(&token(&stack)), "/context/stateMachine", json!(format!("{MACHINE}:{qualifier}")));
        let granted = json!({ "for": test_realm::SUBJECT, "on": { "project_id": "apollo" } });
        check(
            served(&guard(&stack, "ApprovePayment"), &event).await,
            Served::allowed(granted, audit("allow", json!([]))),
        );
    }
}

#[tokio::test]
async fn the_function_of_another_state_is_misconfigured() {
    let stack = Stack::new();
    let event = with(approval_event(&token(&stack)), "/context/state", json!("ExecutePayment"));
    let message = "state: expected `ApprovePayment`, presented `ExecutePayment`";
    check(
        served(&guard(&stack, "ApprovePayment"), &event).await,
        misconfigured(point("run-1"), "other_state", message),
    );
}

#[tokio::test]
async fn an_event_of_another_shape_is_misconfigured() {
    let stack = Stack::new();
    let guard = guard(&stack, "ApprovePayment");
    let whole = approval_event(&token(&stack));
    let nowhere = with(point("run-1"), "/execution", json!(""));
    let cases = [
        (json!({}), "missing_event_member", "event lacks `context`"),
        (json!([]), "malformed_event", "event: JSON, but not an object"),
        (with(whole.clone(), "/now", json!(1)), "unknown_event_member", "event: unknown member `now`"),
        (with(whole.clone(), "/context/now", json!(1)), "unknown_event_member", "event: unknown member `now`"),
        (without(whole.clone(), "/input"), "missing_event_member", "event lacks `input`"),
        (
            with(whole.clone(), "/context", json!("x")),
            "event_member_of_wrong_type",
            "event `context`: expected an object, presented text",
        ),
        (without(whole.clone(), "/context/execution"), "missing_event_member", "event lacks `execution`"),
        (
            with(whole.clone(), "/context/state", json!(null)),
            "event_member_of_wrong_type",
            "event `state`: expected text, presented null",
        ),
        (
            with(whole.clone(), "/context/retryCount", json!(-1)),
            "event_member_of_wrong_type",
            "event `retryCount`: expected a count, presented an integer",
        ),
        (
            with(whole.clone(), "/context/redriveCount", json!("0")),
            "event_member_of_wrong_type",
            "event `redriveCount`: expected a count, presented text",
        ),
        (
            without(whole.clone(), "/work"),
            "no_work",
            "event lacks `work`: an older `ksf weave` wrote the state machine, weave it anew",
        ),
        (
            with(whole.clone(), "/work", json!(["/0"])),
            "event_member_of_wrong_type",
            "event `work`: expected text, presented an array",
        ),
        (
            with(whole.clone(), "/work", json!("0")),
            "malformed_identifier",
            "`work`: work path is not of the shape `/ITEM or ~ROUND, as often as needed`",
        ),
        (
            with(whole, "/context/stateMachine", json!("payment")),
            "malformed_identifier",
            "`stateMachine`: state machine ARN is not of the shape \
             `arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE`",
        ),
    ];
    for (event, code, message) in cases {
        check(served(&guard, &event).await, misconfigured(nowhere.clone(), code, message));
    }
    let twice = r#"{"input":{},"input":{}}"#;
    let message = "event: duplicate member at line `1` column `23`";
    let expected = misconfigured(nowhere, "malformed_event", message);
    check(serve(&guard, twice.as_bytes(), now()).await, expected);
}

#[tokio::test]
async fn j29_a_clock_that_cannot_be_read_is_undecided() {
    let stack = Stack::new();
    let event = approval_event(&token(&stack)).to_string();
    let before_1970 = std::time::UNIX_EPOCH - std::time::Duration::from_secs(1);
    let reasons =
        json!([{ "code": "clock_out_of_range", "message": "the clock stands outside the years 1970 to 9999" }]);
    let audit = without(audit_of_nobody("undecided", point("run-1"), json!({}), reasons), "/at");
    check(
        serve(&guard(&stack, "ApprovePayment"), event.as_bytes(), UnixTime::from_system_time(before_1970)).await,
        Served::refused("ClaimGuard.Undecided", "undecided: see the audit line in the guard's log", audit),
    );
}
