//! What a token costs that proves nothing, beside one that is good.

use bench::{Row, Subject, interleaved};
use claim_guard::{AccessToken, AccessTokenVerifier, RealmKeySet, Rejection, UnixTime, VerifiedClaims};
use serde_json::json;
use test_realm::{ISSUER, with};

use crate::fixture::{Signed, budget, payload, unix_time, verifier};

/// Tokens that prove nothing; the cheapest is no text at all.
pub struct Refused {
    /// Signed by the realm, 8 KiB of members to parse, and wrong in what is looked at last.
    pub dearest: String,
    pub garbage: String,
    pub forged: String,
}

impl Refused {
    pub fn of(signed: &Signed) -> Self {
        let plain = with(payload(ISSUER), "/realm_access", json!({ "roles": [1] })).to_string();
        let filler: String = (0..400).map(|number| format!("\"r{number}\":{number},")).collect();
        let dearest = signed.key.token_of(&signed.key.header().to_string(), &format!("{{{filler}{}", &plain[1..]));
        assert!(dearest.len() <= 8192, "{}", dearest.len());
        let garbage = format!("{}.{}.{}", "A".repeat(2700), "A".repeat(2700), "A".repeat(2700));
        // Its first letter is another one now; the last one has bits that a decoder refuses to see changed.
        let (input, signature) = signed.token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        Self { dearest, garbage, forged: format!("{input}.{other}{}", &signature[1..]) }
    }
}

/// What a verifier says of a text that should be a token.
pub fn judge(
    verifier: &AccessTokenVerifier,
    token: &str,
    keys: &RealmKeySet,
    now: UnixTime,
) -> Result<VerifiedClaims, Rejection> {
    AccessToken::parse(token).and_then(|token| verifier.verify(&token, keys, now))
}

pub fn run() {
    let signed = Signed::rs256();
    let (verifier, now) = (verifier(ISSUER), unix_time());
    let judge = |token: &str| judge(&verifier, token, &signed.keys, now);
    let refused = |token: &str| -> Rejection { judge(token).map(|_| ()).unwrap_err() };
    let Refused { dearest, garbage, forged } = Refused::of(&signed);

    let mut subjects = [
        Subject::new("verifying a good token", || judge(&signed.token).unwrap()),
        Subject::new("cheapest", || refused("")),
        Subject::new("dearest", || refused(&dearest)),
        Subject::new("garbage-8-kib", || refused(&garbage)),
        Subject::new("forged-signature", || refused(&forged)),
    ];
    let samples = interleaved(&mut subjects, budget());
    for sample in &samples[1..] {
        Row::of(format!("reject/{}", sample.name), sample, &samples[0]).print();
    }
}
