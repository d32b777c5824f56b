//! One download, from the first question to the file under its name.

use super::limits::{DISK_PAUSE, MAX_PROOFS, STAGGER, TICK};
use super::local::WithLocal;
use super::network::{FoundSources, Network, SourceAddress, SourceFinder, Way};
use super::peers::Peers;
use super::progress::Progress;
use super::proof::{Proof, prove};
use super::search::Search;
use super::worker::{Room, Target};
use crate::base::{ContentId, FileName, PeerId};
use crate::engine::transfer::have::PieceSet;
use crate::engine::transfer::manifest::piece_hash;
use crate::engine::transfer::plan::Plan;
use crate::engine::transfer::source::Fault;
use crate::net::handlers::transfer::SharedContents;
use crate::store::partial::{PartialError, PartialFile};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadRequest {
    /// Which content.
    pub content: ContentId,
    /// Under which name; `None`: as a source calls it.
    pub name: Option<FileName>,
    /// Into which folder; made if it is not there.
    pub to: PathBuf,
    /// From which peers; empty: from all.
    pub from: Vec<PeerId>,
    /// With nothing but `transfer_read`.
    pub via_rpc: bool,
}

/// What all downloads share.
pub(in crate::node) struct Shared {
    pub(in crate::node) me: PeerId,
    pub(in crate::node) network: Arc<dyn Network>,
    pub(in crate::node) finder: Arc<dyn SourceFinder>,
    pub(in crate::node) contents: Arc<dyn SharedContents>,
    pub(in crate::node) finished: Arc<dyn Fn(&Path) + Send + Sync>,
    pub(in crate::node) room: Room,
    pub(in crate::node) turns: Arc<Semaphore>,
}

/// What a download says that waits for room.
pub(super) const DISK_FULL: &str = "the disk is full; make room, and the download goes on by itself";

/// Why a download ended without its file: the sentence for a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed(pub(super) String);

/// A download and everything that it owns but its plan.
pub(super) struct Download {
    pub(super) shared: Arc<Shared>,
    pub(super) request: DownloadRequest,
    pub(super) progress: Progress,
    pub(super) network: Arc<dyn Network>,
    pub(super) peers: Peers,
    pub(super) search: Search,
    partial: Option<Arc<PartialFile>>,
}

/// Runs a download to its end, which its picture shows.
pub(in crate::node) async fn download_task(
    shared: Arc<Shared>,
    request: DownloadRequest,
    progress: Progress,
    cancelled: CancellationToken,
) {
    let content = request.content;
    let mut download = Download::new(shared, request, progress);
    let outcome = tokio::select! {
        biased;
        () = cancelled.cancelled() => None,
        outcome = download.run() => Some(outcome),
    };
    match outcome {
        Some(Ok(path)) => {
            tracing::info!(content = %content.short(), path = %path.display(), "a download is finished");
            (download.shared.finished)(&path);
            download.progress.update(|transfer| {
                transfer.path = Some(path.display().to_string());
                transfer.rate = 0;
                "finished".clone_into(&mut transfer.state);
                transfer.detail = String::new();
            });
        }
        Some(Err(Failed(reason))) => {
            tracing::warn!(content = %content.short(), %reason, "a download failed");
            download.progress.state("failed", reason);
        }
        None => {
            download.discard().await;
            download.progress.state("cancelled", "");
        }
    }
}

impl Download {
    fn new(shared: Arc<Shared>, request: DownloadRequest, progress: Progress) -> Self {
        let network = Arc::new(WithLocal {
            me: shared.me,
            contents: shared.contents.clone(),
            others: shared.network.clone(),
        });
        let search = Search::new(shared.finder.clone(), request.content);
        Self { shared, request, progress, network, peers: Peers::default(), search, partial: None }
    }

    async fn run(&mut self) -> Result<PathBuf, Failed> {
        self.progress.state("waiting", "queued");
        let turns = self.shared.turns.clone();
        let turn = turns.acquire().await.map_err(|_| Failed("the peer is stopping".to_owned()))?;
        let (source, proof) = self.prove().await?;
        let partial = self.open(&proof).await?;
        let target = Target {
            layout: proof.layout,
            pieces: proof.pieces.clone(),
            partial,
            room: self.shared.room.clone(),
        };
        let mut plan = self.begin(&target, source, &proof).await?;
        self.fetch_all(&mut plan, &target).await?;
        drop(target);
        let path = self.finish().await?;
        drop(turn);
        Ok(path)
    }

    pub(super) fn way(&self) -> Way {
        if self.request.via_rpc { Way::Rpc } else { Way::Http }
    }

    /// Takes in the tracker's answer: the peers that the person chose, and never this one.
    pub(super) fn merge(&mut self, found: FoundSources) {
        let (me, from) = (self.shared.me, &self.request.from);
        let chosen = |source: &SourceAddress| from.is_empty() || from.contains(&source.peer);
        let sources = found.sources.into_iter().filter(|source| source.peer != me && chosen(source));
        self.peers.merge(sources);
        let name = self.name();
        self.progress.update(|transfer| {
            name.as_str().clone_into(&mut transfer.name);
            if transfer.size == 0 {
                transfer.size = found.size.unwrap_or(0);
            }
        });
    }

    /// A source failed: it is named, in the log and in the picture.
    pub(super) fn source_failed(&mut self, peer: PeerId, fault: Fault) {
        if let Some(known) = self.peers.get_mut(peer) {
            let (name, content) = (&known.address.name, self.request.content.short());
            tracing::info!(%name, %peer, %content, %fault, "a source failed");
        }
        self.peers.failed(peer, fault);
        let sources = self.peers.shown();
        self.progress.update(|transfer| transfer.sources = sources);
    }

    /// Fails when nobody can be left: every source is out for good, and the tracker (asked after that)
    /// knows no other.
    pub(super) fn check_hope(&self, dropped_at: Option<Instant>) -> Result<(), Failed> {
        let asked_since = dropped_at.is_none_or(|at| self.search.answered_at.is_some_and(|then| then > at));
        let chosen_only = !self.request.from.is_empty();
        if self.peers.are_all_dropped() && (asked_since || chosen_only) {
            return Err(Failed(format!("no source is left: {}", self.peers.faults_text())));
        }
        Ok(())
    }

    /// Shows why nothing comes in.
    pub(super) fn show_waiting(&self) {
        let faults = self.peers.faults_text();
        let detail = match &self.search.problem {
            Some(problem) if self.peers.is_empty() => format!("waiting for the tracker: {problem}"),
            None if self.peers.is_empty() && self.search.answered_at.is_none() => {
                "asking the tracker".to_owned()
            }
            _ if self.peers.is_empty() => "nobody has the file now".to_owned(),
            _ => format!("waiting for a source: {faults}"),
        };
        self.progress.state("waiting", detail);
    }

    /// Asks sources for the manifest, one after the other, the next one when the ones before take too
    /// long. The first one that proves it wins.
    async fn prove(&mut self) -> Result<(PeerId, Proof), Failed> {
        self.add_local().await;
        let mut attempts = JoinSet::new();
        let mut asked: Vec<PeerId> = Vec::new();
        let (mut next_at, mut dropped_at) = (Instant::now(), None);
        loop {
            let free = attempts.is_empty() || (attempts.len() < MAX_PROOFS && next_at <= Instant::now());
            let next = self.peers.usable().into_iter().find(|peer| free && !asked.contains(peer));
            if let Some(known) = next.and_then(|peer| self.peers.get_mut(peer)) {
                let source = known.address.clone();
                let (network, content, way) = (self.network.clone(), self.request.content, self.way());
                asked.push(source.peer);
                next_at = Instant::now() + STAGGER;
                attempts.spawn(async move { (source.peer, prove(network, source, content, way).await) });
                self.progress.state("running", "asking for the manifest");
            }
            if attempts.is_empty() {
                self.check_hope(dropped_at)?;
                self.search.hurry();
                self.show_waiting();
            }
            tokio::select! {
                found = self.search.next() => self.merge(found),
                Some(attempt) = attempts.join_next(), if !attempts.is_empty() => {
                    let Ok((peer, result)) = attempt else { continue };
                    asked.retain(|known| *known != peer);
                    match result {
                        Ok((proof, connection)) => {
                            if let Some(known) = self.peers.get_mut(peer) {
                                known.idle.extend(connection);
                            }
                            return Ok((peer, proof));
                        }
                        Err(fault) => self.source_failed(peer, fault),
                    }
                    dropped_at = Some(Instant::now());
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// This peer itself is a source of what it has, unless the person chose others.
    async fn add_local(&mut self) {
        if !self.request.from.is_empty() {
            return;
        }
        let (contents, content) = (self.shared.contents.clone(), self.request.content);
        let has = tokio::task::spawn_blocking(move || contents.manifest(&content).is_ok());
        if has.await.unwrap_or(false) {
            self.peers.merge([SourceAddress {
                peer: self.shared.me,
                name: "this peer".to_owned(),
                address: ([127, 0, 0, 1], 0).into(),
                file_name: String::new(),
            }]);
        }
    }

    /// Opens the partial file; a full disk is waited for.
    async fn open(&mut self, proof: &Proof) -> Result<Arc<PartialFile>, Failed> {
        loop {
            let (to, content, layout) = (self.request.to.clone(), self.request.content, proof.layout);
            let opened = tokio::task::spawn_blocking(move || {
                std::fs::create_dir_all(&to).map_err(|error| PartialError::Folder(to.clone(), error))?;
                PartialFile::create(&to, content, layout)
            });
            match opened.await.map_err(|error| Failed(error.to_string()))? {
                Ok(partial) => {
                    let partial = Arc::new(partial);
                    self.partial = Some(partial.clone());
                    return Ok(partial);
                }
                Err(error) => disk_failed(&self.progress, &error).await?,
            }
        }
    }

    /// The plan, with what is there already: the last piece from the proof, and the verified pieces that
    /// an earlier download left.
    async fn begin(&mut self, target: &Target, source: PeerId, proof: &Proof) -> Result<Plan, Failed> {
        let layout = target.layout;
        self.progress.update(|transfer| transfer.size = layout.size());
        if target.partial.is_resumed() {
            self.progress.state("running", "checking what is there already");
        }
        let checked = {
            let target = target.clone();
            tokio::task::spawn_blocking(move || verified_pieces(&target))
        };
        let mut plan = Plan::new(layout);
        for piece in checked.await.map_err(|error| Failed(error.to_string()))?.iter() {
            plan.found(piece);
        }
        let bytes = proof.last.len() as u64;
        while !plan.is_length_proven() {
            let (partial, last) = (target.partial.clone(), proof.last.clone());
            let written = tokio::task::spawn_blocking(move || partial.write_piece(layout.last(), &last));
            match written.await.map_err(|error| Failed(error.to_string()))? {
                Ok(()) => plan.found(layout.last()),
                Err(error) => disk_failed(&self.progress, &error).await?,
            }
        }
        self.peers.succeeded(source, bytes);
        for (peer, fault) in self.peers.dropped() {
            plan.fail_source(peer, fault);
        }
        Ok(plan)
    }

    /// Puts the file under its name, when nobody writes to it any more.
    async fn finish(&mut self) -> Result<PathBuf, Failed> {
        self.progress.state("running", "putting the file in its place");
        let Some(mut partial) = self.partial.take() else {
            return Err(Failed("the partial file is gone".to_owned()));
        };
        while Arc::strong_count(&partial) > 1 {
            // The loser of a race may be writing a piece (the same bytes).
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let name = self.name();
        loop {
            let (file, name) = (partial.clone(), name.clone());
            let finished = tokio::task::spawn_blocking(move || file.finish(&name));
            match finished.await.map_err(|error| Failed(error.to_string()))? {
                Ok(path) => return Ok(path),
                Err(error) => {
                    partial = self.partial.insert(partial).clone();
                    disk_failed(&self.progress, &error).await?;
                }
            }
        }
    }

    /// The name that was asked for, else the first usable one that a source gives, else the hash's
    /// beginning. Names are refused, not repaired.
    fn name(&self) -> FileName {
        let asked = self.request.name.clone();
        let named = || self.peers.file_names().find_map(|name| FileName::new(name).ok());
        let hash = || FileName::new(&self.request.content.short());
        asked.or_else(named).unwrap_or_else(|| hash().expect("hexadecimal digits are a name"))
    }

    /// Removes what a cancelled download left.
    async fn discard(&mut self) {
        let Some(partial) = self.partial.take() else { return };
        let removed = tokio::task::spawn_blocking(move || partial.discard()).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "a partial file cannot be removed");
        }
    }
}

/// A full disk pauses the download with the reason; everything else ends it.
async fn disk_failed(progress: &Progress, error: &PartialError) -> Result<(), Failed> {
    if !matches!(error, PartialError::DiskFull) {
        return Err(Failed(error.to_string()));
    }
    progress.state("waiting", DISK_FULL);
    tokio::time::sleep(DISK_PAUSE).await;
    Ok(())
}

/// The pieces of a partial file that have their hash. Blocks, for about a second per GB.
fn verified_pieces(target: &Target) -> PieceSet {
    let mut verified = PieceSet::empty(target.layout);
    if !target.partial.is_resumed() {
        return verified;
    }
    let mut bytes = Vec::new();
    for piece in target.layout.pieces() {
        if target.partial.is_hole(piece) || target.partial.read_piece(piece, &mut bytes).is_err() {
            continue;
        }
        let expected = target.pieces.get(piece.number() as usize);
        if expected == piece_hash(target.layout, piece, &bytes).as_ref() {
            verified.insert(piece);
        }
    }
    verified
}
