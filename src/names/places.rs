//! A bounded number of places for what callers have the service do, shared out so that no single one takes them all.

use crate::base::PeerId;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Into how many buckets callers fall, by their id.
const BUCKETS: usize = 64;

/// The places.
#[derive(Debug)]
pub(super) struct Places(Vec<Semaphore>);

impl Places {
    /// So many for the callers of each of 64 buckets.
    pub(super) fn new(per_bucket: usize) -> Self {
        Self((0..BUCKETS).map(|_| Semaphore::new(per_bucket)).collect())
    }

    /// A place for a caller, if one is free, for as long as it is held.
    pub(super) fn take(&self, caller: PeerId) -> Option<SemaphorePermit<'_>> {
        let number = usize::from(caller.as_bytes()[0]) % self.0.len();
        self.0.get(number)?.try_acquire().ok()
    }
}
