//! The index of the group's files: who has which. Soft state of the tracker, owned by the peers.

mod entry;

pub use entry::{Change, FileEntry, IndexPosition};
