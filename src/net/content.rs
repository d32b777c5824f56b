//! Contents as plain HTTP bodies: `GET /content/<64 hexadecimal digits>` with one `Range`, because JSON
//! cannot carry bytes at the speed of a wire.
//!
//! The sender promises a length and keeps it or breaks the connection: a file that changed ends the body
//! before its last byte, which the receiver sees. Every byte is checked against the content's pieces
//! (`Reader`); the receiver checks again, whoever sent them.

use super::checked::{OpenContent, ReadFault, Reader};
use super::route::text;
use super::uploads::{Busy, Turn, Upload, Uploads};
use crate::base::{ContentId, PeerId};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jsonrpsee::server::HttpBody;
use std::ops::Range;
use std::sync::Arc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Where contents are served.
pub(super) const PATH: &str = "/content/";
/// After so many bytes others come first, if they wait: the largest piece.
const TURN_BYTES: u64 = 4 * 1024 * 1024;

/// Why a content is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentRefusal {
    /// No such content is shared here (404).
    #[error("no such content is shared here")]
    Unknown,
    /// The file was removed (410).
    #[error("the file is gone")]
    Gone,
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

impl From<Busy> for ContentRefusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// Where the server gets files from. Implemented by whoever knows the shares.
pub trait ContentRoute: Send + Sync {
    /// Opens a content for `caller`. Runs on a thread where it may block.
    ///
    /// # Errors
    /// Says how to answer instead.
    fn open(&self, caller: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal>;

    /// A file that was opened with this [`OpenContent::tag`] has not (any more) the bytes of the content, or
    /// cannot be read. Runs on a thread where it may block.
    fn spoiled(&self, content: ContentId, tag: u64);
}

/// Where contents come from, and the turns in which they are sent.
#[derive(Clone)]
pub struct ContentService {
    /// The files.
    pub route: Arc<dyn ContentRoute>,
    /// Shared by everything that sends contents.
    pub uploads: Uploads,
}

impl std::fmt::Debug for ContentService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentService").finish_non_exhaustive()
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
fn asked(header: Option<&HeaderValue>, size: u64) -> Asked {
    let Some(value) = header else {
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
    service: &ContentService,
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
    let range = request.headers().get(header::RANGE).cloned();
    let (service, has_body) = (service.clone(), *request.method() == Method::GET);
    let asking = Asking { service, caller, content, range, has_body };
    asking.answer().await.unwrap_or_else(|refusal| refused(&refusal))
}

/// A request that was understood.
struct Asking {
    service: ContentService,
    caller: PeerId,
    content: ContentId,
    range: Option<HeaderValue>,
    has_body: bool,
}

/// A block of a body, read on a thread that may block.
type Block = (Reader, Result<Bytes, ReadFault>);

/// A content that was opened.
struct Opened {
    name: String,
    size: u64,
    asked: Asked,
    reader: Reader,
    /// The first block, if it was read already.
    block: Option<Result<Bytes, ReadFault>>,
}

impl Asking {
    async fn answer(self) -> Result<Response<HttpBody>, ContentRefusal> {
        let uploads = &self.service.uploads;
        let turn = if self.has_body { uploads.try_turn(self.caller) } else { None };
        // With a turn the first block is read at once, on the same thread.
        let Opened { name, size, asked, reader, block } = self.open(turn.is_some()).await?;
        let (status, range) = match asked {
            Asked::Whole => (StatusCode::OK, 0..size),
            Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Asked::Malformed | Asked::Outside => return Ok(no_range(&asked, size)),
        };
        let body = if !self.has_body || range.is_empty() {
            HttpBody::empty()
        } else {
            let mut upload = uploads.begin(self.caller, self.content, &name, size);
            let turn = match turn {
                Some(turn) => turn,
                None => uploads.turn(self.caller).await?,
            };
            upload.sending();
            let (reader, block) = match block {
                Some(block) => (reader, block),
                None => read(reader).await?,
            };
            let sending = Sending { service: self.service.clone(), content: self.content, upload };
            let block = match block {
                Ok(block) => block,
                Err(fault) => return Err(sending.spoiled(reader, fault).await),
            };
            HttpBody::new(sending.body(turn, reader, block))
        };
        Ok(self.with_headers(Response::new(body), status, &range, size))
    }

    /// Opens the content and understands the range; with a turn, reads its first block too.
    async fn open(&self, has_turn: bool) -> Result<Opened, ContentRefusal> {
        let route = self.service.route.clone();
        let (caller, content, header) = (self.caller, self.content, self.range.clone());
        let opening = spawn_blocking(move || {
            let mut opened = route.open(caller, content)?;
            let (name, size) = (std::mem::take(&mut opened.name), opened.size);
            let asked = asked(header.as_ref(), size);
            let range = match &asked {
                Asked::Whole => 0..size,
                Asked::Part(range) => range.clone(),
                Asked::Malformed | Asked::Outside => 0..0,
            };
            let reads = has_turn && !range.is_empty();
            let mut reader = Reader::new(opened, range);
            let block = reads.then(|| reader.next());
            Ok(Opened { name, size, asked, reader, block })
        });
        opening.await.map_err(|error| ContentRefusal::Unreadable(error.to_string()))?
    }

    fn with_headers(
        &self,
        mut response: Response<HttpBody>,
        status: StatusCode,
        range: &Range<u64>,
        size: u64,
    ) -> Response<HttpBody> {
        *response.status_mut() = status;
        let headers = response.headers_mut();
        set(headers, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
        set(headers, header::CONTENT_TYPE, "application/octet-stream");
        set(headers, header::ACCEPT_RANGES, "bytes");
        set(headers, header::ETAG, &format!("\"{}\"", self.content));
        if status == StatusCode::PARTIAL_CONTENT {
            set(headers, header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
        }
        response
    }
}

fn no_range(asked: &Asked, size: u64) -> Response<HttpBody> {
    if *asked == Asked::Malformed {
        return text(StatusCode::BAD_REQUEST, "one range `bytes=first-last` is expected\n");
    }
    let mut response = text(StatusCode::RANGE_NOT_SATISFIABLE, "the range lies outside of the content\n");
    set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).expect("digits and ASCII letters"));
}

pub(super) fn refused(refusal: &ContentRefusal) -> Response<HttpBody> {
    match refusal {
        ContentRefusal::Unknown => text(StatusCode::NOT_FOUND, "no such content is shared here\n"),
        ContentRefusal::Gone => text(StatusCode::GONE, "the file is gone\n"),
        ContentRefusal::Changed => text(StatusCode::CONFLICT, "the file changed since it was hashed\n"),
        ContentRefusal::Busy => {
            let mut response = text(StatusCode::TOO_MANY_REQUESTS, "too many contents are being sent\n");
            let seconds = Uploads::RETRY_AFTER.as_secs().to_string();
            set(response.headers_mut(), header::RETRY_AFTER, &seconds);
            response
        }
        ContentRefusal::Unreadable(error) => {
            tracing::warn!(%error, "a shared file cannot be read");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read\n")
        }
    }
}

async fn read(reader: Reader) -> Result<Block, ContentRefusal> {
    spawn_blocking(|| reader.into_next()).await.map_err(|error| ContentRefusal::Unreadable(error.to_string()))
}

/// A body being sent.
struct Sending {
    service: ContentService,
    content: ContentId,
    upload: Upload,
}

/// Where a body is: what was read and not sent, and what is being read meanwhile.
struct Position {
    sending: Sending,
    turn: Turn,
    block: Bytes,
    next: Option<JoinHandle<Block>>,
    /// Bytes since the turn began.
    in_turn: u64,
}

impl Sending {
    /// Tells whoever knows the shares, and the list of uploads.
    async fn spoiled(&self, reader: Reader, fault: ReadFault) -> ContentRefusal {
        self.upload.spoiled();
        let (route, content, tag) = (self.service.route.clone(), self.content, reader.tag());
        if let Err(error) = spawn_blocking(move || route.spoiled(content, tag)).await {
            tracing::warn!(%error, "a changed file could not be reported");
        }
        match fault {
            ReadFault::Changed => ContentRefusal::Changed,
            ReadFault::Io(error) => ContentRefusal::Unreadable(error.to_string()),
        }
    }

    /// The bytes in order; the next block is read while one is sent.
    fn body(
        self,
        turn: Turn,
        reader: Reader,
        block: Bytes,
    ) -> StreamBody<impl futures_util::Stream<Item = std::io::Result<Frame<Bytes>>> + Send> {
        let position = Position { sending: self, turn, block, next: ahead(reader), in_turn: 0 };
        let blocks = futures_util::stream::try_unfold(position, |mut position| async move {
            // A new turn has not lapsed.
            while position.turn.takes().is_err() {
                let turn = position.sending.upload.again(position.turn).await;
                position.turn = turn.map_err(|_| std::io::Error::other(ContentRefusal::Busy))?;
                position.in_turn = 0;
            }
            if position.block.is_empty() {
                let Some(next) = position.next.take() else { return Ok(None) };
                position = position.advance(next).await?;
            }
            let part = position.sending.upload.part(position.block.len()).await;
            let bytes = position.block.split_to(part);
            position.sending.upload.sent(part);
            position.in_turn += part as u64;
            position.turn.given();
            Ok(Some((Frame::data(bytes), position)))
        });
        StreamBody::new(blocks)
    }
}

/// Begins to read the next block, if there is one.
fn ahead(reader: Reader) -> Option<JoinHandle<Block>> {
    (!reader.is_done()).then(|| spawn_blocking(|| reader.into_next()))
}

impl Position {
    async fn advance(mut self, next: JoinHandle<Block>) -> std::io::Result<Self> {
        let (reader, block) = next.await.map_err(std::io::Error::other)?;
        match block {
            Ok(block) => self.block = block,
            Err(fault) => {
                let refusal = self.sending.spoiled(reader, fault).await;
                return Err(std::io::Error::other(refusal));
            }
        }
        self.next = ahead(reader);
        if self.in_turn >= TURN_BYTES {
            let turn = self.sending.upload.let_others(self.turn).await;
            self.turn = turn.map_err(|_| std::io::Error::other(ContentRefusal::Busy))?;
            self.in_turn = 0;
        }
        Ok(self)
    }
}
