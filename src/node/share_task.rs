//! Keeps the tracker told of this peer's files: everything to every new tracker, every change at once.
//!
//! Invariant: whatever is lost on the way, within [`CHECK`] of the last change the tracker's list is this
//! peer's list again. It holds because every call's answer is waited for, every answer that does not fit
//! begins the announcement anew, and without any change the whole is compared every second (`announce_begin`
//! with the running digest, which costs nothing where nothing is missing).
//!
//! What is absent on purpose: knowledge of folders and files. The library numbers the changes; this task
//! only carries them.

use super::GroupState;
use super::search::other_target;
use crate::base::{Epoch, PeerId};
use crate::engine::index::{
    Announcement, Change, Chunk, Delta, EntryHash, FileEntry, IndexPosition, ListDigest,
};
use crate::net::{CallError, IndexCalls};
use crate::wire::codes::Code;
use crate::wire::convert::MAX_FILES;
use crate::wire::index::{AnnounceAnswer, BeginAnswer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How often the whole is compared while nothing changes.
pub const CHECK: Duration = Duration::from_secs(1);
/// The first pause after a failure; it doubles up to [`MAX_PAUSE`]. A new tracker is told at once.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The most bytes of JSON in a chunk or a delta, less the parameters around the files.
const MAX_JSON_BYTES: usize = 1024 * 1024 - 1024;
/// The most bytes of JSON that an entry takes without its name: two numbers, a hash and the keys around.
/// A name takes as many bytes as it has, since no character that JSON escapes is allowed in it.
const ENTRY_BYTES: usize = 176;
/// The key and the quotes of a folder.
const FOLDER_BYTES: usize = 12;

/// The list of this peer's files, as the library keeps it.
pub trait AnnouncedFiles: Send + Sync + 'static {
    /// Where the list stands; durable.
    fn position(&self) -> IndexPosition;

    /// All files by key, and where the list stands with them.
    fn entries(&self) -> (IndexPosition, Vec<FileEntry>);

    /// The changes after `seq`, in order: the n-th one has the number `seq + n`. `None` if they are not
    /// known any more.
    fn changes_since(&self, seq: u64) -> Option<Vec<Change>>;

    /// The number of the last change, each time that it grew.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// Announces `files` to whoever is tracker, for as long as `group` is published.
pub async fn share_task<F: AnnouncedFiles, C: IndexCalls>(
    files: Arc<F>,
    mut group: watch::Receiver<Arc<GroupState>>,
    calls: C,
) {
    let mut changed = files.changed();
    let mut own = OwnList::load(&*files);
    loop {
        let Some((epoch, tracker)) = group.borrow_and_update().target() else {
            if group.changed().await.is_err() {
                return;
            }
            continue;
        };
        let to = Announcer { files: &*files, calls: &calls, epoch, tracker };
        tokio::select! {
            () = to.keep_told(&mut own, &mut changed) => {}
            () = other_target(&mut group, (epoch, tracker)) => {}
        }
    }
}

/// What this peer's list was when it was last looked at: with it the digest is kept up change by change.
struct OwnList {
    position: IndexPosition,
    hashes: BTreeMap<u64, EntryHash>,
    digest: ListDigest,
}

impl OwnList {
    fn load(files: &impl AnnouncedFiles) -> Self {
        let (position, entries) = files.entries();
        Self::of(position, &entries)
    }

    fn of(position: IndexPosition, entries: &[FileEntry]) -> Self {
        let hashes: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key, EntryHash::of(entry))).collect();
        let mut digest = ListDigest::default();
        for hash in hashes.values() {
            digest.add(*hash);
        }
        Self { position, hashes, digest }
    }

    /// Brings it up to date; gives what changed, or `None` if that is not known and everything was loaded.
    fn refresh(&mut self, files: &impl AnnouncedFiles) -> Option<Vec<Change>> {
        let same = files.position().index_id == self.position.index_id;
        let Some(changes) = files.changes_since(self.position.seq).filter(|_| same) else {
            *self = Self::load(files);
            return None;
        };
        for change in &changes {
            self.apply(change);
        }
        Some(changes)
    }

    fn apply(&mut self, change: &Change) {
        let replaced = match change {
            Change::Put(entry) => {
                let hash = EntryHash::of(entry);
                self.digest.add(hash);
                self.hashes.insert(entry.key, hash)
            }
            Change::Remove(key) => self.hashes.remove(key),
        };
        if let Some(hash) = replaced {
            self.digest.remove(hash);
        }
        self.position.seq += 1;
    }

    fn announcement(&self) -> Announcement {
        let count = self.hashes.len() as u64;
        Announcement { position: self.position, count, digest: self.digest.to_bytes() }
    }
}

/// What came of a step of the announcement.
enum Step {
    /// The tracker has everything up to this number.
    Told(u64),
    /// The tracker misses something, or is busy (then for so long): begin again after a pause.
    Again(Duration),
}

/// One tracker of one epoch, and what it is told.
struct Announcer<'a, F, C> {
    files: &'a F,
    calls: &'a C,
    epoch: Epoch,
    tracker: PeerId,
}

impl<F: AnnouncedFiles, C: IndexCalls> Announcer<'_, F, C> {
    /// Tells this tracker everything and then every change; never ends by itself.
    async fn keep_told(&self, own: &mut OwnList, changed: &mut watch::Receiver<u64>) {
        let mut told = None;
        let mut pause = MIN_PAUSE;
        loop {
            // Marked before the list is read: a change in between wakes this loop once more.
            changed.mark_unchanged();
            let step = match told {
                Some(seq) => self.tell_changes(own, seq).await,
                None => self.tell_all(own).await,
            };
            match step {
                Ok(Step::Told(seq)) => {
                    (told, pause) = (Some(seq), MIN_PAUSE);
                    match timeout(CHECK, changed.changed()).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => sleep(CHECK).await,
                        Err(_) => told = None,
                    }
                }
                Ok(Step::Again(wait)) => {
                    told = None;
                    sleep(pause.max(wait)).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                Err(error) => {
                    self.log(&error, pause);
                    told = None;
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    fn log(&self, error: &CallError, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let (tracker, epoch) = (self.tracker.short(), self.epoch.number());
        if error.is(Code::BadParameter) {
            tracing::warn!(tracker, epoch, retry_after_millis = millis, "files not announced: {error}");
        } else {
            tracing::debug!(tracker, epoch, retry_after_millis = millis, "files not announced yet: {error}");
        }
    }

    /// Begins an announcement and does what the tracker asks for.
    async fn tell_all(&self, own: &mut OwnList) -> Result<Step, CallError> {
        own.refresh(self.files);
        match self.calls.begin(self.tracker, self.epoch, own.announcement()).await? {
            BeginAnswer::UpToDate => Ok(Step::Told(own.position.seq)),
            BeginAnswer::SendFrom(seq) => match self.files.changes_since(seq) {
                Some(changes) if self.files.position().index_id == own.position.index_id => {
                    self.send_changes(own.position.index_id, seq, changes).await
                }
                _ => self.send_everything(own).await,
            },
            BeginAnswer::SendAll => self.send_everything(own).await,
            BeginAnswer::Busy(millis) => Ok(Step::Again(Duration::from_millis(millis).min(MAX_PAUSE))),
        }
    }

    /// Sends the changes since the tracker's last answer.
    async fn tell_changes(&self, own: &mut OwnList, told: u64) -> Result<Step, CallError> {
        if own.refresh(self.files).is_none() {
            return self.tell_all(own).await;
        }
        match self.files.changes_since(told) {
            Some(changes) => self.send_changes(own.position.index_id, told, changes).await,
            None => self.tell_all(own).await,
        }
    }

    async fn send_changes(
        &self,
        index_id: [u8; 16],
        mut seq: u64,
        changes: Vec<Change>,
    ) -> Result<Step, CallError> {
        let bytes = |change: &Change| match change {
            Change::Put(entry) => entry_bytes(entry),
            Change::Remove(_) => ENTRY_BYTES,
        };
        for changes in parts(changes, bytes) {
            let delta = Delta { index_id, prev_seq: seq, seq: seq + changes.len() as u64, changes };
            seq = delta.seq;
            match self.calls.delta(self.tracker, self.epoch, delta).await? {
                AnnounceAnswer::Accepted => {}
                AnnounceAnswer::Gap(_) => return Ok(Step::Again(Duration::ZERO)),
            }
        }
        Ok(Step::Told(seq))
    }

    /// Sends the whole list; the tracker waits for its chunks.
    async fn send_everything(&self, own: &mut OwnList) -> Result<Step, CallError> {
        let (position, entries) = self.files.entries();
        if position != own.position {
            *own = OwnList::of(position, &entries);
            if self.calls.begin(self.tracker, self.epoch, own.announcement()).await? == BeginAnswer::UpToDate
            {
                return Ok(Step::Told(position.seq));
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
            let chunk = Chunk { index_id: position.index_id, number, last, files };
            match self.calls.chunk(self.tracker, self.epoch, chunk).await? {
                AnnounceAnswer::Accepted => {}
                AnnounceAnswer::Gap(_) => return Ok(Step::Again(Duration::ZERO)),
            }
        }
        Ok(Step::Told(position.seq))
    }
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
            Some(part) if size <= room && part.len() < MAX_FILES => part.push(item),
            _ => {
                room = MAX_JSON_BYTES;
                parts.push(vec![item]);
            }
        }
        room -= size;
    }
    parts
}
