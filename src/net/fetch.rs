//! Fetching contents from a peer: one kept connection, one range after the other, which may be asked for ahead
//! (RFC 9112, section 9.3.2).
//!
//! **Exactly the bytes that were asked for, or an error.** The bytes go from the connection's buffer straight
//! to where the caller wants them, in the caller's task: a general HTTP client would copy them once more and
//! wake another task for every 16 KiB. Absent on purpose: any check of the bytes (the receiver checks them
//! against the content's hash, whoever sent them), and every part of HTTP that this peer's own server does
//! not use: no chunks, no redirects, no body without a length.

use super::caller::{ConnectError, open};
use super::content::PATH;
use super::identity::Identity;
use super::peer_link::PeerLinks;
use super::stream::{Cuts, Guarded};
use super::uploads::Uploads;
use crate::base::{ContentId, PeerId};
use hyper::StatusCode;
use hyper::body::Bytes;
use std::collections::VecDeque;
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
/// Said where a connection was left before its time.
const UNUSABLE: &str = "it is not usable any more";
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

/// A range of a content.
type Asked = (ContentId, Range<u64>);

/// A kept connection for contents: one answer after the other.
pub struct ContentClient {
    way: Way,
    silence: Duration,
    stream: Stream,
    /// Whether a request was answered on this connection: the peer may have closed it since.
    is_used: bool,
    is_open: bool,
    /// Requests that were sent and of which no answer has come yet, in their order.
    asked: VecDeque<Asked>,
    /// Whether an answer has come since they were sent.
    is_answered: bool,
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
        let asked = VecDeque::new();
        Ok(Self { way, silence, stream, is_used: false, is_open: true, asked, is_answered: false, left: 0 })
    }

    /// Whether another request can be made, or the next answer be read; otherwise connect anew.
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

    /// Asks for several ranges at once, of which [`ContentClient::begin`] then gives one after the other: what is
    /// small does not wait for a round trip each. Not cancel-safe: drop the client as well.
    ///
    /// # Errors
    /// [`FetchError`]; the connection cannot be used any more.
    pub async fn ask_ahead(&mut self, wanted: &[(ContentId, Range<u64>)]) -> Result<(), FetchError> {
        if !self.asked.is_empty() {
            return Err(unfit("what was asked for before has not come yet"));
        }
        self.ask(wanted).await
    }

    /// As [`ContentClient::get`], for [`ContentClient::read`]. Gives the size of the whole content, as the
    /// peer says.
    ///
    /// # Errors
    /// As [`ContentClient::get`].
    pub async fn begin(&mut self, content: ContentId, range: Range<u64>) -> Result<u64, FetchError> {
        let wanted = (content, range);
        match self.asked.front() {
            None => self.ask(std::slice::from_ref(&wanted)).await?,
            Some(asked) if *asked != wanted => return Err(unfit("another range was asked for before")),
            Some(_) if !self.is_open() => return Err(broken(UNUSABLE)),
            Some(_) => {}
        }
        let head = match self.answer().await {
            // It was closed while nobody asked: nothing was answered, so that asking again is safe.
            Err(FetchError::Broken(_)) if self.is_used && !self.is_answered => {
                self.stream = self.way.dial().await?;
                self.send().await?;
                self.answer().await?
            }
            answered => answered?,
        };
        (self.is_used, self.is_answered) = (true, true);
        self.asked.pop_front();
        self.judge(&head, &wanted.1).await
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

    /// Sends requests.
    async fn ask(&mut self, wanted: &[Asked]) -> Result<(), FetchError> {
        if wanted.iter().any(|(_, range)| range.is_empty()) {
            return Err(unfit("an empty range cannot be asked for"));
        }
        if !self.is_open() {
            return Err(broken(UNUSABLE));
        }
        self.asked.extend(wanted.iter().cloned());
        self.is_answered = false;
        match self.send().await {
            Err(FetchError::Broken(_)) if self.is_used => {
                self.stream = self.way.dial().await?;
                self.send().await
            }
            sent => sent,
        }
    }

    /// Sends what is asked for.
    async fn send(&mut self) -> Result<(), FetchError> {
        let host = self.way.address;
        let mut requests = String::new();
        for (content, Range { start, end }) in &self.asked {
            let last = end - 1;
            let line = format!(
                "GET {PATH}{content} HTTP/1.1\r\nhost: {host}\r\nrange: bytes={start}-{last}\r\n\r\n"
            );
            requests.push_str(&line);
        }
        self.is_open = false;
        let sending = async {
            self.stream.write_all(requests.as_bytes()).await.map_err(broken)?;
            self.stream.flush().await.map_err(broken)
        };
        timeout(self.silence, sending).await.map_err(|_| FetchError::Silent(self.silence))??;
        self.is_open = true;
        Ok(())
    }

    /// The head of the next answer.
    async fn answer(&mut self) -> Result<Head, FetchError> {
        self.is_open = false;
        let answered = timeout(self.silence, read_head(&mut self.stream)).await;
        let head = Head::parse(&answered.map_err(|_| FetchError::Silent(self.silence))??)?;
        self.is_open = !head.closes;
        Ok(head)
    }

    /// Checks an answer's head against the request.
    async fn judge(&mut self, head: &Head, range: &Range<u64>) -> Result<u64, FetchError> {
        let refusal = match StatusCode::from_u16(head.status) {
            Ok(StatusCode::PARTIAL_CONTENT) => {
                let Some(size) = head.fits(range) else {
                    self.is_open = false;
                    return Err(unfit("it is not the range that was asked for"));
                };
                self.left = range.end - range.start;
                return Ok(size);
            }
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
                while self.read(&mut text, usize::MAX).await? > 0 {}
            }
            _ => self.is_open = false,
        }
        Err(refusal)
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
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<Head, FetchError> {
        Head::parse(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())
    }

    #[test]
    fn heads_are_understood_or_refused() {
        let head = parse("HTTP/1.1 206 Partial Content\nContent-Length: 5\ncontent-range: bytes 2-6/9\nx: y");
        let head = head.expect("fits");
        assert_eq!((head.fits(&(2..7)), head.closes), (Some(9), false));
        for other in [2..8, 1..7, 3..7, 2..6] {
            assert_eq!(head.fits(&other), None, "{other:?}");
        }
        let refused = [
            "rubbish",
            "HTTP/1.1 20x OK",
            "HTTP/1.1 206 OK\ncontent-length: -1",
            "HTTP/1.1 206 OK\ncontent-length: 99999999999999999999999",
            "HTTP/1.1 206 OK\ncontent-length: 5\ncontent-length: 6",
            "HTTP/1.1 206 OK\ntransfer-encoding: chunked",
            "HTTP/1.1 206 OK\ncontent-range: \u{ff}\ncontent-length: 5\n: x",
        ];
        for lines in refused {
            assert!(matches!(parse(lines), Err(FetchError::Unfit(_))), "{lines}");
        }
        let many = format!("HTTP/1.1 206 OK\n{}", vec!["a: b"; MAX_HEADERS + 1].join("\n"));
        assert!(matches!(parse(&many), Err(FetchError::Unfit(_))));
    }

    #[test]
    fn a_length_or_range_that_is_missing_does_not_fit() {
        for lines in [
            "content-range: bytes 0-4/9",
            "content-length: 5",
            "content-length: 6\ncontent-range: bytes 0-4/9",
            "content-length: 5\ncontent-range: bytes 0-4/*",
            "content-length: 5\ncontent-range: bytes 0-4/",
        ] {
            let head = parse(&format!("HTTP/1.1 206 OK\n{lines}")).expect("a head");
            assert_eq!(head.fits(&(0..5)), None, "{lines}");
        }
    }

    #[test]
    fn who_sends_away_says_for_how_long_within_limits() {
        let wait = |lines: &str| parse(&format!("HTTP/1.1 429 Busy\n{lines}")).expect("a head").retry_after;
        let secs = Duration::from_secs;
        assert_eq!(wait("retry-after: 3"), secs(3));
        assert_eq!(wait("retry-after: 100000"), MAX_RETRY_AFTER);
        assert_eq!([wait("x: y"), wait("retry-after: soon")], [Uploads::RETRY_AFTER; 2]);
        assert!(parse("HTTP/1.0 200 OK\nx: y").expect("a head").closes);
        assert!(parse("HTTP/1.1 200 OK\nconnection: Close").expect("a head").closes);
    }
}
