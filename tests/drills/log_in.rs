//! What a log-in said: Keycloak's own example of a token makes another one up, so it is never asked for it again.

use claim_guard::access::AccessPolicy;
use claim_guard::decision::Decision;
use claim_guard::identifier::{ExecutionArn, StateMachineArn, StateName, TrustDomain, WorkflowName};
use claim_guard::transaction::{Attempt, PresentedAt, TransactionKeySet, WorkPath};
use claim_guard::{Leeway, TransactionToken, TransactionVerifier, UnixTime};
use serde_json::{Map, Value, json};
use test_realm::{TestKey, key_set};
use xtask::browser::Browser;
use xtask::certificates::random_password;
use xtask::keycloak::CLIENT;
use xtask::lab::Lab;
use xtask::users::people;

use crate::in_process::{EXECUTION, MACHINE, Registered, revalidated, sample, statement};

/// The sample's policy, whose approval asks for that of the log-in.
fn policy(condition: &str) -> String {
    let sample = sample();
    let (before, rest) = sample.split_once("claims = [\"compliance.kyc = true\"").unwrap();
    let (_, after) = rest.split_once("]\n").unwrap();
    format!("{before}claims = ['{condition}']\n{after}")
}

/// What the guard of the approval finds unmet in a statement.
fn unmet(lab: &Lab, key: &TestKey, policy: &str, token: &str) -> Vec<String> {
    let (policy, state) =
        (AccessPolicy::parse("access.toml", policy).unwrap(), StateName::parse("ApprovePayment").unwrap());
    let workflow = WorkflowName::parse("payment").unwrap();
    let domain = TrustDomain::parse(lab.stack().outputs["TrustDomain"].as_str()).unwrap();
    let keys = TransactionKeySet::parse(key_set([key]).as_bytes()).unwrap();
    let verifier = TransactionVerifier::new(domain, keys, Leeway::MAX);
    let at = PresentedAt {
        workflow: workflow.clone(),
        execution: ExecutionArn::parse(EXECUTION).unwrap(),
        state_machine: StateMachineArn::parse(MACHINE).unwrap(),
        redrive_count: 0,
    };
    let freshness = policy.workflow(&workflow).unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count: 0, freshness, work: &WorkPath::OUTERMOST };
    let now = UnixTime::from_system_time(std::time::SystemTime::now());
    let verified = verifier.verify(&TransactionToken::parse(token).unwrap(), &at, &attempt, now.unwrap()).unwrap();
    match policy.decide_state(&verified, &workflow, &state, &Map::new()) {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => denial.unmet().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_log_in_by_another_session_s_cookie_is_none_however_often_the_statement_is_renewed() {
    let _shared = crate::shared();
    let lab = Lab::for_tests().unwrap();
    let (name, password) = (format!("olivia-{}", crate::support::unique()), random_password().unwrap());
    let alice = &people()[0];
    lab.admin().unwrap().create_user(&name, &password, &alice.attributes(), alice.roles()).unwrap();
    let mut browser = Browser::new(lab.keycloak()).unwrap();
    let [typed, by_cookie] = [(), ()].map(|()| {
        let token = browser.log_in(&name, &password).unwrap();
        lab.note_token(&token).unwrap();
        crate::support::payload(&token)
    });
    let levels = json!([typed["acr"], by_cookie["acr"], typed["auth_time"] == by_cookie["auth_time"]]);
    assert_eq!(levels, json!(["1", "0", true]));

    let registered = Registered::new(&lab);
    let renewed = |claims: &Value, condition: &str| {
        let old = statement(&lab, &registered.key, claims);
        let (decision, new) = revalidated(&registered, CLIENT, &policy(condition), &old);
        assert!(decision.starts_with("Revalidate ApprovePayment allow"), "{decision}");
        unmet(&lab, &registered.key, &policy(condition), &new.unwrap())
    };
    assert_eq!(renewed(&typed, "acr = \"1\""), [""; 0]);
    assert_eq!(renewed(&by_cookie, "acr = \"1\""), ["claim `acr` is `\"0\"`, expected `= \"1\"`"]);
    for claims in [&typed, &by_cookie] {
        assert_eq!(renewed(claims, "auth_time >= now - 15m"), [""; 0]);
    }
}
