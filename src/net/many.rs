//! Several small contents in one answer: `POST /contents` with a hash on each line. A request for each small file
//! would cost more than the file.
//!
//! The answer has, for each hash in its order, a line `200 <bytes>` and these bytes, or a line that says why not, with
//! the status that `GET /content/<hash>` would have (413 for one that is not small) and no bytes. It may end before the
//! last hash, never before the first: the others are asked for again. Every content was checked before any of it was
//! sent; the receiver checks again, whoever sent it.

use super::checked::{ReadFault, Reader};
use super::content::{ContentRefusal, ContentRoute, ContentService, refused};
use super::fetch::FetchError;
use super::route::{collected, text};
use super::server::ServerLimits;
use super::uploads::{Turn, Upload};
use crate::base::{ContentId, PeerId, PieceLayout};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jsonrpsee::server::HttpBody;
use tokio::task::spawn_blocking;

/// Where they are asked for.
pub(super) const PATH: &str = "/contents";
/// The most contents of one request.
pub const MAX_MANY: usize = 64;
/// The most bytes of a content that is small: one piece, of which the hash is that of the content.
pub const MAX_SMALL_BYTES: u64 = PieceLayout::MIN_PIECE_BYTES as u64;
/// An answer that has so many bytes ends.
const FULL_BYTES: usize = 256 * 1024;
/// The longest line: a status and a size.
const MAX_LINE_BYTES: usize = 16;
/// The longest answer.
#[expect(clippy::cast_possible_truncation, reason = "a piece fits into memory")]
pub(super) const MAX_ANSWER_BYTES: usize = FULL_BYTES + MAX_SMALL_BYTES as usize + MAX_MANY * MAX_LINE_BYTES;
/// The longest request: a hash and a line feed each.
const MAX_REQUEST_BYTES: u32 = 64 * 65;
const _: () = assert!(MAX_REQUEST_BYTES as usize == MAX_MANY * 65);

/// Answers a request for several contents.
pub(super) async fn serve(
    service: &ContentService,
    caller: PeerId,
    request: Request<Incoming>,
    limits: &ServerLimits,
) -> Response<HttpBody> {
    if *request.method() != Method::POST {
        return text(StatusCode::METHOD_NOT_ALLOWED, "several contents are asked for with POST\n");
    }
    let body = match collected(request.into_body(), MAX_REQUEST_BYTES, limits).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Some(contents) = asked(&body) else {
        return text(
            StatusCode::BAD_REQUEST,
            "1 to 64 lines of 64 lower-case hexadecimal digits are expected\n",
        );
    };
    answer(service, caller, contents).await.unwrap_or_else(|refusal| refused(&refusal))
}

fn asked(body: &[u8]) -> Option<Vec<ContentId>> {
    let lines = std::str::from_utf8(body).ok()?.lines();
    let contents: Vec<_> = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
    (1..=MAX_MANY).contains(&contents.len()).then_some(contents)
}

async fn answer(
    service: &ContentService,
    caller: PeerId,
    contents: Vec<ContentId>,
) -> Result<Response<HttpBody>, ContentRefusal> {
    let turn = service.uploads.turn(caller).await?;
    let route = service.route.clone();
    let reading = spawn_blocking(move || Answer::read(&*route, caller, &contents));
    let answer = reading.await.map_err(|error| ContentRefusal::Unreadable(error.to_string()))?;
    let mut upload = service.uploads.begin_all(caller, answer.sent);
    upload.sending();
    let length = HeaderValue::from(answer.bytes.len());
    let mut response = Response::new(HttpBody::new(body(Bytes::from(answer.bytes), upload, turn)));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    let bytes = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, bytes);
    Ok(response)
}

/// The bytes, as fast as the limit of speed says.
fn body(
    bytes: Bytes,
    upload: Upload,
    turn: Turn,
) -> StreamBody<impl futures_util::Stream<Item = std::io::Result<Frame<Bytes>>> + Send> {
    StreamBody::new(futures_util::stream::unfold(
        (bytes, upload, turn),
        |(mut bytes, upload, turn)| async move {
            if bytes.is_empty() {
                return None;
            }
            let part = upload.part(bytes.len()).await;
            let frame = Frame::data(bytes.split_to(part));
            if bytes.is_empty() {
                upload.all_sent();
            }
            Some((Ok(frame), (bytes, upload, turn)))
        },
    ))
}

/// An answer that is being written.
#[derive(Default)]
struct Answer {
    bytes: Vec<u8>,
    /// The contents that are in it, what they are called here, and their bytes.
    sent: Vec<(ContentId, String, u64)>,
}

impl Answer {
    /// Reads contents until the answer is full. Blocks.
    fn read(route: &dyn ContentRoute, caller: PeerId, contents: &[ContentId]) -> Self {
        let mut answer = Self { bytes: Vec::with_capacity(FULL_BYTES), ..Self::default() };
        for content in contents {
            if answer.bytes.len() >= FULL_BYTES {
                break;
            }
            if let Err(status) = answer.push(route, caller, *content) {
                answer.line(status, 0);
            }
        }
        answer
    }

    fn push(
        &mut self,
        route: &dyn ContentRoute,
        caller: PeerId,
        content: ContentId,
    ) -> Result<(), StatusCode> {
        let mut opened = route.open(caller, content).map_err(|refusal| refused(&refusal).status())?;
        let (name, size) = (std::mem::take(&mut opened.name), opened.size);
        if size > MAX_SMALL_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut reader = Reader::new(opened, 0..size);
        let bytes = reader.rest().map_err(|fault| {
            route.spoiled(content, reader.tag());
            match fault {
                ReadFault::Changed => StatusCode::CONFLICT,
                ReadFault::Io(error) => refused(&ContentRefusal::Unreadable(error.to_string())).status(),
            }
        })?;
        self.line(StatusCode::OK, size);
        self.bytes.extend_from_slice(&bytes);
        self.sent.push((content, name, size));
        Ok(())
    }

    fn line(&mut self, status: StatusCode, size: u64) {
        self.bytes.extend_from_slice(format!("{} {size}\n", status.as_u16()).as_bytes());
    }
}

/// The contents of an answer to a request for so many, in their order: each, or why it does not come. `None` if it is
/// no such answer.
pub(super) fn parse(mut answer: Bytes, asked: usize) -> Option<Vec<Result<Bytes, FetchError>>> {
    let mut contents = Vec::with_capacity(asked);
    while !answer.is_empty() {
        let line = answer.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n')?;
        let line = answer.split_to(line + 1);
        let (status, size) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.split_once(' ')?;
        let (status, size) = (status.parse::<u16>().ok()?, size.parse::<usize>().ok()?);
        contents.push(match StatusCode::from_u16(status).ok()? {
            StatusCode::OK if size <= answer.len() => Ok(answer.split_to(size)),
            _ if size > 0 => return None,
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::Unknown),
            StatusCode::CONFLICT => Err(FetchError::Changed),
            status => Err(FetchError::Broken(format!("status {status}"))),
        });
    }
    (1..=asked).contains(&contents.len()).then_some(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_answers_are_understood() {
        let parse = |answer: &'static str, asked| parse(Bytes::from_static(answer.as_bytes()), asked);
        let found = parse("200 3\nabc404 0\n410 0\n200 0\n409 0\n413 0\n", 9).expect("an answer");
        let gone = || Err(FetchError::Unknown);
        let other = Err(FetchError::Broken("status 413 Payload Too Large".to_owned()));
        let whole = |bytes: &'static str| Ok(Bytes::from_static(bytes.as_bytes()));
        assert_eq!(found, [whole("abc"), gone(), gone(), whole(""), Err(FetchError::Changed), other]);
        for (answer, asked) in [
            ("", 1),
            ("200 3\nabc", 0),
            ("200 3\nabc404 0\n", 1),
            ("200 3\nab", 1),
            ("200 3", 1),
            ("200\n", 1),
            ("200 -1\n", 1),
            ("200 99999999999\n", 1),
            ("200  3\nabc", 1),
            ("20x 3\nabc", 1),
            ("404 1\na", 1),
            ("99 0\n", 1),
            ("\n", 1),
            ("200 00000000000000000000000003\nabc", 1),
            ("é 0\n", 1),
        ] {
            assert_eq!(parse(answer, asked), None, "{answer:?} for {asked}");
        }
    }

    #[test]
    fn requests_are_lines_of_hashes() {
        let hash = |number: u8| ContentId::from_bytes([number; 32]);
        let lines = |count: u8| {
            (0..count).fold(String::new(), |lines, number| lines + &hash(number).to_string() + "\n")
        };
        assert_eq!(asked(lines(2).as_bytes()), Some(vec![hash(0), hash(1)]));
        assert_eq!(asked(lines(2).trim_end().as_bytes()), Some(vec![hash(0), hash(1)]));
        assert_eq!(asked(lines(64).as_bytes()).map(|asked| asked.len()), Some(64));
        for other in [lines(0), lines(65), format!("{}\n\n", lines(1)), format!("{}x", lines(1))] {
            assert_eq!(asked(other.as_bytes()), None, "{other}");
        }
        assert_eq!(asked(b"\xff\n"), None);
    }
}
