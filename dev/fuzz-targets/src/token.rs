use claim_guard::audit::AuditRecord;
use claim_guard::decision::Decision;
use claim_guard::{AccessToken, Rejection, VerifiedClaims};
use serde_json::Value;
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW};

use crate::fixture::{EDWARDS_KEY, POLICY, REALM_KEY, REALM_KEYS, VERIFIER, chosen, context, lax, now};
use crate::line;
use crate::reached::reached;

/// Access tokens.
///
/// | first byte | the rest is |
/// |---|---|
/// | `r` | the value of an `Authorization` header |
/// | `h` | a header, a line feed and a payload, both to be signed by the realm |
/// | `e` | a payload to be signed with EdDSA |
/// | any other | a payload to be signed with ES256 |
pub fn token(bytes: &[u8]) {
    let Some((kind, text)) = chosen(bytes) else { return };
    match kind {
        b'r' => raw(&text),
        b'h' => {
            let (header, payload) = text.split_once('\n').unwrap_or((&text, ""));
            signed(&REALM_KEY.token_of(header, payload), payload);
        }
        b'e' => signed(&EDWARDS_KEY.token_of(&EDWARDS_KEY.header().to_string(), &text), &text),
        _ => signed(&REALM_KEY.token_of(&REALM_KEY.header().to_string(), &text), &text),
    }
}

/// Nobody but the realm signs, so whatever a stranger writes is rejected.
fn raw(header: &str) {
    match AccessToken::from_authorization_header(header) {
        Ok(token) => match verified(&token, header) {
            Ok(_) => panic!("accepted without the realm's signature: {header}"),
            Err(rejection) => line::is_message(&rejection.to_string()),
        },
        Err(rejection) => line::is_message(&rejection.to_string()),
    }
}

fn signed(compact: &str, payload: &str) {
    let token = match AccessToken::parse(compact) {
        Ok(token) => token,
        Err(rejection) => return line::is_message(&rejection.to_string()),
    };
    if let Ok(claims) = verified(&token, compact) {
        reached("a verified access token");
        accepted(&claims, &lax(payload));
        decided(&claims, compact);
    }
}

/// Verifies twice, and holds the verdict against what the token says of itself before it is verified.
fn verified(token: &AccessToken, text: &str) -> Result<VerifiedClaims, Rejection> {
    assert_eq!(format!("{token:?}"), "AccessToken(…)");
    let verdict = VERIFIER.verify(token, &REALM_KEYS, now());
    let again = VERIFIER.verify(token, &REALM_KEYS, now());
    let said = |verdict: &Result<VerifiedClaims, Rejection>| {
        verdict.as_ref().map(|claims| format!("{:?}", claims.identity())).map_err(Clone::clone)
    };
    assert_eq!(said(&verdict), said(&again), "the same token, twice");
    if let Err(named) = token.untrusted_key_id() {
        assert_eq!(verdict.as_ref().err(), Some(&named), "the header's fault is the verifier's");
    }
    if let Err(rejection) = &verdict {
        line::is_message(&rejection.to_string());
        line::is_audit(&AuditRecord::rejected(context(), Some(token), rejection).to_line(), text);
    }
    verdict
}

/// What a lax reader finds in an accepted payload.
fn accepted(claims: &VerifiedClaims, payload: &Value) {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let time = |name: &str| payload.get(name).and_then(Value::as_i64);
    let identity = claims.identity();
    assert_eq!((text("iss"), identity.issuer().as_str()), (Some(ISSUER), ISSUER));
    assert_eq!((text("azp"), identity.client().as_str()), (Some(CLIENT), CLIENT));
    let acting = payload.get("act").is_some() || payload.get("impersonator").is_some();
    assert_eq!(acting, identity.actor().is_some(), "nobody acts unnamed");
    assert_eq!(text("sub"), Some(identity.subject().as_str()));
    assert_eq!(text("jti"), Some(identity.token_id().as_str()));
    // Keycloak compares the kind without regard to case, and so does the verifier.
    assert!(text("typ").is_none_or(|kind| kind.eq_ignore_ascii_case("Bearer")), "{payload}");
    let ours = |value: &Value| value.as_str() == Some(AUDIENCE);
    let audience = payload.get("aud").expect("an audience");
    assert!(ours(audience) || audience.as_array().is_some_and(|all| all.iter().any(ours)), "{payload}");
    let (issued_at, expires_at) = (identity.issued_at().seconds(), identity.expires_at().seconds());
    assert_eq!((time("iat"), time("exp")), (Some(issued_at), Some(expires_at)));
    assert!(issued_at <= NOW + 5 && NOW < expires_at + 5 && (1..=86_400).contains(&(expires_at - issued_at)));
    for name in [identity.subject().as_str(), identity.token_id().as_str()] {
        assert!((1..=256).contains(&name.len()) && !name.contains(char::is_control), "{name:?}");
    }
    assert!(identity.transaction().is_none());
}

/// Deciding on an accepted token is total, and its line is like any other.
fn decided(claims: &VerifiedClaims, compact: &str) {
    for route in POLICY.routes() {
        let decision = POLICY.decide_route(claims, route);
        line::is_audit(&AuditRecord::decided(context(), claims.identity(), &decision).to_line(), compact);
        match decision {
            Decision::Allow(grant) => {
                assert!(grant.roles().is_subset(claims.identity().roles()));
                assert_eq!(grant.subject(), claims.identity().subject());
            }
            Decision::Deny(denial) => assert_ne!(denial.unmet(), []),
        }
    }
}
