//! An execution of another workflow gets a statement of its own, on that workflow's terms.

use claim_guard::access::{Condition, Plain};
use claim_guard::claims::Role;
use claim_guard::decision::Unmet;
use claim_guard::identifier::Digest;
use claim_guard::revalidation::{Question, Withdrawal};
use claim_guard::transaction::{Attempt, PresentedAt, TransactionRejection, WorkPath};
use serde_json::{Map, Value, json};
use test_realm::{ISSUER, NOW, SUBJECT, TestKey, with, without};

use crate::fixture::{
    POLICY, aged, answered, evaluated, evaluation, parsed, policy, renewed_for, stated, statement, unsigned,
};
use crate::support::alive::alive;
use crate::support::time;
use crate::support::transaction::{DOMAIN, at, execution, sealed, state, verifier, workflow};

const NESTED: &str = "arn:aws:states:eu-west-1:000000000000:execution:settlement:two";
const NESTED_MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:settlement";

fn input() -> Map<String, Value> {
    json!({ "project_id": "apollo", "amount": 12.5 }).as_object().unwrap().clone()
}

fn question(parent: &Value, input: Map<String, Value>, seconds: i64) -> Question {
    let execution = execution(NESTED);
    policy()
        .question_of_nested_start(aged(parent), &state("Settle"), &execution, input, 0, time(seconds))
        .map(alive)
        .unwrap()
}

#[track_caller]
fn check_unmet(claims: &Value, input: Map<String, Value>, expected: Vec<Unmet>) {
    let presented = answered(&policy(), question(&statement(), input, 20), claims, 20).map(|_| ());
    assert_eq!(presented, Err(expected.into_iter().map(Withdrawal::StartUnmet).collect()));
}

#[test]
fn statement_of_a_nested_start_is_on_the_other_workflow_s_terms() {
    let parent = with(with(renewed_for("Approve", 7), "/tctx/epoch", json!(4)), "/tctx/redrive", json!(3));
    let question = question(&parent, input(), 400);
    assert_eq!(question.epoch(), 4);
    let nested = answered(&policy(), question, &evaluation(400), 400).unwrap();
    let expected = json!({
        "iat": NOW + 400, "exp": NOW + 460, "aud": DOMAIN, "txn": "txn-1", "sub": SUBJECT, "scope": "settlement",
        "req_wl": "payment-app",
        "rctx": { "iss": ISSUER, "jti": "onrtro:1", "iat": NOW - 10, "sid": "session" },
        "tctx": {
            "execution": NESTED, "state_machine": NESTED_MACHINE, "started": NOW + 400, "epoch": 5, "redrive": 0,
            "input": Digest::of(br#"{"amount":12.5,"project_id":"apollo"}"#).as_str(),
            "roles": ["workflow-api:payment:execute", "workflow-api:payment:screen"],
            "claims": { "compliance": { "kyc_level": 3 }, "project_id": "apollo" },
        },
    });
    assert_eq!(stated(&nested), expected);
    assert_eq!((nested.epoch(), nested.changes(), nested.binding().workflow.as_str()), (5, &[][..], "settlement"));
}

#[test]
fn nested_run_is_as_long_as_its_own_workflow_allows() {
    let bounded = POLICY.replace("max_duration = \"365d\"", "max_duration = \"40s\"");
    let policy = parsed(&bounded);
    let (parent, execution) = (aged(&statement()), execution(NESTED));
    let question = policy
        .question_of_nested_start(parent, &state("Settle"), &execution, input(), 0, time(3500))
        .map(alive)
        .unwrap();
    let nested = stated(&answered(&policy, question, &evaluation(3500), 3500).unwrap());
    assert_eq!((&nested["tctx"]["started"], &nested["exp"]), (&json!(NOW + 3500), &json!(NOW + 3540)));
}

#[test]
fn subject_who_may_not_start_the_other_workflow_does_not() {
    let role = Unmet::MissingRole { expected: Role::parse("workflow-api:payment:execute").unwrap() };
    let condition = Condition::parse("project_id = input.project_id").unwrap();
    let unmet = Unmet::ClaimUnmet {
        condition: condition.clone(),
        expected: Plain::Text("gemini".to_owned()),
        presented: json!("apollo"),
    };
    let gemini = json!({ "project_id": "gemini" }).as_object().unwrap().clone();
    let fewer =
        with(evaluation(20), "/resource_access/workflow-api/roles", json!(["payment:start", "payment:approve"]));
    check_unmet(&fewer, input(), vec![role.clone()]);
    check_unmet(&evaluation(20), gemini.clone(), vec![unmet.clone()]);
    check_unmet(&fewer, gemini, vec![role, unmet]);
    check_unmet(&evaluation(20), Map::new(), vec![Unmet::InputAbsent { condition: condition.clone() }]);
    check_unmet(&without(evaluation(20), "/project_id"), input(), vec![Unmet::ClaimAbsent { condition }]);
}

#[test]
fn whoever_acts_in_the_subject_s_place_starts_what_the_other_workflow_lets_him() {
    let acted = with(statement(), "/rctx/act", json!({ "sub": "admin" }));
    let presented = answered(&policy(), question(&acted, input(), 20), &evaluation(20), 20);
    let Err(withdrawals) = presented else { panic!("{presented:?}") };
    let messages: Vec<String> = withdrawals.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["`admin` acts in the subject's place, expected actor `none`"]);
    let open = parsed(&POLICY.replace("start = { roles", "start = { actor = \"any\", roles"));
    let nested = answered(&open, question(&acted, input(), 20), &evaluation(20), 20).unwrap();
    assert_eq!(stated(&nested)["rctx"]["act"], json!({ "sub": "admin" }));
}

#[test]
fn renewal_asks_nothing_of_the_start() {
    let fewer = without(evaluation(20), "/resource_access");
    let question = crate::fixture::question_of(&policy(), &statement());
    assert_eq!(stated(&answered(&policy(), question, &fewer, 20).unwrap())["tctx"]["roles"], json!([]));
}

#[test]
fn subject_whose_tokens_are_not_for_us_starts_nothing() {
    let question = question(&statement(), input(), 20);
    let live = evaluated(&without(evaluation(20), "/aud"), &question, 20).unwrap();
    let withdrawn = live.statement(&policy(), time(20)).map(|_| ()).map_err(|all| all.all().to_vec());
    let presented = claim_guard::Excerpt::of("");
    assert_eq!(withdrawn, Err(vec![Withdrawal::AudienceWithdrawn { presented }]));
}

#[test]
fn workflow_that_the_policy_no_longer_knows_is_not_started() {
    let later =
        parsed(&POLICY.replace("workflows.settlement", "workflows.other").replace("\"settlement\"", "\"other\""));
    let presented = answered(&later, question(&statement(), input(), 20), &evaluation(20), 20).map(|_| ());
    let expected = Withdrawal::StartUnmet(Unmet::NoWorkflow { presented: workflow("settlement") });
    assert_eq!(presented, Err(vec![expected]));
}

#[test]
fn statement_of_a_nested_start_verifies_in_that_workflow_only() {
    let (key, policy, book) = (TestKey::kms(), policy(), state("Book"));
    let nested = answered(&policy, question(&statement(), input(), 20), &evaluation(20), 20).unwrap();
    let token = sealed(&key, unsigned(&key, &nested));
    let freshness = policy.workflow(&workflow("settlement")).unwrap().guarded(&book).unwrap().freshness();
    let attempt = Attempt { state: &book, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    let verified = |at: &PresentedAt| {
        verifier(&[&key]).verify(&token, at, &attempt, time(79)).map(|verified| verified.workflow().to_string())
    };
    let own = PresentedAt { workflow: workflow("settlement"), ..at(NESTED) };
    assert_eq!(verified(&own), Ok("settlement".to_owned()));
    let (expected, presented) = (workflow("payment"), workflow("settlement"));
    let other = TransactionRejection::OtherWorkflow { expected, presented };
    assert_eq!(verified(&at(NESTED)), Err(other.into()));
}
