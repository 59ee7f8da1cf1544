use claim_guard::identifier::{Audience, ClientId, IdentifierError, Issuer};
use claim_guard::json::{MemberError, Part};
use claim_guard::revalidation::{AnswerFault, AnswerKind, Withdrawal};
use claim_guard::token::RequiredClaim;
use claim_guard::{AccessTokenVerifier, ClientList, Excerpt, Leeway, Rejection};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, ISSUER, NOW, with, without};

use crate::fixture::{answered, evaluated, evaluation, issuer, policy, question, standing, statement, subject};
use crate::support::time;

const KIND: AnswerKind = AnswerKind::Evaluation;

#[track_caller]
fn check(claims: &Value, expected: Result<(), AnswerFault>) {
    assert_eq!(evaluated(claims, &question(), 0).map(|_| ()), expected, "{claims}");
}

/// Claims that come to a withdrawal.
#[track_caller]
fn check_withdrawn(claims: &Value, presented: &str) {
    let withdrawn = answered(&policy(), question(), claims, 0).map(|_| ());
    let expected = Withdrawal::AudienceWithdrawn { presented: Excerpt::of(presented) };
    assert_eq!(withdrawn, Err(vec![expected]), "{claims}");
}

fn rejected(rejection: impl Into<Rejection>) -> Result<(), AnswerFault> {
    Err(AnswerFault::Evaluation(rejection.into()))
}

fn no_claim(claim: RequiredClaim) -> Rejection {
    Rejection::NoClaim { claim, client: Some(Excerpt::of("payment-app")) }
}

fn wrong_type(name: &'static str, expected: &'static str, presented: &'static str) -> MemberError {
    MemberError::WrongType { part: Part::Payload, name, expected, presented }
}

#[test]
fn claims_of_keycloak_s_own_evaluation_are_taken() {
    check(&evaluation(0), Ok(()));
    check(&with(evaluation(0), "/aud", json!(["account", AUDIENCE])), Ok(()));
    for absent in ["/sid", "/scope", "/resource_access", "/realm_access", "/compliance", "/acr"] {
        check(&without(evaluation(0), absent), Ok(()));
    }
}

#[test]
fn claims_of_another_subject_or_client_say_nothing() {
    let another = |presented: &str| AnswerFault::AnotherUser {
        kind: KIND,
        expected: subject(),
        presented: Excerpt::of(presented),
    };
    check(&with(evaluation(0), "/sub", json!("mallory")), Err(another("mallory")));
    let expected = question().inquiry().client().clone();
    let another = |presented| AnswerFault::AnotherClient { kind: KIND, expected, presented: Excerpt::of(presented) };
    check(&with(evaluation(0), "/azp", json!("Payment-app")), Err(another("Payment-app")));
    for (pointer, name, claim) in [("/sub", "sub", RequiredClaim::Subject), ("/azp", "azp", RequiredClaim::Client)] {
        let member = |error| Err(AnswerFault::Member { kind: KIND, error });
        check(&without(evaluation(0), pointer), rejected(no_claim(claim)));
        check(&with(evaluation(0), pointer, json!(1)), member(wrong_type(name, "text", "an integer")));
    }
}

#[test]
fn claims_of_another_realm_say_nothing() {
    let presented = "https://keycloak.example.com/realms/master";
    let expected = Rejection::WrongIssuer { expected: issuer(), presented: Excerpt::of(presented) };
    check(&with(evaluation(0), "/iss", json!(presented)), rejected(expected));
    check(&without(evaluation(0), "/iss"), rejected(no_claim(RequiredClaim::Issuer)));
}

/// A verifier that expects something else than the test realm's tokens.
fn evaluated_for(issuer: &str, audience: &str, client: &str) -> Result<(), AnswerFault> {
    let clients = ClientList::new([ClientId::parse(client).unwrap()]).unwrap();
    let (issuer, audience) = (Issuer::parse(issuer).unwrap(), Audience::parse(audience).unwrap());
    let verifier = AccessTokenVerifier::new(issuer, audience, clients, Leeway::NONE);
    let (question, claims) = (question(), evaluation(0).to_string());
    standing(&question).evaluated(claims.as_bytes(), &verifier, time(0)).map(|_| ())
}

#[test]
fn statement_of_another_realm_than_the_configured_one_is_not_renewed() {
    assert_eq!(evaluated_for(ISSUER, AUDIENCE, "payment-app"), Ok(()));
    let other = "https://keycloak.example.com/realms/master";
    let expected = AnswerFault::AnotherRealm { expected: ISSUER.to_owned(), presented: Excerpt::of(other) };
    assert_eq!(evaluated_for(other, AUDIENCE, "payment-app"), Err(expected));
}

#[test]
fn client_that_may_not_call_us_any_more_is_withdrawn() {
    let question = question();
    let clients = ClientList::new([ClientId::parse("other-app").unwrap()]).unwrap();
    let verifier = AccessTokenVerifier::new(issuer(), Audience::parse(AUDIENCE).unwrap(), clients, Leeway::NONE);
    let live = standing(&question).evaluated(evaluation(0).to_string().as_bytes(), &verifier, time(0)).unwrap();
    let withdrawn = live.statement(&policy(), time(0)).map(|_| ()).map_err(|withdrawals| withdrawals.all().to_vec());
    let expected = Withdrawal::ClientForbidden { client: ClientId::parse("payment-app").unwrap() };
    assert_eq!(withdrawn, Err(vec![expected]));
}

#[test]
fn subject_whose_tokens_are_not_for_us_any_more_is_withdrawn() {
    check_withdrawn(&with(evaluation(0), "/aud", json!("account")), "account");
    check_withdrawn(&with(evaluation(0), "/aud", json!(["account", "other"])), "account other");
    check_withdrawn(&with(evaluation(0), "/aud", json!([])), "");
    check_withdrawn(&without(evaluation(0), "/aud"), "");
    for kept in [json!(AUDIENCE), json!([AUDIENCE]), json!(["account", AUDIENCE])] {
        assert!(answered(&policy(), question(), &with(evaluation(0), "/aud", kept), 0).is_ok());
    }
}

#[test]
fn audience_of_another_type_is_a_fault_and_no_withdrawal() {
    let wrong = wrong_type("aud", "text or an array of text", "null");
    check(&with(evaluation(0), "/aud", json!(null)), rejected(wrong));
    check(&with(evaluation(0), "/aud", json!([1])), rejected(wrong_type("aud", "an array of text", "an integer")));
}

#[test]
fn claims_that_no_access_token_could_hold_say_nothing() {
    let seconds = "whole seconds since 1970";
    let claims = |pointer: &str, value: Value| with(evaluation(0), pointer, value);
    check(&claims("/typ", json!("ID")), rejected(Rejection::IdToken));
    check(&claims("/typ", json!("x")), rejected(Rejection::NotABearerToken { presented: Excerpt::of("x") }));
    check(&claims("/at_hash", json!("x")), rejected(Rejection::ForeignClaim { name: "at_hash" }));
    check(&claims("/jti", json!("onltna:1")), rejected(Rejection::LightweightToken));
    check(&claims("/iat", json!("0")), rejected(wrong_type("iat", seconds, "text")));
    check(&claims("/exp", json!(null)), rejected(wrong_type("exp", seconds, "null")));
    check(&claims("/scope", json!("a  b")), rejected(Rejection::MalformedScope { presented: Excerpt::of("a  b") }));
    check(&claims("/resource_access", json!([])), rejected(wrong_type("resource_access", "an object", "an array")));
    check(&claims("/realm_access/roles", json!("x")), rejected(wrong_type("roles", "an array of text", "text")));
    let empty = IdentifierError::Empty { kind: "session id" };
    check(&claims("/sid", json!("")), rejected(MemberError::MalformedIdentifier { name: "sid", error: empty }));
    for claim in [RequiredClaim::Kind, RequiredClaim::TokenId, RequiredClaim::IssuedAt, RequiredClaim::ExpiresAt] {
        check(&without(evaluation(0), &format!("/{claim}")), rejected(no_claim(claim)));
    }
}

#[test]
fn claims_of_another_time_say_nothing() {
    let at = |seconds: i64| evaluated(&evaluation(0), &question(), seconds).map(|_| ());
    let expired = |seconds| Rejection::Expired { expired_at: time(300), now: time(seconds) };
    assert_eq!([at(-5), at(0), at(304)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(at(305), rejected(expired(305)));
    assert_eq!(at(-6), rejected(Rejection::IssuedInFuture { issued_at: time(0), now: time(-6) }));
    let endless = with(evaluation(0), "/exp", json!(NOW + 86_401));
    check(&endless, rejected(Rejection::WrongLifetime { limit: 86_400, presented: 86_401 }));
}

#[test]
fn statement_s_own_token_and_session_stay_whatever_the_evaluation_calls_its() {
    let renewed = answered(&policy(), question(), &evaluation(0), 0).unwrap();
    let requester = crate::fixture::stated(&renewed)["rctx"].clone();
    assert_eq!(requester, statement()["rctx"]);
}
