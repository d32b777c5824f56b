//! Real sources on loopback: members of one group with TLS servers, and a downloader among them.

use cardume::base::{ContentId, FileName, PeerId, PieceLayout};
use cardume::engine::transfer::manifest::{PieceHash, piece_hash};
use cardume::net::handlers::transfer::{ContentError, SharedContents, TransferHandler};
use cardume::net::{
    CallerLimits, ContentRefusal, ContentRoute, ContentService, GroupKey, Identity, OpenContent, PeerKey,
    PeerLinks, Server, ServerHandle, ServerLimits, Uploads,
};
use cardume::node::CommandError;
use cardume::node::transfer::link::PeerNetwork;
use cardume::node::transfer::network::{FoundSources, SourceAddress, SourceFinder};
use cardume::node::transfer_task::{DownloadRequest, TransferDeps, TransferHandle, spawn};
use cardume::wire::control::Limits;
use cardume::wire::control::Transfer;
use cardume::wire::transfer::TransferServer;
use futures_util::future::{BoxFuture, FutureExt};
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// The bytes of a piece of a small content.
pub(crate) const PIECE: u64 = PieceLayout::MIN_PIECE_BYTES as u64;

/// One content, on disk.
pub(crate) struct Sample {
    pub(crate) folder: TempDir,
    pub(crate) content: ContentId,
    pub(crate) layout: PieceLayout,
    pub(crate) pieces: Vec<PieceHash>,
}

impl Sample {
    /// `size` bytes in pieces that differ, written and hashed piece by piece.
    pub(crate) fn new(size: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::create(folder.path().join("sample")).expect("made");
        let layout = PieceLayout::of(size).expect("small");
        let mut whole = blake3::Hasher::new();
        let mut pieces = Vec::new();
        for piece in layout.pieces() {
            let range = layout.range(piece);
            let mut bytes = vec![0; usize::try_from(range.end - range.start).expect("a piece")];
            blake3::Hasher::new().update(&range.start.to_le_bytes()).finalize_xof().fill(&mut bytes);
            file.write_all_at(&bytes, range.start).expect("written");
            whole.update(&bytes);
            pieces.push(piece_hash(layout, piece, &bytes).expect("whole"));
        }
        let content = ContentId::from_bytes(*whole.finalize().as_bytes());
        Self { folder, content, layout, pieces }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("sample")
    }

    /// What an honest source shares.
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf {
            content: self.content,
            layout: self.layout,
            pieces: self.pieces.clone(),
            path: self.path(),
            size: self.layout.size(),
        }
    }
}

/// What a source shares, or says that it shares.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) content: ContentId,
    pub(crate) layout: PieceLayout,
    pub(crate) pieces: Vec<PieceHash>,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

impl SharedContents for Shelf {
    fn manifest(&self, content: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
        let known = (*content == self.content).then(|| (self.layout, Arc::new(self.pieces.clone())));
        known.ok_or(ContentError::Unknown)
    }

    fn open(&self, content: &ContentId) -> Result<(File, u64), ContentError> {
        if *content != self.content {
            return Err(ContentError::Unknown);
        }
        Ok((File::open(&self.path)?, self.size))
    }
}

impl ContentRoute for Shelf {
    fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
        let opened = SharedContents::open(self, &content);
        let name = "sample".to_owned();
        // Not checked: these sources may lie.
        opened
            .map(|(file, size)| OpenContent { file, size, name, tag: 0, pieces: None })
            .map_err(|_| ContentRefusal::Unknown)
    }

    fn spoiled(&self, _: ContentId, _: u64) {}
}

/// A group of members.
pub(crate) struct Group(GroupKey);

impl Group {
    pub(crate) fn new() -> Self {
        Self(GroupKey::random())
    }

    pub(crate) fn member(&self) -> Identity {
        Identity::new(&self.0, &PeerKey::generate().expect("random")).expect("an identity")
    }
}

/// Serves a shelf as a peer does.
pub(crate) async fn serve(identity: &Identity, shelf: Shelf) -> ServerHandle {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let shelf = Arc::new(shelf);
    let service = ContentService { route: shelf.clone(), uploads: Uploads::new(Uploads::LIMITS) };
    let methods = TransferHandler::new(shelf, service.clone()).into_rpc().into();
    Server::start(listener, identity, methods, Some(service), ServerLimits::GENERAL).expect("serves")
}

/// Who has the sample, in place of a tracker.
#[derive(Default)]
pub(crate) struct Tracker(Mutex<Vec<SourceAddress>>);

impl Tracker {
    pub(crate) fn add(&self, name: &str, peer: PeerId, address: SocketAddr) {
        let file_name = "sample.bin".to_owned();
        let source = SourceAddress { peer, name: name.to_owned(), address, file_name };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }
}

impl SourceFinder for Tracker {
    fn sources(&self, _: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        std::future::ready(Ok(FoundSources { size: None, sources })).boxed()
    }
}

/// A peer that downloads and shares nothing.
pub(crate) struct Downloader {
    pub(crate) folder: TempDir,
    pub(crate) transfers: TransferHandle,
}

impl Downloader {
    pub(crate) fn new(group: &Group, tracker: Arc<Tracker>) -> Self {
        let identity = group.member();
        let links = PeerLinks::new(identity.clone(), CallerLimits::GENERAL);
        let nothing = Sample::new(1).shelf();
        let network = Arc::new(PeerNetwork { identity: identity.clone(), links });
        let (_, limits) = tokio::sync::watch::channel(Limits::default());
        let transfers = spawn(TransferDeps {
            me: identity.peer_id(),
            network: network.clone(),
            lister: network,
            limits,
            kept: None,
            finder: tracker,
            contents: Arc::new(nothing),
            finished: Arc::new(|path, _| assert!(path.exists())),
        });
        Self { folder: tempfile::tempdir().expect("a folder"), transfers }
    }

    pub(crate) async fn start(&self, content: ContentId, from: &[PeerId], via_rpc: bool) -> u64 {
        let request = DownloadRequest {
            content,
            name: Some(FileName::new("got.bin").expect("valid")),
            to: self.folder.path().to_owned(),
            from: from.to_vec(),
            via_rpc,
        };
        self.transfers.download(request).await.expect("started")
    }

    /// Waits for a picture of the download.
    pub(crate) async fn until(&self, id: u64, seen: impl Fn(&Transfer) -> bool) -> Transfer {
        let mut transfers = self.transfers.transfers();
        let wait = transfers.wait_for(|all| all.iter().any(|transfer| transfer.id == id && seen(transfer)));
        let all = tokio::time::timeout(Duration::from_mins(1), wait).await.expect("in time").expect("runs");
        Transfer::clone(all.iter().find(|transfer| transfer.id == id).expect("in the list"))
    }

    pub(crate) async fn ended(&self, id: u64) -> Transfer {
        let over =
            |transfer: &Transfer| matches!(transfer.state.as_str(), "finished" | "failed" | "cancelled");
        self.until(id, |transfer| over(transfer) || transfer.reason == "no_source_left").await
    }

    /// The names in the target folder, without the hidden one.
    pub(crate) fn listing(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("readable");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("readable").file_name().into_string().expect("UTF-8")
        };
        let mut names: Vec<String> = entries.map(name).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

/// The download is finished, and its file is the sample byte by byte.
pub(crate) fn check_finished(transfer: &Transfer, sample: &Sample) {
    assert_eq!(transfer.state, "finished", "{transfer:?}");
    let got = std::fs::read(Path::new(transfer.path.as_deref().expect("a path"))).expect("there");
    assert_eq!(ContentId::from_bytes(*blake3::hash(&got).as_bytes()), sample.content);
}
