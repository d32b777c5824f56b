//! The memory for pieces that arrive, bounded for all downloads together.
//!
//! A piece holds what has come of it, not its whole length: a slow source would keep memory from the others that it does
//! not use. Invariant: somebody always may go on to the end of his piece, also when all memory is held by pieces that are
//! not whole; so the bound is [`PIECE_MEMORY_BYTES`], one piece, and the few buffers that are used again.

use super::limits::{CONNECTIONS_PER_SOURCE, MAX_WRITERS, PIECE_MEMORY_BYTES};
use crate::base::PieceLayout;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is taken at once.
const UNIT: usize = PieceLayout::MIN_PIECE_BYTES as usize;

/// The memory. Cheap to clone.
#[derive(Clone)]
pub(super) struct PieceMemory {
    units: Arc<Semaphore>,
    beyond: Arc<Semaphore>,
    /// Buffers that are used again, lent or not.
    kept: Arc<Semaphore>,
    spare: Arc<Mutex<Spare>>,
}

/// Buffers of pieces that are written, for the next ones: memory that is given back to the system and taken again costs
/// a fault a page, a tenth of a download's processor time.
#[derive(Default)]
struct Spare {
    /// Who may take them.
    runs: usize,
    buffers: Vec<Kept>,
}

/// A buffer all of which may be there, whatever has come of its piece: so there are only [`MAX_KEPT`].
struct Kept {
    memory: Vec<u8>,
    right: OwnedSemaphorePermit,
}

/// For a source that is as fast as it goes, and the pieces that are being written.
const MAX_KEPT: usize = MAX_WRITERS + CONNECTIONS_PER_SOURCE;

/// What a piece's memory begins at a multiple of: disks take it from there.
const PAGE: usize = 4096;

/// A piece that arrives, at the beginning of a page.
pub(super) struct Buffer {
    memory: Vec<u8>,
    start: usize,
    /// If it is to be used again.
    right: Option<OwnedSemaphorePermit>,
}

/// Where a run of pieces takes its buffers from. The spare ones go with the last run.
pub(super) struct Buffers(PieceMemory);

/// What a piece holds of it. Dropped, it gives that back.
pub(super) struct Held {
    memory: Option<PieceMemory>,
    units: Option<OwnedSemaphorePermit>,
    bytes: usize,
    /// The right to go on without more of it.
    beyond: Option<OwnedSemaphorePermit>,
}

impl PieceMemory {
    pub(super) fn new() -> Self {
        let units = PIECE_MEMORY_BYTES as usize / UNIT;
        let (units, beyond) = (Arc::new(Semaphore::new(units)), Arc::new(Semaphore::new(1)));
        Self { units, beyond, kept: Arc::new(Semaphore::new(MAX_KEPT)), spare: Arc::default() }
    }

    /// For the pieces of a run.
    pub(super) fn buffers(&self) -> Buffers {
        let buffers = Buffers(self.clone());
        buffers.spare().runs += 1;
        buffers
    }

    /// Of a piece of which nothing has come yet.
    pub(super) fn none(&self) -> Held {
        Held { memory: Some(self.clone()), units: None, bytes: 0, beyond: None }
    }
}

impl Buffers {
    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty one with room for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Buffer {
        let room = bytes + PAGE;
        let spare = self.spare().buffers.pop().filter(|spare| spare.memory.capacity() >= room);
        let (mut memory, right) = match spare {
            Some(Kept { memory, right }) => (memory, Some(right)),
            None => (Vec::new(), self.0.kept.clone().try_acquire_owned().ok()),
        };
        memory.clear();
        memory.reserve_exact(room);
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        memory.resize(start, 0);
        Buffer { memory, start, right }
    }

    /// One that is done with.
    pub(super) fn give(&self, buffer: Buffer) {
        if let Buffer { memory, right: Some(right), .. } = buffer {
            self.spare().buffers.push(Kept { memory, right });
        }
    }
}

impl Buffer {
    /// To be appended to, at most what there is room for.
    pub(super) const fn memory(&mut self) -> &mut Vec<u8> {
        &mut self.memory
    }

    /// What was appended.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..]
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let mut spare = self.spare();
        spare.runs -= 1;
        if spare.runs == 0 {
            spare.buffers = Vec::new();
        }
    }
}

impl Held {
    /// Of something that is bounded otherwise.
    pub(super) const fn unbounded() -> Self {
        Self { memory: None, units: None, bytes: 0, beyond: None }
    }

    /// Waits until so many bytes may be there. Cancel-safe.
    pub(super) async fn cover(&mut self, bytes: usize) {
        let Some(memory) = &self.memory else { return };
        while self.bytes < bytes && self.beyond.is_none() {
            // Neither is ever closed.
            tokio::select! {
                biased;
                Ok(unit) = memory.units.clone().acquire_owned() => {
                    self.bytes += UNIT;
                    match &mut self.units {
                        Some(units) => units.merge(unit),
                        none => *none = Some(unit),
                    }
                }
                Ok(beyond) = memory.beyond.clone().acquire_owned() => self.beyond = Some(beyond),
                else => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    /// Whether so many bytes may be there at once.
    fn may(held: &mut Held, bytes: usize) -> bool {
        tokio::task::unconstrained(held.cover(bytes)).now_or_never().is_some()
    }

    #[tokio::test]
    async fn buffers_are_used_again_and_go_with_the_last_run() {
        let memory = PieceMemory::new();
        let (one, other) = (memory.buffers(), memory.buffers());
        let mut first = one.take(UNIT);
        assert_eq!(first.bytes(), [0; 0]);
        first.memory().extend_from_slice(b"piece");
        let place = first.bytes().as_ptr();
        assert_eq!((place.align_offset(PAGE), first.bytes()), (0, b"piece".as_slice()));
        one.give(first);
        let again = other.take(UNIT / 2);
        assert_eq!((again.bytes().as_ptr(), again.bytes().len()), (place, 0), "the same memory, empty");
        other.give(again);
        assert!(other.take(2 * UNIT).memory().capacity() > 2 * UNIT, "too small a one is not used");
        let mut all: Vec<_> = (0..2 * MAX_KEPT).map(|_| one.take(UNIT)).collect();
        drop(all.pop());
        drop(all.remove(0));
        assert!(one.take(UNIT).right.is_some(), "one that was dropped makes room for another");
        for buffer in all {
            one.give(buffer);
        }
        assert_eq!(memory.buffers().spare().buffers.len(), MAX_KEPT - 1);
        drop(one);
        assert_eq!(other.spare().buffers.len(), MAX_KEPT - 1, "somebody may still take them");
        drop(other);
        assert!(memory.buffers().spare().buffers.is_empty());
    }

    #[tokio::test]
    async fn somebody_always_goes_on_to_the_end_of_a_piece() {
        let memory = PieceMemory::new();
        let all = PIECE_MEMORY_BYTES as usize;
        let mut slow = memory.none();
        assert!(may(&mut slow, all));
        let (mut one, mut other) = (memory.none(), memory.none());
        assert!(may(&mut one, 10 * UNIT), "beyond the bound, to the end");
        assert!(!may(&mut other, 1), "nobody else meanwhile");
        drop(one);
        assert!(may(&mut other, 1));
        drop((slow, other));
        let mut many: Vec<_> = (0..all / UNIT).map(|_| memory.none()).collect();
        for held in &mut many {
            assert!(may(held, UNIT) && held.beyond.is_none(), "all of it came back");
        }
    }
}
