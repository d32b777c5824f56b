//! A whole folder of a peer: its files as contents of their own, each verified, in the structure that they have there.
//!
//! Small files come first, several at once over kept connections and without manifests ([`super::small`]); the others
//! are downloads as any, one after the other, from all that have them. One that waits lets the next one go on.

use super::download::{Download, DownloadRequest, End, Reins, Shared, Stop};
use super::files::Files;
use super::limits::{LOOK_AGAIN_AFTER, SMALL_BYTES, STALLED_AFTER};
use super::progress::{Progress, Waiting};
use super::small::SmallFiles;
use crate::base::{FileName, FolderPath, PeerId};
use crate::engine::transfer::reason::Reason;
use crate::store::folder::{FolderFile, FolderTarget};
use crate::store::partial::{PartialError, expect_folder};
use crate::wire::control::Transfer;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

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
    /// It failed or was cancelled and is wanted again: where it is gone it is made anew, once.
    made_anew: Option<Arc<OnceLock<()>>>,
}

impl FolderRequest {
    /// A folder that is wanted now.
    #[must_use]
    pub fn new(peer: PeerId, folder: FolderPath, to: PathBuf) -> Self {
        Self { peer, folder, to, chosen: Arc::default(), made_anew: None }
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

    /// Nothing of it is there any more, and its name is free for others.
    pub(super) fn forget_name(&mut self) {
        self.chosen = Arc::default();
    }

    /// Whoever wants what failed or was cancelled gets it under its name, whether something of it is there or not.
    pub(super) fn begin_anew(&mut self) {
        self.made_anew = Some(Arc::default());
    }

    /// Whether it may be made, though it has its name.
    fn to_be_made(&self) -> Option<&OnceLock<()>> {
        self.made_anew.as_deref().filter(|made| made.get().is_none())
    }

    /// Fails if the folder was begun and is not there. Blocks.
    pub(super) fn expect_folder(&self) -> Result<(), PartialError> {
        match self.name().filter(|_| self.to_be_made().is_none()) {
            Some(name) => expect_folder(&self.to.join(name.as_str())),
            None => Ok(()),
        }
    }

    /// The folder on the disk, which is called so. Blocks.
    fn open(&self, name: &FileName) -> Result<FolderTarget, PartialError> {
        let Some(made) = self.to_be_made() else { return FolderTarget::open(&self.to, name) };
        let target = FolderTarget::open_or_make(&self.to, name)?;
        made.get_or_init(|| ());
        Ok(target)
    }

    /// Removes what a cancelled download left. Says whether there is none of its now. Blocks.
    pub(super) fn remove(&self) -> Result<bool, PartialError> {
        let Some(name) = self.name() else { return Ok(true) };
        if self.to_be_made().is_none() && !self.to.is_dir() {
            return Err(PartialError::Gone(self.to.clone()));
        }
        FolderTarget::remove(&self.to, &name)
    }
}

/// Runs the download of a folder until it is there, cannot be, or is to stop; its picture shows it.
pub(super) async fn folder_task(
    shared: Arc<Shared>,
    request: FolderRequest,
    progress: Progress,
    reins: Reins,
) -> End {
    let mut folder = Folder::new(shared, request, progress);
    loop {
        let stop = match folder.attempt(&reins).await {
            Ok(Some(path)) => {
                folder.show_finished(&path);
                return End::Finished;
            }
            Ok(None) => {
                folder.show();
                return End::Stopped;
            }
            Err(stop) => stop,
        };
        match stop {
            Stop::Failed(reason, about) => {
                folder.show();
                folder.progress.state("failed", reason, &about);
                return End::Failed;
            }
            Stop::Wait(reason, about) => folder.progress.state("waiting", reason, &about),
        }
        tokio::select! {
            () = reins.stop.cancelled() => return End::Stopped,
            () = reins.hurry.notified() => {}
            () = sleep_until(folder.try_again_at()) => {}
        }
    }
}

/// A folder and everything that its download owns.
pub(super) struct Folder {
    pub(super) shared: Arc<Shared>,
    pub(super) request: FolderRequest,
    pub(super) progress: Progress,
    pub(super) files: Files,
    /// The places of those that the disk does not take.
    pub(super) refused: BTreeSet<u32>,
    /// Nothing came since all that are left wait.
    waits: bool,
    /// When its peer may be asked again what is in the folder.
    pub(super) look_again_at: Instant,
    /// What its peer said, until the disk has it.
    pub(super) listed: Option<Arc<Vec<FolderFile>>>,
    /// When small files, whose source went, may be fetched together again.
    pub(super) small_again_at: Option<Instant>,
    /// How long its peer is left alone since the last question what is in the folder.
    pub(super) list_pause: Duration,
    /// Whether the last question what is in the folder had no answer to go on with.
    pub(super) is_listing_refused: bool,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetched {
    There,
    Waits,
    Refused,
}

impl Folder {
    fn new(shared: Arc<Shared>, request: FolderRequest, progress: Progress) -> Self {
        Self {
            shared,
            request,
            progress,
            files: Files::default(),
            refused: BTreeSet::new(),
            waits: false,
            look_again_at: Instant::now(),
            listed: None,
            small_again_at: None,
            list_pause: Duration::ZERO,
            is_listing_refused: false,
        }
    }

    /// `None`: it is to stop.
    async fn attempt(&mut self, reins: &Reins) -> Result<Option<PathBuf>, Stop> {
        let target = self.open(reins).await?;
        let Some(mut target) = target else { return Ok(None) };
        self.show();
        if reins.stop.is_cancelled() {
            return Ok(None);
        }
        let target = loop {
            let small = SmallFiles { folder: self, stop: &reins.stop };
            target = small.fetch(target).await?;
            let Some(back) = self.fetch_rest(target, reins).await? else { return Ok(None) };
            if !self.is_small_due() {
                break back;
            }
            target = back;
        };
        if self.files.open().next().is_some() {
            return Err(Stop::Failed(Reason::NotTaken, self.refused_text()));
        }
        let path = target.path().to_owned();
        blocking(move || {
            target.check_place()?;
            target.close();
            Ok(())
        })
        .await?;
        Ok(Some(path))
    }

    /// The files that are left, one after the other, until small ones are to come together again; one that waits lets
    /// the next one go on, and one that the disk does not take is left out. `None`: it is to stop.
    async fn fetch_rest(
        &mut self,
        mut target: FolderTarget,
        reins: &Reins,
    ) -> Result<Option<FolderTarget>, Stop> {
        self.refused.clear();
        let mut left: VecDeque<u32> = self.files.open().map(|(place, _)| place).collect();
        let mut in_vain = 0;
        while let Some(place) = left.pop_front() {
            if reins.stop.is_cancelled() {
                return Ok(None);
            }
            // Nobody waits behind the only one.
            let patience = if left.is_empty() { LOOK_AGAIN_AFTER } else { STALLED_AFTER };
            let (back, fetched) = self.fetch_one(target, place, reins, patience).await?;
            target = back;
            match fetched {
                Fetched::There => {
                    (in_vain, self.waits) = (0, false);
                    if self.is_small_due() {
                        break;
                    }
                }
                Fetched::Refused => in_vain = 0,
                Fetched::Waits => {
                    in_vain += 1;
                    left.push_back(place);
                }
            }
            if in_vain > 0 && in_vain >= left.len() {
                in_vain = 0;
                self.waits = true;
                tokio::select! {
                    biased;
                    () = reins.stop.cancelled() => return Ok(None),
                    looked = self.look_again(&target) => looked?,
                }
            }
        }
        Ok(Some(target))
    }

    /// The folder on the disk, with its list: that of an earlier run, or a new one from the peer.
    async fn open(&mut self, reins: &Reins) -> Result<Option<FolderTarget>, Stop> {
        self.ask_disk().await?;
        // Dropped with this, so that nothing is read for a peer that stops.
        let stop = reins.stop.child_token();
        let _stops = stop.clone().drop_guard();
        if let Some(name) = self.request.name() {
            let (request, stop) = (self.request.clone(), stop.clone());
            self.progress.state("running", Reason::Checking, "");
            let opened = blocking(move || {
                let mut target = request.open(&name)?;
                let known = target.load().map(|(files, mut done)| {
                    // Some got their names and could not be remembered.
                    done.extend(there(&mut target, &files, &done, &stop)?);
                    Ok::<_, PartialError>((files, done))
                });
                Ok((target, known.transpose()?))
            });
            if let (target, Some((files, done))) = opened.await? {
                self.files = Files::new(files, done);
                return Ok(Some(target));
            }
        }
        let files = tokio::select! {
            () = reins.stop.cancelled() => return Ok(None),
            files = self.listed() => files?,
        };
        let (request, kept) = (self.request.clone(), files.clone());
        if request.name().is_some() {
            self.progress.state("running", Reason::Checking, "");
        }
        let opened = blocking(move || {
            let mut done = BTreeSet::new();
            let target = if let Some(name) = request.name() {
                // It was cancelled, or killed at its end: what has its name already does not come again.
                let mut target = request.open(&name)?;
                target.save_list(&kept)?;
                done.extend(there(&mut target, &kept, &done, &stop)?);
                target
            } else {
                let name = request.folder.last().and_then(|name| FileName::new(name).ok());
                let name = name.ok_or(PartialError::NamesTaken)?;
                let (target, name) = FolderTarget::begin(&request.to, &name)?;
                request.choose(name);
                target.save_list(&kept)?;
                target
            };
            Ok((target, done))
        });
        let (target, done) = opened.await?;
        self.listed = None;
        self.files = Files::new(Arc::unwrap_or_clone(files), done);
        Ok(Some(target))
    }

    /// One file as a download of its own; it is given up when it has waited for something for so long.
    async fn fetch_one(
        &mut self,
        mut target: FolderTarget,
        place: u32,
        reins: &Reins,
        patience: Duration,
    ) -> Result<(FolderTarget, Fetched), Stop> {
        let file = self.files.list()[place as usize].clone();
        let folder = file.folder.clone();
        let (target, to) = blocking(move || {
            let to = target.subfolder(&folder);
            Ok((target, to))
        })
        .await?;
        let to = match to {
            Err(PartialError::Name(_) | PartialError::Foreign(_)) => {
                self.refused.insert(place);
                return Ok((target, Fetched::Refused));
            }
            to => to?,
        };
        let (content, name) = (file.content, Some(file.name.clone()));
        let request = DownloadRequest { content, name, to, from: Vec::new(), via_rpc: false };
        let changed = Arc::new(Notify::new());
        let child = Progress::new(Transfer::default(), changed.clone()).running();
        let own = Reins { stop: reins.stop.child_token(), ..reins.clone() };
        let mut download = Download::new(self.shared.clone(), request, child.clone(), own.hurry.clone());
        // Whose folder it is says how large its files are.
        download.proven_bytes = Some(file.size);
        download.has_folder = true;
        let run = download.run(&own.stop);
        tokio::pin!(run);
        let mut waits = Waiting::default();
        let (before, path) = (self.files.done_bytes(), path_of(&file));
        let end = loop {
            let enough = waits.since().map_or_else(Instant::now, |since| since + patience);
            tokio::select! {
                end = &mut run => break end,
                () = changed.notified() => {
                    let shown = child.shown();
                    waits.look(&shown, Instant::now());
                    self.mirror(&shown, before, &path);
                }
                () = sleep_until(enough), if waits.since().is_some() && !own.stop.is_cancelled() => own.stop.cancel(),
            }
        };
        match end {
            End::Finished => {
                target.mark_done(self.files.list(), &[place])?;
                self.files.finish([place]);
                self.show();
                Ok((target, Fetched::There))
            }
            End::Stopped => Ok((target, Fetched::Waits)),
            End::Failed => {
                self.refused.insert(place);
                Ok((target, Fetched::Refused))
            }
        }
    }

    /// The first of the files that the disk does not take, and how many there are.
    fn refused_text(&self) -> String {
        let files = self.refused.iter().filter_map(|place| self.files.list().get(*place as usize));
        let mut paths = files.map(path_of);
        let first = paths.next().unwrap_or_default();
        match paths.count() {
            0 => first,
            more => format!("{first} (+{more})"),
        }
    }

    /// The picture while one file comes in: how that one goes, and the sum of all.
    fn mirror(&self, child: &Transfer, before: u64, path: &str) {
        let state = if child.state == "waiting" { "waiting" } else { "running" };
        let reason = Reason::from_code(&child.reason);
        // All that are left wait: that one of them is tried again is no news until it comes.
        let is_news = |reason: &Reason| match reason {
            Reason::AskingTracker => !self.waits,
            Reason::Downloading => true,
            _ => !self.waits || state == "waiting",
        };
        if let Some(reason) = reason.filter(is_news) {
            self.progress.state(state, reason, &child.about);
        }
        self.progress.update(|transfer| {
            (transfer.rate, transfer.done) = (child.rate, before.saturating_add(child.done));
            transfer.sources.clone_from(&child.sources);
            transfer.pieces.clone_from(&child.pieces);
            if let Some(folder) = &mut transfer.folder {
                folder.current = Some(path.to_owned());
            }
        });
    }

    /// The picture of what is there.
    pub(super) fn show(&self) {
        if self.files.list().is_empty() {
            // Stopped before that was known: the picture of an earlier run stays.
            return;
        }
        let name = self.request.name();
        self.progress.update(|transfer| {
            (transfer.size, transfer.done) = (self.files.bytes(), self.files.done_bytes());
            if let Some(name) = name {
                name.as_str().clone_into(&mut transfer.name);
            }
            if let Some(folder) = &mut transfer.folder {
                (folder.files, folder.done) = (self.files.list().len() as u64, self.files.done() as u64);
                folder.current = None;
            }
        });
    }

    fn show_finished(&self, path: &std::path::Path) {
        (self.shared.finished)(path, None);
        self.show();
        self.progress.ended("finished");
        self.progress.update(|transfer| {
            transfer.path = Some(path.display().to_string());
            transfer.pieces = Vec::new();
        });
    }
}

/// The places of the files that have their names already, besides those that are known, which is remembered. Reads them,
/// until it is to stop.
fn there(
    target: &mut FolderTarget,
    files: &[FolderFile],
    known: &BTreeSet<u32>,
    stop: &CancellationToken,
) -> Result<Vec<u32>, PartialError> {
    let open = (0_u32..).zip(files).take_while(|_| !stop.is_cancelled());
    let open = open.filter(|(place, _)| !known.contains(place));
    let is_there = |(_, file): &(u32, &FolderFile)| target.is_there(file, || stop.is_cancelled());
    let found: Vec<u32> = open.filter(is_there).map(|(place, _)| place).collect();
    target.mark_done(files, &found)?;
    Ok(found)
}

/// The file's path below the folder.
fn path_of(file: &FolderFile) -> String {
    file.folder.names().chain([file.name.as_str()]).collect::<Vec<_>>().join("/")
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
