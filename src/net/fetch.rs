//! Fetching contents from a peer: one kept connection, one range after the other.
//!
//! **Exactly the bytes that were asked for, or an error.** The bytes go from the connection's buffer straight
//! to where the caller wants them, in the caller's task: a general HTTP client would copy them once more and
//! wake another task for every 16 KiB. Absent on purpose: any check of the bytes (the receiver checks them
//! against the content's hash, whoever sent them), and every part of HTTP that this peer's own server does
//! not use: no chunks, no redirects, no body without a length.

use super::caller::{ConnectError, open};
use super::content::PATH;
use super::identity::Identity;
use super::many;
use super::peer_link::PeerLinks;
use super::stream::{Cuts, Guarded};
use super::uploads::Uploads;
use crate::base::{ContentId, PeerId};
use hyper::StatusCode;
use hyper::body::Bytes;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// Bytes taken from the socket at once: the TLS library alone would ask for 4 KiB.
const READ_AHEAD_BYTES: usize = 256 * 1024;
/// The longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most header lines of an answer.
const MAX_HEADERS: usize = 64;
/// A refusal's text is read away up to so many bytes, so that the connection can be used again.
const MAX_REFUSAL_BYTES: u64 = 64 * 1024;
/// The longest time for which a peer may send somebody away.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

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

type Stream = TlsStream<Guarded<TcpStream>>;

/// A kept connection for contents: one request after the other.
pub struct ContentClient {
    way: Way,
    silence: Duration,
    stream: Stream,
    /// Whether a request was answered on this connection: the peer may have closed it since.
    is_used: bool,
    is_open: bool,
    /// Bytes of the body that are to come.
    left: u64,
}

impl std::fmt::Debug for ContentClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentClient").field("address", &self.way.address).finish_non_exhaustive()
    }
}

fn broken(error: impl std::fmt::Display) -> FetchError {
    FetchError::Broken(error.to_string())
}

fn unfit(why: impl Into<String>) -> FetchError {
    FetchError::Unfit(why.into())
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
        Self::connect_by(None, identity, address, expected, silence).await
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
        Self::connect_by(Some(links.clone()), identity, address, expected, silence).await
    }

    async fn connect_by(
        links: Option<PeerLinks>,
        identity: &Identity,
        address: SocketAddr,
        expected: PeerId,
        silence: Duration,
    ) -> Result<Self, FetchError> {
        let way = Way { links, identity: identity.clone(), address, expected, silence };
        let stream = way.dial().await?;
        Ok(Self { way, silence, stream, is_used: false, is_open: true, left: 0 })
    }

    /// Whether another request can be made; otherwise connect anew.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open && self.left == 0
    }

    /// Asks for a range of a content. What is left of the body before makes the connection unusable. Not
    /// cancel-safe: drop the client as well.
    ///
    /// # Errors
    /// [`FetchError`]; after `Unknown`, `Changed` and `Busy` the connection can be used again.
    pub async fn get(
        &mut self,
        content: ContentId,
        range: Range<u64>,
    ) -> Result<ContentBody<'_>, FetchError> {
        let size = self.begin(content, range).await?;
        Ok(ContentBody { client: self, size })
    }

    /// As [`ContentClient::get`], for [`ContentClient::read`]. Gives the size of the whole content, as the
    /// peer says.
    ///
    /// # Errors
    /// As [`ContentClient::get`].
    pub async fn begin(&mut self, content: ContentId, range: Range<u64>) -> Result<u64, FetchError> {
        if range.is_empty() {
            return Err(unfit("an empty range cannot be asked for"));
        }
        if !self.is_open() {
            return Err(broken("the connection is not usable any more"));
        }
        let (host, first, last) = (self.way.address, range.start, range.end - 1);
        let request =
            format!("GET {PATH}{content} HTTP/1.1\r\nhost: {host}\r\nrange: bytes={first}-{last}\r\n\r\n");
        let head = self.ask(&request).await?;
        if head.status != StatusCode::PARTIAL_CONTENT {
            return Err(self.refusal(&head).await);
        }
        let Some(size) = head.fits(&range) else {
            self.is_open = false;
            return Err(unfit("it is not the range that was asked for"));
        };
        self.left = range.end - range.start;
        Ok(size)
    }

    /// Asks for several small contents at once, at most [`MAX_MANY`](super::MAX_MANY). Gives them in their order,
    /// each or why it does not come: as many as the answer has room for, and at least one. Not cancel-safe: drop
    /// the client as well.
    ///
    /// # Errors
    /// As [`ContentClient::get`].
    pub async fn many(
        &mut self,
        contents: &[ContentId],
    ) -> Result<Vec<Result<Bytes, FetchError>>, FetchError> {
        if !self.is_open() {
            return Err(broken("the connection is not usable any more"));
        }
        let mut lines = String::new();
        for content in contents {
            lines.push_str(&content.to_string());
            lines.push('\n');
        }
        let (path, host, length) = (many::PATH, self.way.address, lines.len());
        let request =
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{lines}");
        let head = self.ask(&request).await?;
        if head.status != StatusCode::OK {
            return Err(self.refusal(&head).await);
        }
        let length = head.length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length.filter(|length| *length <= many::MAX_ANSWER_BYTES) else {
            self.is_open = false;
            return Err(unfit("it is no answer to a request for several contents"));
        };
        self.left = length as u64;
        let mut bytes = Vec::with_capacity(length);
        while self.read(&mut bytes, usize::MAX).await? > 0 {}
        many::parse(Bytes::from(bytes), contents.len()).ok_or_else(|| {
            self.is_open = false;
            unfit("it is no answer to a request for several contents")
        })
    }

    /// Bytes of the body that were not read yet.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// Appends to `bytes` what has come of the body, at most `most`; waits until there is something. 0 at
    /// the end of the body. Cancel-safe.
    ///
    /// # Errors
    /// [`FetchError::Silent`] or [`FetchError::Broken`]; what came before is in `bytes`.
    pub async fn read(&mut self, bytes: &mut Vec<u8>, most: usize) -> Result<usize, FetchError> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        if most == 0 {
            return Ok(0);
        }
        let stream = &mut self.stream;
        let reading = poll_fn(|cx| poll_append(Pin::new(stream), cx, bytes, most));
        let read = match timeout(self.silence, reading).await {
            Err(_) => Err(FetchError::Silent(self.silence)),
            Ok(Err(error)) => Err(broken(error)),
            Ok(Ok(0)) => Err(broken("it ended before the body did")),
            Ok(Ok(read)) => Ok(read),
        };
        match &read {
            Ok(read) => self.left -= *read as u64,
            Err(_) => self.is_open = false,
        }
        read
    }

    /// Sends a request and reads the head of its answer; once more on a new connection if the old one was closed
    /// while nobody asked: nothing was answered then, so that asking again is safe.
    async fn ask(&mut self, request: &str) -> Result<Head, FetchError> {
        let head = match self.ask_once(request).await {
            Err(FetchError::Broken(_)) if self.is_used => {
                self.stream = self.way.dial().await?;
                self.ask_once(request).await?
            }
            asked => asked?,
        };
        self.is_used = true;
        Ok(head)
    }

    async fn ask_once(&mut self, request: &str) -> Result<Head, FetchError> {
        self.is_open = false;
        let asking = async {
            self.stream.write_all(request.as_bytes()).await.map_err(broken)?;
            self.stream.flush().await.map_err(broken)?;
            read_head(&mut self.stream).await
        };
        let asked = timeout(self.silence, asking).await;
        let head = Head::parse(&asked.map_err(|_| FetchError::Silent(self.silence))??)?;
        self.is_open = !head.closes;
        Ok(head)
    }

    /// What an answer says that is not what was asked for; its text is read away.
    async fn refusal(&mut self, head: &Head) -> FetchError {
        let refusal = match StatusCode::from_u16(head.status) {
            Ok(StatusCode::NOT_FOUND | StatusCode::GONE) => FetchError::Unknown,
            Ok(StatusCode::CONFLICT) => FetchError::Changed,
            Ok(StatusCode::TOO_MANY_REQUESTS) => FetchError::Busy(head.retry_after),
            Ok(status) if status.is_server_error() => broken(format!("status {status}")),
            _ => unfit(format!("status {}", head.status)),
        };
        match head.length {
            Some(length) if length <= MAX_REFUSAL_BYTES => {
                self.left = length;
                let mut text = Vec::new();
                loop {
                    match self.read(&mut text, usize::MAX).await {
                        Ok(0) => return refusal,
                        Ok(_) => {}
                        Err(error) => return error,
                    }
                }
            }
            _ => self.is_open = false,
        }
        refusal
    }
}

/// How to connect, once more if need be.
struct Way {
    /// Whose fault drills cut the connection.
    links: Option<PeerLinks>,
    identity: Identity,
    address: SocketAddr,
    expected: PeerId,
    silence: Duration,
}

impl Way {
    async fn dial(&self) -> Result<Stream, FetchError> {
        let address = self.address;
        // Without a switch nobody cuts: the sender has to live as long as the connection.
        let (cuts, keep) = if let Some(links) = &self.links {
            (links.cuts(), None)
        } else {
            let (switch, cuts) = watch::channel(Cuts::default());
            (cuts, Some(switch))
        };
        if cuts.borrow().keeps_out(self.expected) {
            let within = Duration::ZERO;
            return Err(FetchError::Connect(ConnectError::TimedOut { within, address }));
        }
        let within = ContentClient::CONNECT_TIMEOUT;
        let connecting = open(&self.identity, address, Some(self.expected), self.silence, &cuts);
        let connected = timeout(within, connecting).await;
        let (mut stream, _) = connected.map_err(|_| ConnectError::TimedOut { within, address })??;
        let socket = stream.get_mut().0;
        socket.read_ahead(READ_AHEAD_BYTES);
        if let Some(keep) = keep {
            socket.hold(Arc::new(keep));
        }
        Ok(stream)
    }
}

/// Appends everything that is there, at most `most` bytes; 0 only at the end of the stream.
fn poll_append(
    mut stream: Pin<&mut Stream>,
    cx: &mut Context<'_>,
    bytes: &mut Vec<u8>,
    most: usize,
) -> Poll<std::io::Result<usize>> {
    let mut read = 0;
    while read < most {
        match stream.as_mut().poll_fill_buf(cx) {
            Poll::Ready(Ok(chunk)) if !chunk.is_empty() => {
                let part = chunk.len().min(most - read);
                bytes.extend_from_slice(&chunk[..part]);
                stream.as_mut().consume(part);
                read += part;
            }
            // What came before an end or an error is given first; the next call sees it again.
            _ if read > 0 => break,
            Poll::Ready(Ok(_)) => break,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    }
    Poll::Ready(Ok(read))
}

async fn read_head(stream: &mut Stream) -> Result<Vec<u8>, FetchError> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    while head.len() < MAX_HEAD_BYTES {
        let chunk = stream.fill_buf().await.map_err(broken)?;
        if chunk.is_empty() {
            return Err(broken("it was closed"));
        }
        let before = head.len();
        head.extend_from_slice(&chunk[..chunk.len().min(MAX_HEAD_BYTES - before)]);
        let from = before.saturating_sub(END.len() - 1);
        let end = head[from..].windows(END.len()).position(|window| window == END);
        if let Some(end) = end {
            head.truncate(from + end + END.len());
            stream.consume(head.len() - before);
            return Ok(head);
        }
        stream.consume(head.len() - before);
    }
    Err(unfit("the answer's head has no end"))
}

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of the body, if the answer says it in the only way that is understood here.
    length: Option<u64>,
    range: Option<String>,
    retry_after: Duration,
    /// Whether the peer closes the connection after it.
    closes: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, FetchError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(bytes).map_err(|error| unfit(format!("no HTTP: {error}")))?;
        let Some(status) = answer.code.filter(|_| parsed.is_complete()) else {
            return Err(unfit("the answer's head is not whole"));
        };
        let is_old = answer.version != Some(1);
        let mut head =
            Self { status, length: None, range: None, retry_after: Uploads::RETRY_AFTER, closes: is_old };
        for header in answer.headers.iter() {
            let value = std::str::from_utf8(header.value).map_err(|_| unfit("a header is not text"))?.trim();
            match header.name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    let length = value.parse().map_err(|_| unfit("the length is not a number"))?;
                    if head.length.replace(length).is_some_and(|other| other != length) {
                        return Err(unfit("the answer has two lengths"));
                    }
                }
                "transfer-encoding" => return Err(unfit("the body comes in chunks")),
                "content-range" => head.range = Some(value.to_owned()),
                "retry-after" => {
                    let wait = value.parse().map_or(Uploads::RETRY_AFTER, Duration::from_secs);
                    head.retry_after = wait.min(MAX_RETRY_AFTER);
                }
                "connection" => head.closes |= value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(head)
    }

    /// The size of the content, if the body is exactly this range.
    fn fits(&self, range: &Range<u64>) -> Option<u64> {
        let begin = format!("bytes {}-{}/", range.start, range.end - 1);
        let size = self.range.as_ref()?.strip_prefix(&begin)?.parse().ok()?;
        (self.length == Some(range.end - range.start)).then_some(size)
    }
}

/// The bytes of a range as they arrive.
#[derive(Debug)]
pub struct ContentBody<'a> {
    client: &'a mut ContentClient,
    size: u64,
}

impl ContentBody<'_> {
    /// The most bytes that [`ContentBody::next`] gives at once.
    pub const MAX_BYTES: usize = READ_AHEAD_BYTES;

    /// The size of the whole content, as the peer says.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes; `None` after exactly as many as were asked for. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        let mut bytes = Vec::new();
        match self.client.read(&mut bytes, Self::MAX_BYTES).await {
            Ok(0) => None,
            Ok(_) => Some(Ok(Bytes::from(bytes))),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
