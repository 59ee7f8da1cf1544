//! What the realm says of user, client and session, and what does not count as its word: group K of docs/attacks.md.

use claim_guard::Excerpt;
use claim_guard::identifier::{ClientId, Issuer, SessionId, Subject};
use claim_guard::json::{MemberError, Part};
use claim_guard::revalidation::{AnswerFault, AnswerKind, Withdrawal};
use claim_guard::{ClaimPath, JsonError, Rejection, UnixTime};
use realm_keys::{Document, ExchangeFault};
use serde_json::{Value, json};
use test_realm::{CLIENT, NOW, SUBJECT, with, without};

use super::faulty_server::{FaultyServer, Reply};
use super::stage::*;
use crate::keycloak::KeycloakFault;

fn subject() -> Subject {
    Subject::parse(SUBJECT).unwrap()
}

fn client_id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds).unwrap()
}

fn answer(fault: AnswerFault) -> KeycloakFault {
    KeycloakFault::Answer(fault)
}

fn wrong_type(kind: AnswerKind, name: &'static str, expected: &'static str, presented: &'static str) -> KeycloakFault {
    answer(AnswerFault::Member {
        kind,
        error: MemberError::WrongType { part: Part::Answer, name, expected, presented },
    })
}

fn missing(kind: AnswerKind, name: &'static str) -> KeycloakFault {
    answer(AnswerFault::Member { kind, error: MemberError::Missing { part: Part::Answer, name } })
}

async fn saying_of_client(pointer: &str, value: Value) -> FaultyServer {
    keycloak_saying(CLIENTS, json!([with(said::client(), pointer, value)])).await
}

async fn saying_of_user(pointer: &str, value: Value) -> FaultyServer {
    keycloak_saying(USER, with(said::user(), pointer, value)).await
}

async fn saying_of_realm(pointer: &'static str, value: Value) -> FaultyServer {
    keycloak_with(REALM, move |origin| said::good(&with(said::realm(origin), pointer, value.clone()))).await
}

async fn evaluating(pointer: &'static str, value: Value) -> FaultyServer {
    keycloak_with(EVALUATION, move |origin| said::good(&with(said::evaluation(origin), pointer, value.clone()))).await
}

/// The realm takes its word back, so it is not even asked what a token of now would say.
async fn check_stopped(server: &FaultyServer, expected: Withdrawal) {
    check_withdrawn(server, &[expected]).await;
    assert_eq!(count(server, EVALUATION), 0);
}

#[tokio::test]
async fn k1_a_disabled_user_or_client_ends_it() {
    check_stopped(&saying_of_user("/enabled", json!(false)).await, Withdrawal::UserDisabled { subject: subject() })
        .await;
    let disabled = Withdrawal::ClientDisabled { client: client_id() };
    check_stopped(&saying_of_client("/enabled", json!(false)).await, disabled).await;
}

#[tokio::test]
async fn a_user_who_is_locked_out_for_a_while_or_read_beside_others_is_not_taken_for_disabled() {
    let locked_out = || answer(AnswerFault::LockedOut { subject: subject() });
    let another = with(said::disabled_user(), "/id", json!("another"));
    for found in [json!([]), json!([another]), json!([said::user()])] {
        let server = keycloak_but_for(move |_, heard| match heard.path.as_str() {
            USER => Some(said::good(&said::disabled_user())),
            DISABLED_USERS => Some(said::good(&found)),
            _ => None,
        })
        .await;
        check_fault(&server, locked_out()).await;
        assert_eq!(count(&server, EVALUATION), 0);
    }
    // That he is no more when he is searched for says nothing of why he was answered as disabled.
    let server = keycloak_but_for(|_, heard| match heard.path.as_str() {
        USER => Some(said::good(&said::disabled_user())),
        DISABLED_USERS => Some(said::refusal("404 Not Found", "User not found")),
        _ => None,
    })
    .await;
    let document = Document::DisabledUsers;
    let not_found = ExchangeFault::Status { document, presented: 404, retry_after: None };
    check_fault(&server, KeycloakFault::Exchange(not_found)).await;
}

#[tokio::test]
async fn k1_a_deleted_user_or_client_ends_it() {
    let no_user = |_: &str| said::refusal("404 Not Found", "User not found");
    check_stopped(&keycloak_with(USER, no_user).await, Withdrawal::UserDeleted { subject: subject() }).await;
    let deleted = Withdrawal::ClientDeleted { client: client_id() };
    check_stopped(&keycloak_saying(CLIENTS, json!([])).await, deleted).await;
}

#[tokio::test]
async fn k1_a_deleted_user_has_no_sessions_either_and_both_are_told() {
    let server = keycloak_but_for(|_, heard| {
        heard.path.starts_with(USER).then(|| said::refusal("404 Not Found", "User not found"))
    })
    .await;
    let session = SessionId::parse(SESSION).unwrap();
    let ended = Withdrawal::SessionEnded { session };
    check_withdrawn(&server, &[Withdrawal::UserDeleted { subject: subject() }, ended]).await;
}

#[tokio::test]
async fn k2_enabled_is_true_or_false_and_nothing_else() {
    let values =
        [(json!("true"), "text"), (json!(1), "an integer"), (json!(null), "null"), (json!([true]), "an array")];
    for (value, presented) in values {
        let server = saying_of_user("/enabled", value.clone()).await;
        check_fault(&server, wrong_type(AnswerKind::User, "enabled", "a boolean", presented)).await;
        let server = saying_of_client("/enabled", value).await;
        check_fault(&server, wrong_type(AnswerKind::Client, "enabled", "a boolean", presented)).await;
    }
    let server = keycloak_saying(USER, without(said::user(), "/enabled")).await;
    check_fault(&server, missing(AnswerKind::User, "enabled")).await;
    let server = keycloak_saying(CLIENTS, json!([without(said::client(), "/enabled")])).await;
    check_fault(&server, missing(AnswerKind::Client, "enabled")).await;
}

#[tokio::test]
async fn k3_an_answer_about_another_user_is_none() {
    let another = |kind| {
        let (expected, presented) = (subject(), Excerpt::of("mallory"));
        answer(AnswerFault::AnotherUser { kind, expected, presented })
    };
    check_fault(&saying_of_user("/id", json!("mallory")).await, another(AnswerKind::User)).await;
    check_fault(&evaluating("/sub", json!("mallory")).await, another(AnswerKind::Evaluation)).await;
    let foreign = with(said::session(SESSION), "/userId", json!("mallory"));
    let server = keycloak_saying(SESSIONS, json!([said::session("another"), foreign])).await;
    check_fault(&server, another(AnswerKind::Sessions)).await;
}

#[tokio::test]
async fn k3_an_answer_about_another_client_or_several_is_none() {
    let another = |kind, presented| {
        let (expected, presented) = (client_id(), Excerpt::of(presented));
        answer(AnswerFault::AnotherClient { kind, expected, presented })
    };
    let server = saying_of_client("/clientId", json!("other-app")).await;
    check_fault(&server, another(AnswerKind::Client, "other-app")).await;
    check_fault(&evaluating("/azp", json!("other-app")).await, another(AnswerKind::Evaluation, "other-app")).await;
    let server = keycloak_saying(CLIENTS, json!([said::client(), said::client()])).await;
    check_fault(&server, another(AnswerKind::Client, "2 clients")).await;
}

#[tokio::test]
async fn k3_claims_that_are_not_for_us_any_more_end_it() {
    let server = evaluating("/aud", json!("other-api")).await;
    check_withdrawn(&server, &[Withdrawal::AudienceWithdrawn { presented: Excerpt::of("other-api") }]).await;
}

#[tokio::test]
async fn k3_claims_of_another_kind_of_token_are_no_answer() {
    for (kind, rejection) in [("ID", Rejection::IdToken), ("Refresh", Rejection::RefreshToken)] {
        check_fault(&evaluating("/typ", json!(kind)).await, answer(AnswerFault::Evaluation(rejection))).await;
    }
}

#[tokio::test]
async fn k4_claims_that_have_expired_are_no_answer() {
    let expired =
        |expired_at| answer(AnswerFault::Evaluation(Rejection::Expired { expired_at: time(expired_at), now: now() }));
    // The verifier grants 5 seconds between two clocks.
    for expired_at in [NOW - 6, NOW - 5] {
        let server = keycloak_with(EVALUATION, move |origin| {
            let claims = with(said::evaluation(origin), "/iat", json!(NOW - 300));
            said::good(&with(claims, "/exp", json!(expired_at)))
        })
        .await;
        check_fault(&server, expired(expired_at)).await;
    }
}

#[tokio::test]
async fn k6_an_answer_of_another_realm_is_none() {
    let server = saying_of_realm("/realm", json!("other")).await;
    let (expected, presented) = ("workflows".to_owned(), Excerpt::of("other"));
    check_fault(&server, answer(AnswerFault::AnotherRealm { expected, presented })).await;

    let server = evaluating("/iss", json!("https://id.example/realms/workflows")).await;
    let expected = Issuer::parse(&format!("{}{REALM}", server.origin())).unwrap();
    let presented = Excerpt::of("https://id.example/realms/workflows");
    let rejection = Rejection::WrongIssuer { expected, presented };
    check_fault(&server, answer(AnswerFault::Evaluation(rejection))).await;
}

#[tokio::test]
async fn k8_what_is_withdrawn_from_before_a_time_is_compared_here_whatever_else_is_answered() {
    let (not_before, issued_at) = (time(ISSUED_AT + 1), time(ISSUED_AT));
    let server = saying_of_realm("/tokens-not-before", json!(ISSUED_AT + 1)).await;
    check_stopped(&server, Withdrawal::RealmNotBefore { not_before, issued_at }).await;
    let server = saying_of_client("/notBefore", json!(ISSUED_AT + 1)).await;
    check_stopped(&server, Withdrawal::ClientNotBefore { not_before, issued_at }).await;
    let server = saying_of_user("/notBefore", json!(ISSUED_AT + 1)).await;
    check_stopped(&server, Withdrawal::UserNotBefore { not_before, issued_at }).await;
}

#[tokio::test]
async fn k8_a_token_of_the_same_second_survives_as_keycloak_itself_has_it() {
    for server in [
        saying_of_realm("/tokens-not-before", json!(ISSUED_AT)).await,
        saying_of_client("/notBefore", json!(ISSUED_AT)).await,
        saying_of_user("/notBefore", json!(ISSUED_AT)).await,
    ] {
        ask(&server).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn k8_a_time_that_is_none_is_no_answer() {
    let expected = "whole seconds since 1970";
    for (value, presented) in [(json!("0"), "text"), (json!(-1), "an integer"), (json!(null), "null")] {
        let server = saying_of_realm("/tokens-not-before", value.clone()).await;
        check_fault(&server, wrong_type(AnswerKind::Realm, "tokens-not-before", expected, presented)).await;
        let server = saying_of_client("/notBefore", value.clone()).await;
        check_fault(&server, wrong_type(AnswerKind::Client, "notBefore", expected, presented)).await;
        let server = saying_of_user("/notBefore", value).await;
        check_fault(&server, wrong_type(AnswerKind::User, "notBefore", expected, presented)).await;
    }
}

#[tokio::test]
async fn k13_the_roles_and_flags_of_now_apply_be_they_fewer_or_more() {
    let table: [(Value, &[&str]); 3] = [
        (json!({}), &[]),
        (json!({ "workflow-api": { "roles": ["payment:approve"] } }), &["workflow-api:payment:approve"]),
        (
            json!({ "workflow-api": { "roles": ["payment:approve", "payment:start", "payment:delete-all"] } }),
            &["workflow-api:payment:approve", "workflow-api:payment:start"],
        ),
    ];
    for (access, expected) in table {
        let statement = ask(&evaluating("/resource_access", access).await).await.unwrap().unwrap();
        let roles: Vec<_> = statement.identity().roles().iter().map(ToString::to_string).collect();
        assert_eq!(roles, expected);
    }
    let statement = ask(&evaluating("/compliance", json!({ "kyc": false })).await).await.unwrap().unwrap();
    let kyc = ClaimPath::parse("compliance.kyc").unwrap();
    assert_eq!(statement.identity().claims().get(&kyc), Some(json!(false)));
}

#[tokio::test]
async fn k13_the_statement_keeps_its_own_session_and_not_the_one_that_the_evaluation_made_up() {
    let statement = ask(&good_keycloak().await).await.unwrap().unwrap();
    assert_eq!(statement.identity().session_id().map(SessionId::as_str), Some(SESSION));
    assert_eq!(statement.identity().token_id().as_str(), "onrtro:3c0f6a52");
}

#[tokio::test]
async fn k20_a_session_that_is_over_ends_a_run_that_requires_it() {
    let session = SessionId::parse(SESSION).unwrap();
    for sessions in [json!([]), json!([said::session("another")])] {
        let server = keycloak_saying(SESSIONS, sessions).await;
        check_stopped(&server, Withdrawal::SessionEnded { session: session.clone() }).await;
        // Where it does not matter, nobody looks.
        let outcome = outcome(&asker(&server, PATIENT), question(&server, WITHOUT_SESSION), WITHOUT_SESSION).await;
        outcome.unwrap().unwrap();
    }
}

#[tokio::test]
async fn k20_a_session_that_the_client_has_left_ends_a_run_that_requires_it() {
    let elsewhere = with(said::session(SESSION), "/clients", json!({ "another-uuid": "another-app" }));
    let session = SessionId::parse(SESSION).unwrap();
    let ended = Withdrawal::ClientSessionEnded { session, client: client_id() };
    check_stopped(&keycloak_saying(SESSIONS, json!([elsewhere])).await, ended).await;
}

#[tokio::test]
async fn k20_a_session_that_was_begun_anew_ends_a_run_that_requires_it() {
    let anew = with(said::session(SESSION), "/start", json!((ISSUED_AT + 1) * 1000));
    let (session, started_at) = (SessionId::parse(SESSION).unwrap(), time(ISSUED_AT + 1));
    let restarted = Withdrawal::SessionRestarted { session, started_at, issued_at: time(ISSUED_AT) };
    check_stopped(&keycloak_saying(SESSIONS, json!([anew])).await, restarted).await;
}

/// A Keycloak whose client needs consent, and what it says of the subject's consents.
async fn needing_consent(consents: impl Fn() -> Reply + Send + Sync + 'static) -> FaultyServer {
    keycloak_but_for(move |_, heard| match heard.path.as_str() {
        CLIENTS => Some(said::good(&json!([with(said::client(), "/consentRequired", json!(true))]))),
        CONSENTS => Some(consents()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn k20_a_consent_that_was_withdrawn_ends_a_run_that_requires_the_session() {
    let server = needing_consent(|| said::good(&json!([said::consent(CLIENT)]))).await;
    ask(&server).await.unwrap().unwrap();
    assert_eq!(count(&server, CONSENTS), 1);
    let server = needing_consent(|| said::good(&json!([said::consent("another-app")]))).await;
    check_stopped(&server, Withdrawal::ConsentWithdrawn { client: client_id() }).await;
    // Where the session does not matter, nobody looks.
    let outcome = outcome(&asker(&server, PATIENT), question(&server, WITHOUT_SESSION), WITHOUT_SESSION).await;
    outcome.unwrap().unwrap();
    assert_eq!(count(&server, CONSENTS), 1);

    let server = needing_consent(|| said::good(&json!({}))).await;
    check_fault(&server, answer(AnswerFault::NotAList { kind: AnswerKind::Consents })).await;
    let server = needing_consent(|| Reply::whole("503 Down", "")).await;
    let down = ExchangeFault::Status { document: Document::Consents, presented: 503, retry_after: None };
    check_fault(&server, KeycloakFault::Exchange(down)).await;
}

#[tokio::test]
async fn k20_a_run_without_a_session_has_none_to_live_on() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    let outcome = outcome(&keycloak, question_without_sid(&server, WITH_SESSION), WITH_SESSION).await;
    assert_eq!(outcome.unwrap().map(|_| ()), Err(vec![Withdrawal::SessionAbsent]));
    assert_eq!(count(&server, SESSIONS), 0);
}

#[tokio::test]
async fn a_caller_without_a_session_goes_on_where_none_is_required() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    let outcome = outcome(&keycloak, question_without_sid(&server, WITHOUT_SESSION), WITHOUT_SESSION).await;
    assert_eq!(outcome.unwrap().unwrap().identity().session_id(), None);
}

#[tokio::test]
async fn everything_that_stands_against_it_is_told_at_once() {
    let server = keycloak_but_for(|origin, heard| match heard.path.as_str() {
        REALM => Some(said::good(&with(said::realm(origin), "/tokens-not-before", json!(NOW)))),
        CLIENTS => Some(said::good(&json!([with(said::client(), "/enabled", json!(false))]))),
        USER => Some(said::good(&with(said::user(), "/enabled", json!(false)))),
        SESSIONS => Some(said::good(&json!([]))),
        _ => None,
    })
    .await;
    let expected = [
        Withdrawal::RealmNotBefore { not_before: now(), issued_at: time(ISSUED_AT) },
        Withdrawal::ClientDisabled { client: client_id() },
        Withdrawal::UserDisabled { subject: subject() },
        Withdrawal::SessionEnded { session: SessionId::parse(SESSION).unwrap() },
    ];
    check_withdrawn(&server, &expected).await;
}

#[tokio::test]
async fn only_keycloaks_own_words_say_that_a_user_is_not_there() {
    let not_found =
        |document| KeycloakFault::Exchange(ExchangeFault::Status { document, presented: 404, retry_after: None });
    for body in [
        "",
        "User not found",
        "<html><title>404 Not Found</title></html>",
        r#"{"error":"HTTP 404 Not Found"}"#,
        r#"{"error":"Realm not found."}"#,
        r#"{"error":"Unable to find matching target resource method"}"#,
        r#"{"error":"No user found"}"#,
        r#"{"error":"user not found"}"#,
        r#"{"error":["User not found"]}"#,
        r#"{"message":"User not found"}"#,
        r#"{"error":"User not found""#,
    ] {
        let reply = move |_: &str| Reply::whole("404 Not Found", body);
        check_fault(&keycloak_with(USER, reply).await, not_found(Document::User)).await;
        check_fault(&keycloak_with(SESSIONS, reply).await, not_found(Document::Sessions)).await;
    }
    // What is gone between two requests is for the next try to find gone.
    for (path, document, error) in [
        (CLIENTS, Document::Client, "Realm not found."),
        (EVALUATION, Document::Evaluation, "No user found"),
        (EVALUATION, Document::Evaluation, "Could not find client"),
        (EVALUATION, Document::Evaluation, "User not found"),
    ] {
        let server = keycloak_with(path, move |_| said::refusal("404 Not Found", error)).await;
        check_fault(&server, not_found(document)).await;
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_none() {
    let malformed = |kind, text: &str| {
        let error = claim_guard::strict_json_object(text.as_bytes()).map(|_| ()).unwrap_err();
        answer(AnswerFault::MalformedJson { kind, error })
    };
    let kinds = [
        (REALM, AnswerKind::Realm),
        (CLIENTS, AnswerKind::Client),
        (USER, AnswerKind::User),
        (SESSIONS, AnswerKind::Sessions),
        (EVALUATION, AnswerKind::Evaluation),
    ];
    for (path, kind) in kinds {
        for text in ["", "<!DOCTYPE html><title>Sign in</title>", r#"{"id":"x","id":"x"}"#, r#"{"id":"#] {
            let server = keycloak_with(path, move |_| Reply::whole("200 OK", text)).await;
            check_fault(&server, malformed(kind, text)).await;
        }
        let (other, expected) = match kind {
            AnswerKind::Client | AnswerKind::DisabledUsers | AnswerKind::Sessions | AnswerKind::Consents => {
                (json!({}), AnswerFault::NotAList { kind })
            }
            AnswerKind::Realm | AnswerKind::User | AnswerKind::Evaluation => {
                (json!([]), AnswerFault::MalformedJson { kind, error: JsonError::NotAnObject })
            }
        };
        check_fault(&keycloak_saying(path, other).await, answer(expected)).await;
    }
}
