//! Telling one peer, the tracker or a voter, in one epoch.

use super::{AnnouncedFiles, CHECK, CHECK_CHANGED, HeardPosition};
use crate::base::{Epoch, PeerId};
use crate::engine::index::{Announcement, Change, Chunk, Delta, FileEntry, IndexPosition, ListDigest};
use crate::net::{CallError, IndexCalls};
use crate::wire::codes::Code;
use crate::wire::index::{AnnounceAnswer, BeginAnswer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// The first pause after a failure; it doubles up to [`MAX_PAUSE`]. A new tracker is told at once.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that a tracker may ask for.
const MAX_BUSY: Duration = Duration::from_secs(2);
/// A heartbeat that comes sooner than this after an answer may have been sent before it.
const GRACE: Duration = Duration::from_millis(30);
/// How long the answer to a few bytes may take before they are said again: a call that hangs must not hide
/// a way that is free.
const QUICK: Duration = Duration::from_millis(1_500);
/// How many changes are a few bytes.
const FEW: usize = 64;
/// The most bytes of JSON in a chunk or a delta, less the parameters around the files.
const MAX_JSON_BYTES: usize = 1024 * 1024 - 1024;
/// The most files in one: the receiver takes them in in some milliseconds and looks at others then.
const MAX_PART: usize = 2_048;
/// The most bytes of JSON that an entry takes without its name: two numbers, a hash and the keys around.
/// A name takes as many bytes as it has, since no character that JSON escapes is allowed in it.
const ENTRY_BYTES: usize = 176;
/// The key and the quotes of a folder.
const FOLDER_BYTES: usize = 12;
/// The pause between the chunks for a voter: everything else comes first.
const BREATH: Duration = Duration::from_millis(10);

/// What a peer has been told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// Where the list stood.
    pub(super) position: IndexPosition,
    /// When the whole was last found to be the same there.
    pub(super) compared: Instant,
    /// Whether changes were told since.
    pub(super) changed: bool,
}

impl Told {
    fn all(position: IndexPosition) -> Self {
        Self { position, compared: Instant::now(), changed: false }
    }

    /// When the whole is to be compared again.
    fn check_at(&self) -> Instant {
        self.compared + if self.changed { CHECK_CHANGED } else { CHECK }
    }
}

/// What came of a step of the announcement.
pub(super) enum Step {
    /// The peer has everything up to here.
    Told(Told),
    /// It misses something: begin again.
    Again,
    /// It is busy: begin again after so long.
    Later(Duration),
}

/// One peer of one epoch, and what it is told.
pub(super) struct Announcer<'a, F, C> {
    pub(super) files: &'a Arc<F>,
    pub(super) calls: &'a C,
    pub(super) announced: &'a watch::Receiver<Announcement>,
    pub(super) epoch: Epoch,
    pub(super) to: PeerId,
    /// Whether it is a voter that keeps a copy in case that it is elected.
    pub(super) standby: bool,
}

/// The pauses after failures.
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) const fn new() -> Self {
        Self(MIN_PAUSE)
    }

    /// How long to wait after a step that did not succeed.
    pub(super) fn after(&mut self, step: &Result<Step, CallError>) -> Duration {
        match step {
            Ok(Step::Told(_)) => Duration::ZERO,
            Ok(Step::Later(wait)) => (*wait).clamp(MIN_PAUSE, MAX_BUSY),
            Ok(Step::Again) | Err(_) => {
                let pause = self.0;
                self.0 = (pause * 2).min(MAX_PAUSE);
                pause
            }
        }
    }
}

/// Tells this tracker everything and then every change; never ends by itself.
pub(super) async fn keep_told<F: AnnouncedFiles, C: IndexCalls>(
    to: &Announcer<'_, F, C>,
    heard: &mut watch::Receiver<Option<HeardPosition>>,
    settle: &watch::Sender<Option<Epoch>>,
) {
    let mut told = None;
    let mut pause = Pause::new();
    loop {
        match to.step(told).await {
            Ok(Step::Told(now)) => {
                pause = Pause::new();
                settle.send_if_modified(|settled| settled.replace(to.epoch) != Some(to.epoch));
                told = to.until_there_is_more(now, heard).await;
            }
            failed => {
                let wait = pause.after(&failed);
                to.log(&failed, wait);
                told = None;
                sleep(wait).await;
            }
        }
    }
}

impl<F: AnnouncedFiles, C: IndexCalls> Announcer<'_, F, C> {
    /// Tells what this peer does not have.
    ///
    /// # Errors
    /// If the call failed or was refused.
    pub(super) async fn step(&self, told: Option<Told>) -> Result<Step, CallError> {
        match told {
            Some(told) if told.check_at() > Instant::now() => self.tell_changes(told).await,
            _ => self.tell_all().await,
        }
    }

    /// Waits for a change, or for a reason to compare: then `None`.
    async fn until_there_is_more(
        &self,
        told: Told,
        heard: &mut watch::Receiver<Option<HeardPosition>>,
    ) -> Option<Told> {
        let (mut announced, since) = (self.announced.clone(), Instant::now());
        heard.mark_unchanged();
        loop {
            let now = announced.borrow_and_update().position;
            if now.index_id != told.position.index_id || now.seq > told.position.seq {
                return Some(told);
            }
            tokio::select! {
                changed = announced.changed() => if changed.is_err() { std::future::pending::<()>().await },
                Ok(()) = heard.changed() => {
                    let other = |heard: HeardPosition| {
                        heard.epoch == self.epoch && heard.known != Some(told.position)
                    };
                    if since.elapsed() >= GRACE && heard.borrow_and_update().is_some_and(other) {
                        return None;
                    }
                }
                () = sleep_until(told.check_at()) => return None,
            }
        }
    }

    fn log(&self, failed: &Result<Step, CallError>, wait: Duration) {
        let Err(error) = failed else { return };
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let (peer, epoch) = (self.to.short(), self.epoch.number());
        if error.is(Code::BadParameter) {
            tracing::warn!(peer, epoch, retry_after_millis = millis, "files not announced: {error}");
        } else {
            tracing::debug!(peer, epoch, retry_after_millis = millis, "files not announced yet: {error}");
        }
    }

    /// Begins an announcement and does what the other side asks for.
    async fn tell_all(&self) -> Result<Step, CallError> {
        let announced = self.newest().await;
        match self.begin(announced).await? {
            BeginAnswer::UpToDate => Ok(Step::Told(Told::all(announced.position))),
            BeginAnswer::SendFrom(seq) => match self.changes(seq, announced.position) {
                Some(changes) => self.send_changes(seq, changes, Told::all(announced.position)).await,
                None => self.send_everything(announced).await,
            },
            BeginAnswer::SendAll => self.send_everything(announced).await,
            BeginAnswer::Busy(millis) => Ok(Step::Later(Duration::from_millis(millis))),
        }
    }

    /// What is announced, not older than the list at this moment: the other side may have seen that already.
    async fn newest(&self) -> Announcement {
        let now = self.files.position();
        let reached = |it: &Announcement| it.position.index_id != now.index_id || it.position.seq >= now.seq;
        let mut announced = self.announced.clone();
        let found = announced.wait_for(reached).await.map(|found| *found);
        match found {
            Ok(found) => found,
            // Whoever keeps it is gone, and this task with it.
            Err(_) => std::future::pending().await,
        }
    }

    async fn begin(&self, announced: Announcement) -> Result<BeginAnswer, CallError> {
        quick(self.calls.begin(self.to, self.epoch, announced, self.standby)).await
    }

    /// The changes after `seq` up to what is announced; `None` if they are not known.
    fn changes(&self, seq: u64, until: IndexPosition) -> Option<Vec<Change>> {
        let wanted = usize::try_from(until.seq.checked_sub(seq)?).ok()?;
        if self.files.position().index_id != until.index_id {
            return None;
        }
        let mut changes = self.files.changes_since(seq)?;
        changes.truncate(wanted);
        Some(changes)
    }

    /// Sends the changes since the last answer.
    async fn tell_changes(&self, told: Told) -> Result<Step, CallError> {
        let until = self.announced.borrow().position;
        if until.index_id != told.position.index_id {
            return self.tell_all().await;
        }
        if until.seq <= told.position.seq {
            return Ok(Step::Told(told));
        }
        match self.changes(told.position.seq, until) {
            Some(changes) => {
                let after = Told { position: until, changed: true, ..told };
                self.send_changes(told.position.seq, changes, after).await
            }
            None => self.tell_all().await,
        }
    }

    async fn send_changes(&self, mut seq: u64, changes: Vec<Change>, after: Told) -> Result<Step, CallError> {
        let bytes = |change: &Change| match change {
            Change::Put(entry) => entry_bytes(entry),
            Change::Remove(_) => ENTRY_BYTES,
        };
        let index_id = after.position.index_id;
        for changes in parts(changes, bytes) {
            let few = changes.len() <= FEW;
            let delta = Delta { index_id, prev_seq: seq, seq: seq + changes.len() as u64, changes };
            seq = delta.seq;
            let call = self.calls.delta(self.to, self.epoch, delta);
            let answer = if few { quick(call).await? } else { call.await? };
            match answer {
                AnnounceAnswer::Accepted => {}
                AnnounceAnswer::Gap(_) => return Ok(Step::Again),
            }
        }
        Ok(Step::Told(after))
    }

    /// Sends the whole list; the other side waits for its chunks.
    async fn send_everything(&self, announced: Announcement) -> Result<Step, CallError> {
        let (now, entries) = self.everything(announced).await;
        if now != announced {
            match self.begin(now).await? {
                BeginAnswer::UpToDate => return Ok(Step::Told(Told::all(now.position))),
                BeginAnswer::Busy(millis) => return Ok(Step::Later(Duration::from_millis(millis))),
                BeginAnswer::SendFrom(_) | BeginAnswer::SendAll => {}
            }
        }
        let mut chunks = parts(entries, entry_bytes);
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        let end = chunks.len() - 1;
        for (number, files) in chunks.into_iter().enumerate() {
            let last = number == end;
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let chunk = Chunk { index_id: now.position.index_id, number, last, files };
            match self.calls.chunk(self.to, self.epoch, chunk).await? {
                AnnounceAnswer::Accepted => {}
                AnnounceAnswer::Gap(_) => return Ok(Step::Again),
            }
            if self.standby && !last {
                sleep(BREATH).await;
            }
        }
        Ok(Step::Told(Told::all(now.position)))
    }

    /// The whole list with what is to be said of it, read on a thread where that may take its time.
    async fn everything(&self, announced: Announcement) -> (Announcement, Vec<FileEntry>) {
        let files = self.files.clone();
        let read = spawn_blocking(move || {
            let (position, entries) = files.entries();
            if position == announced.position {
                return (announced, entries);
            }
            let digest = ListDigest::of(&entries).to_bytes();
            (Announcement { position, count: entries.len() as u64, digest }, entries)
        });
        match read.await {
            Ok(read) => read,
            // The runtime is ending, and this task with it.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Waits for an answer that is to come quickly.
async fn quick<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    timeout(QUICK, call).await.unwrap_or(Err(CallError::TimedOut(QUICK)))
}

fn entry_bytes(entry: &FileEntry) -> usize {
    // The most: a folder that is said again is left out.
    ENTRY_BYTES + FOLDER_BYTES + entry.name.as_str().len() + entry.folder.as_str().len()
}

/// Cuts a list into parts that fit one call each.
fn parts<T>(items: Vec<T>, bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in items {
        let size = bytes(&item);
        match parts.last_mut() {
            Some(part) if size <= room && part.len() < MAX_PART => part.push(item),
            _ => {
                room = MAX_JSON_BYTES;
                parts.push(vec![item]);
            }
        }
        room -= size;
    }
    parts
}
