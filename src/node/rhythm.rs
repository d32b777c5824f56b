//! The rhythm of the tracker's heartbeats as this peer hears them: for the connection check.
//!
//! Invariant: the timing thread writes without a lock and never waits. A reader may see an interval of
//! the round before: it is for people.

use crate::wire::group::Heartbeats;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// How many intervals are kept: the last fifty seconds.
const KEPT: usize = 512;

/// The last intervals between heartbeats. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Rhythm(Arc<Intervals>);

#[derive(Debug)]
struct Intervals {
    /// In microseconds; 0: none yet.
    micros: [AtomicU32; KEPT],
    next: AtomicUsize,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self(Arc::new(Intervals { micros: [const { AtomicU32::new(0) }; KEPT], next: AtomicUsize::new(0) }))
    }
}

impl Rhythm {
    /// A heartbeat came so long after the one before.
    pub(super) fn heard(&self, interval: Duration) {
        let micros = u32::try_from(interval.as_micros()).unwrap_or(u32::MAX).max(1);
        let at = self.0.next.fetch_add(1, Ordering::Relaxed) % KEPT;
        if let Some(slot) = self.0.micros.get(at) {
            slot.store(micros, Ordering::Relaxed);
        }
    }

    /// Another tracker begins another rhythm.
    pub(super) fn begin(&self) {
        for slot in &self.0.micros {
            slot.store(0, Ordering::Relaxed);
        }
    }

    /// How regular they are; `None` if there were none.
    pub(super) fn picture(&self) -> Option<Heartbeats> {
        let mut micros: Vec<u32> = self.0.micros.iter().map(|slot| slot.load(Ordering::Relaxed)).collect();
        micros.retain(|micros| *micros > 0);
        micros.sort_unstable();
        let at =
            |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().checked_sub(1)?));
        Some(Heartbeats {
            count: u32::try_from(micros.len()).unwrap_or(u32::MAX),
            p50_micros: *at(50)?,
            p99_micros: *at(99)?,
            longest_micros: *micros.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_of_the_last_intervals_of_this_tracker() {
        let rhythm = Rhythm::default();
        assert_eq!(rhythm.picture(), None);
        for micros in 0..=600 {
            rhythm.heard(Duration::from_micros(100_000 + micros));
        }
        let expected =
            Heartbeats { count: 512, p50_micros: 100_345, p99_micros: 100_595, longest_micros: 100_600 };
        assert_eq!(rhythm.picture(), Some(expected));
        rhythm.begin();
        rhythm.heard(Duration::from_secs(5_000));
        let one =
            Heartbeats { count: 1, p50_micros: u32::MAX, p99_micros: u32::MAX, longest_micros: u32::MAX };
        assert_eq!(rhythm.picture(), Some(one));
    }
}
