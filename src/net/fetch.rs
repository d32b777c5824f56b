//! Fetching contents from a peer: one kept connection, one range after the other.
//!
//! **Exactly the bytes that were asked for, or an error.** Absent on purpose: any check of the bytes. The
//! receiver checks them against the content's hash, whoever sent them.

use super::caller::{ConnectError, open};
use super::content::PATH;
use super::identity::Identity;
use super::peer_link::PeerLinks;
use super::stream::Cuts;
use super::uploads::Uploads;
use crate::base::{ContentId, PeerId};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Why a content did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The peer does not share it (any more).
    #[error("the peer does not share this content")]
    Unknown,
    /// The peer's file changed.
    #[error("the file changed at the peer")]
    Changed,
    /// The peer sends to too many at once.
    #[error("the peer is busy; ask again in {0:?}")]
    Busy(Duration),
    /// An answer that does not fit the request.
    #[error("the peer's answer does not fit the request: {0}")]
    Unfit(String),
    /// The connection broke.
    #[error("the connection to the peer broke: {0}")]
    Broken(String),
    /// Nothing arrived for too long.
    #[error("nothing arrived from the peer for {0:?}")]
    Silent(Duration),
}

/// The longest time for which a peer may send somebody away.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// A kept connection for contents: one request after the other.
#[derive(Debug)]
pub struct ContentClient {
    sender: SendRequest<Empty<Bytes>>,
    host: HeaderValue,
    silence: Duration,
}

impl ContentClient {
    /// How long a connection attempt may take.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
    /// How long nothing may arrive before a source counts as silent.
    pub const SILENCE: Duration = Duration::from_secs(5);

    /// Connects to exactly this peer. `silence` is how long nothing may arrive in a request; usually
    /// [`ContentClient::SILENCE`].
    ///
    /// # Errors
    /// [`FetchError::Connect`].
    pub async fn connect(
        identity: &Identity,
        address: SocketAddr,
        expected: PeerId,
        silence: Duration,
    ) -> Result<Self, FetchError> {
        // Without a switch nobody cuts: the sender has to live as long as the connection.
        let (switch, cuts) = watch::channel(Cuts::default());
        Self::connect_cuttable(identity, address, expected, silence, &cuts, Some(switch)).await
    }

    /// The same, cut by the fault drills of `links`.
    ///
    /// # Errors
    /// [`FetchError::Connect`].
    pub async fn connect_with(
        links: &PeerLinks,
        identity: &Identity,
        address: SocketAddr,
        expected: PeerId,
        silence: Duration,
    ) -> Result<Self, FetchError> {
        let cuts = links.cuts();
        if cuts.borrow().keeps_out(expected) {
            let within = Duration::ZERO;
            return Err(FetchError::Connect(ConnectError::TimedOut { within, address }));
        }
        Self::connect_cuttable(identity, address, expected, silence, &cuts, None).await
    }

    async fn connect_cuttable(
        identity: &Identity,
        address: SocketAddr,
        expected: PeerId,
        silence: Duration,
        cuts: &watch::Receiver<Cuts>,
        keep: Option<watch::Sender<Cuts>>,
    ) -> Result<Self, FetchError> {
        let within = Self::CONNECT_TIMEOUT;
        let connecting = async {
            let (mut stream, _) = open(identity, address, Some(expected), silence, cuts).await?;
            if let Some(keep) = keep {
                stream.get_mut().0.hold(Arc::new(keep));
            }
            let protocol = |error: hyper::Error| ConnectError::Protocol { why: error.to_string(), address };
            let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            shaken.map_err(protocol)
        };
        let connected = tokio::time::timeout(within, connecting).await;
        let (sender, connection) = connected.map_err(|_| ConnectError::TimedOut { within, address })??;
        // Ends when the sender and the last body are gone, or the connection breaks.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%address, %error, "content connection ended");
            }
        });
        let host = HeaderValue::from_str(&address.to_string()).expect("an address is ASCII");
        Ok(Self { sender, host, silence })
    }

    /// Whether another request can be made; otherwise connect anew.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Asks for a range of a content. The body of the request before has to be read to its end first (or
    /// dropped, which closes the connection). Not cancel-safe: drop the client as well.
    ///
    /// # Errors
    /// [`FetchError`]; after `Unknown`, `Changed` and `Busy` the connection can be used again.
    pub async fn get(&mut self, content: ContentId, range: Range<u64>) -> Result<ContentBody, FetchError> {
        if range.is_empty() {
            return Err(FetchError::Unfit("an empty range cannot be asked for".to_owned()));
        }
        let asked = format!("bytes={}-{}", range.start, range.end - 1);
        let request = Request::get(format!("{PATH}{content}"))
            .header(header::HOST, self.host.clone())
            .header(header::RANGE, asked)
            .body(Empty::new())
            .map_err(|error| FetchError::Unfit(error.to_string()))?;
        let broken = |error: hyper::Error| FetchError::Broken(error.to_string());
        let asking = async {
            self.sender.ready().await.map_err(broken)?;
            self.sender.send_request(request).await.map_err(broken)
        };
        let silence = self.silence;
        let answer =
            tokio::time::timeout(silence, asking).await.map_err(|_| FetchError::Silent(silence))??;
        let size = fits(&answer, &range)?;
        Ok(ContentBody { body: answer.into_body(), left: range.end - range.start, size, silence })
    }
}

/// Checks an answer's head against the request; the size that the peer says the content has.
fn fits(answer: &Response<Incoming>, range: &Range<u64>) -> Result<u64, FetchError> {
    let unfit = |why: String| Err(FetchError::Unfit(why));
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::Unknown),
        StatusCode::CONFLICT => return Err(FetchError::Changed),
        StatusCode::TOO_MANY_REQUESTS => return Err(FetchError::Busy(retry_after(answer))),
        status if status.is_server_error() => return Err(FetchError::Broken(format!("status {status}"))),
        status => return unfit(format!("status {status}")),
    }
    let value = answer.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let expected = format!("bytes {}-{}/", range.start, range.end - 1);
    let size = value.and_then(|value| value.strip_prefix(&expected)).and_then(|size| size.parse().ok());
    match size {
        Some(size) => Ok(size),
        None => unfit("it is not the range that was asked for".to_owned()),
    }
}

/// When a busy peer wants to be asked again, as far as it is sensible.
fn retry_after(answer: &Response<Incoming>) -> Duration {
    let value = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|value| value.parse().ok()).map(Duration::from_secs);
    seconds.unwrap_or(Uploads::RETRY_AFTER).min(MAX_RETRY_AFTER)
}

/// The bytes of a range as they arrive.
#[derive(Debug)]
pub struct ContentBody {
    body: Incoming,
    left: u64,
    size: u64,
    silence: Duration,
}

impl ContentBody {
    /// The size of the whole content, as the peer says.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes; `None` after exactly as many as were asked for. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        loop {
            let silence = self.silence;
            let frame = match tokio::time::timeout(silence, self.body.frame()).await {
                Err(_) => return Some(Err(FetchError::Silent(silence))),
                Ok(None) if self.left == 0 => return None,
                Ok(None) => {
                    return Some(Err(FetchError::Unfit("the body is shorter than asked for".to_owned())));
                }
                Ok(Some(Err(error))) => return Some(Err(FetchError::Broken(error.to_string()))),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
                return Some(Err(FetchError::Unfit("the body is longer than asked for".to_owned())));
            };
            self.left = left;
            return Some(Ok(bytes));
        }
    }
}
