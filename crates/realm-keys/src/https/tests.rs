//! The two requests, against a server that misbehaves in every way that a test can think of.

mod names_and_sizes;

use std::time::Instant;

use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use claim_guard::jws::KeySetError;

use super::*;
use crate::authority::RealmCa;
use claim_guard::json::{JsonError, MemberError, Part};

use crate::discovery::DiscoveryFault;
use crate::endpoint::KeyUri;
use crate::exchange::{ExchangeFault, trusted};
use crate::faulty_server::{FaultyServer, Reply, Transport, whole};
use crate::fixtures::{jwk_set, key_id};

const DISCOVERY_PATH: &str = "/realms/w/.well-known/openid-configuration";
const KEYS_PATH: &str = "/realms/w/keys";
/// Long enough for a server that answers at once, also on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);
/// Short enough for a test that waits until it ends.
const IMPATIENT: Duration = Duration::from_millis(1200);

fn discovery(origin: &str) -> String {
    format!(r#"{{"issuer":"{origin}/realms/w","jwks_uri":"{origin}{KEYS_PATH}"}}"#)
}

/// A realm as it should be, but for the answer to one of the two requests.
async fn realm_but_for(document: Document, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> FaultyServer {
    FaultyServer::start(|origin| {
        let origin = origin.to_owned();
        move |path: &str| match (path, document) {
            (DISCOVERY_PATH, Document::KeySet) => Reply::whole("200 OK", &discovery(&origin)),
            (DISCOVERY_PATH, Document::Discovery) | (KEYS_PATH, Document::KeySet) => reply(&origin),
            (KEYS_PATH, Document::Discovery) => Reply::whole("200 OK", &jwk_set(&["a"])),
            _ => Reply::whole("404 Not Found", ""),
        }
    })
    .await
}

async fn good_realm() -> FaultyServer {
    realm_but_for(Document::KeySet, |_| Reply::whole("200 OK", &jwk_set(&["a"]))).await
}

fn source(server: &FaultyServer, ca: Option<&[u8]>, deadline: Duration) -> HttpsSource {
    let issuer = Issuer::parse(&format!("{}/realms/w", server.origin())).unwrap();
    let ca = ca.map(|der| RealmCa::from_der(der).unwrap());
    HttpsSource::new(RealmEndpoint::new(issuer, ca, None).unwrap(), deadline).unwrap()
}

async fn fetch_within(server: &FaultyServer, deadline: Duration) -> Result<bool, KeysUnavailable> {
    let fetched = source(server, Some(server.authority()), deadline).fetch().await;
    fetched.map(|keys| keys.contains(&key_id("a")))
}

/// A realm with that fault in either document answers with that cause, and is asked for nothing more.
async fn check_either(reply: fn(&str) -> Reply, expected: impl Fn(Document) -> ExchangeFault) {
    for (document, asked) in
        [(Document::Discovery, vec![DISCOVERY_PATH]), (Document::KeySet, vec![DISCOVERY_PATH, KEYS_PATH])]
    {
        let server = realm_but_for(document, reply).await;
        assert_eq!(fetch_within(&server, PATIENT).await, Err(expected(document).into()));
        assert_eq!(server.paths(), asked);
    }
}

async fn check_discovery(document: impl Fn(&str) -> String + Send + Sync + 'static, expected: KeysUnavailable) {
    let server = realm_but_for(Document::Discovery, move |origin| Reply::whole("200 OK", &document(origin))).await;
    assert_eq!(fetch_within(&server, PATIENT).await, Err(expected));
    assert_eq!(server.paths(), [DISCOVERY_PATH]);
}

async fn check_key_set(body: &'static str, fault: KeySetError) {
    let server = realm_but_for(Document::KeySet, move |_| Reply::whole("200 OK", body)).await;
    assert_eq!(fetch_within(&server, PATIENT).await, Err(KeysUnavailable::KeySet { fault }));
}

#[tokio::test]
async fn a_realm_as_it_should_be_is_asked_twice_and_gives_its_keys() {
    let server = good_realm().await;
    assert_eq!(fetch_within(&server, PATIENT).await, Ok(true));
    assert_eq!(server.paths(), [DISCOVERY_PATH, KEYS_PATH]);
}

#[tokio::test]
async fn a_chunked_body_is_read_whole() {
    let server = realm_but_for(Document::KeySet, |_| {
        let set = jwk_set(&["a"]);
        let (first, second) = set.split_at(40);
        let chunks = format!("28\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").into_bytes())
    })
    .await;
    assert_eq!(fetch_within(&server, PATIENT).await, Ok(true));
}

#[tokio::test]
async fn h13_no_connection_is_used_twice() {
    let server = realm_but_for(Document::Discovery, |origin| Reply::Deaf(whole("200 OK", &discovery(origin)))).await;
    assert_eq!(fetch_within(&server, PATIENT).await, Ok(true));
}

#[test]
fn without_a_configured_authority_the_compiled_in_roots_are_trusted() {
    assert!(trusted(None).unwrap().len() > 100);
}

#[tokio::test]
async fn g24_no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        for target in
            ["/realms/w/keys", "https://evil.example/", "http://127.0.0.1/", "file:///etc/passwd", DISCOVERY_PATH]
        {
            for (document, asked) in [(Document::Discovery, 1), (Document::KeySet, 2)] {
                let head = format!("{status} Elsewhere\r\nLocation: {target}");
                let server = realm_but_for(document, move |_| Reply::whole(&head, "")).await;
                let expected = ExchangeFault::Status { document, presented: status, retry_after: None };
                assert_eq!(fetch_within(&server, PATIENT).await, Err(expected.into()));
                assert_eq!(server.paths().len(), asked);
            }
        }
    }
}

#[tokio::test]
async fn any_status_but_200_is_refused_whatever_the_body_says() {
    for (head, presented) in [("500 Oops", 500), ("404 Not Found", 404), ("204 No Content", 204), ("206 Partial", 206)]
    {
        let server = realm_but_for(Document::KeySet, move |_| Reply::whole(head, &jwk_set(&["a"]))).await;
        let expected = ExchangeFault::Status { document: Document::KeySet, presented, retry_after: None };
        assert_eq!(fetch_within(&server, PATIENT).await, Err(expected.into()));
    }
}

#[tokio::test]
async fn h9_retry_after_is_read_where_it_means_something_and_capped() {
    let table = [
        ("429 Busy\r\nRetry-After: 7", 429, Some(7)),
        ("503 Down\r\nRetry-After: 0", 503, Some(0)),
        ("503 Down\r\nRetry-After: 86400", 503, Some(300)),
        ("503 Down\r\nRetry-After: 99999999999999999999999999", 503, Some(300)),
        ("503 Down\r\nRetry-After: -1", 503, None),
        ("503 Down\r\nRetry-After: +7", 503, None),
        ("503 Down\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT", 503, None),
        ("500 Oops\r\nRetry-After: 7", 500, None),
        ("429 Busy", 429, None),
    ];
    for (head, presented, seconds) in table {
        let server = realm_but_for(Document::Discovery, move |_| Reply::whole(head, "")).await;
        let retry_after = seconds.map(Duration::from_secs);
        let expected = ExchangeFault::Status { document: Document::Discovery, presented, retry_after };
        assert_eq!(fetch_within(&server, PATIENT).await, Err(expected.into()), "{head}");
    }
}

#[tokio::test]
async fn g22_a_body_with_a_content_coding_is_refused_unread() {
    for coding in ["gzip", "br", "identity, gzip", "x\u{7f}y"] {
        for document in [Document::Discovery, Document::KeySet] {
            // A bomb: the client has to leave before the body ends, for it never does.
            let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n");
            let server = realm_but_for(document, move |_| {
                Reply::Endless(head.clone().into_bytes(), b"2\r\n\x1f\x8b\r\n".to_vec())
            })
            .await;
            let expected = if coding.contains('\u{7f}') {
                ExchangeFault::ConnectionLost { document, reason: Excerpt::of("invalid HTTP header parsed") }
            } else {
                ExchangeFault::Encoded { document, presented: Excerpt::of(coding) }
            };
            assert_eq!(fetch_within(&server, PATIENT).await, Err(expected.into()));
        }
    }
}

#[tokio::test]
async fn g21_an_endless_body_is_left_at_the_limit() {
    let expected = |document| ExchangeFault::TooLarge {
        document,
        limit: if document == Document::Discovery { DISCOVERY_LIMIT } else { KEY_SET_LIMIT },
    };
    let chunked = |_: &str| {
        let block = format!("1000\r\n{}\r\n", " ".repeat(4096));
        Reply::Endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), block.into_bytes())
    };
    check_either(chunked, expected).await;
    let until_close = |_: &str| Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 4096]);
    check_either(until_close, expected).await;
    let announced =
        |_: &str| Reply::Endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n".to_vec(), vec![b' '; 4096]);
    check_either(announced, expected).await;
}

#[tokio::test]
async fn g21_a_document_may_have_as_many_bytes_as_the_limit_and_not_one_more() {
    for (excess, expected) in [
        (0, Ok(true)),
        (1, Err(ExchangeFault::TooLarge { document: Document::Discovery, limit: DISCOVERY_LIMIT }.into())),
    ] {
        let server = realm_but_for(Document::Discovery, move |origin| {
            let document = discovery(origin);
            let filling = " ".repeat(DISCOVERY_LIMIT - document.len() + excess);
            Reply::whole("200 OK", &format!("{document}{filling}"))
        })
        .await;
        assert_eq!(fetch_within(&server, PATIENT).await, expected);
    }
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    check_either(
        |_| Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), format!("X: {}\r\n", "x".repeat(4096)).into_bytes()),
        |document| ExchangeFault::ConnectionLost { document, reason: Excerpt::of("message head is too large") },
    )
    .await;
}

#[tokio::test]
async fn h7_h11_one_deadline_holds_for_both_documents_together() {
    let expected = Err(KeysUnavailable::Timeout { deadline: IMPATIENT });
    // Each piece comes soon enough, the whole does not.
    let drip = |_: &str| Reply::Slow(vec![b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(); 99], IMPATIENT / 10);
    for document in [Document::Discovery, Document::KeySet] {
        let server = realm_but_for(document, drip).await;
        let begun = Instant::now();
        assert_eq!(fetch_within(&server, IMPATIENT).await, expected);
        assert!(begun.elapsed() < PATIENT);
    }
    // Each document alone comes soon enough, both together do not.
    let server = FaultyServer::start(|origin| {
        let document = discovery(origin);
        move |path: &str| {
            let body = if path == DISCOVERY_PATH { document.clone() } else { jwk_set(&["a"]) };
            Reply::Slow(vec![whole("200 OK", &body)], IMPATIENT * 6 / 10)
        }
    })
    .await;
    assert_eq!(fetch_within(&server, IMPATIENT).await, expected);
}

#[tokio::test]
async fn h11_a_connection_without_a_word_is_left_before_the_deadline() {
    let server = FaultyServer::start_on(Transport::Silent, |_: &str| |_: &str| Reply::Bytes(Vec::new())).await;
    let host = Excerpt::of("127.0.0.1");
    let expected = ExchangeFault::Unreachable { host, reason: Excerpt::of("operation timed out") };
    assert_eq!(fetch_within(&server, IMPATIENT).await, Err(expected.into()));
}

#[tokio::test]
async fn a_connection_that_ends_early_is_named() {
    let lost =
        |reason: &'static str| move |document| ExchangeFault::ConnectionLost { document, reason: Excerpt::of(reason) };
    check_either(|_| Reply::Bytes(Vec::new()), lost("connection closed before message completed")).await;
    check_either(
        |_| Reply::Bytes(b"HTTP/1.1 200 OK\r\nConte".to_vec()),
        lost("connection closed before message completed"),
    )
    .await;
    check_either(
        |_| Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"keys\":[".to_vec()),
        lost("end of file before message length reached"),
    )
    .await;
    check_either(|_| Reply::Bytes(b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec()), lost("invalid HTTP version parsed")).await;
}

#[tokio::test]
async fn g20_a_discovery_document_that_cannot_be_read_is_refused() {
    let fault = |fault| KeysUnavailable::Discovery { fault };
    let json = |column, duplicate_member| JsonError::Malformed { line: 1, column, duplicate_member };
    let malformed = |column| fault(DiscoveryFault::Malformed(json(column, false)));
    check_discovery(|_| "<!DOCTYPE html><title>Sign in</title>".to_owned(), malformed(1)).await;
    check_discovery(|_| String::new(), malformed(0)).await;
    check_discovery(
        |_| r#"{"error":"Realm does not exist"}"#.to_owned(),
        fault(DiscoveryFault::Member(MemberError::Missing { part: Part::Discovery, name: "issuer" })),
    )
    .await;
    check_discovery(|_| r#"{"issuer":"https://id.ex"#.to_owned(), malformed(24)).await;
    check_discovery(
        |_| r#"{"issuer":"https://id.example","issuer":"https://evil.example"}"#.to_owned(),
        fault(DiscoveryFault::Malformed(json(63, true))),
    )
    .await;
}

#[tokio::test]
async fn g26_the_discovery_document_of_another_issuer_is_refused() {
    for alter in [
        |issuer: String| format!("{issuer}/"),
        |issuer: String| issuer.to_uppercase(),
        |issuer: String| format!(" {issuer}"),
        |issuer: String| issuer.replace("/realms/w", "/realms/master"),
        |_: String| "https://evil.example/realms/w".to_owned(),
        |_: String| String::new(),
    ] {
        let server = realm_but_for(Document::Discovery, move |origin| {
            let issuer = format!("{origin}/realms/w");
            Reply::whole(
                "200 OK",
                &discovery(origin).replace(&format!("\"{issuer}\""), &format!("\"{}\"", alter(issuer.clone()))),
            )
        })
        .await;
        let issuer = format!("{}/realms/w", server.origin());
        let expected = KeysUnavailable::WrongIssuer {
            expected: Issuer::parse(&issuer).unwrap(),
            presented: Excerpt::of(&alter(issuer)),
        };
        assert_eq!(fetch_within(&server, PATIENT).await, Err(expected));
        assert_eq!(server.paths(), [DISCOVERY_PATH]);
    }
}

#[tokio::test]
async fn g25_keys_on_a_foreign_origin_are_not_asked_for() {
    let other = good_realm().await;
    let foreign = format!("{}{KEYS_PATH}", other.origin());
    let server = realm_but_for(Document::Discovery, {
        let foreign = foreign.clone();
        move |origin| {
            let document = discovery(origin).replace(&format!("{origin}{KEYS_PATH}"), &foreign);
            Reply::whole("200 OK", &document)
        }
    })
    .await;
    let expected =
        KeysUnavailable::ForeignKeyUri { expected: Excerpt::of(&server.origin()), presented: Excerpt::of(&foreign) };
    assert_eq!(fetch_within(&server, PATIENT).await, Err(expected));
    assert_eq!(other.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_are_asked_for_at_the_address_that_is_configured_by_name() {
    let server = good_realm().await;
    let issuer = Issuer::parse(&format!("{}/realms/w", server.origin())).unwrap();
    let ca = RealmCa::from_der(server.authority()).unwrap();
    let fetch = async |named: &str| {
        let key_uri = KeyUri::parse(named).unwrap();
        let endpoint = RealmEndpoint::new(issuer.clone(), Some(ca.clone()), Some(key_uri)).unwrap();
        HttpsSource::new(endpoint, PATIENT).unwrap().fetch().await.map(|keys| keys.contains(&key_id("a")))
    };
    let presented = format!("{}{KEYS_PATH}", server.origin());
    assert_eq!(fetch(&presented).await, Ok(true));
    let named = "https://keys.example/w";
    assert_eq!(
        fetch(named).await,
        Err(KeysUnavailable::ForeignKeyUri { expected: Excerpt::of(named), presented: Excerpt::of(&presented) })
    );
}

#[tokio::test]
async fn g20_a_body_that_is_no_usable_key_set_is_refused_whole() {
    check_key_set("", KeySetError::NotAKeySet).await;
    check_key_set("{}", KeySetError::NotAKeySet).await;
    check_key_set("[]", KeySetError::NotAKeySet).await;
    check_key_set("<!DOCTYPE html><title>Sign in</title>", KeySetError::NotAKeySet).await;
    check_key_set(r#"{"error":"unknown_error"}"#, KeySetError::NotAKeySet).await;
    check_key_set(r#"{"keys":[{"kty":"EC","#, KeySetError::NotAKeySet).await;
    check_key_set(r#"{"keys":[]}"#, KeySetError::NoUsableKey { skipped: Vec::new() }).await;
}
