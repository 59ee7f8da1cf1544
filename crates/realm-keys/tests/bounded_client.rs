//! The bounded client by itself: what it sends, and which answers it takes.

#![expect(clippy::unwrap_used, reason = "a test fails where its stage cannot be set")]

#[expect(dead_code, reason = "the faults are for the tests of the requests")]
#[path = "support/faulty_server.rs"]
mod faulty_server;

use std::time::Duration;

use claim_guard::Excerpt;
use faulty_server::{FaultyServer, Heard, Reply, Transport};
use realm_keys::{BoundedClient, Document, ExchangeFault, RealmCa, Request, Url};

const DOCUMENT: Document = Document::User;

/// Answers to each path with the status that it names, and a body.
async fn server() -> FaultyServer {
    let transport = Transport::Tls(vec!["127.0.0.1".to_owned()]);
    FaultyServer::start_hearing(transport, |_| {
        |heard: &Heard| Reply::whole(&format!("{} Word", heard.path.trim_start_matches('/')), "secret")
    })
    .await
}

fn client(server: &FaultyServer) -> BoundedClient {
    BoundedClient::new(Some(&RealmCa::from_der(server.authority()).unwrap()), Duration::from_secs(20)).unwrap()
}

fn url(server: &FaultyServer, path: &str) -> Url {
    Url::parse(&format!("{}{path}", server.origin())).unwrap()
}

#[tokio::test]
async fn a_form_is_posted_and_a_document_is_got() {
    let server = server().await;
    let client = client(&server);
    let form = [("grant_type", "client_credentials"), ("text", "a b&c=d+é")];
    client.exchange(Request::post(DOCUMENT, url(&server, "/200"), 9, &form)).await.unwrap();
    client.exchange(Request::get(DOCUMENT, url(&server, "/200"), 9)).await.unwrap();
    let heard = server.heard();
    let told =
        |heard: &Heard| (heard.method.clone(), heard.header("content-type").map(str::to_owned), heard.body.clone());
    let form = "grant_type=client_credentials&text=a+b%26c%3Dd%2B%C3%A9".to_owned();
    let expected = [
        ("POST".to_owned(), Some("application/x-www-form-urlencoded".to_owned()), form),
        ("GET".to_owned(), None, String::new()),
    ];
    assert_eq!(heard.iter().map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_credential_is_shown_with_the_request_that_has_one_and_no_other() {
    let server = server().await;
    let client = client(&server);
    client.exchange(Request::get(DOCUMENT, url(&server, "/200"), 9).with_bearer("a.b-c")).await.unwrap();
    client.exchange(Request::get(DOCUMENT, url(&server, "/200"), 9)).await.unwrap();
    let shown: Vec<_> = server.heard().iter().map(|heard| heard.header("authorization").map(str::to_owned)).collect();
    assert_eq!(shown, [Some("Bearer a.b-c".to_owned()), None]);
}

#[tokio::test]
async fn an_answer_has_a_status_that_the_request_takes() {
    let server = server().await;
    let client = client(&server);
    for (taken, status, expected) in [
        ([200].as_slice(), 200, true),
        (&[200], 404, false),
        (&[200, 404], 404, true),
        (&[200, 404], 403, false),
        (&[404], 200, false),
    ] {
        let request = Request::get(DOCUMENT, url(&server, &format!("/{status}")), 9).taking(taken);
        let answer = client.exchange(request).await.map(|answer| (answer.status, answer.body));
        let refused = ExchangeFault::Status { document: DOCUMENT, presented: status, retry_after: None };
        assert_eq!(answer, if expected { Ok((status, b"secret".to_vec())) } else { Err(refused) });
    }
}

#[tokio::test]
async fn an_answer_does_not_print_its_body() {
    let server = server().await;
    let answer = client(&server).exchange(Request::get(DOCUMENT, url(&server, "/200"), 6)).await.unwrap();
    assert_eq!(format!("{answer:?}"), "HttpResponse(200, 6 bytes)");
}

#[tokio::test]
async fn an_address_without_tls_is_not_asked() {
    let server = server().await;
    let url = Url::parse(&server.origin().replace("https", "http")).unwrap();
    let asked = client(&server).exchange(Request::get(DOCUMENT, url, 9).with_bearer("a")).await;
    let reason = Excerpt::of("URL scheme is not allowed");
    let fault = ExchangeFault::ConnectionLost { document: DOCUMENT, reason };
    assert_eq!(asked.map(|answer| answer.status), Err(fault));
    assert_eq!(server.heard(), Vec::new());
}

#[tokio::test]
async fn requests_of_a_conversation_follow_each_other_on_one_connection_and_others_connect_anew() {
    let answer = |_: &Heard| Reply::Kept(faulty_server::whole("200 OK", "secret"));
    let server = FaultyServer::start_hearing(Transport::Tls(vec!["127.0.0.1".to_owned()]), |_| answer).await;
    let ca = RealmCa::from_der(server.authority()).unwrap();
    let conversation = || BoundedClient::conversation(Some(&ca), Duration::from_secs(20)).unwrap();
    for (client, connections) in [(conversation(), 1), (conversation(), 2), (client(&server), 5)] {
        for _ in 0..3 {
            client.exchange(Request::get(DOCUMENT, url(&server, "/"), 9)).await.unwrap();
        }
        assert_eq!(server.connections(), connections);
    }
}
