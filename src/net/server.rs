//! The listener: TLS handshakes, who is at the other end, and a service per connection.
//!
//! Invariants: every socket is counted until it is closed, whoever holds it; outsiders never get past the
//! handshake, and however many try, the oldest unfinished handshake gives way, so that members still get
//! in; after [`ServerHandle::stop`] nothing of this server runs any more.
//!
//! What is absent on purpose: methods. They come as jsonrpsee `Methods`; each finds the
//! [`crate::wire::Caller`] in its extensions.

use super::content::ContentService;
use super::identity::{Identity, peer_id_of};
use super::route::{self, Connection, InFlightLayer};
use super::stream::{self, Cuts, Guarded};
use crate::base::PeerId;
use crate::wire::Caller;
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::Methods;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, PingConfig, Server as RpcServer, ServerConfig, StopHandle, TowerServiceBuilder,
    stop_channel,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use tower::layer::util::{Identity as NoLayer, Stack};

/// Limits of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections of members, in all; more are closed after the handshake.
    pub connections: usize,
    /// Connections of one member.
    pub connections_per_peer: usize,
    /// Unfinished handshakes; the oldest gives way.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// How long a request's headers may take, and a kept HTTP connection may be idle.
    pub header_timeout: Duration,
    /// The longest request headers, in bytes.
    pub header_bytes: usize,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// A write that is stalled for so long ends the connection.
    pub write_timeout: Duration,
    /// The longest request, in bytes.
    pub request_bytes: u32,
    /// The longest answer, in bytes.
    pub response_bytes: u32,
    /// Calls of one connection that are under way; more are refused as `Busy`.
    pub calls_per_connection: usize,
    /// Subscriptions of one connection.
    pub subscriptions_per_connection: u32,
    /// How often a WebSocket is asked for a sign of life.
    pub ping_interval: Duration,
    /// A WebSocket without a sign of life for so long is closed.
    pub dead_after: Duration,
    /// How long [`ServerHandle::stop`] lets calls finish.
    pub stop_grace: Duration,
}

impl ServerLimits {
    /// For the general port of a peer and for the name service.
    pub const GENERAL: Self = Self {
        connections: 512,
        connections_per_peer: 64,
        handshakes: 256,
        handshake_timeout: Duration::from_secs(5),
        header_timeout: Duration::from_secs(30),
        header_bytes: 16 * 1024,
        body_timeout: Duration::from_secs(30),
        write_timeout: Duration::from_secs(20),
        request_bytes: 2 * 1024 * 1024,
        response_bytes: 4 * 1024 * 1024,
        calls_per_connection: 256,
        subscriptions_per_connection: 16,
        ping_interval: Duration::from_secs(10),
        dead_after: Duration::from_secs(30),
        stop_grace: Duration::from_millis(500),
    };

    /// For the election port: small messages of few peers, no contents.
    pub const ELECTION: Self = Self {
        connections: 128,
        connections_per_peer: 8,
        handshakes: 128,
        handshake_timeout: Duration::from_secs(2),
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_secs(2),
        request_bytes: 64 * 1024,
        response_bytes: 64 * 1024,
        calls_per_connection: 64,
        subscriptions_per_connection: 0,
        stop_grace: Duration::from_millis(100),
        ..Self::GENERAL
    };
}

/// How many header lines a request may have: browsers and tools send about 20.
const HEADERS: usize = 64;
/// Answers that wait for a slow reader before its calls wait too.
const ANSWERS_WAITING: u32 = 64;
/// What is encrypted and sent by one call of the system at the most: eight records of TLS and what they cost. The library's own
/// limit is half of it, which takes twice the calls.
const SEND_BYTES: usize = 136 * 1024;
/// The pause after a failed accept (no file descriptors, for example), doubled up to
/// [`LONGEST_ACCEPT_PAUSE`].
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause after failed accepts.
const LONGEST_ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// How long closing may take after every connection was cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A listener that serves members.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Serves `methods` (and `contents`, if given) on `listener`, with tasks on the current tokio runtime.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(
        listener: TcpListener,
        identity: &Identity,
        methods: Methods,
        contents: Option<ContentService>,
        limits: ServerLimits,
    ) -> std::io::Result<ServerHandle> {
        let address = listener.local_addr()?;
        let switch = watch::Sender::new(Cuts::default());
        let (stop, stopping) = stop_channel();
        let tracker = TaskTracker::new();
        let acceptance = Acceptance {
            me: identity.peer_id(),
            address,
            tls: TlsAcceptor::from(identity.server_config()),
            rpc: rpc_builder(limits),
            methods,
            contents,
            limits,
            stop,
            cuts: switch.subscribe(),
            tracker: tracker.clone(),
            per_peer: BTreeMap::new(),
            all: Arc::new(()),
            connection: 0,
        };
        tracker.spawn(accept_task(listener, acceptance));
        Ok(ServerHandle { address, switch, stopping, tracker, grace: limits.stop_grace })
    }
}

/// A running server; it is cut off when this is dropped.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    switch: watch::Sender<Cuts>,
    stopping: jsonrpsee::server::ServerHandle,
    tracker: TaskTracker,
    grace: Duration,
}

impl ServerHandle {
    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A fault drill: as after a crash, all connections drop at once and new ones are closed unanswered,
    /// until it is switched off. Only the peer's own key is still served, so that a person can end it.
    pub fn silence(&self, silent: bool) {
        stream::set_silent(&self.switch, silent);
    }

    /// A fault drill: cuts the link to one peer, or mends it.
    pub fn cut_peer(&self, peer: PeerId, cut: bool) {
        stream::set_cut(&self.switch, peer, cut);
    }

    /// Closes the listener, lets calls finish for a short time, then cuts every connection. When it
    /// returns, nothing of this server runs any more.
    pub async fn stop(self) {
        if self.stopping.stop().is_err() {
            tracing::debug!("the server had stopped already");
        }
        self.tracker.close();
        if tokio::time::timeout(self.grace, self.tracker.wait()).await.is_ok() {
            return;
        }
        stream::cut(&self.switch);
        if tokio::time::timeout(CLOSE_TIMEOUT, self.tracker.wait()).await.is_err() {
            tracing::warn!(address = %self.address, "connections did not close in time");
        }
    }
}

type RpcBuilder = TowerServiceBuilder<Stack<InFlightLayer, NoLayer>, NoLayer>;

fn rpc_builder(limits: ServerLimits) -> RpcBuilder {
    let pings = PingConfig::new()
        .ping_interval(limits.ping_interval)
        .inactive_limit(limits.dead_after)
        .max_failures(1);
    let sessions = limits.connections.saturating_mul(2);
    let config = ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        // Sockets are limited here; the library counts requests, which may overlap with closing ones.
        .max_connections(u32::try_from(sessions).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(limits.subscriptions_per_connection)
        .set_batch_request_config(BatchRequestConfig::Disabled)
        .set_message_buffer_capacity(ANSWERS_WAITING)
        .enable_ws_ping(pings)
        .build();
    RpcServer::builder()
        .set_config(config)
        .set_rpc_middleware(
            RpcServiceBuilder::new().layer(InFlightLayer { calls: limits.calls_per_connection }),
        )
        .to_service_builder()
}

/// A finished handshake.
struct Member {
    stream: TlsStream<Guarded<TcpStream>>,
    caller: Caller,
}

/// The state of the accept task.
struct Acceptance {
    me: PeerId,
    address: SocketAddr,
    tls: TlsAcceptor,
    rpc: RpcBuilder,
    methods: Methods,
    contents: Option<ContentService>,
    limits: ServerLimits,
    stop: StopHandle,
    cuts: watch::Receiver<Cuts>,
    tracker: TaskTracker,
    /// How many sockets hold a clone is how many connections a peer has.
    per_peer: BTreeMap<PeerId, Arc<()>>,
    /// The same for all.
    all: Arc<()>,
    connection: u32,
}

async fn accept_task(listener: TcpListener, mut acceptance: Acceptance) {
    let mut handshakes = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    let mut pause = ACCEPT_PAUSE;
    let stopped = acceptance.stop.clone().shutdown();
    tokio::pin!(stopped);
    let mut handle = acceptance.cuts.clone();
    loop {
        tokio::select! {
            () = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((socket, address)) => {
                    pause = ACCEPT_PAUSE;
                    acceptance.begin(socket, address, &mut handshakes, &mut oldest);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_ACCEPT_PAUSE);
                }
            },
            Some(done) = handshakes.join_next() => {
                if let Ok(Some(member)) = done {
                    acceptance.admit(member);
                }
            }
            // The handle is gone without a stop.
            () = async { drop(handle.wait_for(|_| false).await) } => return,
        }
    }
}

impl Acceptance {
    fn begin(
        &mut self,
        socket: TcpStream,
        address: SocketAddr,
        handshakes: &mut JoinSet<Option<Member>>,
        oldest: &mut VecDeque<AbortHandle>,
    ) {
        // During a fault drill only this machine gets as far as the handshake, which tells whether it is
        // the peer's own key: a person must be able to end the drill.
        if self.cuts.borrow().silent && !address.ip().is_loopback() && address.ip() != self.address.ip() {
            return;
        }
        oldest.retain(|handshake| !handshake.is_finished());
        if oldest.len() >= self.limits.handshakes
            && let Some(handshake) = oldest.pop_front()
        {
            handshake.abort();
        }
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%address, %error, "connection refused");
            return;
        }
        let guarded = Guarded::new(socket, &self.cuts, self.limits.write_timeout);
        let (tls, within) = (self.tls.clone(), self.limits.handshake_timeout);
        oldest.push_back(handshakes.spawn(async move {
            match tokio::time::timeout(within, handshake(&tls, guarded, address)).await {
                Ok(Ok(member)) => Some(member),
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "handshake refused");
                    None
                }
                Err(_) => {
                    tracing::debug!(%address, "handshake not finished in time");
                    None
                }
            }
        }));
    }

    fn admit(&mut self, member: Member) {
        let Member { mut stream, caller } = member;
        if caller.peer != self.me && self.cuts.borrow().keeps_out(caller.peer) {
            return;
        }
        self.per_peer.retain(|_, held| Arc::strong_count(held) > 1);
        let mine = self.per_peer.entry(caller.peer).or_default();
        let full = Arc::strong_count(mine) > self.limits.connections_per_peer
            || Arc::strong_count(&self.all) > self.limits.connections;
        if full {
            tracing::warn!(peer = %caller.peer.short(), "too many connections; one is closed");
            return;
        }
        let guarded = stream.get_mut().0;
        if caller.peer == self.me {
            guarded.belongs_to_the_own_key(&self.cuts);
        } else {
            guarded.belongs_to(caller.peer, &self.cuts);
        }
        guarded.hold(mine.clone());
        guarded.hold(self.all.clone());
        guarded.hold(Arc::new(self.tracker.token()));
        self.connection = self.connection.wrapping_add(1);
        let rpc = self.rpc.clone().connection_id(self.connection);
        let connection = Connection {
            caller,
            rpc: rpc.build(self.methods.clone(), self.stop.clone()),
            contents: self.contents.clone(),
            limits: self.limits,
        };
        self.tracker.spawn(serve_task(stream, connection, self.stop.clone()));
    }
}

async fn handshake(
    tls: &TlsAcceptor,
    socket: Guarded<TcpStream>,
    address: SocketAddr,
) -> std::io::Result<Member> {
    let mut stream = tls.accept(socket).await?;
    stream.get_mut().1.set_buffer_limit(Some(SEND_BYTES));
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificate = certificates.first().ok_or_else(|| std::io::Error::other("no certificate"))?;
    let peer = peer_id_of(certificate).map_err(std::io::Error::other)?;
    Ok(Member { stream, caller: Caller { peer, address: Some(address) } })
}

async fn serve_task(stream: TlsStream<Guarded<TcpStream>>, connection: Connection, stop: StopHandle) {
    let limits = connection.limits;
    let peer = connection.caller.peer;
    let service = hyper::service::service_fn(move |request| route::route(connection.clone(), request));
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS)
        .max_header_size(limits.header_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop.shutdown() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(peer = %peer.short(), %error, "connection ended");
    }
}
