//! Sources that lie over real TLS: never a wrong byte under the final name, and the liar is named.
//!
//! More lies beside an honest source: `CARDUME_REAL_LIES=1000 cargo test --test lying_source`.

mod sources;

use cardume::base::{PeerId, PieceLayout};
use cardume::net::{Identity, ServerHandle};
use cardume::wire::control::Transfer;
use sources::{Downloader, Group, PIECE, Sample, Shelf, Tracker, check_finished, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The most bytes that an endless liar sends; far more than anybody should take.
const ENDLESS: usize = 64 * 1024 * 1024;

/// How a source lies in its answer to `GET /content/…`, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    FlipsABit,
    SendsAnotherRange,
    SendsTheWhole,
    ClaimsAnotherRange,
    SaysShorterAndIs,
    SaysLonger,
    ClosesMidway,
    ChunksWithoutEnd,
    BodyWithoutEnd,
    HeaderWithoutEnd,
    NoHttp,
    Redirects,
    SaysError,
    ClosesAtOnce,
}

const LIES: [Lie; 14] = [
    Lie::FlipsABit,
    Lie::SendsAnotherRange,
    Lie::SendsTheWhole,
    Lie::ClaimsAnotherRange,
    Lie::SaysShorterAndIs,
    Lie::SaysLonger,
    Lie::ClosesMidway,
    Lie::ChunksWithoutEnd,
    Lie::BodyWithoutEnd,
    Lie::HeaderWithoutEnd,
    Lie::NoHttp,
    Lie::Redirects,
    Lie::SaysError,
    Lie::ClosesAtOnce,
];

/// A member whose manifests are right and whose contents are not: calls go on to an honest server.
struct Liar {
    address: SocketAddr,
    _inner: ServerHandle,
    task: JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    /// `course` says which of its bytes are wrong.
    async fn new(group: &Group, identity: &Identity, sample: &Sample, lie: Lie, course: usize) -> Self {
        let honest = group.member();
        let inner = serve(&honest, sample.shelf()).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let front = Front {
            identity: identity.clone(),
            inner: inner.local_addr(),
            bytes: Arc::new(std::fs::read(sample.path()).expect("there")),
            lie,
            course,
        };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(front.clone().serve(stream));
            }
        });
        Self { address, _inner: inner, task }
    }
}

#[derive(Clone)]
struct Front {
    identity: Identity,
    inner: SocketAddr,
    bytes: Arc<Vec<u8>>,
    lie: Lie,
    course: usize,
}

impl Front {
    /// Whatever fails here is what the downloader did with a liar's connection.
    async fn serve(self, stream: TcpStream) {
        let Ok(mut stream) = TlsAcceptor::from(self.identity.server_config()).accept(stream).await else {
            return;
        };
        while let Some(head) = read_head(&mut stream).await {
            if !head.starts_with("GET /content/") {
                let inner = TcpStream::connect(self.inner).await.expect("the honest server");
                let connector = TlsConnector::from(self.identity.client_config());
                let name = cardume::net::identity::server_name();
                let mut inner = connector.connect(name, inner).await.expect("a member");
                inner.write_all(head.as_bytes()).await.expect("it reads");
                drop(copy_bidirectional(&mut stream, &mut inner).await);
                return;
            }
            if self.answer(&mut stream, &head).await.is_none() {
                return;
            }
        }
    }

    /// Answers one request with the lie; `None` when the connection is over.
    async fn answer(&self, stream: &mut TlsStream<TcpStream>, head: &str) -> Option<()> {
        let (start, end) = range_of(head)?;
        let (part, whole) = (&self.bytes[start..end], self.bytes.len());
        let length = part.len();
        let say = |status: &str, first: usize, last: usize, length: usize| {
            format!(
                "HTTP/1.1 {status}\r\ncontent-range: bytes {first}-{last}/{whole}\r\ncontent-length: {length}\r\n\r\n"
            )
        };
        let honest = say("206 Partial Content", start, end - 1, length);
        let half = length * (1 + self.course % 7) / 8;
        let answer: Vec<u8> = match self.lie {
            Lie::FlipsABit => {
                let mut part = part.to_vec();
                part[(half + self.course * 104_729) % length] ^= 1 << (self.course % 8);
                [honest.as_bytes(), &part].concat()
            }
            Lie::SendsAnotherRange => {
                let other =
                    if start == 0 { &self.bytes[end - length + 1..=end] } else { &self.bytes[..length] };
                [honest.as_bytes(), other].concat()
            }
            Lie::SendsTheWhole => [say("200 OK", 0, whole - 1, whole).as_bytes(), &self.bytes].concat(),
            Lie::ClaimsAnotherRange => {
                [say("206 Partial Content", start + 1, end, length).as_bytes(), part].concat()
            }
            Lie::SaysShorterAndIs => {
                [say("206 Partial Content", start, end - 1, half).as_bytes(), &part[..half]].concat()
            }
            Lie::SaysLonger => {
                [say("206 Partial Content", start, end - 1, length + 1).as_bytes(), part, b"x"].concat()
            }
            Lie::ClosesMidway => [honest.as_bytes(), &part[..half]].concat(),
            Lie::NoHttp => b"\x00\xff\xfe rubbish \r\n\r\n\r\n".to_vec(),
            Lie::Redirects => {
                b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec()
            }
            Lie::SaysError => b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_vec(),
            Lie::ClosesAtOnce => Vec::new(),
            Lie::ChunksWithoutEnd | Lie::BodyWithoutEnd | Lie::HeaderWithoutEnd => {
                return self.endless(stream, start, end).await;
            }
        };
        stream.write_all(&answer).await.ok()?;
        stream.flush().await.ok()?;
        let goes_on = !matches!(self.lie, Lie::ClosesMidway | Lie::NoHttp | Lie::ClosesAtOnce);
        goes_on.then_some(())
    }

    async fn endless(&self, stream: &mut TlsStream<TcpStream>, start: usize, end: usize) -> Option<()> {
        let range = format!("content-range: bytes {start}-{}/{}\r\n", end - 1, self.bytes.len());
        let (head, block) = match self.lie {
            Lie::ChunksWithoutEnd => {
                let head =
                    format!("HTTP/1.1 206 Partial Content\r\n{range}transfer-encoding: chunked\r\n\r\n");
                (head, format!("4000\r\n{}\r\n", "x".repeat(0x4000)))
            }
            Lie::BodyWithoutEnd => {
                (format!("HTTP/1.0 206 Partial Content\r\n{range}\r\n"), "x".repeat(0x4000))
            }
            _ => ("HTTP/1.1 206 Partial Content\r\n".to_owned(), format!("x: {}\r\n", "y".repeat(0x400))),
        };
        stream.write_all(head.as_bytes()).await.ok()?;
        let mut sent = 0;
        while sent < ENDLESS {
            stream.write_all(block.as_bytes()).await.ok()?;
            sent += block.len();
        }
        panic!("{:?}: the downloader took {ENDLESS} bytes", self.lie);
    }
}

/// A request's head; `None` at the end of the connection.
async fn read_head(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

fn range_of(head: &str) -> Option<(usize, usize)> {
    let line =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned))?;
    let (first, last) = line.split_once('-')?;
    Some((first.parse().ok()?, last.parse::<usize>().ok()? + 1))
}

fn fault_of(transfer: &Transfer, name: &str) -> Option<String> {
    transfer.sources.iter().find(|source| source.name == name).and_then(|source| source.dropped.clone())
}

/// The ids of sources decide their order; the liar is asked first in half of the cases.
fn name_of(peer: PeerId, liar: PeerId) -> &'static str {
    if peer == liar { "liar" } else { "honest" }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_liar_alone_publishes_nothing_and_is_named() {
    for lie in LIES {
        let (group, tracker, sample) =
            (Group::new(), Arc::new(Tracker::default()), Sample::new(6 * PIECE + 77));
        let identity = group.member();
        let liar = Liar::new(&group, &identity, &sample, lie, 3).await;
        tracker.add("liar", identity.peer_id(), liar.address);
        let downloader = Downloader::new(&group, tracker);
        let id = downloader.start(sample.content, &[], false).await;
        let transfer = downloader.until(id, |transfer| fault_of(transfer, "liar").is_some()).await;
        let fault = fault_of(&transfer, "liar").expect("seen");
        assert_ne!(fault, "is silent", "{lie:?} is seen by what it sends");
        assert_eq!(downloader.listing(), Vec::<String>::new(), "{lie:?}: {fault}");
        downloader.transfers.cancel(id).await.expect("there");
        let transfer = downloader.ended(id).await;
        assert_ne!(transfer.state, "finished", "{lie:?}");
        assert_eq!(downloader.listing(), Vec::<String>::new(), "{lie:?}");
    }
}

/// An address in front of a source, through which half of so many bytes go at once, and the others when `opened`: so a
/// download cannot be over before a liar beside it was heard, however busy the machine is.
async fn held_back(source: SocketAddr, bytes: u64, opened: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let sent = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (sent, mut opened) = (sent.clone(), opened.clone());
            let (mut asking, mut asked) = stream.into_split();
            let (mut answers, mut requests) =
                TcpStream::connect(source).await.expect("the source").into_split();
            tokio::spawn(async move { drop(tokio::io::copy(&mut asking, &mut requests).await) });
            tokio::spawn(async move {
                let mut room = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = answers.read(&mut room).await {
                    if sent.fetch_add(count as u64, Relaxed) > bytes / 2 {
                        drop(opened.wait_for(|opened| *opened).await);
                    }
                    if asked.write_all(&room[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_an_honest_source_the_download_is_right_and_the_liar_is_named() {
    let lies = option_env!("CARDUME_REAL_LIES").and_then(|lies| lies.parse().ok()).unwrap_or(LIES.len());
    for (course, lie) in LIES.into_iter().cycle().take(lies).enumerate() {
        let size = 60 * PIECE + 77 + (course / LIES.len()) as u64 * 10_007;
        let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(size));
        let (identity, honest) = (group.member(), group.member());
        let liar = Liar::new(&group, &identity, &sample, lie, course).await;
        let server = serve(&honest, sample.shelf()).await;
        let (open, opened) = watch::channel(false);
        let front = held_back(server.local_addr(), size, opened).await;
        for (peer, address) in [(identity.peer_id(), liar.address), (honest.peer_id(), front)] {
            tracker.add(name_of(peer, identity.peer_id()), peer, address);
        }
        let downloader = Downloader::new(&group, tracker);
        let id = downloader.start(sample.content, &[], false).await;
        downloader.until(id, |transfer| fault_of(transfer, "liar").is_some()).await;
        open.send(true).expect("the source waits");
        let transfer = downloader.ended(id).await;
        check_finished(&transfer, &sample);
        assert_eq!(downloader.listing(), ["got.bin"], "{lie:?}");
        assert_eq!(fault_of(&transfer, "honest"), None, "{lie:?} is not blamed on the honest source");
        assert!(fault_of(&transfer, "liar").is_some(), "{lie:?} is named: {transfer:?}");
    }
}

/// How a shelf is made to lie.
type Change = fn(&mut Shelf);

/// Manifests that lie, while the bytes are right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_lies_is_dropped_by_name() {
    let cases: [(&str, Change); 8] = [
        ("a piece more", |shelf| shelf.pieces.push(shelf.pieces[0])),
        ("a piece less", |shelf| shelf.pieces.truncate(shelf.pieces.len() - 1)),
        ("no piece", |shelf| shelf.pieces.clear()),
        ("reordered", |shelf| shelf.pieces.swap(0, 1)),
        ("another hash", |shelf| shelf.pieces[2].0[31] ^= 1),
        ("a byte longer", |shelf| shelf.layout = PieceLayout::of(shelf.size + 1).expect("small")),
        ("a byte shorter", |shelf| shelf.layout = PieceLayout::of(shelf.size - 1).expect("small")),
        ("larger pieces", |shelf| {
            shelf.layout = PieceLayout::new(shelf.size, 2 * shelf.layout.piece_size()).expect("small");
        }),
    ];
    for (case, lie) in cases {
        for via_rpc in [false, true] {
            let (group, tracker, sample) =
                (Group::new(), Arc::new(Tracker::default()), Sample::new(6 * PIECE + 77));
            let mut shelf = sample.shelf();
            lie(&mut shelf);
            let (liar, honest) = (group.member(), group.member());
            let first = serve(&liar, shelf).await;
            tracker.add("liar", liar.peer_id(), first.local_addr());
            let downloader = Downloader::new(&group, tracker.clone());
            let id = downloader.start(sample.content, &[], via_rpc).await;
            let transfer = downloader.ended(id).await;
            assert_eq!(transfer.reason, "no_source_left", "{case}: {transfer:?}");
            assert!(transfer.detail.starts_with("no source is left: liar "), "{case}: {}", transfer.detail);
            assert_eq!(downloader.listing(), Vec::<String>::new(), "{case}");
            let second = serve(&honest, sample.shelf()).await;
            tracker.add("honest", honest.peer_id(), second.local_addr());
            // The tracker is asked again, and the download goes on by itself.
            let transfer = downloader.until(id, |transfer| transfer.state == "finished").await;
            check_finished(&transfer, &sample);
            assert_eq!(fault_of(&transfer, "honest"), None, "{case}");
        }
    }
}
