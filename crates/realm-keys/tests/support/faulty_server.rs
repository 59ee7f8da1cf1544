//! A realm that is not one: an HTTPS server on loopback that answers as a test tells it.
//!
//! It is a fake, for faults that a real Keycloak cannot be made to show: endless bodies, foreign key addresses, lost
//! connections. What a real Keycloak does is tested against a real Keycloak.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// What the server does on a request.
pub enum Reply {
    /// Sends these bytes, then closes.
    Bytes(Vec<u8>),
    /// Sends these bytes, then hears the next request on the same connection.
    #[allow(dead_code, reason = "not every test keeps its connections")]
    Kept(Vec<u8>),
    /// Sends these bytes and holds the connection open, deaf to all that follows.
    Deaf(Vec<u8>),
    /// Sends the first bytes, then the second again and again, as long as the client listens.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends these pieces, with that pause before each, then hears the next request on the same connection.
    Slow(Vec<Vec<u8>>, Duration),
}

impl Reply {
    /// A whole answer. `head` is the status and any header lines: `200 OK`, `429 Too Many Requests\r\nRetry-After: 7`.
    pub fn whole(head: &str, body: &str) -> Self {
        Self::Bytes(whole(head, body))
    }
}

/// The bytes of [`Reply::whole`].
pub fn whole(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A request as the server has heard it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "not every test looks at all of it")]
pub struct Heard {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// Header lines, each with its name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, which is text.
    pub body: String,
}

#[allow(dead_code, reason = "not every test looks at all of it")]
impl Heard {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    async fn from(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let mut heard = Self { method, path, headers: lines.filter_map(header).collect(), body: String::new() };
        let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        heard.body = String::from_utf8(body).unwrap();
        Ok(heard)
    }
}

/// How the server meets a connection.
pub enum Transport {
    /// TLS, with a certificate for these names, signed by the server's own authority.
    Tls(Vec<String>),
    /// TLS, with such a certificate that ended in the year 2000.
    Expired(Vec<String>),
    /// TLS, with a certificate for these names that nobody but itself signed.
    SelfSigned(Vec<String>),
    /// Sends these bytes on the bare connection as soon as the client has sent some, then closes.
    Raw(Vec<u8>),
    /// Takes the connection and never says anything.
    Silent,
}

/// The server, until it is dropped.
pub struct FaultyServer {
    address: SocketAddr,
    authority: Vec<u8>,
    heard: Arc<Mutex<Vec<Heard>>>,
    connections: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

type Script = dyn Fn(&Heard) -> Reply + Send + Sync;

impl FaultyServer {
    /// A server under the name `127.0.0.1`. The script is made from the server's origin, and answers each request's path.
    pub async fn start<S>(script: impl FnOnce(&str) -> S) -> Self
    where
        S: Fn(&str) -> Reply + Send + Sync + 'static,
    {
        Self::start_on(Transport::Tls(vec!["127.0.0.1".to_owned()]), script).await
    }

    /// A server that meets its connections so.
    pub async fn start_on<S>(transport: Transport, script: impl FnOnce(&str) -> S) -> Self
    where
        S: Fn(&str) -> Reply + Send + Sync + 'static,
    {
        let by_path = |script: S| move |heard: &Heard| script(&heard.path);
        Self::start_hearing(transport, |origin| by_path(script(origin))).await
    }

    /// A server that meets its connections so, with a script that answers to the whole of a request.
    pub async fn start_hearing<S>(transport: Transport, script: impl FnOnce(&str) -> S) -> Self
    where
        S: Fn(&Heard) -> Reply + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let authority = authority(address);
        let meeting = Arc::new(Meeting::new(transport, &authority));
        let script: Arc<Script> = Arc::new(script(&format!("https://{address}")));
        let (heard, connections) = (Arc::default(), Arc::default());
        let accepting = accept(listener, meeting, script, Arc::clone(&heard), Arc::clone(&connections));
        let accepting = tokio::spawn(accepting).abort_handle();
        Self { address, authority: authority.der().to_vec(), heard, connections, accepting }
    }

    /// `https://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate, in DER, of the authority that signed the server's own.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// The paths that were asked for so far.
    pub fn paths(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|heard| heard.path.clone()).collect()
    }

    /// The requests so far.
    #[allow(dead_code, reason = "not every test looks at all of it")]
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

#[allow(dead_code, reason = "not every test looks at all of it")]
impl FaultyServer {
    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A new authority, with a name of its own, that signs the certificate of the server at that address.
fn authority(address: SocketAddr) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, format!("authority of {address}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

enum Meeting {
    Tls(TlsAcceptor),
    Raw(Vec<u8>),
    Silent,
}

impl Meeting {
    fn new(transport: Transport, authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let own = matches!(transport, Transport::SelfSigned(_));
        let (names, expired) = match transport {
            Transport::Raw(bytes) => return Self::Raw(bytes),
            Transport::Silent => return Self::Silent,
            Transport::Tls(names) | Transport::SelfSigned(names) => (names, false),
            Transport::Expired(names) => (names, true),
        };
        let mut params = CertificateParams::new(names).unwrap();
        if expired {
            params.not_before = rcgen::date_time_ymd(1999, 1, 1);
            params.not_after = rcgen::date_time_ymd(2000, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = if own { params.self_signed(&key) } else { params.signed_by(&key, authority) }.unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Self::Tls(TlsAcceptor::from(Arc::new(config)))
    }
}

async fn accept(
    listener: TcpListener,
    meeting: Arc<Meeting>,
    script: Arc<Script>,
    heard: Arc<Mutex<Vec<Heard>>>,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((connection, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let (meeting, script, heard) = (Arc::clone(&meeting), Arc::clone(&script), Arc::clone(&heard));
        tokio::spawn(async move {
            // A client that goes away is what most of these tests are about.
            let _ = meet(connection, &meeting, &*script, &heard).await;
        });
    }
}

async fn meet(
    mut connection: TcpStream,
    meeting: &Meeting,
    script: &Script,
    heard: &Mutex<Vec<Heard>>,
) -> std::io::Result<()> {
    match meeting {
        Meeting::Raw(bytes) => {
            let _ = connection.read(&mut [0; 4096]).await?;
            connection.write_all(bytes).await?;
            connection.shutdown().await
        }
        Meeting::Silent => {
            while connection.read(&mut [0; 4096]).await? > 0 {}
            Ok(())
        }
        Meeting::Tls(acceptor) => answer(acceptor.accept(connection).await?, script, heard).await,
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: &Script,
    heard: &Mutex<Vec<Heard>>,
) -> std::io::Result<()> {
    loop {
        let request = Heard::from(&mut stream).await?;
        let reply = script(&request);
        heard.lock().unwrap().push(request);
        match reply {
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Reply::Kept(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
            }
            Reply::Deaf(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                while stream.read(&mut [0; 4096]).await? > 0 {}
                return stream.shutdown().await;
            }
            Reply::Endless(begin, block) => {
                stream.write_all(&begin).await?;
                loop {
                    stream.write_all(&block).await?;
                }
            }
            Reply::Slow(pieces, pause) => {
                for piece in pieces {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&piece).await?;
                    stream.flush().await?;
                }
            }
        }
    }
}
