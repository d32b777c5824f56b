//! Looking things up in the library: from the picture in memory, without touching the disk.

use super::Library;
use crate::base::{ContentId, FolderPath};
use crate::engine::browse::{Ask, Listing};
use crate::engine::index::FileEntry;
use std::path::PathBuf;

impl Library {
    /// The shared files in this folder and below it (as others see folders), by key, from the key `after` on
    /// (exclusive), at most `limit`.
    #[must_use]
    pub fn in_folder(&self, folder: &FolderPath, after: Option<u64>, limit: usize) -> Vec<FileEntry> {
        let mut found = Vec::new();
        let mut from = after.map_or(Some(0), |after| after.checked_add(1));
        // Step by step: whoever opens a file for an upload, and the keeper, need the table meanwhile.
        while let Some(key) = from
            && found.len() < limit
        {
            from = self.shared.table().in_folder(folder, key, limit, &mut found);
        }
        found
    }

    /// A page of what lies right in a folder (as others see folders); of the empty path: the shared folders. A
    /// folder whose name is refused is not there. `None`: there is no such folder.
    #[must_use]
    pub fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
        self.shared.table().browse(folder, ask)
    }

    /// Where a shared file with this content lies.
    #[must_use]
    pub fn known_path(&self, content: ContentId) -> Option<PathBuf> {
        let table = self.shared.table();
        let file = table.holders(content).next()?;
        let share = table.shares.get(&file.share())?;
        Some(share.path.join(file.path()))
    }

    /// Whether a shared file has this content, as far as is known.
    #[must_use]
    pub fn has(&self, content: ContentId) -> bool {
        self.shared.table().holders(content).next().is_some()
    }
}
