//! What this peer's list is, as it is announced: with every change its digest is kept up.

use super::AnnouncedFiles;
use crate::engine::index::{Announcement, Change, EntryHash, FileEntry, IndexPosition, ListDigest};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{spawn_blocking, yield_now};

/// How many changes are hashed at once: a millisecond or two.
const AT_ONCE: usize = 2_048;

/// The hash of every file, their sum, and where the list stood when it was last looked at.
pub(super) struct OwnList {
    position: IndexPosition,
    hashes: BTreeMap<u64, EntryHash>,
    digest: ListDigest,
}

impl OwnList {
    /// Reads and hashes everything, on a thread where that may take its time.
    pub(super) async fn load(files: &Arc<impl AnnouncedFiles>) -> Self {
        let reading = files.clone();
        let loaded = spawn_blocking(move || {
            let (position, entries) = reading.entries();
            Self::of(position, &entries)
        });
        match loaded.await {
            Ok(loaded) => loaded,
            // The runtime is ending, and this task with it.
            Err(_) => std::future::pending().await,
        }
    }

    fn of(position: IndexPosition, entries: &[FileEntry]) -> Self {
        let hashes: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key, EntryHash::of(entry))).collect();
        let mut digest = ListDigest::default();
        for hash in hashes.values() {
            digest.add(*hash);
        }
        Self { position, hashes, digest }
    }

    /// What is said of it.
    pub(super) fn announcement(&self) -> Announcement {
        let count = self.hashes.len() as u64;
        Announcement { position: self.position, count, digest: self.digest.to_bytes() }
    }

    /// Brings it up to date.
    async fn refresh(&mut self, files: &Arc<impl AnnouncedFiles>) {
        let same = files.position().index_id == self.position.index_id;
        let Some(changes) = files.changes_since(self.position.seq).filter(|_| same) else {
            *self = Self::load(files).await;
            return;
        };
        for changes in changes.chunks(AT_ONCE) {
            for change in changes {
                self.apply(change);
            }
            if changes.len() == AT_ONCE {
                yield_now().await;
            }
        }
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
}

/// Keeps `own` up to date and publishes what is to be announced; never ends by itself.
pub(super) async fn keep(
    mut own: OwnList,
    files: &Arc<impl AnnouncedFiles>,
    mut changed: watch::Receiver<u64>,
    publish: watch::Sender<Announcement>,
) {
    loop {
        // Marked before the list is read: a change in between wakes this loop once more.
        changed.mark_unchanged();
        own.refresh(files).await;
        publish.send_if_modified(|known| std::mem::replace(known, own.announcement()) != *known);
        if changed.changed().await.is_err() {
            // The library is closed: it stays as it is.
            std::future::pending::<()>().await;
        }
    }
}
