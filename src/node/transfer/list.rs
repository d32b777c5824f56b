//! The downloads in their order: which of them run, and what becomes of each.
//!
//! **Of those that a person wants, the first ones run, as many as may run at once; one that waits for a disk or a
//! source does not hold up the next.** Ended downloads stay in the list until they are cleared.

use super::super::handle::CommandError;
use super::download::{DownloadRequest, End, Reins, Shared, download_task};
use super::folder::{FolderRequest, folder_task};
use super::limits::{MAX_STALLED, MAX_TRANSFERS, STALLED_AFTER};
use super::progress::Progress;
use crate::engine::transfer::reason::Reason;
use crate::store::downloads::{SavedDownload, SavedJob, SavedState};
use crate::store::partial::PartialFile;
use crate::wire::codes::Code;
use crate::wire::control::{FolderProgress, Transfer};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

/// What a person can do with downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Let it wait.
    Pause,
    /// Let it go on.
    Resume,
    /// End it and remove what it left.
    Cancel,
    /// Begin anew what failed or was cancelled; try at once what waits.
    Retry,
    /// One place earlier in the order.
    Up,
    /// One place later.
    Down,
    /// Before all others.
    Top,
    /// Out of the list, if it is over; files stay.
    Clear,
}

impl Change {
    /// The change that a program calls so.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            ("pause", Self::Pause),
            ("resume", Self::Resume),
            ("cancel", Self::Cancel),
            ("retry", Self::Retry),
            ("up", Self::Up),
            ("down", Self::Down),
            ("top", Self::Top),
            ("clear", Self::Clear),
        ];
        all.into_iter().find(|(known, _)| *known == word).map(|(_, change)| change)
    }
}

/// What is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Job {
    File(DownloadRequest),
    Folder(FolderRequest),
}

/// What is wanted of a download, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Run,
    Pause,
    /// To be removed once its task has ended.
    Cancel,
    Over(SavedState),
}

/// A download in the list.
struct Entry {
    id: u64,
    job: Job,
    wish: Wish,
    progress: Progress,
    /// Of its task, while it has one.
    reins: Option<Reins>,
    /// Since when its task waits.
    waits_since: Option<Instant>,
}

impl Entry {
    fn is_over(&self) -> bool {
        matches!(self.wish, Wish::Over(_))
    }

    fn is_stalled(&self, now: Instant) -> bool {
        self.waits_since.is_some_and(|since| now.duration_since(since) >= STALLED_AFTER)
    }

    fn stop(&self) {
        if let Some(reins) = &self.reins {
            reins.stop.cancel();
        }
    }
}

/// All downloads.
pub(in crate::node) struct List {
    shared: Arc<Shared>,
    /// In the order in which they run; ended ones anywhere.
    entries: Vec<Entry>,
    last_id: u64,
    /// How many run at once.
    pub(in crate::node) simultaneous: u32,
    /// Tasks of downloads, and of the removal of cancelled ones (which give no end).
    pub(in crate::node) tasks: JoinSet<(u64, Option<End>)>,
    /// Woken when a picture changes.
    pub(in crate::node) changed: Arc<Notify>,
}

impl List {
    pub(in crate::node) fn new(shared: Arc<Shared>, saved: Vec<SavedDownload>, simultaneous: u32) -> Self {
        let changed = Arc::new(Notify::new());
        let last_id = saved.iter().map(|saved| saved.id).max().unwrap_or(0);
        let entries = saved.into_iter().map(|saved| restored(saved, &changed)).collect();
        Self { shared, entries, last_id, simultaneous, tasks: JoinSet::new(), changed }
    }

    pub(in crate::node) fn download(&mut self, request: DownloadRequest) -> Result<u64, CommandError> {
        let same = |job: &Job| matches!(job, Job::File(known) if known.content == request.content && known.to == request.to);
        if let Some(id) = self.known(same) {
            return Ok(id);
        }
        let name = request.name.as_ref().map_or_else(|| request.content.short(), ToString::to_string);
        let first = Transfer { content: request.content.to_string(), name, ..Transfer::default() };
        self.add(Job::File(request), first)
    }

    pub(in crate::node) fn folder(&mut self, request: FolderRequest) -> Result<u64, CommandError> {
        let same = |job: &Job| {
            matches!(job, Job::Folder(known)
                if (known.peer, &known.folder, &known.to) == (request.peer, &request.folder, &request.to))
        };
        if let Some(id) = self.known(same) {
            return Ok(id);
        }
        let name = request.folder.last().unwrap_or_default().to_owned();
        let folder = FolderProgress { folder: request.folder.to_string(), ..FolderProgress::default() };
        let first = Transfer { name, folder: Some(folder), ..Transfer::default() };
        self.add(Job::Folder(request), first)
    }

    /// One that is not over; one that is paused goes on then.
    fn known(&mut self, is_it: impl Fn(&Job) -> bool) -> Option<u64> {
        let entry = self.entries.iter().find(|entry| !entry.is_over() && is_it(&entry.job))?;
        let id = entry.id;
        self.change_one(Change::Resume, id);
        self.enforce_order();
        Some(id)
    }

    fn add(&mut self, job: Job, first: Transfer) -> Result<u64, CommandError> {
        if self.entries.len() >= MAX_TRANSFERS {
            let oldest = self.entries.iter().position(Entry::is_over).ok_or_else(|| {
                error(Code::Busy, format!("{MAX_TRANSFERS} downloads are under way; wait for some to end"))
            })?;
            self.entries.remove(oldest);
        }
        self.last_id += 1;
        let id = self.last_id;
        let progress = Progress::new(Transfer { id, ..first }, self.changed.clone());
        progress.state("waiting", Reason::Queued, "");
        self.entries.push(Entry { id, job, wish: Wish::Run, progress, reins: None, waits_since: None });
        self.rebalance();
        Ok(id)
    }

    /// Changes these downloads; all that it applies to if `ids` is empty.
    pub(in crate::node) fn change(&mut self, what: Change, ids: &[u64]) -> Result<(), CommandError> {
        if let Some(id) = ids.iter().find(|id| !self.entries.iter().any(|entry| entry.id == **id)) {
            let message = format!("there is no download {id}; see the list of downloads");
            return Err(error(Code::NotFound, message));
        }
        let all = self.entries.iter().map(|entry| entry.id).collect();
        let mut ids = if ids.is_empty() { all } else { ids.to_vec() };
        if matches!(what, Change::Down | Change::Top) {
            // The first of them ends up first.
            ids.reverse();
        }
        for id in ids {
            self.change_one(what, id);
        }
        self.enforce_order();
        self.changed.notify_one();
        Ok(())
    }

    fn change_one(&mut self, what: Change, id: u64) {
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return };
        match what {
            Change::Up | Change::Down | Change::Top => self.move_entry(place, what),
            Change::Clear => {
                if self.entries[place].is_over() {
                    self.entries.remove(place);
                }
            }
            Change::Cancel => self.cancel(place),
            Change::Pause => {
                let entry = &mut self.entries[place];
                if entry.wish == Wish::Run {
                    entry.wish = Wish::Pause;
                    entry.stop();
                    if entry.reins.is_none() {
                        entry.progress.ended("paused");
                    }
                }
            }
            Change::Resume | Change::Retry => {
                let entry = &mut self.entries[place];
                let again = what == Change::Retry
                    && matches!(entry.wish, Wish::Over(SavedState::Failed | SavedState::Cancelled));
                if entry.wish == Wish::Pause || again {
                    entry.wish = Wish::Run;
                    entry.progress.state("waiting", Reason::Queued, "");
                } else if let (Wish::Run, Some(reins)) = (entry.wish, &entry.reins) {
                    reins.hurry.notify_one();
                }
            }
        }
    }

    fn move_entry(&mut self, place: usize, what: Change) {
        if self.entries[place].is_over() {
            return;
        }
        let to = match what {
            Change::Top => Some(0),
            Change::Up => self.entries[..place].iter().rposition(|entry| !entry.is_over()),
            _ => self.entries[place + 1..].iter().position(|entry| !entry.is_over()).map(|by| place + 1 + by),
        };
        if let Some(to) = to {
            let entry = self.entries.remove(place);
            self.entries.insert(to, entry);
        }
    }

    fn cancel(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        if entry.is_over() || entry.wish == Wish::Cancel {
            return;
        }
        entry.wish = Wish::Cancel;
        if entry.reins.is_some() {
            entry.stop();
        } else {
            self.remove_partial(place);
        }
    }

    /// Removes what a cancelled download left; it is over when that is done.
    fn remove_partial(&mut self, place: usize) {
        let entry = &self.entries[place];
        let (id, job) = (entry.id, entry.job.clone());
        self.tasks.spawn(async move {
            let removed = match job {
                Job::File(request) => {
                    tokio::task::spawn_blocking(move || PartialFile::remove(&request.to, request.content))
                        .await
                }
                Job::Folder(request) => tokio::task::spawn_blocking(move || request.remove()).await,
            };
            if let Ok(Err(error)) = removed {
                tracing::warn!(%error, "a partial file cannot be removed");
            }
            (id, None)
        });
    }

    /// A task ended: what was wanted meanwhile happens now.
    pub(in crate::node) fn ended(&mut self, ended: Result<(u64, Option<End>), JoinError>) {
        let (id, end) = match ended {
            Ok(ended) => ended,
            Err(error) => return tracing::error!(%error, "a download's task ended by itself"),
        };
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return };
        let entry = &mut self.entries[place];
        entry.waits_since = None;
        if end.is_some() {
            entry.reins = None;
        }
        match (end, entry.wish) {
            (Some(End::Finished), _) => entry.wish = Wish::Over(SavedState::Finished),
            (Some(_), Wish::Cancel) => self.remove_partial(place),
            (None, _) => {
                entry.wish = Wish::Over(SavedState::Cancelled);
                entry.progress.ended("cancelled");
                entry.progress.update(|transfer| transfer.pieces = Vec::new());
            }
            (Some(End::Failed), _) => entry.wish = Wish::Over(SavedState::Failed),
            (Some(End::Stopped), Wish::Pause) => entry.progress.ended("paused"),
            (Some(End::Stopped), _) => entry.progress.state("waiting", Reason::Queued, ""),
        }
        self.rebalance();
    }

    /// Looks which downloads wait, and lets others run meanwhile.
    pub(in crate::node) fn look_after(&mut self) {
        let now = Instant::now();
        for entry in self.entries.iter_mut().filter(|entry| entry.reins.is_some()) {
            let waits = entry.progress.shown().state == "waiting";
            entry.waits_since = waits.then(|| entry.waits_since.unwrap_or(now));
        }
        self.rebalance();
    }

    /// The order or a limit changed: those that run and should not are stopped.
    pub(in crate::node) fn enforce_order(&mut self) {
        let now = Instant::now();
        let mut room = self.simultaneous;
        for entry in self.entries.iter().filter(|entry| entry.wish == Wish::Run && !entry.is_stalled(now)) {
            if room == 0 {
                entry.stop();
            }
            room = room.saturating_sub(1);
        }
        self.rebalance();
    }

    /// Starts what may run.
    pub(in crate::node) fn rebalance(&mut self) {
        let now = Instant::now();
        let started = self.entries.iter().filter(|entry| entry.reins.is_some());
        let (mut running, mut stalled) = (0, 0);
        for entry in started {
            if entry.is_stalled(now) {
                stalled += 1;
            } else if entry.wish == Wish::Run
                && entry.reins.as_ref().is_some_and(|it| !it.stop.is_cancelled())
            {
                running += 1;
            }
        }
        for place in 0..self.entries.len() {
            if running >= self.simultaneous || stalled >= MAX_STALLED {
                return;
            }
            if self.entries[place].wish == Wish::Run && self.entries[place].reins.is_none() {
                self.start(place);
                running += 1;
            }
        }
    }

    fn start(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        let (id, shared, reins) = (entry.id, self.shared.clone(), Reins::default());
        entry.reins = Some(reins.clone());
        let progress = entry.progress.running();
        progress.state("running", Reason::AskingTracker, "");
        match entry.job.clone() {
            Job::File(request) => {
                let task = download_task(shared, request, progress, reins);
                self.tasks.spawn(async move { (id, Some(task.await)) });
            }
            Job::Folder(request) => {
                let task = folder_task(shared, request, progress, reins);
                self.tasks.spawn(async move { (id, Some(task.await)) });
            }
        }
    }

    /// What is shown: those that are not over in their order, then the others, the newest first.
    pub(in crate::node) fn pictures(&self) -> Arc<Vec<Arc<Transfer>>> {
        let open = self.entries.iter().filter(|entry| !entry.is_over());
        let over = self.entries.iter().rev().filter(|entry| entry.is_over());
        Arc::new(open.chain(over).map(|entry| entry.progress.shown()).collect())
    }

    /// The list as it is kept.
    pub(in crate::node) fn saved(&self) -> Vec<SavedDownload> {
        self.entries.iter().map(saved).collect()
    }
}

fn saved(entry: &Entry) -> SavedDownload {
    let shown = entry.progress.shown();
    let (job, to) = match &entry.job {
        Job::File(request) => {
            let DownloadRequest { content, name, to, from, via_rpc } = request.clone();
            (SavedJob::File { content, name, from, via_rpc }, to)
        }
        Job::Folder(request) => {
            let (peer, folder, name) = (request.peer, request.folder.clone(), request.name());
            (SavedJob::Folder { peer, folder, name }, request.to.clone())
        }
    };
    let state = match entry.wish {
        Wish::Run => SavedState::Wanted,
        Wish::Pause => SavedState::Paused,
        Wish::Cancel => SavedState::Cancelled,
        Wish::Over(state) => state,
    };
    let is_reason_kept = entry.is_over();
    let reason =
        if is_reason_kept { (shown.reason.clone(), shown.about.clone()) } else { Default::default() };
    SavedDownload {
        id: entry.id,
        job,
        to,
        state,
        shown_name: shown.name.clone(),
        size: shown.size,
        done: shown.done,
        seconds: shown.seconds,
        path: shown.path.clone(),
        reason,
    }
}

/// A download of an earlier run.
fn restored(saved: SavedDownload, changed: &Arc<Notify>) -> Entry {
    let mut shown = Transfer {
        id: saved.id,
        name: saved.shown_name,
        size: saved.size,
        done: saved.done,
        seconds: saved.seconds,
        path: saved.path,
        ..Transfer::default()
    };
    let (wish, state) = match saved.state {
        SavedState::Wanted => (Wish::Run, "waiting"),
        SavedState::Paused => (Wish::Pause, "paused"),
        SavedState::Finished => (Wish::Over(saved.state), "finished"),
        SavedState::Failed => (Wish::Over(saved.state), "failed"),
        SavedState::Cancelled => (Wish::Over(saved.state), "cancelled"),
    };
    let reason = if wish == Wish::Run { Some(Reason::Queued) } else { Reason::from_code(&saved.reason.0) };
    if let Some(reason) = reason {
        shown.detail = reason.sentence(&saved.reason.1);
        (shown.reason, shown.about) = (reason.code().to_owned(), saved.reason.1);
    }
    state.clone_into(&mut shown.state);
    let job = match saved.job {
        SavedJob::File { content, name, from, via_rpc } => {
            shown.content = content.to_string();
            Job::File(DownloadRequest { content, name, to: saved.to, from, via_rpc })
        }
        SavedJob::Folder { peer, folder, name } => {
            shown.folder = Some(FolderProgress { folder: folder.to_string(), ..FolderProgress::default() });
            Job::Folder(FolderRequest::restored(peer, folder, saved.to, name))
        }
    };
    let progress = Progress::new(shown, changed.clone());
    Entry { id: saved.id, job, wish, progress, reins: None, waits_since: None }
}

fn error(code: Code, message: String) -> CommandError {
    CommandError::new(code as i32, message)
}
