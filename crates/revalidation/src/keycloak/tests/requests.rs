//! What Keycloak is asked, and what it is shown.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use claim_guard::revalidation::Withdrawal;
use realm_keys::{Document, ExchangeFault};
use serde_json::{Value, json};
use test_realm::{NOW, TestKey, with, without};

use super::faulty_server::{FaultyServer, Heard, Reply};
use super::stage::*;
use crate::keycloak::KeycloakFault;

/// The fields of a form (`application/x-www-form-urlencoded`).
fn fields(heard: &Heard) -> Vec<(String, String)> {
    form_urlencoded::parse(heard.body.as_bytes()).into_owned().collect()
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn assertions(server: &FaultyServer) -> Vec<String> {
    let asked = server.heard().into_iter().filter(|heard| heard.path == TOKEN);
    asked.map(|heard| fields(&heard).into_iter().find(|(name, _)| name == "client_assertion").unwrap().1).collect()
}

#[tokio::test]
async fn a_subject_in_good_standing_costs_six_requests() {
    let server = good_keycloak().await;
    let statement = ask(&server).await.unwrap().unwrap();
    let roles: Vec<_> = statement.identity().roles().iter().map(ToString::to_string).collect();
    assert_eq!(roles, ["workflow-api:payment:approve", "workflow-api:payment:start"]);
    assert_eq!(statement.epoch(), 1);
    assert_eq!(administered(&server), [EVALUATION, CLIENTS, USER, SESSIONS]);
    assert_eq!(server.paths().len(), 6);
    assert_eq!((count(&server, TOKEN), count(&server, REALM)), (1, 1));
    // The claims of now can only be asked for once it is known whose they are.
    assert_eq!(server.paths().last().map(String::as_str), Some(EVALUATION));
}

#[tokio::test]
async fn the_session_is_asked_for_only_where_it_has_to_be_alive() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    outcome(&keycloak, question(&server, WITHOUT_SESSION), WITHOUT_SESSION).await.unwrap().unwrap();
    assert_eq!(administered(&server), [EVALUATION, CLIENTS, USER]);
}

#[tokio::test]
async fn a_start_asks_what_stands_behind_its_token_and_not_what_a_token_of_now_would_say() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    assert_eq!(keycloak.standing(&start_question(&server, WITH_SESSION), now()).await, Ok(Ok(())));
    assert_eq!(administered(&server), [CLIENTS, USER, SESSIONS]);
    assert_eq!(server.paths(), [REALM, TOKEN, CLIENTS, USER, SESSIONS]);

    let server = keycloak_saying(SESSIONS, json!([])).await;
    let over = asker(&server, PATIENT).standing(&start_question(&server, WITH_SESSION), now()).await.unwrap();
    let codes: Vec<_> = over.unwrap_err().all().iter().map(Withdrawal::code).collect();
    assert_eq!(codes, ["session_ended"]);
}

#[tokio::test]
async fn a_start_is_undecided_where_keycloak_does_not_answer_in_time_or_is_another_s() {
    let server = keycloak_with(SESSIONS, |_| Reply::whole("503 Down", "")).await;
    let down = ExchangeFault::Status { document: Document::Sessions, presented: 503, retry_after: None };
    let asked = asker(&server, PATIENT).standing(&start_question(&server, WITH_SESSION), now()).await;
    assert_eq!(asked, Err(KeycloakFault::Exchange(down)));

    let silent = keycloak_with(SESSIONS, |_| Reply::Deaf(Vec::new())).await;
    let asked = asker(&silent, IMPATIENT).standing(&start_question(&silent, WITH_SESSION), now()).await;
    assert_eq!(asked, Err(KeycloakFault::Timeout { deadline: IMPATIENT }));

    let another = start_question(&good_keycloak().await, WITH_SESSION);
    let expected = Issuer::parse(&format!("{}{REALM}", server.origin())).unwrap();
    let presented = another.inquiry().issuer().clone();
    let asked = asker(&server, PATIENT).standing(&another, now()).await;
    assert_eq!(asked, Err(KeycloakFault::AnotherIssuer { expected, presented }));
}

#[tokio::test]
async fn the_token_is_shown_to_the_administration_and_to_nobody_else() {
    let server = good_keycloak().await;
    ask(&server).await.unwrap().unwrap();
    for heard in server.heard() {
        let shown = heard.path.starts_with("/admin/").then(|| format!("Bearer {}", said::token_text(1)));
        assert_eq!(heard.header("authorization"), shown.as_deref(), "{}", heard.path);
        assert_eq!(heard.header("cookie"), None);
        assert_eq!(heard.method, if heard.path == TOKEN { "POST" } else { "GET" });
    }
}

#[tokio::test]
async fn our_client_proves_itself_by_an_assertion_and_not_by_a_secret() {
    let server = good_keycloak().await;
    let key = TestKey::kms();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key());
    let keycloak = asker_with(access(&server), key);
    outcome(&keycloak, question(&server, WITH_SESSION), WITH_SESSION).await.unwrap().unwrap();

    let asked = server.heard().into_iter().find(|heard| heard.path == TOKEN).unwrap();
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let names: Vec<_> = fields(&asked).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["grant_type", "client_assertion_type", "client_assertion"]);
    assert_eq!(fields(&asked)[0].1, "client_credentials");
    assert_eq!(fields(&asked)[1].1, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

    let assertion = &assertions(&server)[0];
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
    assert_eq!(header, json!({ "alg": "ES256", "kid": "kms-1", "typ": "JWT" }));
    let payload: Value = serde_json::from_slice(&decoded(payload)).unwrap();
    let jti = payload["jti"].as_str().unwrap();
    assert_eq!(jti.len(), 32);
    let expected = json!({
        "iss": SERVICE_CLIENT, "sub": SERVICE_CLIENT, "aud": format!("{}{REALM}", server.origin()), "jti": jti,
        "iat": NOW, "exp": NOW + 60,
    });
    assert_eq!(payload, expected);
    assert_eq!(public.verify(signed.as_bytes(), &decoded(signature)), Ok(()));
}

#[tokio::test]
async fn no_assertion_is_used_twice() {
    let server = good_keycloak().await;
    for _ in 0..5 {
        // Each is another process, which has no token yet.
        ask(&server).await.unwrap().unwrap();
    }
    assert_eq!(assertions(&server).into_iter().collect::<BTreeSet<_>>().len(), 5);
}

#[tokio::test]
async fn whatever_a_name_holds_is_asked_for_whole() {
    for (name, path, query) in [
        ("a/../b", "a%2F..%2Fb", "a%2F..%2Fb"),
        ("a?b=c&d#e", "a%3Fb=c&d%23e", "a%3Fb%3Dc%26d%23e"),
        ("%2e%2e", "%252e%252e", "%252e%252e"),
        ("über \\ 1", "%C3%BCber%20%5C%201", "%C3%BCber+%5C+1"),
    ] {
        let server = good_keycloak().await;
        let statement = with(statement(&server.origin()), "/sub", json!(name));
        let statement = with(statement, "/req_wl", json!(name));
        let keycloak = asker(&server, PATIENT);
        let asked = outcome(&keycloak, question_of(&statement, WITHOUT_SESSION), WITHOUT_SESSION).await;
        // The stage knows neither, so nothing comes of it; but what it was asked for is what was meant.
        assert!(matches!(asked, Err(KeycloakFault::Exchange(_))), "{asked:?}");
        let admin = "/admin/realms/workflows";
        let possible = [format!("{admin}/clients?clientId={query}"), format!("{admin}/users/{path}")];
        let asked = administered(&server);
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|path| possible.contains(path)), "{asked:?}");
    }
}

#[tokio::test]
async fn a_scope_with_several_values_and_none_are_asked_for_as_they_were() {
    let base = EVALUATION.trim_end_matches("openid");
    let server = good_keycloak().await;
    let several = with(statement(&server.origin()), "/rctx/scope", json!("openid a:b&c"));
    let none = without(statement(&server.origin()), "/rctx/scope");
    for (statement, query) in [(several, "openid+a%3Ab%26c"), (none, "")] {
        let keycloak = asker(&server, PATIENT);
        let _ = outcome(&keycloak, question_of(&statement, WITHOUT_SESSION), WITHOUT_SESSION).await;
        assert_eq!(count(&server, &format!("{base}{query}")), 1);
    }
}

#[tokio::test]
async fn a_subject_of_dots_is_asked_nobody_about() {
    let server = good_keycloak().await;
    let statement = with(statement(&server.origin()), "/sub", json!(".."));
    let keycloak = asker(&server, PATIENT);
    let asked = outcome(&keycloak, question_of(&statement, WITHOUT_SESSION), WITHOUT_SESSION).await;
    let presented = Excerpt::of("users/..");
    assert_eq!(asked.map(|_| ()), Err(KeycloakFault::NotAPathPart { presented }));
    assert!(!server.paths().iter().any(|path| path.contains("users")), "{:?}", server.paths());
}

#[tokio::test]
async fn k6_a_subject_of_another_realm_is_asked_nobody_about() {
    let server = good_keycloak().await;
    let other = format!("{}/realms/other", server.origin());
    let statement = with(statement(&server.origin()), "/rctx/iss", json!(other));
    let keycloak = asker(&server, PATIENT);
    let asked = outcome(&keycloak, question_of(&statement, WITHOUT_SESSION), WITHOUT_SESSION).await;
    let (expected, presented) = (format!("{}{REALM}", server.origin()), other);
    let [expected, presented] = [expected, presented].map(|issuer| Issuer::parse(&issuer).unwrap());
    assert_eq!(asked.map(|_| ()), Err(KeycloakFault::AnotherIssuer { expected, presented }));
    assert_eq!(server.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn an_administration_elsewhere_is_asked_there_and_the_realm_here() {
    let server = good_keycloak().await;
    let elsewhere = format!("{}{ELSEWHERE}", server.origin());
    let keycloak = asker_with(administered_at(&server, &elsewhere), TestKey::kms());
    outcome(&keycloak, question(&server, WITH_SESSION), WITH_SESSION).await.unwrap().unwrap();
    let mut asked = server.paths();
    asked.sort();
    let there = [EVALUATION, CLIENTS, USER, SESSIONS].map(|path| format!("{ELSEWHERE}{path}"));
    assert_eq!(asked, [there.as_slice(), &[REALM.to_owned(), TOKEN.to_owned()]].concat());
}
