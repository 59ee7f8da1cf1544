use claim_guard::claims::{ClaimPath, Role};
use claim_guard::decision::{Decision, Unmet};
use claim_guard::identifier::Digest;
use claim_guard::revalidation::{Cause, Change, RenewedStatement, Withdrawal};
use claim_guard::transaction::{Attempt, MintError, PresentedAt, TransactionFailure};
use serde_json::{Value, json};
use test_realm::{ISSUER, NOW, SUBJECT, TestKey, with, without};

use crate::fixture::{
    POLICY, aged, answered, evaluation, parsed, policy, policy_without_payment, question_of, renewed_for, scope,
    stated, statement, unsigned,
};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{DOMAIN, EXECUTION, MACHINE, at, sealed, state, verifier, workflow};

/// A statement for the state `Approve`, in place of an old one, on the realm's claims of that time.
fn renewed(old: &Value, claims: &Value, seconds: i64) -> RenewedStatement {
    let question =
        policy().question_of_state(aged(old), &state("Approve"), Cause::Expired, 3, time(seconds)).map(alive).unwrap();
    answered(&policy(), question, claims, seconds).unwrap()
}

/// An old statement of everything that the workflow names and the realm grants.
fn complete() -> Value {
    let roles = ["workflow-api:payment:approve", "workflow-api:payment:start"];
    let old = with(statement(), "/tctx/roles", json!(roles));
    with(old, "/tctx/claims", json!({ "compliance": { "kyc": true }, "project_id": "apollo" }))
}

fn roles_of(statement: &RenewedStatement) -> Value {
    stated(statement)["tctx"]["roles"].clone()
}

fn role(text: &str) -> Role {
    Role::parse(text).unwrap()
}

fn changed(path: &str) -> Change {
    Change::ClaimChanged(ClaimPath::parse(path).unwrap())
}

#[test]
fn renewed_statement_is_the_old_one_with_the_roles_and_claims_of_now() {
    let old = with(with(statement(), "/rctx/scope", json!("email")), "/tctx/epoch", json!(4));
    let old = with(with(old, "/tctx/redrive", json!(2)), "/tctx/started", json!(NOW - 100));
    let renewed = renewed(&old, &evaluation(400), 400);
    let expected = json!({
        "iat": NOW + 400, "exp": NOW + 700, "aud": DOMAIN, "txn": "txn-1", "sub": SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": ISSUER, "jti": "onrtro:1", "iat": NOW - 10, "sid": "session", "scope": "email" },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "started": NOW - 100, "epoch": 5,
            "renewed": { "state": "Approve", "rounds": 1 }, "redrive": 3, "input": Digest::of(b"{}").as_str(),
            "roles": ["workflow-api:payment:approve", "workflow-api:payment:start"],
            "claims": { "compliance": { "kyc": true }, "project_id": "apollo" },
        },
    });
    assert_eq!(stated(&renewed), expected);
    assert_eq!((renewed.epoch(), renewed.binding().redrive_count), (5, 3));
    assert_eq!((renewed.binding().workflow.as_str(), renewed.binding().execution.as_str()), ("payment", EXECUTION));
    let identity = renewed.identity();
    assert_eq!(
        (identity.issued_at(), identity.expires_at(), identity.verified_at()),
        (time(400), time(700), time(400))
    );
    assert_eq!((identity.scope(), identity.token_id().as_str()), (Some(&scope("email")), "onrtro:1"));
    assert_eq!(identity.transaction().map(|txn| txn.as_str()), Some("txn-1"));
}

#[test]
fn whoever_acted_at_the_start_is_kept_and_never_taken_from_the_realm_s_example() {
    let chain = json!({ "sub": "robot", "client_id": "agent", "act": { "sub": "admin" } });
    let acted = with(statement(), "/rctx/act", chain.clone());
    let example = with(evaluation(20), "/act", json!({ "sub": "somebody-else" }));
    for claims in [&evaluation(20), &example] {
        assert_eq!(stated(&renewed(&acted, claims, 20))["rctx"]["act"], chain);
        assert_eq!(stated(&renewed(&statement(), claims, 20))["rctx"].get("act"), None);
    }
}

#[test]
fn condition_on_whoever_acts_is_decided_after_a_renewal_as_before() {
    let asked = r#"actor = "any"
claims = ["compliance.kyc = true", 'act.sub = "robot"']"#;
    let policy = parsed(&POLICY.replace(r#"claims = ["compliance.kyc = true"]"#, asked));
    let claims_of = |old: &Value, claims: &Value| {
        let question =
            policy.question_of_state(aged(old), &state("Approve"), Cause::Expired, 3, time(20)).map(alive).unwrap();
        stated(&answered(&policy, question, claims, 20).unwrap())["tctx"]["claims"].get("act").cloned()
    };
    let somebody_else = with(evaluation(20), "/act", json!({ "sub": "somebody-else" }));
    let acted = with(statement(), "/rctx/act", json!({ "sub": "robot" }));
    let named = with(acted.clone(), "/tctx/claims/act", json!({ "sub": "robot" }));
    for claims in [&evaluation(20), &somebody_else] {
        assert_eq!(claims_of(&named, claims), Some(json!({ "sub": "robot" })));
        assert_eq!(claims_of(&acted, claims), Some(json!({ "sub": "robot" })));
        assert_eq!(claims_of(&statement(), claims), None);
    }
}

/// What is stated of the scope after a renewal, where a state asks for a word of it.
#[track_caller]
fn check_scope(old: &Value, live: Option<&str>, expected: Option<&str>) {
    let asked = r#"claims = ["compliance.kyc = true", 'scope contains "pay"']"#;
    let policy = parsed(&POLICY.replace(r#"claims = ["compliance.kyc = true"]"#, asked));
    let claims = match live {
        Some(scope) => with(evaluation(20), "/scope", json!(scope)),
        None => without(evaluation(20), "/scope"),
    };
    let question =
        policy.question_of_state(aged(old), &state("Approve"), Cause::Expired, 3, time(20)).map(alive).unwrap();
    let stated = stated(&answered(&policy, question, &claims, 20).unwrap());
    assert_eq!(stated["tctx"]["claims"].get("scope"), expected.map(|scope| json!(scope)).as_ref(), "{old} {live:?}");
    // What is asked for the next time stays the same.
    assert_eq!(stated["rctx"].get("scope"), old["rctx"].get("scope"));
}

#[test]
fn scope_of_the_log_in_is_kept_and_may_only_shrink() {
    let came_with = |scope: &str| with(statement(), "/rctx/scope", json!(scope));
    check_scope(&came_with("openid pay"), Some("openid pay"), Some("openid pay"));
    check_scope(&came_with("openid pay"), Some("pay more openid"), Some("openid pay"));
    check_scope(&came_with("openid pay"), Some("openid email"), Some("openid"));
    check_scope(&came_with("openid pay"), Some("payments"), Some(""));
    check_scope(&came_with("openid pay"), None, Some(""));
    check_scope(&statement(), Some("openid pay"), None);
    // A word that is gone stays gone.
    let narrowed = |scope: &str| with(came_with("openid pay"), "/tctx/claims/scope", json!(scope));
    check_scope(&narrowed("openid"), Some("openid pay"), Some("openid"));
    check_scope(&narrowed(""), Some("openid pay"), Some(""));
    check_scope(&narrowed("openid pay"), Some("openid pay"), Some("openid pay"));
}

#[test]
fn statement_of_a_service_account_is_renewed_without_a_session() {
    let old = without(statement(), "/rctx/sid");
    let renewed = stated(&renewed(&old, &evaluation(20), 20));
    assert_eq!(renewed["rctx"], json!({ "iss": ISSUER, "jti": "onrtro:1", "iat": NOW - 10 }));
}

#[test]
fn roles_of_now_are_fewer_or_more_and_those_that_the_workflow_names() {
    let claims = |roles: Value| with(evaluation(20), "/resource_access/workflow-api/roles", roles);
    let fewer = renewed(&complete(), &claims(json!(["payment:start", "payment:screen", "payment:audit"])), 20);
    assert_eq!(roles_of(&fewer), json!(["workflow-api:payment:start"]));
    assert_eq!(fewer.changes(), [Change::RoleLost(role("workflow-api:payment:approve"))]);
    let none = renewed(&complete(), &without(evaluation(20), "/resource_access"), 20);
    assert_eq!(roles_of(&none), json!([]));
    let (approve, start) = (role("workflow-api:payment:approve"), role("workflow-api:payment:start"));
    assert_eq!(none.changes(), [Change::RoleLost(approve.clone()), Change::RoleLost(start.clone())]);
    let old = with(complete(), "/tctx/roles", json!([]));
    let more = renewed(&old, &evaluation(20), 20);
    assert_eq!(roles_of(&more), json!(["workflow-api:payment:approve", "workflow-api:payment:start"]));
    assert_eq!(more.changes(), [Change::RoleGained(approve), Change::RoleGained(start)]);
}

#[test]
fn claims_of_now_are_those_that_the_workflow_names() {
    for (pointer, value, claims, changes) in [
        (
            "/compliance/kyc",
            json!(false),
            json!({ "compliance": { "kyc": false }, "project_id": "apollo" }),
            vec![changed("compliance.kyc")],
        ),
        ("/compliance", json!("none"), json!({ "project_id": "apollo" }), vec![changed("compliance.kyc")]),
        (
            "/project_id",
            json!("gemini"),
            json!({ "compliance": { "kyc": true }, "project_id": "gemini" }),
            vec![changed("project_id")],
        ),
        ("/acr", json!("2"), json!({ "compliance": { "kyc": true }, "project_id": "apollo" }), vec![]),
    ] {
        let renewed = renewed(&complete(), &with(evaluation(20), pointer, value), 20);
        assert_eq!((&stated(&renewed)["tctx"]["claims"], renewed.changes()), (&claims, &changes[..]), "{pointer}");
    }
}

#[test]
fn changes_list_gained_and_lost_roles_and_then_claims() {
    let old = with(complete(), "/tctx/roles", json!(["workflow-api:payment:approve"]));
    let old = with(old, "/tctx/claims", json!({}));
    let claims = with(evaluation(20), "/resource_access/workflow-api/roles", json!(["payment:start"]));
    let expected = [
        Change::RoleGained(role("workflow-api:payment:start")),
        Change::RoleLost(role("workflow-api:payment:approve")),
        changed("compliance.kyc"),
        changed("project_id"),
    ];
    assert_eq!(renewed(&old, &claims, 20).changes(), expected);
    assert_eq!(renewed(&complete(), &evaluation(20), 20).changes(), []);
}

#[test]
fn renewed_statement_never_outlives_the_run() {
    for (seconds, expires) in [(3299, 3599), (3300, 3600), (3301, 3600), (3599, 3600)] {
        let stated = stated(&renewed(&statement(), &evaluation(seconds), seconds));
        assert_eq!((&stated["iat"], &stated["exp"]), (&json!(NOW + seconds), &json!(NOW + expires)));
    }
}

#[test]
fn realm_that_answers_after_the_end_of_the_run_makes_no_statement() {
    let question = policy().question_of_state(aged(&statement()), &state("Approve"), Cause::Expired, 0, time(3599));
    let (limit, now) = (std::time::Duration::from_secs(3600), time(3600));
    let expected = Withdrawal::RunTooLong { started_at: time(0), limit, now };
    let late = answered(&policy(), question.map(alive).unwrap(), &evaluation(3600), 3600).map(|_| ());
    assert_eq!(late, Err(vec![expected]));
}

#[test]
fn epoch_counts_as_far_as_it_can() {
    for (old, new) in [(0, 1), (41, 42), (u32::MAX - 1, u32::MAX), (u32::MAX, u32::MAX)] {
        let renewed = renewed(&with(statement(), "/tctx/epoch", json!(old)), &evaluation(20), 20);
        assert_eq!(stated(&renewed)["tctx"]["epoch"], json!(new));
    }
}

#[test]
fn workflow_that_the_policy_no_longer_knows_gets_no_statement() {
    let question = question_of(&policy(), &statement());
    let unknown = answered(&policy_without_payment(), question, &evaluation(20), 20).map(|_| ());
    let expected = Withdrawal::StartUnmet(Unmet::NoWorkflow { presented: workflow("payment") });
    assert_eq!(unknown, Err(vec![expected]));
}

/// Presents the renewed statement to the guard of a state in its own run.
fn at_state(
    statement: &RenewedStatement,
    name: &str,
    redrive_count: u32,
    seconds: i64,
) -> Result<Decision, TransactionFailure> {
    let (key, policy, state) = (TestKey::kms(), policy(), state(name));
    let token = sealed(&key, unsigned(&key, statement));
    let freshness = policy.workflow(&workflow("payment")).unwrap().freshness(&state).unwrap();
    let attempt = Attempt { state: &state, retry_count: 0, freshness };
    let at = PresentedAt { redrive_count, ..at(EXECUTION) };
    let verified = verifier(&[&key]).verify(&token, &at, &attempt, time(seconds))?;
    let input = json!({ "project_id": "apollo" }).as_object().unwrap().clone();
    Ok(policy.decide_state(&verified, &workflow("payment"), &state, &input))
}

#[test]
fn guard_grants_on_the_renewed_statement() {
    let question = policy().question_of_state(aged(&statement()), &state("Execute"), Cause::Expired, 1, time(500));
    let renewed = answered(&policy(), question.map(alive).unwrap(), &evaluation(500), 500).unwrap();
    for (name, seconds) in [("Execute", 500), ("Execute", 510), ("Approve", 799)] {
        let decision = at_state(&renewed, name, 1, seconds).unwrap();
        assert!(matches!(decision, Decision::Allow(_)), "{decision:?}");
    }
    let redriven = TransactionFailure::Redriven { stated: 1, presented: 2 };
    assert_eq!(at_state(&renewed, "Execute", 2, 500).map(|_| ()), Err(redriven));
    let expired = TransactionFailure::Expired { expired_at: time(800), now: time(800) };
    assert_eq!(at_state(&renewed, "Approve", 1, 800).map(|_| ()), Err(expired));
    let other = renewed_for("Execute", 1);
    let approve =
        policy().question_of_state(aged(&other), &state("Approve"), Cause::Expired, 0, time(500)).map(alive).unwrap();
    let approve = answered(&policy(), approve, &evaluation(500), 500).unwrap();
    let (expected, stated) = (state("Execute"), Some(state("Approve")));
    let expected = TransactionFailure::NotForThisAttempt { expected, stated, retry_count: 0 };
    assert_eq!(at_state(&approve, "Execute", 0, 500).map(|_| ()), Err(expected));
}

#[test]
fn guard_denies_what_the_realm_grants_no_more() {
    let claims = with(evaluation(20), "/resource_access/workflow-api/roles", json!(["payment:start"]));
    let decision = at_state(&renewed(&complete(), &claims, 20), "Approve", 3, 20).unwrap();
    let Decision::Deny(denial) = decision else { panic!("{decision:?}") };
    assert_eq!(denial.unmet(), [Unmet::MissingRole { expected: role("workflow-api:payment:approve") }]);
}

#[test]
fn claim_of_now_that_is_a_token_or_too_long_is_not_signed() {
    let key = TestKey::kms();
    let seal = |project: &str| {
        let renewed = renewed(&statement(), &with(evaluation(20), "/project_id", json!(project)), 20);
        let unsigned = unsigned(&key, &renewed);
        let der = key.sign(unsigned.signing_input());
        unsigned.seal(&der).map(|_| ())
    };
    assert_eq!(seal("apollo"), Ok(()));
    assert_eq!(seal(&TestKey::generate("ES256", "key").token(&json!({}))), Err(MintError::HoldsToken));
    let long = seal(&"x".repeat(2000)).map_err(|error| error.code());
    assert_eq!(long, Err("transaction_token_too_large"));
}

#[test]
fn lifetime_is_the_policy_s_of_now() {
    let policy = parsed(
        &POLICY.replace("session = \"ignored\"\nstart.roles", "transaction_token_lifetime = \"30s\"\nstart.roles"),
    );
    let renewed = answered(&policy, question_of(&policy, &statement()), &evaluation(20), 20).unwrap();
    assert_eq!(stated(&renewed)["exp"], json!(NOW + 50));
}
