//! Section D: time.

use std::time::{Duration, UNIX_EPOCH};

use claim_guard::access::Condition;
use claim_guard::decision::Unmet;
use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::json::Part;
use claim_guard::token::RequiredClaim;
use claim_guard::transaction::TransactionFailure;
use claim_guard::unix_time::ClockError;
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, Rejection, UnixTime};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, with, without};

use crate::fixture::*;
use crate::support;

const SECONDS: &str = "whole seconds since 1970";

fn of(name: &str, value: Value) -> Result<(), Rejection> {
    of_payload(&with(payload(), &format!("/{name}"), value))
}

fn with_leeway(leeway: Leeway, now: i64) -> Result<(), Rejection> {
    let key = key();
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let (issuer, audience) = (Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap());
    let verifier = AccessTokenVerifier::new(issuer, audience, clients, leeway);
    let token = AccessToken::parse(&key.token(&payload()))?;
    verifier.verify(&token, &support::keys(&[&key]), time(now)).map(|_| ())
}

fn expired(now: i64) -> Result<(), Rejection> {
    Err(Rejection::Expired { expired_at: time(300), now: time(now) })
}

#[test]
fn d2_token_is_expired_at_its_exp_without_leeway() {
    assert_eq!(with_leeway(Leeway::NONE, 299), Ok(()));
    for now in [300, 301] {
        assert_eq!(with_leeway(Leeway::NONE, now), expired(now));
    }
}

#[test]
fn d3_leeway_is_at_most_five_seconds() {
    for seconds in 0..=5 {
        let leeway = Leeway::seconds(seconds).unwrap();
        let last = 300 + i64::from(seconds);
        assert_eq!(with_leeway(leeway, last - 1), Ok(()), "{seconds}");
        for now in [last, last + 1, 360] {
            assert_eq!(with_leeway(leeway, now), expired(now), "{seconds}");
        }
    }
}

#[test]
fn d4_fraction_of_a_second_is_rejected() {
    for fraction in [0.4, 0.5, 0.9] {
        let value = json!((NOW + 300) as f64 + fraction);
        for name in ["exp", "iat", "nbf"] {
            assert_eq!(of(name, value.clone()), wrong_type(name, SECONDS, "a fraction or a number out of range"));
        }
    }
}

#[test]
fn d5_expiry_in_a_far_future_is_rejected() {
    for value in [json!(1_000_000_000_000_000_000_i64), json!(u64::MAX), json!(253_402_300_800_i64)] {
        assert_eq!(of("exp", value), wrong_type("exp", SECONDS, "an integer"));
    }
    let far = |presented| Err(Rejection::WrongLifetime { limit: 86_400, presented });
    assert_eq!(of("exp", json!(253_402_300_799_i64)), far(253_402_300_799 - NOW));
    assert_eq!(of("exp", json!(NOW + 86_401)), far(86_401));
    assert_eq!(of("exp", json!(NOW + 86_400)), Ok(()));
}

#[test]
fn d6_expiry_out_of_any_range_is_rejected() {
    let text = without(payload(), "/exp").to_string();
    let of_number = |number: &str| of_text(&format!("{},\"exp\":{number}}}", &text[..text.len() - 1]));
    for number in ["18446744073709551616", "12345678901234567890123"] {
        assert_eq!(of_number(number), wrong_type("exp", SECONDS, "a fraction or a number out of range"));
    }
    assert_eq!(of_number("1e400"), malformed(Part::Payload, text.len() + 11));
    assert_eq!(of_number("-1"), wrong_type("exp", SECONDS, "an integer"));
}

#[test]
fn d8_token_that_does_not_hold_yet_is_rejected() {
    for ahead in [6, 31_536_000] {
        let expected = Err(Rejection::NotYetValid { not_before: time(ahead), now: time(0) });
        assert_eq!(of("nbf", json!(NOW + ahead)), expected);
    }
    assert_eq!(of("nbf", json!(NOW + 5)), Ok(()));
    let key = key();
    let token = AccessToken::parse(&key.token(&with(payload(), "/nbf", json!(NOW + 1)))).unwrap();
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let (issuer, audience) = (Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap());
    let strict = AccessTokenVerifier::new(issuer, audience, clients, Leeway::NONE);
    let verified = strict.verify(&token, &support::keys(&[&key]), time(0)).map(|_| ());
    assert_eq!(verified, Err(Rejection::NotYetValid { not_before: time(1), now: time(0) }));
}

#[test]
fn d9_not_before_of_another_type_is_rejected() {
    for (value, presented) in
        [(json!(null), "null"), (json!("0"), "text"), (json!([0]), "an array"), (json!(-1), "an integer")]
    {
        assert_eq!(of("nbf", value), wrong_type("nbf", SECONDS, presented));
    }
}

#[test]
fn d10_token_issued_in_the_future_is_rejected() {
    assert_eq!(of("iat", json!(NOW + 5)), Ok(()));
    for ahead in [6, 299] {
        let expected = Err(Rejection::IssuedInFuture { issued_at: time(ahead), now: time(0) });
        assert_eq!(of("iat", json!(NOW + ahead)), expected);
    }
}

#[test]
fn d11_time_of_issue_is_required_and_plausible() {
    assert_eq!(of_payload(&without(payload(), "/iat")), no_claim(RequiredClaim::IssuedAt));
    for (value, presented) in
        [(json!(null), "null"), (json!("1"), "text"), (json!(1.5), "a fraction or a number out of range")]
    {
        assert_eq!(of("iat", value), wrong_type("iat", SECONDS, presented));
    }
    let implausible = |presented| Err(Rejection::WrongLifetime { limit: 86_400, presented });
    let after = with(with(payload(), "/iat", json!(NOW + 3)), "/exp", json!(NOW + 2));
    assert_eq!(of_payload(&after), implausible(-1));
    assert_eq!(of("iat", json!(NOW + 300 - 86_401)), implausible(86_401));
    assert_eq!(of("iat", json!(0)), implausible(NOW + 300));
}

#[test]
fn d12_authentication_below_the_route_s_step_up_is_denied() {
    let condition = Condition::parse("acr = \"2\"").unwrap();
    let expected = Unmet::ClaimUnmet {
        condition,
        expected: claim_guard::access::Plain::Text("2".to_owned()),
        presented: json!("1"),
    };
    assert_eq!(post(&payload(), "/assured"), [expected]);
    assert_eq!(post(&with(payload(), "/acr", json!("2")), "/assured"), []);
    let condition = Condition::parse("auth_time >= now - 15m").unwrap();
    let older = Unmet::ClaimUnmet {
        condition,
        expected: claim_guard::access::Plain::Integer(i128::from(NOW - 900)),
        presented: json!(NOW - 901),
    };
    assert_eq!(post(&with(payload(), "/auth_time", json!(NOW - 901)), "/fresh"), [older]);
    assert_eq!(post(&with(payload(), "/auth_time", json!(NOW - 900)), "/fresh"), []);
    assert_eq!(post(&payload(), "/fresh"), absent("auth_time >= now - 15m"));
}

#[test]
fn d14_clock_before_1970_is_an_error_and_no_panic() {
    assert_eq!(UnixTime::from_system_time(UNIX_EPOCH - Duration::from_secs(1)), Err(ClockError));
    assert_eq!(UnixTime::from_system_time(UNIX_EPOCH + Duration::from_secs(253_402_300_800)), Err(ClockError));
    // A clock that goes back between two reads finds the token issued in the future, or still valid.
    assert_eq!(with_leeway(Leeway::NONE, -1), Err(Rejection::IssuedInFuture { issued_at: time(0), now: time(-1) }));
    assert_eq!(time(0).seconds_since(time(1)), -1);
}

#[test]
fn d15_leeway_over_five_seconds_cannot_be_configured() {
    for seconds in [6, 60, u8::MAX] {
        assert_eq!(Leeway::seconds(seconds), None, "{seconds}");
    }
    assert_eq!(time(0).plus(Duration::MAX), UnixTime::from_seconds(253_402_300_799).unwrap());
}

#[test]
fn d16_statement_that_expires_before_the_task_is_identity_expired() {
    let key = TestKey::kms();
    let token = mint(&key);
    let at_second = |seconds| present(token.as_str(), &[&key], &at(EXECUTION), seconds).map(|_| ());
    assert_eq!(at_second(299), Ok(()));
    let expired = TransactionFailure::Expired { expired_at: time(300), now: time(300) };
    assert_eq!(at_second(300), Err(expired));
}

#[test]
fn d17_token_behind_a_cached_allow_is_verified_again_and_expired() {
    let key = key();
    let (token, keys) = (key.token(&payload()), support::keys(&[&key]));
    assert_eq!(verify_at(&token, &keys, time(0)).map(|_| ()), Ok(()));
    assert_eq!(verify_at(&token, &keys, time(305)).map(|_| ()), expired(305));
}
