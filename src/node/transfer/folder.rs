//! A whole folder of a peer: its files as contents of their own, each verified, in the structure that they have there.
//!
//! Small files come first, several at once over kept connections and without manifests ([`super::small`]); the others
//! are downloads as any, one after the other, from all that have them. One that waits lets the next one go on.

use super::download::{Download, DownloadRequest, End, Reins, Shared, Stop};
use super::files::Files;
use super::limits::{DISK_PAUSE, MAX_FOLDER, SMALL_BYTES, STALLED_AFTER};
use super::network::ListError;
use super::progress::Progress;
use super::small::SmallFiles;
use crate::base::{FileName, FolderPath, Natural, PeerId};
use crate::engine::transfer::reason::Reason;
use crate::store::folder::{FolderFile, FolderTarget};
use crate::store::partial::PartialError;
use crate::wire::control::Transfer;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Which folder is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRequest {
    /// Whose.
    pub peer: PeerId,
    /// Which, as its peer calls it; not empty.
    pub folder: FolderPath,
    /// Into which folder; made if it is not there.
    pub to: PathBuf,
    /// What it is called there, once that is decided.
    chosen: Arc<OnceLock<FileName>>,
}

impl FolderRequest {
    /// A folder that is wanted now.
    #[must_use]
    pub fn new(peer: PeerId, folder: FolderPath, to: PathBuf) -> Self {
        Self { peer, folder, to, chosen: Arc::default() }
    }

    pub(super) fn restored(peer: PeerId, folder: FolderPath, to: PathBuf, name: Option<FileName>) -> Self {
        let request = Self::new(peer, folder, to);
        if let Some(name) = name {
            request.choose(name);
        }
        request
    }

    fn choose(&self, name: FileName) {
        // It is chosen once; a second choice does not come.
        drop(self.chosen.set(name));
    }

    /// What it is called in the target folder, once that is decided.
    pub(super) fn name(&self) -> Option<FileName> {
        self.chosen.get().cloned()
    }

    /// Removes what a cancelled download left. Blocks.
    pub(super) fn remove(&self) -> Result<(), PartialError> {
        self.name().map_or(Ok(()), |name| FolderTarget::remove(&self.to, &name))
    }
}

/// Runs the download of a folder until it is there, cannot be, or is to stop; its picture shows it.
pub(super) async fn folder_task(
    shared: Arc<Shared>,
    request: FolderRequest,
    progress: Progress,
    reins: Reins,
) -> End {
    let mut folder = Folder { shared, request, progress, files: Files::default() };
    loop {
        let stop = match folder.attempt(&reins).await {
            Ok(Some(path)) => {
                folder.show_finished(&path);
                return End::Finished;
            }
            Ok(None) => return End::Stopped,
            Err(stop) => stop,
        };
        match stop {
            Stop::Failed(reason, about) => {
                folder.progress.state("failed", reason, &about);
                return End::Failed;
            }
            Stop::Wait(reason, about) => folder.progress.state("waiting", reason, &about),
        }
        tokio::select! {
            () = reins.stop.cancelled() => return End::Stopped,
            () = reins.hurry.notified() => {}
            () = tokio::time::sleep(DISK_PAUSE) => {}
        }
    }
}

/// A folder and everything that its download owns.
pub(super) struct Folder {
    pub(super) shared: Arc<Shared>,
    pub(super) request: FolderRequest,
    pub(super) progress: Progress,
    pub(super) files: Files,
}

impl Folder {
    /// `None`: it is to stop.
    async fn attempt(&mut self, reins: &Reins) -> Result<Option<PathBuf>, Stop> {
        let target = self.open(reins).await?;
        let Some(mut target) = target else { return Ok(None) };
        self.show();
        let small = SmallFiles { folder: self, stop: &reins.stop };
        target = small.fetch(target).await?;
        let mut left: VecDeque<u32> = self.files.open().map(|(place, _)| place).collect();
        let mut in_vain = 0;
        while let Some(place) = left.pop_front() {
            if reins.stop.is_cancelled() {
                return Ok(None);
            }
            let patient = left.is_empty() || in_vain > left.len();
            let (back, is_done) = self.fetch_one(target, place, reins, patient).await?;
            target = back;
            if is_done {
                in_vain = 0;
                continue;
            }
            in_vain += 1;
            left.push_back(place);
            if in_vain > left.len() && !reins.stop.is_cancelled() {
                self.look_again(&target).await?;
                in_vain = 0;
            }
        }
        let path = target.path().to_owned();
        blocking(move || {
            target.close();
            Ok(())
        })
        .await?;
        Ok(Some(path))
    }

    /// The folder on the disk, with its list: that of an earlier run, or a new one from the peer.
    async fn open(&mut self, reins: &Reins) -> Result<Option<FolderTarget>, Stop> {
        if let Some(name) = self.request.name() {
            let to = self.request.to.clone();
            self.progress.state("running", Reason::Checking, "");
            let opened = blocking(move || {
                let mut target = FolderTarget::open(&to, &name)?;
                let known = target.load().map(|(files, mut done)| {
                    // Some got their names and could not be remembered.
                    for (place, file) in (0_u32..).zip(&files) {
                        if !done.contains(&place) && target.is_there(file) {
                            done.insert(place);
                        }
                    }
                    (files, done)
                });
                Ok((target, known))
            });
            if let (target, Some((files, done))) = opened.await? {
                self.files = Files::new(files, done);
                return Ok(Some(target));
            }
        }
        let files = tokio::select! {
            () = reins.stop.cancelled() => return Ok(None),
            files = self.list() => files?,
        };
        let (request, kept) = (self.request.clone(), files.clone());
        let target = blocking(move || {
            let target = if let Some(name) = request.name() {
                FolderTarget::open(&request.to, &name)?
            } else {
                let name = request.folder.last().and_then(|name| FileName::new(name).ok());
                let name = name.ok_or(PartialError::NamesTaken)?;
                let (target, name) = FolderTarget::begin(&request.to, &name)?;
                request.choose(name);
                target
            };
            target.save_list(&kept)?;
            Ok(target)
        });
        self.files = Files::new(files, BTreeSet::new());
        Ok(Some(target.await?))
    }

    /// What is in the folder now, below it.
    async fn list(&self) -> Result<Vec<FolderFile>, Stop> {
        self.progress.state("running", Reason::Listing, "");
        let listed = self.shared.lister.list(self.request.peer, self.request.folder.clone()).await;
        let listed = listed.map_err(|error| match error {
            ListError::Away(why) => Stop::Wait(Reason::SourcesAway, why),
            ListError::Hashing(files) => Stop::Wait(Reason::Hashing, files.to_string()),
        })?;
        let inner = |file: FolderFile| {
            Some(FolderFile { folder: self.request.folder.to_inner(&file.folder)?, ..file })
        };
        let mut files: Vec<FolderFile> = listed.into_iter().filter_map(inner).take(MAX_FOLDER).collect();
        if files.is_empty() {
            return Err(Stop::Wait(Reason::FileGone, self.request.folder.to_string()));
        }
        files.sort_by(|a, b| order(a).cmp(&order(b)));
        files.dedup();
        Ok(files)
    }

    /// No file goes on: some may have changed at their peer. Those get their new contents.
    async fn look_again(&mut self, target: &FolderTarget) -> Result<(), Stop> {
        let now = self.list().await?;
        self.files.renew(now);
        Ok(target.save_list(self.files.list())?)
    }

    /// One file as a download of its own. Gives whether it is there; without patience it gives up soon when the file
    /// waits for something.
    async fn fetch_one(
        &mut self,
        mut target: FolderTarget,
        place: u32,
        reins: &Reins,
        patient: bool,
    ) -> Result<(FolderTarget, bool), Stop> {
        let file = self.files.list()[place as usize].clone();
        let folder = file.folder.clone();
        let (target, to) = blocking(move || {
            let to = target.subfolder(&folder)?;
            Ok((target, to))
        })
        .await?;
        let (content, name) = (file.content, Some(file.name.clone()));
        let request = DownloadRequest { content, name, to, from: Vec::new(), via_rpc: false };
        let changed = Arc::new(Notify::new());
        let child = Progress::new(Transfer::default(), changed.clone()).running();
        let own = Reins { stop: reins.stop.child_token(), hurry: reins.hurry.clone() };
        let mut download = Download::new(self.shared.clone(), request, child.clone(), own.hurry.clone());
        let run = download.run(&own.stop);
        tokio::pin!(run);
        let mut waits_since: Option<Instant> = None;
        let before = self.progress.shown().done;
        let end = loop {
            tokio::select! {
                end = &mut run => break end,
                () = changed.notified() => {
                    let shown = child.shown();
                    waits_since = (shown.state == "waiting").then(|| waits_since.unwrap_or_else(Instant::now));
                    self.mirror(&shown, before);
                }
                () = tokio::time::sleep(STALLED_AFTER), if !patient && waits_since.is_some() => own.stop.cancel(),
            }
        };
        match end {
            End::Finished => {
                target.mark_done(self.files.list(), &[place])?;
                self.files.finish([place]);
                self.show();
                Ok((target, true))
            }
            End::Stopped => Ok((target, false)),
            End::Failed => {
                let shown = child.shown();
                let reason = Reason::from_code(&shown.reason).unwrap_or(Reason::Internal);
                Err(Stop::Failed(reason, shown.about.clone()))
            }
        }
    }

    /// The picture while one file comes in: how that one goes, and the sum of all.
    fn mirror(&self, child: &Transfer, before: u64) {
        let reason = Reason::from_code(&child.reason).unwrap_or(Reason::Downloading);
        let state = if child.state == "waiting" { "waiting" } else { "running" };
        self.progress.state(state, reason, &child.about);
        self.progress.update(|transfer| {
            (transfer.rate, transfer.done) = (child.rate, before.saturating_add(child.done));
            transfer.sources.clone_from(&child.sources);
            transfer.pieces.clone_from(&child.pieces);
        });
    }

    /// The picture of what is there.
    pub(super) fn show(&self) {
        let name = self.request.name();
        self.progress.update(|transfer| {
            (transfer.size, transfer.done) = (self.files.bytes(), self.files.done_bytes());
            if let Some(name) = name {
                name.as_str().clone_into(&mut transfer.name);
            }
            if let Some(folder) = &mut transfer.folder {
                (folder.files, folder.done) = (self.files.list().len() as u64, self.files.done() as u64);
            }
        });
    }

    fn show_finished(&self, path: &std::path::Path) {
        (self.shared.finished)(path);
        self.show();
        self.progress.ended("finished");
        self.progress.update(|transfer| {
            transfer.path = Some(path.display().to_string());
            transfer.pieces = Vec::new();
        });
    }
}

/// Files come in this order, as a person counts: the first episodes can be looked at first.
fn order(file: &FolderFile) -> (Natural<'_>, Natural<'_>) {
    (Natural(file.folder.as_str().as_bytes()), Natural(file.name.as_str().as_bytes()))
}

/// Whether a file is fetched without a manifest.
pub(super) const fn is_small(file: &FolderFile) -> bool {
    file.size <= SMALL_BYTES
}

/// Runs what may block on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PartialError> + Send + 'static,
) -> Result<T, Stop> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(Stop::internal)??)
}
