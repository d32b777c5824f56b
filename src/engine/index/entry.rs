//! What a peer tells the tracker about its files.

use crate::base::{ContentId, FileName, FolderPath};

/// Where a peer's list stands. `index_id` is random and new when the local database is new; `seq` grows
/// by one with every change and is durable before the change is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexPosition {
    /// Which local database.
    pub index_id: [u8; 16],
    /// The number of its last change.
    pub seq: u64,
}

/// A file of a peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileEntry {
    /// Its number in the peer's database: stays when it is renamed or changed.
    pub key: u64,
    /// The folder that it lies in, from the shared folder's own name on; empty: not said.
    pub folder: FolderPath,
    /// What it is called.
    pub name: FileName,
    /// Bytes.
    pub size: u64,
    /// What it is; `None` while it is being hashed.
    pub content: Option<ContentId>,
}

/// A change of a peer's list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// New, renamed, changed or now hashed: replaces what has the same key.
    Put(FileEntry),
    /// Gone.
    Remove(u64),
}
