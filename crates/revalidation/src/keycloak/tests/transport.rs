//! What goes wrong on the way.

use std::time::Instant;

use claim_guard::Excerpt;
use realm_keys::{Document, ExchangeFault};

use super::faulty_server::{FaultyServer, Reply, Transport, whole};
use super::stage::*;
use crate::keycloak::KeycloakFault;

const LIMIT: usize = 256 * 1024;

/// Everything that is asked for.
const DOCUMENTS: [(&str, Document); 6] = [
    (TOKEN, Document::ServiceToken),
    (REALM, Document::Realm),
    (CLIENTS, Document::Client),
    (USER, Document::User),
    (SESSIONS, Document::Sessions),
    (EVALUATION, Document::Evaluation),
];

/// Each answer in its turn is that one, and leads to that fault.
async fn check_each(reply: fn() -> Reply, expected: impl Fn(Document) -> ExchangeFault) {
    for (path, document) in DOCUMENTS {
        let server = keycloak_with(path, move |_| reply()).await;
        check_fault(&server, KeycloakFault::Exchange(expected(document))).await;
    }
}

#[tokio::test]
async fn an_answer_with_a_status_of_trouble_is_none() {
    let status = |presented, seconds: Option<u64>| {
        let retry_after = seconds.map(std::time::Duration::from_secs);
        move |document| ExchangeFault::Status { document, presented, retry_after }
    };
    check_each(|| Reply::whole("500 Internal Server Error", "{}"), status(500, None)).await;
    check_each(|| Reply::whole("502 Bad Gateway", "<html>bad gateway</html>"), status(502, None)).await;
    check_each(|| Reply::whole("503 Down\r\nRetry-After: 7", ""), status(503, Some(7))).await;
    check_each(|| Reply::whole("429 Busy\r\nRetry-After: 3", ""), status(429, Some(3))).await;
    check_each(|| Reply::whole("204 No Content", ""), status(204, None)).await;
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let lost =
        |reason: &'static str| move |document| ExchangeFault::ConnectionLost { document, reason: Excerpt::of(reason) };
    check_each(|| Reply::Bytes(Vec::new()), lost("connection closed before message completed")).await;
    check_each(
        || Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"enabled\":true".to_vec()),
        lost("end of file before message length reached"),
    )
    .await;
    check_each(|| Reply::Bytes(b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec()), lost("invalid HTTP version parsed")).await;
}

#[tokio::test]
async fn an_endless_answer_is_left_at_the_limit() {
    let limit = |document| if document == Document::Sessions { 4 * LIMIT } else { LIMIT };
    check_each(
        || {
            let block = format!("1000\r\n{}\r\n", " ".repeat(4096)).into_bytes();
            Reply::Endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), block)
        },
        |document| ExchangeFault::TooLarge { document, limit: limit(document) },
    )
    .await;
}

#[tokio::test]
async fn an_answer_with_a_content_coding_is_refused_unread() {
    check_each(
        || {
            let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
            Reply::Endless(head.to_vec(), b"2\r\n\x1f\x8b\r\n".to_vec())
        },
        |document| ExchangeFault::Encoded { document, presented: Excerpt::of("gzip") },
    )
    .await;
}

#[tokio::test]
async fn one_deadline_holds_for_all_requests_together() {
    let timeout = KeycloakFault::Timeout { deadline: IMPATIENT };
    // Each piece comes soon enough, the whole does not.
    for (path, _) in DOCUMENTS {
        let drip = |_: &str| Reply::Slow(vec![b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(); 99], IMPATIENT / 10);
        let begun = Instant::now();
        check_fault_within(&keycloak_with(path, drip).await, IMPATIENT, timeout.clone()).await;
        assert!(begun.elapsed() < PATIENT);
    }
    // Each answer alone comes soon enough, token and user and evaluation one after the other do not.
    let server = keycloak_but_for(|origin, heard| {
        let json = match heard.path.as_str() {
            TOKEN => said::service_token(1),
            USER => said::user(),
            EVALUATION => said::evaluation(origin),
            _ => return None,
        };
        Some(Reply::Slow(vec![whole("200 OK", &json.to_string())], IMPATIENT * 4 / 10))
    })
    .await;
    check_fault_within(&server, IMPATIENT, timeout).await;
}

#[tokio::test]
async fn everything_that_a_question_needs_is_asked_on_one_connection() {
    let server = good_keycloak().await;
    ask(&server).await.unwrap().unwrap();
    assert_eq!((server.paths().len(), server.connections()), (6, 1));
}

#[tokio::test]
async fn no_connection_outlives_its_question() {
    let server = good_keycloak().await;
    let keycloak = asker(&server, PATIENT);
    for connections in 1..=3 {
        outcome(&keycloak, question(&server, WITH_SESSION), WITH_SESSION).await.unwrap().unwrap();
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn a_keycloak_that_keeps_no_connection_is_asked_on_several() {
    let server = keycloak_but_for(|origin, heard| {
        let json = match heard.path.as_str() {
            REALM => said::realm(origin),
            USER => said::user(),
            _ => return None,
        };
        Some(Reply::whole("200 OK\r\nConnection: close", &json.to_string()))
    })
    .await;
    ask(&server).await.unwrap().unwrap();
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn k19_no_redirect_is_followed_and_no_credential_is_sent_on() {
    let (target, elsewhere) = (good_keycloak().await, good_keycloak().await);
    for presented in [301, 302, 303, 307, 308] {
        for (path, document) in DOCUMENTS {
            // To a place on the very same host, which is trusted, and to another host.
            for location in [format!("{ELSEWHERE}{path}"), format!("{}{path}", target.origin())] {
                let head = format!("{presented} Elsewhere\r\nLocation: {location}");
                let server = keycloak_with(path, move |_| Reply::whole(&head, "")).await;
                let fault = ExchangeFault::Status { document, presented, retry_after: None };
                check_fault(&server, KeycloakFault::Exchange(fault)).await;
                assert!(!server.paths().iter().any(|asked| asked.starts_with(ELSEWHERE)), "{:?}", server.paths());
            }
        }
    }
    assert_eq!([target.heard(), elsewhere.heard()], [Vec::new(), Vec::new()]);
}

fn tls(reason: &str) -> KeycloakFault {
    KeycloakFault::Exchange(ExchangeFault::Tls { host: Excerpt::of("127.0.0.1"), reason: Excerpt::of(reason) })
}

/// Whom the server cannot prove to be hears nothing, neither assertion nor token.
async fn check_unheard(server: &FaultyServer, reason: &str) {
    check_fault(server, tls(reason)).await;
    assert_eq!(server.heard(), Vec::new());
}

#[tokio::test]
async fn k19_a_host_that_cannot_prove_its_name_hears_nothing() {
    let server = keycloak_on(Transport::SelfSigned(vec!["127.0.0.1".to_owned()]), |_, _| None).await;
    check_unheard(&server, "invalid peer certificate: UnknownIssuer").await;

    let server = keycloak_on(Transport::Tls(vec!["localhost".to_owned()]), |_, _| None).await;
    let another = "invalid peer certificate: certificate not valid for name \"127.0.0.1\"; certificate is only valid for \
                   DnsName(\"localhost\")";
    check_unheard(&server, another).await;
}

#[tokio::test]
async fn k19_a_host_without_tls_hears_nothing() {
    let plain = Transport::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let server = keycloak_on(plain, |_, _| None).await;
    check_unheard(&server, "received corrupt message of type InvalidContentType").await;
}

#[tokio::test]
async fn a_keycloak_that_is_not_there_is_undecided() {
    let server = good_keycloak().await;
    let (keycloak, question) = (asker(&server, PATIENT), question(&server, WITH_SESSION));
    drop(server);
    tokio::task::yield_now().await;
    let fault = ExchangeFault::Unreachable {
        host: Excerpt::of("127.0.0.1"),
        reason: Excerpt::of("Connection refused (os error 111)"),
    };
    assert_eq!(keycloak.answers(&question, now()).await.map(|_| ()), Err(KeycloakFault::Exchange(fault)));
}

#[tokio::test]
async fn a_keycloak_that_was_away_is_asked_anew() {
    let server = keycloak_but_for({
        let asked = std::sync::atomic::AtomicU32::new(0);
        move |_, heard| {
            let first = heard.path == TOKEN && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            first.then(|| Reply::whole("503 Down", ""))
        }
    })
    .await;
    let keycloak = asker(&server, PATIENT);
    let first = keycloak.answers(&question(&server, WITH_SESSION), now()).await.map(|_| ());
    let down = ExchangeFault::Status { document: Document::ServiceToken, presented: 503, retry_after: None };
    // Of the requests that needed the token only the first asked for it in vain; the question is dropped with it.
    assert_eq!(first, Err(KeycloakFault::Exchange(down)));
    keycloak.answers(&question(&server, WITH_SESSION), now()).await.unwrap().unwrap();
}
