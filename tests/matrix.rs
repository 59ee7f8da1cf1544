//! Who may do what: callers × routes, starts and states, as `access.toml` decides it. The golden file is what a reviewer
//! reads as a diff; `UPDATE_GOLDEN=1 cargo test -p acceptance --test matrix` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;
use std::time::Duration;

use claim_guard::access::{AccessPolicy, Workflow};
use claim_guard::decision::Decision;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, StateMachineArn, StateName, TransactionId, TrustDomain,
};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::transaction::{Attempt, Binding, PresentedAt, TransactionKeySet, WorkPath};
use claim_guard::{
    AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, TransactionVerifier, UnixTime, VerifiedClaims,
    VerifiedTransaction,
};
use serde_json::{Map, Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, access_token_payload, key_set, with};
use xtask::users::{Person, people};

const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:sample:one";
const DOMAIN: &str = "sample.000000000000.eu-west-1";

fn now() -> UnixTime {
    UnixTime::from_seconds(NOW).unwrap()
}

/// What the workflow is started with: the project is apollo's.
fn input() -> Map<String, Value> {
    json!({ "project_id": "apollo", "amount": 120_000, "currency": "EUR" }).as_object().unwrap().clone()
}

fn payload(person: &Person) -> Value {
    let payload = with(access_token_payload(NOW), "/resource_access/workflow-api/roles", json!(person.roles()));
    person.claims().into_iter().fold(payload, |payload, (name, value)| with(payload, &format!("/{name}"), value))
}

/// A column of the matrix.
struct Caller {
    name: String,
    about: String,
    claims: VerifiedClaims,
}

/// Everybody of the lab, and somebody who acts in the place of the first.
fn callers() -> Vec<Caller> {
    let people = people();
    let caller = |name: &str, about: &str, payload: &Value| Caller {
        name: name.to_owned(),
        about: about.to_owned(),
        claims: claims(payload),
    };
    let impersonated = with(payload(&people[0]), "/act", json!({ "sub": "c2f5a9d0-admin" }));
    let name = format!("admin as {}", people[0].name);
    let somebody = caller(&name, &format!("an administrator who impersonates {}", people[0].name), &impersonated);
    people.iter().map(|person| caller(person.name, person.about, &payload(person))).chain([somebody]).collect()
}

fn claims(payload: &Value) -> VerifiedClaims {
    let key = TestKey::generate("ES256", "realm-key");
    let keys = RealmKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let audience = Audience::parse(AUDIENCE).unwrap();
    AccessTokenVerifier::new(Issuer::parse(ISSUER).unwrap(), audience, clients, Leeway::MAX)
        .verify(&AccessToken::parse(&key.token(payload)).unwrap(), &keys, now())
        .unwrap()
}

const WITHOUT_FRESHNESS: &str = "workflows.any = { session = \"ignored\", max_duration = \"365d\", start.any_verified_caller = true, states.Any.any_verified_caller = true }";

/// The statement that travels in an execution of this caller, through mint and verification.
fn transaction(policy: &AccessPolicy, workflow: &Workflow, claims: &VerifiedClaims) -> Option<VerifiedTransaction> {
    let Decision::Allow(grant) = policy.decide_start(claims, workflow.name(), &input()) else { return None };
    let key = TestKey::kms();
    let execution = ExecutionArn::parse(EXECUTION).unwrap();
    let binding = Binding { workflow: workflow.name().clone(), execution: execution.clone(), redrive_count: 0 };
    let minting = Minting {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        key_id: KeyId::parse(key.kid()).unwrap(),
        transaction: TransactionId::parse("txn").unwrap(),
        lifetime: Duration::from_secs(300),
        now: now(),
    };
    let unsigned = UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting);
    let der = key.sign(unsigned.signing_input());
    let state_machine: StateMachineArn = execution.state_machine();
    let at = PresentedAt { workflow: workflow.name().clone(), execution, state_machine, redrive_count: 0 };
    let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let verifier = TransactionVerifier::new(minting.trust_domain, keys, Leeway::MAX);
    // The matrix is about roles and claims; how fresh a statement has to be is no part of it.
    let policy = AccessPolicy::parse("access.toml", WITHOUT_FRESHNESS).unwrap();
    let state = StateName::parse("Any").unwrap();
    let freshness = policy.workflows().next().unwrap().guarded(&state).unwrap().freshness();
    let attempt = Attempt { state: &state, retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
    Some(verifier.verify(&unsigned.seal(&der).unwrap(), &at, &attempt, now()).unwrap())
}

/// ✔, or ✘ with the code of everything that is unmet.
fn sign(decision: &Decision) -> String {
    match decision {
        Decision::Allow(_) => "✔".to_owned(),
        Decision::Deny(denial) => {
            let codes: Vec<&str> = denial.unmet().iter().map(|unmet| unmet.code()).collect();
            format!("✘ {}", codes.join(", "))
        }
    }
}

struct Row {
    point: String,
    signs: Vec<String>,
}

fn rows(policy: &AccessPolicy, callers: &[&VerifiedClaims]) -> Vec<Row> {
    let mut rows = Vec::new();
    for route in policy.routes() {
        let signs = callers.iter().map(|claims| sign(&policy.decide_route(claims, route))).collect();
        rows.push(Row { point: format!("route {route}"), signs });
    }
    for workflow in policy.workflows() {
        let name = workflow.name();
        let signs = callers.iter().map(|claims| sign(&policy.decide_start(claims, name, &input()))).collect();
        rows.push(Row { point: format!("start {name}"), signs });
        let transactions: Vec<Option<VerifiedTransaction>> =
            callers.iter().map(|claims| transaction(policy, workflow, claims)).collect();
        for (state, _) in workflow.states() {
            let state: &StateName = state;
            let of = |transaction: &Option<VerifiedTransaction>| match transaction {
                Some(transaction) => sign(&policy.decide_state(transaction, name, state, &input())),
                None => "· never starts".to_owned(),
            };
            rows.push(Row { point: format!("state {name}/{state}"), signs: transactions.iter().map(of).collect() });
        }
    }
    rows
}

fn table(callers: &[Caller], rows: &[Row]) -> String {
    let header = Row { point: String::new(), signs: callers.iter().map(|caller| caller.name.clone()).collect() };
    let lines: Vec<&Row> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|row| row.signs[column].chars().count()).max().unwrap();
    let first = lines.iter().map(|row| row.point.chars().count()).max().unwrap();
    let line = |row: &&Row| {
        let cells = row.signs.iter().enumerate().map(|(column, sign)| format!("{sign:<0$}", width(column)));
        format!("{:<first$} | {}", row.point, cells.collect::<Vec<_>>().join(" | ")).trim_end().to_owned()
    };
    let about = callers.iter().map(|caller| format!("{}: {}", caller.name, caller.about));
    let project = "input of starts and states: project_id = apollo".to_owned();
    about.chain([project, String::new()]).chain(lines.iter().map(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn callers_routes_and_states_are_as_the_golden_matrix_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = AccessPolicy::parse("access.toml", &std::fs::read_to_string(root.join("../access.toml")).unwrap());
    let callers = callers();
    let claims: Vec<&VerifiedClaims> = callers.iter().map(|caller| &caller.claims).collect();
    let seen = table(&callers, &rows(&policy.unwrap(), &claims));
    let golden = root.join("golden/matrix.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &seen).unwrap();
    }
    assert_eq!(seen, std::fs::read_to_string(&golden).unwrap(), "see {}", golden.display());
}
