use claim_guard::audit::AuditRecord;
use claim_guard::decision::Decision;
use claim_guard::transaction::{TransactionFailure, TransactionRejection};
use claim_guard::{TransactionToken, VerifiedTransaction};
use serde_json::{Map, Value, json};

use crate::fixture::{
    EXECUTION, MACHINE, POLICY, STATEMENT_KEY, TRANSACTIONS, TRUST_DOMAIN, any_attempt, chosen, context, lax, now,
    payment, presented_at,
};
use crate::line;
use crate::reached::reached;

/// Another execution of the same state machine.
const OTHER_EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:payment:run-2";

/// Transaction tokens.
///
/// | first byte | the rest is |
/// |---|---|
/// | `r` | a token |
/// | `h` | a header, a line feed and a payload, both to be signed by the stack |
/// | any other | a payload to be signed by the stack |
pub fn transaction_token(bytes: &[u8]) {
    let Some((kind, text)) = chosen(bytes) else { return };
    match kind {
        b'r' => {
            if verify(&text).is_some() {
                panic!("accepted without the stack's signature: {text}");
            }
        }
        b'h' => {
            let (header, payload) = text.split_once('\n').unwrap_or((&text, ""));
            signed(header, payload);
        }
        _ => {
            let header = json!({ "typ": "txntoken+jwt", "alg": "ES256", "kid": STATEMENT_KEY.kid() });
            signed(&header.to_string(), &text);
        }
    }
}

fn signed(header: &str, payload: &str) {
    let compact = STATEMENT_KEY.token_of(header, payload);
    if let Some(transaction) = verify(&compact) {
        reached("a verified transaction token");
        accepted(&transaction, &lax(payload));
        decided(&transaction, &compact);
    }
}

fn verify(text: &str) -> Option<VerifiedTransaction> {
    let token = match TransactionToken::parse(text) {
        Ok(token) => token,
        Err(rejection) => {
            line::is_message(&rejection.to_string());
            return None;
        }
    };
    assert_eq!((format!("{token:?}").as_str(), token.as_str()), ("TransactionToken(…)", text));
    let at = presented_at(EXECUTION);
    let aged = TRANSACTIONS.verify_whatever_age(&token, &at, now());
    match TRANSACTIONS.verify(&token, &at, &any_attempt(), now()) {
        Ok(transaction) => {
            let aged = aged.expect("what holds now holds at any age");
            assert_eq!(format!("{:?}", aged.identity()), format!("{:?}", transaction.identity()));
            assert_eq!((aged.binding().execution.as_str(), &aged.binding().workflow), (EXECUTION, &payment()));
            assert_eq!(aged.starter().subject(), transaction.identity().subject());
            elsewhere(&token);
            Some(transaction)
        }
        Err(failure) => {
            line::is_message(&failure.to_string());
            line::is_audit(&AuditRecord::failed(context(), Some(&token), &failure).to_line(), text);
            let rejection = match failure {
                TransactionFailure::Rejected(rejection) => Some(rejection),
                TransactionFailure::IssuedInFuture { .. }
                | TransactionFailure::Expired { .. }
                | TransactionFailure::Redriven { .. }
                | TransactionFailure::NotForThisAttempt { .. }
                | TransactionFailure::TooOld { .. } => None,
            };
            assert_eq!(aged.err(), rejection, "age is looked at last");
            None
        }
    }
}

/// A token that holds here is another's in every other execution.
fn elsewhere(token: &TransactionToken) {
    let other = presented_at(OTHER_EXECUTION);
    let (expected, presented) = (other.execution.clone(), presented_at(EXECUTION).execution);
    let failure = TRANSACTIONS.verify(token, &other, &any_attempt(), now()).err();
    let rejection = TransactionRejection::OtherExecution { expected, presented };
    assert_eq!(failure, Some(TransactionFailure::Rejected(rejection)));
}

/// What a lax reader finds in an accepted payload.
fn accepted(transaction: &VerifiedTransaction, payload: &Value) {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let identity = transaction.identity();
    assert_eq!(text("/aud"), Some(TRUST_DOMAIN));
    assert_eq!(text("/scope"), Some("payment"));
    assert_eq!(text("/tctx/execution"), Some(EXECUTION));
    assert_eq!(text("/tctx/state_machine"), Some(MACHINE));
    assert_eq!(text("/sub"), Some(identity.subject().as_str()));
    assert_eq!(text("/rctx/iss"), Some(identity.issuer().as_str()));
    let actor = identity.actor().map(|actor| actor.current().subject().as_str());
    assert_eq!((text("/rctx/act/sub"), payload.pointer("/rctx/act").is_some()), (actor, actor.is_some()));
    assert_eq!(text("/txn"), identity.transaction().map(|transaction| transaction.as_str()));
    assert_eq!(payload.pointer("/exp").and_then(Value::as_i64), Some(identity.expires_at().seconds()));
    assert!(now() < identity.expires_at() && identity.issued_at() < identity.expires_at());
}

fn decided(transaction: &VerifiedTransaction, compact: &str) {
    let workflow = POLICY.workflow(&payment()).expect("the workflow");
    for (state, _) in workflow.states() {
        let decision = POLICY.decide_state(transaction, workflow.name(), state, &Map::new());
        line::is_audit(&AuditRecord::decided(context(), transaction.identity(), &decision).to_line(), compact);
        match decision {
            Decision::Allow(grant) => assert!(grant.roles().is_subset(transaction.identity().roles())),
            Decision::Deny(denial) => assert_ne!(denial.unmet(), []),
        }
    }
}
