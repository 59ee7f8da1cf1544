//! Whom a name leads to, and how much it may say.

use std::path::{Path, PathBuf};

use super::*;

fn refused(host: &str, reason: &str) -> Result<(), KeysUnavailable> {
    Err(ExchangeFault::Tls { host: Excerpt::of(host), reason: Excerpt::of(reason) }.into())
}

async fn fetch_from(issuer: &str, authority: Option<&[u8]>, deadline: Duration) -> Result<(), KeysUnavailable> {
    let ca = authority.map(|der| RealmCa::from_der(der).unwrap());
    let endpoint = RealmEndpoint::new(Issuer::parse(issuer).unwrap(), ca, None).unwrap();
    HttpsSource::new(endpoint, deadline).unwrap().fetch().await.map(|_| ())
}

#[tokio::test]
async fn g27_a_name_that_leads_to_another_host_is_left_before_a_request() {
    // The realm's name has come to lead to loopback: who answers there cannot prove to be it, not even with another
    // certificate of the very authority that is trusted for the realm.
    let server = good_realm().await;
    let issuer = format!("{}/realms/w", server.origin().replace("127.0.0.1", "localhost"));
    let fetched = fetch_from(&issuer, Some(server.authority()), PATIENT).await;
    let reason = "invalid peer certificate: certificate not valid for name \"localhost\"; certificate is only valid for \
                  IpAddress(127.0.0.1)";
    assert_eq!(fetched, refused("localhost", reason));
    assert_eq!(server.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn g27_a_service_without_tls_hears_no_request() {
    let plain = Transport::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec());
    let server = FaultyServer::start_on(plain, |_: &str| |_: &str| Reply::Bytes(Vec::new())).await;
    let issuer = format!("{}/realms/w", server.origin().replace("127.0.0.1", "localhost"));
    let fetched = fetch_from(&issuer, Some(server.authority()), PATIENT).await;
    assert_eq!(fetched, refused("localhost", "received corrupt message of type InvalidContentType"));
}

#[tokio::test]
async fn g28_a_certificate_that_vouches_for_itself_is_refused() {
    let transport = Transport::SelfSigned(vec!["127.0.0.1".to_owned()]);
    let server = FaultyServer::start_on(transport, |_: &str| |_: &str| Reply::whole("200 OK", "")).await;
    let issuer = format!("{}/realms/w", server.origin());
    for authority in [Some(server.authority()), None] {
        let fetched = fetch_from(&issuer, authority, PATIENT).await;
        assert_eq!(fetched, refused("127.0.0.1", "invalid peer certificate: UnknownIssuer"));
    }
    assert_eq!(server.paths(), Vec::<String>::new());
}

/// A TLS failure whose reason begins so; what follows may name the time of day.
#[track_caller]
fn check_tls(result: Result<RealmKeySet, KeysUnavailable>, begin: &str) {
    let cause = result.map(|_| ()).unwrap_err();
    let KeysUnavailable::Exchange { fault: ExchangeFault::Tls { host, reason } } = &cause else {
        panic!("expected a TLS failure, presented {cause:?}")
    };
    assert_eq!(host.as_str(), "127.0.0.1");
    assert!(reason.as_str().starts_with(begin), "{cause}");
}

#[tokio::test]
async fn g28_only_the_configured_authority_vouches_for_the_realm() {
    let (server, other) = (good_realm().await, good_realm().await);
    let unknown = "invalid peer certificate: UnknownIssuer";
    check_tls(source(&server, Some(other.authority()), PATIENT).fetch().await, unknown);
    check_tls(source(&server, None, PATIENT).fetch().await, unknown);
    assert_eq!(server.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn g28_a_certificate_of_another_name_or_another_time_is_refused() {
    let good = |_: &str| |_: &str| Reply::whole("200 OK", "");
    let server = FaultyServer::start_on(Transport::Tls(vec!["id.example".to_owned()]), good).await;
    check_tls(
        source(&server, Some(server.authority()), PATIENT).fetch().await,
        "invalid peer certificate: certificate not valid for name",
    );
    let server = FaultyServer::start_on(Transport::Expired(vec!["127.0.0.1".to_owned()]), good).await;
    check_tls(
        source(&server, Some(server.authority()), PATIENT).fetch().await,
        "invalid peer certificate: certificate expired",
    );
}

#[tokio::test]
async fn g28_a_server_without_tls_or_with_an_old_one_is_refused() {
    let silent = |_: &str| |_: &str| Reply::Bytes(Vec::new());
    let plain = Transport::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec());
    let server = FaultyServer::start_on(plain, silent).await;
    check_tls(source(&server, Some(server.authority()), PATIENT).fetch().await, "received corrupt message");

    // RFC 4346 §7.4.1.3: the ServerHello of TLS 1.1.
    let mut hello = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x2f, 0]);
    let server = FaultyServer::start_on(Transport::Raw(hello), silent).await;
    check_tls(source(&server, Some(server.authority()), PATIENT).fetch().await, "peer is incompatible");
}

#[tokio::test]
async fn a_realm_that_is_not_there_is_named() {
    let server = good_realm().await;
    let source = source(&server, Some(server.authority()), PATIENT);
    drop(server);
    tokio::task::yield_now().await;
    assert_eq!(
        source.fetch().await.map(|_| ()),
        Err(KeysUnavailable::from(ExchangeFault::Unreachable {
            host: Excerpt::of("127.0.0.1"),
            reason: Excerpt::of("Connection refused (os error 111)")
        }))
    );
}

#[tokio::test]
async fn h11_a_host_without_an_address_is_named() {
    // RFC 6761 §6.4: no name under `invalid` exists.
    let issuer = Issuer::parse("https://realm.invalid/realms/w").unwrap();
    let source = HttpsSource::new(RealmEndpoint::new(issuer, None, None).unwrap(), PATIENT).unwrap();
    match source.fetch().await.map(|_| ()) {
        // The first where a name server says so, the second where none answers in time.
        Err(KeysUnavailable::Exchange {
            fault: ExchangeFault::UnknownHost { host } | ExchangeFault::Unreachable { host, .. },
        }) => {
            assert_eq!(host, Excerpt::of("realm.invalid"));
        }
        presented => panic!("expected a host without an address, presented {presented:?}"),
    }
}

/// The sources under a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn g28_no_source_can_switch_the_proof_off() {
    // How reqwest and rustls call their ways around it.
    let ways = [["danger", "_accept"], ["dange", "rous()"], ["ServerCert", "Verifier"]].map(|halves| halves.concat());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = ["crates", "dev"].map(|folder| sources(&root.join(folder))).concat();
    let sources = sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let around = |path: &&PathBuf| {
        let source = std::fs::read_to_string(path).unwrap();
        ways.iter().any(|way| source.contains(way))
    };
    assert_eq!(sources.filter(around).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
}

#[tokio::test]
async fn g21_a_set_of_more_keys_than_anybody_has_is_refused_whole() {
    let body = format!(r#"{{"keys":[{}{{}}]}}"#, "{},".repeat(100));
    let server = realm_but_for(Document::KeySet, move |_| Reply::whole("200 OK", &body)).await;
    let fault = KeySetError::TooManyKeys { presented: 101 };
    assert_eq!(fetch_within(&server, PATIENT).await, Err(KeysUnavailable::KeySet { fault }));
}

#[tokio::test]
async fn g21_a_key_set_may_have_as_many_bytes_as_the_limit_and_not_one_more() {
    let too_large = ExchangeFault::TooLarge { document: Document::KeySet, limit: KEY_SET_LIMIT }.into();
    for (excess, expected) in [(0, Ok(true)), (1, Err(too_large))] {
        let server = realm_but_for(Document::KeySet, move |_| {
            let set = jwk_set(&["a"]);
            Reply::whole("200 OK", &format!("{set}{}", " ".repeat(KEY_SET_LIMIT - set.len() + excess)))
        })
        .await;
        assert_eq!(fetch_within(&server, PATIENT).await, expected);
    }
}

#[tokio::test]
async fn h11_an_address_where_nobody_answers_is_left_before_the_deadline() {
    // RFC 6666: what is sent to this prefix is discarded. Without IPv6 there is not even a way to it.
    match fetch_from("https://[100::1]/realms/w", None, IMPATIENT).await {
        Err(KeysUnavailable::Exchange { fault: ExchangeFault::Unreachable { host, .. } }) => {
            assert_eq!(host, Excerpt::of("[100::1]"))
        }
        presented => panic!("expected an address where nobody answers, presented {presented:?}"),
    }
}
