//! One download, from the first question to the file under its name.
//!
//! It runs in attempts: whatever stops one (a full disk, a folder that may not be written to) is said, waited out,
//! and tried again from the journal, which costs nothing that is there already.

use super::checkpoint::Checkpoint;
use super::limits::{DISK_PAUSE, LONGEST_DISK_PAUSE};
use super::local::WithLocal;
use super::network::{FolderLister, FoundSources, Network, SourceAddress, SourceFinder, Way};
use super::peers::Peers;
use super::progress::Progress;
use super::search::Search;
use super::throttle::Throttle;
use super::worker::Room;
use crate::base::{ContentId, FileName, PeerId};
use crate::engine::transfer::manifest::PieceHash;
use crate::engine::transfer::reason::Reason;
use crate::engine::transfer::source::Fault;
use crate::net::handlers::transfer::SharedContents;
use crate::store::Verified;
use crate::store::partial::{PartialError, PartialFile, find_finished};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
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

/// Where a file that came is, and what is known of it if this run wrote it.
type Came = (PathBuf, Option<Verified>);

/// Called with what came, and what is known of a file that was verified while it came.
pub(in crate::node) type Finished = Arc<dyn Fn(&Path, Option<Verified>) + Send + Sync>;

/// What all downloads share.
pub(in crate::node) struct Shared {
    pub(in crate::node) me: PeerId,
    pub(in crate::node) network: Arc<dyn Network>,
    pub(in crate::node) finder: Arc<dyn SourceFinder>,
    pub(in crate::node) lister: Arc<dyn FolderLister>,
    pub(in crate::node) contents: Arc<dyn SharedContents>,
    pub(in crate::node) finished: Finished,
    pub(in crate::node) room: Room,
    pub(in crate::node) throttle: Arc<Throttle>,
}

/// How a download reaches from outside.
#[derive(Clone, Default)]
pub(in crate::node) struct Reins {
    /// It is to stop, and keep what it has.
    pub(in crate::node) stop: CancellationToken,
    /// It is to try again now, whatever it waits for.
    pub(in crate::node) hurry: Arc<Notify>,
    /// An earlier run had it in its list.
    pub(in crate::node) is_restored: bool,
}

impl Reins {
    /// Of a task that begins.
    pub(super) fn new(is_restored: bool) -> Self {
        Self { is_restored, ..Self::default() }
    }
}

/// How a download's task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) enum End {
    /// The file is there.
    Finished,
    /// It cannot be downloaded; its picture says why.
    Failed,
    /// It was stopped, and can go on.
    Stopped,
}

/// Why an attempt ended without the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// For good.
    Failed(Reason, String),
    /// It is tried again.
    Wait(Reason, String),
}

impl Stop {
    pub(super) fn internal<E: ToString>(error: E) -> Self {
        let about = error.to_string();
        drop(error);
        Self::Wait(Reason::Internal, about)
    }
}

impl From<PartialError> for Stop {
    fn from(error: PartialError) -> Self {
        let denied = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
        };
        match error {
            PartialError::DiskFull => Self::Wait(Reason::DiskFull, String::new()),
            PartialError::TooLarge => Self::Failed(Reason::TooLarge, String::new()),
            PartialError::Folder(path, error) => {
                let reason = if denied(&error) { Reason::NoPermission } else { Reason::FolderUnusable };
                Self::Wait(reason, format!("{} ({error})", path.display()))
            }
            PartialError::Gone(path) => Self::Wait(Reason::FolderGone, path.display().to_string()),
            PartialError::Foreign(what) => Self::Wait(Reason::InTheWay, what.to_owned()),
            PartialError::InUse => Self::Wait(Reason::InUse, String::new()),
            PartialError::Name(error) => Self::Failed(Reason::NameRefused, error.to_string()),
            PartialError::NamesTaken => Self::Failed(Reason::NamesTaken, String::new()),
            PartialError::Length => Self::internal("a piece had another length"),
            PartialError::Unsynced(error)
                if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                Self::Wait(Reason::DiskFull, String::new())
            }
            PartialError::Io(error) if denied(&error) => Self::Wait(Reason::NoPermission, error.to_string()),
            PartialError::Unsynced(error) | PartialError::Io(error) => {
                Self::Wait(Reason::DiskError, error.to_string())
            }
        }
    }
}

/// A download and everything that it owns but its plan.
pub(super) struct Download {
    pub(super) shared: Arc<Shared>,
    pub(super) request: DownloadRequest,
    pub(super) progress: Progress,
    pub(super) network: Arc<dyn Network>,
    pub(super) peers: Peers,
    pub(super) search: Search,
    pub(super) checkpoint: Checkpoint,
    pub(super) partial: Option<Arc<PartialFile>>,
    pub(super) began: Instant,
    pub(super) hurry: Arc<Notify>,
    /// When a source was dropped for good the last time.
    dropped_at: Option<Instant>,
    /// The file gets its name: that goes on to its end, whatever becomes of whoever waits for it.
    finishing: Option<JoinHandle<Result<Came, PartialError>>>,
    /// What runs on threads that may block has it too.
    pub(super) blocked: Arc<()>,
    /// A sync failed since the partial file was opened.
    has_sync_failed: bool,
    /// The target folder was there: it is not made (again).
    pub(super) has_folder: bool,
    /// Whether an earlier run may have ended with the file and without a word.
    may_be_there: bool,
    /// Sources were asked for bytes in this attempt.
    has_fetched: bool,
    /// How many bytes the content has, once a source proved it.
    pub(super) proven_bytes: Option<u64>,
}

/// Runs a download until it is there, cannot be, or is to stop; its picture shows it.
pub(in crate::node) async fn download_task(
    shared: Arc<Shared>,
    request: DownloadRequest,
    progress: Progress,
    reins: Reins,
) -> End {
    let mut download = Download::new(shared, request, progress, reins.hurry);
    download.may_be_there |= reins.is_restored;
    download.run(&reins.stop).await
}

impl Download {
    pub(super) fn new(
        shared: Arc<Shared>,
        request: DownloadRequest,
        progress: Progress,
        hurry: Arc<Notify>,
    ) -> Self {
        let network = Arc::new(WithLocal {
            me: shared.me,
            contents: shared.contents.clone(),
            others: shared.network.clone(),
        });
        let search = Search::new(shared.finder.clone(), request.content);
        let (peers, checkpoint) = (Peers::default(), Checkpoint::default());
        let began = Instant::now();
        let partial = None;
        let (dropped_at, finishing) = (None, None);
        // Of a new one nothing is known.
        let may_be_there = progress.shown().size > 0;
        let has_folder = progress.shown().done > 0;
        Self {
            shared,
            request,
            progress,
            network,
            peers,
            search,
            checkpoint,
            partial,
            began,
            hurry,
            dropped_at,
            finishing,
            blocked: Arc::default(),
            has_sync_failed: false,
            has_folder,
            may_be_there,
            has_fetched: false,
            proven_bytes: None,
        }
    }

    /// One attempt after the other. When it returns, nothing of this download runs any more.
    pub(super) async fn run(&mut self, stop: &CancellationToken) -> End {
        let content = self.request.content.short();
        let (mut pause, mut done) = (DISK_PAUSE, 0);
        loop {
            let mut outcome = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                outcome = self.attempt() => Some(outcome),
            };
            if let Some(finishing) = self.finishing.take() {
                match finishing.await {
                    Ok(Ok(path)) => outcome = Some(Ok(path)),
                    Ok(Err(error)) => self.heed(&error),
                    Err(error) => tracing::error!(%error, "a file did not get its name"),
                }
            }
            self.settle().await;
            match outcome {
                None => return End::Stopped,
                Some(Ok((path, verified))) => {
                    tracing::info!(%content, path = %path.display(), "a download is finished");
                    self.show_finished(&path, verified);
                    return End::Finished;
                }
                Some(Err(Stop::Failed(reason, about))) => {
                    tracing::warn!(%content, reason = %reason.sentence(&about), "a download failed");
                    self.progress.state("failed", reason, &about);
                    return End::Failed;
                }
                Some(Err(Stop::Wait(reason, about))) => {
                    tracing::info!(%content, reason = %reason.sentence(&about), "a download waits");
                    self.progress.state("waiting", reason, &about);
                    let before = std::mem::replace(&mut done, self.progress.shown().done);
                    let is_in_vain = std::mem::take(&mut self.has_fetched) && done <= before;
                    pause = pause_after(pause, is_in_vain);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                () = self.hurry.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn attempt(&mut self) -> Result<Came, Stop> {
        self.forget_unmarked().await?;
        self.add_local().await;
        let (mut plan, target) = if let Some(resumed) = self.resume().await? {
            resumed
        } else if let Some(path) = self.find_finished().await? {
            return Ok((path, None));
        } else {
            let (source, proof) = self.prove().await?;
            self.proven_bytes = Some(proof.layout.size());
            if let Some(path) = self.find_finished().await? {
                return Ok((path, None));
            }
            self.create(source, proof).await?
        };
        self.has_fetched = true;
        self.fetch_all(&mut plan, &target).await?;
        let pieces = target.pieces.clone();
        drop(target);
        self.finish(pieces).await
    }

    pub(super) fn way(&self) -> Way {
        if self.request.via_rpc { Way::Rpc } else { Way::Http }
    }

    /// How long this download has run, for the plan.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes in the tracker's answer: the peers that the person chose, and never this one.
    pub(super) fn merge(&mut self, found: FoundSources) {
        let (me, from) = (self.shared.me, &self.request.from);
        let chosen = |source: &SourceAddress| from.is_empty() || from.contains(&source.peer);
        let sources = found.sources.into_iter().filter(|source| source.peer != me && chosen(source));
        self.peers.merge(sources, Instant::now());
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
        let now = Instant::now();
        self.peers.failed(peer, fault, now);
        if fault.is_for_good() {
            self.dropped_at = Some(now);
        }
        let sources = self.peers.shown();
        self.progress.update(|transfer| transfer.sources = sources);
    }

    /// Shows why nothing comes in; asks again soon.
    pub(super) fn show_waiting(&mut self) {
        self.search.hurry(Instant::now());
        let (reason, about) = match &self.search.problem {
            Some(problem) if self.peers.is_empty() => (Reason::NoTracker, problem.clone()),
            None if self.peers.is_empty() && self.search.answered_at.is_none() => {
                (Reason::AskingTracker, String::new())
            }
            _ if self.peers.is_empty() => (Reason::NobodyHasIt, String::new()),
            // The tracker may know another one by now.
            _ if self.peers.are_all_dropped() && !self.has_asked_since_drop() => {
                (Reason::AskingTracker, String::new())
            }
            _ if self.peers.are_all_dropped() => (Reason::NoSourceLeft, self.peers.faults_text()),
            _ => match (self.peers.all_with(Fault::Changed), self.peers.all_with(Fault::NotShared)) {
                (Some(names), _) => (Reason::FileChanged, names),
                (_, Some(names)) => (Reason::FileGone, names),
                _ => (Reason::SourcesAway, self.peers.faults_text()),
            },
        };
        self.progress.state("waiting", reason, &about);
    }

    fn has_asked_since_drop(&self) -> bool {
        self.dropped_at.is_none_or(|at| self.search.answered_at.is_some_and(|then| then > at))
    }

    /// This peer itself is a source of what it has, unless the person chose others.
    async fn add_local(&mut self) {
        if !self.request.from.is_empty() {
            return;
        }
        let (contents, content) = (self.shared.contents.clone(), self.request.content);
        let has = tokio::task::spawn_blocking(move || contents.manifest(&content).is_ok());
        if has.await.unwrap_or(false) {
            let this = SourceAddress {
                peer: self.shared.me,
                name: "this peer".to_owned(),
                address: ([127, 0, 0, 1], 0).into(),
                file_name: String::new(),
            };
            self.peers.merge([this], Instant::now());
        }
    }

    /// Marks what was written, and waits until nobody has the partial file any more, or opens it: another attempt opens
    /// it anew, alone.
    async fn settle(&mut self) {
        alone(&self.blocked).await;
        self.has_sync_failed |= !self.checkpoint.settle().await;
        if let Some(partial) = self.partial.take() {
            alone(&partial).await;
        }
        if let Err(stop) = self.forget_unmarked().await {
            tracing::error!(?stop, "after a sync that failed, what was written cannot be let go");
        }
    }

    /// Lets go of what cannot be believed after a sync that failed; until that is done the download does not go on.
    async fn forget_unmarked(&mut self) -> Result<(), Stop> {
        if self.has_sync_failed {
            let (to, content) = (self.request.to.clone(), self.request.content);
            self.blocking(move |_| PartialFile::forget_unmarked(&to, content)).await?;
            self.has_sync_failed = false;
        }
        Ok(())
    }

    /// Puts the file under its name, when nobody writes to it any more.
    async fn finish(&mut self, pieces: Arc<Vec<PieceHash>>) -> Result<Came, Stop> {
        self.progress.state("running", Reason::Finishing, "");
        self.checkpoint.forget().await.inspect_err(|error| self.heed(error))?;
        // The loser of a race may be writing a piece (the same bytes). Cancelled here, the end waits for it too.
        if let Some(partial) = &self.partial {
            alone(partial).await;
        }
        let Some(partial) = self.partial.take() else {
            return Err(Stop::internal("the partial file is gone"));
        };
        let name = self.name();
        let finish = move || {
            let verified = partial.verified(pieces);
            Ok((partial.finish(&name)?, verified))
        };
        let finishing = self.finishing.insert(tokio::task::spawn_blocking(finish));
        let finished = finishing.await;
        self.finishing = None;
        Ok(finished.map_err(Stop::internal)?.inspect_err(|error| self.heed(error))?)
    }

    /// After a sync that failed nothing counts that was not marked before.
    pub(super) fn heed(&mut self, error: &PartialError) {
        self.has_sync_failed |= matches!(error, PartialError::Unsynced(_));
    }

    /// The file under its name, where an earlier run was killed between naming it and saying so.
    async fn find_finished(&mut self) -> Result<Option<PathBuf>, Stop> {
        // What the list knew, if its last save came before that was known, a source says.
        let size = self.proven_bytes.or_else(|| Some(self.progress.shown().size).filter(|size| *size > 0));
        let Some(size) = size.filter(|_| self.may_be_there) else { return Ok(None) };
        self.may_be_there = false;
        let name = self.name();
        let (to, content) = (self.request.to.clone(), self.request.content);
        let found = self.blocking(move |stop| {
            let found = find_finished(&to, &name, size, content, || stop.is_cancelled());
            if found.is_some() {
                PartialFile::remove_stray_journal(&to, content)?;
            }
            Ok(found)
        });
        found.await
    }

    fn show_finished(&self, path: &Path, verified: Option<Verified>) {
        (self.shared.finished)(path, verified);
        let asked = self.name();
        self.progress.ended("finished");
        let called = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.progress.update(|transfer| {
            transfer.path = Some(path.display().to_string());
            transfer.done = transfer.size;
            transfer.pieces = Vec::new();
            if called != asked.as_str() {
                Reason::Renamed.code().clone_into(&mut transfer.reason);
                transfer.detail = Reason::Renamed.sentence(&called);
                transfer.about = called;
            }
        });
    }

    /// The name that was asked for, else the first usable one that a source gives, else the one it is shown as,
    /// else the hash's beginning. Names are refused, not repaired.
    pub(super) fn name(&self) -> FileName {
        let asked = self.request.name.clone();
        let named = || self.peers.file_names().find_map(|name| FileName::new(name).ok());
        let shown = || FileName::new(&self.progress.shown().name).ok();
        let hash = || FileName::new(&self.request.content.short());
        let name = asked.or_else(named).or_else(shown);
        name.unwrap_or_else(|| hash().expect("hexadecimal digits are a name"))
    }
}

/// How long to wait before a disk is tried again after such a pause: longer where it took what came and lost it, or refused
/// it after it had said that there is room. Sources would send the same again and again.
fn pause_after(pause: Duration, is_in_vain: bool) -> Duration {
    if is_in_vain { (pause * 2).min(LONGEST_DISK_PAUSE) } else { DISK_PAUSE }
}

/// Waits until nobody else holds it: threads end by themselves.
async fn alone<T>(held: &Arc<T>) {
    while Arc::strong_count(held) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_loses_what_comes_is_tried_less_and_less() {
        let after = |tries: &[bool]| tries.iter().fold(DISK_PAUSE, |pause, vain| pause_after(pause, *vain));
        assert_eq!(after(&[false, false]), DISK_PAUSE, "nobody sent anything");
        assert_eq!(after(&[true, true]), 4 * DISK_PAUSE);
        assert_eq!(after(&[true; 20]), LONGEST_DISK_PAUSE);
        assert_eq!(after(&[true, true, false]), DISK_PAUSE);
    }
}
