//! What is known of a file that a download brought: the library need not read it to know its hash.

use super::below::Identity;
use crate::base::ContentId;
use crate::engine::transfer::manifest::PieceHash;
use std::fs::File;
use std::sync::Arc;

/// A file whose bytes were verified when they were written, and in which state it was left.
#[derive(Clone, Debug)]
pub struct Verified {
    pub(super) state: Identity,
    pub(super) content: ContentId,
    pub(super) pieces: Arc<Vec<PieceHash>>,
}

impl Verified {
    /// What is said of an open file, when everything is written; `None` if the system does not tell its state, or only
    /// in times so coarse (FAT: two seconds, exFAT: ten milliseconds) that what is written next may not show.
    pub(super) fn of(file: &File, content: ContentId, pieces: Arc<Vec<PieceHash>>) -> Option<Self> {
        const COARSE_NANOS: i64 = 10_000_000;
        let state = Identity::of_open(file).ok()?;
        (state.mtime_nanos % COARSE_NANOS != 0).then_some(Self { state, content, pieces })
    }
}
