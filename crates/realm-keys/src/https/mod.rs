//! Discovery and JWK set over HTTPS, within one deadline.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::io;
use std::time::Duration;

use claim_guard::{Excerpt, RealmKeySet};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url, tls};

use crate::cache::{Fetching, KeySource};
use crate::endpoint::{EndpointError, RealmEndpoint};
use crate::unavailable::{Document, KeysUnavailable};

/// How long discovery and JWK set may take together.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
/// The share of the deadline that one connection, TLS included, may take: a third.
const CONNECT_SHARE: u32 = 3;
/// The most bytes of a discovery document; Keycloak's has about 7 KiB.
const DISCOVERY_LIMIT: usize = 64 * 1024;
/// The most bytes of a JWK set; Keycloak's has 1 to 2 KiB a key.
const KEY_SET_LIMIT: usize = 256 * 1024;
/// The longest wait that a realm may ask for.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(300);

/// The realm itself.
pub(crate) struct HttpsSource {
    client: Client,
    endpoint: RealmEndpoint,
    deadline: Duration,
}

impl HttpsSource {
    pub(crate) fn new(endpoint: RealmEndpoint, deadline: Duration) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let client = Client::builder()
            .tls_backend_rustls()
            .tls_version_min(tls::Version::TLS_1_2)
            // Neither the system's store nor SSL_CERT_FILE: what vouches for the realm is compiled in or configured.
            .tls_certs_only(trusted(&endpoint).map_err(no_client)?)
            .https_only(true)
            .redirect(Policy::none())
            .no_proxy()
            // Decoders that another crate's features may have switched on.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .referer(false)
            .http1_only()
            // A frozen Lambda environment thaws with dead sockets in its pool, so none is kept: every request connects anew.
            .pool_max_idle_per_host(0)
            .connect_timeout(deadline / CONNECT_SHARE)
            .user_agent(concat!("realm-keys/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .build()
            .map_err(no_client)?;
        Ok(Self { client, endpoint, deadline })
    }

    async fn key_set(&self) -> Result<RealmKeySet, KeysUnavailable> {
        let discovery = self.get(self.endpoint.discovery().clone(), Document::Discovery, DISCOVERY_LIMIT).await?;
        let key_set = self.get(self.endpoint.key_uri_in(&discovery)?, Document::KeySet, KEY_SET_LIMIT).await?;
        RealmKeySet::parse(&key_set).map_err(|fault| KeysUnavailable::KeySet { fault })
    }

    async fn get(&self, url: Url, document: Document, limit: usize) -> Result<Vec<u8>, KeysUnavailable> {
        let host = Excerpt::of(url.host_str().unwrap_or_default());
        let response = self.client.get(url).send().await.map_err(|error| unsent(error, host, document))?;
        admit(&response, document)?;
        body(response, document, limit).await
    }
}

impl KeySource for HttpsSource {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            let timeout = KeysUnavailable::Timeout { deadline: self.deadline };
            tokio::time::timeout(self.deadline, self.key_set()).await.unwrap_or(Err(timeout))
        })
    }
}

fn trusted(endpoint: &RealmEndpoint) -> reqwest::Result<Vec<Certificate>> {
    match endpoint.ca() {
        Some(ca) => Ok(vec![Certificate::from_der(ca.der())?]),
        None => webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root)).collect(),
    }
}

fn no_client(error: reqwest::Error) -> EndpointError {
    EndpointError::NoClient { reason: Excerpt::of(&root_cause(&error)) }
}

/// Looks at the answer's head before any of its body is read.
fn admit(response: &Response, document: Document) -> Result<(), KeysUnavailable> {
    if response.status() != StatusCode::OK {
        let presented = response.status().as_u16();
        return Err(KeysUnavailable::Status { document, presented, retry_after: retry_after(response) });
    }
    // RFC 9110 §8.4: `identity` is no coding, but says the same as its absence.
    match response
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        Some(coding) => {
            let presented = Excerpt::of(&String::from_utf8_lossy(coding.as_bytes()));
            Err(KeysUnavailable::Encoded { document, presented })
        }
        None => Ok(()),
    }
}

/// RFC 9110 §10.2.3, in its form of seconds. Off-spec: the form of a date is passed over.
fn retry_after(response: &Response) -> Option<Duration> {
    let asks = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status());
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a longer wait than is granted anyhow.
    (asks && digits).then(|| text.parse().map_or(RETRY_AFTER_LIMIT, Duration::from_secs).min(RETRY_AFTER_LIMIT))
}

/// Reads the body, counting what arrives: a `Content-Length` may lie, and a chunked body has none.
async fn body(mut response: Response, document: Document, limit: usize) -> Result<Vec<u8>, KeysUnavailable> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error, document))? {
        if chunk.len() > limit - bytes.len() {
            return Err(KeysUnavailable::TooLarge { document, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unsent(error: reqwest::Error, host: Excerpt, document: Document) -> KeysUnavailable {
    if let Some(tls) = find_tls(&error) {
        return KeysUnavailable::Tls { host, reason: Excerpt::of(&tls.to_string()) };
    }
    if error.is_dns() {
        return KeysUnavailable::UnknownHost { host };
    }
    if error.is_connect() {
        return KeysUnavailable::Unreachable { host, reason: Excerpt::of(&root_cause(&error)) };
    }
    lost(&error, document)
}

fn lost(error: &reqwest::Error, document: Document) -> KeysUnavailable {
    KeysUnavailable::ConnectionLost { document, reason: Excerpt::of(&root_cause(error)) }
}

/// The innermost cause: outer ones repeat the URL and say less.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The TLS library's own error, which `io::Error` hides from the chain of sources.
fn find_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = hidden.and_then(|hidden| find_tls(hidden)) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
