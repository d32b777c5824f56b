//! The keeper: the one thread that owns the database, decides what changed and commits it.
//!
//! It never waits longer than for one folder or one commit before it takes the next event. Order of a
//! round: take events, look at hinted paths, visit a few folders of a scan, resolve what is missing,
//! commit, hand out hashing.

use super::super::below::{Identity, Root};
use super::cache::Batch;
use super::hasher::{Done, HashQueue, Job, Outcome};
use super::scan::Settled;
use super::table::{FileRecord, ShareRow};
use super::tree::{Place, Tree};
use super::walks::Scans;
use super::watch::Watcher;
use super::{LibraryError, MAX_SHARES, OpenContentError, Shared};
use crate::base::ContentId;
use crate::engine::transfer::manifest::PieceHash;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use tokio::time::Instant;

/// How long hints are gathered before they are looked at: a rename comes as two, a write as many.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// How many hinted paths are gathered; beyond, everything is looked at.
const MAX_HINTS: usize = 4096;
/// Everything is looked at this often, in case a hint was lost ...
const RESCAN: Duration = Duration::from_mins(1);
/// ... but a scan takes at most one part in so many of the time.
const RESCAN_SHARE: u32 = 50;
/// How many changes of a running scan are committed together at most ...
const MAX_PENDING: usize = 4096;
/// ... and how long they wait.
const MAX_PENDING_TIME: Duration = Duration::from_millis(200);
/// How long folders are visited before events get their turn.
const VISIT_SLICE: Duration = Duration::from_millis(20);
/// When a failed commit is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// When a shared folder that is not there (an unplugged drive) is looked for again.
const REOPEN: Duration = Duration::from_secs(3);
/// How many events are taken in one round.
const MAX_EVENTS_A_ROUND: usize = 256;

type Reply = SyncSender<Result<(), LibraryError>>;

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Event {
    Share(PathBuf, Reply),
    Unshare(PathBuf, Reply),
    Rescan(PathBuf, Reply),
    Hold(PathBuf, Hold, Reply),
    /// The system hints at these paths; empty: hints were lost.
    Touched(Vec<PathBuf>),
    /// A file that is known to be complete.
    Complete(PathBuf),
    /// The file of this key was read and had not this content.
    Doubt(u64, ContentId),
    Hashed(Vec<Done>),
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

/// State of the keeper's thread.
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    /// The library's own folder.
    home: PathBuf,
    pub(super) tree: Tree,
    pub(super) queue: HashQueue,
    pub(super) scans: Scans,
    jobs: SyncSender<Vec<Job>>,
    hasher_busy: bool,
    pub(super) watcher: Watcher,
    manifests: Vec<(ContentId, Vec<PieceHash>)>,
    hints: BTreeSet<PathBuf>,
    hints_due: Option<Instant>,
    rescan_due: Instant,
    commit_due: Option<Instant>,
    reopen_due: Option<Instant>,
    /// No commit before this, after one failed.
    retry_at: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(
        shared: Arc<Shared>,
        home: PathBuf,
        files: Vec<Arc<FileRecord>>,
        next_key: u64,
        jobs: SyncSender<Vec<Job>>,
        events: SyncSender<Event>,
    ) -> Self {
        Self {
            shared,
            home,
            tree: Tree::new(files, next_key),
            queue: HashQueue::default(),
            scans: Scans::default(),
            jobs,
            hasher_busy: false,
            watcher: Watcher::new(events),
            manifests: Vec::new(),
            hints: BTreeSet::new(),
            hints_due: None,
            rescan_due: Instant::now() + RESCAN,
            commit_due: None,
            reopen_due: None,
            retry_at: None,
        }
    }

    /// The thread: until it is told to stop.
    pub(super) fn run(mut self, inbox: &Receiver<Event>) {
        let now = Instant::now();
        for key in self.tree.unhashed() {
            self.queue.put(key, now);
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
        let hash = if self.hasher_busy { None } else { self.queue.next_at() };
        let commit = self.retry_at.or(self.commit_due);
        let due = [Some(self.rescan_due), self.hints_due, self.reopen_due, hash, commit]
            .into_iter()
            .flatten()
            .min();
        due.map_or(RESCAN, |due| due.saturating_duration_since(Instant::now()))
    }

    fn work(&mut self) {
        let now = Instant::now();
        if self.watcher.take_overflow() || self.rescan_due <= now {
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
        }
        while self.scans.is_busy() && now.elapsed() < VISIT_SLICE {
            self.visit_next();
        }
        if !self.scans.is_busy() {
            self.resolve_missing();
        }
        if self.tree.pending_count() > 0 && self.commit_due.is_none() {
            self.commit_due = Some(now + MAX_PENDING_TIME);
        }
        let full = self.tree.pending_count() >= MAX_PENDING || self.manifests.len() >= MAX_PENDING;
        if full || !self.scans.is_busy() || self.commit_due.is_some_and(|due| due <= now) {
            self.commit();
        }
        self.hand_out();
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
            Event::Complete(path) => self.look(&path, Settled::Yes),
            Event::Doubt(key, content) => self.doubt(key, content),
            Event::Hashed(batch) => {
                self.hasher_busy = false;
                for done in batch {
                    self.hashed(done);
                }
            }
        }
        Flow::On
    }

    fn hint(&mut self, paths: Vec<PathBuf>) {
        if self.hints.len() + paths.len() > MAX_HINTS {
            self.hints.clear();
            self.rescan_all();
            return;
        }
        self.hints.extend(paths);
        if !self.hints.is_empty() && self.hints_due.is_none() {
            self.hints_due = Some(Instant::now() + DEBOUNCE);
        }
    }

    fn share_at(&self, path: &Path) -> Option<u32> {
        let table = self.shared.table();
        table.shares.iter().find(|(_, share)| share.path == path).map(|(id, _)| *id)
    }

    fn share(&mut self, path: PathBuf) -> Result<(), LibraryError> {
        if self.share_at(&path).is_some() {
            return Ok(());
        }
        let id = {
            let table = self.shared.table();
            for share in table.shares.values() {
                if path.starts_with(&share.path) {
                    return Err(LibraryError::Inside { outer: share.path.clone() });
                }
                if share.path.starts_with(&path) {
                    return Err(LibraryError::Around { inner: share.path.clone() });
                }
            }
            if table.shares.len() >= MAX_SHARES {
                return Err(LibraryError::TooMany);
            }
            table.shares.last_key_value().map_or(1, |(id, _)| id + 1)
        };
        let text = path.to_str().ok_or_else(|| LibraryError::NotText(path.clone()))?.to_owned();
        self.commit_with(Batch { new_share: Some((id, text)), ..Batch::default() })?;
        self.shared.table().shares.insert(id, ShareRow::new(path));
        self.rescan(id);
        Ok(())
    }

    fn unshare(&mut self, path: &Path) -> Result<(), LibraryError> {
        let id = self.share_at(path).ok_or_else(|| LibraryError::NotShared(path.to_owned()))?;
        self.scans.forget(id);
        self.watcher.keep(id, path, "", &BTreeSet::new());
        for (_, key) in self.tree.under(id, "") {
            self.tree.remove(key);
            self.queue.remove(key);
        }
        self.commit_with(Batch { ended_share: Some(id), ..Batch::default() })?;
        self.shared.table().shares.remove(&id);
        Ok(())
    }

    fn hold(&mut self, path: PathBuf, hold: Hold) -> Result<(), LibraryError> {
        let id = self.share_at(&path).ok_or(LibraryError::NotShared(path))?;
        let paused = hold == Hold::Paused;
        self.commit_with(Batch { held: Some((id, paused)), ..Batch::default() })?;
        if let Some(row) = self.shared.table().shares.get_mut(&id) {
            row.paused = paused;
        }
        if paused {
            self.shared.gate.hold(id);
            return Ok(());
        }
        self.shared.gate.release(id);
        let now = Instant::now();
        for (_, key) in self.tree.under(id, "") {
            if self.tree.get(key).is_some_and(|file| file.content.is_none()) {
                self.queue.put(key, now);
            }
        }
        Ok(())
    }

    fn rescan_all(&mut self) {
        self.watcher.retry();
        let shares: Vec<u32> = self.shared.table().shares.keys().copied().collect();
        for share in shares {
            self.rescan(share);
        }
        let pause = (self.scans.last_duration() * RESCAN_SHARE).max(RESCAN);
        self.rescan_due = Instant::now() + pause;
    }

    fn reopen(&mut self) {
        let closed: Vec<u32> = {
            let table = self.shared.table();
            table.shares.iter().filter(|(_, share)| share.root.is_none()).map(|(id, _)| *id).collect()
        };
        for share in closed {
            self.rescan(share);
        }
    }

    /// Opens the share's folder anew and has everything in it looked at.
    pub(super) fn rescan(&mut self, share: u32) {
        let (path, old) = {
            let table = self.shared.table();
            let Some(row) = table.shares.get(&share) else { return };
            (row.path.clone(), row.root.clone())
        };
        let opened = Root::open(&path).and_then(|root| Ok((root.node()?, root)));
        let old_node = old.as_ref().and_then(|root| root.node().ok());
        let problem = match opened {
            Ok((node, root)) => {
                if old_node != Some(node) {
                    self.watcher.renew(&(share, String::new()));
                    self.set_root(share, Some(Arc::new(root)), None);
                }
                None
            }
            Err(error) => Some(format!("the folder cannot be read: {error}")),
        };
        if problem.is_some() {
            self.set_root(share, None, problem);
            self.reopen_due = Some(Instant::now() + REOPEN);
        }
        self.scans.start(share, "");
    }

    fn set_root(&self, share: u32, root: Option<Arc<Root>>, problem: Option<String>) {
        let mut table = self.shared.table();
        if let Some(row) = table.shares.get_mut(&share) {
            (row.root, row.problem) = (root, problem);
        }
    }

    fn hashed(&mut self, Done { job, outcome }: Done) {
        let Some(record) = self.tree.get(job.key).cloned() else { return };
        let place: Place = (record.share, record.path.clone());
        match outcome {
            Outcome::Hashed(content, pieces) => {
                // Changed meanwhile: it is in the queue again.
                if record.identity != job.identity {
                    return;
                }
                if pieces.len() > 1 {
                    self.manifests.push((content, pieces));
                }
                self.queue.remove(job.key);
                let content = Some(content);
                self.tree.put(Arc::new(FileRecord { content, ..FileRecord::clone(&record) }));
            }
            Outcome::Changed => {
                self.queue.remove(job.key);
                self.look_at(&place, Settled::No);
                self.scans.suspect(place);
            }
            Outcome::Failed(error) => {
                tracing::warn!(%error, path = record.path, "a file in a shared folder cannot be read");
                self.set_aside(place, job.identity, &error);
            }
            Outcome::Stopped => {}
        }
    }

    /// Takes a content back and hashes the file anew, though it looks as before.
    fn doubt(&mut self, key: u64, content: ContentId) {
        let Some(record) = self.tree.get(key).filter(|file| file.content == Some(content)) else { return };
        tracing::warn!(path = record.path, "a shared file has other bytes than before, or cannot be read");
        let doubted = FileRecord { content: None, ..FileRecord::clone(record) };
        self.tree.put(Arc::new(doubted));
        self.queue.put(key, Instant::now());
    }

    fn hand_out(&mut self) {
        if self.hasher_busy {
            return;
        }
        let tree = &self.tree;
        let keys = self.queue.take(Instant::now(), |key| tree.get(key).map_or(0, |file| file.identity.size));
        let table = self.shared.table();
        let job = |key| {
            let record = self.tree.get(key)?;
            // Of a paused share nothing is begun; all of it is in the queue again when it goes on.
            let row = table.shares.get(&record.share).filter(|row| !row.paused)?;
            let root = row.root.clone()?;
            Some(Job { key, share: record.share, root, path: record.path.clone(), identity: record.identity })
        };
        let batch: Vec<Job> = keys.into_iter().filter_map(job).collect();
        drop(table);
        if !batch.is_empty() {
            // There is room for one batch, and the thread has none.
            self.hasher_busy = self.jobs.try_send(batch).is_ok();
        }
    }

    fn commit(&mut self) {
        if self.retry_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.commit_due = None;
        self.retry_at = None;
        let failed = match self.commit_with(Batch::default()) {
            Ok(()) => None,
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY);
                tracing::error!(%error, "changes of the shared folders are not announced");
                Some(error.to_string())
            }
        };
        let mut table = self.shared.table();
        table.watched = self.watcher.state();
        if table.problem != failed {
            table.problem = failed;
        }
    }

    /// Commits what is pending together with `batch`, then shows and announces it.
    fn commit_with(&mut self, mut batch: Batch) -> Result<(), LibraryError> {
        let records = self.tree.pending();
        let idle = records.is_empty() && self.manifests.is_empty();
        if idle && batch.new_share.is_none() && batch.ended_share.is_none() && batch.held.is_none() {
            return Ok(());
        }
        let mut changes = Vec::new();
        {
            let table = self.shared.table();
            for (key, new) in &records {
                changes.extend(table.visible_change(*key, new.as_deref()));
                if let Some(record) = new {
                    batch.puts.push(record.clone());
                } else {
                    batch.removes.push(*key);
                    batch.forgotten.extend(table.memory_of(*key));
                }
            }
            batch.seq = table.position().seq + changes.len() as u64;
        }
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
        table.apply(records, changes);
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

/// Opens a shared file if it is as it was hashed.
pub(super) fn open_unchanged(root: &Root, record: &FileRecord) -> Result<File, OpenContentError> {
    use io::ErrorKind::{NotADirectory, NotFound, Other};
    let file = root.file(&record.path).map_err(|error| match error.kind() {
        NotFound | NotADirectory => OpenContentError::Gone,
        // `Other`: not a regular file any more.
        Other => OpenContentError::Changed,
        // The place is a link now (ELOOP).
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            OpenContentError::Changed
        }
        _ => OpenContentError::Io(error),
    })?;
    let now = Identity::of_open(&file).map_err(OpenContentError::Io)?;
    if now == record.identity { Ok(file) } else { Err(OpenContentError::Changed) }
}
