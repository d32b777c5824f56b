//! Hashing in the background: one thread that reads files.
//!
//! Invariant: a hash is given only for a file that was the same before and after it was read. The thread
//! has a low priority (Linux gives its reading a low one for that too: ioprio_set(2), "nice value") and
//! stops at the next piece when it is told to. Between two pieces of a file it takes what somebody waits
//! for, so that nobody waits for a huge one to end.

use super::super::below::{Identity, Root, open_regular};
use super::super::niceness::{HASHER, become_nice};
use super::keeper::Event;
use super::table::{FileRecord, Folder};
use crate::base::{ContentId, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, PieceHasher, root_of};
use cap_std::fs::Dir;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes read at once: they are hashed while they are in the processor's cache.
const BLOCK_BYTES: usize = 256 * 1024;
/// Files from this size on are announced to the system as read from start to end.
const LARGE_BYTES: u64 = 1024 * 1024;
/// How long results wait for others of their batch.
const TELL: Duration = Duration::from_millis(100);

/// A file to hash.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) root: Arc<Root>,
    /// As it was when the job was made.
    pub(super) record: Arc<FileRecord>,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its content and its pieces.
    Hashed(ContentId, Vec<PieceHash>),
    /// It is not as it was when the job was made: look again.
    Changed,
    /// It cannot be read.
    Failed(io::Error),
    /// The library stops, or a person paused the share.
    Stopped,
}

/// A job that is done.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) job: Job,
    pub(super) outcome: Outcome,
}

/// Which way a batch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// In its turn.
    Ordinary,
    /// Between two pieces of another file.
    Fast,
}

/// Whether more of the same batch comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    More,
    Last,
}

/// Lets the hashing thread through, holds it, or ends it.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    paused: bool,
    stopped: bool,
    /// Shares that a person paused.
    held: BTreeSet<u32>,
}

/// Whether the work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Go,
    Stop,
}

impl Gate {
    pub(super) fn pause(&self, paused: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).paused = paused;
        self.changed.notify_all();
    }

    /// Gives up what is read of this share, and begins nothing of it.
    pub(super) fn hold(&self, share: u32) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held.insert(share);
    }

    pub(super) fn release(&self, share: u32) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held.remove(&share);
    }

    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }

    /// Waits while all is paused.
    pub(super) fn pass(&self, share: u32) -> Pass {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self
            .changed
            .wait_while(state, |state| state.paused && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopped || state.held.contains(&share) { Pass::Stop } else { Pass::Go }
    }
}

/// How far hashing is, for people.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bytes: AtomicU64,
    files: AtomicU64,
    /// The share of the file that is being read, and how many bytes of it were.
    reading: Mutex<Option<(u32, u64)>>,
}

impl Progress {
    /// Bytes read since the start.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Files hashed since the start.
    pub(super) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    pub(super) fn reading(&self) -> Option<(u32, u64)> {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, share: u32, bytes: u64, length: u64) {
        self.bytes.fetch_add(length, Ordering::Relaxed);
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = Some((share, bytes + length));
    }

    fn end(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Where batches come from and go to.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) ordinary: Receiver<Vec<Job>>,
    pub(super) fast: Receiver<Vec<Job>>,
    pub(super) done: SyncSender<Event>,
}

/// The keeper is gone.
#[derive(Debug)]
struct Gone;

/// The hashing thread: takes batches until the keeper is gone.
pub(super) fn run(lanes: &Lanes, gate: &Gate, progress: &Progress) {
    become_nice(HASHER);
    let mut hasher = Hasher { lanes, gate, progress, buffer: vec![0; BLOCK_BYTES] };
    while let Ok(batch) = lanes.ordinary.recv() {
        // What came while there was nothing to do.
        let fast = hasher.overtaking();
        if fast.and_then(|()| hasher.batch(batch, Lane::Ordinary)).is_err() {
            return;
        }
    }
}

fn outcome_of(error: io::Error) -> Outcome {
    use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
    let gone = matches!(error.kind(), NotFound | NotADirectory | UnexpectedEof);
    if gone { Outcome::Changed } else { Outcome::Failed(error) }
}

struct Hasher<'a> {
    lanes: &'a Lanes,
    gate: &'a Gate,
    progress: &'a Progress,
    buffer: Vec<u8>,
}

/// The folder of the file before: most files lie in the same one.
type LastFolder = Option<(Arc<Folder>, Dir)>;

impl Hasher<'_> {
    fn batch(&mut self, batch: Vec<Job>, lane: Lane) -> Result<(), Gone> {
        let mut done = Vec::with_capacity(batch.len());
        // For one batch only: a folder that is moved meanwhile is not held for long.
        let mut folder = None;
        let mut told = Instant::now();
        for job in batch {
            if told.elapsed() > TELL {
                told = Instant::now();
                self.tell(lane, &mut done, Part::More)?;
            }
            if lane == Lane::Ordinary {
                self.overtaking()?;
            }
            let outcome = match open(&job, &mut folder) {
                Ok((file, identity)) if identity == job.record.identity => self.hash(&job, &file, lane)?,
                Ok(_) => Outcome::Changed,
                Err(error) => outcome_of(error),
            };
            self.progress.end();
            done.push(Done { job, outcome });
        }
        self.tell(lane, &mut done, Part::Last)
    }

    fn tell(&self, lane: Lane, done: &mut Vec<Done>, part: Part) -> Result<(), Gone> {
        self.lanes.done.send(Event::Hashed(lane, std::mem::take(done), part)).map_err(|_| Gone)
    }

    /// Hashes what somebody waits for.
    fn overtaking(&mut self) -> Result<(), Gone> {
        while let Ok(batch) = self.lanes.fast.try_recv() {
            self.batch(batch, Lane::Fast)?;
        }
        Ok(())
    }

    fn hash(&mut self, job: &Job, file: &File, lane: Lane) -> Result<Outcome, Gone> {
        let (share, identity) = (job.record.share(), job.record.identity);
        let Ok(layout) = PieceLayout::of(identity.size) else { return Ok(Outcome::Changed) };
        let mut pieces = Vec::with_capacity(layout.count() as usize);
        for piece in layout.pieces() {
            if self.gate.pass(share) == Pass::Stop {
                return Ok(Outcome::Stopped);
            }
            if lane == Lane::Ordinary && !pieces.is_empty() {
                self.overtaking()?;
            }
            let mut hasher = PieceHasher::new(layout, piece);
            if let Err(error) = self.read(file, share, layout.range(piece), &mut hasher) {
                return Ok(outcome_of(error));
            }
            let Some(hash) = hasher.finish() else { return Ok(Outcome::Changed) };
            pieces.push(hash);
        }
        Ok(match Identity::of_open(file) {
            Ok(now) if now == identity => {
                root_of(layout, &pieces).map_or(Outcome::Changed, |content| Outcome::Hashed(content, pieces))
            }
            Ok(_) => Outcome::Changed,
            Err(error) => outcome_of(error),
        })
    }

    fn read(
        &mut self,
        mut file: &File,
        share: u32,
        mut range: Range<u64>,
        hasher: &mut PieceHasher,
    ) -> io::Result<()> {
        while !range.is_empty() {
            let length = usize::try_from(range.end - range.start).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
            let block = self.buffer.get_mut(..length).unwrap_or_default();
            file.read_exact(block)?;
            hasher.update(block);
            self.progress.read(share, range.start, length as u64);
            range.start += length as u64;
        }
        Ok(())
    }
}

fn open(job: &Job, last: &mut LastFolder) -> io::Result<(File, Identity)> {
    let folder = &job.record.folder;
    let same = last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, folder));
    if same.is_none() {
        *last = Some((folder.clone(), job.root.folder(&folder.path)?));
    }
    let (_, dir) = last.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let (file, identity) = open_regular(dir, job.record.name.as_str())?;
    if identity.size >= LARGE_BYTES
        && let Err(error) = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential)
    {
        tracing::debug!(%error, "the system takes no advice on reading");
    }
    Ok((file, identity))
}
