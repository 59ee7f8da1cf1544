//! Our service account: how it gets its token, keeps it, and loses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use claim_guard::audit::Reason;
use claim_guard::identifier::KeyId;
use claim_guard::jws::DerError;
use claim_guard::{JsonError, UnixTime};
use minting::{ServiceError, Signer};
use realm_keys::{Document, ExchangeFault};
use serde_json::{Value, json};
use test_realm::{NOW, with, without};

use super::faulty_server::{Heard, Reply};
use super::stage::*;
use crate::keycloak::realm_refusal::RealmRefusal;
use crate::keycloak::{Keycloak, KeycloakFault, ServiceTokenFault};
use crate::realm::Realm;

fn refusal(body: &Value) -> RealmRefusal {
    RealmRefusal::parse(body.to_string().as_bytes()).unwrap()
}

fn status(document: Document, presented: u16) -> KeycloakFault {
    KeycloakFault::Exchange(ExchangeFault::Status { document, presented, retry_after: None })
}

/// Whether the request shows the token of that number.
fn shows(heard: &Heard, number: u32) -> bool {
    heard.header("authorization").is_some_and(|shown| shown == format!("Bearer {}", said::token_text(number)))
}

async fn at(keycloak: &Keycloak<Key>, server: &super::faulty_server::FaultyServer, seconds: i64) {
    let now = UnixTime::from_seconds(NOW + seconds).unwrap();
    keycloak.answers(&question(server, WITH_SESSION), now).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_token_is_kept_from_one_question_to_the_next_until_shortly_before_its_end() {
    // Evaluated claims that hold for an hour, so that only the token grows old.
    let server =
        keycloak_with(EVALUATION, |origin| said::good(&with(said::evaluation(origin), "/exp", json!(NOW + 3600))))
            .await;
    let keycloak = asker(&server, PATIENT);
    for (seconds, tokens) in [(0, 1), (1, 1), (269, 1), (270, 2), (539, 2), (540, 3)] {
        at(&keycloak, &server, seconds).await;
        assert_eq!(count(&server, TOKEN), tokens, "after {seconds} s");
    }
}

#[tokio::test]
async fn k12_ten_branches_that_ask_at_once_take_one_token() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    let question = question(&server, WITH_SESSION);
    let ask = || async { keycloak.answers(&question, now()).await.unwrap().unwrap() };
    tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
    assert_eq!(count(&server, TOKEN), 1);
    assert_eq!(server.paths().len(), 1 + 10 * 5);
}

#[tokio::test]
async fn k14_an_answer_without_a_usable_token_is_none_and_nobody_is_asked_with_it() {
    let number = ServiceTokenFault::WrongType { member: "expires_in", expected: "positive integer" };
    let table = [
        (without(said::service_token(1), "/access_token"), ServiceTokenFault::Absent { member: "access_token" }),
        (with(said::service_token(1), "/access_token", json!("a b")), ServiceTokenFault::NotAToken { bytes: 3 }),
        (with(said::service_token(1), "/expires_in", json!(-1)), number),
        (json!([]), ServiceTokenFault::Malformed(JsonError::NotAnObject)),
    ];
    for (answer, fault) in table {
        let server = keycloak_saying(TOKEN, answer).await;
        check_fault(&server, KeycloakFault::ServiceToken(fault)).await;
        assert_eq!(administered(&server), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_client_that_the_realm_does_not_know_is_misconfigured() {
    let table = [
        (
            "401 Unauthorized",
            401,
            json!({ "error": "invalid_client", "error_description": "Invalid client or Invalid client credentials" }),
        ),
        (
            "400 Bad Request",
            400,
            json!({ "error": "invalid_client", "error_description": "Unable to load public key" }),
        ),
        (
            "401 Unauthorized",
            401,
            json!({ "error": "unauthorized_client", "error_description": "Client not enabled to retrieve service account" }),
        ),
    ];
    for (head, status, body) in table {
        let refusal = refusal(&body);
        let server = keycloak_with(TOKEN, move |_| Reply::whole(head, &body.to_string())).await;
        check_fault(&server, KeycloakFault::ClientRefused { status, refusal }).await;
        assert_eq!(administered(&server), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_keycloaks_or_is_down_is_undecided() {
    for (head, presented) in [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("403 Forbidden", 403),
        ("404 Not Found", 404),
        ("500 Internal Server Error", 500),
        ("503 Service Unavailable", 503),
    ] {
        let server = keycloak_with(TOKEN, move |_| Reply::whole(head, "<html>no</html>")).await;
        check_fault(&server, status(Document::ServiceToken, presented)).await;
        assert_eq!(administered(&server), Vec::<String>::new());
    }
    // The whole realm is switched off: that may be for a while.
    let server = keycloak_with(TOKEN, |_| said::refusal("403 Forbidden", "access_denied")).await;
    check_fault(&server, status(Document::ServiceToken, 403)).await;
}

#[tokio::test]
async fn a_kept_token_that_is_withdrawn_is_replaced_at_once_by_one_new_one() {
    let withdrawn = Arc::new(AtomicUsize::new(0));
    let server = keycloak_but_for({
        let withdrawn = Arc::clone(&withdrawn);
        move |_, heard| {
            let refused = shows(heard, 1) && withdrawn.load(Ordering::SeqCst) > 0;
            refused.then(|| said::refusal("401 Unauthorized", "HTTP 401 Unauthorized"))
        }
    })
    .await;
    let keycloak = asker(&server, PATIENT);
    at(&keycloak, &server, 0).await;
    assert_eq!(count(&server, TOKEN), 1);
    // As when the realm's notBefore is raised.
    withdrawn.store(1, Ordering::SeqCst);
    at(&keycloak, &server, 1).await;
    assert_eq!(count(&server, TOKEN), 2);
    at(&keycloak, &server, 2).await;
    assert_eq!(count(&server, TOKEN), 2);
}

#[tokio::test]
async fn a_realm_that_takes_none_of_its_own_tokens_is_asked_a_bounded_number_of_times() {
    let server = keycloak_but_for(|_, heard| {
        heard.path.starts_with("/admin/").then(|| said::refusal("401 Unauthorized", "HTTP 401 Unauthorized"))
    })
    .await;
    let keycloak = asker(&server, PATIENT);
    let fault = keycloak.answers(&question(&server, WITH_SESSION), now()).await.map(|_| ()).unwrap_err();
    let documents = [Document::Client, Document::User, Document::Sessions];
    assert!(documents.iter().any(|document| fault == KeycloakFault::TokenRefused { document: *document }), "{fault:?}");
    let tokens = count(&server, TOKEN);
    assert!((2..=4).contains(&tokens), "{tokens}");
    assert!(administered(&server).len() <= 6, "{:?}", administered(&server));
}

#[tokio::test]
async fn a_service_account_without_its_roles_is_misconfigured() {
    for (path, document, words) in [
        (CLIENTS, Document::Client, "HTTP 403 Forbidden"),
        (USER, Document::User, "HTTP 403 Forbidden"),
        (SESSIONS, Document::Sessions, "HTTP 403 Forbidden"),
        (EVALUATION, Document::Evaluation, "You have no access to this user"),
    ] {
        let server = keycloak_with(path, move |_| said::refusal("403 Forbidden", words)).await;
        let refusal = refusal(&json!({ "error": words }));
        check_fault(&server, KeycloakFault::Forbidden { document, refusal }).await;
        // A firewall's words are not Keycloak's.
        let server = keycloak_with(path, |_| Reply::whole("403 Forbidden", "<html>blocked</html>")).await;
        check_fault(&server, status(document, 403)).await;
    }
}

/// A key that does not sign.
struct NoKey(Result<Vec<u8>, ServiceError>);

impl Signer for NoKey {
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.0.clone()
    }
}

#[tokio::test]
async fn without_a_signature_nobody_is_asked_for_a_token() {
    let down = ServiceError::Undecided(Reason::new("service_unreachable", &"`Sign` has no answer"));
    let denied = ServiceError::Misconfigured(Reason::new("service_refused", &"`Sign` answered `400`"));
    let malformed = ServiceError::Undecided(Reason::new(
        "malformed_signature",
        &"client assertion: signature is not the DER of two integers of at most `32` bytes",
    ));
    for (signed, expected) in
        [(Err(down.clone()), down), (Err(denied.clone()), denied), (Ok(b"no signature".to_vec()), malformed)]
    {
        let server = good_keycloak().await;
        let key_id = KeyId::parse("kms-1").unwrap();
        let keycloak = Keycloak::new(access(&server), key_id, NoKey(signed)).unwrap();
        let question = question(&server, WITH_SESSION);
        let asked = keycloak.ask(&question, now()).await;
        assert_eq!(asked.map(|_| ()), Err(expected));
        assert_eq!((count(&server, TOKEN), administered(&server)), (0, Vec::new()));
    }
}

#[test]
fn each_fault_heals_by_itself_or_waits_for_somebody() {
    let refusal = refusal(&json!({ "error": "invalid_client" }));
    let (document, retry_after) = (Document::User, None);
    let table = [
        (
            KeycloakFault::ClientRefused { status: 401, refusal: refusal.clone() },
            ServiceError::Misconfigured(Reason::new(
                "keycloak_client_refused",
                &"our client is refused with status `401`: `invalid_client`",
            )),
        ),
        (
            KeycloakFault::Forbidden { document, refusal },
            ServiceError::Misconfigured(Reason::new(
                "keycloak_forbidden",
                &"our service account may not read the user: `invalid_client`",
            )),
        ),
        (
            KeycloakFault::TokenRefused { document },
            ServiceError::Undecided(Reason::new(
                "keycloak_token_refused",
                &"the user was refused to a token that keycloak has just given",
            )),
        ),
        (
            KeycloakFault::Exchange(ExchangeFault::Status { document, presented: 503, retry_after }),
            ServiceError::Undecided(Reason::new(
                "keycloak_status",
                &"the user was answered with status `503`, expected `200`",
            )),
        ),
        (
            KeycloakFault::Timeout { deadline: PATIENT },
            ServiceError::Undecided(Reason::new(
                "keycloak_timeout",
                &"keycloak did not answer everything within `20000` ms",
            )),
        ),
        (
            KeycloakFault::ServiceToken(ServiceTokenFault::Absent { member: "access_token" }),
            ServiceError::Undecided(Reason::new(
                "keycloak_service_token",
                &"the service account's token is none: `access_token` is absent",
            )),
        ),
        (
            KeycloakFault::MalformedSignature(DerError),
            ServiceError::Undecided(Reason::new(
                "malformed_signature",
                &"client assertion: signature is not the DER of two integers of at most `32` bytes",
            )),
        ),
        (
            KeycloakFault::NoRandom,
            ServiceError::Undecided(Reason::new("no_random", &"the system gives no random bytes")),
        ),
    ];
    for (fault, expected) in table {
        assert_eq!(ServiceError::from(fault), expected);
    }
}
