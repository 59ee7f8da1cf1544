//! Transaction tokens: minted from a grant, bound to one execution, worthless elsewhere.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::access::AccessPolicy;
use claim_guard::decision::{Decision, Grant};
use claim_guard::identifier::{Digest, IdentifierError, KeyId, Scope, StateMachineArn, StateName, TrustDomain};
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::{DerError, JwsError, KeySetError};
use claim_guard::mint::{MintError, UnsignedTransactionToken};
use claim_guard::transaction::{
    Attempt, Binding, CarryError, PresentedAt, Renewed, Run, TransactionFailure, TransactionKeySet,
    TransactionRejection, WorkPath,
};
use claim_guard::{ActorError, Excerpt, Leeway, TransactionToken, TransactionVerifier, VerifiedTransaction};
use serde_json::{Map, Value, json};
use test_realm::{NOW, TestKey, access_token_payload, key_set, with, without};

use support::time;
use support::transaction::{
    DOMAIN, EXECUTION, MACHINE, execution, forged, forging_key, payload, sealed, state, stated, workflow,
};

mod support;

const POLICY: &str = r#"
[workflows.payment]
session = "ignored"
max_duration = "365d"
[workflows.payment.start]
roles = ["workflow-api:payment:start"]
[workflows.payment.states.ApprovePayment]
roles = ["workflow-api:payment:approve"]
claims = ["compliance.kyc = true", "project_id = input.project_id"]
[workflows.refund]
session = "ignored"
max_duration = "365d"
[workflows.refund.start]
roles = ["workflow-api:payment:start"]
[workflows.refund.states.Refund]
roles = ["workflow-api:payment:approve"]
"#;

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", POLICY).unwrap()
}

fn grant(payload: &Value) -> Grant {
    match policy().decide_start(&support::claims(payload), &workflow("payment"), &Map::new()) {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

fn binding() -> Binding {
    Binding { workflow: workflow("payment"), execution: execution(EXECUTION), redrive_count: 0 }
}

fn unsigned(key: &TestKey, payload: &Value) -> UnsignedTransactionToken {
    support::transaction::unsigned(key, &grant(payload), EXECUTION)
}

fn mint(key: &TestKey) -> TransactionToken {
    sealed(key, unsigned(key, &access_token_payload(NOW)))
}

fn at() -> PresentedAt {
    support::transaction::at(EXECUTION)
}

fn verifier(key: &TestKey) -> TransactionVerifier {
    support::transaction::verifier(&[key])
}

/// An attempt of a state that asks nothing of a statement's age.
fn attempt<'a>(policy: &'a AccessPolicy, state: &'a StateName) -> Attempt<'a> {
    let freshness = policy.workflow(&workflow("payment")).unwrap().guarded(state).unwrap().freshness();
    Attempt { state, retry_count: 0, work: &WorkPath::OUTERMOST, freshness }
}

fn verify_at(
    key: &TestKey,
    token: &TransactionToken,
    at: &PresentedAt,
    seconds: i64,
) -> Result<VerifiedTransaction, TransactionFailure> {
    let (policy, state) = (policy(), state("ApprovePayment"));
    let attempt = attempt(&policy, &state);
    verifier(key).verify(token, at, &attempt, time(seconds))
}

#[track_caller]
fn check_forged(
    header: impl Fn(Value) -> Value,
    payload_of: impl Fn(Value) -> Value,
    expected: Result<(), TransactionRejection>,
) {
    let key = forging_key();
    let text =
        key.token_of(&header(support::transaction::header(&key)).to_string(), &payload_of(payload()).to_string());
    let verified = TransactionToken::parse(&text)
        .map_err(TransactionFailure::from)
        .and_then(|token| verify_at(&key, &token, &at(), 0))
        .map(|_| ());
    assert_eq!(verified, expected.map_err(TransactionFailure::Rejected));
}

/// What an access token says of whoever acts in its subject's place, through mint and verification.
fn actor_of(payload: &Value) -> Vec<String> {
    let text = POLICY.replace("[workflows.payment.start]", "[workflows.payment.start]\nactor = \"any\"");
    let policy = AccessPolicy::parse("access.toml", &text).unwrap();
    let decision = policy.decide_start(&support::claims(payload), &workflow("payment"), &Map::new());
    let Decision::Allow(grant) = decision else { panic!("{decision:?}") };
    let key = TestKey::kms();
    let token = sealed(&key, support::transaction::unsigned(&key, &grant, EXECUTION));
    let verified = verify_at(&key, &token, &at(), 0).unwrap();
    assert_eq!(verified.identity().actor(), grant.actor());
    let starter = verifier(&key).verify_whatever_age(&token, &at(), time(900)).unwrap().starter();
    assert_eq!(starter.actor(), grant.actor().map(claim_guard::Actor::current));
    grant.actor().into_iter().flat_map(claim_guard::Actor::chain).map(ToString::to_string).collect()
}

#[test]
fn whoever_acts_in_the_subject_s_place_is_stated_and_read_back() {
    let payload = access_token_payload(NOW);
    let none: [&str; 0] = [];
    assert_eq!(actor_of(&payload), none);
    assert_eq!(actor_of(&with(payload.clone(), "/may_act", json!({ "sub": "robot" }))), none);
    let chain =
        json!({ "sub": "robot", "azp": "agent", "name": "R", "act": { "sub": "admin", "iss": test_realm::ISSUER } });
    let admin = format!("admin of {}", test_realm::ISSUER);
    assert_eq!(actor_of(&with(payload.clone(), "/act", chain)), ["robot by agent", &admin]);
    assert_eq!(actor_of(&with(payload, "/impersonator", json!({ "id": "admin", "username": "root" }))), ["admin"]);
}

/// What is unmet at the start and at a state, where both ask for that of whoever acts or of how the subject logged in.
fn at_start_and_state(payload: &Value, condition: &str) -> [Vec<String>; 2] {
    let asked = format!("{{ claims = ['{condition}'], actor = \"any\" }}");
    let lax = "{ any_verified_caller = true, actor = \"any\" }";
    let policy_of = |start: &str| {
        let text = format!(
            "workflows.payment = {{ session = \"ignored\", max_duration = \"365d\", start = {start}, states.ApprovePayment = {asked} }}"
        );
        AccessPolicy::parse("access.toml", &text).unwrap()
    };
    let messages = |decision: &Decision| match decision {
        Decision::Allow(_) => Vec::new(),
        Decision::Deny(denial) => denial.unmet().iter().map(ToString::to_string).collect(),
    };
    let claims = support::claims(payload);
    let at_start = messages(&policy_of(&asked).decide_start(&claims, &workflow("payment"), &Map::new()));
    let policy = policy_of(lax);
    let Decision::Allow(grant) = policy.decide_start(&claims, &workflow("payment"), &Map::new()) else {
        panic!("denied")
    };
    let key = TestKey::kms();
    let token = sealed(&key, support::transaction::unsigned(&key, &grant, EXECUTION));
    let verified = verify_at(&key, &token, &at(), 0).unwrap();
    [at_start, messages(&policy.decide_state(&verified, &workflow("payment"), &state("ApprovePayment"), &Map::new()))]
}

fn by_scope(scope: &str) -> [Vec<String>; 2] {
    at_start_and_state(&with(access_token_payload(NOW), "/scope", json!(scope)), "scope contains \"pay\"")
}

#[test]
fn scope_of_the_log_in_decides_at_a_state_as_at_the_start() {
    let nothing: [Vec<String>; 2] = Default::default();
    // Longer than an identifier, too.
    let long = format!("openid {} pay", "https://api.example.com/a/word ".repeat(12).trim_end());
    for scope in ["pay", "openid pay", "pay openid", &long] {
        assert_eq!(by_scope(scope), nothing, "{scope}");
    }
    let absent = "claim `scope` is absent, expected `scope contains \"pay\"`".to_owned();
    assert_eq!(by_scope(""), [vec![absent.clone()], vec![absent]]);
    for scope in ["openid", "payments", "openid Pay"] {
        let unmet = format!("claim `scope` is `\"{scope}\"`, expected `contains \"pay\"`");
        assert_eq!(by_scope(scope), [vec![unmet.clone()], vec![unmet]], "{scope}");
    }
}

#[test]
fn whoever_acts_is_decided_on_at_a_state_as_at_the_start_whichever_claim_names_him() {
    let nothing: [Vec<String>; 2] = Default::default();
    let payload = access_token_payload(NOW);
    let by_robot = with(payload.clone(), "/act", json!({ "sub": "robot", "azp": "agent" }));
    let impersonated = with(payload.clone(), "/impersonator", json!({ "id": "admin", "username": "root" }));
    let both = with(by_robot.clone(), "/impersonator", json!({ "id": "admin" }));
    for (payload, condition) in [
        (&by_robot, "act.sub = \"robot\""),
        (&by_robot, "act.client_id = \"agent\""),
        (&impersonated, "act.sub = \"admin\""),
        (&both, "act.sub = \"admin\""),
        (&both, "act.act.sub = \"robot\""),
    ] {
        assert_eq!(at_start_and_state(payload, condition), nothing, "{payload} {condition}");
    }
    let unmet = "claim `act.sub` is `\"admin\"`, expected `= \"robot\"`".to_owned();
    assert_eq!(at_start_and_state(&both, "act.sub = \"robot\""), [vec![unmet.clone()], vec![unmet]]);
    let absent = "claim `act.sub` is absent, expected `act.sub = \"robot\"`".to_owned();
    assert_eq!(at_start_and_state(&payload, "act.sub = \"robot\""), [vec![absent.clone()], vec![absent]]);
}

#[test]
fn what_the_log_in_said_is_decided_on_at_a_state_as_at_the_start() {
    let nothing: [Vec<String>; 2] = Default::default();
    let payload = with(access_token_payload(NOW), "/auth_time", json!(NOW - 60));
    let payload = with(with(payload, "/acr", json!("2")), "/amr", json!(["pwd", "otp"]));
    for condition in ["acr = \"2\"", "amr contains \"otp\"", "auth_time >= now - 15m", "sid = \"session-1\""] {
        let payload = with(payload.clone(), "/sid", json!("session-1"));
        assert_eq!(at_start_and_state(&payload, condition), nothing, "{condition}");
    }
    let unmet = "claim `acr` is `\"2\"`, expected `= \"3\"`".to_owned();
    assert_eq!(at_start_and_state(&payload, "acr = \"3\""), [vec![unmet.clone()], vec![unmet]]);
}

#[test]
fn longest_chain_of_actors_fits_into_a_token() {
    let party = |n: u8| json!({ "sub": format!("{n}a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001"), "iss": test_realm::ISSUER, "client_id": "agent" });
    let chain = (1..4).fold(party(0), |act, n| with(party(n), "/act", act));
    assert_eq!(actor_of(&with(access_token_payload(NOW), "/act", chain)).len(), 4);
}

#[test]
fn forged_actor_is_rejected() {
    let of = |act: Value| move |payload| with(payload, "/rctx/act", act.clone());
    check_forged(|header| header, of(json!({ "sub": "admin" })), Ok(()));
    let lacks = MemberError::Missing { part: Part::Actor, name: "sub" };
    let malformed = |error| Err(TransactionRejection::MalformedActor { error });
    check_forged(|header| header, of(json!({})), malformed(ActorError::Member(lacks)));
    let wrong = MemberError::WrongType { part: Part::Actor, name: "act", expected: "an object", presented: "null" };
    check_forged(|header| header, of(json!(null)), malformed(ActorError::Member(wrong)));
}

#[test]
fn minted_token_verifies_at_its_own_execution_until_it_expires() {
    let key = TestKey::kms();
    let token = mint(&key);
    for seconds in [-5, 0, 299] {
        let verified = verify_at(&key, &token, &at(), seconds).unwrap();
        assert_eq!(verified.workflow().as_str(), "payment");
        assert_eq!(verified.identity().subject().as_str(), test_realm::SUBJECT);
        assert_eq!(verified.identity().transaction().map(|txn| txn.as_str()), Some("txn-1"));
        assert_eq!(verified.identity().client().as_str(), "payment-app");
        assert_eq!(verified.identity().issuer().as_str(), test_realm::ISSUER);
    }
    let expired = TransactionFailure::Expired { expired_at: time(300), now: time(300) };
    assert_eq!(verify_at(&key, &token, &at(), 300).map(|_| ()), Err(expired));
    let future = TransactionFailure::IssuedInFuture { issued_at: time(0), now: time(-6) };
    assert_eq!(verify_at(&key, &token, &at(), -6).map(|_| ()), Err(future));
}

#[test]
fn minted_token_carries_what_the_workflow_names_and_nothing_personal() {
    let key = TestKey::kms();
    let personal = [("/email", "a@example.com"), ("/name", "Alice"), ("/preferred_username", "alice")]
        .into_iter()
        .fold(access_token_payload(NOW), |payload, (pointer, value)| with(payload, pointer, json!(value)));
    let unsigned = unsigned(&key, &personal);
    let expected = json!({
        "iat": NOW, "exp": NOW + 300, "aud": DOMAIN, "txn": "txn-1", "sub": test_realm::SUBJECT, "scope": "payment",
        "req_wl": "payment-app",
        "rctx": { "iss": test_realm::ISSUER, "jti": personal["jti"], "iat": NOW, "sid": personal["sid"],
                  "scope": "openid" },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "started": NOW, "epoch": 0, "redrive": 0,
            "input": Digest::of(b"{}").as_str(),
            "roles": ["workflow-api:payment:approve", "workflow-api:payment:start"],
            "claims": { "compliance": { "kyc": true }, "project_id": "apollo" },
        },
    });
    assert_eq!(stated(&unsigned), expected);
}

#[test]
fn minted_token_leaves_out_what_the_access_token_does_not_say() {
    let service_account = with(without(access_token_payload(NOW - 20), "/sid"), "/scope", json!(""));
    let stated = stated(&unsigned(&TestKey::kms(), &service_account));
    let requester = json!({ "iss": test_realm::ISSUER, "jti": service_account["jti"], "iat": NOW - 20 });
    assert_eq!((&stated["rctx"], &stated["tctx"]["started"]), (&requester, &json!(NOW)));
}

#[test]
fn token_presented_elsewhere_is_rejected_with_its_own_cause() {
    let key = TestKey::kms();
    let token = mint(&key);
    let other_execution = execution(&EXECUTION.replace(":one", ":two"));
    let other_machine = StateMachineArn::parse(&MACHINE.replace(":payment", ":refund")).unwrap();
    let check = |at: PresentedAt, expected: TransactionRejection| {
        assert_eq!(verify_at(&key, &token, &at, 0).map(|_| ()), Err(expected.into()));
    };
    check(
        PresentedAt { workflow: workflow("refund"), ..at() },
        TransactionRejection::OtherWorkflow { expected: workflow("refund"), presented: workflow("payment") },
    );
    check(
        PresentedAt { state_machine: other_machine.clone(), ..at() },
        TransactionRejection::OtherStateMachine { expected: other_machine, presented: at().state_machine },
    );
    check(
        PresentedAt { execution: other_execution.clone(), ..at() },
        TransactionRejection::OtherExecution { expected: other_execution, presented: at().execution },
    );
    let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let elsewhere = TrustDomain::parse("other.stack").unwrap();
    let (policy, state) = (policy(), state("ApprovePayment"));
    let verifier = TransactionVerifier::new(elsewhere.clone(), keys, Leeway::MAX);
    let verified = verifier.verify(&token, &at(), &attempt(&policy, &state), support::now());
    let expected = TransactionRejection::OtherTrustDomain { expected: elsewhere, presented: Excerpt::of(DOMAIN) };
    assert_eq!(verified.map(|_| ()), Err(expected.into()));
}

#[test]
fn redriven_execution_needs_a_new_statement() {
    let key = TestKey::kms();
    let at = PresentedAt { redrive_count: 1, ..at() };
    let expected = TransactionFailure::Redriven { stated: 0, presented: 1 };
    assert_eq!(verify_at(&key, &mint(&key), &at, 0).map(|_| ()), Err(expected));
}

#[test]
fn execution_of_another_machine_than_the_token_s_own_is_rejected() {
    let foreign = EXECUTION.replace("execution:payment", "execution:refund");
    let key = forging_key();
    let token = forged(&key, &with(payload(), "/tctx/execution", json!(foreign)));
    let at = PresentedAt { execution: execution(&foreign), ..at() };
    let (expected, presented) = (at.state_machine.clone(), at.execution.clone());
    let expected = TransactionRejection::ForeignExecution { expected, presented };
    assert_eq!(verify_at(&key, &token, &at, 0).map(|_| ()), Err(expected.into()));
}

#[test]
fn altered_token_and_unknown_key_are_rejected() {
    let (key, other) = (TestKey::kms(), TestKey::kms());
    let token = mint(&key);
    let unknown = JwsError::UnknownKey { key_id: KeyId::parse(key.kid()).unwrap() };
    assert_eq!(verify_at(&other, &token, &at(), 0).map(|_| ()), Err(TransactionRejection::Jws(unknown).into()));
    let [header, payload, signature]: [&str; 3] = token.as_str().split('.').collect::<Vec<_>>().try_into().unwrap();
    let stated = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    for (from, to) in [("apollo", "gemini"), ("payment:start", "payment:audit"), ("\"epoch\":0", "\"epoch\":1")] {
        let altered = stated.replace(from, to);
        assert_ne!(altered, stated);
        let text = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(altered));
        let token = TransactionToken::parse(&text).unwrap();
        let bad = JwsError::BadSignature { key_id: KeyId::parse(key.kid()).unwrap() };
        assert_eq!(verify_at(&key, &token, &at(), 0).map(|_| ()), Err(TransactionRejection::Jws(bad).into()));
    }
}

#[test]
fn members_are_those_that_are_minted_and_no_others() {
    check_forged(|header| header, |payload| payload, Ok(()));
    check_forged(|header| header, |payload| without(payload, "/rctx/sid"), Ok(()));
    check_forged(|header| header, of("/rctx/scope", json!("openid offline_access")), Ok(()));
    check_forged(|header| header, of("/tctx/renewed", json!({ "state": "A", "rounds": 1 })), Ok(()));
    for member in ["/extra", "/rctx/email", "/tctx/admin"] {
        let name = Excerpt::of(member.rsplit('/').next().unwrap());
        let expected = Err(TransactionRejection::UnknownMember { presented: name });
        check_forged(|header| header, |payload| with(payload, member, json!("x")), expected);
    }
    let part = Part::Payload;
    for (member, name) in [
        ("/iat", "iat"),
        ("/exp", "exp"),
        ("/aud", "aud"),
        ("/txn", "txn"),
        ("/sub", "sub"),
        ("/scope", "scope"),
        ("/req_wl", "req_wl"),
        ("/rctx", "rctx"),
        ("/tctx", "tctx"),
        ("/rctx/iss", "iss"),
        ("/rctx/jti", "jti"),
        ("/rctx/iat", "iat"),
        ("/tctx/execution", "execution"),
        ("/tctx/state_machine", "state_machine"),
        ("/tctx/started", "started"),
        ("/tctx/epoch", "epoch"),
        ("/tctx/redrive", "redrive"),
        ("/tctx/input", "input"),
        ("/tctx/roles", "roles"),
        ("/tctx/claims", "claims"),
    ] {
        let expected = Err(JwsError::Member(MemberError::Missing { part, name }).into());
        check_forged(|header| header, |payload| without(payload, member), expected);
    }
}

/// The same payload with another value at a pointer.
fn of(pointer: &'static str, value: Value) -> impl Fn(Value) -> Value {
    move |payload| with(payload, pointer, value.clone())
}

#[test]
fn members_are_of_their_exact_types() {
    let wrong = |pointer, value, name, expected, presented| {
        let error = JwsError::Member(MemberError::WrongType { part: Part::Payload, name, expected, presented });
        check_forged(|header| header, of(pointer, value), Err(error.into()));
    };
    let seconds = "whole seconds since 1970";
    wrong("/aud", json!([DOMAIN]), "aud", "text", "an array");
    wrong("/tctx/epoch", json!(-1), "epoch", "a count", "an integer");
    wrong("/tctx/redrive", json!(4_294_967_296_u64), "redrive", "a count", "an integer");
    wrong("/tctx/roles", json!("x"), "roles", "an array of text", "text");
    wrong("/tctx/started", json!("0"), "started", seconds, "text");
    wrong("/tctx/started", json!(-1), "started", seconds, "an integer");
    wrong("/rctx/sid", json!(null), "sid", "text", "null");
    wrong("/rctx/iat", json!(null), "iat", seconds, "null");
    wrong("/rctx/iat", json!(1.5), "iat", seconds, "a fraction or a number out of range");
    wrong("/rctx/scope", json!(["openid"]), "scope", "text", "an array");
    let malformed = Err(TransactionRejection::MalformedRole { presented: Excerpt::of("approve") });
    check_forged(|header| header, of("/tctx/roles", json!(["approve"])), malformed);
    let empty = |name, kind| {
        Err(JwsError::Member(MemberError::MalformedIdentifier { name, error: IdentifierError::Empty { kind } }).into())
    };
    check_forged(|header| header, of("/rctx/scope", json!("")), empty("scope", "scope"));
    check_forged(|header| header, of("/exp", json!(NOW)), Err(TransactionRejection::WrongLifetime { presented: 0 }));
}

#[test]
fn renewal_is_stated_whole_or_not_at_all() {
    let renewed = |renewed: Value, expected| check_forged(|header| header, of("/tctx/renewed", renewed), expected);
    let part = Part::Payload;
    let wrong = |name, expected, presented| {
        Err(JwsError::Member(MemberError::WrongType { part, name, expected, presented }).into())
    };
    renewed(json!({ "state": "A", "rounds": 0 }), Ok(()));
    renewed(json!(null), wrong("renewed", "an object", "null"));
    renewed(json!(["A", 1]), wrong("renewed", "an object", "an array"));
    renewed(json!({ "rounds": 1 }), Err(JwsError::Member(MemberError::Missing { part, name: "state" }).into()));
    renewed(json!({ "state": "A" }), Err(JwsError::Member(MemberError::Missing { part, name: "rounds" }).into()));
    renewed(json!({ "state": 1, "rounds": 1 }), wrong("state", "text", "an integer"));
    renewed(json!({ "state": "A", "rounds": "1" }), wrong("rounds", "a count", "text"));
    renewed(json!({ "state": "A", "rounds": -1 }), wrong("rounds", "a count", "an integer"));
    let error = IdentifierError::Empty { kind: "state" };
    let empty = Err(JwsError::Member(MemberError::MalformedIdentifier { name: "state", error }).into());
    renewed(json!({ "state": "", "rounds": 1 }), empty);
    let unknown = Err(TransactionRejection::UnknownMember { presented: Excerpt::of("by") });
    renewed(json!({ "state": "A", "rounds": 1, "by": "x" }), unknown);
}

#[test]
fn other_kinds_of_token_are_rejected() {
    let expected = "txntoken+jwt";
    let wrong = |presented| Err(JwsError::WrongTokenType { expected, presented: Excerpt::of(presented) }.into());
    check_forged(|header| with(header, "/typ", json!("JWT")), |payload| payload, wrong("JWT"));
    check_forged(|header| with(header, "/typ", json!("at+jwt")), |payload| payload, wrong("at+jwt"));
    let missing = Err(JwsError::Member(MemberError::Missing { part: Part::Header, name: "typ" }).into());
    check_forged(|header| without(header, "/typ"), |payload| payload, missing);
}

#[test]
fn aged_token_says_who_started_an_execution() {
    let key = TestKey::kms();
    let later = time(86_400 * 30);
    let aged = verifier(&key).verify_whatever_age(&mint(&key), &at(), later).unwrap();
    assert_eq!(aged.identity().subject().as_str(), test_realm::SUBJECT);
    assert_eq!((aged.epoch(), aged.input_digest()), (0, &Digest::of(b"{}")));
    assert_eq!(aged.binding(), &binding());
    let run = Run { started_at: time(0), access_token_issued_at: time(0) };
    assert_eq!((aged.run(), aged.renewed()), (&run, None));
    assert_eq!(aged.identity().scope(), Some(&Scope::parse("openid").unwrap()));
    let at = PresentedAt { execution: execution(&EXECUTION.replace(":one", ":two")), ..at() };
    let (expected, presented) = (at.execution.clone(), binding().execution);
    let other = TransactionRejection::OtherExecution { expected, presented };
    assert_eq!(verifier(&key).verify_whatever_age(&mint(&key), &at, later).map(|_| ()), Err(other));
}

#[test]
fn renewed_statement_of_one_second_is_read_as_stated() {
    let key = forging_key();
    let stated = with(with(payload(), "/tctx/epoch", json!(7)), "/exp", json!(NOW + 1));
    let stated = with(stated, "/tctx/renewed", json!({ "state": "Approve Payment", "rounds": 2 }));
    let token = forged(&key, &with(stated, "/tctx/started", json!(NOW - 50)));
    let aged = verifier(&key).verify_whatever_age(&token, &at(), support::now()).unwrap();
    assert_eq!((aged.epoch(), aged.identity().expires_at().seconds()), (7, NOW + 1));
    assert_eq!(aged.renewed(), Some(&Renewed { state: state("Approve Payment"), rounds: 2 }));
    assert_eq!(aged.run(), &Run { started_at: time(-50), access_token_issued_at: time(-10) });
}

#[test]
fn token_that_would_burden_every_state_is_not_minted() {
    let key = TestKey::kms();
    let wide = with(access_token_payload(NOW), "/project_id", json!("x".repeat(2000)));
    let unsigned = unsigned(&key, &wide);
    let der = key.sign(unsigned.signing_input());
    let presented = unsigned.signing_input().len() + 1 + 86;
    assert_eq!(
        unsigned.seal(&der).unwrap_err(),
        MintError::NotCarried(CarryError::TooLarge { limit: 2048, presented })
    );
    assert!(mint(&key).as_str().len() < 1300, "{}", mint(&key).as_str().len());
}

#[test]
fn signer_that_answers_nonsense_mints_nothing() {
    let key = TestKey::kms();
    for der in [&b""[..], b"<html>", &[0x30, 0x00]] {
        let sealed = unsigned(&key, &access_token_payload(NOW)).seal(der);
        let error = sealed.unwrap_err();
        assert_eq!(
            error.to_string(),
            "transaction token: signature is not the DER of two integers of at most `32` bytes"
        );
        assert_eq!(error, MintError::MalformedSignature(DerError));
    }
}

#[test]
fn key_set_of_the_stack_holds_es256_keys_and_no_others() {
    let (old, new) = (TestKey::kms(), TestKey::kms());
    assert_eq!(TransactionKeySet::parse(key_set([&old, &new]).as_bytes()).map(|_| ()), Ok(()));
    let both = TransactionKeySet::parse(key_set([&old, &new]).as_bytes()).unwrap();
    assert!([&old, &new].iter().all(|key| both.contains(&KeyId::parse(key.kid()).unwrap())));
    assert!(!both.contains(&KeyId::parse("other").unwrap()));
    let foreign = TestKey::generate("EdDSA", "key");
    let refused = TransactionKeySet::parse(key_set([&old, &foreign]).as_bytes()).map(|_| ());
    assert_eq!(refused, Err(KeySetError::NoUsableKey { skipped: Vec::new() }));
    let mut unusable = old.jwk();
    unusable["use"] = json!("enc");
    let text = json!({ "keys": [new.jwk(), unusable] }).to_string();
    assert!(
        matches!(TransactionKeySet::parse(text.as_bytes()), Err(KeySetError::NoUsableKey { skipped }) if skipped.len() == 1)
    );
}

#[test]
fn transaction_tokens_never_print() {
    assert_eq!(format!("{:?}", mint(&TestKey::kms())), "TransactionToken(…)");
}
