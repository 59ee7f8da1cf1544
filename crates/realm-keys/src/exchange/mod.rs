//! One request and its answer over HTTPS, bounded: whom to trust, where to end, how much to read.

mod fault;

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use claim_guard::Excerpt;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url, tls};

use crate::authority::RealmCa;
use crate::endpoint_error::EndpointError;
pub use fault::{Document, ExchangeFault};

/// The longest wait that a realm may ask for.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(300);

/// A request for one document: where it is, what to show for it, and which answers to take.
pub struct Request<'a> {
    document: Document,
    url: Url,
    limit: usize,
    bearer: Option<&'a str>,
    form: Option<&'a [(&'a str, &'a str)]>,
    statuses: &'a [u16],
}

impl<'a> Request<'a> {
    /// Asks for a document of at most `limit` bytes. An answer with another status than 200 is none.
    pub fn get(document: Document, url: Url, limit: usize) -> Self {
        Self { document, url, limit, bearer: None, form: None, statuses: &[200] }
    }

    /// Posts these fields (`application/x-www-form-urlencoded`) and takes the answer as [`Request::get`] does.
    pub fn post(document: Document, url: Url, limit: usize, form: &'a [(&'a str, &'a str)]) -> Self {
        Self { form: Some(form), ..Self::get(document, url, limit) }
    }

    /// Shows this token as the credential (RFC 6750 §2.1): visible ASCII.
    #[must_use]
    pub fn with_bearer(self, token: &'a str) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// Takes answers with these statuses instead of 200.
    #[must_use]
    pub fn taking(self, statuses: &'a [u16]) -> Self {
        Self { statuses, ..self }
    }
}

/// An answer with a status that the request takes, whole. Its body may hold secrets, so it does not print.
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The body, as it came.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// Sends requests over HTTPS and reads their answers, and goes no further than it is told.
///
/// What may be relied on:
/// - Only the given authority vouches for a host; without one, the roots that are compiled in, never the system's.
/// - No redirect is followed, no proxy is asked, nothing is decoded.
/// - No connection is used twice, unless the client is made for one [conversation](BoundedClient::conversation).
/// - An answer is read up to the request's limit, and not at all if its status is another than the request takes.
///
/// How long an exchange takes is for the caller to bound: what is dropped ends.
pub struct BoundedClient(Client);

impl BoundedClient {
    /// A client that trusts `ca` alone, if there is one, and gives a connection, TLS included, that much time.
    ///
    /// # Errors
    /// [`EndpointError::NoClient`] if the HTTP library makes none.
    pub fn new(ca: Option<&RealmCa>, connect_within: Duration) -> Result<Self, EndpointError> {
        let bounded = bounded(ca, connect_within).map_err(no_client)?;
        // A frozen Lambda environment thaws with dead sockets in its pool, so none is kept: every request connects anew.
        bounded.pool_max_idle_per_host(0).build().map(Self).map_err(no_client)
    }

    /// Such a client for requests that follow each other at once, one after the other: one connection serves them all, as long
    /// as the server keeps it.
    ///
    /// It is for one conversation and is dropped with it, and so is its connection: a frozen Lambda environment would thaw with
    /// a dead one.
    ///
    /// # Errors
    /// [`EndpointError::NoClient`] if the HTTP library makes none.
    pub fn conversation(ca: Option<&RealmCa>, connect_within: Duration) -> Result<Self, EndpointError> {
        let bounded = bounded(ca, connect_within).map_err(no_client)?;
        bounded.pool_max_idle_per_host(1).build().map(Self).map_err(no_client)
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    /// [`ExchangeFault`] if there is no answer with a status that the request takes, or more of it than it takes.
    pub async fn exchange(&self, request: Request<'_>) -> Result<HttpResponse, ExchangeFault> {
        let Request { document, limit, statuses, .. } = request;
        let host = Excerpt::of(request.url.host_str().unwrap_or_default());
        let sent = self.prepared(request).send().await;
        let response = sent.map_err(|error| unsent(error, host, document))?;
        admit(&response, document, statuses)?;
        Ok(HttpResponse { status: response.status().as_u16(), body: body(response, document, limit).await? })
    }

    fn prepared(&self, request: Request<'_>) -> RequestBuilder {
        let prepared = match request.form {
            Some(form) => self.0.post(request.url).form(form),
            None => self.0.get(request.url),
        };
        match request.bearer {
            Some(token) => prepared.bearer_auth(token),
            None => prepared,
        }
    }
}

/// Everything that holds for every client.
fn bounded(ca: Option<&RealmCa>, connect_within: Duration) -> reqwest::Result<ClientBuilder> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let builder = Client::builder()
        .tls_backend_rustls()
        .tls_version_min(tls::Version::TLS_1_2)
        // Neither the system's store nor SSL_CERT_FILE: what vouches for the realm is compiled in or configured.
        .tls_certs_only(trusted(ca)?)
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
        .connect_timeout(connect_within)
        .user_agent(concat!("realm-keys/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers);
    Ok(builder)
}

pub(crate) fn trusted(ca: Option<&RealmCa>) -> reqwest::Result<Vec<Certificate>> {
    match ca {
        Some(ca) => Ok(vec![Certificate::from_der(ca.der())?]),
        None => webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root)).collect(),
    }
}

fn no_client(error: reqwest::Error) -> EndpointError {
    EndpointError::NoClient { reason: Excerpt::of(&root_cause(&error)) }
}

/// Looks at the answer's head before any of its body is read.
fn admit(response: &Response, document: Document, statuses: &[u16]) -> Result<(), ExchangeFault> {
    let presented = response.status().as_u16();
    if !statuses.contains(&presented) {
        return Err(ExchangeFault::Status { document, presented, retry_after: retry_after(response) });
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
            Err(ExchangeFault::Encoded { document, presented })
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
async fn body(mut response: Response, document: Document, limit: usize) -> Result<Vec<u8>, ExchangeFault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error, document))? {
        if chunk.len() > limit - bytes.len() {
            return Err(ExchangeFault::TooLarge { document, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unsent(error: reqwest::Error, host: Excerpt, document: Document) -> ExchangeFault {
    if let Some(tls) = find_tls(&error) {
        return ExchangeFault::Tls { host, reason: Excerpt::of(&tls.to_string()) };
    }
    if error.is_dns() {
        return ExchangeFault::UnknownHost { host };
    }
    if error.is_connect() {
        return ExchangeFault::Unreachable { host, reason: Excerpt::of(&root_cause(&error)) };
    }
    lost(&error, document)
}

fn lost(error: &reqwest::Error, document: Document) -> ExchangeFault {
    ExchangeFault::ConnectionLost { document, reason: Excerpt::of(&root_cause(error)) }
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
