//! The library as the announcing task sees it.

use super::share_task::AnnouncedFiles;
use crate::engine::index::{Change, FileEntry, IndexPosition};
use crate::store::Library;
use tokio::sync::watch;

impl AnnouncedFiles for Library {
    fn position(&self) -> IndexPosition {
        Self::position(self)
    }

    fn entries(&self) -> (IndexPosition, Vec<FileEntry>) {
        Self::entries(self)
    }

    fn changes_since(&self, seq: u64) -> Option<Vec<Change>> {
        Self::changes_since(self, seq)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        Self::changed(self)
    }
}
