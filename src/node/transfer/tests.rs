//! Downloads against sources in memory that lie in every way that the protocol allows.

use super::limits::CONNECTIONS_PER_SOURCE;
use super::network::{
    Connection, Counted, FolderLister, FoundSources, ListError, Network, SourceAddress, SourceFinder, Way,
};
use crate::base::{ContentId, FileName, FolderPath, PeerId, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, piece_hash};
use crate::engine::transfer::source::Fault;
use crate::net::handlers::transfer::{ContentError, SharedContents};
use crate::node::CommandError;
use crate::node::transfer_task::{DownloadRequest, TransferDeps, TransferHandle, spawn};
use crate::store::folder::FolderFile;
use crate::wire::control::{Limits, Transfer};
use crate::wire::convert::{MAX_PAGE_PIECES, ManifestPage};
use folders::NothingHere;
use futures_util::future::{BoxFuture, FutureExt, pending};
use hyper::body::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

mod control;
mod disk;
mod failing;
mod folders;
mod gone;
mod limited;
mod states;
mod waiting;

const PIECE: u64 = PieceLayout::MIN_PIECE_BYTES as u64;
const ME: PeerId = PeerId::from_bytes([0; 32]);

/// What a source does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Honest,
    // Bytes.
    FlipsABit,
    SendsAnotherPiece,
    StopsEarly,
    SendsAByteMore,
    SendsWithoutEnd,
    ClosesMidway,
    IsSilent,
    CannotBeReached,
    SharesNothing,
    // Manifests.
    ClaimsAByteMore,
    ClaimsAByteLess,
    ClaimsTwiceTheLength,
    ClaimsNothing,
    ReordersPieces,
    LeavesOutAPiece,
    GivesShortPages,
    CutsPiecesOtherwise,
    TellsOfAnotherContent,
    /// A manifest with the hash of forged bytes, and those bytes; the last piece is right.
    ForgesTheBeginning,
}

impl Does {
    const ALL_LIES: [Self; 14] = [
        Self::FlipsABit,
        Self::SendsAnotherPiece,
        Self::StopsEarly,
        Self::SendsAByteMore,
        Self::SendsWithoutEnd,
        Self::ClaimsAByteMore,
        Self::ClaimsAByteLess,
        Self::ClaimsTwiceTheLength,
        Self::ClaimsNothing,
        Self::ReordersPieces,
        Self::LeavesOutAPiece,
        Self::CutsPiecesOtherwise,
        Self::TellsOfAnotherContent,
        Self::ForgesTheBeginning,
    ];
}

/// A source: what it does, and whether only after the proof (the last piece is honest).
#[derive(Clone, Copy, Debug)]
struct Peer {
    does: Does,
    late: bool,
}

struct World {
    bytes: Arc<Vec<u8>>,
    peers: BTreeMap<PeerId, Peer>,
    requests: Arc<AtomicUsize>,
    local: bool,
    folder: Vec<FolderFile>,
}

fn content_of(bytes: &[u8]) -> ContentId {
    ContentId::from_bytes(*blake3::hash(bytes).as_bytes())
}

fn sample(size: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size).expect("small")];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn hashes(layout: PieceLayout, bytes: &[u8]) -> Vec<PieceHash> {
    let hash = |piece| {
        let range = layout.range(piece);
        piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize]).expect("whole")
    };
    layout.pieces().map(hash).collect()
}

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

impl SourceFinder for World {
    fn sources(&self, _: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        let source = |peer: &PeerId| SourceAddress {
            peer: *peer,
            name: format!("peer-{}", peer.as_bytes()[0]),
            address: ([127, 0, 0, 1], 1).into(),
            file_name: "film.mkv".to_owned(),
        };
        let sources = self.peers.keys().map(source).collect();
        let found = FoundSources { size: Some(self.bytes.len() as u64), sources };
        std::future::ready(Ok(found)).boxed()
    }
}

impl FolderLister for World {
    fn list(
        &self,
        _: PeerId,
        _: FolderPath,
        _: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>> {
        std::future::ready(Ok(self.folder.clone())).boxed()
    }
}

impl SharedContents for World {
    fn manifest(&self, content: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
        if !self.local || *content != content_of(&self.bytes) {
            return Err(ContentError::Unknown);
        }
        let layout = PieceLayout::of(self.bytes.len() as u64).expect("small");
        Ok((layout, Arc::new(hashes(layout, &self.bytes))))
    }

    fn open(&self, _: &ContentId) -> Result<(File, u64), ContentError> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&self.bytes)?;
        Ok((file, self.bytes.len() as u64))
    }
}

impl World {
    fn page(&self, does: Does, content: ContentId, first: u32) -> Option<ManifestPage> {
        let size = self.bytes.len() as u64;
        let honest = PieceLayout::of(size).expect("small");
        let mut pieces = hashes(honest, &self.bytes);
        let layout = match does {
            Does::ClaimsAByteMore => PieceLayout::of(size + 1),
            Does::ClaimsAByteLess => PieceLayout::of(size.saturating_sub(1)),
            Does::ClaimsTwiceTheLength => PieceLayout::of(2 * size),
            Does::ClaimsNothing => PieceLayout::of(0),
            Does::CutsPiecesOtherwise => PieceLayout::new(size, 2 * honest.piece_size()),
            _ => Ok(honest),
        };
        let layout = layout.expect("small");
        let mut content = content;
        match does {
            Does::ReordersPieces => pieces.reverse(),
            Does::LeavesOutAPiece => drop(pieces.pop()),
            Does::GivesShortPages => pieces.truncate(first as usize + 1),
            Does::ForgesTheBeginning => {
                let mut forged = self.bytes.to_vec();
                forged[0] ^= 1;
                pieces = hashes(honest, &forged);
            }
            Does::TellsOfAnotherContent => content = content_of(b"another"),
            _ => {}
        }
        let first = layout.piece(first)?;
        let pieces = pieces.into_iter().skip(first.number() as usize).take(MAX_PAGE_PIECES).collect();
        Some(ManifestPage { content, layout, first, pieces })
    }
}

impl Network for World {
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        let answer = match self.peers[&source.peer].does {
            Does::CannotBeReached => Err(Fault::Unreachable),
            Does::SharesNothing => Err(Fault::NotShared),
            Does::IsSilent if !self.peers[&source.peer].late => return pending().boxed(),
            does => self.page(does, content, first).ok_or(Fault::Nonsense),
        };
        std::future::ready(answer).boxed()
    }

    fn connect(
        &self,
        source: &SourceAddress,
        _: ContentId,
        _: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        let connection = Line {
            bytes: self.bytes.clone(),
            peer: self.peers[&source.peer],
            range: 0..0,
            at: 0,
            requests: self.requests.clone(),
        };
        std::future::ready(Ok(Box::new(connection) as Box<dyn Connection>)).boxed()
    }
}

struct Line {
    bytes: Arc<Vec<u8>>,
    peer: Peer,
    range: Range<u64>,
    at: u64,
    requests: Arc<AtomicUsize>,
}

impl Connection for Line {
    fn turn_to(&mut self, _: ContentId) {}

    fn is_open(&self) -> bool {
        true
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.at = range.start;
        self.range = range;
        std::future::ready(Ok(())).boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        let size = self.bytes.len() as u64;
        let does = if self.peer.late && self.range.end == size { Does::Honest } else { self.peer.does };
        let begun = self.at > self.range.start;
        match does {
            Does::IsSilent => return pending().boxed(),
            Does::ClosesMidway if begun => return std::future::ready(Err(Fault::Closed)).boxed(),
            Does::StopsEarly if begun => return std::future::ready(Ok(Bytes::new())).boxed(),
            Does::SendsWithoutEnd => return std::future::ready(Ok(Bytes::from(vec![0; 65_536]))).boxed(),
            _ => {}
        }
        let end = (self.at + 60_000).min(self.range.end).min(size);
        let mut bytes = self.bytes[self.at.min(size) as usize..end as usize].to_vec();
        if does == Does::SendsAByteMore && end == self.range.end && self.at < end {
            bytes.push(0);
        }
        if does == Does::ForgesTheBeginning && self.at == 0 {
            bytes[0] ^= 1;
        }
        if let (Does::FlipsABit | Does::SendsAnotherPiece, Some(byte)) = (does, bytes.last_mut()) {
            *byte ^= 1;
        }
        self.at = end;
        async move {
            tokio::task::yield_now().await;
            Ok(Bytes::from(bytes))
        }
        .boxed()
    }
}

struct Run {
    folder: TempDir,
    content: ContentId,
    bytes: Vec<u8>,
    transfers: TransferHandle,
    requests: Arc<AtomicUsize>,
}

/// What downloads need, of a made-up world; nothing is here already.
fn deps<W: Network + FolderLister + SourceFinder>(
    world: &Arc<W>,
    limits: watch::Receiver<Limits>,
) -> TransferDeps {
    TransferDeps {
        me: ME,
        network: world.clone(),
        lister: world.clone(),
        limits,
        kept: None,
        finder: world.clone(),
        contents: Arc::new(NothingHere),
        finished: Arc::new(|path, _| assert!(path.exists())),
    }
}

impl Run {
    fn new(size: u64, local: bool, peers: &[(u8, Does, bool)]) -> Self {
        Self::with_limits(size, local, peers, Limits::default())
    }

    fn with_limits(size: u64, local: bool, peers: &[(u8, Does, bool)], limits: Limits) -> Self {
        let bytes = sample(size);
        let peers =
            peers.iter().map(|(number, does, late)| (peer(*number), Peer { does: *does, late: *late }));
        let requests = Arc::default();
        let world = Arc::new(World {
            bytes: Arc::new(bytes.clone()),
            peers: peers.collect(),
            requests: Arc::clone(&requests),
            local,
            folder: Vec::new(),
        });
        let (_, limits) = watch::channel(limits);
        let transfers = spawn(TransferDeps { contents: world.clone(), ..deps(&world, limits) });
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, content: content_of(&bytes), bytes, transfers, requests }
    }

    async fn start(&self, from: &[PeerId]) -> u64 {
        let request = DownloadRequest {
            content: self.content,
            name: Some(FileName::new("film.mkv").expect("valid")),
            to: self.folder.path().join("new folder"),
            from: from.to_vec(),
            via_rpc: false,
        };
        self.transfers.download(request).await.expect("started")
    }

    /// Waits until the download has one of these states.
    async fn until(&self, id: u64, states: &[&str]) -> Transfer {
        let mut transfers = self.transfers.transfers();
        let wait = transfers.wait_for(|all| {
            all.iter().any(|transfer| {
                transfer.id == id
                    && (states.contains(&transfer.state.as_str())
                        || states.contains(&transfer.reason.as_str()))
            })
        });
        let all = tokio::time::timeout(Duration::from_secs(30), wait).await;
        let all = all.unwrap_or_else(|_| panic!("{:?}", self.transfers.transfers().borrow())).expect("runs");
        Transfer::clone(all.iter().find(|transfer| transfer.id == id).expect("in the list"))
    }

    async fn ended(&self, from: &[PeerId]) -> Transfer {
        let id = self.start(from).await;
        self.until(id, &["finished", "failed", "cancelled", "no_source_left"]).await
    }

    /// Names in the target folder.
    fn listing(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("new folder")) else { return Vec::new() };
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("readable").file_name().into_string().expect("UTF-8")
        };
        let mut names: Vec<String> = entries.map(name).filter(|name| name != ".cardume").collect();
        names.sort();
        names
    }

    fn check_finished(&self, transfer: &Transfer) {
        assert_eq!(transfer.state, "finished", "{transfer:?}");
        let path = transfer.path.as_deref().expect("a path");
        assert!(std::fs::read(Path::new(path)).expect("there") == self.bytes, "the right bytes");
        assert_eq!((transfer.size, transfer.done), (self.bytes.len() as u64, self.bytes.len() as u64));
    }
}

fn fault_of<'a>(transfer: &'a Transfer, name: &str) -> Option<&'a str> {
    transfer.sources.iter().find(|source| source.name == name).and_then(|source| source.dropped.as_deref())
}

#[tokio::test]
async fn every_size_arrives() {
    for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 40 * PIECE + 12_345] {
        let run = Run::new(size, false, &[(1, Does::Honest, false)]);
        let transfer = run.ended(&[]).await;
        run.check_finished(&transfer);
        assert_eq!(run.listing(), ["film.mkv"], "{size} bytes");
        assert_eq!(transfer.sources.iter().map(|source| source.bytes).sum::<u64>(), size);
    }
}

#[tokio::test]
async fn several_sources_share_the_work() {
    let peers = [1, 2, 3].map(|number| (number, Does::Honest, false));
    let run = Run::new(200 * PIECE + 7, false, &peers);
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    assert!(transfer.sources.iter().all(|source| source.bytes > 0), "{transfer:?}");
}

#[tokio::test]
async fn the_chosen_source_is_the_only_one() {
    let peers = [1, 2, 3].map(|number| (number, Does::Honest, false));
    let run = Run::new(20 * PIECE, true, &peers);
    let transfer = run.ended(&[peer(2)]).await;
    run.check_finished(&transfer);
    let shown: Vec<_> = transfer.sources.iter().map(|source| (source.name.as_str(), source.bytes)).collect();
    assert_eq!(shown, [("peer-2", 20 * PIECE)]);
}

#[tokio::test]
async fn what_is_here_already_is_copied() {
    let run = Run::new(5 * PIECE + 1, true, &[]);
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    assert_eq!(transfer.sources.len(), 1);
}

#[tokio::test]
async fn a_liar_alone_fails_by_name_and_publishes_nothing() {
    for does in Does::ALL_LIES.into_iter().chain([Does::GivesShortPages]) {
        for size in [PIECE / 2, 5 * PIECE + 99] {
            let one_piece = size < PIECE;
            let harmless = matches!(does, Does::ReordersPieces | Does::GivesShortPages) && one_piece;
            if harmless {
                continue;
            }
            let run = Run::new(size, false, &[(1, does, false)]);
            let transfer = run.ended(&[]).await;
            assert_eq!(transfer.reason, "no_source_left", "{does:?}, {size} bytes: {transfer:?}");
            assert!(
                transfer.detail.starts_with("no source is left: peer-1 "),
                "{does:?}: {}",
                transfer.detail
            );
            assert_eq!(run.listing(), Vec::<String>::new(), "{does:?}");
            // The proof, and then at most what its connections have in flight.
            let requests = run.requests.load(Ordering::Relaxed);
            assert!(requests <= 1 + CONNECTIONS_PER_SOURCE, "{does:?} is dropped at once: {requests}");
        }
    }
}

#[tokio::test]
async fn an_honest_source_beside_a_liar_finishes() {
    for does in Does::ALL_LIES {
        for late in [false, true] {
            let run = Run::new(30 * PIECE + 99, false, &[(1, does, late), (2, Does::Honest, false)]);
            let transfer = run.ended(&[]).await;
            run.check_finished(&transfer);
            assert_eq!(run.listing(), ["film.mkv"]);
            assert!(fault_of(&transfer, "peer-1").is_some(), "{does:?} is named: {transfer:?}");
            assert_eq!(fault_of(&transfer, "peer-2"), None, "{does:?} is not blamed on the honest one");
        }
    }
}

#[tokio::test]
async fn a_source_that_breaks_down_is_replaced() {
    for does in [Does::ClosesMidway, Does::CannotBeReached, Does::SharesNothing, Does::IsSilent] {
        let run = Run::new(30 * PIECE + 99, false, &[(1, does, true), (2, Does::Honest, false)]);
        let transfer = run.ended(&[]).await;
        run.check_finished(&transfer);
        assert_eq!(fault_of(&transfer, "peer-2"), None, "{does:?}");
        assert!(transfer.seconds < 4.0, "{does:?} does not hold the download up: {} s", transfer.seconds);
    }
}

#[tokio::test]
async fn a_source_that_is_gone_is_a_named_state_and_cancelling_leaves_nothing() {
    let run = Run::new(9 * PIECE, false, &[(1, Does::ClosesMidway, true)]);
    let id = run.start(&[]).await;
    let transfer = run.until(id, &["waiting"]).await;
    assert_eq!(transfer.state, "waiting");
    let mut transfers = run.transfers.transfers();
    let named =
        transfers.wait_for(|all| all[0].detail == "waiting for a source: peer-1 closed the connection");
    tokio::time::timeout(Duration::from_secs(5), named).await.expect("named in time").expect("runs");
    let again = run.start(&[]).await;
    assert_eq!(again, id, "the same download is not started twice");
    run.transfers.cancel(id).await.expect("there");
    let transfer = run.until(id, &["cancelled"]).await;
    assert_eq!(transfer.path, None);
    let left: Vec<_> = std::fs::read_dir(run.folder.path().join("new folder")).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(run.transfers.cancel(id + 1).await.is_err());
}
