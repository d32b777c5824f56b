//! Calling another peer: TLS, then JSON-RPC by WebSocket, with who is at the other end.
//!
//! A connection is never repaired: when it breaks, its calls fail, and [`super::peer_link`] makes a new
//! one. Calls have to be wrapped in [`call`], since the client's own time-out does not follow tokio's
//! clock.

use super::identity::{Identity, peer_id_of, server_name};
use super::stream::{Cuts, Guarded};
use crate::base::PeerId;
use crate::wire::codes::Code;
use jsonrpsee::core::client::Error as ClientError;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::ws_client::{PingConfig, WsClientBuilder};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection for calls: the generated `…Client` traits of [`crate::wire`] work on it.
pub type Client = jsonrpsee::core::client::Client;

/// The time that the client library may take for a call; longer than any time that a caller gives to
/// [`call`], so that only one of both counts.
const LIBRARY_TIMEOUT: Duration = Duration::from_mins(10);

/// Limits of a connection that this peer opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// TCP, TLS and WebSocket together.
    pub connect_timeout: Duration,
    /// How often a sign of life is asked for.
    pub ping_interval: Duration,
    /// A connection without any sign of life for so long is dead.
    pub dead_after: Duration,
    /// A write that is stalled for so long ends the connection.
    pub write_timeout: Duration,
    /// The longest request, in bytes.
    pub request_bytes: u32,
    /// The longest answer, in bytes.
    pub response_bytes: u32,
    /// How many calls may be under way; more wait.
    pub calls: usize,
}

impl CallerLimits {
    /// For the general port: patient enough for a loaded machine.
    pub const GENERAL: Self = Self {
        connect_timeout: Duration::from_secs(3),
        ping_interval: Duration::from_secs(2),
        dead_after: Duration::from_secs(6),
        write_timeout: Duration::from_secs(10),
        request_bytes: 2 * 1024 * 1024,
        response_bytes: 4 * 1024 * 1024,
        calls: 256,
    };

    /// For the election port: a link that is silent for 1 s is replaced, because TCP itself would repeat
    /// only many seconds after a cut has healed.
    pub const ELECTION: Self = Self {
        connect_timeout: Duration::from_millis(750),
        ping_interval: Duration::from_millis(250),
        dead_after: Duration::from_secs(1),
        write_timeout: Duration::from_secs(1),
        request_bytes: 64 * 1024,
        response_bytes: 64 * 1024,
        calls: 64,
    };
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, or the network does not lead there.
    #[error("cannot connect ({why}): {address}")]
    Tcp {
        /// The system's reason.
        why: String,
        /// Where.
        address: SocketAddr,
    },
    /// The handshake failed: not a member of this group, or not a peer at all.
    #[error("no secure connection, probably not a member of this group ({why}): {address}")]
    Tls {
        /// The reason.
        why: String,
        /// Where.
        address: SocketAddr,
    },
    /// Another peer listens there.
    #[error("another peer ({}) listens at the address of {}: {address}", found.short(), expected.short())]
    OtherPeer {
        /// Who was to be reached.
        expected: PeerId,
        /// Who is there.
        found: PeerId,
        /// Where.
        address: SocketAddr,
    },
    /// The other end does not talk the protocol (any more).
    #[error("the other end refused the protocol ({why}): {address}")]
    Protocol {
        /// The reason.
        why: String,
        /// Where.
        address: SocketAddr,
    },
    /// It took too long.
    #[error("no answer within {within:?}: {address}")]
    TimedOut {
        /// The limit.
        within: Duration,
        /// Where.
        address: SocketAddr,
    },
}

/// Why a call gave no result. Whether it was carried out is unknown except for [`CallError::Refused`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The other end answered with an error.
    #[error("{}", .0.message())]
    Refused(ErrorObjectOwned),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke or the answer was malformed.
    #[error("the call failed: {0}")]
    Broken(String),
}

impl CallError {
    /// The other end's error code (see [`crate::wire::codes::Code`]), if it answered with one.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Refused(error) => Some(error.code()),
            Self::TimedOut(_) | Self::Broken(_) => None,
        }
    }

    /// Whether it is a refusal with this code.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.code() == Some(code as i32)
    }
}

/// Waits for a call's answer, at most `within`. Cancel-safe; the call may still be carried out.
///
/// # Errors
/// See [`CallError`].
pub async fn call<T>(
    within: Duration,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(within, call).await {
        Err(_) => Err(CallError::TimedOut(within)),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ClientError::Call(error))) => Err(CallError::Refused(error)),
        Ok(Err(error)) => Err(CallError::Broken(error.to_string())),
    }
}

/// Opens a connection for calls and says who is at the other end; with `expected`, only to that peer.
///
/// # Errors
/// Says which step failed and why.
pub async fn connect(
    identity: &Identity,
    address: SocketAddr,
    expected: Option<PeerId>,
    limits: CallerLimits,
) -> Result<(Client, PeerId), ConnectError> {
    // Without a switch nobody cuts: the sender has to live as long as the connection.
    let (switch, cuts) = watch::channel(Cuts::default());
    connect_cuttable(identity, address, expected, limits, &cuts, Some(switch)).await
}

/// Whether somebody listens there who is certainly no member of this group: a member of another one, or another
/// program. Not if nobody listens, or nobody answers in time.
pub async fn belongs_to_others(identity: &Identity, address: SocketAddr) -> bool {
    matches!(connect(identity, address, None, CallerLimits::GENERAL).await, Err(ConnectError::Tls { .. }))
}

/// As [`connect`], cut by whoever owns the switch of `cuts`; `keep` lives as long as the socket.
pub(super) async fn connect_cuttable(
    identity: &Identity,
    address: SocketAddr,
    expected: Option<PeerId>,
    limits: CallerLimits,
    cuts: &watch::Receiver<Cuts>,
    keep: Option<watch::Sender<Cuts>>,
) -> Result<(Client, PeerId), ConnectError> {
    let work = async {
        let (mut stream, peer) = open(identity, address, expected, limits.write_timeout, cuts).await?;
        if let Some(keep) = keep {
            stream.get_mut().0.hold(std::sync::Arc::new(keep));
        }
        let pings = PingConfig::new()
            .ping_interval(limits.ping_interval)
            .inactive_limit(limits.dead_after)
            .max_failures(1);
        let client = WsClientBuilder::new()
            .max_request_size(limits.request_bytes)
            .max_response_size(limits.response_bytes)
            .max_frame_size(limits.response_bytes)
            .max_concurrent_requests(limits.calls)
            .request_timeout(LIBRARY_TIMEOUT)
            .enable_ws_ping(pings)
            .build_with_stream(format!("ws://{address}/"), stream)
            .await
            .map_err(|error| ConnectError::Protocol { why: error.to_string(), address })?;
        Ok((client, peer))
    };
    let within = limits.connect_timeout;
    tokio::time::timeout(within, work).await.map_err(|_| ConnectError::TimedOut { within, address })?
}

/// TCP and TLS to a member, which is known afterwards.
pub(super) async fn open(
    identity: &Identity,
    address: SocketAddr,
    expected: Option<PeerId>,
    write_timeout: Duration,
    cuts: &watch::Receiver<Cuts>,
) -> Result<(TlsStream<Guarded<TcpStream>>, PeerId), ConnectError> {
    let tcp = |error: std::io::Error| ConnectError::Tcp { why: error.to_string(), address };
    let socket = TcpStream::connect(address).await.map_err(tcp)?;
    socket.set_nodelay(true).map_err(tcp)?;
    let guarded = Guarded::new(socket, cuts, write_timeout);
    let tls = |why: String| ConnectError::Tls { why, address };
    let connector = TlsConnector::from(identity.client_config());
    let mut stream =
        connector.connect(server_name(), guarded).await.map_err(|error| tls(error.to_string()))?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificate = certificates.first().ok_or_else(|| tls("no certificate".to_owned()))?;
    let found = peer_id_of(certificate).map_err(|error| tls(error.to_string()))?;
    stream.get_mut().0.belongs_to(found, cuts);
    match expected {
        Some(expected) if expected != found => Err(ConnectError::OtherPeer { expected, found, address }),
        _ => Ok((stream, found)),
    }
}
