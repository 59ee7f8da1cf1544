//! `Bearer`, one space, one token; and what a refusal says.

use super::answers::{PanickingKeys, START, check_code, shipped};
use super::*;

fn token() -> String {
    KEY.token(&access_token_payload(NOW))
}

#[track_caller]
fn check_rejected(header: &str) {
    let outcome = outcome(shipped(), &event(header, START));
    assert_eq!(outcome.answer, unauthorized(), "{header}");
    let line = outcome.line();
    assert_eq!((&line["decision"], line.get("subject")), (&json!("reject"), None), "{header}");
}

#[test]
fn i3_any_white_space_but_one_space_is_rejected() {
    let token = token();
    for header in [
        " ".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer\u{a0}{token}"),
        format!("Bearer\u{2003}{token}"),
        format!(" Bearer {token}"),
        format!("\tBearer {token}"),
    ] {
        check_code(&header, "no_bearer_token");
    }
    for header in [format!("Bearer  {token}"), format!("Bearer {token} "), format!("Bearer \t{token}")] {
        check_rejected(&header);
    }
}

#[test]
fn i4_more_than_one_token_is_none() {
    let token = token();
    for header in [
        "Bearer a b".to_owned(),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token},Bearer {token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {token},"),
        format!("Basic YTpi, Bearer {token}"),
        format!("Bearer Bearer {token}"),
    ] {
        check_rejected(&header);
    }
}

#[test]
fn i5_any_other_scheme_is_rejected() {
    let token = token();
    for scheme in ["Basic ", "DPoP ", "Token ", "JWT ", "Bearer: ", "Bearer=", "\u{412}earer ", "Bea\u{212b}er ", ""] {
        check_code(&format!("{scheme}{token}"), "no_bearer_token");
    }
}

#[test]
fn i7_a_header_that_is_too_long_or_no_printable_ascii_is_rejected() {
    let token = token();
    for length in [10 << 10, 1 << 20] {
        check_code(&format!("Bearer {}", "a".repeat(length)), "too_long");
        check_code(&format!("Bearer {token}{}", "A".repeat(length)), "too_long");
        check_code(&"B".repeat(length), "no_bearer_token");
    }
    for strange in ["\0", "\r\n", "\n", "\u{e9}", "\u{feff}", "\u{2028}", "\r\nX-Auth-User: admin"] {
        for header in
            [format!("Bearer {token}{strange}"), format!("{strange}Bearer {token}"), format!("Bearer {strange}{token}")]
        {
            check_rejected(&header);
        }
    }
}

#[test]
fn i33_a_rejection_says_the_same_whatever_its_cause_and_no_shared_secret_is_ever_compared() {
    let good = access_token_payload(NOW);
    let unknown_key = TestKey::generate("ES256", "another-key").token(&good);
    let bad_signature = FORGED_KEY.token(&good);
    let expired = KEY.token(&access_token_payload(NOW - 600));
    let said = |token: &str| outcome(shipped(), &event(&format!("Bearer {token}"), START)).answer.to_string();
    assert_eq!(
        [unknown_key, bad_signature, expired].map(|token| said(&token)),
        [(); 3].map(|()| unauthorized().to_string())
    );

    // An HMAC is refused before any key is looked for, so there is none whose comparison could be timed.
    for algorithm in ["HS256", "HS384", "HS512"] {
        let header = test_realm::with(KEY.header(), "/alg", json!(algorithm)).to_string();
        let token = KEY.token_of(&header, &good.to_string());
        let outcome = outcome(setup(policy(SHIPPED), PanickingKeys), &event(&format!("Bearer {token}"), START));
        let line = outcome.line();
        assert_eq!(
            (outcome.answer, &line["reasons"][0]["code"]),
            (unauthorized(), &json!("forbidden_algorithm")),
            "{line}"
        );
    }
}
