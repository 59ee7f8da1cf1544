//! Section J: the transaction token and its binding to an execution.

use claim_guard::access::{AccessPolicy, Condition, Plain};
use claim_guard::audit::{AuditContext, AuditPoint, AuditRecord};
use claim_guard::decision::Unmet;
use claim_guard::identifier::{ExecutionArn, KeyId, StateName};
use claim_guard::json::{MemberError, Part};
use claim_guard::jws::JwsError;
use claim_guard::mint::MintError;
use claim_guard::transaction::{CarryError, PresentedAt, TransactionFailure, TransactionRejection, WorkPath};
use claim_guard::{Excerpt, JsonError, TransactionToken};
use serde_json::{Value, json};
use test_realm::{TestKey, with, without};

use crate::fixture::*;
use crate::support;

type Outcome = Result<(), TransactionFailure>;

fn rejected(rejection: impl Into<TransactionRejection>) -> Outcome {
    Err(TransactionFailure::Rejected(rejection.into()))
}

fn presented(text: &str, key: &TestKey, at: &PresentedAt) -> Outcome {
    present(text, &[key], at, 0).map(|_| ())
}

/// A key of the stack that signs whatever a test forges.
fn stack_key() -> TestKey {
    TestKey::generate("ES256", "stack-key")
}

/// What a forged header and payload come to, signed by a key of the stack.
fn forged(header: &Value, payload: &str) -> Outcome {
    let key = stack_key();
    presented(&key.token_of(&header.to_string(), payload), &key, &at(EXECUTION))
}

fn forged_payload(payload: &Value) -> Outcome {
    forged(&transaction_header(&stack_key()), &payload.to_string())
}

fn bad(key: &TestKey) -> Outcome {
    rejected(JwsError::BadSignature { key_id: KeyId::parse(key.kid()).unwrap() })
}

fn unknown(key: &TestKey) -> Outcome {
    rejected(JwsError::UnknownKey { key_id: KeyId::parse(key.kid()).unwrap() })
}

fn other_execution(running: &str, stated: &str) -> Outcome {
    let of = |text| ExecutionArn::parse(text).unwrap();
    rejected(TransactionRejection::OtherExecution { expected: of(running), presented: of(stated) })
}

#[test]
fn j1_token_of_one_execution_is_rejected_in_another() {
    let key = TestKey::kms();
    let other = EXECUTION.replace(":one", ":two");
    assert_eq!(presented(mint(&key).as_str(), &key, &at(EXECUTION)), Ok(()));
    assert_eq!(presented(mint(&key).as_str(), &key, &at(&other)), other_execution(&other, EXECUTION));
}

#[test]
fn j3_token_with_any_byte_of_its_claims_altered_is_rejected() {
    let key = TestKey::kms();
    let token = mint(&key);
    let [header, claims, signature] = parts(token.as_str());
    for position in 0..claims.len() {
        let mut altered = claims.clone().into_bytes();
        altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(presented(&format!("{header}.{altered}.{signature}"), &key, &at(EXECUTION)), bad(&key));
    }
    let mut claims = decode(&claims);
    for position in 0..claims.len() {
        claims[position] ^= 1;
        let text = format!("{header}.{}.{signature}", encode(&claims));
        assert_eq!(presented(&text, &key, &at(EXECUTION)), bad(&key));
        claims[position] ^= 1;
    }
}

#[test]
fn j4_member_that_is_gone_doubled_or_new_is_rejected_and_their_order_means_nothing() {
    let part = Part::Payload;
    for name in ["iat", "exp", "aud", "txn", "sub", "scope", "req_wl", "rctx", "tctx"] {
        assert_eq!(
            forged_payload(&without(transaction_payload(), &format!("/{name}"))),
            rejected(JwsError::Member(MemberError::Missing { part, name }))
        );
    }
    for name in ["execution", "state_machine", "epoch", "redrive", "input", "roles", "claims"] {
        let payload = without(transaction_payload(), &format!("/tctx/{name}"));
        assert_eq!(forged_payload(&payload), rejected(JwsError::Member(MemberError::Missing { part, name })));
    }
    for (pointer, name) in [("/tctx", "tctx"), ("/rctx", "rctx"), ("/tctx/claims", "claims")] {
        let wrong =
            JwsError::Member(MemberError::WrongType { part, name, expected: "an object", presented: "an array" });
        assert_eq!(forged_payload(&with(transaction_payload(), pointer, json!([]))), rejected(wrong));
    }
    for parent in ["", "/tctx", "/rctx"] {
        let payload = with(transaction_payload(), &format!("{parent}/admin"), json!(true));
        assert_eq!(
            forged_payload(&payload),
            rejected(TransactionRejection::UnknownMember { presented: Excerpt::of("admin") })
        );
    }
    let text = transaction_payload().to_string();
    let twice = format!("{},\"sub\":\"mallory\"}}", &text[..text.len() - 1]);
    let error = JsonError::Malformed { line: 1, column: twice.len(), duplicate_member: true };
    assert_eq!(forged(&transaction_header(&stack_key()), &twice), rejected(JwsError::MalformedJson { part, error }));
    let members: Vec<String> = transaction_payload()
        .as_object()
        .unwrap()
        .iter()
        .rev()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    assert_eq!(forged(&transaction_header(&stack_key()), &format!("{{{}}}", members.join(","))), Ok(()));
    let swapped = with(with(transaction_payload(), "/sub", json!("payment")), "/scope", json!("alice"));
    let (expected, presented) = (workflow("payment"), workflow("alice"));
    assert_eq!(forged_payload(&swapped), rejected(TransactionRejection::OtherWorkflow { expected, presented }));
}

#[test]
fn j5_downgraded_truncated_or_foreign_signature_is_rejected() {
    let key = stack_key();
    let header = transaction_header(&key);
    let claims = transaction_payload().to_string();
    for algorithm in ["none", "HS256", "ES512", ""] {
        let forbidden = JwsError::ForbiddenAlgorithm { presented: Excerpt::of(algorithm) };
        assert_eq!(forged(&with(header.clone(), "/alg", json!(algorithm)), &claims), rejected(forbidden));
    }
    let other = JwsError::AlgorithmOfAnotherKey {
        expected: claim_guard::jws::Algorithm::Es256,
        presented: claim_guard::jws::Algorithm::Rs256,
    };
    assert_eq!(forged(&with(header.clone(), "/alg", json!("RS256")), &claims), rejected(other));
    let text = key.token_of(&header.to_string(), &claims);
    let (input, signature) = text.rsplit_once('.').unwrap();
    assert_eq!(presented(&format!("{input}."), &key, &at(EXECUTION)), bad(&key));
    assert_eq!(presented(&format!("{input}.{}", &signature[..84]), &key, &at(EXECUTION)), bad(&key));
    assert_eq!(presented(input, &key, &at(EXECUTION)), rejected(JwsError::WrongPartCount { presented: 2 }));
    assert_eq!(presented("", &key, &at(EXECUTION)), rejected(JwsError::WrongPartCount { presented: 1 }));
    let stranger = TestKey::generate("ES256", "stranger");
    let text = stranger.token_of(&transaction_header(&stranger).to_string(), &claims);
    assert_eq!(presented(&text, &key, &at(EXECUTION)), unknown(&stranger));
}

#[test]
fn j6_key_that_was_rotated_away_verifies_while_it_is_published_and_no_longer() {
    let (old, new) = (TestKey::kms(), TestKey::kms());
    let token = mint(&old);
    assert_eq!(present(token.as_str(), &[&new, &old], &at(EXECUTION), 0).map(|_| ()), Ok(()));
    assert_eq!(present(token.as_str(), &[&new], &at(EXECUTION), 0).map(|_| ()), unknown(&old));
}

#[test]
fn j7_token_that_expired_or_is_of_the_future_is_the_signal_to_ask_again() {
    let key = TestKey::kms();
    let token = mint(&key);
    let of = |seconds| present(token.as_str(), &[&key], &at(EXECUTION), seconds).map(|_| ());
    for seconds in [300, 301, 86_400] {
        assert_eq!(of(seconds), Err(TransactionFailure::Expired { expired_at: time(300), now: time(seconds) }));
    }
    assert_eq!(of(-6), Err(TransactionFailure::IssuedInFuture { issued_at: time(0), now: time(-6) }));
}

#[test]
fn j10_identity_in_the_input_is_only_input() {
    let input = json!({
        "project_id": "apollo", "sub": "mallory", "roles": ["workflow-api:payment:approve"],
        "Execution": { "Id": EXECUTION }, "identity": { "roles": ["admin"], "project_id": "gemini" },
        "compliance": { "kyc": true }, "transactionToken": "a.b.c",
    });
    let poor = with(payload(), "/compliance/kyc", json!(false));
    let condition = Condition::parse("compliance.kyc = true").unwrap();
    let expected = Unmet::ClaimUnmet { condition, expected: Plain::Boolean(true), presented: json!(false) };
    assert_eq!(at_state(&poor, "Approve", &input), [expected]);
    assert_eq!(at_state(&payload(), "Execute", &input), []);
}

#[test]
fn j12_execution_that_was_started_with_a_forged_token_is_rejected() {
    let (ours, theirs) = (stack_key(), stack_key());
    let claims = transaction_payload().to_string();
    let text = theirs.token_of(&transaction_header(&theirs).to_string(), &claims);
    assert_eq!(presented(&text, &ours, &at(EXECUTION)), bad(&ours));
    let key = TestKey::kms();
    let input = json!({ "transactionToken": { "sub": "alice" } }).to_string();
    assert_eq!(presented(&input, &key, &at(EXECUTION)), rejected(JwsError::WrongPartCount { presented: 1 }));
}

#[test]
fn j13_item_of_a_map_cannot_bring_its_own_identity() {
    let item = json!({ "project_id": "apollo", "sub": "mallory", "claims": { "project_id": "apollo" } });
    assert_eq!(at_state(&payload(), "Execute", &item), []);
    let foreign = with(payload(), "/project_id", json!("gemini"));
    assert_eq!(at_state(&foreign, "Execute", &item).iter().map(Unmet::code).collect::<Vec<_>>(), ["claim_unmet"]);
}

#[test]
fn j15_branch_that_brings_another_s_token_is_rejected() {
    let key = TestKey::kms();
    let other = mint_at(&key, &with(payload(), "/sub", json!("mallory")), &EXECUTION.replace(":one", ":two"));
    assert_eq!(
        presented(other.as_str(), &key, &at(EXECUTION)),
        other_execution(EXECUTION, &EXECUTION.replace(":one", ":two"))
    );
}

#[test]
fn j16_child_execution_needs_a_token_of_its_own() {
    let key = TestKey::kms();
    let child = at(&EXECUTION.replace("execution:payment", "execution:child"));
    let expected = child.state_machine.clone();
    let presented_machine = at(EXECUTION).state_machine;
    let other = TransactionRejection::OtherStateMachine { expected, presented: presented_machine };
    assert_eq!(presented(mint(&key).as_str(), &key, &child), rejected(other));
    let again = EXECUTION.replace(":one", ":child");
    assert_eq!(presented(mint(&key).as_str(), &key, &at(&again)), other_execution(&again, EXECUTION));
}

#[test]
fn j17_output_in_the_token_s_place_is_rejected() {
    let key = TestKey::kms();
    for (output, parts) in
        [("{\"approved\":true}", 1), ("null", 1), ("true", 1), ("1.5", 2), ("approved.by.alice.today", 4)]
    {
        assert_eq!(presented(output, &key, &at(EXECUTION)), rejected(JwsError::WrongPartCount { presented: parts }));
    }
}

#[test]
fn j18_token_that_a_callback_forges_is_rejected() {
    let key = TestKey::kms();
    let [header, _, signature] = parts(mint(&key).as_str());
    let claims = with(transaction_payload(), "/tctx/roles", json!(["realm:admin"])).to_string();
    assert_eq!(
        presented(&format!("{header}.{}.{signature}", encode(claims.as_bytes())), &key, &at(EXECUTION)),
        bad(&key)
    );
}

#[test]
fn j21_task_that_is_retried_after_the_expiry_is_identity_expired() {
    let key = TestKey::kms();
    let token = mint(&key);
    for (seconds, expected) in [(0, Ok(())), (299, Ok(())), (300, Err("expired")), (3600, Err("expired"))] {
        let presented = present(token.as_str(), &[&key], &at(EXECUTION), seconds);
        assert_eq!(presented.map(|_| ()).map_err(|failure| failure.code()), expected);
    }
}

#[test]
fn j23_policy_that_changed_since_the_start_decides_and_is_named() {
    let key = TestKey::kms();
    let token = mint(&key);
    let redriven = PresentedAt { redrive_count: 1, ..at(EXECUTION) };
    let stale = Err(TransactionFailure::Redriven { stated: 0, presented: 1 });
    assert_eq!(presented(token.as_str(), &key, &redriven), stale);
    let transaction = present(token.as_str(), &[&key], &at(EXECUTION), 0).unwrap();
    let strict = POLICY.replace(
        "claims = [\"compliance.kyc = true\"]\n[workflows.payment.states.Execute]",
        "claims = [\"compliance.aml = false\"]\n[workflows.payment.states.Execute]",
    );
    let strict = AccessPolicy::parse("access.toml", &strict).unwrap();
    assert_eq!(decide_state(&policy(), &transaction, "Approve", &json!({})), []);
    assert_eq!(decide_state(&strict, &transaction, "Approve", &json!({})), absent("compliance.aml = false"));
    let line = |policy: &AccessPolicy| {
        let state = StateName::parse("Approve").unwrap();
        let point =
            AuditPoint::state(&workflow("payment"), &at(EXECUTION).execution, &state, &WorkPath::OUTERMOST, 1, 0);
        let context = AuditContext { point, policy: Some(policy.digest().clone()), now: Some(support::now()) };
        let decision = policy.decide_state(&transaction, &workflow("payment"), &state, &serde_json::Map::new());
        serde_json::from_str::<Value>(&AuditRecord::decided(context, transaction.identity(), &decision).to_line())
            .unwrap()
    };
    assert_eq!((&line(&policy())["decision"], &line(&strict)["decision"]), (&json!("allow"), &json!("deny")));
    assert_eq!(line(&strict)["policy"], json!(strict.digest().as_str()));
    assert_ne!(strict.digest(), policy().digest());
}

#[test]
fn j28_nothing_or_another_version_in_the_token_s_place_is_rejected() {
    let key = stack_key();
    let none = JwsError::WrongPartCount { presented: 1 };
    for text in ["", "null"] {
        assert_eq!(presented(text, &key, &at(EXECUTION)), rejected(none.clone()));
    }
    let claims = transaction_payload().to_string();
    let expected = "txntoken+jwt";
    for typ in ["txntoken2+jwt", "txn_token", "N_A+jwt", "JWT"] {
        let wrong = JwsError::WrongTokenType { expected, presented: Excerpt::of(typ) };
        assert_eq!(forged(&with(transaction_header(&key), "/typ", json!(typ)), &claims), rejected(wrong));
    }
    let absent = JwsError::Member(MemberError::Missing { part: Part::Header, name: "typ" });
    assert_eq!(forged(&without(transaction_header(&key), "/typ"), &claims), rejected(absent));
    let newer = with(transaction_payload(), "/version", json!(2));
    assert_eq!(
        forged_payload(&newer),
        rejected(TransactionRejection::UnknownMember { presented: Excerpt::of("version") })
    );
}

#[test]
fn j30_access_token_is_no_transaction_token_and_none_is_in_one() {
    let realm = key();
    let access = realm.token(&payload());
    let wrong = JwsError::WrongTokenType { expected: "txntoken+jwt", presented: Excerpt::of("JWT") };
    assert_eq!(presented(&access, &realm, &at(EXECUTION)), rejected(wrong));
    let sealed = |project: &str| {
        let key = TestKey::kms();
        let unsigned = unsigned(&key, &with(payload(), "/project_id", json!(project)), EXECUTION);
        let der = key.sign(unsigned.signing_input());
        unsigned.seal(&der).map(|_| ())
    };
    // A mapper that copies a token into a claim does not carry it into the history of an execution.
    for project in ["eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJub25lIn0.e30.AAAA", "eyJhbGciOiJkaXIifQ....AAAA"] {
        assert_eq!(sealed(project), Err(MintError::NotCarried(CarryError::HoldsToken)), "{project}");
    }
    for project in ["apollo", "a.b.c", "eyJhbGciOiJub25lIn0", "1.2.3"] {
        assert_eq!(sealed(project), Ok(()), "{project}");
    }
    let minted = mint(&TestKey::kms());
    let [_, claims, _] = parts(minted.as_str());
    let claims = String::from_utf8(decode(&claims)).unwrap();
    assert!(!claims.contains("eyJ"), "{claims}");
    assert!(parts(&access).iter().all(|part| !claims.contains(part.as_str())));
}

#[test]
fn j31_token_over_its_budget_is_neither_minted_nor_read() {
    let wide = with(payload(), "/project_id", json!("x".repeat(1500)));
    let key = TestKey::kms();
    let unsigned = unsigned(&key, &wide, EXECUTION);
    let presented_bytes = unsigned.signing_input().len() + 1 + 86;
    let der = key.sign(unsigned.signing_input());
    assert_eq!(
        unsigned.seal(&der).map(|_| ()),
        Err(MintError::NotCarried(CarryError::TooLarge { limit: 2048, presented: presented_bytes }))
    );
    let long = "a.b.".to_owned() + &"c".repeat(4093);
    assert_eq!(presented(&long, &key, &at(EXECUTION)), rejected(JwsError::TooLong { limit: 4096, presented: 4097 }));
    // Cut off on its way, the text is no token.
    let minted = mint(&key);
    let cut = &minted.as_str()[..minted.as_str().len() / 2];
    assert_eq!(TransactionToken::parse(cut).map(|_| ()), Err(JwsError::WrongPartCount { presented: 2 }.into()));
}

#[test]
fn j33_input_of_an_old_execution_is_worthless_in_a_new_one() {
    let key = TestKey::kms();
    let again = EXECUTION.replace(":one", ":one-again");
    assert_eq!(presented(mint(&key).as_str(), &key, &at(&again)), other_execution(&again, EXECUTION));
    assert_eq!(
        present(mint(&key).as_str(), &[&key], &at(&again), 86_400).map(|_| ()),
        other_execution(&again, EXECUTION)
    );
}
