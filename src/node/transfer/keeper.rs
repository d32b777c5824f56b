//! Keeps the list of downloads on the disk while it changes.
//!
//! A change that is alone is saved at once; of a stream of them the newest list now and then, so that a thousand small
//! downloads do not keep the disk writing a long list again and again.

use super::limits::{LONGEST_SAVE_PAUSE, SAVE_EVERY, SAVE_SHARE};
use crate::store::downloads::{DownloadStore, SavedDownload};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// A store, and how long its save took.
type Saved = (DownloadStore, std::io::Result<()>, Duration);

/// Saves the list after changes, one save at a time, on a thread that may block.
pub(in crate::node) struct Keeper {
    store: Option<DownloadStore>,
    saving: Option<JoinHandle<Saved>>,
    /// Something is to be saved.
    pub(in crate::node) is_dirty: bool,
    is_failing: bool,
    /// No save begins before this.
    next_at: Instant,
}

impl Keeper {
    /// Saves into `store`, or nowhere.
    pub(in crate::node) fn new(store: Option<DownloadStore>) -> Self {
        Self { store, saving: None, is_dirty: false, is_failing: false, next_at: Instant::now() }
    }

    /// Whether the last save failed: it is tried again soon.
    pub(in crate::node) const fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// What a person changed is saved as soon as may be.
    pub(in crate::node) fn wait_no_longer(&mut self) {
        self.next_at = Instant::now();
    }

    /// Begins to save, if there is something to save, nothing is being saved, and it is time.
    pub(in crate::node) fn save(&mut self, list: impl FnOnce() -> Vec<SavedDownload>) {
        if self.is_dirty && self.next_at <= Instant::now() {
            self.begin(list);
        }
    }

    fn begin(&mut self, list: impl FnOnce() -> Vec<SavedDownload>) {
        let Some(mut store) = self.store.take() else { return };
        self.is_dirty = false;
        let saved = list();
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let result = store.save(&saved);
            (store, result, began.elapsed())
        }));
    }

    /// Returns when a save is done, or when it is time for one that waits; otherwise never. Cancel-safe.
    pub(in crate::node) async fn may_go_on(&mut self) {
        if self.saving.is_some() {
            self.saved().await;
        } else if self.is_dirty && self.store.is_some() {
            sleep_until(self.next_at).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when the save is done that is under way, if one is. Cancel-safe.
    async fn saved(&mut self) {
        let Some(saving) = &mut self.saving else { return };
        let ended = saving.await;
        self.saving = None;
        match ended {
            Ok((store, result, took)) => {
                self.store = Some(store);
                self.next_at = Instant::now() + (took * SAVE_SHARE).clamp(SAVE_EVERY, LONGEST_SAVE_PAUSE);
                let was_failing = std::mem::replace(&mut self.is_failing, result.is_err());
                if let Err(error) = result
                    && !was_failing
                {
                    tracing::error!(%error, "the list of downloads cannot be saved; it is tried again each second");
                }
            }
            Err(error) => tracing::error!(%error, "the list of downloads is not saved any more"),
        }
    }

    /// The last word: the peer is stopping.
    pub(in crate::node) async fn close(mut self, list: impl FnOnce() -> Vec<SavedDownload>) {
        self.saved().await;
        self.begin(list);
        self.saved().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ContentId;
    use crate::store::RealDisk;
    use crate::store::downloads::{SavedJob, SavedState};

    /// A list that is told from others by the number of its download.
    fn list(id: u64) -> Vec<SavedDownload> {
        let content = ContentId::from_bytes([1; 32]);
        vec![SavedDownload {
            id,
            job: SavedJob::File { content, name: None, from: Vec::new(), via_rpc: false },
            to: "/downloads".into(),
            state: SavedState::Wanted,
            shown_name: "film.mkv".to_owned(),
            size: 3,
            done: 1,
            seconds: 0.5,
            path: None,
            reason: Default::default(),
        }]
    }

    #[tokio::test]
    async fn a_stream_of_changes_is_saved_now_and_then_and_the_last_one_for_sure() {
        let home = tempfile::tempdir().expect("a folder");
        let read = || DownloadStore::open(home.path(), RealDisk).expect("opened").1;
        let mut keeper = Keeper::new(Some(DownloadStore::open(home.path(), RealDisk).expect("opened").0));
        // One alone, at once.
        keeper.is_dirty = true;
        keeper.save(|| list(1));
        keeper.may_go_on().await;
        assert_eq!(read()[0].id, 1);
        let began = Instant::now();
        let mut saves = 0;
        for id in 2..2_000 {
            keeper.is_dirty = true;
            keeper.save(|| list(id));
            if keeper.saving.is_some() {
                saves += 1;
                keeper.may_go_on().await;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let most = began.elapsed().as_millis() / SAVE_EVERY.as_millis() + 1;
        assert!(saves <= most, "{saves} saves of {most}");
        // The last one came perhaps too soon after a save.
        keeper.is_dirty = true;
        keeper.may_go_on().await;
        keeper.save(|| list(2_000));
        keeper.may_go_on().await;
        assert_eq!(read()[0].id, 2_000);
        keeper.close(|| list(2_001)).await;
        assert_eq!(read()[0].id, 2_001);
    }
}
