//! Hashing in the background: a queue of what is to be hashed, and one thread that does it.
//!
//! Invariant: a hash is given only for a file that was the same before and after it was read. The thread
//! has a low priority and stops at the next piece when it is told to.

use super::super::below::{Identity, Root};
use super::keeper::Event;
use crate::base::{ContentId, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, piece_hash, root_of};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::time::Instant;

/// How many files are hashed before their hashes are saved together.
const MAX_BATCH_FILES: usize = 256;
/// How many bytes: a tenth of a second of reading.
const MAX_BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// How nice the thread is to others (setpriority(2): 0 is ordinary, 19 the most).
const NICENESS: i32 = 10;

/// A file to hash.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: u64,
    pub(super) share: u32,
    pub(super) root: Arc<Root>,
    pub(super) path: String,
    pub(super) identity: Identity,
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

/// What waits to be hashed, by the time from which on it may be.
#[derive(Debug, Default)]
pub(super) struct HashQueue {
    by_time: BTreeSet<(Instant, u64)>,
    by_key: BTreeMap<u64, Instant>,
}

impl HashQueue {
    pub(super) fn put(&mut self, key: u64, from: Instant) {
        self.remove(key);
        self.by_time.insert((from, key));
        self.by_key.insert(key, from);
    }

    pub(super) fn remove(&mut self, key: u64) {
        if let Some(from) = self.by_key.remove(&key) {
            self.by_time.remove(&(from, key));
        }
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.by_key.contains_key(&key)
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.by_time.first().map(|(from, _)| *from)
    }

    /// The next batch of what may be hashed now. `size` gives a file's bytes.
    pub(super) fn take(&mut self, now: Instant, size: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some((from, key)) = self.by_time.first().copied() {
            bytes += size(key);
            let full = batch.len() >= MAX_BATCH_FILES || (bytes > MAX_BATCH_BYTES && !batch.is_empty());
            if from > now || full {
                break;
            }
            self.remove(key);
            batch.push(key);
        }
        batch
    }
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
    /// The share of the file that is being read, and how many bytes of it were.
    reading: Mutex<Option<(u32, u64)>>,
}

impl Progress {
    /// Bytes read since the start.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn reading(&self) -> Option<(u32, u64)> {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, share: u32, bytes: u64, length: u64) {
        self.bytes.fetch_add(length, Ordering::Relaxed);
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = Some((share, bytes + length));
    }

    fn end(&self) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The hashing thread: takes batches until the keeper is gone.
pub(super) fn run(jobs: &Receiver<Vec<Job>>, done: &SyncSender<Event>, gate: &Gate, progress: &Progress) {
    lower_priority();
    let mut buffer = Vec::new();
    while let Ok(batch) = jobs.recv() {
        let batch = batch
            .into_iter()
            .map(|job| {
                let outcome = hash(&job, &mut buffer, gate, progress).unwrap_or_else(outcome_of);
                progress.end();
                Done { job, outcome }
            })
            .collect();
        if done.send(Event::Hashed(batch)).is_err() {
            return;
        }
    }
}

fn lower_priority() {
    // On Linux this is the calling thread's own niceness.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "hashing keeps its ordinary priority");
    }
}

fn outcome_of(error: io::Error) -> Outcome {
    use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
    let gone = matches!(error.kind(), NotFound | NotADirectory | UnexpectedEof);
    if gone { Outcome::Changed } else { Outcome::Failed(error) }
}

fn hash(job: &Job, buffer: &mut Vec<u8>, gate: &Gate, progress: &Progress) -> io::Result<Outcome> {
    let mut file = job.root.file(&job.path)?;
    let Ok(layout) = PieceLayout::of(job.identity.size) else { return Ok(Outcome::Changed) };
    if Identity::of_open(&file)? != job.identity {
        return Ok(Outcome::Changed);
    }
    let mut pieces = Vec::new();
    for piece in layout.pieces() {
        if gate.pass(job.share) == Pass::Stop {
            return Ok(Outcome::Stopped);
        }
        let range = layout.range(piece);
        let length = range.end - range.start;
        // A piece has at most 4 MiB.
        buffer.resize(usize::try_from(length).unwrap_or(0), 0);
        file.read_exact(buffer)?;
        progress.read(job.share, range.start, length);
        let Some(hash) = piece_hash(layout, piece, buffer) else { return Ok(Outcome::Changed) };
        pieces.push(hash);
    }
    if Identity::of_open(&file)? != job.identity {
        return Ok(Outcome::Changed);
    }
    Ok(root_of(layout, &pieces).map_or(Outcome::Changed, |content| Outcome::Hashed(content, pieces)))
}
