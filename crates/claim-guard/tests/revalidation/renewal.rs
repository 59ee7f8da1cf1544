use claim_guard::access::AccessPolicy;
use claim_guard::claims::{ClaimPath, Role};
use claim_guard::decision::{Decision, Unmet};
use claim_guard::identifier::Digest;
use claim_guard::mint::MintError;
use claim_guard::revalidation::{Cause, Change, RenewedStatement, Withdrawal};
use claim_guard::transaction::{Attempt, CarryError, PresentedAt, TransactionFailure, WorkPath};
use serde_json::{Value, json};
use test_realm::{ISSUER, NOW, SUBJECT, TestKey, with, without};

use crate::fixture::{
    POLICY, aged, answered, evaluation, parsed, policy, policy_without_payment, question_of, renewed_for, scope,
    stated, statement, unsigned,
};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{
    DOMAIN, EXECUTION, MACHINE, at, forged, forging_key, sealed, state, verifier, workflow,
};

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
    let old = with(with(statement(), "/rctx/scope", json!("profile")), "/tctx/epoch", json!(4));
    let old = with(with(old, "/tctx/redrive", json!(2)), "/tctx/started", json!(NOW - 100));
    let renewed = renewed(&old, &evaluation(400), 400);
    let expected = json!({
        "iat": NOW + 400, "exp": NOW + 700, "aud": DOMAIN, "txn": "txn-1", "sub": SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": ISSUER, "jti": "onrtro:1", "iat": NOW - 10, "sid": "session", "scope": "profile" },
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
    assert_eq!((identity.scope(), identity.token_id().as_str()), (Some(&scope("profile")), "onrtro:1"));
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

/// What a state that asks for that denies after a renewal of the old statement, on the realm's claims of now.
fn denied_after(old: &Value, claims: &Value, condition: &str) -> Vec<String> {
    let asked = format!("actor = \"any\"\nclaims = ['{condition}']");
    let text = POLICY.replace(
        "start.roles = [\"workflow-api:payment:start\"]",
        "start = { any_verified_caller = true, actor = \"any\" }",
    );
    let policy = parsed(&text.replace(r#"claims = ["compliance.kyc = true"]"#, &asked));
    let question =
        policy.question_of_state(aged(old), &state("Approve"), Cause::Expired, 3, time(20)).map(alive).unwrap();
    let renewed = answered(&policy, question, claims, 20).unwrap();
    match decided(&policy, &renewed, "Approve", 3, 20).unwrap() {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => denial.unmet().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn condition_on_whoever_acts_is_decided_after_a_renewal_as_before() {
    let somebody_else = with(evaluation(20), "/act", json!({ "sub": "somebody-else" }));
    let acted = with(statement(), "/rctx/act", json!({ "sub": "robot", "client_id": "agent" }));
    for claims in [&evaluation(20), &somebody_else] {
        for condition in ["act.sub = \"robot\"", "act.client_id = \"agent\""] {
            assert!(denied_after(&acted, claims, condition).is_empty(), "{claims} {condition}");
        }
        let absent = "claim `act.sub` is absent, expected `act.sub = \"somebody-else\"`";
        assert_eq!(denied_after(&statement(), claims, "act.sub = \"somebody-else\""), [absent]);
    }
}

#[test]
fn what_the_log_in_said_is_never_the_realm_s_to_say_again() {
    // The realm's example has a log-in of its own: `acr` is always `1` in it, and `auth_time` is absent.
    let example = with(evaluation(20), "/acr", json!("1"));
    let said = |acr: &str| with(statement(), "/rctx/authentication", json!({ "acr": acr, "auth_time": NOW - 800 }));
    // Whoever came by another session's log-in is not authenticated by a renewal.
    let unmet = "claim `acr` is `\"0\"`, expected `= \"1\"`";
    assert_eq!(denied_after(&said("0"), &example, "acr = \"1\""), [unmet]);
    assert_eq!(denied_after(&said("2"), &example, "acr = \"2\""), [""; 0]);
    assert_eq!(denied_after(&said("2"), &example, "auth_time >= now - 15m"), [""; 0]);
    let older = format!("claim `auth_time` is `{}`, expected `>= {}`", NOW - 800, NOW + 20 - 600);
    assert_eq!(denied_after(&said("2"), &example, "auth_time >= now - 10m"), [older]);
    let again = with(example.clone(), "/auth_time", json!(NOW + 20));
    let absent = "claim `auth_time` is absent, expected `auth_time >= now - 15m`";
    assert_eq!(denied_after(&statement(), &again, "auth_time >= now - 15m"), [absent]);
    assert_eq!(denied_after(&statement(), &again, "sid = \"session\""), [""; 0]);
    let another = "claim `sid` is `\"session\"`, expected `= \"transient\"`";
    assert_eq!(denied_after(&statement(), &again, "sid = \"transient\""), [another]);
}

#[test]
fn what_the_log_in_said_is_carried_as_far_as_any_workflow_names_it() {
    let text = POLICY.replace(r#"claims = ["compliance.kyc_level >= 2"]"#, r#"claims = ['acr = "2"', 'idp = "x"']"#);
    let policy = parsed(&format!("authentication_claims = [\"idp\"]\n{text}"));
    let said = json!({ "acr": "2", "amr": ["otp"], "idp": "x" });
    let old = with(complete(), "/rctx/authentication", said);
    let claims = with(with(evaluation(20), "/acr", json!("1")), "/idp", json!("y"));
    let question =
        policy.question_of_state(aged(&old), &state("Approve"), Cause::Expired, 3, time(20)).map(alive).unwrap();
    let renewed = answered(&policy, question, &claims, 20).unwrap();
    assert_eq!(stated(&renewed)["rctx"]["authentication"], json!({ "acr": "2", "idp": "x" }));
    assert_eq!(renewed.changes(), []);
}

/// What is stated of the scope after a renewal.
#[track_caller]
fn check_scope(old: &Value, live: Option<&str>, expected: Option<&str>) {
    let claims = match live {
        Some(scope) => with(evaluation(20), "/scope", json!(scope)),
        None => without(evaluation(20), "/scope"),
    };
    let stated = stated(&renewed(old, &claims, 20));
    assert_eq!(stated["rctx"].get("scope"), expected.map(|scope| json!(scope)).as_ref(), "{old} {live:?}");
    assert_eq!(stated["tctx"]["claims"].get("scope"), None);
}

#[test]
fn scope_of_the_log_in_is_kept_and_may_only_shrink() {
    let came_with = |scope: &str| with(statement(), "/rctx/scope", json!(scope));
    check_scope(&came_with("openid pay"), Some("openid pay"), Some("openid pay"));
    check_scope(&came_with("openid pay"), Some("pay more openid"), Some("openid pay"));
    check_scope(&came_with("openid pay"), Some("openid email"), Some("openid"));
    check_scope(&came_with("openid pay"), Some("payments"), None);
    check_scope(&came_with("openid pay"), Some(""), None);
    check_scope(&came_with("openid pay"), None, None);
    // A word that is gone stays gone, and whoever came with none gets none.
    check_scope(&came_with("openid"), Some("openid pay"), Some("openid"));
    check_scope(&statement(), Some("openid pay"), None);
    let long = (0..45).map(|word| format!("word-{word}")).collect::<Vec<_>>().join(" ");
    assert!((257..384).contains(&long.len()));
    check_scope(&came_with(&long), Some(&long), Some(&long));
    // What the realm has added since may make its example longer than any token that is accepted.
    let longer = format!("{long} {}", "x".repeat(512));
    check_scope(&came_with(&long), Some(&longer), Some(&long));
}

#[test]
fn word_of_the_scope_is_asked_for_after_a_renewal_as_before() {
    let claims = with(evaluation(20), "/scope", json!("openid pay"));
    let came_with = |scope: &str| with(statement(), "/rctx/scope", json!(scope));
    assert_eq!(denied_after(&came_with("openid pay"), &claims, "scope contains \"pay\""), [""; 0]);
    let unmet = "claim `scope` is `\"openid\"`, expected `contains \"pay\"`";
    assert_eq!(denied_after(&came_with("openid"), &claims, "scope contains \"pay\""), [unmet]);
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
fn narrowing_run_may_lose_and_never_gains_or_changes() {
    let text = POLICY.replacen("session = \"ignored\"", "session = \"ignored\"\nrenewal = \"narrowing\"", 1);
    let narrowed = |old: &Value, claims: &Value| {
        let policy = parsed(&text);
        let renewed = answered(&policy, question_of(&policy, old), claims, 20).unwrap();
        let stated = stated(&renewed);
        (stated["tctx"]["roles"].clone(), stated["tctx"]["claims"].clone(), renewed.changes().len())
    };
    let approve = json!(["workflow-api:payment:approve"]);
    let both = json!(["workflow-api:payment:approve", "workflow-api:payment:start"]);
    let claims = json!({ "compliance": { "kyc": true }, "project_id": "apollo" });
    assert_eq!(narrowed(&complete(), &evaluation(20)), (both.clone(), claims.clone(), 0));
    let fewer = with(complete(), "/tctx/roles", approve.clone());
    assert_eq!(narrowed(&fewer, &evaluation(20)), (approve, claims, 0));
    let lost = without(evaluation(20), "/resource_access");
    assert_eq!(narrowed(&complete(), &lost).0, json!([]));
    let changed = with(evaluation(20), "/project_id", json!("gemini"));
    assert_eq!(narrowed(&complete(), &changed), (both.clone(), json!({ "compliance": { "kyc": true } }), 1));
    let without_kyc = with(complete(), "/tctx/claims", json!({ "project_id": "apollo" }));
    assert_eq!(narrowed(&without_kyc, &evaluation(20)), (both, json!({ "project_id": "apollo" }), 0));
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
    decided(&policy(), statement, name, redrive_count, seconds)
}

/// As [`at_state`], under another policy.
fn decided(
    policy: &AccessPolicy,
    statement: &RenewedStatement,
    name: &str,
    redrive_count: u32,
    seconds: i64,
) -> Result<Decision, TransactionFailure> {
    let (key, state) = (TestKey::kms(), state(name));
    let token = sealed(&key, unsigned(&key, statement));
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
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
    assert_eq!(
        seal(&TestKey::generate("ES256", "key").token(&json!({}))),
        Err(MintError::NotCarried(CarryError::HoldsToken))
    );
    let long = seal(&"x".repeat(2000)).map_err(|error| error.code());
    assert_eq!(long, Err("transaction_token_too_large"));
}

#[test]
fn lifetime_is_the_policy_s_of_now() {
    let policy = parsed(&POLICY.replace(
        "session = \"ignored\"\nstart.roles",
        "session = \"ignored\"\ntransaction_token_lifetime = \"30s\"\nstart.roles",
    ));
    let renewed = answered(&policy, question_of(&policy, &statement()), &evaluation(20), 20).unwrap();
    assert_eq!(stated(&renewed)["exp"], json!(NOW + 50));
}

/// The claims of `complete`, and `groups`, which a state asks for.
fn narrowed_groups(old: &Value, now: &Value) -> Value {
    let text = POLICY.replacen("session = \"ignored\"", "session = \"ignored\"\nrenewal = \"narrowing\"", 1);
    let text = text.replacen("[\"compliance.kyc = true\"]", "['groups contains \"a\"', \"compliance.kyc = true\"]", 1);
    let policy = parsed(&text);
    let claims = json!({ "compliance": { "kyc": true }, "project_id": "apollo", "groups": old });
    let old = with(complete(), "/tctx/claims", claims);
    let renewed = answered(&policy, question_of(&policy, &old), &with(evaluation(20), "/groups", now.clone()), 20);
    stated(&renewed.unwrap())["tctx"]["claims"]["groups"].clone()
}

#[test]
fn narrowing_run_keeps_a_list_that_the_realm_writes_in_another_order() {
    assert_eq!(narrowed_groups(&json!(["a", "b"]), &json!(["a", "b"])), json!(["a", "b"]));
    let kept = narrowed_groups(&json!(["a", "b"]), &json!(["b", "a"]));
    assert!(kept.as_array().is_some_and(|items| items.contains(&json!("a"))), "{kept}");
}

#[test]
fn narrowing_run_keeps_what_is_left_of_a_list() {
    assert_eq!(narrowed_groups(&json!(["a", "b"]), &json!(["a"])), json!(["a"]));
}

#[test]
fn narrowing_run_takes_nothing_that_a_list_has_gained() {
    assert_eq!(narrowed_groups(&json!(["a"]), &json!(["a", "b"])), json!(["a"]));
}

#[test]
fn whatever_fits_at_the_start_fits_after_every_renewal() {
    let key = TestKey::kms();
    let project = |size: usize| json!("x".repeat(size));
    let started = |size: usize| with(complete(), "/tctx/claims/project_id", project(size));
    let fits = |size: &usize| forged(&forging_key(), &started(*size)).as_str().len() <= 2048;
    let most = (0..2048).take_while(fits).last().unwrap();
    let renewed = renewed(&started(most), &with(evaluation(20), "/project_id", project(most)), 20);
    let unsigned = unsigned(&key, &renewed);
    let der = key.sign(unsigned.signing_input());
    assert_eq!(unsigned.seal(&der).map(|_| ()), Ok(()), "{most}");
}
