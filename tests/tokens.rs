//! What is no access token of this realm for this API is rejected at the door, each for its own reason.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{STARTS, Turn, and, expect_refusal, header, payload, payment, policy_digest, turn, unique, with_payload};
use test_realm::TestKey;
use xtask::keycloak::CLIENT;

/// Presents something as a bearer token: 401, one line with this reason, and nothing has started.
#[track_caller]
fn expect_rejection(lab: &mut Turn, token: &str, code: &str) {
    let before = lab.executions().unwrap().len();
    let answer = lab.start(token, &[], &payment().to_string());
    let lines = lab.expect_audit(&[&format!("door reject {code}")]);
    expect_refusal(&answer, 401, &lines);
    assert_eq!(lines[0]["subject"], Value::Null, "{}", lines[0]);
    assert_eq!(lines[0]["policy"], policy_digest());
    assert_eq!(lab.executions().unwrap().len(), before);
}

#[test]
fn what_is_no_token_is_rejected() {
    let mut lab = turn();
    expect_rejection(&mut lab, "a.b.c", "not_base64url");
}

/// API Gateway refuses it by its form, so that a stranger's garbage costs no call of the authorizer.
#[test]
fn what_has_not_the_form_of_a_token_does_not_reach_the_authorizer() {
    let mut lab = turn();
    for authorization in ["Basic YTpi", "Bearer garbage", "Bearer a.b.c.d", "Bearer a.b.c+"] {
        let answer = lab.request("POST", STARTS, &[("authorization", authorization)], Some("{}")).unwrap();
        expect_refusal(&answer, 401, &lab.expect_audit(&[]));
    }
}

#[test]
fn a_token_that_was_altered_is_rejected() {
    let mut lab = turn();
    let token = lab.token("bob").unwrap();
    let claims = payload(&token);
    let mut promoted = claims.clone();
    promoted["resource_access"]["workflow-api"]["roles"].as_array_mut().unwrap().push(json!("payment:start"));
    expect_rejection(&mut lab, &with_payload(&token, &promoted), "bad_signature");
    let prolonged = and(&claims, "exp", json!(claims["exp"].as_i64().unwrap() + 3600));
    expect_rejection(&mut lab, &with_payload(&token, &prolonged), "bad_signature");
    // An expiry in the past is no shortcut around the signature.
    let expired = and(&claims, "exp", json!(claims["iat"].as_i64().unwrap() - 1));
    expect_rejection(&mut lab, &with_payload(&token, &expired), "bad_signature");
}

#[test]
fn a_token_of_the_forgers_own_key_is_rejected() {
    let mut lab = turn();
    let token = lab.token("alice").unwrap();
    let (claims, kid) = (payload(&token), header(&token)["kid"].as_str().unwrap().to_owned());
    let forged = TestKey::generate("ES256", &kid).token(&claims);
    expect_rejection(&mut lab, &forged, "algorithm_of_another_key");
    let forged = TestKey::generate("RS256", &kid).token(&claims);
    expect_rejection(&mut lab, &forged, "bad_signature");
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = json!({"alg": "none", "typ": "JWT", "kid": kid}).to_string();
    let unsigned = format!("{}.{}.", encode(&none), encode(&claims.to_string()));
    expect_rejection(&mut lab, &unsigned, "forbidden_algorithm");
    let symmetric = json!({"alg": "HS256", "typ": "JWT", "kid": kid}).to_string();
    let symmetric = format!("{}.{}.{}", encode(&symmetric), encode(&claims.to_string()), encode("signature"));
    expect_rejection(&mut lab, &symmetric, "forbidden_algorithm");
    let forged = TestKey::generate("ES256", "not-a-key-of-the-realm").token(&claims);
    expect_rejection(&mut lab, &forged, "unknown_key");
}

#[test]
fn another_kind_of_token_is_rejected_as_what_it_is() {
    let mut lab = turn();
    let [_, id, refresh] = lab.all_tokens("alice");
    expect_rejection(&mut lab, &id, "id_token");
    expect_rejection(&mut lab, &refresh, "refresh_token");
}

#[test]
fn a_token_of_another_realm_is_rejected() {
    let mut lab = turn();
    let token = lab.administrator_token();
    expect_rejection(&mut lab, &token, "unknown_key");
}

#[test]
fn a_token_of_another_client_is_rejected() {
    let mut lab = turn();
    let (client, secret) = (format!("client-{}", unique()), format!("secret-{}", unique()));
    let audience = json!({
        "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": "workflow-api", "access.token.claim": "true"},
    });
    let registration = json!({
        "clientId": client, "secret": secret, "publicClient": false, "directAccessGrantsEnabled": true,
        "serviceAccountsEnabled": true, "fullScopeAllowed": true, "defaultClientScopes": ["basic", "roles"],
        "protocolMappers": [audience],
    });
    lab.administer("POST", "clients", Some(&registration));
    let credentials = [("client_id", client.as_str()), ("client_secret", secret.as_str())];
    let alices = lab.login("workflows", &credentials, "alice", &lab.password("alice").unwrap());
    let alices = alices["access_token"].as_str().unwrap().to_owned();
    let roles = payload(&alices)["resource_access"]["workflow-api"]["roles"].clone();
    assert!(roles.as_array().unwrap().contains(&json!("payment:start")), "{roles}");
    expect_rejection(&mut lab, &alices, "forbidden_client");
    let own = lab.granted("workflows", &[&credentials[..], &[("grant_type", "client_credentials")]].concat(), &[]);
    expect_rejection(&mut lab, own["access_token"].as_str().unwrap(), "forbidden_client");
}

#[test]
fn a_lightweight_token_is_rejected_as_such() {
    let mut lab = turn();
    let answer = lab.login("workflows", &[("client_id", "admin-cli")], "alice", &lab.password("alice").unwrap());
    expect_rejection(&mut lab, answer["access_token"].as_str().unwrap(), "lightweight_token");
}

#[test]
fn a_token_that_is_bound_to_a_key_is_rejected_as_such() {
    let mut lab = turn();
    let key = TestKey::generate("ES256", "proof");
    let jwk = key.jwk();
    let public = json!({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]});
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public});
    let now = payload(&lab.token("alice").unwrap())["iat"].clone();
    let claims = json!({"jti": unique(), "htm": "POST", "htu": lab.token_endpoint("workflows"), "iat": now});
    let proof = key.token_of(&header.to_string(), &claims.to_string());
    let password = lab.password("alice").unwrap();
    let form = [("grant_type", "password"), ("client_id", CLIENT), ("username", "alice"), ("password", &password)];
    let answer = lab.granted("workflows", &form, &[("DPoP", &proof)]);
    assert_eq!(answer["token_type"], "DPoP");
    expect_rejection(&mut lab, answer["access_token"].as_str().unwrap(), "dpop_bound_token");
}
