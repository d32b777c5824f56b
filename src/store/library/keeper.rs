//! The keeper: the one thread that owns the database, decides what changed and commits it.
//!
//! It never waits longer than for a few hundred entries of a folder or one commit before it takes the next
//! event. Order of a round: take events, look at hinted paths, go on with a walk, resolve what is
//! missing, hand out hashing, commit.

use super::super::below::Identity;
use super::super::verified::Verified;
use super::cache::Batch;
use super::consider::Settled;
use super::hasher::{Done, Job, Lane, Part};
use super::ignores::Ignores;
use super::options::LibraryOptions;
use super::queue::HashQueue;
use super::schedule::Schedule;
use super::table::{FileRecord, RecordChange};
use super::tree::Tree;
use super::walks::Scans;
use super::watch::{Watched, Watcher};
use super::{LibraryError, Problem, ProblemKind, Shared};
use crate::base::{ContentId, FileName, FolderPath};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use tokio::time::Instant;

/// How long hints are gathered before they are looked at: a rename comes as two, a write as many.
const DEBOUNCE: Duration = Duration::from_millis(40);
/// How many hinted paths are gathered; beyond, everything is looked at.
const MAX_HINTS: usize = 4096;
/// How many changes of a running scan are committed together at most ...
const MAX_PENDING: usize = 16_384;
/// ... and how long they, and what was hashed, wait.
const MAX_PENDING_TIME: Duration = Duration::from_millis(200);
/// After a commit that soon followed another one the next one waits for so long, and for so many times as long as that
/// one took, up to [`MAX_COMMIT_PAUSE`]: a stream of changes does not keep a disk syncing.
const MIN_COMMIT_PAUSE: Duration = Duration::from_millis(100);
const COMMIT_PART: u32 = 4;
const MAX_COMMIT_PAUSE: Duration = Duration::from_secs(1);
/// How long folders are visited before events get their turn.
const VISIT_SLICE: Duration = Duration::from_millis(20);
/// The longest sleep.
const MAX_IDLE: Duration = Duration::from_mins(1);
/// When a failed commit is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How many events are taken in one round.
const MAX_EVENTS_A_ROUND: usize = 256;

type Reply = SyncSender<Result<(), LibraryError>>;

/// What came of the wish to have a file hashed before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurried {
    /// It is hashed next.
    Next,
    /// It was hashed already.
    Known(ContentId),
    /// A person paused its folder.
    Paused,
    /// There is no such shared file.
    Unknown,
}

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Event {
    Share(PathBuf, Reply),
    Unshare(PathBuf, Reply),
    Rescan(PathBuf, Reply),
    Hold(PathBuf, Hold, Reply),
    /// The system hints at these paths; empty: hints were lost.
    Touched(Vec<PathBuf>),
    /// A file that is known to be complete, and what else is known of it.
    Complete(PathBuf, Option<Verified>),
    /// The file of this key was read and had not this content.
    Doubt(u64, ContentId),
    Hashed(Lane, Vec<Done>, Part),
    /// Somebody waits for this file.
    Hurry(FolderPath, FileName, SyncSender<Hurried>),
    /// Others have files of the same name and size as these.
    Elsewhere(Vec<u64>),
    /// Which are the largest files that wait?
    Largest(usize, SyncSender<Vec<FileEntry>>),
    Stop,
}

/// Whether a share is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Running,
    Paused,
}

/// Whether the thread goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Stop,
}

/// The ways to the hashing thread.
pub(super) struct Jobs {
    pub(super) ordinary: SyncSender<Vec<Job>>,
    pub(super) fast: SyncSender<Vec<Job>>,
}

/// State of the keeper's thread.
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    /// The library's own folder.
    home: PathBuf,
    pub(super) tree: Tree,
    pub(super) queue: HashQueue,
    pub(super) scans: Scans,
    pub(super) ignores: Ignores,
    pub(super) jobs: Jobs,
    /// Batches that the hashing thread has, in each lane.
    pub(super) in_flight: usize,
    pub(super) fast_in_flight: usize,
    /// What they are about.
    pub(super) hashing: BTreeSet<Identity>,
    pub(super) watcher: Watcher,
    pub(super) manifests: Vec<(ContentId, Vec<PieceHash>)>,
    hints: BTreeSet<PathBuf>,
    hints_due: Option<Instant>,
    /// The time between two walks of everything when all is well.
    pub(super) rescan_pause: Duration,
    pub(super) schedule: Schedule,
    /// When a share was last walked to its end.
    pub(super) walked_at: Instant,
    commit_due: Option<Instant>,
    /// No commit of a few changes before this.
    next_commit_at: Instant,
    /// Whether something changed that others are to see at once.
    is_news: bool,
    pub(super) reopen_due: Option<Instant>,
    /// No commit before this, after one failed.
    retry_at: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(
        shared: Arc<Shared>,
        home: PathBuf,
        options: &LibraryOptions,
        (files, next_key): (Vec<Arc<FileRecord>>, u64),
        jobs: Jobs,
        events: SyncSender<Event>,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            home,
            tree: Tree::new(files, next_key),
            queue: HashQueue::default(),
            scans: Scans::default(),
            ignores: Ignores::default(),
            jobs,
            in_flight: 0,
            fast_in_flight: 0,
            hashing: BTreeSet::new(),
            watcher: Watcher::new(events, options.max_watches),
            manifests: Vec::new(),
            hints: BTreeSet::new(),
            hints_due: None,
            rescan_pause: options.rescan_pause,
            schedule: Schedule::new(now, options.rescan_pause),
            walked_at: now,
            commit_due: None,
            next_commit_at: now,
            is_news: false,
            reopen_due: None,
            retry_at: None,
        }
    }

    /// The thread: until it is told to stop.
    pub(super) fn run(mut self, inbox: &Receiver<Event>) {
        for file in self.tree.unhashed() {
            self.queue.put(file.key, file.identity.size, None);
        }
        self.rescan_all();
        while self.round(inbox) == Flow::On {}
        self.commit();
    }

    fn round(&mut self, inbox: &Receiver<Event>) -> Flow {
        match inbox.recv_timeout(self.idle_time()) {
            Ok(event) => {
                if self.take(event) == Flow::Stop {
                    return Flow::Stop;
                }
                for event in inbox.try_iter().take(MAX_EVENTS_A_ROUND) {
                    if self.take(event) == Flow::Stop {
                        return Flow::Stop;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Flow::Stop,
        }
        self.work();
        Flow::On
    }

    fn idle_time(&self) -> Duration {
        if self.scans.is_busy() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let hash = if self.may_hand_out() { self.queue.next_at(now) } else { None };
        let commit = self.retry_at.or(self.commit_due);
        let due = [Some(self.schedule.due()), self.hints_due, self.reopen_due, hash, commit]
            .into_iter()
            .flatten()
            .min();
        due.map_or(MAX_IDLE, |due| due.saturating_duration_since(now))
    }

    fn work(&mut self) {
        let now = Instant::now();
        if self.watcher.take_overflow() {
            self.hints_were_lost();
        }
        if self.schedule.due() <= now {
            self.rescan_all();
        }
        if self.reopen_due.is_some_and(|due| due <= now) {
            self.reopen_due = None;
            self.reopen();
        }
        if self.hints_due.is_some_and(|due| due <= now) {
            self.hints_due = None;
            for path in std::mem::take(&mut self.hints) {
                self.look(&path, Settled::No);
            }
            self.is_news = true;
        }
        while self.scans.is_busy() && now.elapsed() < VISIT_SLICE {
            self.visit_next();
        }
        if self.scans.can_resolve() {
            self.resolve_missing();
        }
        self.hand_out();
        self.commit_in_time(now);
    }

    /// The next commit does not wait for others.
    pub(super) fn commit_at_once(&mut self) {
        (self.is_news, self.next_commit_at) = (true, Instant::now());
    }

    fn is_pending(&self) -> bool {
        self.tree.pending_count() > 0 || !self.manifests.is_empty()
    }

    /// Commits what is pending: at once what is alone, together what comes in a stream.
    fn commit_in_time(&mut self, now: Instant) {
        let is_idle = !self.scans.is_busy() && self.in_flight + self.fast_in_flight == 0;
        let is_urgent = is_idle || self.is_news;
        let is_pending = self.is_pending();
        if is_pending {
            let due = if is_urgent { now } else { now + MAX_PENDING_TIME };
            let due = due.max(self.next_commit_at);
            self.commit_due = Some(self.commit_due.map_or(due, |before| before.min(due)));
        }
        let full = self.tree.pending_count() >= MAX_PENDING || self.manifests.len() >= MAX_PENDING;
        if full || (is_urgent && !is_pending) || self.commit_due.is_some_and(|due| due <= now) {
            self.commit();
        }
    }

    fn take(&mut self, event: Event) -> Flow {
        match event {
            Event::Stop => return Flow::Stop,
            Event::Share(path, reply) => answer(&reply, self.share(path)),
            Event::Unshare(path, reply) => answer(&reply, self.unshare(&path)),
            Event::Rescan(path, reply) => {
                let found = self.share_at(&path).ok_or(LibraryError::NotShared(path));
                answer(&reply, found.map(|share| self.rescan(share)));
            }
            Event::Hold(path, hold, reply) => answer(&reply, self.hold(path, hold)),
            Event::Touched(paths) => self.hint(paths),
            Event::Complete(path, verified) => {
                self.look(&path, Settled::Yes);
                if let Some(verified) = verified {
                    self.adopt(&verified);
                }
                self.is_news = true;
            }
            Event::Doubt(key, content) => {
                // Whoever asks meanwhile would get what is not there.
                if self.doubt(key, content) {
                    self.commit_at_once();
                }
            }
            Event::Hashed(lane, batch, part) => {
                self.is_news |= lane == Lane::Fast;
                self.hashed_batch(lane, batch, part);
            }
            Event::Hurry(folder, name, reply) => drop(reply.try_send(self.hurry(&folder, &name))),
            Event::Elsewhere(keys) => self.prefer(keys),
            Event::Largest(limit, reply) => drop(reply.try_send(self.largest(limit))),
        }
        Flow::On
    }

    /// Has these paths looked at soon.
    pub(super) fn hint(&mut self, paths: Vec<PathBuf>) {
        if self.hints.len() + paths.len() > MAX_HINTS {
            self.hints.clear();
            self.hints_were_lost();
            return;
        }
        self.hints.extend(paths);
        if !self.hints.is_empty() && self.hints_due.is_none() {
            self.hints_due = Some(Instant::now() + DEBOUNCE);
        }
    }

    fn commit(&mut self) {
        self.is_news = false;
        if self.retry_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.commit_due = None;
        self.retry_at = None;
        let (began, was_pending) = (Instant::now(), self.is_pending());
        let failed = match self.commit_with(Batch::default()) {
            Ok(()) => None,
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY);
                tracing::error!(%error, "changes of the shared folders are not announced");
                Some(Problem { kind: ProblemKind::Unsaved, text: error.to_string() })
            }
        };
        if was_pending {
            // A new file comes twice: as one of the list, and with its hash.
            let was_alone = began >= self.next_commit_at + MIN_COMMIT_PAUSE;
            let pause = (began.elapsed() * COMMIT_PART).clamp(MIN_COMMIT_PAUSE, MAX_COMMIT_PAUSE);
            self.next_commit_at = Instant::now() + if was_alone { Duration::ZERO } else { pause };
        }
        let mut table = self.shared.table();
        table.watched = Watched { rescan_pause: table.watched.rescan_pause, ..self.watcher.state() };
        if table.problem != failed {
            table.problem = failed;
        }
    }

    /// Commits what is pending together with `batch`, then shows and announces it.
    pub(super) fn commit_with(&mut self, mut batch: Batch) -> Result<(), LibraryError> {
        batch.records = self.tree.pending();
        let idle = batch.records.is_empty() && self.manifests.is_empty();
        if idle && batch.new_share.is_none() && batch.ended_share.is_none() && batch.held.is_none() {
            return Ok(());
        }
        let changes: Vec<RecordChange> = {
            let table = self.shared.table();
            let gone = batch.records.iter().filter(|(_, new)| new.is_none());
            batch.forgotten.extend(gone.filter_map(|(key, _)| table.memory_of(*key)));
            let seen = |(key, new): &&RecordChange| table.is_visible(*key, new.as_deref());
            let changes: Vec<_> = batch.records.iter().filter(seen).cloned().collect();
            batch.seq = table.position().seq + changes.len() as u64;
            changes
        };
        batch.next_key = self.tree.next_key();
        batch.manifests = std::mem::take(&mut self.manifests);
        if let Err(error) = self.shared.cache.commit(&batch) {
            self.manifests = batch.manifests;
            return Err(LibraryError::database(&self.home, &error));
        }
        self.tree.committed();
        let (announced, seq) = (!changes.is_empty(), batch.seq);
        // Told before the table is let go: who sees the new list also finds the new position told.
        let mut table = self.shared.table();
        table.apply(batch.records, changes);
        if announced {
            self.shared.seq.send_replace(seq);
        }
        Ok(())
    }
}

fn answer(reply: &Reply, result: Result<(), LibraryError>) {
    // The asker may have gone; what was asked is done anyway.
    drop(reply.try_send(result));
}
