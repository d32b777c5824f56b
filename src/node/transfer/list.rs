//! The downloads in their order: which of them run, and what becomes of each.
//!
//! **Of those that a person wants, the first ones run, as many as may run at once; one that waits for a disk or a
//! source does not hold up the next.** Ended downloads stay in the list until they are cleared.

mod changes;

use super::super::handle::CommandError;
use super::download::{DownloadRequest, End, Reins, Shared, download_task};
use super::folder::{FolderRequest, folder_task};
use super::kept::{restored, saved};
use super::limits::{MAX_STALLED, MAX_TRANSFERS, STALLED_AFTER};
use super::progress::{Progress, Waiting};
use crate::base::PeerId;
use crate::engine::transfer::reason::Reason;
use crate::store::downloads::{SavedDownload, SavedState};
use crate::wire::codes::Code;
use crate::wire::control::{FolderProgress, Transfer};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{self, JoinError, JoinSet};
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
pub(super) enum Job {
    File(DownloadRequest),
    Folder(FolderRequest),
}

/// What is wanted of a download, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Run,
    Pause,
    /// To be removed once its task has ended.
    Cancel,
    /// The same, and wanted anew since.
    Again,
    /// The same of one that is over: out of the list then.
    Clear,
    Over(SavedState),
}

/// How a task of the list ended.
pub(in crate::node) enum Ended {
    /// That of a download.
    Task(End),
    /// The removal of what one left, and whether there is none of its folder now; if not all of it went, where that is
    /// and why.
    Removal(Result<bool, String>),
}

/// A download in the list.
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) job: Job,
    pub(super) wish: Wish,
    pub(super) progress: Progress,
    /// Of its task, while it has one.
    reins: Option<Reins>,
    task: Option<task::Id>,
    /// Since when its task waits.
    waits: Waiting,
    /// Its task was stopped to begin again at once, with other sources.
    begins_anew: bool,
    /// When it was stopped because it had waited for long and others could not begin.
    gave_way: Option<Instant>,
    /// It was in the list of an earlier run.
    is_restored: bool,
}

impl Entry {
    pub(super) fn new(id: u64, job: Job, wish: Wish, progress: Progress) -> Self {
        Self {
            id,
            job,
            wish,
            progress,
            reins: None,
            task: None,
            waits: Waiting::default(),
            begins_anew: false,
            gave_way: None,
            is_restored: false,
        }
    }

    /// As one of an earlier run.
    pub(super) fn restored(self) -> Self {
        Self { is_restored: true, ..self }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.wish, Wish::Over(_))
    }

    fn is_stalled(&self, now: Instant) -> bool {
        self.waits.since().is_some_and(|since| now.duration_since(since) >= STALLED_AFTER)
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
    /// Tasks of downloads, and of the removal of what they left.
    pub(in crate::node) tasks: JoinSet<(u64, Ended)>,
    /// What of all pictures must not be lost, when that was last asked.
    known: u64,
    /// Woken when a picture changes.
    pub(in crate::node) changed: Arc<Notify>,
}

impl List {
    pub(in crate::node) fn new(shared: Arc<Shared>, saved: Vec<SavedDownload>, simultaneous: u32) -> Self {
        let changed = Arc::new(Notify::new());
        let last_id = saved.iter().map(|saved| saved.id).max().unwrap_or(0);
        let entries: Vec<Entry> = saved.into_iter().map(|saved| restored(saved, &changed)).collect();
        let (tasks, known) = (JoinSet::new(), 0);
        let mut list = Self { shared, entries, last_id, simultaneous, tasks, known, changed };
        for place in 0..list.entries.len() {
            if list.entries[place].wish == Wish::Cancel {
                list.remove_left(place);
            }
        }
        list.has_become_known();
        list
    }

    pub(in crate::node) fn download(&mut self, request: DownloadRequest) -> Result<u64, CommandError> {
        let same = |job: &Job| matches!(job, Job::File(known) if known.content == request.content && known.to == request.to);
        self.choose_sources(same, &request.from);
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
        let (peer, folder) = (request.peer.to_string(), request.folder.to_string());
        let folder = FolderProgress { peer, folder, ..FolderProgress::default() };
        let first = Transfer { name, folder: Some(folder), ..Transfer::default() };
        self.add(Job::Folder(request), first)
    }

    /// One that is not over comes from these peers from now on. Its task begins anew with what is there.
    fn choose_sources(&mut self, is_it: impl Fn(&Job) -> bool, from: &[PeerId]) {
        let Some(entry) = self.entries.iter_mut().find(|entry| !entry.is_over() && is_it(&entry.job)) else {
            return;
        };
        if let Job::File(known) = &mut entry.job
            && known.from != from
        {
            known.from = from.to_vec();
            entry.begins_anew = entry.reins.is_some();
            entry.stop();
        }
    }

    /// One that is not over; one that is paused goes on then, and one that is being cancelled begins anew.
    fn known(&mut self, is_it: impl Fn(&Job) -> bool) -> Option<u64> {
        let entry = self.entries.iter().find(|entry| !entry.is_over() && is_it(&entry.job))?;
        let id = entry.id;
        self.change_one(Change::Retry, id, &[id]);
        self.enforce_order();
        Some(id)
    }

    fn add(&mut self, job: Job, first: Transfer) -> Result<u64, CommandError> {
        if self.entries.len() >= MAX_TRANSFERS {
            let oldest = self.entries.iter().position(Entry::is_over).ok_or_else(|| {
                error(Code::Busy, format!("{MAX_TRANSFERS} downloads are under way; wait for some to end"))
            })?;
            if self.entries[oldest].left_something() {
                self.remove_left(oldest);
            }
            self.entries.remove(oldest);
        }
        self.last_id += 1;
        let id = self.last_id;
        let progress = Progress::new(Transfer { id, ..first }, self.changed.clone());
        progress.state("waiting", Reason::Queued, "");
        self.entries.push(Entry::new(id, job, Wish::Run, progress));
        self.rebalance();
        Ok(id)
    }

    /// A task ended: what was wanted meanwhile happens now.
    pub(in crate::node) fn ended(&mut self, ended: Result<(u64, Ended), JoinError>) {
        let (id, ended) = match ended {
            Ok(ended) => ended,
            Err(error) => match self.broke_down(&error) {
                Some(id) => (id, Ended::Task(End::Failed)),
                None => return,
            },
        };
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return };
        let entry = &mut self.entries[place];
        entry.waits = Waiting::default();
        let end = match ended {
            Ended::Task(end) => end,
            Ended::Removal(removed) => {
                self.removed(place, removed);
                return self.rebalance();
            }
        };
        (entry.reins, entry.task) = (None, None);
        let begins_anew = std::mem::take(&mut entry.begins_anew);
        match (end, entry.wish) {
            (End::Finished, _) => entry.wish = Wish::Over(SavedState::Finished),
            (_, Wish::Cancel | Wish::Again | Wish::Clear) => self.remove_left(place),
            (End::Failed, Wish::Run) if begins_anew => {
                entry.progress.state("waiting", Reason::Queued, "");
            }
            (End::Failed, _) => entry.wish = Wish::Over(SavedState::Failed),
            (End::Stopped, Wish::Pause) => entry.progress.paused(),
            (End::Stopped, _) => entry.progress.state("waiting", Reason::Queued, ""),
        }
        self.rebalance();
    }

    /// A task panicked: its download, if it was one, has failed.
    fn broke_down(&self, error: &JoinError) -> Option<u64> {
        tracing::error!(%error, "a download's task ended by itself; please report it");
        let entry = self.entries.iter().find(|entry| entry.task == Some(error.id()))?;
        entry.progress.state("failed", Reason::Internal, &error.to_string());
        Some(entry.id)
    }

    /// Looks which downloads wait, and lets others run meanwhile.
    pub(in crate::node) fn look_after(&mut self) {
        let now = Instant::now();
        for entry in self.entries.iter_mut().filter(|entry| entry.reins.is_some()) {
            entry.waits.look(&entry.progress.shown(), now);
        }
        self.give_way(now);
        let goes_on = |entry: &&Entry| entry.reins.is_some() && !entry.is_stalled(now);
        let going_on = self.entries.iter().filter(goes_on).count();
        // Those that waited go on, all at once. One or two more than may run are left to end.
        if going_on > 2 * self.simultaneous as usize {
            self.enforce_order();
        } else {
            self.rebalance();
        }
    }

    /// Where as many wait as may, those that have waited longest let others begin.
    fn give_way(&mut self, now: Instant) {
        let may_begin = |entry: &&Entry| entry.wish == Wish::Run && entry.reins.is_none();
        let beginning = self.entries.iter().filter(may_begin).count().min(self.simultaneous as usize);
        let stalled = |entry: &&mut Entry| entry.reins.is_some() && entry.is_stalled(now);
        let mut stalled: Vec<_> = self.entries.iter_mut().filter(stalled).collect();
        if stalled.len() < MAX_STALLED {
            return;
        }
        stalled.sort_by_key(|entry| entry.waits.since());
        for entry in stalled.into_iter().take(beginning) {
            entry.gave_way = Some(now);
            entry.stop();
        }
    }

    /// The order or a limit changed: those that run and should not are stopped.
    pub(in crate::node) fn enforce_order(&mut self) {
        let now = Instant::now();
        let mut room = self.simultaneous;
        let may_run = |entry: &&Entry| {
            let begins = entry.reins.is_some() || entry.gave_way.is_none();
            entry.wish == Wish::Run && begins && !entry.is_stalled(now)
        };
        for entry in self.entries.iter().filter(may_run) {
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
                && entry.reins.as_ref().is_some_and(|it| entry.begins_anew || !it.stop.is_cancelled())
            {
                running += 1;
            }
        }
        while running < self.simultaneous && stalled < MAX_STALLED {
            let waiting = (0..).zip(&self.entries);
            let waiting = waiting.filter(|(_, entry)| entry.wish == Wish::Run && entry.reins.is_none());
            // Those that gave way come last, who did so first before the others.
            let Some((place, _)) = waiting.min_by_key(|(place, entry)| (entry.gave_way, *place)) else {
                return;
            };
            self.start(place);
            running += 1;
        }
    }

    /// Whether something has become known since this was last asked that is to be kept soon: under which name a folder
    /// is begun (after a crash it would begin anew under another one), that something of a download is there (its
    /// folder is not made again then), what it is called and how large it is (its source may be away then).
    pub(in crate::node) fn has_become_known(&mut self) -> bool {
        let mut hasher = DefaultHasher::new();
        for entry in &self.entries {
            let shown = entry.progress.shown();
            let is_named = matches!(&entry.job, Job::Folder(request) if request.name().is_some());
            (entry.id, &shown.name, shown.size, shown.done > 0, is_named).hash(&mut hasher);
        }
        let known = hasher.finish();
        std::mem::replace(&mut self.known, known) != known
    }

    fn start(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        let (id, shared, reins) = (entry.id, self.shared.clone(), Reins::new(entry.is_restored));
        (entry.reins, entry.gave_way) = (Some(reins.clone()), None);
        let progress = entry.progress.running();
        progress.state("running", Reason::AskingTracker, "");
        let started = match entry.job.clone() {
            Job::File(request) => {
                let task = download_task(shared, request, progress, reins);
                self.tasks.spawn(async move { (id, Ended::Task(task.await)) })
            }
            Job::Folder(request) => {
                let task = folder_task(shared, request, progress, reins);
                self.tasks.spawn(async move { (id, Ended::Task(task.await)) })
            }
        };
        entry.task = Some(started.id());
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

fn error(code: Code, message: String) -> CommandError {
    CommandError::new(code as i32, message)
}
