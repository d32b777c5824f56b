//! Marks pieces in the journal while the download goes on: written pieces are collected and synced together, by
//! one thread at a time, often enough that a power loss costs little.

use super::limits::{CHECKPOINT_BYTES, CHECKPOINT_EVERY};
use crate::base::PieceIndex;
use crate::store::partial::{Journal, PartialError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

type Marked = (Journal, Result<(), PartialError>);

/// The pieces of a download that are written and not marked yet.
#[derive(Default)]
pub(super) struct Checkpoint {
    /// Absent while it marks, and for a content of one piece.
    journal: Option<Journal>,
    marking: Option<JoinHandle<Marked>>,
    pending: Vec<PieceIndex>,
    bytes: u64,
    last: Option<Instant>,
    has_failed: bool,
}

impl Checkpoint {
    /// Goes on with this journal.
    pub(super) fn begin(&mut self, journal: Option<Journal>) {
        *self = Self { journal, ..Self::default() };
    }

    /// A piece of so many bytes is written.
    pub(super) fn written(&mut self, piece: PieceIndex, bytes: u64) {
        if self.journal.is_some() || self.marking.is_some() {
            self.pending.push(piece);
            self.bytes += bytes;
        }
    }

    /// Begins to mark, if it is time for it.
    pub(super) fn look(&mut self, now: Instant) {
        let since = *self.last.get_or_insert(now);
        let is_due = self.bytes >= CHECKPOINT_BYTES || now.duration_since(since) >= CHECKPOINT_EVERY;
        if is_due && !self.pending.is_empty() {
            self.start(now);
        }
    }

    fn start(&mut self, now: Instant) {
        let Some(mut journal) = self.journal.take() else { return };
        let pieces = std::mem::take(&mut self.pending);
        (self.bytes, self.last) = (0, Some(now));
        self.marking = Some(tokio::task::spawn_blocking(move || {
            let result = journal.mark(&pieces);
            (journal, result)
        }));
    }

    /// What came of marking, when it is done; never without one under way. Cancel-safe.
    pub(super) async fn done(&mut self) -> Result<(), PartialError> {
        let Some(marking) = &mut self.marking else { return std::future::pending().await };
        let ended = marking.await;
        self.marking = None;
        let result = match ended {
            Ok((journal, result)) => {
                self.journal = Some(journal);
                result
            }
            Err(error) => Err(PartialError::Unsynced(std::io::Error::other(error))),
        };
        self.has_failed |= result.is_err();
        result
    }

    /// Marks what is left and lets the journal go: the download stops. Gives whether all that was written can be
    /// believed: after a sync that failed the system gives back bytes that are not on the disk, and the next sync
    /// says nothing of them.
    pub(super) async fn settle(&mut self) -> bool {
        self.finish_marking().await;
        if !self.pending.is_empty() && !self.has_failed {
            self.start(Instant::now());
            self.finish_marking().await;
        }
        !std::mem::take(self).has_failed
    }

    /// Lets the journal go without marking: the file is whole and gets its name. Not after an error: the file's own
    /// sync would not repeat it.
    pub(super) async fn forget(&mut self) -> Result<(), PartialError> {
        let marked = if self.marking.is_some() { self.done().await } else { Ok(()) };
        *self = Self::default();
        marked
    }

    async fn finish_marking(&mut self) {
        if self.marking.is_some()
            && let Err(error) = self.done().await
        {
            let pieces = self.pending.len();
            tracing::warn!(%error, pieces, "written pieces cannot be marked; they are in doubt at a resume");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentId, PieceLayout};
    use crate::engine::transfer::manifest::PieceHash;
    use crate::store::partial::PartialFile;
    use crate::store::partial::faults::{Fault, inject};
    use std::time::Duration;

    #[tokio::test]
    async fn a_sync_that_fails_while_the_file_gets_its_name_is_heard_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = PieceLayout::of(2 * u64::from(PieceLayout::MIN_PIECE_BYTES)).expect("small");
        let partial =
            PartialFile::create(folder.path(), ContentId::from_bytes([1; 32]), layout).expect("made");
        let mut checkpoint = Checkpoint::default();
        checkpoint.begin(Some(partial.begin_journal(&[PieceHash([0; 32]); 2]).expect("begun")));
        checkpoint.written(layout.last(), CHECKPOINT_BYTES);
        inject(folder.path(), Fault::SyncFails(Duration::ZERO));
        checkpoint.look(Instant::now());
        assert!(matches!(checkpoint.forget().await, Err(PartialError::Unsynced(_))));
        assert!(checkpoint.forget().await.is_ok(), "it is said once");
    }
}
