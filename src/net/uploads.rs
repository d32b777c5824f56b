//! What is being sent, to whom, and whose turn it is: shared by both ways to read a content.
//!
//! **Whoever asks gets a turn within [`Uploads::WAIT`] or is told that this peer is busy.** Turns are few
//! and fair between peers ([`crate::engine::upload::turns`]), and so is the limit of speed. Every turn and every row
//! ends with the guard that was given out, however its request ends.

mod gate;

use crate::base::{ByteRate, ContentId, PeerId};
use crate::engine::upload::bucket::Bucket;
use crate::engine::upload::turns::TurnLimits;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

pub(super) use gate::{Gate, Turn};

/// Under a limit of speed, parts pass one at a time.
const ONE_PART: TurnLimits = TurnLimits { all: 1, per_peer: 1, waiting: 1024, waiting_per_peer: 1024 };

/// Too much is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// One peer that gets one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Who.
    pub peer: PeerId,
    /// What.
    pub content: ContentId,
    /// What it is called here.
    pub name: String,
    /// Bytes of the whole content.
    pub size: u64,
    /// Bytes sent to that peer so far, repetitions included.
    pub sent: u64,
    /// What it is doing.
    pub phase: UploadPhase,
}

/// What an upload is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPhase {
    /// Bytes are on their way.
    Sending,
    /// It waits for its turn.
    Waiting,
    /// Nothing is asked for at the moment.
    Idle,
    /// The file is not any more what it was, and nothing of it is sent.
    Spoiled,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploads {
    desk: Gate,
    limits: TurnLimits,
    rows: Arc<watch::Sender<BTreeMap<(PeerId, ContentId), Row>>>,
    pace: Arc<Pace>,
}

#[derive(Debug)]
struct Row {
    name: String,
    size: u64,
    sent: Arc<AtomicU64>,
    sending: usize,
    waiting: usize,
    is_spoiled: bool,
    /// When something happened last.
    at: Instant,
}

impl Uploads {
    /// The most pieces that are sent at once: enough for any wire, and 16 MiB of buffers.
    pub const LIMITS: TurnLimits = TurnLimits { all: 16, per_peer: 6, waiting: 512, waiting_per_peer: 64 };
    /// Under a limit of speed there are only so many turns that each sends so many bytes a second: twice of what a
    /// downloader asks for at the least, or nobody would get a piece before he gives up.
    const LEAST_SPEED: u64 = 8 * 1024;
    /// How long a request waits for its turn at the most: less than a downloader waits for a silent source.
    pub const WAIT: Duration = Duration::from_secs(2);
    /// When to ask again after [`Busy`].
    pub const RETRY_AFTER: Duration = Duration::from_secs(1);
    /// How long a row is shown after its last byte.
    pub const KEEP: Duration = Duration::from_secs(30);
    /// The most rows; beyond, those that were quiet for the longest go.
    pub const MAX_ROWS: usize = 1_000;
    /// So many at once: to look for them each time would cost more than to send a small file.
    const OLD_ROWS: usize = 100;

    /// Nothing is sent yet.
    #[must_use]
    pub fn new(limits: TurnLimits) -> Self {
        let pace = Pace {
            limit: AtomicU64::new(0),
            gate: Gate::new(ONE_PART),
            bucket: watch::Sender::new(Bucket::default()),
            origin: Instant::now(),
        };
        Self { desk: Gate::new(limits), limits, rows: Arc::default(), pace: Arc::new(pace) }
    }

    /// Limits the speed of everything that is sent; `None`: as fast as it goes. Holds at once.
    pub fn limit_speed(&self, rate: Option<ByteRate>) {
        let bytes = rate.map_or(0, |rate| rate.bytes_per_second().max(1));
        self.pace.limit.store(bytes, Ordering::Relaxed);
        let fast_enough = |bytes: u64| usize::try_from(bytes / Self::LEAST_SPEED).unwrap_or(usize::MAX);
        let turns = rate.map_or(self.limits.all, |_| fast_enough(bytes).clamp(1, self.limits.all));
        self.desk.allow(turns);
    }

    /// What is sent and was sent lately.
    #[must_use]
    pub fn rows(&self) -> Vec<UploadRow> {
        self.rows_at(Instant::now())
    }

    fn rows_at(&self, now: Instant) -> Vec<UploadRow> {
        let old = |row: &Row| row.is_quiet() && now.duration_since(row.at) > Self::KEEP;
        let any_old = self.rows.borrow().values().any(old);
        if any_old {
            self.rows.send_modify(|rows| rows.retain(|_, row| !old(row)));
        }
        let rows = self.rows.borrow();
        rows.iter().map(|((peer, content), row)| row.shown(*peer, *content)).collect()
    }

    /// Wakes when an upload begins, waits or ends, but not with every byte.
    #[must_use]
    pub fn changes(&self) -> UploadChanges {
        UploadChanges(self.rows.subscribe())
    }

    /// A turn, if it can begin now.
    pub(super) fn try_turn(&self, peer: PeerId) -> Option<Turn> {
        self.desk.try_turn(peer)
    }

    /// A turn, after waiting for it. Cancel-safe: who goes away gives up its place.
    pub(super) async fn turn(&self, peer: PeerId) -> Result<Turn, Busy> {
        self.desk.turn(peer, Self::WAIT).await
    }

    /// An upload appears in the list, waiting.
    pub(super) fn begin(&self, peer: PeerId, content: ContentId, name: &str, size: u64) -> Upload {
        self.begin_all(peer, vec![(content, name.to_owned(), size)])
    }

    /// Several contents, their names here and their sizes, that are sent together appear, a row for each.
    pub(super) fn begin_all(&self, peer: PeerId, contents: Vec<(ContentId, String, u64)>) -> Upload {
        let mut parts = Vec::with_capacity(contents.len());
        self.rows.send_modify(|rows| {
            for (content, name, size) in contents {
                if rows.len() >= Self::MAX_ROWS && !rows.contains_key(&(peer, content)) {
                    Self::forget_some(rows);
                }
                let row = rows.entry((peer, content)).or_insert_with(|| Row::new(name, size));
                row.waiting += 1;
                (row.is_spoiled, row.at) = (false, Instant::now());
                parts.push(Part { content, size, sent: Arc::clone(&row.sent) });
            }
        });
        Upload { uploads: self.clone(), peer, parts, is_sending: false }
    }

    /// Those that were quiet for the longest go.
    fn forget_some(rows: &mut BTreeMap<(PeerId, ContentId), Row>) {
        let quiet = rows.iter().filter(|(_, row)| row.is_quiet());
        let mut oldest: Vec<_> = quiet.map(|(key, row)| (row.at, *key)).collect();
        oldest.sort_unstable();
        for (_, key) in oldest.iter().take(Self::OLD_ROWS) {
            rows.remove(key);
        }
    }
}

/// See [`Uploads::changes`].
#[derive(Debug)]
pub struct UploadChanges(watch::Receiver<BTreeMap<(PeerId, ContentId), Row>>);

impl UploadChanges {
    /// Waits for the next change; never ends when there are none any more. Cancel-safe.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Row {
    fn new(name: String, size: u64) -> Self {
        Self {
            name,
            size,
            sent: Arc::default(),
            sending: 0,
            waiting: 0,
            is_spoiled: false,
            at: Instant::now(),
        }
    }

    const fn is_quiet(&self) -> bool {
        self.sending == 0 && self.waiting == 0
    }

    fn shown(&self, peer: PeerId, content: ContentId) -> UploadRow {
        let phase = match self {
            Self { is_spoiled: true, .. } => UploadPhase::Spoiled,
            Self { sending: 1.., .. } => UploadPhase::Sending,
            Self { waiting: 1.., .. } => UploadPhase::Waiting,
            _ => UploadPhase::Idle,
        };
        let sent = self.sent.load(Ordering::Relaxed);
        UploadRow { peer, content, name: self.name.clone(), size: self.size, sent, phase }
    }
}

/// A request in the list of uploads, until it is dropped.
#[derive(Debug)]
pub(super) struct Upload {
    uploads: Uploads,
    peer: PeerId,
    /// One, or those that are sent together.
    parts: Vec<Part>,
    is_sending: bool,
}

#[derive(Debug)]
struct Part {
    content: ContentId,
    size: u64,
    sent: Arc<AtomicU64>,
}

impl Upload {
    /// Its turn has come.
    pub(super) fn sending(&mut self) {
        self.is_sending = true;
        self.change(|row| {
            row.waiting = row.waiting.saturating_sub(1);
            row.sending += 1;
        });
    }

    /// The file is not what it was.
    pub(super) fn spoiled(&self) {
        self.change(|row| row.is_spoiled = true);
    }

    /// At most so many of `wanted` bytes may go now; waits as the limit of speed says. Cancel-safe: what
    /// was not waited for is paid for all the same.
    pub(super) async fn part(&self, wanted: usize) -> usize {
        self.uploads.pace.part(self.peer, wanted).await
    }

    /// So many bytes of the one content went.
    pub(super) fn sent(&self, bytes: usize) {
        if let [part] = self.parts.as_slice() {
            part.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Everything went, of each of them.
    pub(super) fn all_sent(&self) {
        for part in &self.parts {
            part.sent.fetch_add(part.size, Ordering::Relaxed);
        }
    }

    /// Between two pieces: if others wait, they come first. `Err` if it takes too long.
    pub(super) async fn let_others(&self, turn: Turn) -> Result<Turn, Busy> {
        if !self.uploads.desk.others_wait(self.peer) {
            return Ok(turn);
        }
        self.again(turn).await
    }

    /// Another turn in place of this one, behind those who wait. `Err` if it takes too long.
    pub(super) async fn again(&self, turn: Turn) -> Result<Turn, Busy> {
        // Who waits is called by this, so that the new request stands behind it.
        drop(turn);
        self.uploads.desk.turn(self.peer, BETWEEN_PIECES).await
    }

    fn change(&self, change: impl Fn(&mut Row)) {
        let now = Instant::now();
        self.uploads.rows.send_if_modified(|rows| {
            let mut is_any = false;
            for part in &self.parts {
                let Some(row) = rows.get_mut(&(self.peer, part.content)) else { continue };
                change(row);
                (row.at, is_any) = (now, true);
            }
            is_any
        });
    }
}

/// How long a body waits between two pieces before it is broken off: its reader has lost patience by then.
const BETWEEN_PIECES: Duration = Duration::from_secs(30);

impl Drop for Upload {
    fn drop(&mut self) {
        let was_sending = self.is_sending;
        self.change(|row| {
            let count = if was_sending { &mut row.sending } else { &mut row.waiting };
            *count = count.saturating_sub(1);
        });
    }
}

/// The limit of speed for all together.
#[derive(Debug)]
struct Pace {
    /// Bytes per second; 0 for none.
    limit: AtomicU64,
    gate: Gate,
    bucket: watch::Sender<Bucket>,
    origin: Instant,
}

impl Pace {
    async fn part(&self, peer: PeerId, wanted: usize) -> usize {
        if self.limit.load(Ordering::Relaxed) == 0 {
            return wanted;
        }
        // Refused only when a thousand wait: then this one waits its seconds without being in the line.
        let turn = self.gate.turn(peer, BETWEEN_PIECES).await;
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == 0 {
            return wanted;
        }
        let (mut part, mut wait) = (0, Duration::ZERO);
        self.bucket.send_modify(|bucket| {
            let rate = ByteRate::per_second(limit);
            (part, wait) = bucket.take(self.origin.elapsed(), rate, wanted as u64);
        });
        sleep(wait).await;
        drop(turn);
        usize::try_from(part).unwrap_or(wanted)
    }
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
