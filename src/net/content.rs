//! Contents as plain HTTP bodies: `GET /content/<64 hexadecimal digits>` with one `Range`, because JSON
//! cannot carry bytes at the speed of a wire.
//!
//! The sender promises a length and keeps it or breaks the connection: a file that became shorter ends the
//! body early, which the receiver sees. What is absent on purpose: any check of the bytes. The receiver
//! checks them against the content's hash, whoever sent them.

use super::caller::{ConnectError, open};
use super::identity::Identity;
use super::peer_link::PeerLinks;
use super::route::text;
use super::server::ServerLimits;
use super::stream::Cuts;
use crate::base::{ContentId, PeerId};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jsonrpsee::server::HttpBody;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where contents are served.
pub(super) const PATH: &str = "/content/";
/// Bytes read and sent at once: large enough that switching threads costs little.
const BLOCK_BYTES: u64 = 256 * 1024;
/// When to ask again after 429.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A file that is being sent.
#[derive(Debug)]
pub struct OpenContent {
    /// Opened for reading; it is read at positions, so the same file may be opened more than once.
    pub file: File,
    /// Its bytes: the content's size.
    pub size: u64,
}

/// Why a content is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentRefusal {
    /// No such content is shared here (404).
    #[error("no such content is shared here")]
    Unknown,
    /// The file changed since it was hashed (409).
    #[error("the file changed since it was hashed; it is announced anew")]
    Changed,
    /// Too much at once (429).
    #[error("too many contents are being sent; try again in a moment")]
    Busy,
    /// The file cannot be read (500).
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
}

/// Where the server gets files from. Implemented by whoever knows the shares.
pub trait ContentRoute: Send + Sync {
    /// Opens a content for `caller`. Runs on a thread where it may block.
    ///
    /// # Errors
    /// Says how to answer instead.
    fn open(&self, caller: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal>;

    /// So many more bytes of a content were handed to the connection of `caller`.
    fn served(&self, caller: PeerId, content: ContentId, bytes: u64);
}

/// The route, and how many contents are being sent.
#[derive(Clone)]
pub(super) struct Uploads {
    route: Arc<dyn ContentRoute>,
    limits: ServerLimits,
    running: Arc<watch::Sender<BTreeMap<PeerId, usize>>>,
}

impl Uploads {
    pub(super) fn new(route: Arc<dyn ContentRoute>, limits: ServerLimits) -> Self {
        Self { route, limits, running: Arc::default() }
    }

    /// Counts one more, unless there are too many.
    fn begin(&self, peer: PeerId) -> Option<Upload> {
        let begun = self.running.send_if_modified(|running| {
            let all: usize = running.values().sum();
            let mine = running.entry(peer).or_default();
            let free = all < self.limits.uploads && *mine < self.limits.uploads_per_peer;
            *mine += usize::from(free);
            free
        });
        begun.then(|| Upload { running: self.running.clone(), peer })
    }
}

/// One content being sent; counted until it is dropped.
struct Upload {
    running: Arc<watch::Sender<BTreeMap<PeerId, usize>>>,
    peer: PeerId,
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.running.send_modify(|running| {
            if let Some(mine) = running.get_mut(&self.peer) {
                *mine = mine.saturating_sub(1);
            }
            running.retain(|_, count| *count > 0);
        });
    }
}

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    /// Not one range of bytes (400).
    Malformed,
    /// Outside of the content (416).
    Outside,
}

/// RFC 9110, section 14.1.2, with exactly one range.
fn asked(headers: &HeaderMap, size: u64) -> Asked {
    let Some(value) = headers.get(header::RANGE) else {
        return Asked::Whole;
    };
    let spec = value.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Asked::Malformed;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number beyond 64 bits lies behind every end.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Asked::Malformed,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Outside }
}

/// Answers `GET` and `HEAD` of a content.
pub(super) async fn serve(
    uploads: &Uploads,
    caller: PeerId,
    request: &Request<Incoming>,
) -> Response<HttpBody> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "contents are read with GET or HEAD\n");
    }
    let id = request.uri().path().strip_prefix(PATH).and_then(|id| id.parse::<ContentId>().ok());
    let Some(content) = id else {
        return text(StatusCode::NOT_FOUND, "a content is 64 lower-case hexadecimal digits\n");
    };
    let Some(upload) = uploads.begin(caller) else {
        return refused(&ContentRefusal::Busy);
    };
    let route = uploads.route.clone();
    let opened = tokio::task::spawn_blocking(move || route.open(caller, content)).await;
    let opened = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(refusal)) => return refused(&refusal),
        Err(error) => return refused(&ContentRefusal::Unreadable(error.to_string())),
    };
    let size = opened.size;
    let (status, range) = match asked(request.headers(), size) {
        Asked::Whole => (StatusCode::OK, 0..size),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Malformed => {
            return text(StatusCode::BAD_REQUEST, "one range `bytes=first-last` is expected\n");
        }
        Asked::Outside => {
            let mut response =
                text(StatusCode::RANGE_NOT_SATISFIABLE, "the range lies outside of the content\n");
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
            return response;
        }
    };
    let body = if *request.method() == Method::HEAD {
        HttpBody::empty()
    } else {
        let sending = Sending {
            route: uploads.route.clone(),
            caller,
            content,
            file: Arc::new(opened.file),
            _upload: upload,
        };
        HttpBody::new(sending.body(range.clone()))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set(headers, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    set(headers, header::CONTENT_TYPE, "application/octet-stream");
    set(headers, header::ACCEPT_RANGES, "bytes");
    set(headers, header::ETAG, &format!("\"{content}\""));
    if status == StatusCode::PARTIAL_CONTENT {
        set(headers, header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).expect("digits and ASCII letters"));
}

fn refused(refusal: &ContentRefusal) -> Response<HttpBody> {
    match refusal {
        ContentRefusal::Unknown => text(StatusCode::NOT_FOUND, "no such content is shared here\n"),
        ContentRefusal::Changed => text(StatusCode::CONFLICT, "the file changed since it was hashed\n"),
        ContentRefusal::Busy => {
            let mut response = text(StatusCode::TOO_MANY_REQUESTS, "too many contents are being sent\n");
            set(response.headers_mut(), header::RETRY_AFTER, &RETRY_AFTER.as_secs().to_string());
            response
        }
        ContentRefusal::Unreadable(error) => {
            tracing::warn!(%error, "a shared file cannot be read");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read\n")
        }
    }
}

/// A body being sent.
struct Sending {
    route: Arc<dyn ContentRoute>,
    caller: PeerId,
    content: ContentId,
    file: Arc<File>,
    _upload: Upload,
}

type Block = JoinHandle<std::io::Result<Vec<u8>>>;

impl Sending {
    /// The bytes in order; the next block is read while one is sent.
    fn body(
        self,
        range: Range<u64>,
    ) -> StreamBody<impl futures_util::Stream<Item = std::io::Result<Frame<Bytes>>> + Send> {
        let begun = self.read(&range);
        let blocks =
            futures_util::stream::try_unfold((self, range, begun), |(sending, mut left, block)| async move {
                let Some(block) = block else {
                    return Ok(None);
                };
                let bytes = block.await.map_err(std::io::Error::other)??;
                left.start += bytes.len() as u64;
                let next = sending.read(&left);
                sending.route.served(sending.caller, sending.content, bytes.len() as u64);
                Ok(Some((Frame::data(Bytes::from(bytes)), (sending, left, next))))
            });
        StreamBody::new(blocks)
    }

    fn read(&self, left: &Range<u64>) -> Option<Block> {
        let length = (left.end - left.start).min(BLOCK_BYTES);
        let (file, offset) = (self.file.clone(), left.start);
        (length > 0).then(|| {
            tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
                read_exact_at(&file, &mut bytes, offset)?;
                Ok(bytes)
            })
        })
    }
}

/// Reads at a position. An error if the file ends before.
#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads at a position. An error if the file ends before. Blocks of one file are read one after the other,
/// so its shared position does no harm.
#[cfg(not(unix))]
fn read_exact_at(mut file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

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
        StatusCode::NOT_FOUND => return Err(FetchError::Unknown),
        StatusCode::CONFLICT => return Err(FetchError::Changed),
        StatusCode::TOO_MANY_REQUESTS => return Err(FetchError::Busy(RETRY_AFTER)),
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
