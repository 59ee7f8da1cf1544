//! A way to Keycloak that a test can close: TCP on loopback, passed on as it is, so that TLS stays from end to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

/// The way, open until it is closed.
pub struct Front {
    runtime: Handle,
    address: SocketAddr,
    behind: SocketAddr,
    connections: Arc<AtomicU64>,
    passing: Option<JoinHandle<()>>,
    /// While it is closed: the port is kept, but nobody listens. Whoever connects is refused, as by a machine whose Keycloak
    /// has stopped.
    reserved: Option<TcpSocket>,
}

impl Front {
    /// A way to `behind`, on a port of its own.
    pub fn open_to(behind: SocketAddr, runtime: &Handle) -> Front {
        let _inside = runtime.enter();
        let socket = bound("127.0.0.1:0".parse().unwrap());
        let address = socket.local_addr().unwrap();
        let mut front = Front {
            runtime: runtime.clone(),
            address,
            behind,
            connections: Arc::default(),
            passing: None,
            reserved: Some(socket),
        };
        front.open();
        front
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Takes connections again.
    pub fn open(&mut self) {
        let _inside = self.runtime.enter();
        let listener = self.reserved.take().unwrap().listen(64).unwrap();
        self.passing = Some(self.runtime.spawn(pass(listener, self.behind, Arc::clone(&self.connections))));
    }

    /// Ends every connection and refuses new ones. To be called outside of the runtime.
    pub fn close(&mut self) {
        let passing = self.passing.take().unwrap();
        passing.abort();
        // The port is free as soon as the task has let go of its listener.
        assert!(self.runtime.block_on(passing).unwrap_err().is_cancelled());
        let _inside = self.runtime.enter();
        self.reserved = Some(bound(self.address));
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn pass(listener: TcpListener, behind: SocketAddr, connections: Arc<AtomicU64>) {
    // Ends every connection when it is dropped.
    let mut passed_on = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        connections.fetch_add(1, Ordering::SeqCst);
        passed_on.spawn(async move {
            let mut server = TcpStream::connect(behind).await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await
        });
        while passed_on.try_join_next().is_some() {}
    }
}
