//! The memory for pieces that arrive, bounded for all downloads together.
//!
//! A piece holds what has come of it, not its whole length: a slow source would keep memory from the others that it does
//! not use. Invariant: somebody always may go on to the end of his piece, also when all memory is held by pieces that are
//! not whole; so the bound is [`PIECE_MEMORY_BYTES`] and one piece.

use super::limits::PIECE_MEMORY_BYTES;
use crate::base::PieceLayout;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is taken at once.
const UNIT: usize = PieceLayout::MIN_PIECE_BYTES as usize;

/// The memory. Cheap to clone.
#[derive(Clone)]
pub(super) struct PieceMemory {
    units: Arc<Semaphore>,
    beyond: Arc<Semaphore>,
}

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
        Self { units: Arc::new(Semaphore::new(units)), beyond: Arc::new(Semaphore::new(1)) }
    }

    /// Of a piece of which nothing has come yet.
    pub(super) fn none(&self) -> Held {
        Held { memory: Some(self.clone()), units: None, bytes: 0, beyond: None }
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
