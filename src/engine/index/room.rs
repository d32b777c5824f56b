//! How much an index has room for.

use super::Index;

/// The limits of an index: those that it says, but for tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) files: u64,
    pub(super) bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { files: Index::MAX_FILES, bytes: Index::MAX_BYTES }
    }
}

impl Room {
    /// Whether so many files fit, beside so much memory that is in use.
    pub(super) const fn fits(self, files: usize, bytes: usize) -> bool {
        files as u64 <= self.files && bytes < self.bytes
    }
}
