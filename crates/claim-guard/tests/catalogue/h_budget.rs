//! Section H: what a token may cost.

use serde_json::json;
use test_realm::{TestKey, with};

use crate::fixture::*;
use crate::support;

#[test]
fn h14_worst_tokens_under_the_cap_are_decided() {
    let text = payload().to_string();
    let inside = |member: String| format!("{{{member},{}", &text[1..]);
    let worst = [
        inside(format!("\"x\":[{}1]", "1,".repeat(2400))),
        inside(format!("\"x\":\"{}\"", "\\u0061".repeat(800))),
        inside(format!("\"x\":[{}{{}}]", "{},".repeat(1600))),
        inside((0..500).map(|number| format!("\"m{number}\":1")).collect::<Vec<_>>().join(",")),
        inside(format!("\"x\":{}{}", "[".repeat(125), "]".repeat(125))),
        inside(format!("\"x\":[{}1e1]", "1e308,".repeat(800))),
        with(payload(), "/realm_access/roles", json!((0..600).map(|number| format!("r{number}")).collect::<Vec<_>>()))
            .to_string(),
        with(payload(), "/aud", json!([vec!["x"; 1190], vec![test_realm::AUDIENCE]].concat())).to_string(),
        inside(format!("\"x\":0.{}e-300", "1234567891".repeat(500))),
        inside(format!("\"x\":{}", "9".repeat(300))),
    ];
    for algorithm in ["RS256", "PS512", "ES256", "ES384", "EdDSA"] {
        let key = TestKey::generate(algorithm, "key");
        for payload in &worst {
            let token = key.token_of(&key.header().to_string(), payload);
            assert!((6000..=8192).contains(&token.len()) || payload.len() < 1500, "{}", token.len());
            // What they cost is printed by `cargo bench -p claim-guard --bench budget`.
            let verified = verify_at(&token, &support::keys(&[&key]), support::now()).map(|_| ());
            assert_eq!(verified, Ok(()), "{algorithm}: {payload}");
        }
    }
}

#[test]
fn h15_names_chosen_to_collide_are_members_like_others() {
    // Members stand in ordered maps, so there is no hash to collide.
    let key = key();
    let names = |number: usize| (0..9).map(|bit| if number >> bit & 1 == 0 { "Aa" } else { "BB" }).collect::<String>();
    let alike = (0..200).fold(payload(), |payload, number| with(payload, &format!("/{}", names(number)), json!(0)));
    let claims = verify_at(&key.token(&alike), &support::keys(&[&key]), support::now()).unwrap();
    let path = |number| claim_guard::ClaimPath::parse(&names(number)).unwrap();
    assert!((0..200).all(|number| claims.identity().claims().get(&path(number)) == Some(json!(0))));
}
